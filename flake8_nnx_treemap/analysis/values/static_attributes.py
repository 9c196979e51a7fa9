"""Finds attributes of Modules that NNX takes for static though data is in them, or is set in their place later.

From Flax 0.12 on NNX decides at the first assignment whether an attribute is data. A list, a tuple or a dict is not,
nor are ``None``, numbers and strings; ``nnx.data`` says otherwise.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.code.nodes import (
    dotted_name,
    is_none,
    is_none_test,
    keyword_arguments,
    own_nodes,
    start_of,
    walk,
)
from flake8_nnx_treemap.analysis.code.text import parse_expression
from flake8_nnx_treemap.analysis.names.scopes import BindingKind, Scope, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.contents import contents_of, default_of, written
from flake8_nnx_treemap.analysis.values.module_classes import (
    Lineage,
    Method,
    OwnClass,
    Write,
    class_meant,
    class_written,
    derived_classes,
    lineage_of,
    members_of,
    method_of,
    self_at,
    takes_out,
    writes_of,
)
from flake8_nnx_treemap.analysis.values.narrowing import never_goes_on
from flake8_nnx_treemap.analysis.values.things import (
    CONTAINERS,
    NOTHING,
    Contents,
    Sort,
    Thing,
    annotated,
    any_of,
    has_dict,
    layer_has_state,
    without_none,
)
from flake8_nnx_treemap.names import DATA_IS_DECIDED_ONCE, FlaxRelease

CHECKED_WHEN_SET_SINCE: FlaxRelease = (0, 12, 5)
"""The release from which on a new attribute is checked whenever it is set, not at the end of the construction alone."""

_DATA = frozenset({Sort.VARIABLE, Sort.LAYER, Sort.INSTANCE, Sort.ARRAY, Sort.MADE})
_RECORDS = frozenset({"flax.struct.dataclass"})
"""Decorators that make a pytree of a class whose fields are annotated."""
_OF_RECORDS = ("flax.struct", "struct.dataclass", "struct as ")
"""One of these is in each file with such a class."""
_DATA_ANNOTATION = "flax.nnx.Data"
_NO_PYTREE = "Object"
"""The class of NNX whose instances are no pytrees, as those of a Module with ``pytree=False``."""

_MAKE_DATA = "flax.nnx."
"""The module whose classes are no containers of Python."""

_MAXIMUM_DEPTH = 4
"""How deep containers within containers are looked into."""

_MAXIMUM_WRITES = 10
"""How many places may set one attribute of a class: each pair of them is compared."""

_STEPS = 8


class Cause(enum.Enum):
    """How data gets to where NNX expects none."""

    HELD = "held"
    """The value is a container with data in it."""
    PUT = "put"
    """Data is put into the container before the Module is constructed."""
    SET = "set"
    """Data is set in its place."""
    FIELD = "field"
    """The generated constructor of a dataclass sets it."""
    HANDED = "handed"
    """The constructor of the base class sets it."""


@dataclass(frozen=True, slots=True, eq=False)
class StaticAttribute:
    """A value that makes an attribute of a class static, and how data gets there.

    ``value`` is what is assigned, or the annotation of a field, or what is handed to the constructor of the base class;
    ``at`` is the expression by which data gets there, ``holds`` what the value is, ``data``
    what that data is, and ``since`` the first release on which this raises for certain. It ``is_early`` if the
    construction of the Module itself puts data there.
    """

    name: str
    owner: ast.ClassDef
    value: ast.expr
    cause: Cause
    at: ast.expr
    holds: Sort
    data: Sort
    since: FlaxRelease = DATA_IS_DECIDED_ONCE
    is_early: bool = False

    @property
    def is_container(self) -> bool:
        """Whether the value is a list, a tuple or a dict."""
        return self.holds in CONTAINERS


_MAY_BE_STATIC = (
    *(ast.List, ast.Tuple, ast.Dict, ast.ListComp, ast.DictComp, ast.Call, ast.Name, ast.Constant),
    *(ast.BinOp, ast.IfExp, ast.UnaryOp, ast.Attribute),
)


def static_attributes(source: ParsedSource) -> Iterator[StaticAttribute]:
    """Yield the values of attributes that NNX takes for static, and should not."""
    done: set[tuple[ast.ClassDef, str]] = set()
    for statement in source.bindings.statements:
        node = statement.node
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, _MAY_BE_STATIC):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            first = targets[0]
            for target in first.elts if type(first) is ast.Tuple else targets:
                if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                    owner = _class_of(source, target.value, statement.scope)
                    if owner is not None and (owner, target.attr) not in done:
                        done.add((owner, target.attr))
                        yield from _of_attribute(source, owner, target.attr)


def _class_of(source: ParsedSource, name: ast.Name, scope: Scope) -> ast.ClassDef | None:
    """Return the class whose instance a name is as the first parameter of a method."""
    here = source.bindings.names_in(scope).get(name.id)
    if here is None or len(here) > 1:
        return self_at(source, name)[0]
    around = class_of_method(here)  # One binding in the scope itself is the one that is meant.
    return around.node if around is not None and isinstance(around.node, ast.ClassDef) else None


# Classes


def _of_attribute(source: ParsedSource, owner: ast.ClassDef, name: str) -> Iterator[StaticAttribute]:
    everywhere = writes_of(source, name)
    writes = everywhere.get(owner, ())
    is_only_one = len(writes) == 1 and everywhere.keys().isdisjoint(derived_classes(source).get(owner, ()))
    if len(writes) > _MAXIMUM_WRITES or (is_only_one and not _may_hold_data(source, writes[0])):
        return
    if not decides_by_value(source, owner):  # Asked for few attributes, since it may read other files.
        return
    if not any(_may_matter(source, one) for one in writes):
        return
    lineage = lineage_of(source, owner)
    if any(is_declared(one, name) for one in lineage.own):
        return
    inherited = [
        _sort_of_write(one.source, write)
        for one in lineage.own[1:]
        for write in writes_of(one.source, name).get(one.node, ())
        if write.puts is None
    ]
    if all(sort is _Effect.STATIC for sort in inherited):
        yield from _Attribute(source, owner, name, lineage).found()


def _may_hold_data(source: ParsedSource, write: Write) -> bool:
    """Tell whether what is set, where nothing else is, may be a container of data; most attributes are none.

    A constant stays one, and a class of NNX makes no container of Python.
    """
    if isinstance(write.value, ast.Constant) or _is_arithmetic(write.value):
        return False
    is_bare = write.annotation is None and not write.path
    if is_bare and (_is_made_by_nnx(source, write.value) or is_plain_object(source, write.value)):
        return False
    return _sort_of_write(source, write) is _Effect.CONTAINER


def _is_made_by_nnx(source: ParsedSource, node: ast.expr | None) -> bool:
    """Tell whether an expression calls a class of NNX as a member of its module: ``nnx.Linear(..)``."""
    parts = (dotted_name(node.func) if isinstance(node, ast.Call) else None) or ("",)
    if len(parts) == 1 or not parts[-1][0].isupper() or not isinstance(node, ast.Call):
        return False
    names = source.bindings.names_of(node.func)
    return bool(names) and all(name.startswith(_MAKE_DATA) for name in names)


def _is_arithmetic(node: ast.expr | None) -> bool:
    """Tell whether an operator makes a value that no container has: ``size // heads``, not ``[..] + [..]``."""
    return isinstance(node, ast.BinOp) and not isinstance(node.op, (ast.Add, ast.BitOr, ast.Mult))


def is_plain_object(source: ParsedSource, node: ast.expr | None) -> bool:
    """Tell whether an object is of a class that makes no pytrees by what its file says; no base class is looked at."""
    meant = class_written(source, node) if node is not None else None
    if meant is None:
        return False
    bindings = source.bindings.bindings_of(meant.id, start_of(meant)) if isinstance(meant, ast.Name) else ()
    if len(bindings) == 1 and isinstance(bindings[0].node, ast.ClassDef):
        return not bindings[0].node.decorator_list
    names = source.bindings.names_of(meant)
    modules = source.modules
    return len(names) == 1 and modules is not None and modules.define_class_without(_OF_RECORDS, next(iter(names)))


def _may_matter(source: ParsedSource, write: Write) -> bool:
    is_static = write.puts is None and _sort_of_write(source, write) in (_Effect.STATIC, _Effect.CONTAINER)
    return is_static or may_be_left_out(source, write)


def is_module_class(own: OwnClass) -> bool:
    """Tell whether a class is of Modules that are pytrees; what its bases say by ``pytree=False`` does not count."""
    for keyword in own.node.keywords:
        if keyword.arg is None or (keyword.arg == "pytree" and not _says_yes(keyword.value)):
            return False
    return lineage_of(own.source, own.node).layer not in (None, _NO_PYTREE)


def has_state(thing: Thing, depth: int = _MAXIMUM_DEPTH) -> bool:
    """Tell whether a thing is or holds an array for certain, as ``nnx.Param(1.0)`` or a Module without any does not."""
    if thing.own is None:
        if thing.sort is Sort.VARIABLE:
            return thing.has_array
        return thing.sort is Sort.ARRAY or (thing.sort is Sort.LAYER and layer_has_state(thing.name))
    if not depth:
        return False
    lineage = lineage_of(thing.own.source, thing.own.node)
    if lineage.layer is not None and layer_has_state(lineage.layer):
        return True
    return any(_sets_state(one, depth - 1) for one in lineage.own)


@remembered
def _attributes_set(source: ParsedSource, node: ast.ClassDef) -> tuple[str, ...]:
    """Return the names of the attributes that the construction of an object of a class sets, whatever happens."""
    method = method_of(lineage_of(source, node), "__init__")
    statements = method[1].body if method is not None and method[0] is source else []
    targets = [target for one in statements if isinstance(one, ast.Assign) for target in one.targets]
    return tuple(target.attr for target in targets if isinstance(target, ast.Attribute))


def _sets_state(own: OwnClass, depth: int) -> bool:
    for name in _attributes_set(own.source, own.node):
        for write in writes_of(own.source, name).get(own.node, ()):
            held = written(own.source, write) if write.puts is None else NOTHING
            if held.is_complete and held.things and all(is_data(one) and has_state(one, depth) for one in held.things):
                return True
    return False


@remembered
def decides_by_value(source: ParsedSource, owner: ast.ClassDef) -> bool:
    """Tell whether a class is one of Modules whose attributes NNX sorts by their values."""
    lineage = lineage_of(source, owner)
    is_container = lineage.layer in ("List", "Dict")
    sets_its_own_way = any(
        "__setattr__" in members_of(one.source, one.node) or writes_of(one.source, "__setattr__") for one in lineage.own
    )
    return is_module_class(lineage.own[0]) and not is_container and not sets_its_own_way


def _says_yes(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value)


def is_declared(one: OwnClass, name: str) -> bool:
    """Tell whether a class body says what an attribute is: by ``nnx.Data[..]``, a field, or a property."""
    member = members_of(one.source, one.node).get(name)
    if member is None:
        return False
    if member.functions or any(isinstance(value, ast.Call) for value in member.values):
        return True
    return any(_says_data(one.source, annotation) for annotation in member.annotations)


def _says_data(source: ParsedSource, annotation: ast.expr) -> bool:
    """Tell whether an annotation is ``nnx.Data``, with or without a type in brackets, or has it as a part."""
    place = start_of(annotation)
    text = annotation.value if isinstance(annotation, ast.Constant) else None
    quoted = parse_expression(text.strip()) if isinstance(text, str) else None
    parts = walk(quoted or annotation)
    return any(class_meant(source, one, place) == _DATA_ANNOTATION for one in parts if isinstance(one, ast.expr))


# Values


class _Effect(enum.Enum):
    """What an assignment makes of an attribute."""

    DATA = "data"
    STATIC = "static"
    CONTAINER = "a container with data in it"
    UNKNOWN = "unknown"


def _sort_of_write(source: ParsedSource, write: Write) -> _Effect:
    return _effect_of(written(source, write))


def _effect_of(held: Contents) -> _Effect:
    if not held.things:
        return _Effect.UNKNOWN
    if data_in(held) is not None:
        return _Effect.CONTAINER
    if not held.is_complete:
        return _Effect.UNKNOWN
    if all(thing.is_marked or is_data(thing) for thing in held.things):
        return _Effect.DATA
    return _Effect.STATIC if all(map(_is_static, held.things)) else _Effect.UNKNOWN


def is_data(thing: Thing) -> bool:
    """Tell whether a thing is data for NNX: a Variable, a Module or an array."""
    if thing.own is not None:
        return is_module_class(thing.own)
    return thing.sort in _DATA


def _is_static(thing: Thing) -> bool:
    """Tell whether a thing is static for certain: a constant, or a container of nothing else."""
    if thing.sort in CONTAINERS and thing.elements is not None and not thing.is_marked:
        return thing.elements.is_complete and all(map(_is_static, thing.elements.things))
    return thing.sort in (Sort.NONE, Sort.STATIC)


def data_in(held: Contents, depth: int = _MAXIMUM_DEPTH) -> Thing | None:
    """Return what data is for certain in a container that is no ``nnx.List`` or ``nnx.data``; ``None`` if none is."""
    things = [thing for thing in held.things if thing.sort is not Sort.NONE]
    if not held.is_complete or not things or not depth:
        return None
    found = [_data_of_container(thing, depth) for thing in things]
    return found[0] if None not in found else None


def _data_of_container(thing: Thing, depth: int) -> Thing | None:
    if thing.own is not None and not thing.is_marked:
        return _data_in_fields(thing.own.source, thing.own.node)
    if thing.sort not in CONTAINERS or thing.is_marked or thing.is_abstract:
        return None
    parts = [part for _, part in thing.items]
    if not parts and thing.elements is not None:
        parts = [thing.elements]
    found = [data for part in parts if (data := _data_of_element(part, depth)) is not None]
    return next(filter(has_state, found), found[0] if found else None)


@remembered
def _data_in_fields(source: ParsedSource, node: ast.ClassDef) -> Thing | None:
    """Return what data is for certain in the fields of a class that ``flax.struct.dataclass`` makes a pytree."""
    if all(source.bindings.names_of(one).isdisjoint(_RECORDS) for one in node.decorator_list):
        return None
    for member in members_of(source, node).values():
        if len(member.annotations) == 1 and not any(isinstance(value, ast.Call) for value in member.values):
            held = annotated(source, member.annotations[0], None, _STEPS)
            if held.is_complete and held.things and all(map(is_data, held.things)):
                return held.things[0]
    return None


def _data_of_element(held: Contents, depth: int) -> Thing | None:
    if held.is_complete and held.things and all(map(is_data, held.things)):
        return next((thing for thing in held.things if not has_state(thing)), held.things[0])
    return data_in(held, depth - 1)


# One attribute


@dataclass(frozen=True, slots=True, eq=False)
class _Attribute:
    """One attribute of the objects of a class, with what the class does to it."""

    source: ParsedSource
    owner: ast.ClassDef
    name: str
    lineage: Lineage

    def found(self) -> Iterator[StaticAttribute]:
        """Yield the values that should be marked as data."""
        writes = sorted(self._writes(), key=lambda one: start_of(one.target))
        sets = [one for one in writes if one.puts is None]
        constructing = [one for one in sets if self._constructs(one)]
        for write in sets:
            before = [one for one in constructing if one is not write and self._is_before(one, write)]
            after = [one for one in constructing if one is not write and self._is_before(write, one)]
            if any(self._effect(one) in (_Effect.DATA, _Effect.UNKNOWN) for one in before):
                continue
            is_left = all(self._effect(one) is _Effect.CONTAINER for one in after) and not self._is_deleted(early=True)
            if self._effect(write) is _Effect.CONTAINER:
                yield from self._held(write, before, is_left=is_left)
            elif self._effect(write) is _Effect.STATIC and self._constructs(write):
                yield from self._static(write, writes, is_left)
            elif self._constructs(write) and may_be_left_out(self.source, write):
                yield from self._left_out(write, writes)

    def _writes(self) -> list[Write]:
        return [*writes_of(self.source, self.name).get(self.owner, ())]

    def _is_deleted(self, *, early: bool = False) -> bool:
        """Tell whether the file deletes such an attribute, or the construction does: what is set then is new."""
        uses = self.source.bindings.attributes.get(self.name, ())
        owners = [one.value for one in uses if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Del)]
        calls = (one for one in self.source.bindings.calls.get("delattr", ()) if len(one.args) == 2)
        owners += [one.args[0] for one in calls if not _is_constant_but(one.args[1], self.name)]
        return any(not early or self._is_in_construction(one) for one in owners)

    def _is_in_construction(self, owner: ast.expr) -> bool:
        """Tell whether an expression is the ``self`` of a method that runs while an object is made."""
        return self_at(self.source, owner)[1] in construction_of(self.source, self.owner)

    def _effect(self, write: Write) -> _Effect:
        return _sort_of_write(self.source, write)

    def _constructs(self, write: Write) -> bool:
        return write.method in construction_of(self.source, self.owner)

    def _is_before(self, first: Write, second: Write) -> bool:
        if first.method is not second.method:
            return True
        return may_follow(self.source, first.target, second.target)

    def _held(self, write: Write, before: Sequence[Write], *, is_left: bool) -> Iterator[StaticAttribute]:
        held = written(self.source, write)
        data = data_in(held)
        if data is None or write.value is None or write.path or self._is_given_marked(write.value):
            return
        if not self._may_be_emptied(write.value):
            is_early = self._constructs(write)
            is_certain = has_state(data) and is_left and (is_early or bool(before))
            since = DATA_IS_DECIDED_ONCE if is_certain else CHECKED_WHEN_SET_SINCE
            kind = kind_of(held)
            yield StaticAttribute(
                self.name, self.owner, write.value, Cause.HELD, write.value, kind, data.sort, since, is_early
            )

    def _may_be_emptied(self, value: ast.expr) -> bool:
        """Tell whether code takes something out of a container by a name, or before the attribute is checked."""
        names = [one for one in walk(value) if isinstance(one, (ast.Name, ast.Attribute))]
        return any(is_emptied(self.source, name) for name in names) or self._is_emptied_early()

    def _is_emptied_early(self) -> bool:
        """Tell whether the construction takes something out of what the attribute holds."""
        uses = (one for one in _emptied(self.source, self.name) if isinstance(one, ast.Attribute))
        return any(self._is_in_construction(one.value) for one in uses)

    def _is_given_marked(self, value: ast.expr | None) -> bool:
        """Tell whether a value is a parameter that gets an ``nnx.List`` or the like where the file makes an object."""
        bindings = self.source.bindings.bindings_of(value.id, start_of(value)) if isinstance(value, ast.Name) else ()
        if [one.kind for one in bindings] != [BindingKind.PARAMETER]:
            return False
        arguments = getattr(bindings[0].scope.node, "args", None)
        assert isinstance(arguments, ast.arguments)
        names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)][1:]
        for call in self.source.bindings.calls.get(self.owner.name, ()):
            given = dict(zip(names, call.args, strict=False)) | keyword_arguments(call)
            held = contents_of(self.source, given[bindings[0].name]) if bindings[0].name in given else NOTHING
            if any(thing.is_marked or thing.sort is Sort.LAYER for thing in held.things):
                return True
        return False

    def _static(self, write: Write, writes: Sequence[Write], is_left: bool) -> Iterator[StaticAttribute]:
        """Yield a static value if data is put into it, where the construction leaves it, or is set in its place."""
        if write.value is None or write.path or self._is_deleted():
            return
        held = written(self.source, write)
        for later in (*writes, *self._of_subclasses()):
            if later is write or (later.method is write.method and not self._is_before(write, later)):
                continue
            found = self._put(later) if later.puts is not None else self._set(write, later)
            is_kept = is_left and not self._is_emptied_early()
            if found is not None and (is_kept or found[0] is Cause.SET):
                cause, at, data = found
                is_early = cause is Cause.PUT
                since = DATA_IS_DECIDED_ONCE if has_state(data) or not is_early else CHECKED_WHEN_SET_SINCE
                yield StaticAttribute(
                    self.name, self.owner, write.value, cause, at, kind_of(held), data.sort, since, is_early
                )
                return

    def _left_out(self, write: Write, writes: Sequence[Write]) -> Iterator[StaticAttribute]:
        """Yield a parameter that may be ``None`` if something is set in its place where it is ``None``."""
        (data, *_) = without_none(written(self.source, write)).things
        for later in (*writes, *self._of_subclasses()):
            is_behind = later is not write and (later.method is not write.method or self._is_before(write, later))
            if is_behind and later.puts is None and later.value is not None and self._replaces_none(write, later):
                value, name = write.value, self.name
                if value is not None:
                    yield StaticAttribute(name, self.owner, value, Cause.SET, later.value, Sort.NONE, data.sort)
                return

    def _replaces_none(self, first: Write, later: Write) -> bool:
        """Tell whether data is set where the attribute, or the parameter that it was set to, is ``None``."""
        held = written(self.source, later)
        return (
            _is_all_data(held)
            and self._comes_after(first, later)
            and any(
                self._is_attribute(tested) or (later.method is first.method and _is_same_name(tested, first.value))
                for tested in _tested_for_none(self.source, later.target)
            )
        )

    def _is_attribute(self, node: ast.expr) -> bool:
        is_named = isinstance(node, ast.Attribute) and node.attr == self.name
        return is_named and isinstance(node, ast.Attribute) and self_at(self.source, node.value)[0] is not None

    def _put(self, write: Write) -> tuple[Cause, ast.expr, Thing] | None:
        """Return how data is put into a container: by a method during the construction, or by ``+=`` at any time."""
        put = write.puts
        if put is None:
            return None
        is_set = isinstance(self.source.ast_parent(write.target), ast.AugAssign)
        held = contents_of(self.source, put.value)
        if not put.is_element and has_dict(held) and not has_dict(contents_of(self.source, write.target)):
            return None  # A list takes the keys.
        data = _data_of_element(held, _MAXIMUM_DEPTH) if put.is_element or is_set else data_in(held)
        if data is None or not (is_set or self._constructs(write)):
            return None
        return Cause.PUT if self._constructs(write) else Cause.SET, put.value, data

    def _set(self, first: Write, write: Write) -> tuple[Cause, ast.expr, Thing] | None:
        """Return how data is set where something static has been."""
        held = written(self.source, write)
        if not held.things and self._replaces_none(first, write):
            held = self._declared(first)
        if not held.things or not _is_all_data(held) or write.value is None:
            return None
        if self._is_only_for_some(first) or not self._comes_after(first, write):
            return None
        return Cause.SET, write.value, held.things[0]

    def _declared(self, first: Write) -> Contents:
        """Return what the attribute is annotated as, apart from ``None``."""
        found = [(self.source, first.annotation)] if first.annotation is not None else []
        for one in self.lineage.own:
            member = members_of(one.source, one.node).get(self.name)
            found += [(one.source, annotation) for annotation in (member.annotations if member is not None else ())]
        held = [annotated(home, annotation, None, _STEPS) for home, annotation in found]
        return any_of(without_none(one) for one in held)

    def _comes_after(self, first: Write, second: Write) -> bool:
        """Tell whether a method that sets the attribute runs after the construction, or is called in it later on."""
        if first.method is second.method or not self._constructs(second) or first.method is None:
            return True
        calls = self.source.bindings.calls.get(second.method.name if second.method else "", ())
        return any(
            _caller(self.source, one) is first.method and may_follow(self.source, first.target, one) for one in calls
        )

    def _is_only_for_some(self, first: Write) -> bool:
        """Tell whether another branch of the construction makes the attribute data from the start."""
        others = [one for one in self._writes() if one.puts is None and one is not first and self._constructs(one)]
        return any(
            self._effect(one) is not _Effect.STATIC
            and one.method is first.method
            and not may_follow(self.source, first.target, one.target)
            for one in others
        )

    def _of_subclasses(self) -> Iterator[Write]:
        """Yield what subclasses in this file do to the attribute after the construction that they inherit."""
        for node in derived_classes(self.source).get(self.owner, ()):
            for write in writes_of(self.source, self.name).get(node, ()):
                if write.method is not None and _runs_after_base(self.source, write, node):
                    yield write


@remembered
def may_be_left_out(source: ParsedSource, write: Write) -> bool:
    """Tell whether an attribute is set to a parameter that is data by its annotation, and ``None`` by default."""
    if not isinstance(write.value, ast.Name) or write.path or write.puts is not None:
        return False
    bindings = source.bindings.bindings_of(write.value.id, start_of(write.value))
    if [one.kind for one in bindings] != [BindingKind.PARAMETER] or not is_none(default_of(bindings[0])):
        return False
    held = written(source, write)
    data = without_none(held)
    is_data_or_none = bool(data.things) and len(data.things) < len(held.things) and _is_all_data(data)
    tests = [owner.test for _, owner in _around(source, write.target) if isinstance(owner, (ast.If, ast.While))]
    is_narrowed = any(_is_same_name(one, write.value) for test in tests for one in walk(test))
    return is_data_or_none and not is_narrowed


def _is_all_data(held: Contents) -> bool:
    """Tell whether something that is known is data, and not marked as such; so is something of which nothing is known.

    What is not known is set where ``None`` was: only what the attribute is annotated as tells what it is.
    """
    return (held.is_complete or not held.things) and all(is_data(one) and not one.is_marked for one in held.things)


def _is_constant_but(node: ast.expr, value: str) -> bool:
    return isinstance(node, ast.Constant) and node.value != value


def _is_same_name(node: ast.AST, other: ast.expr | None) -> bool:
    return isinstance(node, ast.Name) and isinstance(other, ast.Name) and node.id == other.id


def _tested_for_none(source: ParsedSource, node: ast.AST) -> Iterator[ast.expr]:
    """Yield what is ``None`` for certain where code runs, by the tests of the ``if`` statements around it."""
    for block, owner in _around(source, node):
        if isinstance(owner, ast.If) and block == "body":
            is_all = isinstance(owner.test, ast.BoolOp) and isinstance(owner.test.op, ast.And)
            for test in owner.test.values if is_all and isinstance(owner.test, ast.BoolOp) else [owner.test]:
                if isinstance(test, ast.Compare) and is_none_test(test):
                    yield test.left


def is_emptied(source: ParsedSource, node: ast.Name | ast.Attribute) -> bool:
    """Tell whether code takes something out of what a name or an attribute of ``self`` holds."""
    if isinstance(node, ast.Attribute):
        owner = self_at(source, node.value)[0]
        uses = _emptied(source, node.attr) if owner is not None else ()
        return any(isinstance(one, ast.Attribute) and self_at(source, one.value)[0] is owner for one in uses)
    uses = _emptied(source, node.id)
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if uses else ()
    return any(
        isinstance(one, ast.Name) and not set(bindings).isdisjoint(source.bindings.bindings_of(node.id, start_of(one)))
        for one in uses
    )


@remembered
def _emptied(source: ParsedSource, name: str) -> tuple[ast.Name | ast.Attribute, ...]:
    """Return the names and attributes of a name from which code takes something out."""
    return tuple(one for one in source.bindings.attributes.get(name, ()) if takes_out(source, one))


def kind_of(held: Contents) -> Sort:
    """Return what something is, if it is not ``None``."""
    return next((thing.sort for thing in held.things if thing.sort is not Sort.NONE), Sort.NONE)


def _runs_after_base(source: ParsedSource, write: Write, node: ast.ClassDef) -> bool:
    """Tell whether a write of a subclass comes after the constructor of its base has run."""
    method = write.method
    if method is None or method not in construction_of(source, node):
        return method is not None
    calls = [one for one in own_nodes(method) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)]
    inits = [one for one in calls if isinstance(one.func, ast.Attribute) and one.func.attr == "__init__"]
    return method.name == "__init__" and any(start_of(one) < start_of(write.target) for one in inits)


def _caller(source: ParsedSource, call: ast.Call) -> Method | None:
    """Return the method in which a call ``self.method(..)`` is."""
    return self_at(source, call.func.value)[1] if isinstance(call.func, ast.Attribute) else None


@remembered
def construction_of(source: ParsedSource, node: ast.ClassDef) -> frozenset[Method]:
    """Return the methods that run while an object of a class is made: ``__init__``, and what it calls on ``self``."""
    lineage = lineage_of(source, node)
    pending = [found for name in ("__init__", "__post_init__") if (found := method_of(lineage, name)) is not None]
    done: list[Method] = []
    for _, method in pending:
        if method not in done:
            done.append(method)
            for name in _called_on_self(method):
                found = method_of(lineage, name)
                if found is not None:
                    pending.append(found)
    return frozenset(done)


def _called_on_self(method: Method) -> Iterator[str]:
    arguments = [*method.args.posonlyargs, *method.args.args]
    for node in own_nodes(method) if arguments else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == arguments[0].arg:
                yield node.func.attr


def may_follow(source: ParsedSource, first: ast.AST, second: ast.AST) -> bool:
    """Tell whether code may run after other code of the same function: it is behind it, and in no other branch."""
    if start_of(second) <= start_of(first):
        return False
    around = [*_around(source, second)]
    for block, owner in _around(source, first):
        other = next((found for found, one in around if one is owner), None)
        if other is not None:
            is_choice = isinstance(owner, (ast.If, ast.Try, ast.Match))
            return other is block or not is_choice or block == "finalbody" or other == "finalbody"
        if isinstance(owner, ast.If) and never_goes_on(source, getattr(owner, block)):
            return False
    return True


def _around(source: ParsedSource, node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield the statements around a node, innermost first, each with the name of the block that holds it."""
    part, around = node, source.ast_parent(node)
    while around is not None:
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            block = getattr(around, name, None)
            if isinstance(block, list) and part in block:
                yield name, around
        if isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return
        part, around = around, source.ast_parent(around)
