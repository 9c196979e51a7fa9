"""Finds Modules that hold Params alone, as far as the file tells: layers of Flax, and what is built of these."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.calls.functions import class_of_self
from flake8_nnx_treemap.analysis.code.nodes import is_name, nodes_below, start_of
from flake8_nnx_treemap.analysis.names.quoted import quoted_annotations
from flake8_nnx_treemap.analysis.names.scopes import BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.values.provenance import TreeKind, member_of_nnx, origin_of
from flake8_nnx_treemap.names import MODULES_OF_PARAMS, VARIABLE_STATE_IS_VARIABLE, FlaxRange

MAXIMUM_STEPS = 4
"""How many containers and classes of the file are looked into, one in the other."""

_CONTAINERS = frozenset({"Sequential", "List"})
_LAYERS = MODULES_OF_PARAMS | {"LoRA", "LoRALinear", "MultiHeadAttention"}
"""Layers that hold Params alone, or subclasses, unless one of these keywords is given."""
_CELLS = frozenset({"GRUCell", "LSTMCell", "OptimizedLSTMCell", "SimpleCell"})
"""Layers that keep no random streams from Flax 0.11 on."""
_MAKES_MORE = frozenset({"base_module", "dropout_rate"})
_HOLD_NOTHING_ELSE = _CONTAINERS | {"Module", "Pytree", "Param", "Dict", "Rngs"}
"""Classes of Flax that a Module of Params may name. An ``nnx.Rngs`` that it keeps is another matter."""


def may_hold_only_params(source: ParsedSource, module: ast.expr, flax: FlaxRange) -> bool:
    """Tell whether a Module may well hold nothing but Params.

    Args:
        source: the file.
        module: an expression.
        flax: the releases that run the code.

    Returns:
        True for a layer of Flax that does, by its constructor or annotation; for a Sequential of such layers; and for
        an instance of a class of this file that names no others, also as ``self`` in its methods.
    """
    layers = _LAYERS | _CELLS if flax.starts_from(VARIABLE_STATE_IS_VARIABLE) else _LAYERS
    scope = class_of_self(source, module)
    if scope is not None and isinstance(scope.node, ast.ClassDef):
        return _is_class_of_params(source, scope.node, layers, MAXIMUM_STEPS)
    return _may_be(source, module, layers, MAXIMUM_STEPS)


def _may_be(source: ParsedSource, module: ast.expr, layers: frozenset[str], steps: int) -> bool:
    origin = origin_of(source, module)
    if isinstance(origin, Unknown) or origin.kind is not TreeKind.MODULE or not steps:
        return False
    made_by = origin.made_by
    quoted = (one for one in quoted_annotations(source) if source.ast_parent(one) is made_by)
    named = made_by.func if isinstance(made_by, ast.Call) else next(quoted, made_by)
    members = _members(source, named)
    if members:
        is_container = isinstance(made_by, ast.Call) and members <= _CONTAINERS
        is_layer = members <= layers and not (isinstance(made_by, ast.Call) and _makes_more(made_by))
        return is_layer or (is_container and _all_may_be(source, made_by, layers, steps - 1))
    definition = _class_named(source, named)
    return definition is not None and _is_class_of_params(source, definition, layers, steps - 1)


def _makes_more(call: ast.Call) -> bool:
    """Tell whether a layer is given what brings other Variables along, such as the random streams of a dropout."""
    given = (one for one in call.keywords if one.arg in _MAKES_MORE)
    return any(not (isinstance(one.value, ast.Constant) and not one.value.value) for one in given)


def _all_may_be(source: ParsedSource, container: ast.expr, layers: frozenset[str], steps: int) -> bool:
    """Tell whether all parts of a container may hold Params alone; those that are no Modules hold nothing."""
    for part in _parts(container):
        origin = origin_of(source, part)
        is_module = not isinstance(origin, Unknown) and origin.kind is TreeKind.MODULE
        if is_module and not _may_be(source, part, layers, steps):
            return False
    return True


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    pending = list(node.args) if isinstance(node, ast.Call) else [node]
    while pending:
        part = pending.pop()
        if isinstance(part, ast.Starred):
            pending.append(part.value)
        elif isinstance(part, (ast.List, ast.Tuple)):
            pending += part.elts
        elif isinstance(part, (ast.ListComp, ast.GeneratorExp)):
            pending.append(part.elt)
        else:
            yield part


@remembered
def _is_class_of_params(source: ParsedSource, definition: ast.ClassDef, layers: frozenset[str], steps: int) -> bool:
    """Tell whether a class names Params or layers of them, and no other class of Flax that may hold Variables."""
    named = {member for node in _mentions(definition) for member in _members(source, node) if member[:1].isupper()}
    if not named <= layers | _HOLD_NOTHING_ELSE or _keeps_streams(definition):
        return False
    if any(node.attr == "sow" for node in nodes_below([definition], ast.Attribute)):
        return False
    if any(_makes_more(call) for call in nodes_below([definition], ast.Call)):
        return False
    others = (_class_named(source, node) for node in _mentions(definition))
    inner = {other for other in others if other is not None and other is not definition}
    if not inner:
        return not named.isdisjoint(layers | {"Param"})
    return steps > 0 and all(_is_class_of_params(source, one, layers, steps - 1) for one in inner)


def _mentions(definition: ast.ClassDef) -> Iterator[ast.expr]:
    return nodes_below([definition], ast.Name, ast.Attribute)


def _keeps_streams(definition: ast.ClassDef) -> bool:
    """Tell whether a class assigns its random streams to an attribute, as in ``self.rngs = rngs``."""
    return any(
        isinstance(target, ast.Attribute) and is_name(node.value, "rngs")
        for node in nodes_below([definition], ast.Assign)
        for target in node.targets
    )


def _members(source: ParsedSource, node: ast.expr) -> frozenset[str]:
    found = (member_of_nnx(name) for name in source.bindings.names_of(node))
    return frozenset(member for member in found if member is not None)


def _class_named(source: ParsedSource, node: ast.expr) -> ast.ClassDef | None:
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if isinstance(node, ast.Name) else ()
    found = bindings[0].node if len(bindings) == 1 and bindings[0].kind is BindingKind.CLASS else None
    return found if isinstance(found, ast.ClassDef) else None
