"""Findings for people, file by file."""

from __future__ import annotations

from collections.abc import Sequence

from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.concise import fixed_lines, summary_lines, verdict
from flake8_nnx_treemap.reporting.style import BOLD, Style, one_line, painted


def render(reports: Sequence[FileReport], style: Style) -> str:
    """The name of each file, its findings below it, and the summary."""
    lines: list[str] = []
    for report in reports:
        lines += fixed_lines(report, style)
        if report.findings:
            places = [report.place(found.range.start) for found in report.findings]
            width = max(map(len, places))
            lines.append(f"{painted(one_line(report.path), BOLD, style)}:")
            lines += [
                f"  {place.ljust(width)} {verdict(report, found, style)}"
                for place, found in zip(places, report.findings, strict=True)
            ]
            lines.append("")
    return "".join(f"{line}\n" for line in (*lines, *summary_lines(reports, style)))
