"""Drops findings that repeat a part of what another finding says."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.rules.rule import Finding

_RENAMES_VARIABLE_STATE = "NNX201"
_WRITE_THE_NEW_NAME = frozenset({"NNX101", "NNX105"})
"""Rules about a test for VariableState. What repairs the test gives the class its new name as well."""


def without_repetition(
    findings: Sequence[Finding], reported: Callable[[Sequence[Finding]], Iterable[Finding]] = iter
) -> list[Finding]:
    """Return findings without the renames of a VariableState within a test that is reported itself.

    Args:
        findings: those of one file.
        reported: returns those of them that no comment suppresses: what a user does not see replaces no other finding.
            It is called only where it matters, as it may have to read all comments of the file.
    """
    if not any(one.code == _RENAMES_VARIABLE_STATE for one in findings):
        return list(findings)
    around = sorted(one.range for one in reported(findings) if one.code in _WRITE_THE_NEW_NAME)
    return [one for one in findings if one.code != _RENAMES_VARIABLE_STATE or not _is_within(one.range, around)]


def _is_within(range_: Range, others: Sequence[Range]) -> bool:
    """Tell whether a range is within one of others, which are sorted and do not overlap."""
    before = bisect_right(others, range_.start, key=lambda one: one.start) - 1
    return before >= 0 and range_.end <= others[before].end
