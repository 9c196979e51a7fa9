"""A visitor that knows nothing of our analysis spots the same calls, place for place."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import libcst as cst
import pytest
from cases import Case, all_cases
from plain_visitor import plain_visit

from flake8_nnx_treemap import LintSettings, SourceError, lint_source

SETTINGS = LintSettings(frozenset({"NNX101"}), line_length=200)
CASES = [case for case in all_cases() if "is_leaf" in case.text and "noqa" not in case.text]
INSTALLED = Path(os.environ.get("NNX_CORPUS", sysconfig.get_paths()["purelib"]))
BEYOND_THE_VISITOR = {
    "Leave alone: rebound names": "LibCST's provider does not follow the order of assignments",
    "A test that wants the error, by hand and through functions": "it does not know what tests want",
}


def assert_both_spot_the_same(text: str) -> int:
    findings = lint_source(text, settings=SETTINGS)
    ours = {(found.range.start.row, found.range.start.column) for found in findings}
    visitor = plain_visit(text)
    assert visitor.found == ours & visitor.shapes
    return len(visitor.found)


def test_the_visitor_finds_the_plain_shape_and_no_other() -> None:
    head = "import jax\nfrom flax import nnx\n"
    plain = "jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
    assert plain_visit(head + plain).found == {(3, 44)}
    for other in (
        head + plain.replace("v.value", "v.value if isinstance(v, nnx.VariableState) else v"),
        head + plain.replace("VariableState", "Variable"),
        "from other import jax, nnx\n" + plain,
    ):
        assert plain_visit(other).found == set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.title}")
def test_both_spot_the_same_calls_in_the_cases(case: Case) -> None:
    if case.title in BEYOND_THE_VISITOR:
        pytest.skip(BEYOND_THE_VISITOR[case.title])
    assert_both_spot_the_same(case.text)


def test_enough_cases_are_of_the_plain_shape() -> None:
    assert sum(len(plain_visit(case.text).found) for case in CASES) >= 12


def test_both_spot_the_same_calls_in_installed_code() -> None:
    compared = 0
    for path in sorted(INSTALLED.rglob("*.py")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if "is_leaf" in text and len(text) < 100_000:
            try:
                assert_both_spot_the_same(text)
                compared += 1
            except (SourceError, cst.ParserSyntaxError):
                continue  # Some packages ship templates that are not Python.
    assert compared or "NNX_CORPUS" not in os.environ
