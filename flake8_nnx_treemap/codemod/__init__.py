"""LibCST's part: spotting flagged calls in their statements, writing fixes there, and the commands of its tools."""

from __future__ import annotations

from importlib import import_module


def __getattr__(name: str) -> object:
    # ``codemod -x flake8_nnx_treemap.codemod.FixTreeMap`` asks for it here; to write a fix takes no command.
    if name != "FixTreeMap":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.fix_tree_map").FixTreeMap
