"""Finds what an imported name means in another file of the same project."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        found = source.modules(next(iter(names))) if source.modules is not None and len(names) == 1 else None
        if found is None:
            return None
        source, name = found
        bindings = source.bindings.names_in(source.bindings.module).get(name, [])
        if len(bindings) != 1:
            return None
        (binding,) = bindings
        if binding.qualified_name is None:
            return source, binding
        names = frozenset({binding.qualified_name})
    return None
