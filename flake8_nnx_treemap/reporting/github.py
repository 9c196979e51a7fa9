"""Findings as annotations of GitHub Actions."""

from __future__ import annotations

from collections.abc import Sequence

from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.repository import path_below, root_from
from flake8_nnx_treemap.reporting.severity import Severity, severity_of
from flake8_nnx_treemap.reporting.style import Style, failures, one_line


def render(reports: Sequence[FileReport], style: Style) -> str:
    """One workflow command for each finding and each failure; nothing if there are none."""
    lines = []
    root = root_from(["GITHUB_WORKSPACE"])
    for failure in failures(reports):
        place = {"file": path_below(root, failure.path), "line": failure.row, "col": failure.column}
        lines.append(_command("error", {"title": "nnx-fix", **place}, f"{failure.path}: {failure.message}"))
    for report in reports:
        path = path_below(root, report.path)
        for finding in report.findings:
            start, end = finding.range.start, finding.range.end
            where: dict[str, object] = {"file": path}
            if report.cells is None:  # Rows of cells are none of the notebook's file.
                where |= {"line": start.row, "col": start.column, "endLine": end.row, "endColumn": end.column}
            message = f"{report.path}:{report.place(start)}: {finding.code} {finding.message}"
            properties = {"title": f"nnx-fix ({finding.code})", **where}
            lines.append(_command(severity_of(finding.code), properties, message))
    return "".join(lines)


def _command(severity: Severity, properties: dict[str, object], message: str) -> str:
    listed = ",".join(f"{key}={_escaped_property(str(value))}" for key, value in properties.items())
    return f"::{severity} {listed}::{_escaped(message)}\n"


def _escaped(text: str) -> str:
    return one_line(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
