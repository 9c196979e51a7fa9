"""Finds attributes of Modules that code elsewhere sets to a container of data, and that the class itself can declare.

The generated ``__init__`` of a dataclass sets its fields to what it is given, and the ``__init__`` of a base class
sets attributes to what a subclass hands to it. What is written there cannot be marked; a class body can say
``name: Type = nnx.data()``, and could say ``name: nnx.Data[Type]`` before Flax 0.12.1.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.analysis.code.nodes import keyword_arguments, own_nodes
from flake8_nnx_treemap.analysis.names.imported import definition_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.contents import contents_of
from flake8_nnx_treemap.analysis.values.module_classes import (
    Lineage,
    Method,
    OwnClass,
    class_meant,
    lineage_of,
    members_of,
    method_of,
    self_at,
    writes_of,
)
from flake8_nnx_treemap.analysis.values.static_attributes import (
    CHECKED_WHEN_SET_SINCE,
    Cause,
    StaticAttribute,
    data_in,
    decides_by_value,
    has_state,
    is_declared,
    is_plain_object,
    kind_of,
)
from flake8_nnx_treemap.analysis.values.things import CONTAINERS, UNKNOWN, Contents, Sort, annotated
from flake8_nnx_treemap.names import DATA_IS_DECIDED_ONCE

_DATACLASS = "dataclasses.dataclass"
_DATACLASSES = frozenset({_DATACLASS, "flax.nnx.dataclass"})
_STEPS = 8


def declared_attributes(source: ParsedSource) -> Iterator[StaticAttribute]:
    """Yield the containers of data that end up in attributes of Modules through a constructor written elsewhere."""
    for statement in source.bindings.statements:
        node = statement.node
        if isinstance(node, ast.ClassDef) and node.bases:
            if _has_generated_constructor(source, node):
                yield from _fields(source, node)
            elif "__init__" in source.bindings.calls:
                yield from _handed_to_base(source, node)


# Fields of dataclasses


def _has_generated_constructor(source: ParsedSource, node: ast.ClassDef) -> bool:
    return "__init__" not in members_of(source, node) and any(_is_dataclass(source, one) for one in node.decorator_list)


def _is_dataclass(source: ParsedSource, decorator: ast.expr) -> bool:
    """Tell whether a decorator makes a dataclass: that of Python or NNX, or a function of the project around it."""
    if isinstance(decorator, ast.Call):
        sets_init = not any(keyword.arg in ("init", None) for keyword in decorator.keywords)
        return sets_init and not source.bindings.names_of(decorator.func).isdisjoint(_DATACLASSES)
    names = source.bindings.names_of(decorator)
    if not names.isdisjoint(_DATACLASSES):
        return True
    found = definition_elsewhere(source, names) if names else None
    home, function = (found[0], found[1].node) if found is not None else (source, _function_named(source, decorator))
    return isinstance(function, ast.FunctionDef) and _wraps_dataclass(home, function)


def _function_named(source: ParsedSource, node: ast.expr) -> ast.AST | None:
    bindings = (
        source.bindings.bindings_of(node.id, (node.lineno, node.col_offset)) if isinstance(node, ast.Name) else ()
    )
    return bindings[0].node if len(bindings) == 1 else None


def _wraps_dataclass(source: ParsedSource, function: ast.FunctionDef) -> bool:
    """Tell whether a function makes a dataclass of the class that it is given, as a plain decorator does."""
    given = [*function.args.posonlyargs, *function.args.args]
    calls = (one for one in own_nodes(function) if isinstance(one, ast.Call) and len(one.args) == 1)
    return len(given) == 1 and any(
        _DATACLASS in source.bindings.names_of(call.func)
        and isinstance(call.args[0], ast.Name)
        and call.args[0].id == given[0].arg
        and not any(keyword.arg in ("init", None) for keyword in call.keywords)
        for call in calls
    )


def _fields(source: ParsedSource, node: ast.ClassDef) -> Iterator[StaticAttribute]:
    lineage = lineage_of(source, node)
    if not decides_by_value(source, node):
        return
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        name = statement.target.id
        if is_declared(lineage.own[0], name) or _is_of_class(source, statement.annotation):
            continue
        held = _held_by_field(source, node, name, annotated(source, statement.annotation, None, _STEPS))
        data = data_in(held)
        if data is not None:
            since = DATA_IS_DECIDED_ONCE if has_state(data) else CHECKED_WHEN_SET_SINCE
            value = statement.annotation
            yield StaticAttribute(name, node, value, Cause.FIELD, value, kind_of(held), data.sort, since)


def _is_of_class(source: ParsedSource, annotation: ast.expr) -> bool:
    """Tell whether an annotation says that the name is no field: ``ClassVar[..]``, ``InitVar[..]``."""
    outer = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return class_meant(source, outer) in ("typing.ClassVar", "dataclasses.InitVar")


def _held_by_field(source: ParsedSource, node: ast.ClassDef, name: str, held: Contents) -> Contents:
    """Return the container that a field holds: as it is annotated, or what this file gives to it.

    ``Sequence[Block]`` may be an ``nnx.List``, and all that is known of a block may be that it is a ``Protocol``; there
    what this file gives to the field has to tell.
    """
    known = [thing for thing in held.things if thing.sort in CONTAINERS]
    given = [contents_of(source, value) for value in _given(source, node, name)]
    things = [*known, *(thing for one in given for thing in one.things if thing.sort is not Sort.NONE)]
    if not known or any(thing.is_marked or thing.sort not in CONTAINERS for thing in things):
        return UNKNOWN
    return next((one for one in (held, *given) if data_in(one) is not None), UNKNOWN)


def _given(source: ParsedSource, node: ast.ClassDef, name: str) -> Iterator[ast.expr]:
    """Yield what the calls of a class in its file give to a field."""
    fields = [field for one in reversed(lineage_of(source, node).own) for field in _names_of_fields(one)]
    calls = [*source.bindings.calls.get(node.name, ()), *source.bindings.calls.get("cls", ())]
    for call in calls:
        found = class_meant(source, call.func)
        if found == OwnClass(source, node) or self_at(source, call.func)[0] is node:
            given = dict(zip(fields, call.args, strict=False)) | keyword_arguments(call)
            if name in given:
                yield given[name]


def _names_of_fields(own: OwnClass) -> Iterator[str]:
    """Yield the names that a generated constructor takes by position, in order."""
    for one in own.node.body:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            outer = one.annotation.value if isinstance(one.annotation, ast.Subscript) else one.annotation
            if class_meant(own.source, outer) != "typing.ClassVar":
                yield one.target.id


# What a subclass hands to the constructor of its base


def _handed_to_base(source: ParsedSource, node: ast.ClassDef) -> Iterator[StaticAttribute]:
    constructor = method_of(Lineage((OwnClass(source, node),), ()), "__init__")
    calls = own_nodes(constructor[1]) if constructor is not None else ()
    handing = [one for one in calls if isinstance(one, ast.Call) and _is_of_super(one) and _hands_data(source, one)]
    if not handing or not decides_by_value(source, node):  # The latter may read other files.
        return
    lineage = lineage_of(source, node)
    inherited = method_of(Lineage(lineage.own[1:], ()), "__init__")
    if inherited is None:
        return
    set_as = _attributes_set_to_parameters(*inherited)
    for call in handing:
        for parameter, value in _arguments(inherited[1], call):
            name = set_as.get(parameter)
            held = contents_of(source, value)
            data = data_in(held) if name is not None else None
            if name is None or data is None or any(is_declared(one, name) for one in lineage.own):
                continue
            since = DATA_IS_DECIDED_ONCE if has_state(data) else CHECKED_WHEN_SET_SINCE
            yield StaticAttribute(name, node, value, Cause.HANDED, value, kind_of(held), data.sort, since)


def _hands_data(source: ParsedSource, call: ast.Call) -> bool:
    """Tell whether a container of data is among the arguments of a call."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(not is_plain_object(source, one) and data_in(contents_of(source, one)) is not None for one in given)


def _is_of_super(node: ast.Call) -> bool:
    if not isinstance(node.func, ast.Attribute) or node.func.attr != "__init__":
        return False
    owner = node.func.value
    return isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id == "super"


def _arguments(function: Method, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names of parameters with what ``super().__init__(..)`` gives for them."""
    if any(isinstance(one, ast.Starred) for one in call.args):
        return
    names: Sequence[ast.arg] = [*function.args.posonlyargs, *function.args.args][1:]
    yield from zip((one.arg for one in names), call.args, strict=False)
    yield from ((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg is not None)


@remembered
def _attributes_set_to_parameters(source: ParsedSource, function: Method) -> dict[str, str]:
    """Return, by parameter, the attribute that a constructor sets to it, whatever happens, and before anything else.

    Where what it is annotated as is a container of data already, the base class has to mark it, not each subclass.
    """
    found: dict[str, str] = {}
    for statement in function.body:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or not isinstance(statement.value, ast.Name):
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if len(targets) != 1 or not isinstance(targets[0], ast.Attribute):
            continue
        target, name = targets[0], statement.value.id
        bindings = source.bindings.bindings_of(name, (statement.value.lineno, statement.value.col_offset))
        is_parameter = [one.kind for one in bindings] == [BindingKind.PARAMETER]
        owner, _ = self_at(source, target.value)
        writes = writes_of(source, target.attr).get(owner, ())
        is_first = bool(writes) and min(writes, key=lambda one: one.target.lineno).target is target
        if is_parameter and owner is not None and is_first and data_in(contents_of(source, statement.value)) is None:
            found[name] = target.attr
    return found
