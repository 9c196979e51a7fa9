"""Defines what an expression may hold: Variables, Modules, containers of these, arrays and constants."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace

from flake8_nnx_treemap.analysis.code.nodes import Place, operands, start_of
from flake8_nnx_treemap.analysis.code.text import parse_expression
from flake8_nnx_treemap.analysis.names.scopes import BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.module_classes import ClassMeant, OwnClass, class_meant, lineage_of
from flake8_nnx_treemap.analysis.values.provenance import member_of_nnx
from flake8_nnx_treemap.analysis.values.variable_classes import own_members
from flake8_nnx_treemap.flax_layers import attributes_of, is_metric_state, is_variable_class
from flake8_nnx_treemap.flax_names import NNX
from flake8_nnx_treemap.names import MODULES, OPTIMIZERS, WRAPPERS

MAXIMUM_ALTERNATIVES = 12
"""How many things are kept of all that an expression may hold. A list of a thousand layers has a few sorts of them."""

MAXIMUM_ITEMS = 64
"""How many items of a container are known each by itself."""

MAXIMUM_NESTING = 3
"""How many containers are followed into one another; in objects that hold lists of each other, it would have no end."""


class Sort(enum.Enum):
    """What a thing is."""

    VARIABLE = "a Variable"
    LAYER = "a Module of Flax"
    INSTANCE = "an instance of a class of the project"
    LIST = "a list"
    TUPLE = "a tuple"
    DICT = "a dict"
    ARRAY = "an array"
    MADE = "what an unknown class or function makes with ``rngs=``"
    """A Module, most likely; an array or a Variable if not."""
    NONE = "None"
    STATIC = "a number, a string or a function"
    """What is no data for NNX, and none of the above."""


CONTAINERS = frozenset({Sort.LIST, Sort.TUPLE, Sort.DICT})


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that an expression may hold.

    ``name`` is the class of a Variable or of a layer of Flax, ``own`` that of an instance. ``elements`` is what any
    element of a container is, or any layer of a ``Sequential``; ``items`` are those known by index or key.
    ``is_marked`` is true of what NNX takes for data as it is: ``nnx.List(..)``, ``nnx.data(..)``; ``is_abstract`` of
    what may be of any class with such elements, as ``Sequence[nnx.Linear]`` is; ``has_array`` of a Variable whose value
    is an array for certain.
    """

    sort: Sort
    name: str = ""
    own: OwnClass | None = None
    elements: Contents | None = None
    items: tuple[tuple[object, Contents], ...] = ()
    is_marked: bool = False
    is_abstract: bool = False
    has_array: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """What an expression holds: one of several things, and only these if it ``is_complete``."""

    things: tuple[Thing, ...]
    is_complete: bool

    @property
    def is_variable(self) -> bool:
        """Whether it is a Variable for certain, if it is not ``None``."""
        sorts = {thing.sort for thing in self.things}
        return self.is_complete and Sort.VARIABLE in sorts and sorts <= {Sort.VARIABLE, Sort.NONE}


UNKNOWN = Contents((), False)
NOTHING = Contents((), True)
STATIC = Contents((Thing(Sort.STATIC),), True)
NONE = Contents((Thing(Sort.NONE),), True)
ARRAY = Contents((Thing(Sort.ARRAY),), True)
MADE = Contents((Thing(Sort.MADE),), True)


def any_of(alternatives: Iterable[Contents]) -> Contents:
    """Return what one of several expressions holds."""
    things: dict[Thing, bool] = {}
    is_complete = True
    for one in alternatives:
        for thing in one.things:
            key = replace(thing, has_array=False) if thing.has_array else thing
            things[key] = thing.has_array and things.get(key, True)
        is_complete = is_complete and one.is_complete
        if len(things) > MAXIMUM_ALTERNATIVES:
            is_complete = False
            break
    found = [replace(thing, has_array=True) if has_array else thing for thing, has_array in things.items()]
    return Contents(tuple(found[:MAXIMUM_ALTERNATIVES]), is_complete)


# Containers


def container(sort: Sort, elements: Contents, items: tuple[tuple[object, Contents], ...] = ()) -> Contents:
    """Return a new container of some elements; of what nests too deeply, no element is known."""
    if _nests_deeper(elements, MAXIMUM_NESTING - 1):
        elements, items = UNKNOWN, ()
    return Contents((Thing(sort, elements=elements, items=items),), True)


def _nests_deeper(contents: Contents, levels: int) -> bool:
    """Tell whether there are containers in containers, more than some levels of them."""
    below = (thing.elements for thing in contents.things if thing.elements is not None)
    return any(not levels or _nests_deeper(one, levels - 1) for one in below)


def elements_of(whole: Contents) -> Contents:
    """Return what any element of a container is."""
    known = [thing for thing in whole.things if thing.sort is not Sort.NONE]
    if not whole.is_complete or not known or any(thing.sort not in CONTAINERS for thing in known):
        return UNKNOWN
    return any_of(thing.elements or UNKNOWN for thing in known)


def has_dict(whole: Contents) -> bool:
    """Tell whether something may be a dict, which iterates over its keys."""
    return any(thing.sort is Sort.DICT for thing in whole.things)


def iterated(whole: Contents) -> Contents:
    """Return what a loop over a container takes from it; nothing is known of the keys of a dict."""
    return UNKNOWN if has_dict(whole) else elements_of(whole)


def item_of(whole: Contents, key: object) -> Contents:
    """Return what the element of a container at an index or a key is."""
    known = [thing for thing in whole.things if thing.sort is not Sort.NONE]
    if not whole.is_complete or not known or any(thing.sort not in CONTAINERS for thing in known):
        return UNKNOWN
    return any_of(item_of_thing(thing, key) for thing in known)


def item_of_thing(thing: Thing, key: object) -> Contents:
    """Return what the element of one container at an index or a key is."""
    count = len(thing.items)
    if thing.sort is not Sort.DICT and type(key) is int and key < 0:
        key += count
    return next(
        (found for name, found in thing.items if name == key and type(name) is type(key)), thing.elements or UNKNOWN
    )


def joined(whole: Contents) -> Contents:
    """Return a container of any elements that some containers have."""
    sorts = {thing.sort for thing in whole.things}
    if len(sorts) != 1 or any(thing.is_marked for thing in whole.things):
        return UNKNOWN
    return container(sorts.pop(), any_of(thing.elements or UNKNOWN for thing in whole.things))


def without_none(whole: Contents) -> Contents:
    """Return what something is if it is not ``None``."""
    return replace(whole, things=tuple(thing for thing in whole.things if thing.sort is not Sort.NONE))


def is_array(contents: Contents) -> bool:
    """Tell whether something is an array for certain."""
    return contents.is_complete and bool(contents.things) and all(one.sort is Sort.ARRAY for one in contents.things)


def is_number_or_array(contents: Contents) -> bool:
    """Tell whether something is an array or a constant, as what a sum of arrays is made of."""
    sorts = {one.sort for one in contents.things}
    return contents.is_complete and bool(sorts) and sorts <= {Sort.ARRAY, Sort.STATIC}


def marked(whole: Contents) -> Contents:
    """Return what ``nnx.data`` makes of something: NNX takes it for data as it is."""
    return replace(whole, things=tuple(replace(one, is_marked=True) for one in whole.things))


def with_array(whole: Contents) -> Contents:
    """Return Variables that are known to hold an array; other things stay as they are."""
    return replace(
        whole, things=tuple(replace(one, has_array=True) if one.sort is Sort.VARIABLE else one for one in whole.things)
    )


# Classes


def is_layer(member: str | None) -> bool:
    """Tell whether a member of NNX is a class whose attributes are known."""
    return member is not None and bool(attributes_of(member))


def held_by_layer(layer: str, attribute: str) -> Contents:
    """Return what Flax itself puts into an attribute of one of its layers, on any release."""
    holdings = attributes_of(layer).get(attribute, ())
    names = dict.fromkeys(name for holding in holdings for name in holding.classes)
    things = [
        Thing(Sort.VARIABLE, f"{NNX}.{name}") if is_variable_class(name) else Thing(Sort.LAYER, name)
        for name in names
        if name != "List"
    ]
    if any(holding.may_be_none for holding in holdings):
        things.append(Thing(Sort.NONE))
    return Contents(tuple(things), bool(things) and "List" not in names)


def layer_has_state(layer: str) -> bool:
    """Tell whether a layer of Flax holds a Variable for certain, itself or in a layer of its own, on every release."""
    return any(
        not holding.may_be_none and any(is_variable_class(name) or layer_has_state(name) for name in holding.classes)
        for holdings in attributes_of(layer).values()
        for holding in holdings
        if not holding.spans
    )


def instance_of(found: ClassMeant) -> Contents:
    """Return what an instance of a class is."""
    if isinstance(found, str):
        if found in WRAPPERS:
            return Contents((Thing(Sort.VARIABLE, found),), True)
        member = member_of_nnx(found)
        if member is not None and is_metric_state(member):
            return Contents((Thing(Sort.VARIABLE, found),), True)
        if member in MODULES or member in OPTIMIZERS or is_layer(member):
            return Contents((Thing(Sort.LAYER, member or ""),), True)
        return UNKNOWN
    variable = lineage_of(found.source, found.node).variable
    if variable is None:
        return Contents((Thing(Sort.INSTANCE, own=found),), True)
    if not own_members(found.source).isdisjoint(_ANSWERS_FOR_ALL):
        return UNKNOWN
    return Contents((Thing(Sort.VARIABLE, variable),), True)


_ANSWERS_FOR_ALL = frozenset(
    {"value", "raw_value", "type", "__getattribute__", "__getattr__", "__setattr__", "__new__"}
)
"""What a Variable class that behaves like those of Flax does not define."""


ARRAY_CLASSES = frozenset({"jax.Array", "jax.numpy.ndarray", "numpy.ndarray", "jaxtyping.Array", "chex.Array"})
_JAXTYPING = frozenset(
    {"Float", "Int", "UInt", "Bool", "Num", "Real", "Inexact", "Integer", "Complex", "Shaped", "Key", "Array"}
)
"""Annotations of jaxtyping that stand for one array: ``Float[Array, "n d"]``."""

LISTS = frozenset({"builtins.list", "typing.List", "typing.Sequence", "collections.abc.Sequence", "flax.nnx.List"})
TUPLES = frozenset({"builtins.tuple", "typing.Tuple"})
DICTS = frozenset(
    {"builtins.dict", "typing.Dict", "typing.Mapping", "collections.abc.Mapping", "collections.OrderedDict"}
    | {"flax.nnx.Dict", "typing.MutableMapping", "collections.abc.MutableMapping"}
)
_UNIONS = frozenset({"typing.Union", "typing.Optional", "types.UnionType"})
_DRESSES = frozenset({"typing.Annotated", "typing.Final", "typing.ClassVar", "flax.nnx.Data"})
"""Annotations that stand for what their first argument does."""

_CLASS_TYPES = frozenset({"builtins.type", "typing.Type"})

MARKS = frozenset({"flax.nnx.List", "flax.nnx.Dict", "flax.nnx.Data"})
SCALARS = frozenset({f"builtins.{name}" for name in ("int", "float", "bool", "str", "bytes", "complex", "type")})

# Annotations


def annotated(source: ParsedSource, node: ast.expr | None, place: Place | None, steps: int) -> Contents:
    """Return what a value annotated so is."""
    if node is None or not steps:
        return UNKNOWN
    if isinstance(node, ast.Constant):
        if node.value is None:
            return NONE
        quoted = parse_expression(node.value.strip()) if isinstance(node.value, str) else None
        return UNKNOWN if quoted is None else annotated(source, quoted, place or start_of(node), steps - 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return any_of(annotated(source, side, place, steps - 1) for side in operands(node, ast.BitOr))
    if isinstance(node, ast.Subscript):
        return _of_generic(source, node, place, steps - 1)
    alias = _alias_meant(source, node, place)
    if alias is not None:
        return annotated(source, alias, None, steps - 1)
    found = class_meant(source, node, place)
    if found is None:
        return UNKNOWN
    if isinstance(found, str):
        if found in LISTS | TUPLES | DICTS:
            return _of_container_type(found, UNKNOWN)
        return _of_type(found)
    return instance_of(found)


def _alias_meant(source: ParsedSource, node: ast.expr, place: Place | None) -> ast.expr | None:
    """Return the type that a name stands for: ``dict[str, nnx.Param]`` for ``Params = dict[str, nnx.Param]``."""
    bindings = source.bindings.bindings_of(node.id, place or start_of(node)) if isinstance(node, ast.Name) else ()
    value = bindings[0].value if len(bindings) == 1 and bindings[0].kind is BindingKind.ASSIGNMENT else None
    return value if isinstance(value, (ast.Subscript, ast.BinOp)) and not bindings[0].path else None


def called_by_annotation(source: ParsedSource, node: ast.expr | None, steps: int) -> Contents:
    """Return what a call of a value annotated so returns: ``type[Block]``, ``Callable[..., Block]``."""
    if not isinstance(node, ast.Subscript) or not steps:
        return UNKNOWN
    found = class_meant(source, node.value)
    arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if found in _CLASS_TYPES:
        return annotated(source, arguments[0], None, steps - 1)
    is_callable = isinstance(found, str) and found.endswith(".Callable") and len(arguments) > 1
    return annotated(source, arguments[-1], None, steps - 1) if is_callable else UNKNOWN


def _of_type(name: str) -> Contents:
    if name in ARRAY_CLASSES:
        return ARRAY
    return STATIC if name in SCALARS or name.endswith(".Callable") else instance_of(name)


def _of_generic(source: ParsedSource, node: ast.Subscript, place: Place | None, steps: int) -> Contents:
    found = class_meant(source, node.value, place)
    arguments = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if not isinstance(found, str):
        return UNKNOWN if found is None else instance_of(found)
    if found in _UNIONS:
        sides = [annotated(source, one, place, steps) for one in arguments]
        return any_of((*sides, NONE) if found.endswith("Optional") else sides)
    if found in _DRESSES:
        inner = annotated(source, arguments[0], place, steps)
        return marked(inner) if found in MARKS else inner
    if found.startswith("jaxtyping.") and found.rpartition(".")[2] in _JAXTYPING:
        return ARRAY
    if found in TUPLES:
        is_open = isinstance(arguments[-1], ast.Constant) and arguments[-1].value is ...
        parts = [annotated(source, one, place, steps) for one in (arguments[:1] if is_open else arguments)]
        items: tuple[tuple[object, Contents], ...] = () if is_open else tuple(enumerate(parts))
        return container(Sort.TUPLE, any_of(parts), items)
    if found in LISTS or found in DICTS:
        return _of_container_type(found, annotated(source, arguments[-1], place, steps))
    return _of_type(found)


def _of_container_type(name: str, elements: Contents) -> Contents:
    sort = Sort.DICT if name in DICTS else Sort.TUPLE if name in TUPLES else Sort.LIST
    is_abstract = not name.endswith((".list", ".List", ".tuple", ".Tuple", ".dict", ".Dict", ".OrderedDict"))
    return Contents((Thing(sort, elements=elements, is_marked=name in MARKS, is_abstract=is_abstract),), True)
