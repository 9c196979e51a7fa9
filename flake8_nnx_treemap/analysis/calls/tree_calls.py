"""Finds the calls of JAX tree functions, also through aliases and partials, and sorts their arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import PARTIAL, value_of
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, is_constant, start_of
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.names import TREE_FUNCTION_BASENAMES, TREE_FUNCTIONS, TreeFunction


@dataclass(frozen=True, slots=True, eq=False)
class TreeCall:
    """One call of a tree function, with its arguments by role.

    ``more_trees`` is true if starred arguments may bring further trees. ``is_complete`` is false if ``**keywords`` may
    bring arguments that are not listed. ``partial`` is the ``functools.partial`` that holds some of the arguments, if
    any; other calls may share it. ``none_for_is_leaf`` is a literal ``None`` given as ``is_leaf``, which is then
    ``None`` as if nothing had been given. ``takes_path`` tells whether ``is_leaf`` is called with a key path and a node
    (``is_leaf_takes_path``); ``None`` if that is unknown.
    """

    node: ast.Call
    function: TreeFunction
    mapper: ast.expr | None
    trees: tuple[ast.expr, ...]
    more_trees: bool
    is_leaf: ast.expr | None
    is_complete: bool
    partial: ast.Call | None = None
    none_for_is_leaf: ast.expr | None = None
    takes_path: bool | None = False

    @property
    def callee(self) -> ast.expr:
        """The expression that is called, such as ``jax.tree.map``."""
        return self.node.func


@remembered
def tree_calls_of(source: ParsedSource) -> tuple[TreeCall, ...]:
    """Return every call of a tree function in a file, in source order."""
    return tuple(sorted(_tree_calls(source), key=lambda call: start_of(call.node)))


def _tree_calls(source: ParsedSource) -> Iterator[TreeCall]:
    calls = source.bindings.calls
    for name in (TREE_FUNCTION_BASENAMES | _aliases(source)) & calls.keys():
        yield from (call for node in calls[name] if (call := tree_call_at(source, node)) is not None)


def _aliases(source: ParsedSource) -> set[str]:
    """Return the names under which a file may call a tree function: ``import … as``, assignments, partials."""
    calls = source.bindings.calls
    bound = source.bindings.all_bound()
    return {name for name, found in bound if name in calls and any(map(_may_bind_tree_function, found))}


def _may_bind_tree_function(binding: Binding) -> bool:
    if binding.kind is BindingKind.IMPORT:
        return binding.qualified_name in TREE_FUNCTIONS
    value = binding.value
    if binding.kind is not BindingKind.ASSIGNMENT or value is None or binding.path:
        return False
    if isinstance(value, ast.Call):
        function = dotted_name(value.func)
        return function is not None and function[-1] == "partial"
    return isinstance(value, (ast.Name, ast.Attribute))


def tree_call_at(source: ParsedSource, node: ast.Call) -> TreeCall | None:
    """Return a call with its arguments by role; ``None`` if it does not call a tree function."""
    function = tree_function_of(source, node.func)
    if function is not None:
        return _sort_arguments(node, function, None)
    if not isinstance(node.func, ast.Name):
        return None
    partial = value_of(source, node.func)
    if not isinstance(partial, ast.Call) or source.bindings.names_of(partial.func) != {PARTIAL}:
        return None
    if not partial.args or isinstance(partial.args[0], ast.Starred):
        return None
    function = tree_function_of(source, partial.args[0])
    return None if function is None else _sort_arguments(node, function, partial)


def tree_function_of(source: ParsedSource, callee: ast.expr) -> TreeFunction | None:
    """Return the tree function that an expression names; if it may be several, they must be of the same kind."""
    functions = [TREE_FUNCTIONS.get(name) for name in sorted(source.bindings.names_of(callee))]
    if not functions or functions[0] is None:
        return None
    first = functions[0]
    same = all(found is not None and found.kind is first.kind for found in functions)
    return first if same else None


def _sort_arguments(node: ast.Call, function: TreeFunction, partial: ast.Call | None) -> TreeCall:
    given = [*(partial.args[1:] if partial else ()), *node.args]
    keywords = [*(partial.keywords if partial else ()), *node.keywords]
    by_name: dict[str, ast.expr] = {}
    trees: list[ast.expr] = []
    known = next((index for index, value in enumerate(given) if isinstance(value, ast.Starred)), len(given))
    for position, value in enumerate(given[:known]):  # After a starred argument, positions are unknown.
        if position == function.is_leaf_position:
            by_name["is_leaf"] = value
        elif function.is_leaf_position is not None and position == function.is_leaf_position + 1:
            by_name["is_leaf_takes_path"] = value  # Of the functions that hand out paths; the others take no more.
        elif position < len(function.parameters):
            by_name[function.parameters[position]] = value
        elif function.takes_more_trees:
            trees.append(value)
    by_name |= {keyword.arg: keyword.value for keyword in keywords if keyword.arg is not None}
    tree = by_name.get(function.tree)
    is_leaf = by_name.get("is_leaf")
    is_none = is_constant(is_leaf, None)
    return TreeCall(
        node=node,
        function=function,
        mapper=by_name.get(function.mapper) if function.mapper else None,
        trees=(*(() if tree is None else (tree,)), *trees),
        more_trees=known < len(given),
        is_leaf=None if is_none else is_leaf,
        is_complete=all(keyword.arg is not None for keyword in keywords),
        partial=partial,
        none_for_is_leaf=is_leaf if is_none else None,
        takes_path=_constant(by_name.get("is_leaf_takes_path")),
    )


def _constant(flag: ast.expr | None) -> bool | None:
    """Return the value of a flag that is false by default; ``None`` if it is unknown."""
    if flag is None or is_constant(flag, False):
        return False
    return True if is_constant(flag, True) else None
