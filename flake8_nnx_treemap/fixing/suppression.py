"""Drops findings that a ``# noqa`` suppresses, and adds such comments."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter

from flake8_nnx_treemap.analysis.code.noqa import (
    NOQA_INLINE,
    RUFF,
    NoqaLine,
    is_switched_off,
    listed_codes,
    noqa_lines,
    silences,
)
from flake8_nnx_treemap.analysis.code.text import SourceText
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource, Position, Unknown
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rule import Applicability, Finding, Fix


def without_suppressed(source: ParsedSource, findings: Iterable[Finding]) -> list[Finding]:
    """Return findings without those that a comment suppresses.

    That is a ``# noqa`` on their first line, a ``# flake8: noqa`` anywhere, or one of ruff's comments.
    """
    remaining = without_silenced(source, findings)
    if not remaining or "noqa" not in source.text.lower():
        return remaining
    if is_switched_off(source):
        return []
    lines = noqa_lines(source)
    return [finding for finding in remaining if not is_suppressed(finding, lines)]


def without_silenced(source: ParsedSource, findings: Iterable[Finding]) -> list[Finding]:
    """Drop the findings that one of ruff's comments suppresses, which flake8 does not know."""
    remaining = list(findings)
    if not remaining or RUFF.search(source.text) is None:
        return remaining
    rows: dict[str, list[tuple[int, int]]] = {}
    for silence in silences(list(source.lines())):
        for code in _codes_called(silence.names):
            rows.setdefault(code, []).append((silence.first_row, silence.last_row))
    joined = {code: _joined(found) for code, found in rows.items()}
    return [one for one in remaining if not _is_in(one.range.start.row, joined.get(one.code, ()))]


def _codes_called(names: Iterable[str]) -> set[str]:
    """The rules that ruff's comments mean: by code, by the start of a code, or by name."""
    return {
        code for name in names for code, entry in CODES.items() if code.startswith(name.upper()) or entry.slug == name
    }


def _joined(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges of rows, sorted, those that overlap made one."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _is_in(row: int, ranges: Sequence[tuple[int, int]]) -> bool:
    place = bisect_right(ranges, row, key=itemgetter(0)) - 1
    return place >= 0 and row <= ranges[place][1]


def is_suppressed(finding: Finding, lines: Mapping[int, NoqaLine]) -> bool:
    """Tell whether the ``# noqa`` of a finding's first row suppresses it."""
    line = lines.get(finding.range.start.row)
    match = line.match() if line else None
    if match is None:
        return False
    codes = listed_codes(match)
    return not codes or finding.code.startswith(codes)


def with_suppressing_fixes(source: ParsedSource, findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, each with a fix that adds its code to the ``# noqa`` of its line instead of its own fix.

    Args:
        source: the file.
        findings: the file's findings that are not suppressed.

    Returns:
        The findings in the same order. One that no comment can suppress has no fix, and its message says why.
    """
    lines = noqa_lines(source)
    return [_with_suppressing_fix(source, finding, lines) for finding in findings]


def with_reason(findings: Iterable[Finding], reason: str | None) -> list[Finding]:
    """Findings with suppressing fixes, whose new comments say why; a comment that is there keeps its own reason."""
    return [_with_reason(finding, f" {reason}") for finding in findings] if reason else list(findings)


def _with_reason(finding: Finding, reason: str) -> Finding:
    if finding.fix is None:
        return finding
    edits = tuple(
        edit._replace(content=edit.content + reason) if edit.content.lstrip().startswith("#") else edit
        for edit in finding.fix.edits
    )
    return replace(finding, fix=replace(finding.fix, edits=edits))


def complaint_about_reason(reason: str) -> str | None:
    """Why a reason cannot be written behind the codes of a ``# noqa``; ``None`` if it can."""
    if not reason.strip() or not reason.isprintable():
        return "a reason is one line of text"
    match = NOQA_INLINE.search(f"# noqa: NNX101 {reason}")
    if match is None or listed_codes(match) != ("NNX101",):
        return f"a reason cannot start with what reads as a code, such as {reason.split()[0]!r}"
    return None


def _with_suppressing_fix(source: ParsedSource, finding: Finding, lines: Mapping[int, NoqaLine]) -> Finding:
    edit = suppressing_edit(source, lines.get(finding.range.start.row), finding.code)
    if isinstance(edit, Unknown):
        message = f"{finding.message} (no `# noqa` can be added: {edit.reason})"
        return replace(finding, message=message, fix=None)
    return replace(finding, fix=Fix(Applicability.SAFE, f"Add `# noqa: {finding.code}`", (edit,)))


def suppressing_edit(source: SourceText, line: NoqaLine | None, code: str) -> Edit | Unknown:
    """Return the edit that adds a code to the ``# noqa`` of some rows, or why there is none."""
    match = line.match() if line else None
    if line is None:
        return Unknown("the file's lines cannot be told apart")
    if match is not None and (line.comment is None or match.start() < line.comment):
        return Unknown("the `# noqa` of its line is in a string")
    last = source.line(line.last_row)
    if match is None or line.comment is None or not match["codes"]:
        return source.insert(Position(line.last_row, len(last.rstrip()) + 1), f"  # noqa: {code}")
    listed = match["codes"].rstrip(", \t")
    column = match.start("codes") + len(listed) - (len(line.text) - len(last)) + 1
    separator = "," if "," in listed and ", " not in listed else ", "
    return source.insert(Position(line.last_row, column), separator + code)
