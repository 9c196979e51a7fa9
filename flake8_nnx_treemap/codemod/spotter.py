"""The LibCST visitor that spots flagged calls and expressions in the concrete trees of their statements."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

import libcst as cst
from libcst.metadata import CodeRange, PositionProvider

from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.codemod.statements import ConcreteStatements


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """An expression of the concrete tree with where it stands in the file, its parentheses counted or not."""

    node: cst.BaseExpression
    outer: Range
    arguments: tuple[tuple[Range, Range], ...] = ()
    """For a call: where each argument stands, and where its value does with the parentheses around it."""

    @property
    def is_in_parentheses(self) -> bool:
        """Whether parentheses stand around it."""
        return bool(self.node.lpar)


@dataclass(frozen=True, slots=True)
class Spots:
    """What a visitor has found: expressions by where the ``ast`` says that they stand, and comments."""

    expressions: dict[Range, Spot] = field(default_factory=dict)
    comments: list[Range] = field(default_factory=list)


class Spotter(cst.CSTVisitor):
    """Finds wanted expressions and all comments in statements that were parsed together."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, statements: ConcreteStatements, wanted: Container[Range], found: Spots) -> None:
        """Look for expressions.

        Args:
            statements: where to look.
            wanted: where the ``ast`` says that they stand in the file.
            found: filled with what is found.
        """
        super().__init__()
        self._statements = statements
        self._wanted = wanted
        self._found = found
        self._indices = {id(statement): index for index, statement in enumerate(statements.wrapper.module.body)}
        self._index = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Look at a node of any type."""
        self._index = self._indices.get(id(node), self._index)
        if isinstance(node, cst.BaseExpression):
            self._look_at(node)
        elif isinstance(node, cst.Comment):
            self._found.comments.append(self._range(node))
        return True

    def _look_at(self, node: cst.BaseExpression) -> None:
        own = self._range(node)
        if isinstance(node, (cst.Tuple, cst.GeneratorExp)) and node.lpar:  # Parentheses are a part of these in ``ast``.
            own = Range(self._range(node.lpar[-1]).start, self._range(node.rpar[0]).end)
        if own in self._wanted:
            self._found.expressions.setdefault(own, Spot(node, self._outer(node), self._arguments(node)))

    def _arguments(self, node: cst.BaseExpression) -> tuple[tuple[Range, Range], ...]:
        given = node.args if isinstance(node, cst.Call) else ()
        return tuple((self._range(argument), self._outer(argument.value)) for argument in given)

    def _outer(self, node: cst.BaseExpression) -> Range:
        if not node.lpar:
            return self._range(node)
        return Range(self._range(node.lpar[0]).start, self._range(node.rpar[-1]).end)

    def _range(self, node: cst.CSTNode) -> Range:
        place = self.get_metadata(PositionProvider, node)
        assert isinstance(place, CodeRange)
        return self._statements.range_in_file(self._index, place)


def spot(statements: ConcreteStatements, wanted: Container[Range], found: Spots) -> None:
    """Visit statements, and add what is found in them."""
    statements.wrapper.visit(Spotter(statements, wanted, found))
