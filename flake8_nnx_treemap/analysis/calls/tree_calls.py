"""The LibCST visitor that spots every call of a JAX tree function, and what is given to it as what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from flake8_nnx_treemap.analysis.calls.functions import value_of
from flake8_nnx_treemap.analysis.candidates import Candidate
from flake8_nnx_treemap.analysis.names.bindings import Host, Place, dotted_name, start_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.syntax import dotted_parts, is_name
from flake8_nnx_treemap.names import TREE_FUNCTIONS, TreeFunction

_PARTIAL = "functools.partial"


@dataclass(frozen=True, slots=True, eq=False)
class TreeCall:
    """One call of a tree function, its arguments sorted out.

    ``callee`` is the function's name as written. ``more_trees`` holds if starred arguments bring further trees.
    ``is_complete`` is false if ``**keywords`` may bring arguments that are not listed. ``partial`` is the
    ``functools.partial`` that some of the arguments were given to, if any; it is shared with other calls.
    """

    node: cst.Call
    callee: cst.BaseExpression
    function: TreeFunction
    mapper: cst.BaseExpression | None
    trees: tuple[cst.BaseExpression, ...]
    more_trees: bool
    is_leaf: cst.BaseExpression | None
    is_complete: bool
    partial: cst.Call | None = None


def tree_calls_of(source: ParsedSource, candidates: Sequence[Candidate]) -> Iterator[TreeCall]:
    """Read candidates as the calls of tree functions that they are; what LibCST does not parse is left out.

    Args:
        source: the file.
        candidates: calls of it. The statements that hold them are parsed all in one go.

    Yields:
        Calls, in the order of the candidates.
    """
    source.parse(candidate.host for candidate in candidates)
    for candidate in candidates:
        call = _tree_call_of(source, candidate)
        if call is not None:
            yield call


@remembered
def _tree_call_of(source: ParsedSource, candidate: Candidate) -> TreeCall | None:
    calls = _calls_in(source, candidate.host)
    node = calls.get(start_of(candidate.node))
    if node is None:  # In an f-string: before Python 3.12, ``ast`` does not know where.
        name = dotted_name(candidate.node.func)
        named = [call for call in calls.values() if dotted_parts(call.func) == name]
        node = named[0] if len(named) == 1 else None
    return None if node is None else tree_call_at(source, node)


@remembered
def _calls_in(source: ParsedSource, host: Host) -> dict[Place, cst.Call]:
    visitor = TreeCallVisitor(source)
    for call in source.calls_below(host):
        visitor.visit_Call(call)  # ``node.visit(visitor)`` does the same, but builds each node anew for it.
    return visitor.calls


class TreeCallVisitor(cst.CSTVisitor):
    """Finds the calls of functions that have a name, which may be tree functions, by where they start."""

    def __init__(self, source: ParsedSource) -> None:
        super().__init__()
        self._source = source
        self.calls: dict[Place, cst.Call] = {}

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802  # LibCST looks for this name.
        """Look at a call."""
        if dotted_parts(node.func) is not None:  # Of calls that start together, ``f(x)(y)``, only one has a name.
            self.calls[self._source.place_of(node)] = node


def tree_call_at(source: ParsedSource, node: cst.Call) -> TreeCall | None:
    """Read one call, if it calls a tree function, through whatever names and partials."""
    function = tree_function_of(source, node.func)
    if function is not None:
        return _sort_arguments(node, function, None)
    if not isinstance(node.func, cst.Name):
        return None
    partial = value_of(source, node.func)
    if not isinstance(partial, cst.Call) or source.qualified_names(partial.func) != {_PARTIAL}:
        return None
    if not partial.args or partial.args[0].star or partial.args[0].keyword:
        return None
    function = tree_function_of(source, partial.args[0].value)
    return None if function is None else _sort_arguments(node, function, partial)


def tree_function_of(source: ParsedSource, callee: cst.BaseExpression) -> TreeFunction | None:
    """The tree function that an expression names; of alternatives, all must do the same."""
    functions = [TREE_FUNCTIONS.get(name) for name in sorted(source.qualified_names(callee))]
    if not functions or functions[0] is None:
        return None
    first = functions[0]
    same = all(found is not None and found.kind is first.kind for found in functions)
    return first if same else None


def _sort_arguments(node: cst.Call, function: TreeFunction, partial: cst.Call | None) -> TreeCall:
    arguments = [*(partial.args[1:] if partial else ()), *node.args]
    by_name: dict[str, cst.BaseExpression] = {}
    trees: list[cst.BaseExpression] = []
    more_trees = False
    position = 0
    for argument in arguments:
        if argument.keyword is not None:
            by_name[argument.keyword.value] = argument.value
        elif argument.star:
            more_trees = True
        elif more_trees:
            continue  # After a starred argument, positions are unknown.
        else:
            _place(function, position, argument.value, by_name, trees)
            position += 1
    tree = by_name.get(function.tree)
    is_leaf = by_name.get("is_leaf")
    return TreeCall(
        node=node,
        callee=node.func,
        function=function,
        mapper=by_name.get(function.mapper) if function.mapper else None,
        trees=(*(() if tree is None else (tree,)), *trees),
        more_trees=more_trees,
        is_leaf=None if is_name(is_leaf, "None") else is_leaf,
        is_complete=not any(argument.star == "**" for argument in arguments),
        partial=partial,
    )


def _place(
    function: TreeFunction,
    position: int,
    value: cst.BaseExpression,
    by_name: dict[str, cst.BaseExpression],
    trees: list[cst.BaseExpression],
) -> None:
    """Put a positional argument where the signature has it."""
    if position == function.is_leaf_position:
        by_name.setdefault("is_leaf", value)
    elif position < len(function.parameters):
        by_name.setdefault(function.parameters[position], value)
    elif function.takes_more_trees:
        trees.append(value)
