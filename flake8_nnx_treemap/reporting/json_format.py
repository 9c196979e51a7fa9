"""Findings as JSON, in the form that ``ruff check --output-format json`` has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flake8_nnx_treemap.analysis.text import Position
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.rules.registry import rule_named
from flake8_nnx_treemap.rules.rule import Finding, Fix


def as_json(reports: Iterable[FileReport]) -> str:
    """All findings of a run as one JSON array."""
    entries = [as_entry(report.path, finding) for report in reports for finding in report.findings]
    return json.dumps(entries, indent=2, ensure_ascii=False)


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
