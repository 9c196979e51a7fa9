"""Findings as a GitLab code quality report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.fingerprints import fingerprints, identified
from flake8_nnx_treemap.reporting.repository import path_below, root_from
from flake8_nnx_treemap.reporting.severity import severity_of
from flake8_nnx_treemap.reporting.style import FIRST_PLACE, Style, failures, in_json, placed_in_cell

SEVERITIES = {"error": "major", "warning": "minor"}


def render(reports: Sequence[FileReport], style: Style) -> str:
    """All findings and failures of a run as one JSON array."""
    root = root_from(["CI_PROJECT_DIR"])
    fingerprint = fingerprints()
    found: list[dict[str, Any]] = []
    for failure in failures(reports):
        path = path_below(root, failure.path)
        place = {"line": failure.row, "column": failure.column}
        known_by = fingerprint(path, "error", failure.message)
        found.append(_issue("error", "critical", failure.message, known_by, path, place, place))
    for report in reports:
        path = path_below(root, report.path)
        for finding, known_by in identified(report, path, fingerprint):
            range_ = finding.range if report.cells is None else FIRST_PLACE
            begin, stop = ({"line": one.row, "column": one.column} for one in (range_.start, range_.end))
            message = f"{finding.code}: {placed_in_cell(report, finding, finding.message)}"
            severity = SEVERITIES[severity_of(finding.code)]
            found.append(_issue(finding.code, severity, message, known_by, path, begin, stop))
    return in_json(json.dumps(found, indent=2, ensure_ascii=False)) + "\n"


def _issue(
    code: str, severity: str, message: str, fingerprint: str, path: str, begin: dict[str, int], end: dict[str, int]
) -> dict[str, Any]:
    return {
        "check_name": code,
        "description": message,
        "fingerprint": fingerprint,
        "location": {"path": path, "positions": {"begin": begin, "end": end}},
        "severity": severity,
    }
