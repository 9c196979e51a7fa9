"""Findings as a GitLab code quality report."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from flake8_nnx_treemap.analysis.code.text import LINE_END
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.style import Style, failures, in_json


def render(reports: Sequence[FileReport], style: Style) -> str:
    """All findings and failures of a run as one JSON array."""
    seen: Counter[tuple[str, ...]] = Counter()
    found: list[dict[str, Any]] = []
    for failure in failures(reports):
        place = {"line": failure.row, "column": failure.column}
        fingerprint = _fingerprint(seen, failure.path, "error", failure.message)
        found.append(_issue("error", "critical", failure.message, fingerprint, failure.path, place, place))
    for report in reports:
        lines = LINE_END.split(report.text or "")
        for finding in report.findings:
            start, end = finding.range.start, finding.range.end
            source = lines[start.row - 1].strip() if start.row <= len(lines) else ""
            fingerprint = _fingerprint(seen, report.path, finding.code, source)
            begin, stop = ({"line": one.row, "column": one.column} for one in (start, end))
            message = f"{finding.code}: {finding.message}"
            found.append(_issue(finding.code, "major", message, fingerprint, report.path, begin, stop))
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


def _fingerprint(seen: Counter[tuple[str, ...]], *identity: str) -> str:
    """The same for a finding that moved to another line; equal ones in one file are counted."""
    seen[identity] += 1
    text = "\0".join((*identity, str(seen[identity])))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
