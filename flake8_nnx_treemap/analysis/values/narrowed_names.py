"""Keeps in which regions of code something is known of a name, such as the class that ``isinstance`` has found."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from flake8_nnx_treemap.analysis.code.nodes import Place, dotted_name, start_of
from flake8_nnx_treemap.analysis.code.regions import Region
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, Scope, ScopeKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.module_classes import ClassMeant
from flake8_nnx_treemap.analysis.values.narrowing import regions_where


@dataclass(frozen=True, slots=True, eq=False)
class KnownName:
    """A name of which something is known in a region, as long as ``bindings`` are those that reach its use.

    ``name`` may also be an attribute, ``self.scale``; ``bindings`` are then those of its first part. ``scope`` is that
    of the code in which it is known.
    """

    name: str
    region: Region
    bindings: tuple[Binding, ...]
    scope: Scope
    is_instance_of: ClassMeant | None = None


KnownNames = dict[tuple[str, tuple[Binding, ...]], tuple[list[KnownName], list[Place]]]
"""By name and bindings, as thousands of lambdas of one file may have parameters of the same name."""


def by_name(known: Iterable[KnownName]) -> KnownNames:
    """Return what is known by name and bindings, so that ``known_at`` finds it."""
    found: dict[tuple[str, tuple[Binding, ...]], list[KnownName]] = {}
    for one in sorted(known, key=lambda one: one.region):
        found.setdefault((one.name, one.bindings), []).append(one)
    return {key: (ordered, list(accumulate((one.region[1] for one in ordered), max))) for key, ordered in found.items()}


def known_at(
    source: ParsedSource, names: KnownNames, use: ast.Name | ast.Attribute, bindings: tuple[Binding, ...]
) -> Iterator[KnownName]:
    """Yield what is known of a name, or of an attribute, at a use of it.

    Args:
        source: the file.
        names: what is known.
        use: the use.
        bindings: the bindings that reach it, or the first part of it.
    """
    name = use.id if isinstance(use, ast.Name) else ".".join(dotted_name(use) or ())
    for one in _known_around(names, name, bindings, start_of(use)):
        if _still_holds(source, one, use):
            yield one


def known_where(
    source: ParsedSource, test: ast.expr, name: str, is_instance_of: ClassMeant | None = None
) -> Iterator[KnownName]:
    """Yield a name with each region that runs only if a test of it is true."""
    if source.bindings.is_shared(name):
        return  # Any call may rebind it.
    bindings = source.bindings.bindings_of(name, start_of(test))
    for region in regions_where(source, test, True):
        yield KnownName(name, region, bindings, source.bindings.scope_at(start_of(test)), is_instance_of)


def known_attribute_where(
    source: ParsedSource, test: ast.expr, node: ast.Attribute, is_instance_of: ClassMeant | None = None
) -> Iterator[KnownName]:
    """Yield ``self.scale`` with each region that runs only if a test of it is true, and that does not set it."""
    parts = dotted_name(node)
    if parts is None or source.bindings.is_shared(parts[0]):
        return
    bindings = source.bindings.bindings_of(parts[0], start_of(node))
    writes = source.bindings.set_attributes.get(node.attr, ())
    is_set_at = [start_of(one) for one in writes if dotted_name(one) == parts]
    for region in regions_where(source, test, True):
        if not any(region[0] <= place < region[1] for place in is_set_at):
            scope = source.bindings.scope_at(start_of(test))
            yield KnownName(".".join(parts), region, bindings, scope, is_instance_of)


def _known_around(names: KnownNames, name: str, bindings: tuple[Binding, ...], place: Place) -> Iterator[KnownName]:
    """Yield what is known of a name in the regions around a place: few of the thousands that a file may have."""
    ordered, furthest = names.get((name, bindings), ((), ()))
    index = bisect_right(ordered, place, key=lambda one: one.region[0]) - 1
    while index >= 0 and furthest[index] > place:
        if ordered[index].region[1] > place:
            yield ordered[index]
        index -= 1


def _still_holds(source: ParsedSource, known: KnownName, use: ast.expr) -> bool:
    """Tell whether a name still has its known value at a use, which may be in a function that runs later."""
    scope: Scope | None = source.bindings.scope_at(start_of(use))
    while scope is not None and scope is not known.scope and _runs_at_once(source, scope):
        scope = scope.parent
    if scope is known.scope or isinstance(use, ast.Attribute):
        return scope is known.scope
    (binding, *others) = known.bindings
    return not others and source.bindings.is_bound_once(binding) and not _is_in_loop(binding)


def _runs_at_once(source: ParsedSource, scope: Scope) -> bool:
    """Tell whether a scope is a comprehension evaluated where it is written, as a generator in ``sum(..)`` is."""
    if scope.kind is not ScopeKind.COMPREHENSION or not isinstance(scope.node, ast.GeneratorExp):
        return scope.kind is ScopeKind.COMPREHENSION
    call = source.ast_parent(scope.node)
    if not isinstance(call, ast.Call) or call.args[:1] != [scope.node]:
        return False
    return bool(names := source.bindings.names_of(call.func)) and names <= _USE_UP


_USE_UP = frozenset(
    f"builtins.{name}"
    for name in ("all", "any", "dict", "frozenset", "list", "max", "min", "set", "sorted", "sum", "tuple")
)
"""Functions that go through a generator before they return."""


def _is_in_loop(binding: Binding) -> bool:
    return binding.kind is BindingKind.ITERATION or any(block.is_loop for block in binding.block.ancestors())
