"""Trees that nobody chose by hand: small recipes that hypothesis makes and shrinks, each built anew for every run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from harness import Subject
from hypothesis import strategies as st
from installed import state_wrapper
from trees import CATALOGUE, TREES, Doubling, Pair, Scale, Statistic

VALUES: Mapping[str, Callable[[], Any]] = {
    "vector": lambda: jnp.arange(3.0),
    "matrix": lambda: jnp.ones((2, 3)),
    "integers": lambda: jnp.arange(2),
    "scalar array": lambda: jnp.float32(2.0),
    "NumPy array": lambda: np.arange(2.0),
    "float": lambda: 1.5,
    "int": lambda: 3,
    "bool": lambda: True,
    "text": lambda: "text",
    "None": lambda: None,
    "list": lambda: [jnp.ones(2), 1.0],
    "dict": lambda: {"a": jnp.ones(2), "b": None},
    "empty list": list,
    "empty dict": dict,
    "shape": lambda: jax.ShapeDtypeStruct((2,), jnp.float32),
    "key": lambda: jax.random.key(0),
    "old key": lambda: jax.random.PRNGKey(0),
}

_NEED_A_TAG = ("RngKey", "RngCount", "RngState")

_BUILT_IN = (
    *("Variable", "Param", "BatchStat", "Cache", "Intermediate", "Perturbation", "LoRAParam"),
    *("OptState", "OptArray", "OptVariable", *_NEED_A_TAG),
)

TYPES: Mapping[str, type[Any]] = {
    **{name: getattr(nnx, name) for name in _BUILT_IN if hasattr(nnx, name)},
    "Scale": Scale,
    "Statistic": Statistic,
    "Doubling": Doubling,
}
"""Every type of Variable that the installed Flax makes public, and users' own."""


@dataclass(frozen=True)
class Wrapped:
    """One wrapper: a live Variable, or what ``nnx.state`` would give."""

    type: str
    value: str
    is_live: bool = False
    has_metadata: bool = False


@dataclass(frozen=True)
class Raw:
    """A value without a wrapper."""

    value: str


@dataclass(frozen=True)
class Again:
    """A wrapper that is in the tree already, once more."""


@dataclass(frozen=True)
class Node:
    """A container."""

    kind: str
    children: tuple[Recipe, ...]


@dataclass(frozen=True)
class Named:
    """A tree of the catalogue."""

    name: str


Recipe = Wrapped | Raw | Again | Node | Named


class _Builder:
    def __init__(self, *, is_bare: bool) -> None:
        self._is_bare = is_bare
        self._last: Any = None

    def build(self, recipe: Recipe) -> Any:
        if isinstance(recipe, Wrapped):
            self._last = VALUES[recipe.value]() if self._is_bare else _wrapper(recipe)
            return self._last
        if isinstance(recipe, Again):
            return self._last
        if isinstance(recipe, Raw):
            return VALUES[recipe.value]()
        if isinstance(recipe, Named):
            return CATALOGUE[recipe.name].build().arguments[0]
        return self._container(recipe.kind, [self.build(child) for child in recipe.children])

    def _container(self, kind: str, children: list[Any]) -> Any:
        if kind == "list":
            return children
        if kind == "tuple":
            return tuple(children)
        if kind == "Pair" and len(children) == 2:
            return Pair(*children)
        named = {f"k{index}": child for index, child in enumerate(children)}
        return nnx.State(named) if kind == "State" else named


def _wrapper(recipe: Wrapped) -> Any:
    metadata: dict[str, object] = {"axes": ("x", None), "note": "n"} if recipe.has_metadata else {}
    if recipe.type in _NEED_A_TAG:
        metadata["tag"] = "default"
    make = TYPES[recipe.type]
    value = VALUES[recipe.value]()
    return make(value, **metadata) if recipe.is_live else state_wrapper(make, value, **metadata)


@dataclass(frozen=True)
class RecipeBuild:
    """A builder of subjects: the tree of a recipe twice, the second time without its wrappers if so wanted."""

    recipe: Recipe
    other_is_bare: bool = False

    def __call__(self) -> Subject:
        if isinstance(self.recipe, Named):
            return CATALOGUE[self.recipe.name].build()
        trees = (_Builder(is_bare=is_bare).build(self.recipe) for is_bare in (False, self.other_is_bare))
        return Subject(tuple(trees))


_ARRAYS = ("vector", "matrix", "scalar array")

values = st.one_of(st.sampled_from(_ARRAYS), st.sampled_from(sorted(VALUES)))
wrapped = st.builds(Wrapped, st.sampled_from(sorted(TYPES)), values, st.booleans(), st.booleans())
leaves: st.SearchStrategy[Recipe] = st.one_of(wrapped, wrapped, st.builds(Raw, values), st.just(Again()))


def _node(children: st.SearchStrategy[Recipe]) -> st.SearchStrategy[Recipe]:
    kinds = st.sampled_from(("State", "dict", "list", "tuple", "Pair"))
    return st.builds(Node, kinds, st.lists(children, max_size=4).map(tuple))


nested: st.SearchStrategy[Recipe] = st.recursive(_node(leaves), _node, max_leaves=6)
named: st.SearchStrategy[Recipe] = st.sampled_from([Named(tree.name) for tree in TREES])
recipes: st.SearchStrategy[Recipe] = st.one_of(nested, nested, leaves, named)
"""Any tree at all."""


state_wrapped = wrapped.map(lambda recipe: Wrapped(recipe.type, recipe.value, False, recipe.has_metadata))
states: st.SearchStrategy[Recipe] = st.recursive(_node(state_wrapped), _node, max_leaves=6)
"""Trees that hold nothing but the wrappers of ``nnx.state``: what the original was written for, on every release."""
