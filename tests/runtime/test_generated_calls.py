"""Programs and trees that nobody chose: generated, linted, fixed, executed, and held to the contract.

``NNX_PROOF_EXAMPLES`` sets how many programs each test makes; by default few, and the same in every run.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from contract import Promise, Reach, compare
from grammar import GRAMMARS, Grammar, Program
from harness import EAGER, TRANSFORMS, Build, NotApplicable, Transform
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from installed import RELEASE, VARIABLE_STATE_IS_VARIABLE, release_named
from matrix import FLOORS
from promises import promise_of
from recipes import Recipe, RecipeBuild, recipes, states
from tally import TALLY

from flake8_nnx_treemap import fix_source, lint_source
from flake8_nnx_treemap.names import PORTABLE, FlaxRelease
from flake8_nnx_treemap.rules.rule import Applicability
from flake8_nnx_treemap.rules.settings import LintSettings

pytestmark = pytest.mark.runtime

DEFAULT_EXAMPLES = 60
EXAMPLES = int(os.environ.get("NNX_PROOF_EXAMPLES", DEFAULT_EXAMPLES))

proof_settings = settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES == DEFAULT_EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

each_grammar = pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda grammar: grammar.code)

floors = st.sampled_from([release_named(floor) for floor in FLOORS if release_named(floor) <= RELEASE])


def builds(chosen: st.SearchStrategy[Recipe]) -> st.SearchStrategy[RecipeBuild]:
    """Builders of two trees each, the second of them now and then without the wrappers of the first."""
    return st.builds(RecipeBuild, chosen, st.booleans())


def settings_of(grammar: Grammar, floor: FlaxRelease, *, unsafe_fixes: bool) -> LintSettings:
    return LintSettings(frozenset({grammar.code}), floor, unsafe_fixes)


def promise_for(grammar: Grammar, program: Program, *, is_safe: bool) -> Promise:
    promise = promise_of(grammar.code, Applicability.SAFE if is_safe else Applicability.UNSAFE)
    is_partial = grammar.asks_for_one_class and not VARIABLE_STATE_IS_VARIABLE
    reach = promise.reach if program.maps_every_wrapper and not is_partial else Reach.UNKNOWN
    return replace(promise, reach=reach)


def check(grammar: Grammar, program: Program, build: Build, floor: FlaxRelease, transform: Transform = EAGER) -> None:
    """Fix one program, run both on one tree, and compare."""
    if grammar.until is not None and floor >= grammar.until:
        floor = PORTABLE
    found = lint_source(program.source, settings=settings_of(grammar, floor, unsafe_fixes=True))
    if floor < grammar.since:
        assert all(finding.fix is None for finding in found)
        return
    assert [finding.code for finding in found] == [grammar.code] * grammar.findings
    fix = found[0].fix
    fixed = fix_source(program.source, settings=settings_of(grammar, floor, unsafe_fixes=True)).text
    if fix is None:
        assert fixed == program.source
        return
    is_safe = fix.applicability is Applicability.SAFE
    without_unsafe = fix_source(program.source, settings=settings_of(grammar, floor, unsafe_fixes=False)).text
    assert without_unsafe == (fixed if is_safe else program.source)
    assert not lint_source(fixed, settings=settings_of(grammar, floor, unsafe_fixes=True))
    try:
        promise = promise_for(grammar, program, is_safe=is_safe)
        comparison = compare(program.source, fixed, build, transform, promise)
    except NotApplicable:
        return
    TALLY.add("generated", grammar.code, fixed, comparison)
    violations = list(comparison.violations)
    if comparison.fixed.returned and transform is EAGER:
        violations += grammar.oracle(comparison.fixed)
    assert not violations, "\n".join([program.source, fixed, *violations])


@each_grammar
@proof_settings
@given(data=st.data())
def test_generated_calls_on_states(grammar: Grammar, data: st.DataObject) -> None:
    """What ``nnx.state`` gives is where originals return on every release: the strict half of the contract."""
    check(grammar, data.draw(grammar.programs), data.draw(builds(states)), data.draw(floors))


@each_grammar
@proof_settings
@given(data=st.data())
def test_generated_calls_on_any_tree(grammar: Grammar, data: st.DataObject) -> None:
    check(grammar, data.draw(grammar.programs), data.draw(builds(recipes)), data.draw(floors))


@each_grammar
@settings(proof_settings, max_examples=max(EXAMPLES // 5, 1))
@given(data=st.data())
def test_generated_calls_under_transformations(grammar: Grammar, data: st.DataObject) -> None:
    transform = data.draw(st.sampled_from(TRANSFORMS[1:]))
    check(grammar, data.draw(grammar.programs), data.draw(builds(recipes)), data.draw(floors), transform)
