"""Findings as SARIF 2.1.0, which GitHub code scanning and many viewers read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from flake8_nnx_treemap import __version__
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.prose import prose_of
from flake8_nnx_treemap.reporting.style import Failure, Style, failures, in_json
from flake8_nnx_treemap.rules.rule import DOCUMENTATION_URL, Finding, Fix

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(reports: Sequence[FileReport], style: Style) -> str:
    """The whole log, with one run in it."""
    codes = sorted({finding.code for report in reports for finding in report.findings})
    notifications = [_notification(failure) for failure in failures(reports)]
    results = [_result(report.path, finding, codes) for report in reports for finding in report.findings]
    driver = {
        "name": "nnx-fix",
        "version": __version__,
        "informationUri": f"{DOCUMENTATION_URL}/",
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {"executionSuccessful": not notifications, "toolExecutionNotifications": notifications},
        ],
        "results": results,
    }
    return (
        in_json(json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)) + "\n"
    )


def _rule(code: str) -> dict[str, Any]:
    from flake8_nnx_treemap.rules.catalogue import rule_named  # Imports LibCST, which a run without findings need not.

    rule = rule_named(code)
    return {
        "id": code,
        "name": rule.slug,
        "shortDescription": {"text": rule.summary},
        "helpUri": rule.url,
        "help": {"text": prose_of(rule)},
    }


def _result(path: str, finding: Finding, codes: Sequence[str]) -> dict[str, Any]:
    result = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": "error",
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {**_file(path), "region": _region(finding.range)}}],
    }
    return {**result, "fixes": [_fix(path, finding.fix)]} if finding.fix else result


def _fix(path: str, fix: Fix) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": _region(edit.range), "insertedContent": {"text": edit.content}} for edit in fix.edits
    ]
    return {
        "description": {"text": fix.message},
        "artifactChanges": [{**_file(path), "replacements": replacements}],
        "properties": {"applicability": fix.applicability.value},
    }


def _notification(failure: Failure) -> dict[str, Any]:
    region = {"startLine": failure.row, "startColumn": failure.column}
    location = {"physicalLocation": {**_file(failure.path), "region": region}}
    return {"level": "error", "message": {"text": failure.message}, "locations": [location]}


def _file(path: str) -> dict[str, Any]:
    uri = quote(os.fsencode(path).replace(os.fsencode(os.sep), b"/"))
    return {"artifactLocation": {"uri": f"file://{uri}" if os.path.isabs(path) else uri}}


def _region(place: Range) -> dict[str, int]:
    return {
        "startLine": place.start.row,
        "startColumn": place.start.column,
        "endLine": place.end.row,
        "endColumn": place.end.column,
    }
