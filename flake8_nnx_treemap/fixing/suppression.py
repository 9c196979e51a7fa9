"""Findings that a comment in the file asks to be silent about, as flake8 reads such comments."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flake8_nnx_treemap.analysis.source import ParsedSource
from flake8_nnx_treemap.rules.rule import Finding

_CODE = r"[a-zA-Z][0-9]+|[A-Z]{1,3}[0-9]{0,4}"
_SEPARATOR = r"[,\s]"

NOQA_INLINE = re.compile(
    # As flake8 has it: "# noqa", "# noqa: NNX101,E501", "# NOQA:NNX101 E501".
    rf"# noqa(?::[\s]?(?P<codes>{_CODE}(?:{_SEPARATOR}*(?:{_CODE}))*))?",
    re.IGNORECASE,
)
NOQA_FILE = re.compile(
    rf"\s*# flake8[:=]\s*noqa((?::\s?(?P<codes>{_CODE}(?:{_SEPARATOR}+(?:{_CODE}))*))?)\s*$",
    re.IGNORECASE,
)


def listed_codes(match: re.Match[str]) -> tuple[str, ...]:
    """The codes that a suppression names, in upper case; none if it is for all."""
    codes = match["codes"]
    return tuple(code.upper() for code in re.split(rf"{_SEPARATOR}+", codes.strip()) if code) if codes else ()


def without_suppressed(source: ParsedSource, findings: Iterable[Finding]) -> list[Finding]:
    """Drop the findings that a ``# noqa`` on their first line, or a ``# flake8: noqa`` anywhere, suppresses."""
    for_file = [match for line in source.lines() if (match := NOQA_FILE.match(line))]
    if any(match["codes"] is None for match in for_file):
        return []
    codes_for_file = tuple(code for match in for_file for code in listed_codes(match))
    return [
        finding
        for finding in findings
        if not finding.code.startswith(codes_for_file or ("?",)) and not _is_suppressed(source, finding)
    ]


def _is_suppressed(source: ParsedSource, finding: Finding) -> bool:
    match = NOQA_INLINE.search(source.line(finding.range.start.row))
    if match is None:
        return False
    codes = listed_codes(match)
    return not codes or finding.code.startswith(codes)
