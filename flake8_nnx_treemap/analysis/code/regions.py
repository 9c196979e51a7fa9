"""Regions of code: from one place up to another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter

from flake8_nnx_treemap.analysis.code.nodes import Place

Region = tuple[Place, Place]
"""The code from one place up to another."""


def outermost(regions: Iterable[Region]) -> list[Region]:
    """Return regions, sorted, without those that are within another one."""
    found: list[Region] = []
    for region in sorted(regions):
        if not found or region[1] > found[-1][1]:
            found.append(region)
    return found


def is_within(place: Place, regions: Sequence[Region]) -> bool:
    """Tell whether a place is in one of some regions, as ``outermost`` returns them."""
    before = bisect_right(regions, place, key=itemgetter(0)) - 1
    return before >= 0 and place < regions[before][1]
