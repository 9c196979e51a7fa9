"""Source texts: positions, ranges, edits and line ends."""

from __future__ import annotations

import ast
import functools
import re
import sys
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from flake8_nnx_treemap.analysis.code.nodes import Place, end_of, start_of

LINE_END = re.compile(r"\r\n|\r|\n")
"""The line ends that Python's grammar knows; a form feed is not one."""


class Position(NamedTuple):
    """A row and a column, both from 1; columns count code points."""

    row: int
    column: int


class Range(NamedTuple):
    """A part of a text, from ``start`` up to, not including, ``end``."""

    start: Position
    end: Position


class Edit(NamedTuple):
    """A text that replaces a range; the range is empty for an insertion."""

    range: Range
    content: str


class SourceError(Exception):
    """The text is not Python, or is too large or too deeply nested to analyse."""

    def __init__(self, message: str, row: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.row = row
        self.column = column

    @property
    def placed(self) -> str:
        """The message behind the place that it is about, if that is known."""
        return f"{self.row}:{self.column}: {self.message}" if self.row else self.message


class WideCharacters:
    """A line's characters of several bytes, to convert between character columns and byte columns.

    They are found once, as one line may have thousands of places, and counting from its start for each is slow.
    """

    __slots__ = ("_bytes", "_characters", "_extra")

    def __init__(self, line: str) -> None:
        self._characters: list[int] = []
        """The column after each such character; ``_extra`` has how many more bytes than characters are before it."""
        self._bytes: list[int] = []
        self._extra = [0]
        for found in _WIDE.finditer(line):
            self._characters.append(found.end())
            self._extra.append(self._extra[-1] + len(found.group().encode("utf-8", "surrogatepass")) - 1)
            self._bytes.append(found.end() + self._extra[-1])

    def bytes_before(self, characters: int) -> int:
        """Return the number of bytes that the first ``characters`` characters of the line take."""
        return characters + self._extra[bisect_right(self._characters, characters)]

    def characters_before(self, bytes_: int) -> int:
        """Return the number of characters in the first ``bytes_`` bytes of the line."""
        return bytes_ - self._extra[bisect_right(self._bytes, bytes_)]


_WIDE = re.compile(r"[^\x00-\x7f]")


def line_starts(text: str) -> list[int]:
    """Return the offsets at which lines start, for the line ends that Python's grammar knows (not form feeds)."""
    return [0, *(match.end() for match in LINE_END.finditer(text))]


def parse_module(text: str) -> ast.Module:
    """Return the ``ast`` of a whole file.

    Raises:
        SourceError: the text is not Python for the running interpreter, or nests too deeply for it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns about "\d" in a string.
            return ast.parse(text)
    except SyntaxError as error:
        # The message names the running Python: the file may use the syntax of a later release.
        grammar = f"Python {sys.version_info.major}.{sys.version_info.minor}"
        raise SourceError(f"syntax error: {error.msg} ({grammar})", error.lineno, error.offset) from None
    except ValueError as error:
        raise SourceError(f"cannot be parsed: {error}") from None
    except (RecursionError, MemoryError):
        raise SourceError("cannot be parsed: nested too deeply") from None


def parse_expression(text: str) -> ast.expr | None:
    """Parse an expression, such as an annotation in quotes; ``None`` if it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


class SourceText:
    """A source text: its rows, and the positions of its ``ast`` nodes."""

    def __init__(self, text: str, filename: str = "<stdin>") -> None:
        """Take a text and the name that messages use for it."""
        self.text = text
        self.filename = filename
        self.memory: dict[object, object] = {}
        """The results of ``remembered`` functions."""
        self._is_ascii = text.isascii()
        self._wide: dict[int, WideCharacters | None] = {}
        """By row, its characters of several bytes; ``None`` for a row of ASCII."""

    def forget(self) -> None:
        """Drop the results of ``remembered`` functions, which refer back to the source.

        Without them no object of a source refers to one that refers to it, so that trees are freed at once, and the
        garbage collector need not look for them: that takes as long as the rest of a run over thousands of files.
        """
        self.memory.clear()

    @functools.cached_property
    def _line_starts(self) -> list[int]:
        return line_starts(self.text)

    def line(self, row: int) -> str:
        """Return the text of a row, counted from 1, without its line end."""
        start = self._line_starts[row - 1]
        end = self._line_starts[row] if row < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def lines(self, first: int = 1) -> Iterator[str]:
        """Yield the text of every row from one on, without line ends."""
        return map(self.line, range(first, len(self._line_starts) + 1))

    @property
    def newline(self) -> str:
        """The line end that the file uses first."""
        match = LINE_END.search(self.text)
        return match.group() if match else "\n"

    def offset(self, position: Position) -> int:
        """Return the offset of a position in the text."""
        return self._line_starts[position.row - 1] + position.column - 1

    def position(self, offset: int) -> Position:
        """Return the position of an offset in the text."""
        row = bisect_right(self._line_starts, offset)
        return Position(row, offset - self._line_starts[row - 1] + 1)

    def position_of_place(self, place: Place) -> Position:
        """Return an ``ast`` place (UTF-8 columns) as a position (code points)."""
        row, column = place
        wide = self._wide_characters(row)
        return Position(row, 1 + (column if wide is None else wide.characters_before(column)))

    def place_at(self, position: Position) -> Place:
        """Return a position as an ``ast`` place."""
        wide = self._wide_characters(position.row)
        column = position.column - 1
        return (position.row, column if wide is None else wide.bytes_before(column))

    def range(self, node: ast.AST) -> Range:
        """Return the range of a node, without parentheses around it."""
        return Range(self.position_of_place(start_of(node)), self.position_of_place(end_of(node)))

    def offsets_of(self, node: ast.AST) -> tuple[int, int]:
        """Return the offsets at which a node starts and ends in the text."""
        range_ = self.range(node)
        return self.offset(range_.start), self.offset(range_.end)

    def text_of(self, node: ast.AST) -> str:
        """Return the text of a node as it is in the file."""
        return self.text_in(self.range(node))

    def text_in(self, range_: Range) -> str:
        """Return the text of a range."""
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
        """Return the edit that replaces a range, cut down to the characters that differ."""
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
        """Return the edit that inserts text at a position."""
        return Edit(Range(position, position), content)


_Asked = ParamSpec("_Asked")
_Source = TypeVar("_Source", bound=SourceText)
_Fact = TypeVar("_Fact")
_UNANSWERED = object()


def remembered(
    compute: Callable[Concatenate[_Source, _Asked], _Fact],
) -> Callable[Concatenate[_Source, _Asked], _Fact]:
    """Wrap a function of a source so that it keeps its results in the source and computes each only once.

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
