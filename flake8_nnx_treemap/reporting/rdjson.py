"""Findings in the Reviewdog Diagnostic Format, with what a fix would write on the same lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flake8_nnx_treemap.analysis.code.text import LINE_END, Position, Range, line_starts
from flake8_nnx_treemap.fixing.edits import apply_edits
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.severity import severity_of
from flake8_nnx_treemap.reporting.style import Failure, Style, failures, in_json, placed_in_cell
from flake8_nnx_treemap.rules.catalogue import rule_named
from flake8_nnx_treemap.rules.rule import DOCUMENTATION_URL, Finding


def render(reports: Sequence[FileReport], style: Style) -> str:
    """All findings and failures of a run as one JSON object."""
    found = [_failure(failure) for failure in failures(reports)]
    found += [_diagnostic(report, finding, style) for report in reports for finding in report.findings]
    result = {"source": {"name": "nnx-fix", "url": f"{DOCUMENTATION_URL}/"}, "diagnostics": found}
    return in_json(json.dumps(result, indent=2, ensure_ascii=False)) + "\n"


def _failure(failure: Failure) -> dict[str, Any]:
    range_ = {"start": {"line": failure.row, "column": failure.column}}
    location = {"path": failure.path, "range": range_}
    return {"message": failure.message, "location": location, "severity": "ERROR"}


def _diagnostic(report: FileReport, finding: Finding, style: Style) -> dict[str, Any]:
    diagnostic = {
        "message": finding.message,
        "location": {"path": report.path},
        "severity": severity_of(finding.code).upper(),
        "code": {"value": finding.code, "url": rule_named(finding.code).url},
    }
    if report.cells is not None:  # Lines of a cell are none of the notebook's file.
        return {**diagnostic, "message": placed_in_cell(report, finding, finding.message)}
    text = report.text or ""
    diagnostic["location"] = {"path": report.path, "range": _range(text, finding.range)}
    suggestion = _suggestion(text, finding) if report.is_fixable(finding) else None
    return diagnostic if suggestion is None else {**diagnostic, "suggestions": [suggestion]}


def _suggestion(text: str, finding: Finding) -> dict[str, Any] | None:
    """The lines of a finding as its fix writes them; ``None`` if the fix has to write elsewhere as well.

    Several suggestions would be several ways to mend it, so that all edits have to be in one.
    """
    edits = finding.fix.edits if finding.fix is not None else ()
    first, last = (row for row in (finding.range.start.row, finding.range.end.row))
    if not all(first <= edit.range.start.row and edit.range.end.row <= last for edit in edits):
        return None
    starts = [*line_starts(text), len(text)]
    fixed = apply_edits(text, edits)
    tail = len(text) - starts[last]
    lines = fixed[starts[first - 1] : len(fixed) - tail]
    end = Position(last, len(LINE_END.split(text[starts[last - 1] : starts[last]])[0]) + 1)
    return {"range": _range(text, Range(Position(first, 1), end)), "text": LINE_END.sub("\n", lines).rstrip("\n")}


def _range(text: str, range_: Range) -> dict[str, Any]:
    return {"start": _position(text, range_.start), "end": _position(text, range_.end)}


def _position(text: str, position: Position) -> dict[str, int]:
    """A position as the format has it: columns count bytes of UTF-8."""
    starts = line_starts(text)
    if position.row > len(starts):
        return {"line": position.row, "column": position.column}
    start = starts[position.row - 1]
    before = text[start : start + position.column - 1]
    return {"line": position.row, "column": len(before.encode("utf-8", "surrogatepass")) + 1}
