"""Finds the members that a file's own Variable classes define, which may override those of Flax."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from flake8_nnx_treemap.analysis.code.nodes import start_of, walk
from flake8_nnx_treemap.analysis.names.imported import definition_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, ScopeKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.provenance import TreeKind, kind_of_instances
from flake8_nnx_treemap.names import WRAPPERS, canonical

_OVERRIDES = frozenset({"value", "raw_value", "__getattribute__", "__setattr__"})
"""Members with which a class decides itself what reading and writing its value does."""

_HOLD_NO_VARIABLES = sys.stdlib_module_names | {"builtins", "flax", "jax"}
"""Packages whose classes are not Variables, except for ``WRAPPERS``. Classes of other packages may be."""


def is_own_variable_class(source: ParsedSource, named: ast.expr) -> bool:
    """Tell whether an expression names a Variable class of the project that leaves reading its value to Flax."""
    if kind_of_instances(source, named) is not TreeKind.VARIABLES:
        return False
    elsewhere = definition_elsewhere(source, source.bindings.names_of(named))
    return own_members(source if elsewhere is None else elsewhere[0]).isdisjoint(_OVERRIDES)


@remembered
def own_members(source: ParsedSource) -> frozenset[str]:
    """Return the names bound in the bodies of classes that may be Variables, and of the classes they inherit from."""
    bodies: dict[ast.AST, list[str]] = {}
    for name, bound in source.bindings.all_bound():
        for binding in bound:
            if binding.scope.kind is ScopeKind.CLASS:
                bodies.setdefault(binding.scope.node, []).extend((name, *_slots(binding)))
    if not bodies:
        return frozenset()
    variables, bases = _variables(source)
    counted = _closed(variables, bases)
    return frozenset(name for definition in counted for name in bodies.get(definition, ()))


def _slots(binding: Binding) -> Iterator[str]:
    """Yield the attributes that ``__slots__ = "a", "b"`` makes."""
    if binding.name == "__slots__" and binding.value is not None:
        constants = (found.value for found in walk(binding.value) if isinstance(found, ast.Constant))
        yield from (value for value in constants if isinstance(value, str))


_Classes = Mapping[ast.AST, list[ast.AST]]


def _variables(source: ParsedSource) -> tuple[set[ast.AST], _Classes]:
    """Return the classes of the file that may be Variables, and the bases in this file of each class."""
    bases: defaultdict[ast.AST, list[ast.AST]] = defaultdict(list)
    derived: defaultdict[ast.AST, list[ast.AST]] = defaultdict(list)
    first: list[ast.AST] = []
    for definition in (statement.node for statement in source.bindings.statements):
        for base in definition.bases if isinstance(definition, ast.ClassDef) else ():
            here = _classes_named(source, base)
            for one in here:
                bases[definition].append(one)
                derived[one].append(definition)
            if not here and _may_be_variable(source, base):
                first.append(definition)
    return _closed(first, derived), bases


def _closed(first: Iterable[ast.AST], edges: _Classes) -> set[ast.AST]:
    """Return some classes and all classes that can be reached from them along edges."""
    pending = list(first)
    found = set(pending)
    for one in pending:
        new = [other for other in edges.get(one, ()) if other not in found]
        found.update(new)
        pending += new
    return found


def _classes_named(source: ParsedSource, base: ast.expr) -> list[ast.AST]:
    node = base.value if isinstance(base, ast.Subscript) else base
    if not isinstance(node, ast.Name):
        return []
    bindings = source.bindings.bindings_of(node.id, start_of(node))
    return [binding.node for binding in bindings if binding.kind is BindingKind.CLASS]


def _may_be_variable(source: ParsedSource, base: ast.expr) -> bool:
    """Tell whether a base class that the file does not define is a Variable class, or unknown."""
    names = source.bindings.names_of(base.value if isinstance(base, ast.Subscript) else base)
    return not names or any(
        canonical(name) in WRAPPERS or name.partition(".")[0] not in _HOLD_NO_VARIABLES for name in names
    )
