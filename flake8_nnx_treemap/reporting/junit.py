"""Findings as a JUnit report: a suite for each file, a failure for each finding.

Jenkins holds a report to a schema that knows no attributes for lines and columns; the text has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from flake8_nnx_treemap.analysis.code.text import Position
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.style import Style, failures, one_line

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def render(reports: Sequence[FileReport], style: Style) -> str:
    """The whole report; a run without findings is one test that passed."""
    told = [report for report in reports if report.findings or report.error]
    tests = sum(len(report.findings) + bool(report.error) for report in told)
    errors = sum(bool(report.error) for report in told)
    counts = _counts(max(tests, 1), tests - errors, errors)
    root = ElementTree.Element("testsuites", {"name": "nnx-fix", **counts})
    if not told:
        suite = ElementTree.SubElement(root, "testsuite", {"name": "nnx-fix", **_counts(1, 0, 0)})
        ElementTree.SubElement(suite, "testcase", {"name": "No findings", "classname": "nnx-fix"})
    for report in told:
        _add_suite(root, report)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_suite(root: ElementTree.Element, report: FileReport) -> None:
    path = _text(report.path)
    number = len(report.findings)
    counts = _counts(number + bool(report.error), number, int(bool(report.error)))
    suite = ElementTree.SubElement(root, "testsuite", {"name": path, **counts})
    for failure in failures([report]):
        case = ElementTree.SubElement(suite, "testcase", {"name": "nnx-fix.error", "classname": path})
        error = ElementTree.SubElement(case, "error", {"message": _text(failure.message)})
        place = f"line {failure.row}, column {failure.column}, " if failure.is_placed else ""
        error.text = place + _text(failure.message)
    for finding in report.findings:
        case = ElementTree.SubElement(suite, "testcase", {"name": f"nnx-fix.{finding.code}", "classname": path})
        failed = ElementTree.SubElement(case, "failure", {"message": _text(finding.message)})
        failed.text = f"{_place(report, finding.range.start)}, {_text(finding.message)}"


def _place(report: FileReport, start: Position) -> str:
    if report.cells is None:
        return f"line {start.row}, column {start.column}"
    number, row = report.cells.locate(start.row)
    return f"cell {number}, line {row}, column {start.column}"


def _counts(tests: int, failed: int, errors: int) -> dict[str, str]:
    return {"tests": str(tests), "failures": str(failed), "errors": str(errors)}


def _text(text: str) -> str:
    return NOT_XML.sub(lambda match: f"\\x{ord(match[0]):02x}", one_line(text))
