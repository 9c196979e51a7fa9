"""Findings as SARIF 2.1.0, which GitHub code scanning and many viewers read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from flake8_nnx_treemap import __version__
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.fingerprints import fingerprints, identified
from flake8_nnx_treemap.reporting.pages import page
from flake8_nnx_treemap.reporting.prose import prose_of
from flake8_nnx_treemap.reporting.repository import git_root, path_below, root_from
from flake8_nnx_treemap.reporting.severity import severity_of
from flake8_nnx_treemap.reporting.style import FIRST_PLACE, Failure, Style, failures, in_json, placed_in_cell
from flake8_nnx_treemap.rules.catalogue import rule_named
from flake8_nnx_treemap.rules.rule import DOCUMENTATION_URL, Finding, Fix, Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

FINGERPRINT = "primaryLocationLineHash"
"""The one that GitHub goes by; without it, GitHub makes one of its own, for which it needs the sources."""


def render(reports: Sequence[FileReport], style: Style) -> str:
    """The whole log, with one run in it."""
    root = root_from(["GITHUB_WORKSPACE", "CI_PROJECT_DIR"]) or git_root()
    codes = sorted({finding.code for report in reports for finding in report.findings})
    notifications = [_notification(path_below(root, failure.path), failure) for failure in failures(reports)]
    fingerprint = fingerprints()
    results: list[dict[str, Any]] = []
    for report in reports:
        path = path_below(root, report.path)
        for finding, known_by in identified(report, path, fingerprint):
            result = (
                _result(path, finding, codes) if report.cells is None else _result_in_cell(path, report, finding, codes)
            )
            results.append({**result, "partialFingerprints": {FINGERPRINT: known_by}})
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
    rule = rule_named(code)
    return {
        "id": code,
        "name": rule.slug,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": _what_it_does(rule)},
        "helpUri": rule.url,
        "help": {"text": prose_of(rule), "markdown": page(code)},
        "defaultConfiguration": {"level": severity_of(code)},
    }


def _what_it_does(rule: Rule) -> str:
    section = prose_of(rule).partition("## What it does")[2].partition("\n## ")[0]
    return " ".join((section or rule.summary).split())


def _result(path: str, finding: Finding, codes: Sequence[str]) -> dict[str, Any]:
    result = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": severity_of(finding.code),
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {**_file(path), "region": _region(finding.range)}}],
    }
    return {**result, "fixes": [_fix(path, finding.fix)]} if finding.fix else result


def _result_in_cell(path: str, report: FileReport, finding: Finding, codes: Sequence[str]) -> dict[str, Any]:
    """A finding in a notebook. What a fix does to a cell cannot be said of the file, so there is no fix."""
    result = _result(path, replace(finding, range=FIRST_PLACE, fix=None), codes)
    cell = report.place(finding.range.start).partition(":")[0]
    result["message"] = {"text": placed_in_cell(report, finding, finding.message)}
    result["locations"][0]["logicalLocations"] = [{"name": cell}]
    return result


def _fix(path: str, fix: Fix) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": _region(edit.range), "insertedContent": {"text": edit.content}} for edit in fix.edits
    ]
    return {
        "description": {"text": fix.message},
        "artifactChanges": [{**_file(path), "replacements": replacements}],
        "properties": {"applicability": fix.applicability.value},
    }


def _notification(path: str, failure: Failure) -> dict[str, Any]:
    region = {"startLine": failure.row, "startColumn": failure.column}
    location = {"physicalLocation": {**_file(path), "region": region}}
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
