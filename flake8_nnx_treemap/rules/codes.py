"""Data: the rules' codes, and which are on by default. Importable at no cost; a test holds it equal to the registry."""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, bool] = {
    "NNX101": True,
    "NNX102": True,
    "NNX103": True,
    "NNX104": True,
    "NNX106": True,
    "NNX112": False,
    "NNX208": True,
}
"""Rule code -> on by default."""
