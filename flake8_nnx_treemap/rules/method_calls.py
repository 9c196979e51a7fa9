"""Writes calls of methods, ``owner.method(x)``, as calls of functions, ``function(owner, x)``."""

from __future__ import annotations

import ast
import re

from flake8_nnx_treemap.analysis.code.nodes import end_of, start_of
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.rules.steps import AddKeyword, Step

_BEFORE_OWNER = re.compile(r"[\s(]*")
_METHOD = re.compile(r"[\s\\)]*\.[\s\\]*(?P<name>\w+)[\s\\]*\((?:[ \t]*(?=[^\s#]))?", re.ASCII)

_NEEDS_PARENTHESES = (ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.GeneratorExp, ast.Starred)
"""What cannot be an argument as it is written between the parentheses around an owner."""


def name_range(source: ParsedSource, method: ast.Attribute) -> Range:
    """Return where the name of a method is, without its owner."""
    end = source.position_of_place(end_of(method))
    return Range(source.position(source.offset(end) - len(method.attr)), end)


def with_owner_first(source: ParsedSource, call: ast.Call, function: str) -> list[Step] | None:
    """Return the steps that write ``function(owner, …)`` for ``owner.method(…)``.

    Args:
        source: the file.
        call: the call of the method.
        function: the function, as it is spelled at the call.

    Returns:
        The steps; ``None`` if the owner cannot be an argument, or something else than code is between its parts.
    """
    parts = _parts_of(source, call)
    if parts is None:
        return None
    before, method = parts
    separator = ", " if call.args or call.keywords else ""
    return [source.replace(before, f"{function}("), source.replace(method, separator)]


def with_owner_last(source: ParsedSource, call: ast.Call, function: str, keyword: str = "") -> list[Step] | None:
    """Return the steps that write ``function(…, owner)`` for ``owner.method(…)``.

    Args:
        source: the file.
        call: the call of the method, which has arguments.
        function: the function, as it is spelled at the call.
        keyword: the name of the parameter, if the owner is to be passed by it.

    Returns:
        The steps; ``None`` as for ``with_owner_first``.
    """
    parts = _parts_of(source, call)
    if parts is None:
        return None
    before, method = parts
    owner = source.text_in(Range(before.end, method.start))
    argument = f"{keyword}={owner}" if keyword else owner
    return [source.replace(Range(before.start, method.end), f"{function}("), AddKeyword(call, argument)]


def without_owner(source: ParsedSource, call: ast.Call, function: str) -> list[Step] | None:
    """Return the step that writes ``function(…)`` for ``Owner.method(…)``; ``None`` as for ``with_owner_first``."""
    parts = _parts_of(source, call)
    return None if parts is None else [source.replace(Range(parts[0].start, parts[1].end), f"{function}(")]


def _parts_of(source: ParsedSource, call: ast.Call) -> tuple[Range, Range] | None:
    """Return what is before the owner of a method, and all from behind it to the parenthesis of the arguments."""
    method = call.func
    if not isinstance(method, ast.Attribute) or isinstance(method.value, _NEEDS_PARENTHESES):
        return None
    start, (owner_start, owner_end) = source.position_of_place(start_of(call)), source.range(method.value)
    before = Range(start, owner_start)
    if _BEFORE_OWNER.fullmatch(source.text_in(before)) is None:
        return None
    behind = source.text_in(Range(owner_end, source.range(call).end))
    found = _METHOD.match(behind)
    if found is None or found["name"] != method.attr:
        return None
    return before, Range(owner_end, source.position(source.offset(owner_end) + found.end()))
