"""Findings as JSON, in the form that ``ruff check --output-format json`` has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flake8_nnx_treemap.analysis.text import Position
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.style import Failure, Style, failures
from flake8_nnx_treemap.rules.registry import rule_named
from flake8_nnx_treemap.rules.rule import Finding, Fix


def render(reports: Sequence[FileReport], style: Style) -> str:
    """All findings of a run as one JSON array; what cannot be parsed has the code ``null``."""
    return json.dumps(entries(reports), indent=2, ensure_ascii=False) + "\n"


def entries(reports: Sequence[FileReport]) -> list[dict[str, Any]]:
    """Each finding and each failure of a run as JSON has it."""
    found = [as_entry(report.path, finding) for report in reports for finding in report.findings]
    return [*map(_failure_entry, failures(reports)), *found]


def _failure_entry(failure: Failure) -> dict[str, Any]:
    location = {"column": failure.column, "row": failure.row}
    return {
        "code": None,
        "end_location": location,
        "filename": failure.path,
        "fix": None,
        "location": location,
        "message": failure.message,
        "url": None,
    }


def as_entry(filename: str, finding: Finding) -> dict[str, Any]:
    """One finding as JSON has it."""
    return {
        "code": finding.code,
        "end_location": _location(finding.range.end),
        "filename": filename,
        "fix": _fix(finding.fix),
        "location": _location(finding.range.start),
        "message": finding.message,
        "url": rule_named(finding.code).url,
    }


def _location(position: Position) -> dict[str, int]:
    return {"column": position.column, "row": position.row}


def _fix(fix: Fix | None) -> dict[str, Any] | None:
    if fix is None:
        return None
    edits = [
        {"content": edit.content, "end_location": _location(edit.range.end), "location": _location(edit.range.start)}
        for edit in fix.edits
    ]
    return {"applicability": fix.applicability.value, "edits": edits, "message": fix.message}
