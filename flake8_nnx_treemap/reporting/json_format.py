"""Findings as JSON, in the form that ``ruff check --output-format json`` has."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from flake8_nnx_treemap.analysis.code.text import Position
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.style import Failure, Style, failures, in_json
from flake8_nnx_treemap.rules.catalogue import rule_named
from flake8_nnx_treemap.rules.rule import Finding, Fix


def render(reports: Sequence[FileReport], style: Style) -> str:
    """All findings of a run as one JSON array; what cannot be parsed has the code ``null``."""
    return in_json(json.dumps(entries(reports), indent=2, ensure_ascii=False)) + "\n"


def entries(reports: Sequence[FileReport]) -> list[dict[str, Any]]:
    """Each finding and each failure of a run as JSON has it."""
    found = [as_entry(report, finding) for report in reports for finding in report.findings]
    return [*map(_failure_entry, failures(reports)), *found]


def _failure_entry(failure: Failure) -> dict[str, Any]:
    location = {"column": failure.column, "row": failure.row}
    return {
        "cell": None,
        "code": None,
        "end_location": location,
        "filename": failure.path,
        "fix": None,
        "location": location,
        "message": failure.message,
        "url": None,
    }


def as_entry(report: FileReport, finding: Finding) -> dict[str, Any]:
    """One finding as JSON has it; in a notebook, rows are those of its cell."""

    def location(position: Position) -> dict[str, int]:
        row = position.row if report.cells is None else report.cells.locate(position.row)[1]
        return {"column": position.column, "row": row}

    start, end = finding.range.start, finding.range.end
    return {
        "cell": None if report.cells is None else report.cells.locate(start.row)[0],
        "code": finding.code,
        "end_location": location(end),
        "filename": report.path,
        "fix": _fix(finding.fix, location),
        "location": location(start),
        "message": finding.message,
        "url": rule_named(finding.code).url,
    }


def _fix(fix: Fix | None, location: Callable[[Position], dict[str, int]]) -> dict[str, Any] | None:
    if fix is None:
        return None
    edits = [
        {"content": edit.content, "end_location": location(edit.range.end), "location": location(edit.range.start)}
        for edit in fix.edits
    ]
    return {"applicability": fix.applicability.value, "edits": edits, "message": fix.message}
