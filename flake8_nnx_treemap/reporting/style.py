"""What every output format knows about a run, and the texts that several of them share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_nnx_treemap.analysis.code.text import Position, Range
from flake8_nnx_treemap.project.escaping import in_json as in_json
from flake8_nnx_treemap.project.escaping import one_line as one_line

if TYPE_CHECKING:
    from flake8_nnx_treemap.project.runner import FileReport
    from flake8_nnx_treemap.rules.rule import Finding


@dataclass(frozen=True, slots=True)
class Style:
    """How a run is to be reported."""

    fixes: bool = True
    """Whether what was fixed is fixed, and not just shown."""
    is_coloured: bool = False
    has_summary: bool = True
    """Whether people are told how much there is, too."""
    lists_fixes: bool = False
    """Whether people are told what was fixed, file by file."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be read, parsed or written; the row is 1 where none is known."""

    path: str
    row: int
    column: int
    message: str
    is_placed: bool = True
    """Whether the row and the column are those of what is wrong."""


def failures(reports: Sequence[FileReport]) -> Iterator[Failure]:
    """What went wrong with files, with the place taken out of the message."""
    for report in reports:
        if report.error:
            match = re.match(r"(\d+):(\d+): ", report.error)
            row, column = (int(match[1]), int(match[2])) if match else (1, 1)
            yield Failure(
                report.path, row, max(column, 1), report.error[match.end() if match else 0 :], match is not None
            )


def placed_in_cell(report: FileReport, finding: Finding, message: str) -> str:
    """A message for formats that have places in files alone: in a notebook it says which cell it is about."""
    return message if report.cells is None else f"{report.place(finding.range.start)}: {message}"


FIRST_PLACE = Range(Position(1, 1), Position(1, 1))
"""What such formats are given for a finding in a notebook: rows of cells are none of its file."""


BOLD, RED, GREEN, CYAN, BLUE = "1", "1;31", "32", "36", "1;34"
"""Parameters of the terminal's sequence that sets a colour."""


def painted(text: str, colour: str, style: Style) -> str:
    """The text in a colour, if colours are wanted."""
    return in_colour(text, colour) if style.is_coloured else text


def in_colour(text: str, colour: str) -> str:
    """The text in a colour of the terminal."""
    return f"\x1b[{colour}m{text}\x1b[0m"
