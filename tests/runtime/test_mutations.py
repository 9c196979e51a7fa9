"""Every wrong fix is caught where it is wrong, and only there; the right one never is."""

from __future__ import annotations

import pytest
from contract import compare
from harness import EAGER, JIT, NNX_JIT, NotApplicable, Transform
from installed import EPOCH
from matrix import fixed_text
from mutations import MUTATIONS, REPLACE, VALUE, Mutation
from trees import CATALOGUE, TREES

from flake8_nnx_treemap.names import PORTABLE

pytestmark = pytest.mark.runtime

each_mutation = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)


@each_mutation
def test_is_caught_where_it_is_wrong(mutation: Mutation) -> None:
    name = mutation.caught.get(EPOCH.name)
    if name is not None:
        assert compare(mutation.original, mutation.wrong, CATALOGUE[name].build).violations
        return
    for tree in TREES:
        assert not compare(mutation.original, mutation.wrong, tree.build).violations, tree.name


@pytest.mark.parametrize("transform", [JIT, NNX_JIT], ids=lambda transform: transform.name)
def test_is_caught_under_jit(transform: Transform) -> None:
    dropped = MUTATIONS[1]
    assert dropped.name == "predicate dropped"
    assert compare(dropped.original, dropped.wrong, CATALOGUE["state"].build, transform).violations


@pytest.mark.parametrize("original", [VALUE, REPLACE], ids=["value", "replace"])
def test_the_right_fix_is_not_caught(original: str) -> None:
    fixed = fixed_text(original, "NNX101", PORTABLE, unsafe_fixes=False)
    assert fixed != original
    for tree in TREES:
        for transform in (EAGER, JIT) if tree.name in ("state", "mixed") else (EAGER,):
            try:
                found = compare(original, fixed, tree.build, transform).violations
            except NotApplicable:
                continue
            assert not found, tree.name


def test_each_mutation_differs_from_the_right_fix() -> None:
    for mutation in MUTATIONS:
        assert mutation.wrong != fixed_text(mutation.original, "NNX101", PORTABLE)
