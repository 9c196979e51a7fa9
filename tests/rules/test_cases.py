"""Every case in ``NNX*.md`` gets exactly the findings and rewrites that it states."""

from __future__ import annotations

from collections import Counter

import pytest
from cases import Case, all_cases

from flake8_nnx_treemap import fix_source, lint_source
from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.rules.rule import is_wanted
from flake8_nnx_treemap.rules.settings import LintSettings

CASES = list(all_cases())
IDS = [f"{case.code}-{index}-{case.title}" for index, case in enumerate(CASES)]


def settings(case: Case, flax: FlaxRange | None = None, *, unsafe_fixes: bool = False) -> LintSettings:
    return LintSettings(frozenset({case.code}), flax or case.flax, unsafe_fixes)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_findings(case: Case) -> None:
    found = lint_source(case.text, settings=settings(case))
    assert Counter((finding.range.start.row, finding.code) for finding in found) == case.expected


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_rewrites(case: Case) -> None:
    for rewrite in case.rewrites:
        chosen = settings(case, rewrite.flax, unsafe_fixes=rewrite.kind == "unsafe")
        result = fix_source(case.text, settings=chosen)
        assert result.text == rewrite.text
        assert fix_source(result.text, settings=chosen).text == result.text, "a second run changes something"


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.rewrites], ids=lambda case: f"{case.code}-{case.title}"
)
def test_windows_ends_of_lines_are_kept(case: Case) -> None:
    chosen = settings(case, unsafe_fixes=True)
    fixed = fix_source(case.text, settings=chosen).text
    assert fix_source(case.text.replace("\n", "\r\n"), settings=chosen).text == fixed.replace("\n", "\r\n")


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_nothing_is_rewritten_that_the_case_does_not_show(case: Case) -> None:
    kinds = {rewrite.kind for rewrite in case.rewrites}
    found = lint_source(case.text, settings=settings(case))
    offered = {finding.fix.applicability.value for finding in found if finding.fix}
    assert offered <= kinds
    for rewrite in case.rewrites:
        at_floor = lint_source(case.text, settings=settings(case, rewrite.flax))
        assert any(is_wanted(finding.fix, unsafe_fixes=rewrite.kind == "unsafe") for finding in at_floor)
