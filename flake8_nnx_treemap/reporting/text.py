"""Findings for people: where, what, the source with the place underlined, and what a fix would do."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from flake8_nnx_treemap.analysis.code.text import LINE_END
from flake8_nnx_treemap.project.escaping import CONTROL
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.concise import BLUE, CYAN, RED, fixed_lines, headline, painted, summary_lines
from flake8_nnx_treemap.reporting.style import Style, one_line
from flake8_nnx_treemap.rules.rule import Finding


def render(reports: Sequence[FileReport], style: Style) -> str:
    """A block for each finding, and the summary."""
    parts: list[str] = []
    for report in reports:
        parts += [f"{line}\n" for line in fixed_lines(report, style)]
        lines = LINE_END.split(report.text) if report.text is not None else []
        parts += [_block(report, finding, lines, style) for finding in report.findings]
    return "".join([*parts, *(f"{line}\n" for line in summary_lines(reports, style))])


def _block(report: FileReport, finding: Finding, lines: Sequence[str], style: Style) -> str:
    start, end = finding.range.start, finding.range.end
    block = [headline(report, finding, style)]
    number = str(start.row)
    bar = painted("|", BLUE, style)
    if start.row <= len(lines):
        line = lines[start.row - 1]
        stop = end.column - 1 if end.row == start.row else len(line)
        padding, carets = caret_run(line, start.column - 1, stop)
        block += [
            f"{' ' * len(number)} {bar}",
            f"{painted(number, BLUE, style)} {bar} {''.join(map(_shown, line))}".rstrip(),
            f"{' ' * len(number)} {bar} {padding}{painted(carets, RED, style)}",
        ]
    if finding.fix is not None:
        block.append(f"{' ' * len(number)} {painted('= help:', CYAN, style)} {one_line(finding.fix.message)}")
    return "\n".join(block) + "\n\n"


def caret_run(line: str, start: int, stop: int) -> tuple[str, str]:
    """What stands under a line to mark a part of it.

    Args:
        line: the source line.
        start: where the part starts, in code points from 0.
        stop: where it ends.

    Returns:
        The padding, in which tabs stay tabs so that it is as wide as the text above on any terminal, and the carets.
    """
    padding = "".join("\t" if letter == "\t" else " " * _width(letter) for letter in line[:start])
    return padding, "^" * max(1, sum(map(_width, line[start:stop])))


def _width(letter: str) -> int:
    """How many cells of a terminal a character takes."""
    if CONTROL.match(letter):
        return 1  # As ``_shown`` has it.
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _shown(letter: str) -> str:
    """The character, unless a terminal would take it for a command."""
    return "\N{REPLACEMENT CHARACTER}" if letter != "\t" and CONTROL.match(letter) else letter
