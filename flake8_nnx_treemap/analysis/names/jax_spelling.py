"""Finds how a file can spell a function of JAX at a place, and where an import of JAX belongs in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.analysis.code.nodes import Place, start_of
from flake8_nnx_treemap.analysis.names.scopes import Scope
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource
from flake8_nnx_treemap.analysis.names.spelling import can_be_used, scopes_around


def spelling_of_jax(source: ParsedSource, names: Sequence[str], place: Place) -> str | None:
    """Return the shortest spelling of a function of JAX with the imports of a file.

    Args:
        source: the file.
        names: the qualified names under which JAX has the function.
        place: where it is to be written.

    Returns:
        The spelling; ``None`` if no import that reaches the place leads there.
    """
    written = {text for scope in scopes_around(source, place) for text in _texts(source, scope, names, place)}
    return min(written, key=lambda text: (text.count("."), len(text), text), default=None)


def _texts(source: ParsedSource, scope: Scope, names: Sequence[str], place: Place) -> Iterator[str]:
    for visible, bindings in source.bindings.names_in(scope).items():
        for full in {binding.qualified_name for binding in bindings}:
            rests = [name[len(full) :] for name in names if full and f"{name}.".startswith(f"{full}.")]
            is_meant = bool(rests) and source.bindings.qualified_names((visible,), place) == {full}
            if is_meant and can_be_used(source, visible, place):
                yield from (visible + rest for rest in rests)


def import_of_jax(source: ParsedSource, place: Place) -> Edit | None:
    """Return the edit that adds ``import jax`` beside the imports of Flax; ``None`` if the name is taken or unseen."""
    if source.bindings.is_written("jax") or any(name == "jax" for name, _ in source.bindings.all_bound()):
        return None
    run: list[ast.stmt] = []
    for statement in source.tree.body:
        is_import = isinstance(statement, (ast.Import, ast.ImportFrom))
        if run and (not is_import or statement.lineno > (run[-1].end_lineno or 0) + 1):
            if any(map(_is_of_flax, run)):
                break
            run = []
        if is_import:
            run.append(statement)
    found = next((one for one in run if one.col_offset == 0 and _comes_after_jax(one)), None)
    if found is None or not any(map(_is_of_flax, run)) or start_of(found) > place:
        return None
    return source.insert(source.position_of_place(start_of(found)), f"import jax{source.newline}")


def _is_of_flax(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return not statement.level and (statement.module or "").partition(".")[0] == "flax"
    return isinstance(statement, ast.Import) and any(one.name.partition(".")[0] == "flax" for one in statement.names)


def _comes_after_jax(statement: ast.stmt) -> bool:
    """Tell whether sorted imports have a statement behind ``import jax``."""
    if isinstance(statement, ast.Import):
        return statement.names[0].name > "jax"
    return isinstance(statement, ast.ImportFrom) and statement.module != "__future__"
