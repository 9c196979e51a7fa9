"""Findings for people: one line each, and a summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flake8_nnx_treemap.fixing.edits import is_wanted
from flake8_nnx_treemap.project.runner import FileReport


def report_lines(reports: Sequence[FileReport], *, unsafe_fixes: bool, fixes: bool) -> Iterable[str]:
    """Everything there is to say about a run, but for its errors.

    Args:
        reports: the files that have something to say.
        unsafe_fixes: whether unsafe fixes count as fixable.
        fixes: whether what was fixed is fixed, and not just shown.
    """
    for report in reports:
        if report.fixed and fixes:
            yield f"{report.path}: {report.done} {', '.join(sorted(found.code for found in report.fixed))}"
        yield from finding_lines(report, unsafe_fixes=unsafe_fixes)
    yield from summary_lines(reports, unsafe_fixes=unsafe_fixes, fixes=fixes)


def finding_lines(report: FileReport, *, unsafe_fixes: bool) -> Iterable[str]:
    """``path:row:column: CODE [*] message`` for each finding; the star says that ``nnx-fix`` repairs it."""
    for finding in report.findings:
        place = report.place(finding.range.start)
        star = "[*] " if is_wanted(finding.fix, unsafe_fixes=unsafe_fixes) else ""
        yield f"{report.path}:{place}: {finding.code} {star}{finding.message}"


def summary_lines(reports: Sequence[FileReport], *, unsafe_fixes: bool, fixes: bool) -> Iterable[str]:
    """What was found, what was fixed, what could be."""
    left = [finding for report in reports for finding in report.findings]
    fixed = sum(len(report.fixed) for report in reports)
    done = next((report.done for report in reports if report.fixed), "")
    if fixed and fixes:
        yield f"Found {_count(len(left) + fixed, 'finding')} ({fixed} {done}, {len(left)} remaining)."
    elif fixed:
        yield f"Would fix {_count(fixed, 'finding')}, {len(left)} would remain."
    elif left:
        yield f"Found {_count(len(left), 'finding')}."
    else:
        yield "All checks passed!"
    fixable = sum(is_wanted(finding.fix, unsafe_fixes=unsafe_fixes) for finding in left)
    hidden = sum(finding.fix is not None for finding in left) - fixable
    if fixable:
        yield f"[*] {fixable} fixable with `nnx-fix`."
    if hidden:
        yield f"{_count(hidden, 'more fix', 'more fixes')} with `--unsafe-fixes`."


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
