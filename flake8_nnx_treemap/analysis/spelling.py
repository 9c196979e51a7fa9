"""How this file would write a name of Flax at a given place, and the import that this needs."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache

from flake8_nnx_treemap.analysis.bindings import Binding, Place, ScopeKind, end_of, start_of
from flake8_nnx_treemap.analysis.nodes import walk
from flake8_nnx_treemap.analysis.source import Edit, ParsedSource, Position, Range, remembered
from flake8_nnx_treemap.names import NNX_MODULES


@dataclass(frozen=True, slots=True)
class Spelling:
    """An expression that means the wanted name, with the edits that make it so."""

    text: str
    edits: tuple[Edit, ...] = ()


_VARIABLELIB = "variablelib"


def spelling_of(source: ParsedSource, name: str, place: Place) -> Spelling | None:
    """Write a member of ``flax.nnx`` with names that the file has, adding to one of its imports if need be.

    Args:
        source: the file.
        name: the path below ``flax.nnx``: ``Variable``, or ``variablelib.VariableState``.
        place: where it will stand.

    Returns:
        The shortest spelling, preferring the file's own module alias; ``None`` if the file imports nothing of NNX
        that is visible at ``place``.
    """
    spellings = _through_imports(source, name, place)
    if spellings:
        return Spelling(min(spellings, key=lambda text: (text.count("."), len(text), text)))
    return _through_new_import(source, name.rpartition(".")[2], place)


@cache
def _targets(name: str) -> frozenset[str]:
    """Qualified names that mean the wanted one without a warning, whatever module they lead through."""
    member = name.rpartition(".")[2]
    below = {name, f"{_VARIABLELIB}.{member}"}
    return frozenset(f"{module}.{rest}" for module in NNX_MODULES for rest in below)


@cache
def _below(module: str, name: str) -> tuple[str, ...]:
    """What follows the name of a module, or of a part of Flax, in those."""
    return tuple(target[len(module) :] for target in sorted(_targets(name)) if target.startswith(f"{module}."))


def _through_imports(source: ParsedSource, name: str, place: Place) -> list[str]:
    found = []
    for visible in names_of_flax(source):
        if not all(map(_is_there_in_a_lambda, source.bindings.bindings_of(visible, place))):
            continue
        for full in source.bindings.qualified_names((visible,), place):
            # A member imported by itself warns at the import, if at all, and no more where it is used.
            if full in _targets(name) or full in _targets(name.rpartition(".")[2]):
                found.append(visible)
            found += [visible + rest for rest in _below(full, name)]
    return found


def _is_there_in_a_lambda(binding: Binding) -> bool:
    """Whether a lambda written nearby can use a name when it runs: not if a class body or a type checker has it."""
    tests = [block.owner.test for block in binding.block.ancestors() if isinstance(block.owner, ast.If)]
    names = {getattr(node, "attr", getattr(node, "id", None)) for test in tests for node in walk(test)}
    return binding.scope.kind is not ScopeKind.CLASS and "TYPE_CHECKING" not in names


@remembered
def names_of_flax(source: ParsedSource) -> tuple[str, ...]:
    """Every name that some import in the file binds to Flax or a part of it."""
    scopes = {statement.scope for statement in source.bindings.statements}
    bound = [binding for scope in scopes for found in source.bindings.names_in(scope).values() for binding in found]
    names = {binding.name for binding in bound if (binding.qualified_name or "").partition(".")[0] == "flax"}
    return tuple(sorted(names))


def _through_new_import(source: ParsedSource, member: str, place: Place) -> Spelling | None:
    if source.bindings.bindings_of(member, place):
        return None  # The name is taken.
    for visible in names_of_flax(source):
        for binding in source.bindings.bindings_of(visible, place):
            if _imports_from_nnx(binding) and binding.block.parent is None and _is_there_in_a_lambda(binding):
                assert isinstance(binding.node, ast.ImportFrom)
                return Spelling(member, (_add_to_import(source, binding.node, member),))
    return None


def _imports_from_nnx(binding: Binding) -> bool:
    if not isinstance(binding.node, ast.ImportFrom) or binding.node.level:
        return False
    modules = (*NNX_MODULES, *(f"{module}.{_VARIABLELIB}" for module in NNX_MODULES))
    return binding.node.module in modules


def _add_to_import(source: ParsedSource, node: ast.ImportFrom, member: str) -> Edit:
    """Add a name to ``from m import a, c``: in its place if the names are sorted, else last."""
    names = [alias.name for alias in node.names]
    is_sorted = names == sorted(names)
    following = [alias for alias in node.names if is_sorted and alias.name > member]
    if following:
        anchor = source.position_of_place(start_of(following[0]))
        return source.insert(anchor, f"{member},{_separator(source, node, following[0])}")
    last = node.names[-1]
    anchor = source.position_of_place(end_of(last))
    return source.insert(anchor, f",{_separator(source, node, last)}{member}")


def _separator(source: ParsedSource, node: ast.ImportFrom, alias: ast.alias) -> str:
    """A blank, or the line break and indentation of an import that has one name a line."""
    start = source.position_of_place(start_of(alias))
    before = source.text_in(Range(Position(start.row, 1), start))
    on_own_line = alias.lineno != node.lineno and not before.strip()
    return source.newline + before if on_own_line else " "
