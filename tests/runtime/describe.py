"""Says what a value is, all the way down, so that two runs can be compared path by path."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from installed import is_wrapper, raw_value_of, variable_type_of

Description = Mapping[str, tuple[object, ...]]
"""Path -> what is there. Paths read like Python: ``$['a'].value``."""


class Identities:
    """Names for wrappers and modules: the path at which each was met first."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._kept: list[object] = []  # An id is only good while its object lives.

    def add(self, value: object, name: str) -> None:
        if id(value) not in self._names:
            self._names[id(value)] = name
            self._kept.append(value)

    def of(self, value: object) -> str | None:
        return self._names.get(id(value))

    def copy(self) -> Identities:
        other = Identities()
        other._names, other._kept = dict(self._names), list(self._kept)
        return other


class _Describer:
    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._seen: set[int] = set()
        self.entries: dict[str, tuple[object, ...]] = {}

    def describe(self, value: Any, path: str) -> None:
        if is_wrapper(value) or isinstance(value, nnx.Module):
            self._describe_object(value, path)
        elif isinstance(value, nnx.State):
            self._describe_items(value, path, value.raw_mapping.items())
        elif isinstance(value, Mapping):
            self._describe_items(value, path, value.items())
        elif isinstance(value, (tuple, list)):
            names = getattr(value, "_fields", range(len(value)))
            self._describe_items(value, path, zip(names, value, strict=True))
        else:
            self.entries[path] = _describe_leaf(value)

    def _describe_items(self, value: object, path: str, items: Any) -> None:
        pairs = list(items)
        # A rebuilt dict has sorted keys: their order is JAX's business, and no part of what a call means.
        self.entries[path] = (_name_of(type(value)), tuple(sorted((repr(key) for key, _ in pairs))))
        for key, found in pairs:
            self.describe(found, f"{path}[{key!r}]")

    def _describe_object(self, value: Any, path: str) -> None:
        identity = self._identities.of(value)
        if identity is None:
            identity = path
            self._identities.add(value, identity)
        if id(value) in self._seen:
            self.entries[path] = ("again", identity)
            return
        self._seen.add(id(value))
        if isinstance(value, nnx.Module):
            self.entries[path] = (_name_of(type(value)), identity)
            for name, found in sorted(vars(value).items()):
                if not name.startswith(("_object__", "_pytree__")):
                    self.describe(found, f"{path}.{name}")
            return
        self.entries[path] = (_name_of(type(value)), _name_of(variable_type_of(value)), identity)
        for name, found in sorted(value.get_metadata().items()):
            self.describe(found, f"{path}.{name}")
        self.describe(raw_value_of(value), f"{path}.value")


def describe(value: object, identities: Identities, path: str = "$") -> Description:
    """Say what a value is, all the way down, without going through JAX's tree functions: those are what is on trial."""
    describer = _Describer(identities)
    describer.describe(value, path)
    return describer.entries


def _name_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _describe_leaf(value: Any) -> tuple[object, ...]:
    if isinstance(value, jax.core.Tracer):
        return ("tracer", str(value.dtype), value.shape)
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return _describe_array(value)
    if isinstance(value, jax.ShapeDtypeStruct):
        return ("ShapeDtypeStruct", value.shape, str(value.dtype))
    if isinstance(value, (type, types.FunctionType)):
        return ("named", _name_of(value))  # type: ignore[arg-type]
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return (type(value).__name__, repr(value))
    return (_name_of(type(value)),)


def _describe_array(value: Any) -> tuple[object, ...]:
    kind = "jax" if isinstance(value, jax.Array) else "numpy"
    dtype = str(value.dtype)
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return (kind, dtype, value.shape, np.asarray(jax.random.key_data(value)).tobytes())
    weak = getattr(value, "weak_type", False)
    return (kind, dtype, value.shape, weak, np.asarray(value).tobytes())


def differences(what: str, original: Description, fixed: Description) -> list[str]:
    """Each path at which two descriptions differ, in words."""
    paths = [path for path in (*original, *(set(fixed) - set(original))) if original.get(path) != fixed.get(path)]
    return [f"{what} at {path}: was {original.get(path)}, is {fixed.get(path)}" for path in paths]
