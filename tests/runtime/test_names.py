"""What ``names.py`` says about JAX and Flax is so: signatures of tree functions, classes and attributes of wrappers."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx
from installed import RELEASE, WRAPPERS, is_wrapper, release_named, state_wrapper
from installed import VARIABLE_IS_A_PYTREE as IS_A_PYTREE_HERE
from installed import VARIABLE_STATE_IS_VARIABLE as IS_VARIABLE_HERE
from recipes import VALUES

from flake8_nnx_treemap.names import (
    MEMBERS_OF_SOME_RELEASES,
    MODULES_OF_PARAMS,
    NNX_MODULES,
    OLD_NAMES_THAT_STAY,
    PURE_WARNS,
    REMOVED_TREE_FUNCTIONS,
    TREE_FUNCTIONS,
    VALUE_ACCESS_WARNS,
    VARIABLE_ONLY_ATTRIBUTES,
    VARIABLE_STATE_IS_VARIABLE,
    VARIABLE_SUBCLASSES,
    TreeFunction,
)

pytestmark = pytest.mark.runtime


def resolve(qualified_name: str) -> Callable[..., Any] | None:
    """The object of a dotted name in the installed packages, if it is there."""
    package, *parts = qualified_name.split(".")
    found: Any = importlib.import_module(package)
    importlib.import_module("jax.tree_util")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for part in parts:
            found = getattr(found, part, None)
    return found  # type: ignore[no-any-return]


INSTALLED = [function for name, function in TREE_FUNCTIONS.items() if resolve(name) is not None]


def test_the_tree_functions_are_there() -> None:
    names = {function.name for function in INSTALLED}
    assert {
        "jax.tree.map",
        "jax.tree_util.tree_map_with_path",
        "jax.tree.leaves",
        "optax.tree_utils.tree_map_params",
    } <= names


@pytest.mark.parametrize("function", INSTALLED, ids=lambda function: function.name)
def test_signature(function: TreeFunction) -> None:
    """Where the leaf, the tree, the mapper and ``is_leaf`` are, as JAX itself says it."""
    found = resolve(function.name)
    assert found is not None
    parameters = list(inspect.signature(found).parameters.values())
    positional = [one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    assert tuple(positional[: len(function.parameters)]) == function.parameters
    assert function.takes_more_trees == any(one.kind is one.VAR_POSITIONAL for one in parameters)
    is_leaf = next((one for one in parameters if one.name == "is_leaf"), None)
    if is_leaf is None:
        assert RELEASE < (0, 11), "only old JAX has tree functions without is_leaf"
    elif function.is_leaf_position is not None:
        assert positional[function.is_leaf_position] == "is_leaf"
    else:
        # In "map" is_leaf may be named before the star or after it: by position no call can reach it.
        assert is_leaf.kind is is_leaf.KEYWORD_ONLY or function.takes_more_trees


def test_removed_functions_are_there_below_their_removal_and_nowhere_else() -> None:
    for name in REMOVED_TREE_FUNCTIONS:
        is_there = resolve(f"jax.{name}") is not None
        until = (0, 4, 35) if name in ("tree_all", "tree_reduce") else (0, 6, 0)
        assert is_there is (release_named(jax.__version__) < until), name


def test_nnx_modules() -> None:
    assert [importlib.import_module(name).Variable for name in NNX_MODULES] == [nnx.Variable, nnx.Variable]


def test_every_class_of_variable_is_known() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classes = {name: getattr(nnx, name) for name in dir(nnx)}
    found = {
        f"flax.nnx.{name}"
        for name, kind in classes.items()
        if isinstance(kind, type) and issubclass(kind, nnx.Variable) and kind not in WRAPPERS
    }
    assert found <= VARIABLE_SUBCLASSES


LAYERS_OF_PARAMS = {
    "Conv": {"in_features": 2, "out_features": 3, "kernel_size": (3,)},
    "ConvTranspose": {"in_features": 2, "out_features": 3, "kernel_size": (3,)},
    "Einsum": {"einsum_str": "ab,bc->ac", "kernel_shape": (2, 3), "bias_shape": (3,)},
    "Embed": {"num_embeddings": 2, "features": 3},
    "GroupNorm": {"num_features": 4, "num_groups": 2},
    "InstanceNorm": {"num_features": 4},
    "LayerNorm": {"num_features": 4},
    "Linear": {"in_features": 2, "out_features": 3},
    "LinearGeneral": {"in_features": 2, "out_features": 3},
    "PReLU": {},
    "RMSNorm": {"num_features": 4},
}
"""Arguments that make each layer hold all that it ever does."""


@pytest.mark.parametrize("name", sorted(MODULES_OF_PARAMS))
def test_layers_that_hold_nothing_but_params(name: str) -> None:
    layer = getattr(nnx, name, None)
    if layer is None:
        pytest.skip(f"Flax {RELEASE} has no {name}")
    arguments = LAYERS_OF_PARAMS[name]
    made = layer(**arguments, rngs=nnx.Rngs(0)) if arguments else layer()
    kinds = {type(value) for _, value in nnx.iter_graph(made) if isinstance(value, nnx.Variable)}
    assert kinds == {nnx.Param}


def test_what_only_a_variable_has() -> None:
    """No value that is no wrapper has any of these: a mapper that reads one raises on it. ``str.replace`` is excepted.

    It takes two arguments and ``Variable.replace`` takes one, so that no call fits both.
    """
    raw = [*(make() for make in VALUES.values()), np.float32(1), 1j, b"", jax.jit, slice(None)]
    for value in raw:
        had = {name for name in VARIABLE_ONLY_ATTRIBUTES if hasattr(value, name)}
        assert had <= ({"replace"} if isinstance(value, (str, bytes)) else set())
    with pytest.raises(TypeError):
        nnx.Param("text").replace("t", "d")  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        "text".replace("t")  # type: ignore[call-arg]


def test_what_tells_releases_apart() -> None:
    """The members that code asks for to know which release runs, and the old names that the newest one has."""
    state = type(state_wrapper(nnx.Param, 1.0))
    since = {
        **dict.fromkeys(("get_value", "set_value", "get_raw_value", "set_raw_value"), VALUE_ACCESS_WARNS),
        "as_pure": PURE_WARNS,
        "set_metadata": (0, 12),
    }
    expected = {name for name, release in since.items() if release <= RELEASE} | {"to_state"}
    expected |= set() if IS_VARIABLE_HERE else {"to_variable"}
    assert {name for name in MEMBERS_OF_SOME_RELEASES if _has(name, nnx.Variable, state, nnx)} == expected
    assert hasattr(state, "to_state") is IS_VARIABLE_HERE
    assert since.keys() | {"to_state", "to_variable"} == MEMBERS_OF_SOME_RELEASES
    if RELEASE >= PURE_WARNS:
        assert all(_has(name, nnx.Variable, nnx) for name in OLD_NAMES_THAT_STAY)


def _has(name: str, *owners: object) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return any(hasattr(owner, name) for owner in owners)


def test_each_attribute_is_one_of_some_wrapper() -> None:
    kinds = (nnx.Variable, nnx.Param, type(state_wrapper(nnx.Param, 1.0)))
    there = {name for name in VARIABLE_ONLY_ATTRIBUTES if any(hasattr(kind, name) for kind in kinds)}
    assert {"value", "replace", "get_metadata"} <= there
    assert is_wrapper(nnx.Param(1.0))


def test_the_releases_at_which_behaviour_changed() -> None:
    assert IS_A_PYTREE_HERE is (RELEASE >= (0, 10, 7))
    assert IS_VARIABLE_HERE is (RELEASE >= VARIABLE_STATE_IS_VARIABLE)
