"""The oracle for ``Bindings.qualified_names``: LibCST's own ``QualifiedNameProvider`` over the whole module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from libcst.helpers import get_full_name_for_node
from libcst.metadata import MetadataWrapper, PositionProvider, QualifiedNameProvider, QualifiedNameSource

from flake8_nnx_treemap.analysis.code.nodes import dotted_name
from flake8_nnx_treemap.analysis.names.scopes import BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource

ROOTS = ("jax", "flax", "optax", "functools", "typing", "numpy", "os", "re")
"""Packages whose names are compared: those that rules ask about, and some that most files import."""


@dataclass(frozen=True)
class Difference:
    row: int
    column: int
    text: str
    ours: frozenset[str]
    theirs: frozenset[str]


def differences(text: str) -> Iterator[Difference]:
    """Every name on which we and LibCST do not agree, known differences in meaning left out."""
    source = ParsedSource(text)
    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    positions = wrapper.resolve(PositionProvider)
    theirs = {}
    for node, found in wrapper.resolve(QualifiedNameProvider).items():
        name = get_full_name_for_node(node) if isinstance(node, (cst.Name, cst.Attribute)) else None
        if name is not None and node in positions:
            start = positions[node].start
            names = found() if callable(found) else found
            imported = {name.name for name in names if name.source is QualifiedNameSource.IMPORT}
            theirs[start.line, start.column, name] = frozenset(imported)
    for node in ast.walk(source.tree):
        parts = dotted_name(node)
        if parts is None or not isinstance(getattr(node, "ctx", None), ast.Load):
            continue
        assert isinstance(node, ast.expr)
        start = source.position_of_place((node.lineno, node.col_offset))
        expected = theirs.get((start.row, start.column - 1, ".".join(parts)))
        if expected is None:
            continue
        # LibCST follows no assignments, so neither do we here; and where one alternative is no import, we say nothing.
        found = source.bindings.qualified_names(parts, (node.lineno, node.col_offset), depth=0)
        ours = frozenset(name for name in found if name.partition(".")[0] in ROOTS)
        expected = frozenset(name for name in expected if name.partition(".")[0] in ROOTS)
        if ours != expected and (ours or not _has_other_meanings(source, parts[0], node)):
            yield Difference(start.row, start.column, ".".join(parts), ours, expected)


def _has_other_meanings(source: ParsedSource, name: str, node: ast.expr) -> bool:
    bindings = source.bindings.bindings_of(name, (node.lineno, node.col_offset))
    return any(binding.kind is not BindingKind.IMPORT for binding in bindings)
