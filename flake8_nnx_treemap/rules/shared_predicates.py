"""Counts the uses of a predicate that has a name, where all of them are known."""

from __future__ import annotations

import ast

from flake8_nnx_treemap.analysis.calls.functions import binding_of
from flake8_nnx_treemap.analysis.calls.predicates import LeafTest
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.analysis.names.uses import names_bound_by
from flake8_nnx_treemap.rules import safety


def uses_of_predicate(source: ParsedSource, call: TreeCall, test: LeafTest) -> int | None:
    """Return how often a predicate is used that a file defines under a name.

    Args:
        source: the file.
        call: a call that is given the predicate.
        test: the predicate.

    Returns:
        The number of uses; ``None`` if the call does not name the predicate itself, or if it may be used elsewhere.
    """
    name, function = test.expression, test.function
    if not isinstance(name, ast.Name) or function.home is not None or function.bound or function.decorators:
        return None
    parent = source.ast_parent(name)
    if parent is not call.node and (parent is None or source.ast_parent(parent) is not call.node):
        return None
    binding = binding_of(source, name)
    if isinstance(binding, Unknown) or not source.bindings.is_bound_once(binding):
        return None
    definition, statement = function.definition, binding.node
    is_def = statement is definition
    if not is_def and (binding.value is not definition or binding.path or not _is_plain(source, definition)):
        return None
    if not safety.definition_is_used_in_the_open(source, name.id, definition):
        return None
    return sum(1 for _ in names_bound_by(source, name.id, definition))


def _is_plain(source: ParsedSource, value: ast.AST) -> bool:
    """Tell whether a value is assigned to one name and to nothing else: ``is_var = lambda x: …``."""
    statement = source.ast_parent(value)
    return (
        isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name)
    )
