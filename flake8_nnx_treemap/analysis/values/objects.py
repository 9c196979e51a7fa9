"""Finds which attributes objects have that are no Variables, but may be leaves of a tree or values of Variables."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.nodes import dotted_name, start_of, walk
from flake8_nnx_treemap.analysis.names.imported import definition_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.provenance import member_of_nnx
from flake8_nnx_treemap.analysis.values.replacements import is_of_library
from flake8_nnx_treemap.names import WRAPPERS, canonical
from flake8_nnx_treemap.other_projects import OTHER_PROJECTS

ANY = "*"
"""Stands for all attributes, as an object with ``__getattr__`` has them."""

_ARE_NO_LEAVES = (
    "chex.",
    "equinox.",
    "flax.struct.",
    "jax.",
    "typing.NamedTuple",
    "collections.namedtuple",
)
"""Bases and decorators of classes whose objects JAX goes into."""
_ANSWER_FOR_ALL = frozenset({"__getattr__", "__getattribute__"})
_MAKE_OBJECTS = ("SimpleNamespace", "Namespace", "make_dataclass", "new_class", "setattr", "__setattr__", "type")
"""Functions that are given the names of attributes, as keywords or as texts."""
_WITH_VALUES = frozenset({"ast", "ctypes", "http", "inspect", "multiprocessing", "signal"})
"""Modules of Python that make objects with a ``value``: ``ctypes.c_int(3)``, ``HTTPStatus.OK``."""
_HAVE_ANY = ("Mock", "MagicMock", "AsyncMock", "NonCallableMock", "PropertyMock", "create_autospec")


@remembered
def attributes_of_objects(source: ParsedSource) -> frozenset[str]:
    """Return the attributes of objects that the file may make, other than Variables and nodes of trees.

    Args:
        source: the file.

    Returns:
        Those that its classes define, and the classes that it imports from the project; those that namespaces are
        given; ``value`` of an ``Enum``, and of what some modules of Python make. ``ANY`` is among them if there may be
        others.
    """
    found: set[str] = set()
    for node in (one.node for one in source.bindings.statements):
        if isinstance(node, ast.ClassDef):
            found |= _attributes(source, node)
    for other, definition in imported_classes(source):
        if isinstance(definition, ast.ClassDef):
            found |= _attributes(other, definition)
    bound = (one for _, bindings in source.bindings.all_bound() for one in bindings)
    if not _WITH_VALUES.isdisjoint((one.qualified_name or "").partition(".")[0] for one in bound):
        found.add("value")
    return frozenset(found.union(_given_to_calls(source), _set_on_objects(source), _set_in_dictionaries(source)))


@remembered
def imported_classes(source: ParsedSource) -> tuple[tuple[ParsedSource, ast.AST], ...]:
    """Return what defines the names in capitals that a file imports from its project, with the files."""
    bound = [one for _, found in source.bindings.all_bound() for one in found if one.qualified_name]
    own = [one for one in bound if str(one.qualified_name).partition(".")[0] not in OTHER_PROJECTS]
    names = {str(one.qualified_name) for one in own if one.name[:1].isupper()}
    modules = {one.name: str(one.qualified_name) for one in own if not one.name[:1].isupper()}
    if modules:  # ``layers.Scale``
        upper = (uses for name, uses in source.bindings.attributes.items() if name[:1].isupper())
        parts = (dotted_name(use) for uses in upper for use in uses if isinstance(use, ast.Attribute))
        names.update(".".join((modules[one[0]], *one[1:])) for one in parts if one is not None and one[0] in modules)
    found = (definition_elsewhere(source, frozenset({name})) for name in sorted(names))
    return tuple((one[0], one[1].node) for one in found if one is not None)


@remembered
def _attributes(source: ParsedSource, definition: ast.ClassDef) -> frozenset[str]:
    """Return the attributes of a class's objects, inherited ones included; none if they are no leaves of trees."""
    found: set[str] = set()
    for file, one in _lineage(source, definition):
        if any(_makes_no_leaves(file, base) for base in (*one.bases, *one.decorator_list)):
            return frozenset()
        found |= set(_own_attributes(one))
        if any((dotted_name(base) or ("",))[-1].endswith(("Enum", "Flag")) for base in one.bases):
            found.add("value")
        if any(file.bindings.names_of(base) == {"builtins.type"} for base in one.bases):
            found -= _ANSWER_FOR_ALL  # A metaclass answers for classes, which are hardly ever leaves.
    return frozenset(found) if found.isdisjoint(_ANSWER_FOR_ALL) else frozenset({ANY})


def overrides(source: ParsedSource, definition: ast.ClassDef, base: str, member: str) -> bool:
    """Tell whether a class inherits from one of ``flax.nnx`` and has, or inherits elsewhere, a member of its own."""
    lineage = _lineage(source, definition)
    bases = (name for file, one in lineage for named in one.bases for name in file.bindings.names_of(named))
    return any(member_of_nnx(name) == base for name in bases) and any(
        member in _own_attributes(one) for _, one in lineage
    )


def _lineage(source: ParsedSource, definition: ast.ClassDef) -> list[tuple[ParsedSource, ast.ClassDef]]:
    """Return a class with those of the project that it inherits from, and the files that define them."""
    found = [(source, definition)]
    for file, one in found:
        for base in one.bases:
            found += [other for other in _classes_named(file, base) if other not in found]
    return found


def _makes_no_leaves(source: ParsedSource, named: ast.expr) -> bool:
    """Tell whether a base or a decorator is known, and makes Variables, or objects that JAX goes into."""
    node = named.func if isinstance(named, ast.Call) else named
    names = source.bindings.names_of(node.value if isinstance(node, ast.Subscript) else node)
    return bool(names) and all(name.startswith(_ARE_NO_LEAVES) or canonical(name) in WRAPPERS for name in names)


def _classes_named(source: ParsedSource, base: ast.expr) -> Iterator[tuple[ParsedSource, ast.ClassDef]]:
    node = base.value if isinstance(base, ast.Subscript) else base
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if isinstance(node, ast.Name) else ()
    here = [one for one in bindings if one.kind is BindingKind.CLASS]
    elsewhere = None if here else definition_elsewhere(source, source.bindings.names_of(node))
    for file, binding in [(source, one) for one in here] if elsewhere is None else [elsewhere]:
        if isinstance(binding.node, ast.ClassDef):
            yield file, binding.node


def _own_attributes(definition: ast.ClassDef) -> Iterator[str]:
    """Yield the names that the body of a class binds or annotates, its slots, and the attributes that it sets."""
    for node in definition.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (name for target in targets for name in _words(target))
            yield from _words(node.value) if "__slots__" in map(_id, targets) else ()
    for found in walk(definition):
        if isinstance(found, ast.Attribute) and isinstance(found.ctx, ast.Store):
            yield found.attr
        elif getattr(found, "attr", "") == "__dict__" or getattr(found, "id", "") == "vars":
            yield "__getattr__"  # It may set any.


def _id(node: ast.AST) -> str:
    return getattr(node, "id", "")


def _words(node: ast.AST | None) -> Iterator[str]:
    """Yield the names and the texts in an expression."""
    for found in walk(node) if node is not None else ():
        if isinstance(found, ast.Name):
            yield found.id
        elif isinstance(found, ast.Constant) and isinstance(found.value, str):
            yield found.value


def _set_on_objects(source: ParsedSource) -> Iterator[str]:
    """Yield what is set on classes and functions of the file, and on objects of such classes: ``box.value = 3``."""
    for name, stores in source.bindings.set_attributes.items():
        if any(_is_made_here(source, store.value) for store in stores):
            yield name


def _is_made_here(source: ParsedSource, owner: ast.expr) -> bool:
    for one in source.bindings.bindings_of(owner.id, start_of(owner)) if isinstance(owner, ast.Name) else ():
        if one.kind is BindingKind.FUNCTION or (one.kind is BindingKind.CLASS and _is_plain(source, one.node)):
            return True
        made = one.value.func if isinstance(one.value, ast.Call) and not one.path else None
        if made is not None and any(_is_plain(file, definition) for file, definition in _classes_named(source, made)):
            return True
    return False


def _is_plain(source: ParsedSource, definition: ast.AST) -> bool:
    bases = (*getattr(definition, "bases", ()), *getattr(definition, "decorator_list", ()))
    return not any(_makes_no_leaves(source, one) for one in bases)


def _given_to_calls(source: ParsedSource) -> Iterator[str]:
    calls = source.bindings.calls
    if any(name in calls for name in _HAVE_ANY):
        yield ANY
    if any(name in calls for name in ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag")):
        yield "value"
    if "StopIteration" in calls:
        yield "value"
    for name in _MAKE_OBJECTS:
        for call in calls.get(name, ()):
            if (name == "type" and len(call.args) != 3) or any(is_of_library(source, one) for one in call.args[:1]):
                continue
            yield from (keyword.arg or ANY for keyword in walk(call) if isinstance(keyword, ast.keyword))
            yield from (word for one in call.args for word in _words(one))
            yield from source.bindings.set_attributes if not (call.args or call.keywords) else ()


def _set_in_dictionaries(source: ParsedSource) -> Iterator[str]:
    """Yield what is set through the dictionary of an object: ``vars(box)["value"] = 3``."""
    attributes = source.bindings.attributes.get("__dict__", ())
    for node in (*source.bindings.calls.get("vars", ()), *attributes):
        around = source.ast_parent(node)
        if isinstance(around, ast.Subscript) and not isinstance(around.ctx, ast.Load):
            yield str(around.slice.value) if isinstance(around.slice, ast.Constant) else ANY
        elif isinstance(around, (ast.Assign, ast.AugAssign)) or getattr(around, "attr", "") in ("update", "setdefault"):
            yield ANY
