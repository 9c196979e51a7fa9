"""Reads what code does with the leaves that fail all its type tests: nothing, return them unchanged, or work."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from flake8_nnx_treemap.analysis.calls.mappers import HELPER_DEPTH, Dispatch, helpers_of
from flake8_nnx_treemap.analysis.calls.predicates import typed_expression
from flake8_nnx_treemap.analysis.code.nodes import Code, access_path, child_nodes, nodes_below
from flake8_nnx_treemap.analysis.names.source import ParsedSource


class Default(enum.Enum):
    """What code does with a leaf that fails all its type tests."""

    NOTHING = "nothing"
    DENIED = "denied"
    """It is a test, which is false."""
    GRANTED = "granted"
    """It is the negation of a test, which is true."""
    LEAF = "leaf"
    """It is the leaf unchanged, or a container with it."""
    WORK = "work"
    """It computes something with the leaf."""


_CONTAINERS: Final = (ast.Tuple, ast.List, ast.Dict, ast.Starred)
_OUTCOMES: Final = (Default.DENIED, Default.GRANTED)


def default_branch_of(
    source: ParsedSource, code: Code, leaf: str, dispatches: Iterable[Dispatch], others: Iterable[str] = ()
) -> Default:
    """Return what code does with a leaf that fails all its type tests.

    Args:
        source: the file.
        code: the body of a function or of a loop, or an expression.
        leaf: how the code spells the leaf.
        dispatches: the tests that fail, as ``mappers.dispatches_in`` finds them.
        others: how the code spells the leaves of further trees, with which it may work as well.
    """
    names = {leaf, *others}
    return _Reader(source, {found.node: found for found in dispatches}, names, HELPER_DEPTH).of_code(code)


@dataclass(frozen=True, slots=True)
class _Reader:
    """A reading of code on the path where every type test fails.

    ``names`` are the spellings of the leaf; assignments add to them.
    """

    source: ParsedSource
    dispatches: dict[ast.AST, Dispatch]
    names: set[str]
    depth: int
    returned: list[Default] = field(default_factory=list)

    def of_code(self, code: Code) -> Default:
        if isinstance(code[0], ast.expr):
            return self.of_expression(code[0])
        works, _ = self._of_block(code)
        return Default.WORK if works else _together(self.returned)

    # Statements: whether they compute something with the leaf, and whether control goes on after them

    def _of_block(self, statements: Code) -> tuple[bool, bool]:
        for statement in statements:
            works, goes_on = self._of_statement(statement)
            if works or not goes_on:
                return works, goes_on
        return False, True

    def _of_statement(self, node: ast.AST) -> tuple[bool, bool]:
        if isinstance(node, ast.If):
            return self._of_if(node)
        if isinstance(node, ast.Match):
            return self._of_match(node)
        if isinstance(node, ast.Return):
            self.returned.append(self.of_expression(node.value) if node.value else Default.NOTHING)
            return False, False
        if isinstance(node, (ast.Raise, ast.Continue, ast.Break)):
            return False, False
        if isinstance(node, ast.Assign):
            return any(self._of_assignment(target, node.value) for target in node.targets), True
        if isinstance(node, ast.Expr):
            return self.of_expression(node.value) is Default.WORK, True
        return self._is_mentioned(node), True

    def _of_assignment(self, target: ast.expr, value: ast.expr) -> bool:
        """Tell whether an assignment works with the leaf; note the names that stand for it from there on."""
        if isinstance(target, (ast.Tuple, ast.List)):
            if isinstance(value, (ast.Tuple, ast.List)) and len(target.elts) == len(value.elts):
                return any(self._of_assignment(*pair) for pair in zip(target.elts, value.elts, strict=True))
            return self.of_expression(value) in (Default.LEAF, Default.WORK)  # It is taken apart.
        found = self.of_expression(value)
        path = access_path(target)
        if found is Default.LEAF and path is not None:
            self.names.add(path)
        return found is Default.WORK

    def _of_if(self, node: ast.If) -> tuple[bool, bool]:
        test = self.of_expression(node.test)
        if test is Default.WORK:
            return True, True
        otherwise = (False, True) if test is Default.GRANTED else self._of_block(node.orelse)
        if test is Default.DENIED:
            return otherwise
        then = self._of_block(node.body)
        if test is Default.GRANTED:
            return then
        return then[0] or otherwise[0], then[1] or otherwise[1]

    def _of_match(self, node: ast.Match) -> tuple[bool, bool]:
        """Read the cases that do not ask for one of the classes."""
        if typed_expression(node.subject) is None and self.of_expression(node.subject) is Default.WORK:
            return True, True
        found: list[tuple[bool, bool]] = []
        for case in node.cases:
            is_taken = case.guard is None or self.of_expression(case.guard) is not Default.DENIED
            if not is_taken or self._is_denied(case.pattern):
                continue
            takes_all = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
            if isinstance(case.pattern, ast.MatchAs) and takes_all and case.pattern.name is not None:
                self.names.add(case.pattern.name)
            found.append(self._of_block(case.body))
            if takes_all and case.guard is None:
                return any(works for works, _ in found), any(goes_on for _, goes_on in found)
        return any(works for works, _ in found), True

    def _is_denied(self, pattern: ast.pattern) -> bool:
        """Tell whether a pattern asks for one of the classes and for nothing else."""
        if isinstance(pattern, ast.MatchOr):
            return all(map(self._is_denied, pattern.patterns))
        if isinstance(pattern, ast.MatchAs) and pattern.pattern is not None:
            return self._is_denied(pattern.pattern)
        return pattern in self.dispatches

    # Expressions

    def of_expression(self, node: ast.AST) -> Default:
        found = self.dispatches.get(node)
        if found is not None:
            # Without the attribute, ``getattr(leaf, "value", leaf)`` is its default.
            if found.test is None and isinstance(node, ast.Call) and len(node.args) == 3:
                return self.of_expression(node.args[2])
            return Default.GRANTED if found.is_negated else Default.DENIED
        if access_path(node) in self.names:
            return Default.LEAF
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.of_expression(node.operand)
            return _OUTCOMES[inner is Default.DENIED] if inner in _OUTCOMES else _used(inner)
        if isinstance(node, ast.BoolOp):
            return self._of_and_or(node)
        if isinstance(node, ast.IfExp):
            return self._of_choice(node)
        if isinstance(node, ast.Call):
            return self._of_call(node)
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            return Default.WORK if self._is_mentioned(node) else Default.NOTHING
        parts = _together(map(self.of_expression, child_nodes(node)))
        is_container = isinstance(node, _CONTAINERS)
        return parts if is_container and parts is Default.LEAF else _used(parts)

    def _of_and_or(self, node: ast.BoolOp) -> Default:
        parts = [self.of_expression(value) for value in node.values]
        decisive = Default.DENIED if isinstance(node.op, ast.And) else Default.GRANTED
        if decisive in parts:
            return decisive
        rest = [part for part in parts if part not in _OUTCOMES]
        return _together(rest) if rest else parts[0]

    def _of_choice(self, node: ast.IfExp) -> Default:
        test = self.of_expression(node.test)
        if test is Default.WORK:
            return test
        if test in _OUTCOMES:
            return self.of_expression(node.body if test is Default.GRANTED else node.orelse)
        return _together([self.of_expression(node.body), self.of_expression(node.orelse)])

    def _of_call(self, node: ast.Call) -> Default:
        for helper, parameter in helpers_of(self.source, node, self.names):
            if not self.depth:
                return Default.WORK
            return _Reader(self.source, self.dispatches, {parameter}, self.depth - 1).of_code(helper.body)
        return _used(_together(map(self.of_expression, child_nodes(node))))

    def _is_mentioned(self, node: ast.AST) -> bool:
        roots = {name.partition("[")[0] for name in self.names}
        return any(found.id in roots for found in nodes_below([node], ast.Name))


def _together(found: Iterable[Default]) -> Default:
    """Return what several pieces of code together do with the leaf: the most that one of them does."""
    kinds = set(found)
    for kind in (Default.WORK, Default.LEAF):
        if kind in kinds:
            return kind
    return kinds.pop() if len(kinds) == 1 else Default.NOTHING


def _used(inner: Default) -> Default:
    """Return what an expression does with the leaf, given what its parts do."""
    return Default.WORK if inner in (Default.LEAF, Default.WORK) else Default.NOTHING
