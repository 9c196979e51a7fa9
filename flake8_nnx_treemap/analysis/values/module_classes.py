"""Finds classes: what an expression names, what a class inherits from, and what the code does with its attributes.

Classes of the file, those of other files of the project, and those of Flax are found. ``contents`` says what an
attribute holds.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import called_by_partial
from flake8_nnx_treemap.analysis.code.nodes import Place, dotted_name, is_none, own_nodes, start_of
from flake8_nnx_treemap.analysis.names.imported import bound_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import FUNCTIONS, Binding, BindingKind, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.provenance import member_of_nnx
from flake8_nnx_treemap.names import MODULES, OPTIMIZERS, WRAPPERS, canonical

MAXIMUM_BASES = 10
"""How many classes of one lineage are read."""

MAXIMUM_STEPS = 4
"""How many names and re-exports are followed from an expression to the class that it names."""

Method = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class OwnClass:
    """A class of the project, in the file that defines it."""

    source: ParsedSource
    node: ast.ClassDef


ClassMeant = OwnClass | str
"""A class of the project, or the canonical name of another one."""


def class_meant(
    source: ParsedSource, node: ast.expr, place: Place | None = None, steps: int = MAXIMUM_STEPS
) -> ClassMeant | None:
    """Return the class, or the function of a library, that an expression names.

    Args:
        source: the file.
        node: the expression; what is in brackets behind a name is left out.
        place: where its names are looked up, for one that was parsed from a string; else where it is.
        steps: how many further names are followed.

    Returns:
        The class, if all that its name may mean at the place is one; else ``None``.
    """
    parts = dotted_name(node.value if isinstance(node, ast.Subscript) else node)
    return None if parts is None else _class_named(source, parts, place or start_of(node), steps)


@remembered
def _class_named(source: ParsedSource, parts: tuple[str, ...], place: Place, steps: int) -> ClassMeant | None:
    names = source.bindings.qualified_names(parts, place)
    if len(names) == 1:
        (name,) = names
        return _class_imported(source, name, steps) or canonical(name)
    bindings = source.bindings.bindings_of(parts[0], place) if len(parts) == 1 and not names else ()
    return _class_bound(source, bindings[0], steps) if len(bindings) == 1 else None


def _class_bound(source: ParsedSource, binding: Binding, steps: int) -> ClassMeant | None:
    if binding.kind is BindingKind.CLASS and isinstance(binding.node, ast.ClassDef):
        return OwnClass(source, binding.node)
    value = binding.value if binding.kind is BindingKind.ASSIGNMENT and not binding.path else None
    if value is None or not steps:
        return None
    return class_meant(source, called_by_partial(source, value) or value, steps=steps - 1)


@remembered
def _class_imported(source: ParsedSource, name: str, steps: int) -> ClassMeant | None:
    """Return the class of another file of the project that a qualified name means, also through re-exports."""
    found = bound_elsewhere(source, name) if steps else None
    if found is None:
        return None
    home, binding = found
    if binding.qualified_name is not None:
        return _class_imported(home, binding.qualified_name, steps - 1) or canonical(binding.qualified_name)
    return _class_bound(home, binding, steps - 1)


def class_written(source: ParsedSource, node: ast.expr) -> ast.expr | None:
    """Return the expression for the class of an object: what is called, perhaps by a partial, or annotates a parameter.

    Whether it names a class is not looked at: that may take other files.
    """
    if isinstance(node, ast.Call):
        return _without_partial(source, node.func)
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if isinstance(node, ast.Name) else ()
    if len(bindings) != 1:
        return None
    annotation: ast.expr | None = getattr(bindings[0].node, "annotation", None)
    is_parameter = bindings[0].kind is BindingKind.PARAMETER
    return _without_partial(source, annotation) if is_parameter and annotation is not None else None


def _without_partial(source: ParsedSource, node: ast.expr) -> ast.expr:
    """Return what a name that is set to ``partial(Class, ..)`` calls; else the expression itself."""
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if isinstance(node, ast.Name) else ()
    made = bindings[0].value if len(bindings) == 1 and not bindings[0].path else None
    return called_by_partial(source, made) or node


# What a class inherits


@dataclass(frozen=True, slots=True, eq=False)
class Lineage:
    """A class with all that it inherits from: first itself, last what is furthest."""

    own: tuple[OwnClass, ...]
    others: tuple[str, ...]
    """The canonical names of base classes that the project does not define."""

    @property
    def variable(self) -> str | None:
        """The class of Flax that makes an instance a Variable."""
        return next((name for name in self.others if name in WRAPPERS), None)

    @property
    def layer(self) -> str | None:
        """The class of Flax that makes an instance a Module or another node with Variables: ``Module``, ``Linear``."""
        members = (member_of_nnx(name) for name in self.others)
        return next((member for member in members if member in MODULES or member in OPTIMIZERS), None)


@remembered
def lineage_of(source: ParsedSource, node: ast.ClassDef) -> Lineage:
    """Return what a class inherits from, as far as it is known."""
    own = [OwnClass(source, node)]
    others: list[str] = []
    for one in own:
        for base in one.node.bases:
            found = class_meant(one.source, base)
            if isinstance(found, str):
                others.append(found)
            elif found is not None and found not in own and len(own) < MAXIMUM_BASES:
                own.append(found)
    return Lineage(tuple(own), tuple(dict.fromkeys(others)))


@remembered
def derived_classes(source: ParsedSource) -> Mapping[ast.ClassDef, Sequence[ast.ClassDef]]:
    """Return, by class, the classes of the same file that inherit from it, directly or not."""
    direct: dict[ast.ClassDef, list[ast.ClassDef]] = {}
    for node in (statement.node for statement in source.bindings.statements):
        for base in node.bases if isinstance(node, ast.ClassDef) else ():
            name = base.value if isinstance(base, ast.Subscript) else base
            bindings = source.bindings.bindings_of(name.id, start_of(name)) if isinstance(name, ast.Name) else ()
            for one in bindings:
                if isinstance(one.node, ast.ClassDef) and isinstance(node, ast.ClassDef):
                    direct.setdefault(one.node, []).append(node)
    return {node: _reached(node, direct) for node in direct}


def _reached(first: ast.ClassDef, edges: Mapping[ast.ClassDef, Sequence[ast.ClassDef]]) -> Sequence[ast.ClassDef]:
    found = [first]
    for one in found:
        found += [other for other in edges.get(one, ()) if other not in found and len(found) < MAXIMUM_BASES]
    return found[1:]


# What is in the body of a class


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """What a class body says of a name: it is defined as a function, assigned or annotated, or several of these."""

    functions: tuple[Method, ...]
    values: tuple[ast.expr, ...]
    annotations: tuple[ast.expr, ...]


@remembered
def members_of(source: ParsedSource, node: ast.ClassDef) -> Mapping[str, Member]:
    """Return what the body of a class says of each name."""
    functions: dict[str, list[Method]] = {}
    values: dict[str, list[ast.expr]] = {}
    annotations: dict[str, list[ast.expr]] = {}
    for statement in node.body:
        if isinstance(statement, FUNCTIONS):
            functions.setdefault(statement.name, []).append(statement)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    values.setdefault(target.id, []).append(statement.value)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            annotations.setdefault(statement.target.id, []).append(statement.annotation)
            if statement.value is not None:
                values.setdefault(statement.target.id, []).append(statement.value)
    names = dict.fromkeys((*functions, *values, *annotations))
    return {
        name: Member(*(tuple(found.get(name, ())) for found in (functions, values, annotations)))  # type: ignore[arg-type]
        for name in names
    }


def method_of(lineage: Lineage, name: str) -> tuple[ParsedSource, Method] | None:
    """Return the method of a name that an instance has, if one class of the lineage defines it, and once."""
    for one in lineage.own:
        member = members_of(one.source, one.node).get(name)
        if member is not None:
            is_plain = len(member.functions) == 1 and not member.values
            return (one.source, member.functions[0]) if is_plain else None
    return None


def hands_metadata_to_flax(source: ParsedSource, named: ast.expr) -> bool:
    """Tell whether an expression names a Variable class of the project that Flax's own constructor makes."""
    found = class_meant(source, named)
    lineage = lineage_of(found.source, found.node) if isinstance(found, OwnClass) else None
    if lineage is None or lineage.variable is None:
        return False
    return all({"__init__", "__new__"}.isdisjoint(members_of(one.source, one.node)) for one in lineage.own)


# What is done with attributes


@dataclass(frozen=True, slots=True, eq=False)
class Write:
    """One place where an attribute is set, or something is put into the container that it holds.

    ``value`` is what is assigned, taken apart by ``path``, or what is put in; ``None`` where that is not seen, as in
    a loop. ``owner`` is the class whose method sets the attribute of its ``self``; ``None`` if it is set on anything
    else.
    """

    target: ast.expr
    value: ast.expr | None
    path: tuple[int | None, ...] = ()
    annotation: ast.expr | None = None
    owner: ast.ClassDef | None = None
    method: Method | None = None
    puts: Putting | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Putting:
    """Something that is put into a container: one element, or all elements of another one."""

    value: ast.expr
    is_element: bool
    key: ast.expr | None = None


_PUT_ONE = {"append": 0, "appendleft": 0, "insert": 1, "setdefault": 1}
_PUT_ALL = frozenset({"extend", "update"})


def put_into(source: ParsedSource, container: ast.expr) -> Sequence[Putting]:
    """Return what the expression around a container puts into it: ``container.append(x)``, ``container[key] = x``."""
    return _puttings(source).get(container, ())


@remembered
def _puttings(source: ParsedSource) -> Mapping[ast.expr, Sequence[Putting]]:
    """Return all that the file puts into containers, by the expression that names the container."""
    found: dict[ast.expr, Sequence[Putting]] = {}
    for method in (*_PUT_ONE, *_PUT_ALL):
        for call in source.bindings.calls.get(method, ()):
            if isinstance(call.func, ast.Attribute):
                found[call.func.value] = tuple(_put_by_call(method, call))
    for node in (statement.node for statement in source.bindings.statements):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Subscript):
                    is_slice = isinstance(target.slice, ast.Slice)
                    found[target.value] = (Putting(node.value, not is_slice, None if is_slice else target.slice),)
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.BitOr)):
            found[node.target] = (Putting(node.value, is_element=False),)
    return found


_TAKE_OUT = frozenset({"pop", "popitem", "popleft", "clear", "remove", "__delitem__"})


def takes_out(source: ParsedSource, container: ast.expr) -> bool:
    """Tell whether the expression around a container may leave it empty: ``container.pop()``, ``del container[0]``."""
    return container in _emptied(source)


@remembered
def _emptied(source: ParsedSource) -> frozenset[ast.expr]:
    """Return the expressions that name the containers from which the file takes something out."""
    methods = (node for name in _TAKE_OUT for node in source.bindings.attributes.get(name, ()))
    by_method = (node.value for node in methods if isinstance(node, ast.Attribute))
    by_index = (node.value for node in source.bindings.expressions(ast.Subscript) if _is_emptying(node))
    return frozenset((*by_method, *by_index))


def _is_emptying(node: ast.Subscript) -> bool:
    """Tell whether a subscript takes something out: it is deleted, or is a slice that is set."""
    return isinstance(node.ctx, ast.Del) or (isinstance(node.ctx, ast.Store) and isinstance(node.slice, ast.Slice))


def _put_by_call(method: str, call: ast.Call) -> Iterator[Putting]:
    position = _PUT_ONE.get(method)
    if position is not None and position < len(call.args):
        yield Putting(call.args[position], is_element=True)
    elif method in _PUT_ALL and call.args:
        yield Putting(call.args[0], is_element=False)
    if method == "update":
        yield from (Putting(keyword.value, keyword.arg is not None) for keyword in call.keywords)


@remembered
def writes_of(source: ParsedSource, attribute: str) -> Mapping[ast.ClassDef | None, Sequence[Write]]:
    """Return every place of a file that sets an attribute or puts something into it, by ``Write.owner``."""
    found: dict[ast.ClassDef | None, list[Write]] = {}
    for node in source.bindings.attributes.get(attribute, ()):
        if isinstance(node, ast.Attribute):
            for write in _writes_at(source, node):
                found.setdefault(write.owner, []).append(write)
    for write in _set_by_name(source).get(attribute, ()):
        found.setdefault(write.owner, []).append(write)
    return found


def _writes_at(source: ParsedSource, node: ast.Attribute) -> Iterator[Write]:
    puttings = put_into(source, node)
    if not isinstance(node.ctx, ast.Store) and not puttings:
        return  # What is read after ``del`` raises.
    owner, method = self_at(source, node.value)
    if method is not None and _takes_no_instance(method):
        owner, method = None, None
    for putting in puttings:
        yield Write(node, putting.value, (), None, owner, method, putting)
    if not puttings:
        value, path, annotation = _assignments(source).get(node, (None, (), None))
        yield Write(node, value, path, annotation, owner, method)


def _takes_no_instance(method: Method) -> bool:
    """Tell whether the first parameter of a method is the class, or anything: what is set on it is no instance's."""
    names = {(dotted_name(one) or ("",))[-1] for one in method.decorator_list}
    return not names.isdisjoint(("classmethod", "staticmethod"))


def self_at(source: ParsedSource, node: ast.expr) -> tuple[ast.ClassDef, Method] | tuple[None, None]:
    """Return the class and the method whose first parameter an expression is."""
    if isinstance(node, ast.Name):
        bindings = source.bindings.bindings_of(node.id, start_of(node))
        scope = class_of_method(bindings)
        method = bindings[0].scope.node if scope is not None else None
        if scope is not None and isinstance(scope.node, ast.ClassDef) and isinstance(method, FUNCTIONS):
            return scope.node, method
    return None, None


_Assigned = tuple[ast.expr | None, tuple[int | None, ...], ast.expr | None]
"""A value, how it is taken apart, and an annotation."""


@remembered
def _assignments(source: ParsedSource) -> Mapping[ast.expr, _Assigned]:
    """Return what is assigned to each attribute that an assignment sets."""
    found: dict[ast.expr, _Assigned] = {}
    for node in (statement.node for statement in source.bindings.statements):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for attribute, path in _attributes_in(target, ()):
                    found[attribute] = (*_part_at(node.value, path), None)
        elif isinstance(node, ast.AnnAssign):
            found[node.target] = (node.value, (), node.annotation)
    return found


def _part_at(value: ast.expr, path: tuple[int | None, ...]) -> tuple[ast.expr, tuple[int | None, ...]]:
    """Return the part of a tuple as it is written that unpacking takes, and the indices that are left to apply."""
    while path and path[0] is not None and isinstance(value, (ast.Tuple, ast.List)):
        if any(isinstance(one, ast.Starred) for one in value.elts) or path[0] >= len(value.elts):
            break
        value, path = value.elts[path[0]], path[1:]
    return value, path


def _attributes_in(target: ast.expr, path: tuple[int | None, ...]) -> Iterator[tuple[ast.expr, tuple[int | None, ...]]]:
    """Yield the attributes in a target, each with the indices that unpacking applies to the value."""
    if isinstance(target, ast.Attribute):
        yield target, path
    elif isinstance(target, ast.Starred):
        yield from _attributes_in(target.value, path)
    elif isinstance(target, (ast.Tuple, ast.List)):
        is_behind_star = False
        for index, element in enumerate(target.elts):
            is_behind_star = is_behind_star or isinstance(element, ast.Starred)
            yield from _attributes_in(element, (*path, None if is_behind_star else index))


@remembered
def _set_by_name(source: ParsedSource) -> Mapping[str, Sequence[Write]]:
    """Return what ``setattr(owner, "name", value)`` sets, by name."""
    found: dict[str, list[Write]] = {}
    for call in _calls_of_setattr(source):
        name = call.args[1]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            owner, method = self_at(source, call.args[0])
            found.setdefault(name.value, []).append(Write(call, call.args[2], (), None, owner, method))
    return found


def _calls_of_setattr(source: ParsedSource) -> Iterator[ast.Call]:
    for call in source.bindings.calls.get("setattr", ()):
        if len(call.args) == 3 and isinstance(call.func, ast.Name):
            yield call


@remembered
def _prefixes_set(source: ParsedSource) -> Mapping[ast.ClassDef, Sequence[tuple[str, ast.expr]]]:
    """Return how the names start that ``setattr(self, f"layer_{i}", value)`` sets, with the values, by class."""
    found: dict[ast.ClassDef, list[tuple[str, ast.expr]]] = {}
    for call in _calls_of_setattr(source):
        name, (owner, _) = call.args[1], self_at(source, call.args[0])
        if owner is not None and not isinstance(name, ast.Constant):
            first = name.values[0] if isinstance(name, ast.JoinedStr) and name.values else None
            prefix = first.value if isinstance(first, ast.Constant) else ""
            found.setdefault(owner, []).append((str(prefix), call.args[2]))
    return found


def set_under_made_names(source: ParsedSource, owner: ast.ClassDef, attribute: str) -> list[ast.expr]:
    """Return what a class may set an attribute to by ``setattr`` with a name that is made up as the code runs."""
    return [value for prefix, value in _prefixes_set(source).get(owner, ()) if attribute.startswith(prefix)]


# What a function returns


def results_of(function: Method) -> list[ast.expr] | None:
    """Return what a function returns, without ``None``; ``None`` for a generator."""
    found: list[ast.expr] = []
    for node in own_nodes(function):
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return None
        if isinstance(node, ast.Return) and node.value is not None and not is_none(node.value):
            found.append(node.value)
    return found
