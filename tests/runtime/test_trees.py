"""The trees are what the proof takes them for: equal whenever they are built, and never the same objects."""

from __future__ import annotations

import jax
import pytest
from describe import Identities, describe
from harness import observe, wrapper_count
from hypothesis import given
from installed import VARIABLE, VARIABLE_STATE_IS_VARIABLE, is_wrapper
from recipes import Recipe, RecipeBuild, recipes, states
from trees import CATALOGUE, LIVE_VARIABLES, TREES, WRAPPED_STATES, Tree

pytestmark = pytest.mark.runtime

IDENTITY = "def convert(tree):\n    return tree\n"


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_each_build_is_equal_and_new(tree: Tree) -> None:
    first, second = observe(IDENTITY, tree.build), observe(IDENTITY, tree.build)
    assert first == second
    built = tree.build()
    names = Identities()
    entries = [describe(argument, names, "tree") for argument in built.arguments]
    wrappers = [leaf for leaf in jax.tree_util.tree_leaves(built.arguments, is_leaf=is_wrapper) if is_wrapper(leaf)]
    of_each = [wrapper_count(argument) for argument in built.arguments]
    assert of_each[0] == of_each[1]
    assert entries[0].keys() == entries[1].keys()
    if tree.name not in ("shared", "models"):
        assert len({id(leaf) for leaf in wrappers}) == sum(of_each)


@pytest.mark.parametrize("name", WRAPPED_STATES)
def test_states_hold_wrappers_of_state_and_nothing_else(name: str) -> None:
    leaves = jax.tree_util.tree_leaves(CATALOGUE[name].build().arguments[0], is_leaf=is_wrapper)
    assert leaves
    assert all(map(is_wrapper, leaves))
    assert all(isinstance(leaf, VARIABLE) is VARIABLE_STATE_IS_VARIABLE for leaf in leaves)


@pytest.mark.parametrize("name", LIVE_VARIABLES)
def test_live_trees_hold_variables_and_nothing_else(name: str) -> None:
    leaves = jax.tree_util.tree_leaves(CATALOGUE[name].build().arguments[0], is_leaf=is_wrapper)
    assert leaves
    assert all(isinstance(leaf, VARIABLE) for leaf in leaves)


@given(recipes)
def test_recipes_build_equal_trees(recipe: Recipe) -> None:
    build = RecipeBuild(recipe)
    assert observe(IDENTITY, build) == observe(IDENTITY, build)


@given(states)
def test_recipes_of_states_hold_wrappers_alone(recipe: Recipe) -> None:
    tree = RecipeBuild(recipe)().arguments[0]
    assert all(map(is_wrapper, jax.tree_util.tree_leaves(tree, is_leaf=is_wrapper)))
