"""Finds the uses of an expression's value, through local names, unpacking and subscripts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.code.nodes import start_of
from flake8_nnx_treemap.analysis.names.scopes import Reads
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered

MAXIMUM_STEPS = 4
"""The number of names through which a value is followed."""


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """One place where a value, or a part of it, is used.

    ``node`` is the expression with the value or part, ``parent`` its parent. ``path`` has the indices from the value to
    the part, outermost first: empty for the value itself.
    """

    node: ast.expr
    parent: ast.AST | None
    path: tuple[int, ...] = ()


def uses_of(source: ParsedSource, node: ast.expr) -> tuple[Use, ...]:
    """Return every place where the value of an expression is used, also through names that it is assigned to.

    Args:
        source: the file.
        node: the expression.

    Returns:
        The uses. An assignment to a name is not one, but the name's uses are; an assignment that cannot be followed,
        such as one to an attribute, is a use itself.
    """
    return tuple(_uses(source, node, (), MAXIMUM_STEPS))


def _uses(source: ParsedSource, node: ast.expr, path: tuple[int, ...], steps: int) -> Iterator[Use]:
    parent = source.ast_parent(node)
    while isinstance(parent, (ast.IfExp, ast.Subscript)):  # A loop, as a thousand of them may be nested.
        if isinstance(parent, ast.IfExp):
            if node is parent.test:
                break
        elif node is parent.value and (index := _index(parent.slice)) is not None:
            path = (*path, index)
        else:
            break
        node, parent = parent, source.ast_parent(parent)
    if isinstance(parent, (ast.Assign, ast.AnnAssign)) and node is parent.value and steps:
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        for target in targets:
            yield from _uses_of_target(source, target, node, path, steps)
    elif isinstance(parent, ast.NamedExpr) and node is parent.value and steps:
        yield from _uses_of_target(source, parent.target, node, path, steps)
        yield from _uses(source, parent, path, steps)
    else:
        yield Use(node, parent, path)


def _uses_of_target(
    source: ParsedSource, target: ast.expr, value: ast.expr, path: tuple[int, ...], steps: int
) -> Iterator[Use]:
    if isinstance(target, ast.Name):
        for name in names_bound_by(source, target.id, value):
            yield from _uses(source, name, path, steps - 1)
    elif isinstance(target, (ast.Tuple, ast.List)) and not any(isinstance(one, ast.Starred) for one in target.elts):
        for index, element in enumerate(target.elts):
            yield from _uses_of_target(source, element, value, (*path, index), steps)
    else:
        yield Use(value, source.ast_parent(value), path)


def names_bound_by(source: ParsedSource, name: str, meaning: ast.AST) -> Iterator[ast.Name]:
    """Yield every read of a name that an assigned value, or a parameter, may reach."""
    found = reads_by_meaning(source, name).get(meaning, [])
    nodes = found[0].nodes if len(found) == 1 else sorted(node for reads in found for node in reads.nodes)
    yield from (node for _, node in nodes)


@remembered
def reads_by_meaning(source: ParsedSource, name: str) -> dict[ast.AST, list[Reads]]:
    """Return the reads of a name, by each statement that may have bound it and each value that it may have there."""
    found: dict[ast.AST, list[Reads]] = {}
    for reads in source.bindings.reads_of(name):
        meanings = (meaning for binding in reads.bindings for meaning in (binding.node, binding.value))
        for meaning in dict.fromkeys(meanings):
            if meaning is not None:
                found.setdefault(meaning, []).append(reads)
    return found


def returned_by(source: ParsedSource, use: Use) -> tuple[ast.Call, ...]:
    """Return the calls in this file of the function that returns a value, if its use is ``return value``.

    Args:
        source: the file.
        use: a use of the value itself.
    """
    if not isinstance(use.parent, ast.Return) or use.path:
        return ()
    function = source.ast_parent(use.parent)
    while function is not None and not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        function = source.ast_parent(function)
    if not isinstance(function, ast.FunctionDef):
        return ()
    return tuple(_calls_by_function(source, function.name).get(function, ()))


@remembered
def _calls_by_function(source: ParsedSource, name: str) -> dict[ast.AST, list[ast.Call]]:
    """Return the calls of a name by the function definition that it means; without calls where it is ambiguous."""
    found: dict[ast.AST, list[ast.Call]] = {}
    for call in source.bindings.calls.get(name, ()):
        if isinstance(call.func, ast.Name):
            bindings = source.bindings.bindings_of(name, start_of(call.func))
            if len(bindings) == 1:
                found.setdefault(bindings[0].node, []).append(call)
    return found


def _index(node: ast.expr) -> int | None:
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None
