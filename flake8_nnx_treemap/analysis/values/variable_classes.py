"""Finds the members that a file's own Variable classes define, which may override those of Flax."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from flake8_nnx_treemap.analysis.calls.class_references import ClassReference, classes_of
from flake8_nnx_treemap.analysis.code.nodes import start_of, walk, words_below
from flake8_nnx_treemap.analysis.names.imported import definition_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, ScopeKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.module_classes import lineage_of, members_of
from flake8_nnx_treemap.analysis.values.provenance import TreeKind, kind_of_instances
from flake8_nnx_treemap.names import WRAPPERS, canonical

_OVERRIDES = frozenset({"value", "raw_value", "__getattribute__", "__setattr__"})
"""Members with which a class decides itself what reading and writing its value does."""

_HOLD_NO_VARIABLES = sys.stdlib_module_names | {"builtins", "flax", "jax"}
"""Packages whose classes are not Variables, except for ``WRAPPERS``. Classes of other packages may be."""


def is_variable_class(source: ParsedSource, named: ast.expr) -> bool:
    """Tell whether an expression names a class of the project that inherits from Variables."""
    return kind_of_instances(source, named) is TreeKind.VARIABLES


def are_variable_classes(source: ParsedSource, named: ClassReference) -> bool:
    """Tell whether what a type test names is a class of Variables, or a constant of another file with such classes."""
    if named.name in WRAPPERS or is_variable_class(source, named.node):
        return True
    last = (named.name or "").rpartition(".")[2]
    if not (last.isupper() or last.islower()) or not isinstance(named.node, ast.expr):
        return False  # Named as a class is.
    home, binding = definition_elsewhere(source, source.bindings.names_of(named.node)) or (source, None)
    value = binding.value if binding is not None and binding.kind is BindingKind.ASSIGNMENT else None
    held = classes_of(home, value) if isinstance(value, (ast.Tuple, ast.List, ast.BinOp)) else ()
    return bool(held) and all(one.name in WRAPPERS or is_variable_class(home, one.node) for one in held)


def is_own_variable_class(source: ParsedSource, named: ast.expr) -> bool:
    """Tell whether an expression names a Variable class of the project that leaves reading its value to Flax."""
    if not is_variable_class(source, named):
        return False
    elsewhere = definition_elsewhere(source, source.bindings.names_of(named))
    return own_members(source if elsewhere is None else elsewhere[0]).isdisjoint(_OVERRIDES)


@remembered
def own_members(source: ParsedSource) -> frozenset[str]:
    """Return the names that classes of the file which may be Variables bind, and the classes they inherit from.

    That is what their bodies bind, what is set on a class afterwards, and what ``type(name, bases, members)`` is given.
    What they inherit from other files of the project is among it.
    """
    here = (*_members_in_bodies(source), *_members_by_type(source), *_members_set(source))
    return frozenset((*here, *_members_inherited(source)))


@remembered
def has_foreign_variable_classes(source: ParsedSource) -> bool:
    """Tell whether a class of the file inherits from Variables, and from a class that may have any attribute.

    That is a class in another file, or one of this file that is no class of Variables.
    """
    variables, bases = _variables(source)
    made = [call.args[1] for call in _calls_that_make_classes(source) if _may_have_variable(source, call.args[1])]
    if not all(isinstance(one, ast.Tuple) and all(_is_known(source, base) for base in one.elts) for one in made):
        return True
    classes = [one for one in variables.union(*bases.values()) if isinstance(one, ast.ClassDef)]
    others = [one for one in classes if not all(_is_known(source, base) for base in one.bases)]
    return not _derived_from_flax(source).isdisjoint(_closed(others, _derived(source)))


def is_derived_from_flax(source: ParsedSource, definition: ast.AST) -> bool:
    """Tell whether a class of the file inherits from one of Flax's classes of Variables."""
    return definition in _derived_from_flax(source)


@remembered
def _derived_from_flax(source: ParsedSource) -> set[ast.AST]:
    variables, _ = _variables(source)
    classes = (one for one in variables if isinstance(one, ast.ClassDef))
    return _closed([one for one in classes if any(_is_of_flax(source, base) for base in one.bases)], _derived(source))


@remembered
def _derived(source: ParsedSource) -> _Classes:
    """Return, for each class of the file, those that inherit from it."""
    _, bases = _variables(source)
    derived: defaultdict[ast.AST, list[ast.AST]] = defaultdict(list)
    for definition, inherited in bases.items():
        for one in inherited:
            derived[one].append(definition)
    return derived


def _is_of_flax(source: ParsedSource, base: ast.expr) -> bool:
    names = source.bindings.names_of(base.value if isinstance(base, ast.Subscript) else base)
    return bool(names) and all(canonical(name) in WRAPPERS for name in names)


def _is_known(source: ParsedSource, base: ast.expr) -> bool:
    """Tell whether a base class is a class of Flax's Variables, one of this file that is such a class, or abstract."""
    here = _classes_named(source, base)
    if here:
        variables, _ = _variables(source)
        return all(one in variables for one in here)
    names = source.bindings.names_of(base.value if isinstance(base, ast.Subscript) else base)
    return _is_of_flax(source, base) or (bool(names) and names <= _HAVE_NO_MEMBERS)


_HAVE_NO_MEMBERS = frozenset({"abc.ABC", "builtins.object", "typing.Generic", "typing_extensions.Generic"})


def _members_in_bodies(source: ParsedSource) -> Iterator[str]:
    bodies: dict[ast.AST, list[str]] = {}
    for name, bound in source.bindings.all_bound():
        for binding in bound:
            if binding.scope.kind is ScopeKind.CLASS:
                bodies.setdefault(binding.scope.node, []).extend((name, *_slots(binding)))
    if any(isinstance(statement.node, ast.ClassDef) for statement in source.bindings.statements):
        variables, bases = _variables(source)
        for definition in _closed(variables, bases):
            yield from bodies.get(definition, ())
            if isinstance(definition, ast.ClassDef) and _has_unseen_members(source, definition):
                yield from _ANY_MEMBER


def _members_inherited(source: ParsedSource) -> Iterator[str]:
    """Yield what the bodies of base classes in other files of the project bind."""
    variables, _ = _variables(source)
    for definition in variables if source.modules is not None else ():
        if isinstance(definition, ast.ClassDef):
            inherited = (one for one in lineage_of(source, definition).own if one.source is not source)
            yield from (name for one in inherited for name in members_of(one.source, one.node))


def _has_unseen_members(source: ParsedSource, definition: ast.ClassDef) -> bool:
    """Tell whether a function of this file makes one of a class's bases, or decorates it, and so may add members."""
    if any(isinstance(base, (ast.Call, ast.Starred)) for base in definition.bases):
        return True
    if any(
        keyword.arg == "metaclass" and not source.bindings.names_of(keyword.value) for keyword in definition.keywords
    ):
        return True
    words = words_below(definition)
    if not words.isdisjoint(("exec", "locals", "vars")) or any(
        isinstance(one, ast.FunctionDef) and one.name == "__init_subclass__" for one in definition.body
    ):
        return True
    decorators = (one.func if isinstance(one, ast.Call) else one for one in definition.decorator_list)
    return any(not source.bindings.names_of(one) for one in decorators)


_ANY_MEMBER = ("__getattribute__", "__setattr__")
"""Stand for members whose names are not written: these two may do what any other does."""


def _members_by_type(source: ParsedSource) -> Iterator[str]:
    """Yield the members of classes that are made by calls, as by ``type("P", (nnx.Param,), {"value": ..})``."""
    for call in _calls_that_make_classes(source):
        if not _may_have_variable(source, call.args[1]):
            continue
        members = call.args[2] if len(call.args) == 3 else None
        keys = members.keys if isinstance(members, ast.Dict) else [None]
        for key in keys:
            yield from _written(key)


def _calls_that_make_classes(source: ParsedSource) -> Iterator[ast.Call]:
    calls = source.bindings.calls
    for call in (*calls.get("type", ()), *calls.get("new_class", ())):
        if len(call.args) > 1:
            yield call
        elif isinstance(made := source.ast_parent(call), ast.Call) and made.func is call and len(made.args) == 3:
            yield made  # ``type(nnx.Param)("P", (nnx.Param,), {..})``


def _written(name: ast.expr | None) -> tuple[str, ...]:
    """Return the member that an expression names."""
    is_text = isinstance(name, ast.Constant) and isinstance(name.value, str)
    return (name.value,) if is_text and isinstance(name, ast.Constant) else _ANY_MEMBER  # type: ignore[return-value]


def _may_have_variable(source: ParsedSource, bases: ast.expr) -> bool:
    """Tell whether one of the bases that ``type(..)`` is given may be a class of Variables."""
    if not isinstance(bases, ast.Tuple):
        return True
    return any(bool(_classes_named(source, base)) or _may_be_variable(source, base) for base in bases.elts)


def _members_set(source: ParsedSource) -> Iterator[str]:
    """Yield what the file sets on a class, as by ``Scale.value = ..`` and ``setattr(nnx.Param, "value", ..)``."""
    for name, uses in source.bindings.set_attributes.items():
        if any(_is_class(source, use.value) for use in uses):
            yield name
    for call in source.bindings.calls.get("setattr", ()):
        if len(call.args) == 3 and _is_class(source, call.args[0]):
            yield from _written(call.args[1])


def _is_class(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression names a class of this file, or one of the wrappers of Flax."""
    names = source.bindings.names_of(node)
    return bool(_classes_named(source, node)) or any(canonical(name) in WRAPPERS for name in names)


def _slots(binding: Binding) -> Iterator[str]:
    """Yield the attributes that ``__slots__ = "a", "b"`` makes."""
    if binding.name == "__slots__" and binding.value is not None:
        constants = (found.value for found in walk(binding.value) if isinstance(found, ast.Constant))
        yield from (value for value in constants if isinstance(value, str))


_Classes = Mapping[ast.AST, list[ast.AST]]


@remembered
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
