"""The LibCST visitor that spots every call of a JAX tree function, and what is given to it as what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from flake8_nnx_treemap.analysis.bindings import start_of
from flake8_nnx_treemap.analysis.candidates import candidates_in
from flake8_nnx_treemap.analysis.functions import value_of
from flake8_nnx_treemap.analysis.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.syntax import is_name, nodes_below
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


@remembered
def tree_calls_of(source: ParsedSource) -> tuple[TreeCall, ...]:
    """Every call of a tree function in a file, in source order; what LibCST does not parse is left out."""
    return tuple(_find(source))


def _find(source: ParsedSource) -> Iterator[TreeCall]:
    hosts = sorted({candidate.host for candidate in candidates_in(source.bindings)}, key=start_of)
    source.parse(hosts)
    for host in hosts:
        node = source.cst_of(host)
        if not isinstance(node, Unknown):
            visitor = TreeCallVisitor(source)
            for call in nodes_below(node, cst.Call):
                visitor.visit_Call(call)  # ``node.visit(visitor)`` does the same, but builds each node anew for it.
            yield from visitor.calls


class TreeCallVisitor(cst.CSTVisitor):
    """Collects the calls of tree functions below a node, outer calls first."""

    def __init__(self, source: ParsedSource) -> None:
        super().__init__()
        self._source = source
        self.calls: list[TreeCall] = []

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802  # LibCST looks for this name.
        """Look at a call."""
        call = tree_call_at(self._source, node)
        if call is not None:
            self.calls.append(call)


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
