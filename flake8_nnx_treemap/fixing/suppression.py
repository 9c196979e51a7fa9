"""Drops findings that a ``# noqa`` suppresses, and adds such comments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from flake8_nnx_treemap.analysis.code.noqa import NoqaLine, is_switched_off, listed_codes, noqa_lines
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource, Position, Unknown
from flake8_nnx_treemap.rules.rule import Applicability, Finding, Fix


def without_suppressed(source: ParsedSource, findings: Iterable[Finding]) -> list[Finding]:
    """Return findings without those that a ``# noqa`` on their first line or any ``# flake8: noqa`` suppresses."""
    remaining = list(findings)
    if not remaining or "noqa" not in source.text.lower():
        return remaining
    if is_switched_off(source):
        return []
    lines = noqa_lines(source)
    return [finding for finding in remaining if not is_suppressed(finding, lines)]


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


def suppressing_edit(source: ParsedSource, row: int, code: str) -> Edit | Unknown:
    """Return the edit that adds a code to the ``# noqa`` of a row, or why there is none."""
    return _suppressing_edit(source, noqa_lines(source).get(row), code)


def _with_suppressing_fix(source: ParsedSource, finding: Finding, lines: Mapping[int, NoqaLine]) -> Finding:
    edit = _suppressing_edit(source, lines.get(finding.range.start.row), finding.code)
    if isinstance(edit, Unknown):
        message = f"{finding.message} (no `# noqa` can be added: {edit.reason})"
        return replace(finding, message=message, fix=None)
    return replace(finding, fix=Fix(Applicability.SAFE, f"Add `# noqa: {finding.code}`", (edit,)))


def _suppressing_edit(source: ParsedSource, line: NoqaLine | None, code: str) -> Edit | Unknown:
    match = line.match() if line else None
    if line is None:
        return Unknown("the file's lines cannot be told apart")
    if match is not None and (line.comment is None or match.start() < line.comment):
        return Unknown("the `# noqa` of its line stands in a string")
    last = source.line(line.last_row)
    if match is None or line.comment is None or not match["codes"]:
        return source.insert(Position(line.last_row, len(last.rstrip()) + 1), f"  # noqa: {code}")
    listed = match["codes"].rstrip(", \t")
    column = match.start("codes") + len(listed) - (len(line.text) - len(last)) + 1
    separator = "," if "," in listed and ", " not in listed else ", "
    return source.insert(Position(line.last_row, column), separator + code)
