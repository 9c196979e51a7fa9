"""The statements that hold what is to be rewritten, cut out of a file and parsed by LibCST in one go."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper

from flake8_nnx_treemap.analysis.code.nodes import depth_exceeds
from flake8_nnx_treemap.analysis.code.text import LINE_END, Position, Range
from flake8_nnx_treemap.analysis.names.scopes import Host
from flake8_nnx_treemap.analysis.names.source import ParsedSource

MAXIMUM_DEPTH = 150
"""Deepest nesting of ``ast`` nodes given to LibCST, whose native parser overflows the stack on some thousands."""


@dataclass(frozen=True, slots=True, eq=False)
class Fragment:
    """A host as text that LibCST parses as one statement, and the position of the text's first character."""

    host: Host
    text: str
    start: Position

    @classmethod
    def cut(cls, source: ParsedSource, host: Host) -> Fragment:
        """Cut a host out of a file."""
        range_ = source.range(host)
        text = source.text_in(range_)
        if isinstance(host, ast.expr):
            return cls(host, f"({text}\n)\n", Position(range_.start.row, range_.start.column - 1))
        return cls(host, f"{text}\n", range_.start)


@dataclass(frozen=True, slots=True, eq=False)
class ConcreteStatements:
    """Fragments of a file that were parsed together, and the line of the parsed text at which each starts."""

    wrapper: MetadataWrapper
    fragments: tuple[Fragment, ...]
    first_lines: tuple[int, ...]

    def range_in_file(self, index: int, place: CodeRange) -> Range:
        """Return where a place in the statement with an index stands in the file."""
        return Range(
            self._position(index, place.start.line, place.start.column),
            self._position(index, place.end.line, place.end.column),
        )

    def _position(self, index: int, line: int, column: int) -> Position:
        start, first = self.fragments[index].start, self.first_lines[index]
        return Position(start.row + line - first, column + (start.column if line == first else 1))


def parse_statements(source: ParsedSource, hosts: Iterable[Host]) -> list[ConcreteStatements]:
    """Parse hosts, all in one go if LibCST parses them all.

    Args:
        source: the file.
        hosts: what to parse.

    Returns:
        The statements; those that LibCST does not parse, and those nested too deeply for it, are left out.
    """
    fragments = [
        fragment
        for fragment in (Fragment.cut(source, host) for host in dict.fromkeys(hosts))
        # Each level takes a character at least, so most need not be measured.
        if len(fragment.text) <= MAXIMUM_DEPTH or not depth_exceeds(fragment.host, MAXIMUM_DEPTH)
    ]
    if not fragments:
        return []
    together = _parse(fragments)
    if together is not None:
        return [together]
    return [found for fragment in fragments if (found := _parse([fragment])) is not None]


def _parse(fragments: Sequence[Fragment]) -> ConcreteStatements | None:
    first_lines, line = [], 1
    for fragment in fragments:
        first_lines.append(line)
        line += len(LINE_END.findall(fragment.text))
    try:
        module = cst.parse_module("".join(fragment.text for fragment in fragments))
    except (cst.ParserSyntaxError, RecursionError):
        return None
    if len(module.body) != len(fragments):
        return None
    return ConcreteStatements(MetadataWrapper(module, unsafe_skip_copy=True), tuple(fragments), tuple(first_lines))
