"""Finds what expressions hold for certain: Variables, Modules, containers of these, arrays, or constants.

It follows names, attributes of Modules and of Flax's own layers, calls of functions of the project, and annotations.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from flake8_nnx_treemap.analysis.calls.functions import PARTIAL, PROPERTIES
from flake8_nnx_treemap.analysis.code.nodes import defaults_of, dotted_name, is_name, start_of
from flake8_nnx_treemap.analysis.names.imported import definition_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.lookups import callables_looked_up, values_looked_up
from flake8_nnx_treemap.analysis.values.module_classes import (
    ClassMeant,
    Lineage,
    Method,
    OwnClass,
    Write,
    class_meant,
    derived_classes,
    lineage_of,
    members_of,
    method_of,
    put_into,
    results_of,
    self_at,
    set_under_made_names,
    writes_of,
)
from flake8_nnx_treemap.analysis.values.narrowed_names import (
    KnownName,
    KnownNames,
    by_name,
    known_at,
    known_attribute_where,
    known_where,
)
from flake8_nnx_treemap.analysis.values.things import (
    ARRAY,
    CONTAINERS,
    DICTS,
    LISTS,
    MADE,
    MARKS,
    MAXIMUM_ITEMS,
    NONE,
    SCALARS,
    STATIC,
    TUPLES,
    UNKNOWN,
    Contents,
    Sort,
    Thing,
    annotated,
    any_of,
    called_by_annotation,
    container,
    elements_of,
    has_dict,
    held_by_layer,
    instance_of,
    is_array,
    is_number_or_array,
    item_of,
    item_of_thing,
    iterated,
    joined,
    marked,
    with_array,
)
from flake8_nnx_treemap.names import MODULES_OF_PARAMS, canonical

MAXIMUM_STEPS = 24
"""How many expressions are followed from one to what it holds."""

_Path = tuple[int | None, ...]

_ARRAY_MODULES = frozenset({"jax.numpy", "numpy", "jax.random", "numpy.random"})
_ARRAY_MAKERS = frozenset(
    {"zeros", "ones", "full", "empty", "array", "asarray", "arange", "eye", "identity", "zeros_like", "ones_like"}
    | {"full_like", "empty_like", "stack", "concatenate", "reshape", "tile", "exp", "log", "sqrt", "matmul", "dot"}
    | {"normal", "uniform", "truncated_normal", "bernoulli", "PRNGKey", "key", "split", "fold_in", "permutation"}
)
"""Functions that return one array, however they are called; ``split`` does so in ``jax.random`` alone."""

_JAX_ARRAY_MAKERS = {
    "jax.numpy": frozenset(
        {"abs", "add", "all", "allclose", "any", "append", "argmax", "argmin", "argsort", "broadcast_to", "ceil"}
        | {"clip", "convolve", "cos", "cosh", "cross", "cumprod", "cumsum", "diag", "divide", "einsum", "expand_dims"}
        | {"flip", "floor", "geomspace", "hstack", "inner"}
        | {"isfinite", "isnan", "kron", "linspace", "log1p", "logical_and"}
        | {"logical_not", "logical_or", "logspace", "max", "maximum", "mean", "median", "min", "minimum", "mod"}
        | {"moveaxis", "multiply", "outer", "pad", "power", "prod", "ravel", "repeat", "roll", "round", "sign", "sin"}
        | {"sinh", "sort", "square", "squeeze", "std", "subtract", "sum", "swapaxes", "take", "take_along_axis", "tan"}
        | {"tanh", "tensordot", "transpose", "tri", "tril", "triu", "var", "vdot", "vstack"}
    ),
    "jax.numpy.linalg": frozenset({"cholesky", "det", "inv", "matrix_power", "norm", "pinv", "solve"}),
    "jax.numpy.fft": frozenset(
        {"fft", "fft2", "fftfreq", "fftn", "fftshift", "ifft", "ifft2", "ifftn", "ifftshift", "irfft", "rfft"}
        | {"rfft2", "rfftfreq", "rfftn"}
    ),
    "jax.nn": frozenset(
        {"elu", "gelu", "leaky_relu", "log_sigmoid", "log_softmax", "logsumexp", "one_hot", "relu", "selu", "sigmoid"}
        | {"silu", "softmax", "softplus", "swish", "tanh"}
    ),
    "jax.lax": frozenset({"dot_general", "dynamic_slice", "dynamic_update_slice", "rsqrt"}),
}
"""Functions of JAX that return one array of JAX; those of NumPy may return a number of its own, which is no data."""

_RETURN_ARRAYS = MODULES_OF_PARAMS | {"BatchNorm", "LoRA", "LoRALinear", "MultiHeadAttention"}
"""Flax's own layers that return one array."""

_PASSES_ON = frozenset({"flax.nnx.clone", "copy.copy", "copy.deepcopy"})
_SAME_ELEMENTS = frozenset({"builtins.list", "builtins.tuple", "builtins.reversed", "builtins.sorted", "builtins.iter"})
_IN_ANOTHER_ORDER = frozenset({"builtins.reversed", "builtins.sorted"})
_RUNS_AS_IT_IS = frozenset(
    {"flax.nnx.jit", "flax.nnx.remat", "flax.nnx.vmap", "flax.nnx.scan", "flax.nnx.pmap", "flax.nnx.split_rngs"}
    | {"flax.nnx.eval_shape", "jax.jit", "jax.vmap", "jax.eval_shape", "functools.cache", "functools.lru_cache"}
    | {"builtins.staticmethod", "builtins.classmethod", "typing.override"}
)
"""Transformations and decorators under which a call returns an object of the same make."""


def contents_of(source: ParsedSource, node: ast.expr) -> Contents:
    """Return what an expression holds.

    Args:
        source: the file.
        node: the expression.

    Returns:
        The things that it may be. They do not rest on what other files set the attributes of objects to.
    """
    return _contents(source, node, MAXIMUM_STEPS)


def written(source: ParsedSource, write: Write) -> Contents:
    """Return what an attribute holds after a place that sets it."""
    return _written(source, write, MAXIMUM_STEPS)


@remembered
def _contents(source: ParsedSource, node: ast.expr, steps: int) -> Contents:
    read = _READERS.get(type(node))
    return UNKNOWN if read is None or not steps else read(source, node, steps - 1)


# Constants, choices and displays


def _of_constant(source: ParsedSource, node: ast.Constant, steps: int) -> Contents:
    return NONE if node.value is None else STATIC


def _of_static(source: ParsedSource, node: ast.expr, steps: int) -> Contents:
    return STATIC


def _of_choice(source: ParsedSource, node: ast.IfExp, steps: int) -> Contents:
    return any_of((_contents(source, node.body, steps), _contents(source, node.orelse, steps)))


def _of_boolean(source: ParsedSource, node: ast.BoolOp, steps: int) -> Contents:
    return any_of(_contents(source, value, steps) for value in node.values)


def _of_walrus(source: ParsedSource, node: ast.NamedExpr, steps: int) -> Contents:
    return _contents(source, node.value, steps)


def _of_operator(source: ParsedSource, node: ast.BinOp, steps: int) -> Contents:
    """Return what an operator makes: an array of arrays and numbers, a list of two lists, or of one times a number."""
    left, right = _contents(source, node.left, steps), _contents(source, node.right, steps)
    sides = (left, right)
    are_containers = all(side.is_complete and {thing.sort for thing in side.things} <= CONTAINERS for side in sides)
    if isinstance(node.op, (ast.Add, ast.BitOr)) and are_containers:
        return joined(any_of(sides))
    if isinstance(node.op, ast.Mult):
        for side, other in (sides, sides[::-1]):
            if side.things and {thing.sort for thing in side.things} <= CONTAINERS and not is_array(other):
                return joined(side)
    has_array = any(is_array(side) for side in sides)
    if has_array and all(is_number_or_array(side) for side in sides):
        return ARRAY
    # What ``@`` is applied to beside an array is one, or something that makes one of it.
    is_product = isinstance(node.op, ast.MatMult) and all(is_array(side) or not side.things for side in sides)
    return ARRAY if has_array and is_product else UNKNOWN


def _of_display(source: ParsedSource, node: ast.List | ast.Tuple, steps: int) -> Contents:
    sort = Sort.LIST if isinstance(node, ast.List) else Sort.TUPLE
    parts: list[Contents] = []
    for element in node.elts:
        if isinstance(element, ast.Starred):
            parts.append(iterated(_contents(source, element.value, steps)))
        else:
            parts.append(_contents(source, element, steps))
    is_plain = len(parts) <= MAXIMUM_ITEMS and not any(isinstance(one, ast.Starred) for one in node.elts)
    items: tuple[tuple[object, Contents], ...] = tuple(enumerate(parts)) if is_plain else ()
    return container(sort, any_of(parts), items)


def _of_dict(source: ParsedSource, node: ast.Dict, steps: int) -> Contents:
    parts: list[Contents] = []
    items: list[tuple[object, Contents]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        found = _contents(source, value, steps)
        parts.append(found if key is not None else elements_of(found))
        if isinstance(key, ast.Constant):
            items.append((key.value, found))
    is_plain = len(items) == len(parts) <= MAXIMUM_ITEMS
    return container(Sort.DICT, any_of(parts), tuple(items) if is_plain else ())


def _of_comprehension(source: ParsedSource, node: ast.ListComp | ast.GeneratorExp, steps: int) -> Contents:
    return container(Sort.LIST, _contents(source, node.elt, steps))


def _of_dict_comprehension(source: ParsedSource, node: ast.DictComp, steps: int) -> Contents:
    return container(Sort.DICT, _contents(source, node.value, steps))


def _at(whole: Contents, path: _Path) -> Contents:
    """Return the part of something at some indices, one within the other."""
    for index in path:
        whole = UNKNOWN if index is None or has_dict(whole) else item_of(whole, index)
    return whole


# Names


def _of_name(source: ParsedSource, node: ast.Name, steps: int) -> Contents:
    place = start_of(node)
    bindings = source.bindings.bindings_of(node.id, place)
    found = _of_bindings(source, bindings, steps)
    if not found.is_complete or len(found.things) > 1:
        tested = next(known_at(source, _tested(source), node, bindings), None)
        if tested is not None and tested.is_instance_of is not None:
            return instance_of(tested.is_instance_of)
    return found


@remembered
def _tested(source: ParsedSource) -> KnownNames:
    """Return where ``isinstance(name, Class)`` has been true, for one class each."""
    return by_name(_where_tested(source))


def _where_tested(source: ParsedSource) -> Iterator[KnownName]:
    for call in source.bindings.calls.get("isinstance", ()):
        if len(call.args) == 2 and isinstance(call.args[0], ast.Name):
            tested = class_meant(source, call.args[1])
            if tested is not None:
                yield from known_where(source, call, call.args[0].id, tested)


@remembered
def _of_bindings(source: ParsedSource, bindings: tuple[Binding, ...], steps: int) -> Contents:
    if not bindings or not steps:
        return UNKNOWN
    found = any_of(_of_binding(source, one, steps) for one in bindings if not _is_replaced(source, one, bindings))
    if any(thing.sort in CONTAINERS for thing in found.things):
        found = _with_put(source, found, _put_into_name(source, bindings[0].name).get(bindings, ()), steps)
        if not elements_of(found).is_complete and isinstance(bindings[0].node, ast.AnnAssign):
            return annotated(source, bindings[0].node.annotation, None, steps)
    return found


def _is_replaced(source: ParsedSource, binding: Binding, bindings: Sequence[Binding]) -> bool:
    """Tell whether a parameter is an instance of what is assigned else: ``if not isinstance(x, C): x = C(x)``."""
    if binding.kind is not BindingKind.PARAMETER:
        return False
    for other in bindings:
        choice = other.block.owner
        test = choice.test if isinstance(choice, ast.If) else None
        if not isinstance(test, ast.UnaryOp) or not isinstance(test.op, ast.Not) or not isinstance(choice, ast.If):
            continue
        call = test.operand
        is_test = isinstance(call, ast.Call) and is_name(call.func, "isinstance") and len(call.args) == 2
        if is_test and isinstance(call, ast.Call) and is_name(call.args[0], binding.name) and other.node in choice.body:
            made = other.value.func if isinstance(other.value, ast.Call) else None
            return made is not None and class_meant(source, made) == class_meant(source, call.args[1]) is not None
    return False


def _of_binding(source: ParsedSource, binding: Binding, steps: int) -> Contents:
    if binding.kind is BindingKind.PARAMETER:
        return _of_parameter(source, binding, steps)
    if binding.kind is BindingKind.ITERATION and binding.value is not None:
        return _of_iteration(source, binding.value, binding.path, steps)
    if binding.kind is BindingKind.OTHER and isinstance(binding.node, ast.AugAssign):
        return _of_added(source, binding, binding.node, steps)
    if binding.kind is BindingKind.FUNCTION:
        return STATIC
    if binding.kind is not BindingKind.ASSIGNMENT or binding.value is None:
        return UNKNOWN
    found = _at(_contents(source, binding.value, steps), binding.path)
    if not found.is_complete and isinstance(binding.node, ast.AnnAssign):
        return annotated(source, binding.node.annotation, None, steps)
    return found


def _of_added(source: ParsedSource, binding: Binding, node: ast.AugAssign, steps: int) -> Contents:
    """Return what ``names += [..]`` leaves: any element of both lists."""
    others = [one for one in source.bindings.bindings_of(binding.name, start_of(node)) if one is not binding]
    earlier = tuple(one for one in others if one.place < binding.place)
    later = tuple(one for one in others if one.place > binding.place)
    sides = [_contents(source, node.value, steps)]
    if earlier or not later:
        sides.append(_of_bindings(source, earlier, steps))
    if later:  # In a loop, where two may add in turn: each round is a step.
        sides.append(_of_bindings(source, later, steps - 1))
    is_known = all(side.is_complete and {one.sort for one in side.things} <= CONTAINERS for side in sides)
    return joined(any_of(sides)) if is_known else UNKNOWN


def _of_parameter(source: ParsedSource, binding: Binding, steps: int) -> Contents:
    arguments = getattr(binding.scope.node, "args", None)
    if not isinstance(arguments, ast.arguments) or not isinstance(binding.node, ast.arg):
        return UNKNOWN
    if binding.node in (arguments.vararg, arguments.kwarg):
        sort = Sort.TUPLE if binding.node is arguments.vararg else Sort.DICT
        return container(sort, annotated(source, binding.node.annotation, None, steps))
    own = _own_instance(binding)
    if own is not None:
        return instance_of(OwnClass(source, own)) if not _is_variable_class(source, own) else UNKNOWN
    return annotated(source, binding.node.annotation, None, steps)


def _is_variable_class(source: ParsedSource, node: ast.ClassDef) -> bool:
    """Tell whether a class is one of Variables: what its methods may do with their ``self`` is for other rules."""
    return lineage_of(source, node).variable is not None


def _own_instance(binding: Binding) -> ast.ClassDef | None:
    """Return the class of which a parameter is an instance as a method's first one, as ``self`` is."""
    method, around = binding.scope.node, binding.scope.parent
    if around is None or not isinstance(around.node, ast.ClassDef) or not isinstance(method, Method):
        return None
    names = {(dotted_name(one) or ("",))[-1] for one in method.decorator_list}
    first = [*method.args.posonlyargs, *method.args.args][:1]
    return around.node if binding.node in first and names.isdisjoint({"staticmethod", "classmethod"}) else None


@remembered
def _put_into_name(source: ParsedSource, name: str) -> Mapping[tuple[Binding, ...], Sequence[Write]]:
    """Return what is put into the containers that a name is bound to, by the bindings that reach the place."""
    found: dict[tuple[Binding, ...], list[Write]] = {}
    for node in source.bindings.attributes.get(name, ()):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            for put in put_into(source, node):
                bindings = source.bindings.bindings_of(name, start_of(node))
                found.setdefault(bindings, []).append(Write(node, put.value, puts=put))
    return found


def _with_put(source: ParsedSource, whole: Contents, writes: Iterable[Write], steps: int) -> Contents:
    """Return containers with what is put into them, which may be at any index."""
    puts = [write.puts for write in writes if write.puts is not None]
    if not puts:
        return whole
    found = [_contents(source, put.value, steps) for put in puts]
    things: list[Thing] = []
    for thing in whole.things:
        if thing.sort in CONTAINERS:
            all_of = elements_of if thing.sort is Sort.DICT else iterated
            added = (one if put.is_element else all_of(one) for put, one in zip(puts, found, strict=True))
            thing = replace(thing, elements=any_of((thing.elements or UNKNOWN, *added)), items=())
        things.append(thing)
    return replace(whole, things=tuple(things))


def _of_iteration(source: ParsedSource, iterable: ast.expr, path: _Path, steps: int) -> Contents:
    """Return what a loop or comprehension takes from what it iterates over, at some indices of that."""
    if not steps:
        return UNKNOWN
    if isinstance(iterable, ast.Call):
        given = iterable.args
        name = _only_name(source, iterable.func)
        if name == "builtins.enumerate" and given and path:
            return STATIC if path[0] == 0 else _of_iteration(source, given[0], path[1:], steps - 1)
        if name == "builtins.zip" and path and path[0] is not None and path[0] < len(given):
            return _of_iteration(source, given[path[0]], path[1:], steps - 1)
        if name in _SAME_ELEMENTS and len(given) == 1:
            return _of_iteration(source, given[0], path, steps - 1)
        if name == "builtins.range":
            return STATIC
        if isinstance(iterable.func, ast.Attribute) and not given:
            found = _of_dict_part(source, iterable.func, path, steps)
            if found is not None:
                return found
    return _at(iterated(_contents(source, iterable, steps)), path)


def _of_dict_part(source: ParsedSource, method: ast.Attribute, path: _Path, steps: int) -> Contents | None:
    """Return what a loop takes from ``d.items()`` or ``d.values()``; ``None`` for another method."""
    if method.attr == "values":
        return _at(elements_of(_dicts(_contents(source, method.value, steps))), path)
    if method.attr == "items" and path:
        elements = elements_of(_dicts(_contents(source, method.value, steps)))
        return _at(elements, path[1:]) if path[0] == 1 else UNKNOWN
    return None


def _dicts(whole: Contents) -> Contents:
    return whole if all(thing.sort in (Sort.DICT, Sort.NONE) for thing in whole.things) else UNKNOWN


# Subscripts


def _of_subscript(source: ParsedSource, node: ast.Subscript, steps: int) -> Contents:
    whole = _contents(source, node.value, steps)
    if is_array(whole):
        return ARRAY
    if isinstance(node.slice, ast.Slice):
        return joined(whole) if whole.is_complete else UNKNOWN
    try:
        key = ast.literal_eval(node.slice)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return elements_of(whole)
    return item_of(whole, key)


# Attributes


def _of_attribute(source: ParsedSource, node: ast.Attribute, steps: int) -> Contents:
    owner = _contents(source, node.value, steps)
    known = [thing for thing in owner.things if thing.sort is not Sort.NONE]
    is_known = owner.is_complete and bool(known)
    found = any_of(_attribute_of(source, thing, node.attr, steps) for thing in known) if is_known else UNKNOWN
    if found.is_complete and len(found.things) == 1:
        return found
    return _as_tested(source, node) or found


def _as_tested(source: ParsedSource, node: ast.Attribute) -> Contents | None:
    """Return the instance that ``isinstance(self.scale, Class)`` has found an attribute to be."""
    calls = _tests_of_attributes(source).get(node.attr)
    parts = dotted_name(node) if calls else None
    if not calls or parts is None:
        return None
    bindings = source.bindings.bindings_of(parts[0], start_of(node))
    tested = next(known_at(source, _where_attributes_are_tested(source, node.attr), node, bindings), None)
    return None if tested is None or tested.is_instance_of is None else instance_of(tested.is_instance_of)


@remembered
def _tests_of_attributes(source: ParsedSource) -> Mapping[str, Sequence[ast.Call]]:
    """Return the calls ``isinstance(self.scale, Class)`` by the name of the attribute."""
    found: dict[str, list[ast.Call]] = {}
    for call in source.bindings.calls.get("isinstance", ()):
        if len(call.args) == 2 and isinstance(call.args[0], ast.Attribute):
            found.setdefault(call.args[0].attr, []).append(call)
    return found


@remembered
def _where_attributes_are_tested(source: ParsedSource, name: str) -> KnownNames:
    """Return where such tests of attributes of one name have been true."""
    calls = [(call, call.args[0]) for call in _tests_of_attributes(source).get(name, ())]
    known = (
        known_attribute_where(source, call, subject, class_meant(source, call.args[1]))
        for call, subject in calls
        if isinstance(subject, ast.Attribute)
    )
    return by_name(one for found in known for one in found)


def _attribute_of(source: ParsedSource, thing: Thing, attribute: str, steps: int) -> Contents:
    if thing.own is not None:
        return _of_own(source, thing.own, attribute, steps)
    if thing.sort is Sort.LAYER:
        if thing.name == "Sequential" and attribute == "layers" and thing.elements is not None:
            return container(Sort.LIST, thing.elements, thing.items)
        return any_of((held_by_layer(thing.name, attribute), *_set_outside(source, attribute, steps)))
    if thing.sort is Sort.DICT and thing.is_marked:
        return item_of(Contents((thing,), True), attribute)
    return UNKNOWN


@remembered
def _set_outside(source: ParsedSource, attribute: str, steps: int) -> tuple[Contents, ...]:
    """Return what a file sets an attribute to on anything but the ``self`` of a method."""
    writes = writes_of(source, attribute).get(None, ())
    return tuple(_written(source, one, steps) for one in writes if one.puts is None)


def _written(source: ParsedSource, write: Write, steps: int) -> Contents:
    if write.value is None:
        return UNKNOWN if write.annotation is None else annotated(source, write.annotation, None, steps)
    found = _at(_contents(source, write.value, steps), write.path)
    if not found.is_complete and write.annotation is not None:
        return annotated(source, write.annotation, None, steps)
    return found


@remembered
def _of_own(source: ParsedSource, own: OwnClass, attribute: str, steps: int) -> Contents:
    """Return what an attribute of an instance holds, seen from a file."""
    lineage = lineage_of(own.source, own.node)
    related = _related(lineage)
    bodies = [members_of(one.source, one.node) for one in related]
    if not steps or any("__getattribute__" in body or "__setattr__" in body for body in bodies):
        return UNKNOWN
    members = [(one, body[attribute]) for one, body in zip(related, bodies, strict=True) if attribute in body]
    if any(member.functions for _, member in members):
        return any_of(_of_property(one, member.functions, steps) for one, member in members)
    writes = [(one.source, write) for one in related for write in writes_of(one.source, attribute).get(one.node, ())]
    declared = [(one.source, found) for one, member in members for found in member.annotations]
    values = [
        (one.source, value) for one, member in members for value in member.values if not _is_field(one.source, value)
    ]
    assigned = [(home, write) for home, write in writes if write.puts is None]
    set_to = [_written(home, write, steps) for home, write in assigned]
    if any(found.is_complete and found.things for found in set_to):
        # ``self.embedding = embed.embedding`` shares what is of the same kind.
        alike = [found for found, (_, write) in zip(set_to, assigned, strict=True) if not _shares(write, attribute)]
        set_to = alike or set_to
    set_to += [_contents(home, value, steps) for home, value in values]
    set_to += [
        _contents(one.source, value, steps)
        for one in related
        for value in set_under_made_names(one.source, one.node, attribute)
    ]
    for home in dict.fromkeys((own.source, source)):
        set_to += _set_outside(home, attribute, steps)
    if not set_to and not declared and lineage.layer is not None:
        return held_by_layer(lineage.layer, attribute)
    found = any_of(set_to) if set_to else UNKNOWN
    is_told = found.is_complete and any(thing.sort is not Sort.NONE for thing in found.things)
    if declared and not is_told:
        found = any_of(annotated(home, annotation, None, steps) for home, annotation in declared)
    for home, write in writes:
        found = _with_put(home, found, [write], steps)
    return found


def _shares(write: Write, attribute: str) -> bool:
    return isinstance(write.value, ast.Attribute) and write.value.attr == attribute and not write.path


def _is_field(source: ParsedSource, value: ast.expr) -> bool:
    """Tell whether the value in a class body only describes a field: ``dataclasses.field(..)``, ``nnx.data()``."""
    return isinstance(value, ast.Call) and not value.args


def _related(lineage: Lineage) -> list[OwnClass]:
    """Return the classes whose methods set the attributes of an instance: its bases, and what inherits from it."""
    first = lineage.own[0]
    derived = derived_classes(first.source).get(first.node, ())
    return [*lineage.own, *(OwnClass(first.source, node) for node in derived)]


def _of_property(one: OwnClass, functions: Sequence[Method], steps: int) -> Contents:
    if len(functions) != 1 or len(functions[0].decorator_list) != 1:
        return UNKNOWN
    decorator = functions[0].decorator_list[0]
    is_property = not one.source.bindings.names_of(decorator).isdisjoint(PROPERTIES)
    return _returned(one.source, functions[0], steps) if is_property else UNKNOWN


# Calls


def _of_call(source: ParsedSource, node: ast.Call, steps: int) -> Contents:
    function = node.func
    name = _only_name(source, function)
    if name is not None:
        found = _of_known_call(source, node, name, steps)
        if found is not None:
            return found
    made = _class_called(source, function)
    if made is not None:
        held = _contents(source, node.args[0], steps) if node.args else UNKNOWN
        return with_array(instance_of(made)) if is_array(held) else instance_of(made)
    if isinstance(function, ast.Attribute):
        found = _of_method(source, node, function, steps)
    else:
        found = _returned_by(source, function, steps, is_called=True)
    is_told = found != UNKNOWN or _is_of_project(source, function, steps)
    if not is_told and _is_given_rngs(node):
        return MADE
    return ARRAY if found == UNKNOWN and _is_layer_of_arrays(source, function, steps) else found


def _is_of_project(source: ParsedSource, function: ast.expr, steps: int) -> bool:
    """Tell whether the project shows the body of what is called: no guess is better than what that returns."""
    if isinstance(function, ast.Attribute):
        owners = [thing.own for thing in _contents(source, function.value, steps).things]
        own, _ = self_at(source, function.value)
        owners += [OwnClass(source, own)] if own is not None else []
        return any(
            one is not None and method_of(lineage_of(one.source, one.node), function.attr) is not None for one in owners
        )
    bindings = source.bindings.bindings_of(function.id, start_of(function)) if isinstance(function, ast.Name) else ()
    if any(isinstance(one.node, Method) for one in bindings):
        return True
    names = frozenset(one.qualified_name for one in bindings if one.qualified_name is not None)
    elsewhere = definition_elsewhere(source, names) if names else None
    return elsewhere is not None and isinstance(elsewhere[1].node, Method)


def _is_layer_of_arrays(source: ParsedSource, function: ast.expr, steps: int) -> bool:
    """Tell whether what is called is a layer of Flax that returns an array: ``self.linear(x)``."""
    called = _contents(source, function, steps)
    are_layers = all(thing.sort is Sort.LAYER and thing.name in _RETURN_ARRAYS for thing in called.things)
    return called.is_complete and bool(called.things) and are_layers


def _is_given_rngs(node: ast.Call) -> bool:
    """Tell whether a call is given ``rngs``, as the constructors of Modules are; those of Linen are given a dict."""
    return any(one.arg == "rngs" and not isinstance(one.value, (ast.Dict, ast.Constant)) for one in node.keywords)


def _only_name(source: ParsedSource, node: ast.expr) -> str | None:
    """Return the canonical name of what an expression names, if that is one thing and not one of the project's own."""
    names = source.bindings.names_of(node.value if isinstance(node, ast.Subscript) else node)
    return canonical(next(iter(names))) if len(names) == 1 else None


def _of_known_call(source: ParsedSource, node: ast.Call, name: str, steps: int) -> Contents | None:
    """Return what a function or class of a library returns; ``None`` if nothing is known of it."""
    given = node.args[0] if node.args and not isinstance(node.args[0], ast.Starred) else None
    if name in _PASSES_ON and given is not None:
        return _contents(source, given, steps)
    if name in _READ_ARGUMENTS and node.args:
        return _of_call_by_arguments(source, node, name, steps)
    if name == "flax.nnx.data" and given is not None:
        return marked(_contents(source, given, steps))
    if name in LISTS | TUPLES | DICTS or name in _SAME_ELEMENTS:
        return _of_container_call(source, node, name, steps)
    if name == "flax.nnx.Sequential":
        layers = ast.copy_location(ast.List(node.args, ast.Load()), node)
        (held,) = _of_display(source, layers, steps).things
        return Contents((Thing(Sort.LAYER, "Sequential", None, held.elements, held.items),), True)
    if _makes_array(name):
        return ARRAY
    if name in ("jax.numpy.split", "jax.numpy.array_split"):
        return container(Sort.LIST, ARRAY)
    if name in SCALARS or name == PARTIAL:
        return STATIC
    return UNKNOWN if name.partition(".")[0] in sys.stdlib_module_names else None


_READ_ARGUMENTS = frozenset({"builtins.map", "flax.nnx.eval_shape", "flax.nnx.merge", "typing.cast"})


def _of_call_by_arguments(source: ParsedSource, node: ast.Call, name: str, steps: int) -> Contents:
    """Return what ``map(f, ..)``, ``nnx.eval_shape(f)``, ``nnx.merge(graph, state)`` or ``cast(T, x)`` returns."""
    if name == "flax.nnx.merge":
        model = _model_split(source, node.args[0])
        return UNKNOWN if model is None else _contents(source, model, steps)
    if name == "typing.cast":
        held = _contents(source, node.args[-1], steps)
        declared = annotated(source, node.args[0], None, steps)
        is_container = any(thing.sort in CONTAINERS for thing in declared.things)
        return held if held.is_complete or is_container else declared
    returned = _returned_by(source, node.args[0], steps)
    return container(Sort.LIST, returned) if name == "builtins.map" else returned


def _model_split(source: ParsedSource, graph: ast.expr) -> ast.expr | None:
    """Return the model of which a graph definition was split off: a name for it, or ``*nnx.split(model)``."""
    if isinstance(graph, ast.Starred):
        call: ast.expr | None = graph.value
    else:
        bindings = source.bindings.bindings_of(graph.id, start_of(graph)) if isinstance(graph, ast.Name) else ()
        call = bindings[0].value if len(bindings) == 1 and bindings[0].path == (0,) else None
    is_split = isinstance(call, ast.Call) and bool(call.args) and _only_name(source, call.func) == "flax.nnx.split"
    return call.args[0] if is_split and isinstance(call, ast.Call) else None


def _makes_array(name: str) -> bool:
    module, _, function = name.rpartition(".")
    if function in _JAX_ARRAY_MAKERS.get(module, ()):
        return True
    return module in _ARRAY_MODULES and function in _ARRAY_MAKERS and (function != "split" or module == "jax.random")


def _of_container_call(source: ParsedSource, node: ast.Call, name: str, steps: int) -> Contents:
    is_dict = name in DICTS
    sort = Sort.DICT if is_dict else Sort.TUPLE if name in TUPLES else Sort.LIST
    parts = [_contents(source, keyword.value, steps) for keyword in node.keywords if keyword.arg] if is_dict else []
    named = [keyword.arg for keyword in node.keywords if keyword.arg] if is_dict else []
    items: tuple[tuple[object, Contents], ...] = tuple(zip(named, parts, strict=True)) if not node.args else ()
    if node.args:
        whole = UNKNOWN if isinstance(node.args[0], ast.Starred) else _contents(source, node.args[0], steps)
        is_same = has_dict(whole) == is_dict
        parts.append(elements_of(whole) if is_same else UNKNOWN)
        is_in_order = name not in _IN_ANOTHER_ORDER and not node.keywords
        items = whole.things[0].items if len(whole.things) == 1 and is_same and is_in_order else ()
    found = Thing(sort, elements=any_of(parts), items=items, is_marked=name in MARKS)
    return Contents((found,), True)


def _class_called(source: ParsedSource, function: ast.expr) -> ClassMeant | None:
    """Return the class that a call makes an instance of."""
    found = class_meant(source, function)
    if isinstance(found, str):
        return found if instance_of(found).is_complete else None
    return found


def _of_method(source: ParsedSource, node: ast.Call, function: ast.Attribute, steps: int) -> Contents:
    """Return what a method returns, if every class that the object may be of defines it in the project."""
    owner = _contents(source, function.value, steps)
    if not owner.is_complete or not owner.things:
        own, _ = self_at(source, function.value)  # ``cls.method(..)``
        return UNKNOWN if own is None else _of_own_method(source, own, function.attr, steps)
    results: list[Contents] = []
    for thing in owner.things:
        if thing.sort is Sort.NONE:
            continue
        if thing.own is not None:
            results.append(_of_own_method(thing.own.source, thing.own.node, function.attr, steps))
        elif thing.sort is Sort.DICT and function.attr in ("get", "pop") and node.args:
            key = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            results += [item_of_thing(thing, key), *(_contents(source, one, steps) for one in node.args[1:])]
        elif thing.sort is Sort.LIST and function.attr == "pop":
            results.append(thing.elements or UNKNOWN)
        elif thing.sort is Sort.VARIABLE and function.attr in ("copy", "replace"):
            results.append(Contents((thing,), True))
        else:
            return UNKNOWN
    return any_of(results) if results else UNKNOWN


@remembered
def _of_own_method(source: ParsedSource, node: ast.ClassDef, name: str, steps: int) -> Contents:
    found = method_of(lineage_of(source, node), name)
    if found is None or not steps:
        return UNKNOWN
    others = [members_of(source, one).get(name) for one in derived_classes(source).get(node, ())]
    if any(one is not None for one in others):
        return UNKNOWN
    return _returned(*found, steps)


def _returned_by(source: ParsedSource, function: ast.expr, steps: int, *, is_called: bool = False) -> Contents:
    """Return what a call of a function returns: one of the project, one that is looked up, or that NNX transforms."""
    if not steps:
        return UNKNOWN
    if isinstance(function, ast.Lambda):
        return _contents(source, function.body, steps)
    if isinstance(function, ast.Call):
        return _returned_by_made(source, function, steps)
    if isinstance(function, (ast.IfExp, ast.BoolOp)):
        sides = (function.body, function.orelse) if isinstance(function, ast.IfExp) else function.values
        return any_of(_returned_by(source, side, steps - 1) for side in sides)
    made = None if is_called else _class_called(source, function)
    if made is not None:
        return instance_of(made)
    if isinstance(function, ast.Subscript):
        return _returned_by_any(values_looked_up(source, function.value), steps)
    if isinstance(function, ast.Attribute):
        owner = _contents(source, function.value, steps)
        (thing,) = owner.things if owner.is_complete and len(owner.things) == 1 else (Thing(Sort.NONE),)
        return UNKNOWN if thing.own is None else _of_own_method(thing.own.source, thing.own.node, function.attr, steps)
    bindings = source.bindings.bindings_of(function.id, start_of(function)) if isinstance(function, ast.Name) else ()
    return any_of(_returned_by_bound(source, one, steps) for one in bindings) if bindings else UNKNOWN


def _returned_by_bound(source: ParsedSource, binding: Binding, steps: int) -> Contents:
    """Return what a call of a name returns, as far as one of its bindings says."""
    if isinstance(binding.node, Method):
        return _returned(source, binding.node, steps)
    if binding.kind is BindingKind.CLASS and isinstance(binding.node, ast.ClassDef):
        return instance_of(OwnClass(source, binding.node))
    if binding.kind is BindingKind.IMPORT and binding.qualified_name is not None:
        return _returned_elsewhere(source, binding.qualified_name, steps)
    if binding.kind is BindingKind.PARAMETER:
        return _returned_by_parameter(source, binding, steps)
    is_plain = binding.kind is BindingKind.ASSIGNMENT and not binding.path and binding.value is not None
    return _returned_by(source, binding.value, steps - 1) if is_plain and binding.value is not None else UNKNOWN


def _returned_by_parameter(source: ParsedSource, binding: Binding, steps: int) -> Contents:
    """Return what a call of a parameter returns: data, where its annotation or its default is a class of such."""
    found = called_by_annotation(source, getattr(binding.node, "annotation", None), steps)
    default = default_of(binding)
    if not found.is_complete and isinstance(default, (ast.Name, ast.Attribute)):
        made = _class_called(source, default)
        found = UNKNOWN if made is None else instance_of(made)
    return MADE if found.is_complete and found.things and all(map(_is_made, found.things)) else UNKNOWN


def _is_made(thing: Thing) -> bool:
    """Tell whether a thing is a Variable, a Module or an array."""
    if thing.own is not None:
        return lineage_of(thing.own.source, thing.own.node).layer is not None
    return thing.sort in (Sort.LAYER, Sort.VARIABLE, Sort.ARRAY)


def default_of(binding: Binding) -> ast.expr | None:
    """Return the default of a parameter."""
    arguments = getattr(binding.scope.node, "args", None)
    if not isinstance(arguments, ast.arguments):
        return None
    return next((default for one, default in defaults_of(arguments) if one is binding.node), None)


def _returned_by_any(functions: Sequence[tuple[ParsedSource, ast.expr]], steps: int) -> Contents:
    """Return what a call of one of several expressions returns."""
    return any_of(_returned_by(home, one, steps - 1) for home, one in functions) if functions else UNKNOWN


def _returned_by_made(source: ParsedSource, maker: ast.Call, steps: int) -> Contents:
    """Return what is returned by a call of ``nnx.vmap(f)``, ``partial(f, ..)``, ``get_layer(name)`` and the like."""
    name = _only_name(source, maker.func)
    if name in _RUNS_AS_IT_IS | {PARTIAL} and maker.args:
        first = maker.args[0]
        return _returned_by(source, first, steps - 1)
    if isinstance(maker.func, ast.Call):  # ``nnx.split_rngs(splits=n)(nnx.vmap(f))(..)``
        inner = maker.func
        if _only_name(source, inner.func) in _RUNS_AS_IT_IS and maker.args:
            return _returned_by(source, maker.args[0], steps - 1)
    return _returned_by_any(callables_looked_up(source, maker), steps)


@remembered
def _returned_elsewhere(source: ParsedSource, name: str, steps: int) -> Contents:
    """Return what a function in another file of the project returns."""
    found = definition_elsewhere(source, frozenset({name})) if steps else None
    if found is None:
        return UNKNOWN
    home, binding = found
    return _returned(home, binding.node, steps - 1) if isinstance(binding.node, Method) else UNKNOWN


@remembered
def _returned(source: ParsedSource, function: Method, steps: int) -> Contents:
    """Return what a function returns on every way, or what its annotation says."""
    results = results_of(function)
    if results is None or not steps or isinstance(function, ast.AsyncFunctionDef):
        return UNKNOWN
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = _only_name(source, called)
        if name == PARTIAL and isinstance(decorator, ast.Call) and decorator.args:
            name = _only_name(source, decorator.args[0])
        if name not in _RUNS_AS_IT_IS | PROPERTIES:
            return UNKNOWN
    found = any_of(_contents(source, value, steps) for value in results) if results else UNKNOWN
    return annotated(source, function.returns, None, steps) if not found.is_complete else found


_READERS: Mapping[type[ast.expr], Callable[..., Contents]] = {
    ast.Constant: _of_constant,
    ast.JoinedStr: _of_static,
    ast.Lambda: _of_static,
    ast.IfExp: _of_choice,
    ast.BoolOp: _of_boolean,
    ast.NamedExpr: _of_walrus,
    ast.BinOp: _of_operator,
    ast.List: _of_display,
    ast.Tuple: _of_display,
    ast.Dict: _of_dict,
    ast.ListComp: _of_comprehension,
    ast.GeneratorExp: _of_comprehension,
    ast.DictComp: _of_dict_comprehension,
    ast.Name: _of_name,
    ast.Subscript: _of_subscript,
    ast.Attribute: _of_attribute,
    ast.Call: _of_call,
}
