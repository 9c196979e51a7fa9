"""Findings for people: where, what, the source with the place underlined, and what a fix would do."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import islice

from flake8_nnx_treemap.analysis.code.text import LINE_END
from flake8_nnx_treemap.project.escaping import CONTROL
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.changed_lines import Changed, changed_lines
from flake8_nnx_treemap.reporting.concise import fixed_lines, headline, summary_lines
from flake8_nnx_treemap.reporting.style import BLUE, CYAN, GREEN, RED, Style, one_line, painted
from flake8_nnx_treemap.rules.catalogue import rule_named
from flake8_nnx_treemap.rules.rule import Applicability, Finding

LONGEST_FIX = 20
"""Lines of a fix that are shown: more than almost any fix has, and a report stays one."""


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
    changed = [] if finding.fix is None else list(islice(changed_lines(lines, finding.fix.edits), LONGEST_FIX + 1))
    changed = [(sign, _row_shown(report, row), line) for sign, row, line in changed]
    row = _row_shown(report, start.row)
    width = max(len(str(one)) for one in (row, *(one for _, one, _ in changed)))
    block = [headline(report, finding, style)]
    bar = painted("|", BLUE, style)
    if start.row <= len(lines):
        line = lines[start.row - 1]
        stop = end.column - 1 if end.row == start.row else len(line)
        padding, carets = caret_run(line, start.column - 1, stop)
        block += [
            f"{' ' * width} {bar}",
            f"{painted(str(row).rjust(width), BLUE, style)} {bar} {printable(line)}".rstrip(),
            f"{' ' * width} {bar} {padding}{painted(carets, RED, style)}",
        ]
    if finding.fix is not None:
        label = "= help:" if finding.fix.applicability is Applicability.SAFE else "= help (unsafe fix):"
        block.append(f"{' ' * width} {painted(label, CYAN, style)} {one_line(finding.fix.message)}")
        block += [_changed_line(one, width, style) for one in changed[:LONGEST_FIX]]
        if len(changed) > LONGEST_FIX:
            block.append(f"{' ' * width} … and more; --diff shows it all")
    block.append(f"{' ' * width} {painted('= see:', CYAN, style)} {rule_named(finding.code).url}")
    return "\n".join(block) + "\n\n"


def _row_shown(report: FileReport, row: int) -> int:
    """The row as people know it: in a notebook, that in its cell."""
    return row if report.cells is None else report.cells.locate(row)[1]


def _changed_line(changed: Changed, width: int, style: Style) -> str:
    sign, row, line = changed
    number = painted((str(row) if sign == "-" else "").rjust(width), BLUE, style)
    return f"{number} {painted(f'{sign} {printable(line)}'.rstrip(), RED if sign == '-' else GREEN, style)}"


def caret_run(line: str, start: int, stop: int) -> tuple[str, str]:
    """What is printed under a line to mark a part of it.

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


def printable(line: str) -> str:
    """A line of source, less the characters that a terminal would take for commands."""
    return "".join(map(_shown, line))


def _shown(letter: str) -> str:
    """The character, unless a terminal would take it for a command."""
    return "\N{REPLACEMENT CHARACTER}" if letter != "\t" and CONTROL.match(letter) else letter
