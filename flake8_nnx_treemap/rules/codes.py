"""Data: the rules' codes, and which are on by default. Importable at no cost; a test holds it equal to the registry."""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, bool] = {
    "NNX101": True,
    "NNX102": True,
    "NNX103": True,
    "NNX104": True,
    "NNX105": True,
    "NNX106": True,
    "NNX107": True,
    "NNX108": True,
    "NNX109": True,
    "NNX110": False,
    "NNX111": False,
    "NNX112": False,
    "NNX201": True,
    "NNX202": True,
    "NNX203": True,
    "NNX204": True,
    "NNX205": True,
    "NNX206": True,
    "NNX207": True,
    "NNX208": True,
    "NNX901": False,
}
"""Rule code -> on by default."""
