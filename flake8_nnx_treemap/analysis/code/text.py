"""What a source text is made of: positions, ranges, edits, line ends."""

from __future__ import annotations

import ast
import functools
import re
import sys
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from flake8_nnx_treemap.analysis.code.nodes import Place, end_of, start_of

LINE_END = re.compile(r"\r\n|\r|\n")
"""The line ends that Python's grammar knows; a form feed is none."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A row and a column, both from 1; columns count code points."""

    row: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """From ``start`` up to, not including, ``end``."""

    start: Position
    end: Position


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Text that takes the place of a range; the range is empty for an insertion."""

    range: Range
    content: str


class SourceError(Exception):
    """The text is not Python, or holds more than can be analysed."""

    def __init__(self, message: str, row: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.row = row
        self.column = column


class WideCharacters:
    """The characters of a line that take more than one byte: from its characters to its bytes, and back.

    Found once: with thousands of places in one line, nothing may count from its start for each of them.
    """

    __slots__ = ("_bytes", "_characters", "_extra")

    def __init__(self, line: str) -> None:
        self._characters: list[int] = []
        """After which characters it is that a place has moved on by so many ``_extra`` bytes."""
        self._bytes: list[int] = []
        self._extra = [0]
        for found in _WIDE.finditer(line):
            self._characters.append(found.end())
            self._extra.append(self._extra[-1] + len(found.group().encode("utf-8", "surrogatepass")) - 1)
            self._bytes.append(found.end() + self._extra[-1])

    def bytes_before(self, characters: int) -> int:
        """How many bytes so many characters at the start of the line take."""
        return characters + self._extra[bisect_right(self._characters, characters)]

    def characters_before(self, bytes_: int) -> int:
        """How many characters so many bytes at the start of the line are."""
        return bytes_ - self._extra[bisect_right(self._bytes, bytes_)]


_WIDE = re.compile(r"[^\x00-\x7f]")


def line_starts(text: str) -> list[int]:
    """Offsets at which lines start, for the line ends that Python's grammar knows (not form feeds)."""
    return [0, *(match.end() for match in LINE_END.finditer(text))]


def parse_module(text: str) -> ast.Module:
    """Parse a whole file with the standard library.

    Raises:
        SourceError: the text is not Python for the running interpreter, or nests too deeply for it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in someone's string is not our business.
            return ast.parse(text)
    except SyntaxError as error:
        # Which syntax there is depends on who asks: a file may well be Python, of a later release than this one.
        grammar = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        raise SourceError(f"syntax error: {error.msg} ({grammar})", error.lineno, error.offset) from None
    except ValueError as error:
        raise SourceError(f"cannot be parsed: {error}") from None
    except (RecursionError, MemoryError):
        raise SourceError("cannot be parsed: nested too deeply") from None


class SourceText:
    """A source text: its rows, and where places of its ``ast`` stand in it."""

    def __init__(self, text: str, filename: str = "<stdin>") -> None:
        """Take a text and the name that messages use for it."""
        self.text = text
        self.filename = filename
        self.memory: dict[object, object] = {}
        """What ``remembered`` functions have answered."""
        self._is_ascii = text.isascii()
        self._wide: dict[int, WideCharacters | None] = {}
        """What rows hold beyond ASCII, if anything."""

    @functools.cached_property
    def _line_starts(self) -> list[int]:
        return line_starts(self.text)

    def line(self, row: int) -> str:
        """The text of a row, counted from 1, without its line end."""
        start = self._line_starts[row - 1]
        end = self._line_starts[row] if row < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def lines(self) -> Iterator[str]:
        """Every row's text, without line ends."""
        return map(self.line, range(1, len(self._line_starts) + 1))

    @property
    def newline(self) -> str:
        """The line end that the file uses first."""
        match = LINE_END.search(self.text)
        return match.group() if match else "\n"

    def offset(self, position: Position) -> int:
        """Where a position stands in the text."""
        return self._line_starts[position.row - 1] + position.column - 1

    def position(self, offset: int) -> Position:
        """The position of an offset in the text."""
        row = bisect_right(self._line_starts, offset)
        return Position(row, offset - self._line_starts[row - 1] + 1)

    def position_of_place(self, place: Place) -> Position:
        """An ``ast`` place (UTF-8 columns) as a position (code points)."""
        row, column = place
        wide = self._wide_characters(row)
        return Position(row, 1 + (column if wide is None else wide.characters_before(column)))

    def place_at(self, position: Position) -> Place:
        """A position as an ``ast`` place."""
        wide = self._wide_characters(position.row)
        column = position.column - 1
        return (position.row, column if wide is None else wide.bytes_before(column))

    def range(self, node: ast.AST) -> Range:
        """Return where a node stands, parentheses around it not counted."""
        return Range(self.position_of_place(start_of(node)), self.position_of_place(end_of(node)))

    def offsets_of(self, node: ast.AST) -> tuple[int, int]:
        """Return where a node starts and ends in the text."""
        range_ = self.range(node)
        return self.offset(range_.start), self.offset(range_.end)

    def text_of(self, node: ast.AST) -> str:
        """Return the text of a node as it stands in the file."""
        return self.text_in(self.range(node))

    def text_in(self, range_: Range) -> str:
        """The text of a range."""
        return self.text[self.offset(range_.start) : self.offset(range_.end)]

    def _wide_characters(self, row: int) -> WideCharacters | None:
        if self._is_ascii:
            return None
        if row not in self._wide:
            line = self.line(row)
            self._wide[row] = None if line.isascii() else WideCharacters(line)
        return self._wide[row]

    # Edits

    def replace(self, range_: Range, content: str) -> Edit:
        """Replace a range, touching only the characters that differ."""
        old = self.text_in(range_)
        start = 0
        while start < min(len(old), len(content)) and old[start] == content[start]:
            start += 1
        end = 0
        while end < min(len(old), len(content)) - start and old[-1 - end] == content[-1 - end]:
            end += 1
        offset = self.offset(range_.start)
        trimmed = Range(self.position(offset + start), self.position(offset + len(old) - end))
        return Edit(trimmed, content[start : len(content) - end])

    def insert(self, position: Position, content: str) -> Edit:
        """Insert text at a position."""
        return Edit(Range(position, position), content)


_Asked = ParamSpec("_Asked")
_Source = TypeVar("_Source", bound=SourceText)
_Fact = TypeVar("_Fact")
_UNANSWERED = object()


def remembered(
    compute: Callable[Concatenate[_Source, _Asked], _Fact],
) -> Callable[Concatenate[_Source, _Asked], _Fact]:
    """Let a function of a source compute its answer once for the same question.

    Args:
        compute: the function; its other arguments must be hashable, as nodes are, by identity.
    """

    @functools.wraps(compute)
    def answer(source: _Source, /, *args: _Asked.args, **kwargs: _Asked.kwargs) -> _Fact:
        question = (compute, args, *kwargs.items()) if kwargs else (compute, args)
        found = source.memory.get(question, _UNANSWERED)
        if found is _UNANSWERED:
            found = source.memory[question] = compute(source, *args, **kwargs)
        return found  # type: ignore[return-value]

    return answer
