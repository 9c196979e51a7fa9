"""Calls that may be one of a tree function, as the ``ast`` has them: what LibCST is asked to parse, if anything is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.names.bindings import Binding, BindingKind, Bindings, Host, dotted_name, start_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.names import TREE_FUNCTION_BASENAMES, TREE_FUNCTIONS, TreeFunction

_PARTIAL = "functools.partial"


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A call that may be one of a tree function; ``host`` is the statement or expression that LibCST would parse.

    ``mapper`` and ``is_leaf`` are what ``tree_calls`` takes for them, where that finds a call of a tree function.
    """

    node: ast.Call
    host: Host
    function: TreeFunction
    mapper: ast.expr | None
    is_leaf: ast.expr | None


@remembered
def candidates_of(source: ParsedSource) -> tuple[Candidate, ...]:
    """Every call of a file that may be one of a tree function, in source order."""
    return tuple(sorted(_find(source.bindings), key=lambda candidate: start_of(candidate.node)))


def _find(bindings: Bindings) -> Iterator[Candidate]:
    basenames = TREE_FUNCTION_BASENAMES | _aliases(bindings)
    for basename in basenames & bindings.calls.keys():
        for use in bindings.calls[basename]:
            assert isinstance(use.node, ast.Call)
            parts = dotted_name(use.node.func)
            found = None if parts is None else _tree_function(bindings, parts, use.node)
            if found is not None:
                function, partial = found
                given = [] if partial is None else partial.args[1:]
                named = [] if partial is None else partial.keywords
                arguments = _arguments(function, [*given, *use.node.args], [*named, *use.node.keywords])
                mapper = arguments.get(function.mapper) if function.mapper else None
                yield Candidate(use.node, use.host, function, mapper, arguments.get("is_leaf"))


def _aliases(bindings: Bindings) -> set[str]:
    """Names under which the file calls a tree function: imports with ``as``, assignments, partials."""
    return {name for name, found in bindings.all_bound() if any(map(_binds_tree_function, found))}


def _binds_tree_function(binding: Binding) -> bool:
    if binding.kind is BindingKind.IMPORT:
        return binding.qualified_name in TREE_FUNCTIONS
    value = binding.value
    if binding.kind is not BindingKind.ASSIGNMENT or value is None or binding.path:
        return False
    if isinstance(value, ast.Call):
        function = dotted_name(value.func)
        return function is not None and function[-1] == "partial"
    return isinstance(value, (ast.Name, ast.Attribute))


def _tree_function(
    bindings: Bindings, parts: tuple[str, ...], node: ast.Call
) -> tuple[TreeFunction, ast.Call | None] | None:
    """What a call may call, and the partial that was given some of its arguments."""
    place = start_of(node.func)
    names = sorted(bindings.qualified_names(parts, place) & TREE_FUNCTIONS.keys())
    if names:
        return TREE_FUNCTIONS[names[0]], None
    found = bindings.bindings_of(parts[0], place)
    partial = found[0].value if len(parts) == len(found) == 1 else None
    if not isinstance(partial, ast.Call) or not partial.args or bindings.names_of(partial.func) != {_PARTIAL}:
        return None
    names = sorted(bindings.names_of(partial.args[0]) & TREE_FUNCTIONS.keys())
    return (TREE_FUNCTIONS[names[0]], partial) if names else None


def _arguments(function: TreeFunction, given: list[ast.expr], named: list[ast.keyword]) -> dict[str, ast.expr]:
    """What a tree function is given, by the names of its parameters; what follows a starred argument is not known."""
    found: dict[str, ast.expr] = {}
    for position, value in enumerate(given):
        if isinstance(value, ast.Starred):
            break
        if position == function.is_leaf_position:
            found["is_leaf"] = value
        elif position < len(function.parameters):
            found[function.parameters[position]] = value
    found |= {keyword.arg: keyword.value for keyword in named if keyword.arg is not None}
    is_leaf = found.get("is_leaf")
    if isinstance(is_leaf, ast.Constant) and is_leaf.value is None:
        del found["is_leaf"]
    return found
