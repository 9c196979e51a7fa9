"""Findings as JSON, in the form that ``ruff check --output-format json`` has.

``docs/schemas/findings.json`` says what other programs may rely on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flake8_nnx_treemap.analysis.code.noqa import NoqaLine, noqa_lines_of
from flake8_nnx_treemap.analysis.code.text import LINE_END, Position
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.severity import severity_of
from flake8_nnx_treemap.reporting.style import Failure, Style, failures, in_json
from flake8_nnx_treemap.rules.catalogue import rule_named
from flake8_nnx_treemap.rules.rule import Finding, Fix


def render(reports: Sequence[FileReport], style: Style) -> str:
    """All findings of a run as one JSON array; what cannot be parsed has the code ``null``."""
    return in_json(json.dumps(entries(reports), indent=2, ensure_ascii=False)) + "\n"


def entries(reports: Sequence[FileReport]) -> list[dict[str, Any]]:
    """Each finding and each failure of a run as JSON has it."""
    found = [entry for report in reports if report.findings for entry in _entries_of(report)]
    return [*map(_failure_entry, failures(reports)), *found]


def _failure_entry(failure: Failure) -> dict[str, Any]:
    location = {"column": failure.column, "row": failure.row}
    return {
        "absolute_filename": _absolute(failure.path),
        "cell": None,
        "code": None,
        "end_location": location,
        "filename": failure.path,
        "fix": None,
        "location": location,
        "message": failure.message,
        "name": None,
        "noqa_row": None,
        "severity": "error",
        "url": None,
    }


def _entries_of(report: FileReport) -> list[dict[str, Any]]:
    lines = noqa_lines_of(LINE_END.split(report.text or ""))
    return [_entry(report, finding, lines) for finding in report.findings]


def _entry(report: FileReport, finding: Finding, lines: Mapping[int, NoqaLine]) -> dict[str, Any]:
    """One finding as JSON has it; in a notebook, rows are those of its cell."""

    def row_of(row: int) -> int:
        return row if report.cells is None else report.cells.locate(row)[1]

    def location(position: Position) -> dict[str, int]:
        return {"column": position.column, "row": row_of(position.row)}

    start, end = finding.range.start, finding.range.end
    rule = rule_named(finding.code)
    return {
        "absolute_filename": _absolute(report.path),
        "cell": None if report.cells is None else report.cells.locate(start.row)[0],
        "code": finding.code,
        "end_location": location(end),
        "filename": report.path,
        "fix": _fix(finding.fix, location),
        "location": location(start),
        "message": finding.message,
        "name": rule.slug,
        "noqa_row": row_of(lines[start.row].last_row) if start.row in lines else None,
        "severity": severity_of(finding.code),
        "url": rule.url,
    }


def _absolute(path: str) -> str | None:
    return None if path == "-" else os.path.abspath(path)


def _fix(fix: Fix | None, location: Callable[[Position], dict[str, int]]) -> dict[str, Any] | None:
    if fix is None:
        return None
    edits = [
        {"content": edit.content, "end_location": location(edit.range.end), "location": location(edit.range.start)}
        for edit in fix.edits
    ]
    return {"applicability": fix.applicability.value, "edits": edits, "message": fix.message}
