"""The trees that programs are run on, by name. Each is built anew, and equal, every time it is asked for.

The first five, from ``state`` to ``grad``, are what a rule's examples run on unless they name others. Trees that nobody
chose by hand are in ``recipes.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from harness import Build, Subject
from installed import state_wrapper

# Models and Variable types of our own


class Scale(nnx.Param):  # type: ignore[type-arg]
    """A user's type below one of Flax's."""


class Statistic(nnx.Variable):  # type: ignore[type-arg]
    """A user's type of its own, with nothing but the base class above it."""


class Doubling(nnx.Param):  # type: ignore[type-arg]
    """A type with hooks: reading gives twice what is stored, writing stores half."""

    def on_get_value(self, value: Any) -> Any:
        return value * 2

    def on_set_value(self, value: Any) -> Any:
        return value / 2


class Perceptron(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(2, 3, rngs=rngs)
        self.second = nnx.Linear(3, 1, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.second(nnx.relu(self.first(x)))


class Normalized(nnx.Module):
    """Params, batch statistics, a dropout key and its count: four types of Variable in one state."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.linear = nnx.Linear(2, 3, rngs=rngs)
        self.norm = nnx.BatchNorm(3, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)


class WithRawArrays(nnx.Module):
    """Keeps plain arrays beside its Params, as buffers are kept."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.kernel = nnx.Param(jax.random.normal(rngs.params(), (2, 2)), axes=("rows", None))
        self.mean = Statistic(jnp.arange(2.0), decay=0.9)
        self.buffer = jnp.arange(3.0)


class Pair(NamedTuple):
    left: Any
    right: Any


def linear() -> nnx.Linear:
    return nnx.Linear(2, 3, rngs=nnx.Rngs(0))


def perceptron() -> Perceptron:
    return Perceptron(nnx.Rngs(0))


def optimizer(model: nnx.Module) -> nnx.Optimizer[Any]:
    return nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)


def _loss(model: Callable[[jax.Array], jax.Array]) -> jax.Array:
    return jnp.sum(model(jnp.ones((1, 2))) ** 2)


# How a tree is made


def subject_of(make: Callable[[], Any], owner_of: Callable[[Any], Any] | None = None) -> Subject:
    """Two equal trees that share no wrapper; the owner, if asked for, is what the first was made from."""
    if owner_of is None:
        return Subject((make(), make()))
    owner, other = make(), make()
    return Subject((owner_of(owner), owner_of(other)), owner)


def _plain(make: Callable[[], Any]) -> Build:
    return lambda: subject_of(make)


def _of_model(make: Callable[[], Any], tree_of: Callable[[Any], Any]) -> Build:
    return lambda: subject_of(make, tree_of)


def _param(value: object, **metadata: object) -> Any:
    return state_wrapper(nnx.Param, value, **metadata)


def _ones() -> jax.Array:
    return jnp.ones((2, 3))


def _shared() -> Any:
    wrapper = _param(_ones())
    return nnx.State({"embedding": wrapper, "head": {"kernel": wrapper}})


def _values(wrap: Callable[..., Any], *values: object) -> nnx.State[Any, Any]:
    return nnx.State({f"p{index}": wrap(value) for index, value in enumerate(values)})


def _containers(wrap: Callable[..., Any]) -> nnx.State[Any, Any]:
    return _values(wrap, [_ones(), 2.0], {"a": _ones(), "b": (jnp.zeros(2),)}, (_ones(),))


def _empty(wrap: Callable[..., Any]) -> nnx.State[Any, Any]:
    return nnx.State({"none": wrap(None), "list": wrap([]), "dict": wrap({}), "array": wrap(_ones())})


def _abstract() -> nnx.State[Any, Any]:
    return nnx.state(nnx.eval_shape(lambda: nnx.Linear(2, 3, rngs=nnx.Rngs(0))))


@dataclass(frozen=True)
class Tree:
    """One tree of the catalogue. ``missing`` says why the installed Flax has no such thing."""

    name: str
    build: Build
    missing: str = ""


_HAS_PURE_DICT = hasattr(nnx, "to_pure_dict")


def _takes_raw_arrays() -> bool:
    try:
        nnx.state(WithRawArrays(nnx.Rngs(0)))
    except ValueError:  # "Arrays leaves are not supported"
        return False
    return True


_ALL = (
    Tree("state", _of_model(perceptron, nnx.state)),
    Tree("split", _of_model(perceptron, lambda model: nnx.split(model)[1])),
    Tree("live", _plain(lambda: nnx.State({"param1": nnx.Param(10.0)}))),
    Tree("mixed", _plain(lambda: {"wrapped": _param(_ones()), "raw": jnp.arange(3.0), "number": 1.5})),
    Tree("grad", _of_model(perceptron, lambda model: nnx.grad(_loss)(model))),
    # Models
    Tree("linear", _of_model(linear, nnx.state)),
    Tree("normalized", _of_model(lambda: Normalized(nnx.Rngs(0)), nnx.state)),
    Tree("params of normalized", _of_model(lambda: Normalized(nnx.Rngs(0)), lambda model: nnx.state(model, nnx.Param))),
    Tree("lora", _of_model(lambda: nnx.LoRA(2, 1, 3, rngs=nnx.Rngs(0)), nnx.state)),
    Tree("embed", _of_model(lambda: nnx.Embed(4, 2, rngs=nnx.Rngs(0)), nnx.state)),
    Tree(
        "attention",
        _of_model(lambda: nnx.MultiHeadAttention(2, 4, decode=False, rngs=nnx.Rngs(0)), nnx.state),
    ),
    Tree(
        "raw arrays beside Variables",
        _of_model(lambda: WithRawArrays(nnx.Rngs(0)), nnx.state),
        "" if _takes_raw_arrays() else "this Flax takes no arrays as attributes of a module",
    ),
    Tree("model", _of_model(linear, lambda model: model)),
    Tree("models", _of_model(linear, lambda model: {"a": model, "b": [model]})),
    Tree("variables", _of_model(linear, nnx.variables)),
    Tree("rngs", _of_model(lambda: nnx.Rngs(params=0, dropout=1), nnx.state)),
    Tree("abstract", _plain(_abstract)),
    # Optimizers
    Tree("optimizer", _of_model(lambda: optimizer(linear()), nnx.state)),
    Tree("opt_state", _of_model(lambda: optimizer(linear()), lambda made: made.opt_state)),
    Tree("optax init", _of_model(linear, lambda model: optax.adam(1e-2).init(nnx.state(model, nnx.Param)))),
    # Values that are no arrays
    Tree("scalars", _plain(lambda: _values(_param, 1.0, 2, True, np.float32(3), np.arange(2.0)))),
    Tree("live scalars", _plain(lambda: _values(nnx.Param, 1.0, 2, np.arange(2.0)))),
    Tree("texts", _plain(lambda: _values(_param, "frozen", "trained"))),
    Tree("containers", _plain(lambda: _containers(_param))),
    Tree("live containers", _plain(lambda: _containers(nnx.Param))),
    Tree("empty", _plain(lambda: _empty(_param))),
    Tree("live empty", _plain(lambda: _empty(nnx.Param))),
    Tree("only live empty", _plain(lambda: nnx.State({"unset": nnx.Param(None), "state": _param(_ones())}))),
    Tree("keys", _plain(lambda: _values(_param, jax.random.key(0), jax.random.PRNGKey(1)))),
    Tree("shapes", _plain(lambda: _values(_param, jax.ShapeDtypeStruct((2,), jnp.float32)))),
    # Wrappers with more to them
    Tree("metadata", _plain(lambda: nnx.State({"p": _param(_ones(), axes=("x", "y"), tag="t")}))),
    Tree("live metadata", _plain(lambda: {"p": nnx.Param(_ones(), axes=("x", "y"), tag="t")})),
    Tree("hooks", _plain(lambda: nnx.State({"p": state_wrapper(Doubling, _ones())}))),
    Tree("live hooks", _plain(lambda: {"p": Doubling(_ones())})),
    Tree("subclasses", _plain(lambda: [state_wrapper(Scale, _ones()), state_wrapper(Statistic, jnp.zeros(2))])),
    Tree("live subclasses", _plain(lambda: [Scale(_ones()), Statistic(jnp.zeros(2))])),
    Tree("shared", _plain(_shared)),
    # Other containers
    Tree("nested", _plain(lambda: {"a": [nnx.State({"p": _param(_ones())}), (_param(2.0),)], "b": {"c": {}}})),
    Tree("named tuple", _plain(lambda: Pair(nnx.State({"p": _param(_ones())}), _param(jnp.zeros(2))))),
    Tree("one wrapper", _plain(lambda: _param(_ones()))),
    Tree("one live Variable", _plain(lambda: nnx.Param(_ones()))),
    Tree("live beside state", _plain(lambda: {"live": nnx.Param(_ones()), "state": _param(_ones())})),
    Tree("None inside", _plain(lambda: {"p": _param(_ones()), "none": None})),
    Tree(
        "pure dict",
        _of_model(linear, lambda model: nnx.to_pure_dict(nnx.state(model))),
        "" if _HAS_PURE_DICT else "nnx.to_pure_dict came with Flax 0.10.4",
    ),
    Tree("arrays", _plain(lambda: {"a": jnp.arange(3.0), "b": np.ones(2), "c": 1})),
    Tree("nothing", _plain(dict)),
)

CATALOGUE: Mapping[str, Tree] = {tree.name: tree for tree in _ALL}
TREES = tuple(tree for tree in _ALL if not tree.missing)
"""What the installed Flax can build."""

WRAPPED_STATES = ("state", "split", "grad", "linear", "normalized", "lora", "embed", "attention", "metadata")
"""Trees that hold nothing but the wrappers of ``nnx.state``, each with an array in it."""
LIVE_VARIABLES = ("live", "variables", "live scalars", "live metadata", "live subclasses")
"""Trees of live Variables and nothing else, all with a value."""
