"""All that uses LibCST: finding flagged calls in the concrete tree, writing fixes, commands for LibCST's tools."""

from __future__ import annotations

from importlib import import_module


def __getattr__(name: str) -> object:
    # ``codemod -x flake8_nnx_treemap.codemod.FixTreeMap`` needs it here; late, as writing a fix does not need it.
    if name != "FixTreeMap":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.fix_tree_map").FixTreeMap
