"""Which Flax is installed, and what its wrappers are. How it behaves is asked of Flax itself, not of its number.

A *wrapper* is what holds one value in NNX state: an ``nnx.Variable``, or below Flax 0.11 an ``nnx.VariableState``.
"""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass
from typing import Any

import jax
from flax import nnx

FlaxRelease = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Epoch:
    """A run of Flax releases that treat wrappers alike under JAX's tree functions."""

    name: str
    first: FlaxRelease
    last: FlaxRelease

    @property
    def releases(self) -> str:
        """The releases, as a heading says it."""
        first, last = (".".join(map(str, release)) for release in (self.first, self.last))
        return first if first == last else f"{first}–{last}"


EPOCHS = (
    Epoch("E1", (0, 10, 0), (0, 10, 6)),
    Epoch("E2", (0, 10, 7), (0, 10, 7)),
    Epoch("E3", (0, 11, 0), (0, 12, 0)),
    Epoch("E4", (0, 12, 1), (0, 12, 8)),
)


def release_named(text: str) -> FlaxRelease:
    """``"0.12.8"``, ``"0.12.8rc1"`` -> ``(0, 12, 8)``; ``"portable"`` is the first release with ``VariableState``."""
    if text == "portable":
        return EPOCHS[0].first
    numbers = re.match(r"\d+(\.\d+)*", text)
    assert numbers, f"not a release: {text!r}"
    return tuple(int(part) for part in numbers[0].split("."))


def epoch_of(release: FlaxRelease) -> Epoch:
    """The epoch of a release. A release newer than all that were measured is held to the last epoch."""
    return next((epoch for epoch in EPOCHS if release[:3] <= epoch.last), EPOCHS[-1])


VERSION = importlib.metadata.version("flax")
RELEASE = release_named(VERSION)
EPOCH = epoch_of(RELEASE)
IS_NEWER_THAN_MEASURED = RELEASE[:3] > EPOCHS[-1].last

VARIABLE: type[Any] = nnx.Variable
VARIABLE_STATE: type[Any] = getattr(nnx.variablelib, "VariableState", nnx.Variable)
WRAPPERS = (VARIABLE, VARIABLE_STATE)

VARIABLE_STATE_IS_VARIABLE = VARIABLE_STATE is VARIABLE


def _is_pytree(value: object) -> bool:
    return not jax.tree_util.all_leaves([value])


VARIABLE_IS_A_PYTREE = _is_pytree(nnx.Param(1.0))
MODULE_IS_A_PYTREE = _is_pytree(nnx.Module())
STOPS_ABOVE_LIVE_VARIABLES = VARIABLE_IS_A_PYTREE and not VARIABLE_STATE_IS_VARIABLE
"""Flax 0.10.7 alone: JAX goes into a live Variable, and ``is_leaf`` on VariableState does not stop it."""


def is_wrapper(value: object) -> bool:
    """Whether a value is a Variable or a VariableState."""
    return isinstance(value, WRAPPERS)


def state_wrapper(kind: type[Any], value: object, **metadata: object) -> Any:
    """The wrapper that ``nnx.state`` would hold for a Variable of this type: a VariableState below 0.11."""
    return kind(value, **metadata) if VARIABLE_STATE_IS_VARIABLE else VARIABLE_STATE(kind, value, **metadata)


def raw_value_of(wrapper: Any) -> Any:
    """What a wrapper holds, past every hook, and without the warning that 0.12.1 attaches to ``.value``."""
    if hasattr(type(wrapper), "get_raw_value"):  # Asked of the object, a Variable would ask its value, through hooks.
        return wrapper.get_raw_value()
    return wrapper.raw_value if isinstance(wrapper, VARIABLE) else wrapper.value


def variable_type_of(wrapper: Any) -> type[Any]:
    """The Variable class that a wrapper stands for."""
    return type(wrapper) if isinstance(wrapper, VARIABLE) else wrapper.type
