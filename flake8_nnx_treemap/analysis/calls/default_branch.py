"""What code does with the leaves that fail all its tests: nothing, hand them on as they are, or work."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import libcst as cst

from flake8_nnx_treemap.analysis.calls.mappers import HELPER_DEPTH, Dispatch, helpers_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.syntax import children_of, nodes_below, statements_of


class Fallback(enum.Enum):
    """What a piece of code makes of a leaf that is none of the kinds that are asked for."""

    NOTHING = "nothing"
    DENIED = "denied"
    """It is a test, and says no."""
    GRANTED = "granted"
    """It is the opposite of a test, and says yes."""
    LEAF = "leaf"
    """It is that leaf as it is, or a container that it was put into."""
    WORK = "work"
    """It does something with the leaf."""


_CONTAINERS: Final = (cst.Tuple, cst.List, cst.Dict, cst.BaseElement, cst.BaseDictElement)
_OUTCOMES: Final = (Fallback.DENIED, Fallback.GRANTED)


def fallback_of(
    source: ParsedSource,
    body: cst.BaseExpression | cst.BaseSuite,
    leaf: str,
    dispatches: Iterable[Dispatch],
) -> Fallback:
    """Tell what becomes of a leaf that no test lets through.

    Args:
        source: the file.
        body: a function's body, a loop's, or an expression.
        leaf: how the body knows the leaf.
        dispatches: the tests, as ``mappers.dispatches_in`` finds them.
    """
    reader = _Reader(source, {found.node: found for found in dispatches}, {leaf}, HELPER_DEPTH)
    return reader.of_body(body)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Goes through code the way that it goes where every test says no."""

    source: ParsedSource
    dispatches: dict[cst.CSTNode, Dispatch]
    names: set[str]
    """How the leaf is known; plain assignments add to it."""
    depth: int
    returned: list[Fallback] = field(default_factory=list)

    def of_body(self, body: cst.BaseExpression | cst.BaseSuite) -> Fallback:
        if isinstance(body, cst.BaseExpression):
            return self.of_expression(body)
        works, _ = self._of_block(list(statements_of(body)))
        return Fallback.WORK if works else _together(self.returned)

    # Statements: whether they work with the leaf, and whether control goes on after them

    def _of_block(self, statements: Sequence[cst.CSTNode]) -> tuple[bool, bool]:
        for statement in statements:
            works, goes_on = self._of_statement(statement)
            if works or not goes_on:
                return works, goes_on
        return False, True

    def _of_statement(self, node: cst.CSTNode) -> tuple[bool, bool]:
        if isinstance(node, cst.If):
            return self._of_if(node)
        if isinstance(node, cst.Return):
            self.returned.append(self.of_expression(node.value) if node.value else Fallback.NOTHING)
            return False, False
        if isinstance(node, (cst.Raise, cst.Continue, cst.Break)):
            return False, False
        if isinstance(node, cst.Assign):
            found = self.of_expression(node.value)
            if found is Fallback.LEAF:
                self.names.update(self.source.text_of(target.target) for target in node.targets)
            return found is Fallback.WORK, True
        if isinstance(node, cst.Expr):
            return self.of_expression(node.value) is Fallback.WORK, True
        return self._is_mentioned(node), True

    def _of_if(self, node: cst.If) -> tuple[bool, bool]:
        test = self.of_expression(node.test)
        if test is Fallback.WORK:
            return True, True
        otherwise: tuple[bool, bool] = (False, True)
        if test is not Fallback.GRANTED and isinstance(node.orelse, cst.If):
            otherwise = self._of_if(node.orelse)
        elif test is not Fallback.GRANTED and isinstance(node.orelse, cst.Else):
            otherwise = self._of_block(list(statements_of(node.orelse.body)))
        if test is Fallback.DENIED:
            return otherwise
        then = self._of_block(list(statements_of(node.body)))
        if test is Fallback.GRANTED:
            return then
        return then[0] or otherwise[0], then[1] or otherwise[1]

    # Expressions

    def of_expression(self, node: cst.CSTNode) -> Fallback:
        found = self.dispatches.get(node)
        if found is not None:
            # ``getattr(leaf, "value", leaf)`` is its default.
            if found.test is None and isinstance(node, cst.Call) and len(node.args) == 3:
                return self.of_expression(node.args[2].value)
            return Fallback.DENIED
        if isinstance(node, (cst.Name, cst.Subscript)) and self.source.text_of(node) in self.names:
            return Fallback.LEAF
        if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Not):
            inner = self.of_expression(node.expression)
            return _OUTCOMES[inner is Fallback.DENIED] if inner in _OUTCOMES else _used(inner)
        if isinstance(node, cst.BooleanOperation):
            return self._of_and_or(node)
        if isinstance(node, cst.IfExp):
            return self._of_choice(node)
        if isinstance(node, cst.Call):
            return self._of_call(node)
        if isinstance(node, (cst.Lambda, cst.BaseComp)):
            return Fallback.WORK if self._is_mentioned(node) else Fallback.NOTHING
        parts = _together(map(self.of_expression, children_of(node)))
        is_container = isinstance(node, _CONTAINERS)
        return parts if is_container and parts is Fallback.LEAF else _used(parts)

    def _of_and_or(self, node: cst.BooleanOperation) -> Fallback:
        parts = [self.of_expression(node.left), self.of_expression(node.right)]
        decisive = Fallback.DENIED if isinstance(node.operator, cst.And) else Fallback.GRANTED
        if decisive in parts:
            return decisive
        rest = [part for part in parts if part not in _OUTCOMES]
        return _together(rest) if rest else parts[0]

    def _of_choice(self, node: cst.IfExp) -> Fallback:
        test = self.of_expression(node.test)
        if test is Fallback.WORK:
            return test
        if test in _OUTCOMES:
            return self.of_expression(node.body if test is Fallback.GRANTED else node.orelse)
        return _together([self.of_expression(node.body), self.of_expression(node.orelse)])

    def _of_call(self, node: cst.Call) -> Fallback:
        for helper, parameter in helpers_of(self.source, node, frozenset(self.names)):
            if not self.depth:
                return Fallback.WORK
            inner = _Reader(self.source, self.dispatches, {parameter}, self.depth - 1)
            return inner.of_body(helper.definition.body)
        return _used(_together(map(self.of_expression, children_of(node))))

    def _is_mentioned(self, node: cst.CSTNode) -> bool:
        roots = {name.partition("[")[0] for name in self.names}
        return any(found.value in roots for found in nodes_below(node, cst.Name))


def _together(found: Iterable[Fallback]) -> Fallback:
    """What several pieces of code make of the leaf: the most that one of them does."""
    kinds = set(found)
    for kind in (Fallback.WORK, Fallback.LEAF):
        if kind in kinds:
            return kind
    return kinds.pop() if len(kinds) == 1 else Fallback.NOTHING


def _used(inner: Fallback) -> Fallback:
    """What an expression makes of the leaf that has such parts."""
    return Fallback.WORK if inner in (Fallback.LEAF, Fallback.WORK) else Fallback.NOTHING
