"""How much a finding weighs where a format of CI services asks for it."""

from __future__ import annotations

from typing import Literal

from flake8_nnx_treemap.rules.catalogue import CODES, Kind

Severity = Literal["error", "warning"]


def severity_of(code: str) -> Severity:
    """An error is what raises or computes something else than it says; what is deprecated still works."""
    return "error" if CODES[code].kind in (Kind.CRASH, Kind.SILENT) else "warning"
