"""What a source text is made of: positions, ranges, edits, line ends. No LibCST, so that front ends stay light."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from bisect import bisect_right
from dataclasses import dataclass

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
