"""What a source text is made of: positions, ranges, edits, line ends. No LibCST, so that front ends stay light."""

from __future__ import annotations

import ast
import re
import warnings
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
        raise SourceError(f"syntax error: {error.msg}", error.lineno, error.offset) from None
    except ValueError as error:
        raise SourceError(f"cannot be parsed: {error}") from None
    except (RecursionError, MemoryError):
        raise SourceError("cannot be parsed: nested too deeply") from None
