"""Parses annotations that are written as strings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.nodes import child_nodes, dotted_name, end_of, start_of, subscript_keys, walk
from flake8_nnx_treemap.analysis.code.text import parse_expression
from flake8_nnx_treemap.analysis.names.collector import annotations_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Range, remembered

_PLAIN = re.compile(r"""(["'])([^"'\\\n]*)\1""")


@remembered
def quoted_annotations(source: ParsedSource) -> tuple[ast.expr, ...]:
    """Return the expressions in string annotations and in ``typing.cast``, with their places in the file.

    Args:
        source: the file.

    Returns:
        Their roots; ``source.ast_parent`` of each is the string. Strings that are concatenated or hold escapes are left
        out.
    """
    return tuple(_find(source))


def _find(source: ParsedSource) -> Iterator[ast.expr]:
    for annotation in _annotations(source):
        for node in _parts(annotation):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                expression = _read(source, node)
                if expression is not None:
                    source.adopt(expression, node)
                    yield expression


def _parts(annotation: ast.expr) -> Iterator[ast.AST]:
    """Yield the nodes of an annotation that are types: no values of ``Literal``, no metadata of ``Annotated``."""
    pending: list[ast.AST] = [annotation]
    for node in pending:
        yield node
        parts = child_nodes(node)
        if isinstance(node, ast.Subscript):
            name = (dotted_name(node.value) or ("",))[-1]
            if name == "Literal":
                parts = [node.value]
            elif name == "Annotated":
                parts = [node.value, subscript_keys(node)[0]]
        pending += parts


def _annotations(source: ParsedSource) -> Iterator[ast.expr]:
    for node in (one.node for one in source.bindings.statements):
        if isinstance(node, ast.AnnAssign):
            yield node.annotation
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from annotations_of(node)
    yield from (call.args[0] for call in source.bindings.calls.get("cast", ()) if call.args)


def _read(source: ParsedSource, node: ast.Constant) -> ast.expr | None:
    start, end = start_of(node), end_of(node)
    if start[0] != end[0]:
        return None
    text = source.text_in(Range(source.position_of_place(start), source.position_of_place(end)))
    match = _PLAIN.fullmatch(text)
    if match is None or not match[2].strip() or match[2] != match[2].lstrip():
        return None
    expression = parse_expression(match[2])
    if expression is None:
        return None
    for found in walk(expression):
        if isinstance(found, ast.expr):
            found.lineno = found.end_lineno = start[0]
            found.col_offset += start[1] + 1
            found.end_col_offset = (found.end_col_offset or 0) + start[1] + 1
    return expression
