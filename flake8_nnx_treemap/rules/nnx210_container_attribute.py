"""A list, a tuple or a dict of Modules, Variables or arrays is no attribute of a Module from Flax 0.12 on.

## What it does

Finds attributes of Modules that NNX takes for static though data is in them for certain:

* a list, tuple, dict or comprehension of Modules, Variables or arrays, also by way of a name: `layers = []`,
  `layers.append(nnx.Linear(…))`, `self.layers = layers`, or of a parameter annotated `list[Block]`;
* such a container of what a class makes that is looked up, `LAYERS[name](…)`, that is a parameter, or that is given `rngs=…`
  and whose body the project does not show;
* a field of a dataclass that is annotated as such a container, and a container that a subclass hands to the constructor of
  its base class, which sets it as an attribute;
* an object of a class that `flax.struct.dataclass` makes a pytree, if a field is annotated as a Variable, a Module or an array;
* `self.layers = []` if data is put into it before the Module is constructed, by `append`, `extend`, `+=` and the like;
* `self.frequencies = None`, a number or a string if an array, a Variable or a Module is set in its place later;
* a parameter that is annotated as an array, a Variable or a Module, and is `None` by default, if something is set in its
  place where it is `None`.

It is silent where the class says what the attribute is, by `nnx.data(…)`, `nnx.List(…)`, `nnx.Dict(…)` or an annotation
`nnx.Data` or `nnx.Data[…]`, and for classes with `pytree=False`. It is silent where something is taken out of the container,
by `pop`, `del` and the like: it may be empty then. A list to which Modules are appended only after the construction does not
raise, and is left alone; so is a list that is cleared, replaced or deleted before the construction ends. It is silent in
code that chooses by release, where a `ValueError` is handled, and for classes of which the file makes objects in such
places alone, as a test does that wants the error. What a parameter is given counts, too: one that gets an `nnx.List` in
this file is no list.

## Why it is wrong

A Module is a pytree. From Flax 0.12 on, the first assignment decides whether an attribute is one of its children or static, and
a container or `None` is static. Data in a static attribute would be lost to every transformation, so NNX raises.

## What Flax does

* **0.10.0–0.11.2**: containers are looked into; all of this runs.
* **0.12.0–0.12.4**: `ValueError` at the end of the construction if an array is in there, also as the value of a Variable, or
  where an array or a Variable is set in place of `None`.
* **0.12.5–0.12.8**: `ValueError` at the assignment already, also for a new attribute that is set after the construction, and
  for Variables and Modules that hold no array, as `nnx.Param(1.0)` does not.

`nnx.data` exists from 0.11.0 on, `nnx.List` from 0.12.0 on.

## Fix safety

The fix is safe where no release in the range runs the original, and the Module gets its data while it is constructed.

The fix writes `nnx.data(…)` around the value. The value stays what it is: a list is still a list, and the paths in the state
are the same. `nnx.data` needs Flax 0.11, so there is no fix while you support older releases.

Flax 0.12 and later raise for a container that holds arrays, or layers with arrays. Flax 0.12.5 and later raise for other
Variables and Modules as well, such as `nnx.Param(1.0)`, which holds no array.

The fix is unsafe

* for a parameter, because only its annotation says what it holds;
* where another file defines the class;
* where the data is set after the construction, because the code that sets it may never run.

If the constructor of a dataclass or of a base class sets the attribute, the fix changes its declaration in the class body. A
field of type `list[Block]` gets the default `nnx.data()`, which exists from 0.12.1 on. While you support older releases, its
annotation becomes `nnx.Data[list[Block]]`, which warns on 0.12.1 and later. This fix is unsafe.

There is no fix for a string, which is no data, and for an assignment of several names.

`nnx.List` and `nnx.Dict` work too and state the intention, but they lack `+`, `copy` and `sort`, and their keys must be strings.

## References

* <https://flax.readthedocs.io/en/latest/migrating/nnx_010_to_nnx_011.html>
* <https://flax.readthedocs.io/en/latest/guides/pytree.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.nodes import start_of, walk, without_docstring
from flake8_nnx_treemap.analysis.code.text import Edit
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.names.spelling import spelling_of
from flake8_nnx_treemap.analysis.values.declared_attributes import declared_attributes
from flake8_nnx_treemap.analysis.values.expected_errors import fails_wherever_made
from flake8_nnx_treemap.analysis.values.module_classes import derived_classes
from flake8_nnx_treemap.analysis.values.static_attributes import (
    CHECKED_WHEN_SET_SINCE,
    Cause,
    StaticAttribute,
    static_attributes,
)
from flake8_nnx_treemap.analysis.values.things import CONTAINERS, Sort
from flake8_nnx_treemap.names import FlaxRange, FlaxRelease, release_text
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

DATA_SINCE: FlaxRelease = (0, 11)
"""The release that ``nnx.data`` came with."""

DATA_IN_CLASS_BODY_SINCE: FlaxRelease = (0, 12, 1)
"""The release from which on a class body may say ``name = nnx.data()``; before, ``name: nnx.Data[..]`` says so."""

_ERRORS = frozenset({"ValueError", "Exception", "BaseException"})
_DATA = {Sort.VARIABLE: "a Variable", Sort.ARRAY: "an array"}
_SEVERAL = {Sort.VARIABLE: "Variables", Sort.ARRAY: "arrays"}
_KINDS = {
    Sort.INSTANCE: "a dataclass",
    Sort.LIST: "a list",
    Sort.TUPLE: "a tuple",
    Sort.DICT: "a dict",
    Sort.NONE: "None",
}
_DECLARED = frozenset({Cause.FIELD, Cause.HANDED})
_PYTREES = CONTAINERS | {Sort.INSTANCE}


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each value that makes an attribute static in which data is, or will be."""
    for found in _found(source):
        if flax.holds(found.since) and not _is_handled(source, found):
            yield Finding("NNX210", _message(source, found, flax), source.range(found.value), _fix(source, found, flax))


def _is_handled(source: ParsedSource, found: StaticAttribute) -> bool:
    """Tell whether the file handles the error, or wants it: where the attribute is set, or wherever it makes objects."""
    places = map(start_of, (found.value, found.at))
    return any(source.expects_error_at(place, _ERRORS) for place in places) or any(
        fails_wherever_made(source, one, _ERRORS)
        for one in (found.owner, *derived_classes(source).get(found.owner, ()))
    )


@remembered
def _found(source: ParsedSource) -> tuple[StaticAttribute, ...]:
    if source.modules is not None and not source.modules.may_define_modules(source.text):
        return ()
    return (*static_attributes(source), *declared_attributes(source))


def _message(source: ParsedSource, found: StaticAttribute, flax: FlaxRange) -> str:
    kind = _KINDS.get(found.holds, "a constant")
    method = _method(source, found)
    data = _DATA.get(found.data, "a Module")
    if found.cause is Cause.HELD:
        what = f"{kind} of {_SEVERAL.get(found.data, 'Modules')} as the attribute {found.name!r} of a Module"
    elif found.cause is Cause.FIELD:
        what = f"{kind} of {_SEVERAL.get(found.data, 'Modules')} as the field {found.name!r} of a Module"
    elif found.cause is Cause.HANDED:
        several = _SEVERAL.get(found.data, "Modules")
        what = f"{kind} of {several} that the base class sets as the attribute {found.name!r} of a Module"
    elif found.cause is Cause.PUT:
        put = f"put into {kind}" if method is None else f"that {method}() puts into {kind}"
        what = f"{data} {put} that is the attribute {found.name!r} of a Module"
    else:
        set_ = "set in place" if method is None else f"that {method}() sets in place"
        what = f"{data} {set_} of {kind}, the attribute {found.name!r} of a Module,"
    return f"{what} raises ValueError from Flax {release_text(found.since)} on: {_advice(found, flax)}"


def _method(source: ParsedSource, found: StaticAttribute) -> str | None:
    """Return the method that puts data there, if it is not the one that sets the attribute.

    A row would be of no use to readers of notebooks, and would change with every edit.
    """
    first, second = (source.bindings.scope_at(start_of(node)).node for node in (found.value, found.at))
    return None if second is first else getattr(second, "name", None)


def _advice(found: StaticAttribute, flax: FlaxRange) -> str:
    if not _can_be_data(found):
        return "set it to None or data first"
    if found.cause in _DECLARED:
        form = "nnx.data()" if flax.starts_from(DATA_IN_CLASS_BODY_SINCE) else "nnx.Data[..]"
        return f"declare it in the class body, by {form}"
    if flax.starts_from(DATA_SINCE):
        return "use nnx.data(..)"
    return "use nnx.data(..), which needs Flax 0.11"


def _can_be_data(found: StaticAttribute) -> bool:
    """Tell whether ``nnx.data`` takes the value: not a string or a function, which is no leaf that JAX knows."""
    is_number = isinstance(found.value, ast.Constant) and isinstance(found.value.value, (int, float))
    return found.holds in _PYTREES or found.holds is Sort.NONE or is_number


def _fix(source: ParsedSource, found: StaticAttribute, flax: FlaxRange) -> Fix | None:
    if not flax.starts_from(DATA_SINCE) or not _can_be_data(found):
        return None
    if found.cause in _DECLARED:
        return _declaration(source, found, flax)
    spelling = spelling_of(source, "data", start_of(found.value))
    if spelling is None:
        return None
    range_ = source.range(found.value)
    is_bare = isinstance(found.value, ast.Tuple) and not source.text_in(range_).startswith("(")
    opening, closing = ("((", "))") if is_bare else ("(", ")")
    edits = (source.insert(range_.start, spelling.text + opening), source.insert(range_.end, closing), *spelling.edits)
    used = (node for node in (*walk(found.value), *walk(found.at)) if isinstance(node, ast.Attribute))
    named = (node.attr for node in used if source.bindings.names_of(node))
    applicability = safety.safe_if(
        safety.no_release_runs_the_original(flax, _always_raises_since(found)),
        safety.data_is_there_from_the_start(source, found),
        safety.container_is_made_in_this_file(source, found, _found_in_this_file(source)),
        all(
            safety.nothing_sees_the_error(source, place, ValueError)
            for place in (found.value, found.at, *_instances(source, found.owner))
        ),
        safety.name_is_bound_for_certain(spelling),
        safety.names_are_bound_in_the_open(source),
        safety.members_are_themselves(source, "data", "__setattr__", *named),
    )
    return Fix(applicability, "Mark it as data", tuple(sorted(edits)))


def _declaration(source: ParsedSource, found: StaticAttribute, flax: FlaxRange) -> Fix | None:
    """Return the fix that lets the class body say that an attribute is data."""
    is_field = flax.starts_from(DATA_IN_CLASS_BODY_SINCE)
    spelling = spelling_of(source, "data" if is_field else "Data", start_of(found.owner.body[0]))
    if spelling is None:
        return None
    edits = (_of_field if found.cause is Cause.FIELD else _of_attribute)(
        source, found, spelling.text, is_field=is_field
    )
    return Fix(Applicability.UNSAFE, "Declare it as data", tuple(sorted((*edits, *spelling.edits)))) if edits else None


def _of_field(source: ParsedSource, found: StaticAttribute, data: str, *, is_field: bool) -> tuple[Edit, ...]:
    """Return the edits that make a field of a dataclass one of data; its default stays what it is."""
    if not is_field:
        range_ = source.range(found.value)
        is_quoted = isinstance(found.value, ast.Constant)
        return () if is_quoted else (source.insert(range_.start, f"{data}["), source.insert(range_.end, "]"))
    statement = source.ast_parent(found.value)
    if not isinstance(statement, ast.AnnAssign):
        return ()
    if statement.value is None:
        return (source.insert(source.range(statement).end, f" = {data}()"),)
    range_ = source.range(statement.value)
    return (source.insert(range_.start, f"{data}(default="), source.insert(range_.end, ")"))


def _of_attribute(source: ParsedSource, found: StaticAttribute, data: str, *, is_field: bool) -> tuple[Edit, ...]:
    """Return the edit that declares an attribute behind the docstring of a class, with the type of what is handed on."""
    statements = without_docstring(found.owner.body)
    annotation = _annotation_of(source, found.value)
    if not statements or (annotation is None and not is_field):
        return ()
    row, _ = start_of(statements[0])  # That of a decorator, if there is one.
    position = source.position_of_place((row, found.owner.body[0].col_offset))
    type_ = "" if annotation is None else f": {annotation}" if is_field else f": {data}[{annotation}]"
    line = f"{found.name}{type_} = {data}()" if is_field else f"{found.name}{type_}"
    indentation = source.line(position.row)[: position.column - 1]
    return (source.insert(position, f"{line}{source.newline * 2}{indentation}"),) if not indentation.strip() else ()


def _annotation_of(source: ParsedSource, value: ast.expr) -> str | None:
    """Return what the parameter that is handed on is annotated as, if that stands on one line."""
    bindings = source.bindings.bindings_of(value.id, start_of(value)) if isinstance(value, ast.Name) else ()
    annotation = getattr(bindings[0].node, "annotation", None) if len(bindings) == 1 else None
    text = source.text_in(source.range(annotation)) if isinstance(annotation, ast.expr) else None
    return text if text is not None and len(text.splitlines()) == 1 else None


@remembered
def _instances(source: ParsedSource, owner: ast.ClassDef) -> tuple[ast.Call, ...]:
    """Return the calls by which this file makes objects of a class, or of one that inherits from it."""
    classes = (owner, *derived_classes(source).get(owner, ()))
    return tuple(call for one in classes for call in source.bindings.calls.get(one.name, ()))


def _always_raises_since(found: StaticAttribute) -> FlaxRelease:
    """Return the first release on which a value raises whatever the Variables hold: before, arrays alone matter."""
    return found.since if found.data in (Sort.ARRAY, Sort.LAYER) else CHECKED_WHEN_SET_SINCE


@remembered
def _found_in_this_file(source: ParsedSource) -> frozenset[ast.expr]:
    """Return what is found without the other files of the project."""
    alone = ParsedSource(source.text, source.filename, None, source.bindings)
    found = frozenset(found.value for found in static_attributes(alone) if found.data is not Sort.MADE)
    alone.forget()
    return found


EXAMPLES = (
    Example(
        title="A list of layers",
        source="""\
import jax.numpy as jnp
from flax import nnx


class Stack(nnx.Module):
    def __init__(self, rngs):
        self.layers = [nnx.Linear(2, 2, rngs=rngs) for _ in range(3)]
        self.heads = {"a": nnx.Linear(2, 1, rngs=rngs)}

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.heads["a"](x)


def result():
    model = Stack(nnx.Rngs(0))
    return [list(model(jnp.ones((4, 2))).shape), len(model.layers), type(model.layers).__name__]
""",
        marked=("[nnx.Linear(2, 2, rngs=rngs) for _ in range(3)]", '{"a": nnx.Linear(2, 1, rngs=rngs)}'),
        fixed={
            "0.12.0": """\
import jax.numpy as jnp
from flax import nnx


class Stack(nnx.Module):
    def __init__(self, rngs):
        self.layers = nnx.data([nnx.Linear(2, 2, rngs=rngs) for _ in range(3)])
        self.heads = nnx.data({"a": nnx.Linear(2, 1, rngs=rngs)})

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.heads["a"](x)


def result():
    model = Stack(nnx.Rngs(0))
    return [list(model(jnp.ones((4, 2))).shape), len(model.layers), type(model.layers).__name__]
""",
        },
        applicability=Applicability.SAFE,
        floor="0.12.0",
        trees=(),
        result=[[4, 1], 3, "list"],
    ),
    Example(
        title="Appended while the Module is constructed",
        source="""\
import jax
import jax.numpy as jnp
from flax import nnx


class Stack(nnx.Module):
    def __init__(self, rngs):
        self.layers = []
        for _ in range(3):
            self.layers.append(nnx.Linear(2, 2, rngs=rngs))


def result():
    return len(jax.tree.leaves(nnx.state(Stack(nnx.Rngs(0)))))
""",
        marked=("[]",),
        fixed={
            "0.12.0": """\
import jax
import jax.numpy as jnp
from flax import nnx


class Stack(nnx.Module):
    def __init__(self, rngs):
        self.layers = nnx.data([])
        for _ in range(3):
            self.layers.append(nnx.Linear(2, 2, rngs=rngs))


def result():
    return len(jax.tree.leaves(nnx.state(Stack(nnx.Rngs(0)))))
""",
        },
        applicability=Applicability.SAFE,
        floor="0.12.0",
        trees=(),
        result=6,
    ),
    Example(
        title="An array in place of None",
        source="""\
import jax.numpy as jnp
from flax import nnx


class Features(nnx.Module):
    def __init__(self):
        self.frequencies = None

    def __call__(self, x):
        if self.frequencies is None:
            self.frequencies = jnp.ones(3)
        return self.frequencies * x


def result():
    return Features()(2.0).tolist()
""",
        marked=("None",),
        fixed={
            "0.11": """\
import jax.numpy as jnp
from flax import nnx


class Features(nnx.Module):
    def __init__(self):
        self.frequencies = nnx.data(None)

    def __call__(self, x):
        if self.frequencies is None:
            self.frequencies = jnp.ones(3)
        return self.frequencies * x


def result():
    return Features()(2.0).tolist()
""",
        },
        applicability=Applicability.UNSAFE,
        floor="0.11",
        trees=(),
        result=[2.0, 2.0, 2.0],
    ),
    Example(
        title="A field of a dataclass",
        source="""\
import dataclasses

import jax.numpy as jnp
from flax import nnx


@dataclasses.dataclass(eq=False)
class Stack(nnx.Module):
    layers: list[nnx.Linear]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def result():
    rngs = nnx.Rngs(0)
    model = Stack(layers=[nnx.Linear(2, 2, rngs=rngs) for _ in range(3)])
    return list(model(jnp.ones((4, 2))).shape)
""",
        marked=("list[nnx.Linear]",),
        fixed={
            "0.11": """\
import dataclasses

import jax.numpy as jnp
from flax import nnx


@dataclasses.dataclass(eq=False)
class Stack(nnx.Module):
    layers: nnx.Data[list[nnx.Linear]]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def result():
    rngs = nnx.Rngs(0)
    model = Stack(layers=[nnx.Linear(2, 2, rngs=rngs) for _ in range(3)])
    return list(model(jnp.ones((4, 2))).shape)
""",
            "0.12.1": """\
import dataclasses

import jax.numpy as jnp
from flax import nnx


@dataclasses.dataclass(eq=False)
class Stack(nnx.Module):
    layers: list[nnx.Linear] = nnx.data()

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def result():
    rngs = nnx.Rngs(0)
    model = Stack(layers=[nnx.Linear(2, 2, rngs=rngs) for _ in range(3)])
    return list(model(jnp.ones((4, 2))).shape)
""",
        },
        applicability=Applicability.UNSAFE,
        floor="0.11",
        trees=(),
        result=[4, 2],
    ),
)

RULE = Rule(
    CODES["NNX210"],
    "A container of Modules or arrays is no attribute of a Module: mark it with `nnx.data(…)`",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.no_release_runs_the_original,
        safety.data_is_there_from_the_start,
        safety.container_is_made_in_this_file,
        safety.nothing_sees_the_error,
        safety.name_is_bound_for_certain,
        safety.names_are_bound_in_the_open,
        safety.members_are_themselves,
    ),
)
