"""Tells which expressions are in f-strings, which may show the code itself, and in which they may have no place."""

from __future__ import annotations

import ast
import re
import sys

from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered


def has_no_place(source: ParsedSource, node: ast.AST) -> bool:
    """Tell whether ``ast`` does not say where a node is: before Python 3.12 it does not in f-strings."""
    return sys.version_info < (3, 12) and is_format_part(source, node)


def is_format_part(source: ParsedSource, node: ast.AST) -> bool:
    """Tell whether a node is in an f-string, which may show the code itself, as ``f"{x.value=}"`` does."""
    if not _may_have_format(source):
        return False
    around = source.ast_parent(node)
    while isinstance(around, (ast.expr, ast.comprehension, ast.keyword)):
        if isinstance(around, (ast.JoinedStr, ast.FormattedValue)):
            return True
        around = source.ast_parent(around)
    return False


@remembered
def _may_have_format(source: ParsedSource) -> bool:
    """Tell whether the text holds the start of an f-string, or what looks like one: most files hold none."""
    return _FORMAT.search(source.text) is not None


_FORMAT = re.compile(r"[fF][rR]?[\"']")
