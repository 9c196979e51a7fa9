"""Spots the plain NNX101 shape with LibCST alone, over whole modules: an oracle without our analysis."""

from __future__ import annotations

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, PositionProvider, QualifiedNameProvider, QualifiedNameSource

MAPS = {"jax.tree.map", "jax.tree_util.tree_map", "jax.tree_map"}
OLD = {"flax.nnx.VariableState", "flax.nnx.variablelib.VariableState"}
IS_LEAF = m.Arg(
    keyword=m.Name("is_leaf"),
    value=m.Lambda(
        params=m.Parameters(params=[m.Param(name=m.Name(), default=None)]),
        body=m.Call(func=m.Name("isinstance"), args=[m.Arg(m.Name()), m.Arg(m.Name() | m.Attribute())]),
    ),
)
MAPPER = m.Lambda(params=m.Parameters(params=[m.Param(default=None)]))
ASKS = m.IfExp() | m.BooleanOperation() | m.Comparison() | m.Call(func=m.Name()) | m.NamedExpr() | m.Lambda()
"""What may ask for the leaf's type, or hand it to something that does: such mappers are not of the plain shape."""


class PlainVisitor(cst.CSTVisitor):
    """Finds ``tree.map(lambda v: .., tree, is_leaf=lambda x: isinstance(x, VariableState))`` of a plain mapper."""

    METADATA_DEPENDENCIES = (QualifiedNameProvider, PositionProvider)

    def __init__(self) -> None:
        super().__init__()
        self.shapes: set[tuple[int, int]] = set()
        """Where calls of this form are whose names are imported, whatever from."""
        self.found: set[tuple[int, int]] = set()

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802  # LibCST looks for this name.
        if len(node.args) != 3 or any(argument.star for argument in node.args) or not m.matches(node.args[2], IS_LEAF):
            return
        mapper, predicate = node.args[0].value, node.args[2].value
        if not m.matches(mapper, MAPPER) or m.findall(mapper.body, ASKS):  # type: ignore[attr-defined]
            return
        leaf = mapper.params.params[0].name.value  # type: ignore[attr-defined]
        asked = predicate.body.args  # type: ignore[attr-defined]
        is_of_node = asked[0].value.value == predicate.params.params[0].name.value  # type: ignore[attr-defined]
        if m.findall(mapper.body, m.Name(leaf)) and is_of_node:  # type: ignore[attr-defined]
            start = self.get_metadata(PositionProvider, predicate).start
            place = (start.line, start.column + 1)
            functions, classes = self._imported(node.func), self._imported(asked[1].value)
            if functions and classes:
                self.shapes.add(place)
                if functions <= MAPS and classes <= OLD:
                    self.found.add(place)

    def _imported(self, node: cst.BaseExpression) -> set[str]:
        """What a name means, if that is imported; the provider follows no assignments."""
        found = self.get_metadata(QualifiedNameProvider, node, set())
        names = found() if callable(found) else found
        if any(name.source is not QualifiedNameSource.IMPORT for name in names):
            return set()
        return {name.name.replace("flax.experimental", "flax") for name in names}


def plain_visit(text: str) -> PlainVisitor:
    """A visitor that has visited a module."""
    visitor = PlainVisitor()
    MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True).visit(visitor)
    return visitor
