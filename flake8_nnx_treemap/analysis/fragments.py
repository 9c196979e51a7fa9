"""Statements and expressions of a file, cut out and put together as one module for LibCST to parse."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from flake8_nnx_treemap.analysis.code.text import Position, Range
from flake8_nnx_treemap.analysis.names.bindings import Host, start_of
from flake8_nnx_treemap.analysis.positions import Parents, Spans, record_spans
from flake8_nnx_treemap.analysis.syntax import children_of

if TYPE_CHECKING:
    from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """A piece of the file as text that LibCST parses as one statement; ``offset`` is where its text would start."""

    node: Host
    text: str
    offset: int
    is_indented: bool = False

    @classmethod
    def cut(cls, source: ParsedSource, node: Host) -> Fragment:
        """The text of a statement or expression, made a statement of its own."""
        start, end = start_of(node), (node.end_lineno or node.lineno, node.end_col_offset or 0)
        first, last = source.position_of_place(start), source.position_of_place(end)
        if isinstance(node, ast.expr):
            return cls(node, f"({source.text_in(Range(first, last))}\n)\n", source.offset(first) - 1)
        if hasattr(node, "body"):
            first = Position(first.row, 1)  # A compound statement starts its line, so its own indentation is kept.
        body = source.text_in(Range(first, last)) + "\n"
        if not hasattr(node, "body") or body[0] not in " \t\f":
            return cls(node, body, source.offset(first))
        around = "if 1:\n"
        return cls(node, around + body, source.offset(first) - len(around), is_indented=True)

    def unwrap(self, statement: cst.CSTNode) -> cst.CSTNode:
        """The node that was meant, out of what was put around it."""
        if isinstance(self.node, ast.expr):
            assert isinstance(statement, cst.SimpleStatementLine)
            expression = statement.body[0]
            assert isinstance(expression, cst.Expr)
            return expression.value
        if self.is_indented:
            assert isinstance(statement, cst.If)
            statement = statement.body.body[0]
        return statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else statement


def parse_fragments(
    fragments: Sequence[Fragment],
    parsed: dict[ast.AST, cst.CSTNode | Unknown],
    calls: dict[ast.AST, list[cst.Call]],
    spans: Spans,
    parents: Parents,
) -> cst.Module | None:
    """Parse fragments of one file.

    Args:
        fragments: what to parse.
        parsed: filled with the node that each fragment is.
        calls: filled with the calls in each fragment.
        spans: filled with where each node stands in the file.
        parents: filled with the node around each.

    Returns:
        What was parsed, to be kept alive; ``None`` if LibCST does not parse it.
    """
    try:
        module = cst.parse_module("".join(fragment.text for fragment in fragments))
        if len(module.body) != len(fragments):
            return None
        for fragment, statement in zip(fragments, module.body, strict=True):
            calls[fragment.node] = record_spans(statement, module, fragment.offset, spans, parents)
            parsed[fragment.node] = _adopted(fragment.unwrap(statement), spans, parents)
    except (cst.ParserSyntaxError, RecursionError):
        return None
    return module


def _adopted(root: cst.CSTNode, spans: Spans, parents: Parents) -> cst.CSTNode:
    """What the fragment put around a node, such as the parentheses of an expression, is not in the file."""
    parents.pop(id(root), None)
    if not isinstance(root, cst.BaseExpression):
        return root
    bare = root.with_changes(lpar=root.lpar[1:], rpar=root.rpar[:-1])
    spans[id(bare)] = spans[id(root)]
    parents.update((id(child), bare) for child in children_of(bare))
    return bare
