"""Findings that a comment in the file asks to be silent about, as flake8 reads such comments."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flake8_nnx_treemap.rules.rule import Finding

if TYPE_CHECKING:
    from flake8_nnx_treemap.analysis.source import ParsedSource

NOQA_INLINE = re.compile(r"# noqa(?::[\s]?(?P<codes>([A-Z]+[0-9]+(?:[,\s]+)?)+))?", re.IGNORECASE)
"""``# noqa``, ``# noqa: NNX101,E501``, ``# NOQA:NNX101 E501``: what flake8 6 and 7 look for in a line."""

NOQA_FILE = re.compile(r"\s*# flake8[:=]\s*noqa", re.IGNORECASE)
"""A line that starts with this switches the whole file off."""


def listed_codes(match: re.Match[str]) -> tuple[str, ...]:
    """The codes that an inline suppression names, as they are written; none if it is for all."""
    return tuple(code for code in re.split(r"[,\s]+", match["codes"] or "") if code)


def without_suppressed(source: ParsedSource, findings: Iterable[Finding]) -> list[Finding]:
    """Drop the findings that a ``# noqa`` on their first line, or a ``# flake8: noqa`` anywhere, suppresses."""
    remaining = list(findings)
    if not remaining or "noqa" not in source.text.lower():
        return remaining
    if any(NOQA_FILE.match(line) for line in source.lines()):
        return []
    comments = noqa_lines(source)
    return [finding for finding in remaining if not is_suppressed(finding, comments)]


def is_suppressed(finding: Finding, comments: Mapping[int, str]) -> bool:
    """Whether the text that counts for the finding's first row asks to be silent about it."""
    match = NOQA_INLINE.search(comments.get(finding.range.start.row, ""))
    if match is None:
        return False
    codes = listed_codes(match)
    return not codes or finding.code.startswith(codes)


def noqa_lines(source: ParsedSource) -> dict[int, str]:
    """The text in which a ``# noqa`` counts for each row: its line, and those that a string or backslash joins to it.

    Args:
        source: the file.

    Returns:
        Row to text; empty if the standard library cannot tokenize the file, as in flake8.
    """
    found: dict[int, str] = {}
    rows: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source.text, newline="").readline):
            if token.type in (tokenize.ENDMARKER, tokenize.DEDENT):
                continue
            rows += [token.start[0], token.end[0]]
            if token.type in (tokenize.NL, tokenize.NEWLINE):
                joined = range(min(rows), max(rows) + 1)
                found.update(dict.fromkeys(joined, "\n".join(map(source.line, joined))))
                rows = []
    except (tokenize.TokenError, SyntaxError, IndexError):
        return {}
    return found
