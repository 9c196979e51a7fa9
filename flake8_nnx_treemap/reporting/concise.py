"""Findings for people and for editors that read one line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.style import Style, one_line
from flake8_nnx_treemap.rules.rule import Finding, is_wanted


def render(reports: Sequence[FileReport], style: Style) -> str:
    """One line for each finding, and the summary."""
    lines: list[str] = []
    for report in reports:
        lines += fixed_lines(report, style)
        lines += [headline(report, finding, style) for finding in report.findings]
    return "".join(f"{line}\n" for line in (*lines, *summary_lines(reports, style)))


def fixed_lines(report: FileReport, style: Style) -> list[str]:
    """What was fixed in a file, if anything was."""
    if not report.fixed or not style.fixes:
        return []
    return [f"{one_line(report.path)}: {report.done} {', '.join(sorted(found.code for found in report.fixed))}"]


def headline(report: FileReport, finding: Finding, style: Style) -> str:
    """``path:row:column: CODE [*] message``; the star says that ``nnx-fix`` repairs it."""
    place = report.place(finding.range.start)
    return f"{painted(one_line(report.path), BOLD, style)}:{place}: {verdict(finding, style)}"


def verdict(finding: Finding, style: Style) -> str:
    """``CODE [*] message``."""
    star = f"[{painted('*', CYAN, style)}] " if is_wanted(finding.fix, unsafe_fixes=style.unsafe_fixes) else ""
    return f"{painted(finding.code, RED, style)} {star}{one_line(finding.message)}"


BOLD, RED, CYAN, BLUE = "1", "1;31", "36", "1;34"
"""Parameters of the terminal's sequence that sets a colour."""


def painted(text: str, colour: str, style: Style) -> str:
    """The text in a colour, if colours are wanted."""
    return f"\x1b[{colour}m{text}\x1b[0m" if style.is_coloured else text


def summary_lines(reports: Sequence[FileReport], style: Style) -> Iterable[str]:
    """What was found, what was fixed, what could be."""
    if not style.has_summary:
        return
    left = [finding for report in reports for finding in report.findings]
    fixed = sum(len(report.fixed) for report in reports)
    done = next((report.done for report in reports if report.fixed), "")
    if fixed and style.fixes:
        yield f"Found {_count(len(left) + fixed, 'finding')} ({fixed} {done}, {len(left)} remaining)."
    elif fixed:
        yield f"Would fix {_count(fixed, 'finding')}, {len(left)} would remain."
    elif left:
        yield f"Found {_count(len(left), 'finding')}."
    else:
        failed = sum(report.error is not None for report in reports)
        yield f"No findings, but {_count(failed, 'file')} could not be checked." if failed else "All checks passed!"
    fixable = sum(is_wanted(finding.fix, unsafe_fixes=style.unsafe_fixes) for finding in left)
    hidden = sum(finding.fix is not None for finding in left) - fixable
    if fixable:
        yield f"[*] {fixable} fixable with `nnx-fix`."
    if hidden:
        yield f"{_count(hidden, 'more fix', 'more fixes')} with `--unsafe-fixes`."


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
