"""The severity of a finding, in the words of each format that has severities."""

from __future__ import annotations

from typing import Literal

from flake8_nnx_treemap.rules.catalogue import CODES, Kind

Severity = Literal["error", "warning"]

_ERRORS = (Kind.CRASH, Kind.SILENT)


def severity_of(code: str) -> Severity:
    """``error`` if code that the rule reports crashes or computes something else, ``warning`` if it still works."""
    return "error" if CODES[code].kind in _ERRORS else "warning"
