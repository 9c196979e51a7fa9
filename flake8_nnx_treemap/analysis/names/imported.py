"""Finds what an imported name means in another file of the same project."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING

from flake8_nnx_treemap.analysis.code.text import remembered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_nnx_treemap.analysis.names.scopes import Binding
    from flake8_nnx_treemap.analysis.names.source import ParsedSource

MAXIMUM_STEPS = 6
"""The number of files through which a name is followed that one re-exports from the other."""


def definition_elsewhere(source: ParsedSource, names: frozenset[str]) -> tuple[ParsedSource, Binding] | None:
    """Return the file of the project that defines an imported name, and the name's only binding there.

    Args:
        source: the file that imports it.
        names: the qualified names that the expression may mean; see ``Bindings.names_of``.

    Returns:
        The other file and the binding, through any re-exports; ``None`` if there are several names or bindings, if the
        name comes from outside of the project, or if no other files are read.
    """
    for _ in range(MAXIMUM_STEPS):
        found = bound_elsewhere(source, next(iter(names))) if len(names) == 1 else None
        if found is None:
            return None
        source, binding = found
        if binding.qualified_name is None:
            return source, binding
        names = frozenset({binding.qualified_name})
    return None


def bound_elsewhere(source: ParsedSource, name: str, steps: int = MAXIMUM_STEPS) -> tuple[ParsedSource, Binding] | None:
    """Return the only binding of a qualified name in its module, which may be an import again.

    Args:
        source: the file that imports it.
        name: the qualified name.
        steps: through how many ``from module import *`` it may be followed.

    Returns:
        The module that binds the name, and the binding; ``None`` if the project has no such module, if the module binds
        the name several times, or if it does not.
    """
    found = source.modules(name) if source.modules is not None else None
    if found is None:
        return None
    home, bound = found
    bindings = home.bindings.names_in(home.bindings.module).get(bound, [])
    if bindings or bound.startswith("_") or not steps:
        return (home, bindings[0]) if len(bindings) == 1 else None
    everything = (bound_elsewhere(home, f"{module}{bound}", steps - 1) for module in _modules_imported_whole(home))
    return next((one for one in everything if one is not None), None)


def calls_elsewhere(source: ParsedSource, name: str) -> Iterator[tuple[ParsedSource, ast.Call]]:
    """Yield the calls of a function in other files of the project, each with its file.

    Args:
        source: the file that defines the function.
        name: its name at the top level of the file.
    """
    path = os.path.abspath(source.filename)
    for other in source.modules.importing(name) if source.modules is not None else ():
        bound = (binding for _, bindings in other.bindings.all_bound() for binding in bindings)
        aliases = {one.name for one in bound if (one.qualified_name or "").rpartition(".")[2] == name}
        for call in (call for alias in sorted({name, *aliases}) for call in other.bindings.calls.get(alias, ())):
            home, binding = definition_elsewhere(other, other.bindings.names_of(call.func)) or (None, None)
            is_meant = binding is not None and binding.name == name
            if home is not None and is_meant and os.path.abspath(home.filename) == path:
                yield other, call


@remembered
def _modules_imported_whole(source: ParsedSource) -> tuple[str, ...]:
    """Return the modules of which a file imports everything, the last first, each with a dot behind it."""
    stars = (one for one in source.tree.body if isinstance(one, ast.ImportFrom) and one.names[0].name == "*")
    modules = ["." * one.level + (f"{one.module}." if one.module else "") for one in stars]
    return tuple(reversed(modules))
