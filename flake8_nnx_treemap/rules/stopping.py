"""Writes the predicates that stop a traversal: the lambda, the name of its parameter, and where it goes in a call."""

from __future__ import annotations

import ast
from functools import cache
from itertools import chain, count

from flake8_nnx_treemap.analysis.calls.predicates import LeafTest
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall
from flake8_nnx_treemap.analysis.code.nodes import is_none_test, nodes_below
from flake8_nnx_treemap.analysis.code.text import parse_expression
from flake8_nnx_treemap.names import WRAPPERS
from flake8_nnx_treemap.rules.steps import AddKeyword, Replace, Step

_NAMES = ("x", "node", "leaf")
"""Names for the parameter of a predicate, in order of preference."""


@cache
def parameter_for(types: str, *preferred: str) -> str:
    """Return a name for a predicate's parameter that hides no name in its types.

    Args:
        types: the second argument of ``isinstance``, as source text.
        preferred: names to try first.
    """
    expression = parse_expression(f"({types})")
    taken = {node.id for node in nodes_below([expression], ast.Name)} if expression is not None else set()
    names = chain(preferred, _NAMES, (f"node{number}" for number in count(1)))
    return next(name for name in names if name not in taken)


def stopping_at(types: str, *preferred: str, takes_path: bool | None = False) -> str:
    """Return the lambda that is true for instances of some types, as source text; see ``parameter_for``.

    With ``takes_path`` it takes a key path before the node.
    """
    name = parameter_for(types, *preferred)
    path = next(one for one in ("path", "path_", "key_path") if one not in types) + ", " if takes_path else ""
    return f"lambda {path}{name}: isinstance({name}, {types})"


def stop_step(call: TreeCall, types: str) -> Step | None:
    """Return the step that makes a call without a predicate stop at some types.

    Args:
        call: the call. If it is given a literal ``None`` as ``is_leaf``, the predicate replaces that.
        types: the second argument of ``isinstance``, as source text.

    Returns:
        The step; ``None`` where the predicate would be a second one, or may have to take a path.
    """
    if call.partial is not None or call.takes_path is None:
        return None  # Other calls use the arguments of a partial, too.
    if call.none_for_is_leaf is not None:
        return Replace(call.none_for_is_leaf, stopping_at(types, takes_path=call.takes_path), with_parentheses=True)
    if call.more_trees and call.function.is_leaf_position is not None:
        return None  # The starred arguments may bring an ``is_leaf``.
    return AddKeyword(call.node, f"is_leaf={stopping_at(types, takes_path=call.takes_path)}")


def stops_elsewhere(test: LeafTest) -> bool:
    """Tell whether a predicate may also stop at nodes that are not wrappers, which the mapper may be meant for."""
    names = [found.name for one in test.tests for found in one.types]
    only_narrows = bool(test.tests) and all(one.is_conditional for one in test.tests)
    return not WRAPPERS.issuperset(names) or not (only_narrows or all(map(is_none_test, test.others)))
