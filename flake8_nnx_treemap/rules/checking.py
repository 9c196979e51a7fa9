"""Runs the selected rules over one source."""

from __future__ import annotations

from dataclasses import replace

from flake8_nnx_treemap.analysis.code.garbage import collects_later
from flake8_nnx_treemap.analysis.code.regions import is_within
from flake8_nnx_treemap.analysis.names.shown_code import code_shown_by_strings
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.expected_errors import is_expected, may_expect_errors
from flake8_nnx_treemap.rules.catalogue import CODES, codes_that_may_find, rule_named
from flake8_nnx_treemap.rules.rule import Applicability, Finding
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
            if not _is_wanted(source, finding):
                found.setdefault(finding.sort_key, finding)
    return sorted((_as_shown(source, finding) for finding in found.values()), key=lambda finding: finding.sort_key)


def _is_wanted(source: ParsedSource, finding: Finding) -> bool:
    """Tell whether a test wants the error that reported code raises."""
    raised = frozenset(CODES[finding.code].raises)
    return (
        bool(raised) and may_expect_errors(source) and is_expected(source, source.place_at(finding.range.start), raised)
    )


def _as_shown(source: ParsedSource, finding: Finding) -> Finding:
    """The finding, without a safe fix where a string shows its code."""
    if finding.fix is None or finding.fix.applicability is Applicability.UNSAFE:
        return finding
    if not is_within(source.place_at(finding.range.start), code_shown_by_strings(source)):
        return finding
    return replace(finding, fix=replace(finding.fix, applicability=Applicability.UNSAFE))
