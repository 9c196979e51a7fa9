"""Finds what each name means at each place of a file: its bindings, and the imported things it may refer to."""

from __future__ import annotations

import ast
import functools
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from flake8_nnx_treemap.analysis.code.nodes import Place, dotted_name, start_of
from flake8_nnx_treemap.analysis.names.collector import Collector
from flake8_nnx_treemap.analysis.names.reaching_definitions import BindingsOfName
from flake8_nnx_treemap.analysis.names.scopes import (
    Binding,
    BindingKind,
    Block,
    ExpressionScope,
    Reads,
    Scope,
    ScopeKind,
    Statement,
)

_Listed = TypeVar("_Listed", ast.Compare, ast.Dict, ast.IfExp, ast.NamedExpr, ast.Subscript)


class Bindings:
    """The bindings of all names of one file, and which of them may reach a place."""

    def __init__(self, tree: ast.Module) -> None:
        collector = Collector()
        collector.collect(tree)
        self.tree = tree
        self.module = collector.module
        self.calls: Mapping[str, list[ast.Call]] = dict(collector.calls)
        self.attributes: Mapping[str, list[ast.Name | ast.Attribute]] = dict(collector.attributes)
        self.set_attributes: Mapping[str, list[ast.Attribute]] = dict(collector.set_attributes)
        """The attributes that are set, by name."""
        self._listed = collector.listed
        self.statements = sorted(collector.statements, key=attrgetter("start"))
        self._starts = [statement.start for statement in self.statements]
        self._expression_scopes = sorted(collector.expression_scopes, key=lambda found: found.start)
        self._expression_starts = [found.start for found in self._expression_scopes]
        self._scopes_around = _indices_around(self._expression_scopes)
        self._names_in: Mapping[Scope, Mapping[str, list[Binding]]] = dict(collector.names)
        self._every_binding: dict[tuple[Scope, str], tuple[Binding, ...]] = {}
        self._sorted_bindings: dict[tuple[Scope, str], BindingsOfName] = {}
        self._reaching: dict[tuple[str, Place], tuple[Binding, ...]] = {}
        self._reads: dict[str, tuple[Reads, ...]] = {}
        self._names: dict[tuple[tuple[str, ...], Place, int], frozenset[str]] = {}

    def names_in(self, scope: Scope) -> Mapping[str, list[Binding]]:
        """Return the names of a scope with their bindings."""
        return self._names_in.get(scope, {})

    def expressions(self, kind: type[_Listed]) -> list[_Listed]:
        """Return the expressions of one type: comparisons, dictionary displays, subscripts, and so on."""
        return self._listed[kind]  # type: ignore[return-value]

    def all_bound(self) -> Iterator[tuple[str, list[Binding]]]:
        """Yield each name of each scope with its bindings there."""
        for names in self._names_in.values():
            yield from names.items()

    def is_bound_once(self, binding: Binding) -> bool:
        """Tell whether a binding is the only one of its name in its scope, and no function declares the name global."""
        return len(self.names_in(binding.scope).get(binding.name, ())) == 1 and not self.is_shared(binding.name)

    @functools.cached_property
    def _shared(self) -> frozenset[str]:
        """The names that some function declares ``global`` or ``nonlocal``."""
        found = (one.node.names for one in self.statements if isinstance(one.node, (ast.Global, ast.Nonlocal)))
        return frozenset(name for names in found for name in names)

    def is_parameter(self, name: str, place: Place) -> bool:
        """Tell whether a name at a place is a parameter of its function that has not been assigned to."""
        bindings = self.bindings_of(name, place)
        return len(bindings) == 1 and bindings[0].kind is BindingKind.PARAMETER

    def is_shared(self, name: str) -> bool:
        """Tell whether some function declares a name ``global`` or ``nonlocal``, so that any call may rebind it."""
        return name in self._shared

    def is_written(self, name: str) -> bool:
        """Tell whether the file uses a name anywhere by itself, not as an attribute."""
        return name in self._written

    @functools.cached_property
    def _written(self) -> frozenset[str]:
        uses = self.attributes.items()
        return frozenset(name for name, found in uses if any(isinstance(use, ast.Name) for use in found))

    def scope_at(self, place: Place) -> Scope:
        """Return the scope in which a name at ``place`` is looked up."""
        return self._scope_in(self.statement_at(place), place)

    def _scope_in(self, statement: Statement | None, place: Place) -> Scope:
        if statement is None:
            return self.module
        # Of the lambdas and comprehensions around a place, the one that starts last is the innermost.
        first = (statement.start[0], -1)
        index = bisect_right(self._expression_starts, place) - 1
        while index >= 0 and self._expression_starts[index] > first:
            found = self._expression_scopes[index]
            in_hole = found.hole is not None and found.hole[0] <= place < found.hole[1]
            if place < found.end and not in_hole:
                return found.scope
            index = self._scopes_around[index]
        return statement.scope

    def block_at(self, place: Place) -> Block | None:
        """Return the block of the statement that holds ``place``."""
        statement = self.statement_at(place)
        return None if statement is None else statement.block

    def statement_at(self, place: Place) -> Statement | None:
        """Return the innermost statement around ``place``; that before it in a handler or the pattern of a case."""
        # The last statement to start is the innermost: expressions are only in simple statements and in headers.
        index = bisect_right(self._starts, place)
        return self.statements[index - 1] if index else None

    def bindings_of(self, name: str, place: Place) -> tuple[Binding, ...]:
        """Return the bindings of ``name`` that may reach ``place``; empty for builtins and unknown names."""
        question = (name, place)
        if question not in self._reaching:
            self._reaching[question] = self._bindings_of(name, place)
        return self._reaching[question]

    def reads_of(self, name: str) -> tuple[Reads, ...]:
        """Return all reads of a name, grouped by the bindings that may reach them."""
        if name not in self._reads:
            found: dict[int, Reads] = {}
            for index, use in enumerate(self.attributes.get(name, ())):
                if isinstance(use, ast.Name) and isinstance(use.ctx, ast.Load):
                    bindings = self.bindings_of(name, start_of(use))
                    reads = found.setdefault(id(bindings), Reads(bindings, []))  # ``_reaching`` keeps the tuples.
                    reads.nodes.append((index, use))
            self._reads[name] = tuple(found.values())
        return self._reads[name]

    def _bindings_of(self, name: str, place: Place) -> tuple[Binding, ...]:
        statement = self.statement_at(place)
        first_scope = scope = self._scope_in(statement, place)
        block = None if statement is None else statement.block
        in_class: tuple[Binding, ...] = ()
        while True:
            home = scope.outside.get(name, scope)
            visible = scope.kind is not ScopeKind.CLASS or scope is first_scope
            bindings = self.names_in(home).get(name) if visible else None
            if bindings and scope is first_scope and home is scope and scope.kind is ScopeKind.CLASS and block:
                # Where the body of a class has not bound a name yet, the name means what it means around the class.
                in_class, is_certain = self._sorted(home, name).made_before(place, block)
                if is_certain:
                    return in_class
            elif bindings:
                found = self._found(home, name, place, block if home is first_scope else None)
                return (*in_class, *found) if in_class else found
            if scope.parent is None:
                return in_class
            if scope.kind is ScopeKind.CLASS:
                name = _mangled(name, scope)
            scope = scope.parent

    def _found(self, home: Scope, name: str, place: Place, block: Block | None) -> tuple[Binding, ...]:
        """Return the bindings that reach a place in a block of the same scope; without a block, all of them."""
        bindings = self.names_in(home)[name]
        if len(bindings) > 1 and block is not None:
            return self._sorted(home, name).reaching(place, block)
        if (home, name) not in self._every_binding:
            self._every_binding[home, name] = tuple(bindings)
        return self._every_binding[home, name]

    def _sorted(self, home: Scope, name: str) -> BindingsOfName:
        if (home, name) not in self._sorted_bindings:
            self._sorted_bindings[home, name] = BindingsOfName(self.names_in(home)[name])
        return self._sorted_bindings[home, name]

    def qualified_names(self, parts: tuple[str, ...], place: Place, depth: int = 8) -> frozenset[str]:
        """Return the qualified names that ``a.b.c`` at ``place`` may mean, such as ``flax.nnx.Variable``.

        Args:
            parts: the names between the dots.
            place: where the expression starts.
            depth: how many assignments such as ``tmap = jax.tree.map`` are followed.

        Returns:
            Dotted names; several if branches import alternatives; empty if one alternative is not an import. A name
            that is bound nowhere is taken for a builtin: ``builtins.isinstance``.
        """
        question = (parts, place, depth)
        if question not in self._names:
            self._names[question] = self._qualified_names(parts, place, depth)
        return self._names[question]

    def names_of(self, node: ast.AST, depth: int = 8) -> frozenset[str]:
        """Return the qualified names that an expression may mean; empty if it is not a (dotted) name."""
        parts = dotted_name(node)
        return frozenset() if parts is None else self.qualified_names(parts, start_of(node), depth)

    def _qualified_names(self, parts: tuple[str, ...], place: Place, depth: int) -> frozenset[str]:
        bindings = _without_fallback(self.bindings_of(parts[0], place))
        if not bindings:
            return frozenset({".".join(("builtins", *parts))})
        names: set[str] = set()
        for binding in bindings:
            found = self._qualified_names_of_binding(binding, depth)
            if not found:
                return frozenset()
            names.update(".".join((name, *parts[1:])) for name in found)
        return frozenset(names)

    def _qualified_names_of_binding(self, binding: Binding, depth: int) -> frozenset[str]:
        if binding.qualified_name is not None:
            return frozenset({binding.qualified_name})
        if binding.kind is not BindingKind.ASSIGNMENT or binding.value is None or binding.path or not depth:
            return frozenset()
        parts = dotted_name(binding.value)
        if parts is None:
            return frozenset()
        return self.qualified_names(parts, start_of(binding.value), depth - 1)


def _mangled(name: str, scope: Scope) -> str:
    """Return what a name in a class is called around the class: ``_Model__scale`` for ``__scale``."""
    of_class = getattr(scope.node, "name", "").lstrip("_")
    is_private = name.startswith("__") and not name.endswith("__")
    return f"_{of_class}{name}" if is_private and of_class else name


def _without_fallback(bindings: tuple[Binding, ...]) -> tuple[Binding, ...]:
    """Return bindings without ``nnx = None`` if one is an import: the idiom for an optional dependency."""
    if not any(binding.kind is BindingKind.IMPORT for binding in bindings):
        return bindings
    return tuple(
        binding
        for binding in bindings
        if not (isinstance(binding.value, ast.Constant) and binding.value.value is None and not binding.path)
    )


def _indices_around(scopes: Sequence[ExpressionScope]) -> list[int]:
    """Return, for each scope in order of start, the index of the innermost scope around its start; -1 for none."""
    around: list[int] = []
    open_: list[int] = []
    for index, scope in enumerate(scopes):
        while open_ and scopes[open_[-1]].end <= scope.start:
            open_.pop()
        around.append(open_[-1] if open_ else -1)
        open_.append(index)
    return around
