"""Writes the fix that hands metadata of a Variable to ``super().__init__`` in place of an assignment to ``self``."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from flake8_nnx_treemap.analysis.code.nodes import dotted_name, is_name, start_of
from flake8_nnx_treemap.analysis.code.text import Edit, Position, Range
from flake8_nnx_treemap.analysis.names.scopes import BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.variable_methods import OwnAttribute
from flake8_nnx_treemap.names import METADATA_READ_BY_FLAX
from flake8_nnx_treemap.rules.steps import AddKeyword, Step

_RUN_ONCE = (ast.Assign, ast.AnnAssign, ast.Expr)
"""Statements that may come between the two: none leaves the method, short of an error."""


def hand_over_keyword(source: ParsedSource, own: OwnAttribute) -> Sequence[Step] | None:
    """Return the steps that give ``name=value`` to ``super().__init__`` and drop ``self.name = value``.

    Args:
        source: the file.
        own: an assignment to ``self.name`` in a method of a Variable class.

    Returns:
        The steps; ``None`` if the value may be another one where ``super().__init__`` is called, if that is not called
        before, on the same level and by a class that inherits from Flax's, or if it may get such a keyword already.
    """
    statement = source.ast_parent(own.node)
    if not own.is_of_flax or own.method.name != "__init__" or own.node.attr in METADATA_READ_BY_FLAX:
        return None
    if not isinstance(statement, ast.Assign) or statement.targets != [own.node] or statement not in own.method.body:
        return None
    call = _initialized_before(own.method, statement)
    if call is None or not _may_take(own, call) or not _is_same_value(source, own.method, call, statement.value):
        return None
    dropped = _without_line(source, statement)
    given = f"{own.node.attr}={source.text_of(statement.value)}"
    return None if dropped is None else [_keyword(source, call, given), dropped]


def _initialized_before(method: ast.FunctionDef, statement: ast.stmt) -> ast.Call | None:
    """Return the only call of ``super().__init__`` in a method, if nothing but plain statements are between the two."""
    index = method.body.index(statement)
    calls = [position for position, one in enumerate(method.body) if _is_initialization(one)]
    if (
        len(calls) != 1
        or calls[0] >= index
        or not all(isinstance(one, _RUN_ONCE) for one in method.body[calls[0] : index])
    ):
        return None
    found = method.body[calls[0]]
    return found.value if isinstance(found, ast.Expr) and isinstance(found.value, ast.Call) else None


def _is_initialization(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    if not isinstance(function, ast.Attribute) or function.attr != "__init__":
        return False
    return isinstance(function.value, ast.Call) and is_name(function.value.func, "super") and not function.value.args


def _may_take(own: OwnAttribute, call: ast.Call) -> bool:
    """Tell whether a call surely has no keyword of that name yet, neither by itself nor in ``**metadata``."""
    name, arguments = own.node.attr, own.method.args
    named = {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}
    collected = None if arguments.kwarg is None else arguments.kwarg.arg
    for keyword in call.keywords:
        if keyword.arg == name or (
            keyword.arg is None and not (name in named and is_name(keyword.value, collected or ""))
        ):
            return False
    return True


def _is_same_value(source: ParsedSource, method: ast.FunctionDef, call: ast.Call, value: ast.expr) -> bool:
    """Tell whether a value is a constant, or a parameter that nothing else is assigned to."""
    if isinstance(value, ast.Constant):
        return True
    bindings = source.bindings.bindings_of(value.id, start_of(value)) if isinstance(value, ast.Name) else ()
    if len(bindings) != 1 or bindings[0].kind is not BindingKind.PARAMETER or bindings[0].scope.node is not method:
        return False
    return source.bindings.bindings_of(bindings[0].name, start_of(call)) == bindings


def _keyword(source: ParsedSource, call: ast.Call, given: str) -> Step:
    """Return the step that adds a keyword to a call, before ``**metadata``."""
    last = call.keywords[-1] if call.keywords else None
    if last is None or last.arg is not None or dotted_name(last.value) is None:
        return AddKeyword(call, given)
    start = source.range(last).start
    line = source.line(start.row)[: start.column - 1]
    separator = ", " if line.strip() else f",{source.newline}{line}"
    return source.insert(start, given + separator)


def _without_line(source: ParsedSource, statement: ast.stmt) -> Edit | None:
    """Return the edit that drops a statement with its lines; ``None`` if anything else is on them."""
    start, end = source.range(statement)
    before, after = source.line(start.row)[: start.column - 1], source.line(end.row)[end.column - 1 :]
    if before.strip() or after.strip():
        return None
    previous = Position(start.row - 1, len(source.line(start.row - 1)) + 1)
    return source.replace(Range(previous, Position(end.row, len(source.line(end.row)) + 1)), "")
