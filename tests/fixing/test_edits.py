"""Which fixes are made together, and what comes of them: against a plain implementation that looks at every pair."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from flake8_nnx_treemap import fix_source, lint_source
from flake8_nnx_treemap.analysis.code.text import Edit, Position, Range
from flake8_nnx_treemap.fixing.edits import apply_edits, compatible
from flake8_nnx_treemap.rules.rule import Applicability, Finding, Fix
from flake8_nnx_treemap.rules.settings import LintSettings

TEXT = "abcdefghijklmnopqrst"


def edit(start: int, end: int, content: str) -> Edit:
    return Edit(Range(Position(1, start + 1), Position(1, end + 1)), content)


def collide(one: Edit, other: Edit) -> bool:
    if one == other:
        return False
    first, second = sorted((one.range, other.range))
    return second.start <= first.end


edits = st.builds(
    lambda start, length, content: edit(start, min(start + length, len(TEXT)), content),
    st.integers(0, len(TEXT)),
    st.integers(0, 4),
    st.sampled_from(["", "X", "YY"]),
)


@st.composite
def fixes(draw: st.DrawFn) -> Finding:
    chosen: list[Edit] = []
    for one in draw(st.lists(edits, min_size=1, max_size=3)):
        if not any(one == other or collide(one, other) for other in chosen):
            chosen.append(one)
    fix = Fix(Applicability.SAFE, "", tuple(sorted(chosen)))
    return Finding("NNX101", "", chosen[0].range, fix)


@given(st.lists(fixes(), max_size=8))
def test_compatible_equals_looking_at_every_pair(findings: list[Finding]) -> None:
    expected: list[Finding] = []
    taken: set[Edit] = set()
    for finding in sorted(findings, key=lambda found: found.sort_key):
        assert finding.fix is not None
        if not any(collide(one, other) for one in finding.fix.edits for other in taken):
            expected.append(finding)
            taken.update(finding.fix.edits)
    assert compatible(findings) == expected
    fixed = apply_edits(TEXT, taken)
    assert len(fixed) == len(TEXT) + sum(len(one.content) - length(one) for one in taken)


def length(one: Edit) -> int:
    return one.range.end.column - one.range.start.column


def test_shared_edits_are_made_once() -> None:
    shared = edit(0, 0, "import x;")
    both = [
        Finding("NNX101", "", one.range, Fix(Applicability.SAFE, "", (shared, one)))
        for one in (edit(3, 4, "D"), edit(6, 7, "G"))
    ]
    assert compatible(both) == both
    assert apply_edits(TEXT, [one for finding in both if finding.fix for one in finding.fix.edits]) == (
        "import x;abcDefGhijklmnopqrst"
    )


def test_cost_is_linear_in_the_number_of_findings() -> None:
    head = "import jax\nfrom flax import nnx\n"
    call = "jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
    settings = LintSettings(frozenset({"NNX101"}), (0, 11))

    def seconds(number: int) -> float:
        text = head + call * number
        start = time.process_time()
        assert len(lint_source(text, settings=settings)) == number
        assert fix_source(text, settings=settings).remaining == ()
        return time.process_time() - start

    seconds(10)
    # Ten times the findings: a quadratic cost would be a hundred times as high.
    assert seconds(1000) < 30 * seconds(100)
