"""Every example of every rule, original against rewrite, on every tree that it names and on all the others."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest
from contract import Promise, compare, compare_results
from harness import EAGER, GRAD, TRANSFORMS, VMAP, NotApplicable, Transform, nothing, observe
from installed import RELEASE, STOPS_ABOVE_LIVE_VARIABLES, release_named
from matrix import REWRITES, Rewrite, fixed_text
from promises import REACHES
from tally import TALLY
from trees import CATALOGUE, TREES

from flake8_nnx_treemap import fix_source
from flake8_nnx_treemap.rules.catalogue import rules_about_code
from flake8_nnx_treemap.rules.settings import LintSettings

pytestmark = pytest.mark.runtime

each_rewrite = pytest.mark.parametrize("rewrite", REWRITES, ids=str)
each_rewrite_on_trees = pytest.mark.parametrize("rewrite", [one for one in REWRITES if one.example.trees], ids=str)
each_rewrite_by_itself = pytest.mark.parametrize("rewrite", [one for one in REWRITES if not one.example.trees], ids=str)


IS_FULL = os.environ.get("NNX_PROOF") == "full"
"""Everything on everything, as ``nox -s full`` wants it; else what only compiles the same program again is left out."""


def broken_promises(rewrite: Rewrite, tree_name: str, transforms: Iterable[Transform], part: str) -> list[str]:
    """What a rewrite does against its promise on one tree, under each transformation that takes the tree."""
    found = []
    for transform in transforms:
        try:
            comparison = compare(
                rewrite.example.source, rewrite.fixed, CATALOGUE[tree_name].build, transform, rewrite.promise
            )
        except NotApplicable:
            continue  # No program at all can be run on this tree in this way.
        TALLY.add(part, rewrite.rule.code, rewrite.fixed, comparison)
        found += [f"{transform.name} on {tree_name}: {violation}" for violation in comparison.violations]
    return found


def transforms_for(rewrite: Rewrite, tree_name: str) -> tuple[Transform, ...]:
    """How a rewrite is run on one of its example's trees."""
    if IS_FULL:
        return TRANSFORMS
    if rewrite.is_respelled:
        return (EAGER,)  # The rewrite for another floor names other classes; JAX traces the same program.
    if tree_name in ("split", "grad"):
        return (EAGER, GRAD, VMAP)  # Under jit they are what "state" is: the same types and shapes.
    return TRANSFORMS


@each_rewrite_on_trees
def test_example_keeps_its_promise_under_every_transformation(rewrite: Rewrite) -> None:
    found: list[str] = []
    for name in rewrite.example.trees:
        found += broken_promises(rewrite, name, transforms_for(rewrite, name), "examples")
    assert not found, "\n".join([str(rewrite), *found])


@each_rewrite_on_trees
def test_example_keeps_its_promise_on_every_tree(rewrite: Rewrite) -> None:
    found: list[str] = []
    for tree in TREES:
        found += broken_promises(rewrite, tree.name, (EAGER,), "catalogue")
    assert not found, "\n".join([str(rewrite), *found])


@each_rewrite_by_itself
def test_program_by_itself_keeps_its_promise_and_returns_what_it_should(rewrite: Rewrite) -> None:
    comparison = compare_results(rewrite.example.source, rewrite.fixed, rewrite.example.result, rewrite.promise)
    TALLY.add("examples", rewrite.rule.code, rewrite.fixed, comparison)
    assert not comparison.violations, "\n".join([str(rewrite), comparison.fixed.detail, *comparison.violations])


@each_rewrite
def test_rewrite_is_the_one_that_the_example_shows(rewrite: Rewrite) -> None:
    for floor in rewrite.floors:
        assert rewrite.fixed == rewrite.example.fixed.get(floor, rewrite.fixed)
        assert fixed_text(rewrite.fixed, rewrite.rule.code, release_named(floor)) == rewrite.fixed


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda transform: transform.name)
def test_transformations_take_what_nnx_state_returns(transform: Transform) -> None:
    """Not a single one of them is skipped in silence: on states, originals return and every wrapper is mapped."""
    rewrite = next(rewrite for rewrite in REWRITES if rewrite.rule.code == "NNX101")
    for name in ("subclasses", "named tuple") if transform.builds_inside else ("state", "split", "grad"):
        comparison = compare(rewrite.example.source, rewrite.fixed, CATALOGUE[name].build, transform, rewrite.promise)
        assert comparison.original.returned
        assert comparison.fixed.mapped == comparison.fixed.wrappers > 1
        assert not comparison.violations


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda transform: transform.name)
def test_arrays_beside_wrappers_pass_through_under_every_transformation(transform: Transform) -> None:
    rewrite = next(rewrite for rewrite in REWRITES if rewrite.rule.code == "NNX101")
    comparison = compare(rewrite.example.source, rewrite.fixed, CATALOGUE["mixed"].build, transform, rewrite.promise)
    assert comparison.original.error == "AttributeError"
    assert comparison.fixed.returned
    assert [call.is_mapped for call in comparison.fixed.calls] == [False, False, True]
    assert not comparison.violations


def test_call_of_flax_4762() -> None:
    """``nnx.State({"param1": nnx.Param(10.0)})``: it raised where JAX goes into live Variables, and maps 10.0 now."""
    rewrite = next(rewrite for rewrite in REWRITES if rewrite.rule.code == "NNX101")
    comparison = compare(rewrite.example.source, rewrite.fixed, CATALOGUE["live"].build)
    assert comparison.original.error == ("AttributeError" if STOPS_ABOVE_LIVE_VARIABLES else None)
    assert comparison.fixed.result["$['param1']"] == ("float", "20.0")


def test_every_rule_has_a_promise_and_every_fix_is_executed() -> None:
    assert {rule.code for rule in rules_about_code()} <= REACHES.keys()
    executed = {(rewrite.rule.code, rewrite.example.title) for rewrite in REWRITES}
    for rule in rules_about_code():
        for example in rule.examples:
            if any(release_named(floor) <= RELEASE for floor in example.fixed):
                assert (rule.code, example.title) in executed


# What Flax deprecates

REPAIRS = {
    "VariableState": "NNX201",
    "'.value'": "NNX206",
    "'.raw_value'": "NNX206",
    "as_pure": "NNX207",
    "type": "NNX204",
}
"""A word of Flax's deprecation messages -> the rule that repairs it."""


@pytest.mark.skipif(RELEASE < (0, 12, 1), reason="Flax deprecates these accesses from 0.12.1 on")
@pytest.mark.parametrize("rewrite", [one for one in REWRITES if "0.12.1" in one.floors], ids=str)
def test_code_for_new_releases_warns_of_nothing_that_a_rule_repairs(rewrite: Rewrite) -> None:
    """With all rules applied, code for a floor of 0.12.1 and more runs under ``-W error::DeprecationWarning``."""
    codes = frozenset(rule.code for rule in rules_about_code())
    repaired = [word for word, code in REPAIRS.items() if code in codes or word == "VariableState"]
    for floor in rewrite.floors:
        if release_named(floor) < (0, 12, 1):
            continue
        settings = LintSettings(codes, release_named(floor), unsafe_fixes=True)
        text = fix_source(rewrite.example.source, settings=settings).text
        for build in [CATALOGUE[name].build for name in rewrite.example.trees] or [nothing]:
            before = observe(rewrite.example.source, build)
            after = observe(text, build)
            assert not [message for message in after.warnings if any(word in message for word in repaired)]
            assert not before.returned or set(after.warnings) <= set(before.warnings)


def test_promise_is_not_empty() -> None:
    """A promise about all wrappers is broken by a program that maps none."""
    source = "def convert(tree):\n    raise AttributeError\n"
    comparison = compare(
        source, "def convert(tree):\n    return tree\n", CATALOGUE["state"].build, promise=Promise(True)
    )
    assert comparison.violations == ("maps 0 of 4 wrappers",)
