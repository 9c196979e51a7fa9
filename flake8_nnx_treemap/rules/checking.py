"""Runs the selected rules over one source."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from flake8_nnx_treemap.analysis.code.garbage import collects_later
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.rules.catalogue import codes_that_may_find, rule_named
from flake8_nnx_treemap.rules.rule import Finding
from flake8_nnx_treemap.rules.settings import LintSettings


@collects_later
def check(source: ParsedSource, settings: LintSettings) -> list[Finding]:
    """Return the findings of the selected rules that apply to the Flax range.

    Args:
        source: the file.
        settings: which rules to run, and for which Flax.

    Returns:
        The findings in order of position; one that two calls have in common is listed once.
    """
    found: dict[tuple[object, ...], Finding] = {}
    for code in sorted(codes_that_may_find(source.text, settings)):
        for finding in rule_named(code).check(source, settings.flax_range):
            found.setdefault(finding.sort_key, finding)
    findings = sorted(found.values(), key=lambda finding: finding.sort_key)
    around = [finding.range for finding in findings if finding.code in _WRITE_THE_NEW_NAME]
    return [one for one in findings if one.code != _RENAMES_VARIABLE_STATE or not _is_within(one.range, around)]


_RENAMES_VARIABLE_STATE = "NNX201"
_WRITE_THE_NEW_NAME = frozenset({"NNX101", "NNX105"})
"""Rules about a test for VariableState. What repairs the test gives the class its new name as well."""


def _is_within(range_: Range, others: Sequence[Range]) -> bool:
    """Tell whether a range is within one of others, which are sorted and do not overlap."""
    before = bisect_right(others, range_.start, key=lambda one: one.start) - 1
    return before >= 0 and range_.end <= others[before].end
