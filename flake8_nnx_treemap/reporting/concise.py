"""Findings for people and for editors that read one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from flake8_nnx_treemap.names import NEWEST, PORTABLE_RANGE, release_text
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.style import BOLD, CYAN, RED, Style, one_line, painted
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rule import Finding


def render(reports: Sequence[FileReport], style: Style) -> str:
    """One line for each finding, and the summary."""
    lines: list[str] = []
    for report in reports:
        lines += fixed_lines(report, style)
        lines += [headline(report, finding, style) for finding in report.findings]
    return "".join(f"{line}\n" for line in (*lines, *summary_lines(reports, style)))


def fixed_lines(report: FileReport, style: Style) -> list[str]:
    """What was fixed in a file, if anything was."""
    if not report.fixed or not style.fixes or style.lists_fixes:
        return []
    return [f"{one_line(report.path)}: {report.done} {', '.join(sorted(found.code for found in report.fixed))}"]


def headline(report: FileReport, finding: Finding, style: Style) -> str:
    """``path:row:column: CODE [*] message``; the star says that ``nnx-fix`` repairs it."""
    place = report.place(finding.range.start)
    return f"{painted(one_line(report.path), BOLD, style)}:{place}: {verdict(report, finding, style)}"


def verdict(report: FileReport, finding: Finding, style: Style) -> str:
    """``CODE [*] message``."""
    star = f"[{painted('*', CYAN, style)}] " if report.is_fixable(finding) else ""
    return f"{painted(finding.code, RED, style)} {star}{one_line(finding.message)}"


def summary_lines(reports: Sequence[FileReport], style: Style) -> Iterable[str]:
    """What was found, what was fixed, what could be."""
    if style.lists_fixes:
        yield from _list_of_fixes(reports, style)
    if not style.has_summary:
        return
    yield from _counted(reports, style)
    left = [finding for report in reports for finding in report.findings]
    fixable = sum(report.is_fixable(finding) for report in reports for finding in report.findings)
    hidden = sum(finding.fix is not None for finding in left) - fixable
    if fixable:
        yield f"[*] {fixable} fixable with `nnx-fix`."
    if hidden:
        yield f"{_count(hidden, 'more fix', 'more fixes')} with `--unsafe-fixes`."
    more = [report.more_for_newest for report in reports if report.more_for_newest is not None]
    if more:
        newest = release_text(NEWEST)
        yield (
            f"No lower bound for Flax was found, so {PORTABLE_RANGE} is assumed; for {newest} alone there "
            f'{_more_findings(sum(more))}. To say which Flax it is, add `target-flax = "{newest}"` to '
            "[tool.nnx-treemap] in pyproject.toml."
        )


def _counted(reports: Sequence[FileReport], style: Style) -> Iterator[str]:
    """How many findings there are and were, and how many files of which that is not known."""
    left = sum(len(report.findings) for report in reports)
    fixed = sum(len(report.fixed) for report in reports)
    unwritten = sum(report.is_unwritten for report in reports)
    unchecked = sum(report.error is not None for report in reports) - unwritten
    missed = f"{_count(unchecked, 'file')} could not be checked."
    if fixed and style.fixes:
        done = next(report.done for report in reports if report.fixed)
        yield f"Found {_count(left + fixed, 'finding')} ({fixed} {done}, {left} remaining)."
    elif fixed:
        yield f"Would fix {_count(fixed, 'finding')}, {left} would remain."
    elif left:
        yield f"Found {_count(left, 'finding')}."
    elif not unwritten:
        yield f"No findings, but {missed}" if unchecked else "All checks passed!"
    if unchecked and (left or fixed or unwritten):
        yield missed
    if unwritten:
        yield f"{_count(unwritten, 'file')} could not be written, and {'is' if unwritten == 1 else 'are'} as before."


def _more_findings(number: int) -> str:
    if not number:
        return "are no more findings"
    return f"{'is' if number == 1 else 'are'} {_count(number, 'more finding')}"


def _list_of_fixes(reports: Sequence[FileReport], style: Style) -> Iterator[str]:
    """What was fixed, file by file, as ruff lists it."""
    told = [report for report in reports if report.fixed]
    if not told:
        return
    done = told[0].done.capitalize() if style.fixes else "Would fix"
    yield f"{done} {_count(sum(len(report.fixed) for report in told), 'finding')}:"
    for report in told:
        yield f"- {one_line(report.path)}:"
        for code, number in sorted(Counter(finding.code for finding in report.fixed).items()):
            yield f"    {number} × {code} ({CODES[code].slug})"
    yield ""


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
