"""Cuts the statements that are to be rewritten out of a file, and parses them with LibCST in one go."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from flake8_nnx_treemap.analysis.code.nodes import depth_exceeds
from flake8_nnx_treemap.analysis.code.text import Position, Range
from flake8_nnx_treemap.analysis.names.scopes import Host
from flake8_nnx_treemap.analysis.names.source import ParsedSource

MAXIMUM_DEPTH = 150
"""The deepest nesting of nodes that LibCST is to parse: its native parser overflows the stack on some thousands."""

_REJECTED = (cst.CSTValidationError, TypeError)
"""What LibCST raises for code such as ``return(a if b else c)``, in which nothing but parentheses part two words."""

_WORDS = "|".join(keyword.kwlist)
_TOUCHING = re.compile(rf"#[^\r\n]*|(?<=\))(?=(?:{_WORDS})\b)|\b(?:{_WORDS})(?=\()")
"""A comment, or where a keyword touches a parenthesis; also in a string, which nobody reads off the tree."""


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """A host as text that LibCST parses as one statement, and the position of the text's first character."""

    host: Host
    text: str
    start: Position
    is_exact: bool = True
    """Whether the text is the file's, without added spaces."""

    @classmethod
    def cut(cls, source: ParsedSource, host: Host) -> Fragment:
        """Return the fragment of a file that holds a host."""
        range_ = source.range(host)
        text = source.text_in(range_)
        if isinstance(host, ast.expr):
            return cls(host, f"({text}\n)\n", Position(range_.start.row, range_.start.column - 1))
        return cls(host, f"{text}\n", range_.start)

    def spaced(self) -> Fragment:
        """Return the fragment with spaces between keywords and parentheses, where LibCST wants them."""
        text = _TOUCHING.sub(lambda match: match[0] if match[0][:1] == "#" else f"{match[0]} ", self.text)
        return Fragment(self.host, text, self.start, is_exact=False)

    def comments(self, source: ParsedSource) -> Iterator[tuple[Position, str]]:
        """Yield where comments start in the file, and their texts; LibCST's provider takes longer than the parse."""
        if "#" not in self.text:
            return
        if not self.is_exact:
            yield from possible_comments(source, source.range(self.host))
            return
        wrapper = MetadataWrapper(cst.parse_module(self.text), unsafe_skip_copy=True)
        for node, place in wrapper.resolve(PositionProvider).items():
            if isinstance(node, cst.Comment):
                row, column = place.start.line - 1, place.start.column
                yield Position(self.start.row + row, column + (1 if row else self.start.column)), node.value


@dataclass(frozen=True, slots=True, eq=False)
class ConcreteStatement:
    """A fragment as parsed by LibCST: the host's statement or expression, and the module that was parsed."""

    fragment: Fragment
    node: cst.CSTNode
    module: cst.Module


def parse_statements(source: ParsedSource, hosts: Iterable[Host]) -> list[ConcreteStatement]:
    """Return hosts as parsed by LibCST: together if it parses them all, else one by one.

    Args:
        source: the file.
        hosts: the code to parse.

    Returns:
        The statements; those that LibCST does not parse, with spaces around keywords either, and those nested too
        deeply for it, are left out.
    """
    fragments = [
        fragment
        for fragment in (Fragment.cut(source, host) for host in dict.fromkeys(hosts))
        # Each level takes at least one character, so the depth of short code need not be measured.
        if len(fragment.text) <= MAXIMUM_DEPTH or not depth_exceeds(fragment.host, MAXIMUM_DEPTH)
    ]
    together = _parse(fragments)
    return together or [one for fragment in fragments for one in _parse([fragment]) or _parse([fragment.spaced()])]


def _parse(fragments: Sequence[Fragment]) -> list[ConcreteStatement]:
    try:
        module = cst.parse_module("".join(fragment.text for fragment in fragments))
    except (cst.ParserSyntaxError, *_REJECTED, RecursionError):
        return []
    if len(module.body) != len(fragments):
        return []
    pairs = zip(fragments, module.body, strict=True)
    return [ConcreteStatement(fragment, _unwrapped(fragment, statement), module) for fragment, statement in pairs]


def _unwrapped(fragment: Fragment, statement: cst.CSTNode) -> cst.CSTNode:
    assert isinstance(statement, cst.SimpleStatementLine)
    (node,) = statement.body
    if not isinstance(fragment.host, ast.expr):
        return node
    assert isinstance(node, cst.Expr)
    return node.value.with_changes(lpar=node.value.lpar[1:], rpar=node.value.rpar[:-1])


def possible_comments(source: ParsedSource, range_: Range) -> Iterator[tuple[Position, str]]:
    """Yield what may be comments in code that is not parsed: any ``#`` may start one, also one in a string."""
    for row in range(range_.start.row, range_.end.row + 1):
        line = source.line(row)
        at = line.find("#", range_.start.column - 1 if row == range_.start.row else 0)
        if at >= 0 and Position(row, at + 1) < range_.end:
            yield Position(row, at + 1), line[at:]
