"""Finds what code does with a leaf wherever it mentions it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.nodes import Code, access_path, nodes_below
from flake8_nnx_treemap.analysis.names.source import ParsedSource


def leaf_uses(source: ParsedSource, code: Code, leaf: str) -> Iterator[ast.Attribute | ast.Subscript | None]:
    """Yield, for each mention of a leaf, the attribute or item of it that is used there.

    Args:
        source: the file.
        code: the code.
        leaf: how the code spells the leaf: a name, or ``args[0]``.

    Yields:
        The node ``leaf.attribute`` or ``leaf[item]``; ``None`` for a mention that is anything else.
    """
    root = leaf.partition("[")[0]
    for node in nodes_below(code, ast.Name):
        if node.id != root:
            continue
        whole: ast.AST = node
        while access_path(whole) != leaf and isinstance(parent := source.ast_parent(whole), ast.Subscript):
            whole = parent
        owner = source.ast_parent(whole)
        reads_member = isinstance(owner, (ast.Attribute, ast.Subscript)) and owner.value is whole
        yield owner if reads_member and access_path(whole) == leaf else None  # type: ignore[misc]
