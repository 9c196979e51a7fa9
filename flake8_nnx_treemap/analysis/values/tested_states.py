"""Finds what is an ``nnx.State`` for certain: found so by ``isinstance``, or made by a function of states alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.code.nodes import start_of
from flake8_nnx_treemap.analysis.code.regions import Region
from flake8_nnx_treemap.analysis.names.scopes import Binding, Scope
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.narrowing import regions_where, type_test
from flake8_nnx_treemap.analysis.values.provenance import member_of_nnx
from flake8_nnx_treemap.names import STATE


@dataclass(frozen=True, slots=True, eq=False)
class _Tested:
    """A name that is a State in a region, as long as the same bindings reach its use."""

    name: str
    region: Region
    bindings: tuple[Binding, ...]
    scope: Scope


def is_tested_state(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression is a name that only gets there if it is a State.

    Args:
        source: the file.
        node: an expression, such as the owner of a method.

    Returns:
        True under ``if isinstance(state, nnx.State):``, behind ``if not isinstance(…): return`` and the like.
    """
    if not isinstance(node, ast.Name):
        return False
    place = start_of(node)
    bindings, scope = source.bindings.bindings_of(node.id, place), source.bindings.scope_at(place)
    return any(
        one.region[0] <= place < one.region[1] and one.bindings == bindings and one.scope is scope
        for one in _tested(source).get(node.id, ())
    )


@remembered
def _tested(source: ParsedSource) -> dict[str, list[_Tested]]:
    found: dict[str, list[_Tested]] = {}
    for one in _tests(source):
        found.setdefault(one.name, []).append(one)
    return found


def _tests(source: ParsedSource) -> Iterator[_Tested]:
    for call in source.bindings.calls.get("isinstance", ()):
        test = type_test(source, call)
        if test is None or test[1] != {STATE} or source.bindings.is_shared(test[0]):
            continue
        bindings, scope = source.bindings.bindings_of(test[0], start_of(call)), source.bindings.scope_at(start_of(call))
        for region in regions_where(source, call, True):
            yield _Tested(test[0], region, bindings, scope)


_MAKES_STATE = frozenset({"from_flat_state", "map_state", "merge_state"})


def is_made_state(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression is the result of a function that always returns a State: ``nnx.map_state(f, s)``."""
    names = source.bindings.names_of(node.func) if isinstance(node, ast.Call) else frozenset()
    return bool(names) and _MAKES_STATE.issuperset(map(member_of_nnx, names))
