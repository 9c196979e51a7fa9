"""Names modules that no project of our users has; without an import, since every run asks for them."""

from __future__ import annotations

OTHER_PROJECTS = frozenset({"builtins", "flax", "functools", "jax", "numpy", "optax", "typing"})
"""Modules that every file names."""

NOT_LOOKED_FOR = OTHER_PROJECTS | {
    *("__future__", "abc", "collections", "contextlib", "copy", "dataclasses", "enum", "itertools", "logging", "math"),
    *("os", "pathlib", "re", "sys", "time", "unittest", "warnings"),
    *("absl", "einops", "jaxtyping", "pytest", "torch", "typing_extensions"),
}
"""More that many files import: to look for one takes a dozen system calls."""
