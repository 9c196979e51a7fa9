"""Finds attributes that are Variables by their name alone: ``model.layers[0].kernel`` in a file that uses NNX.

Flax's own layers call few things ``kernel``, ``bias`` or ``embedding``, and these are Variables on every release. Where
it is not seen what an object is, the name of its attribute tells.
"""

from __future__ import annotations

import ast

from flake8_nnx_treemap.analysis.calls.class_references import class_names
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, is_none, start_of, walk
from flake8_nnx_treemap.analysis.names.scopes import BindingKind, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.contents import contents_of
from flake8_nnx_treemap.analysis.values.module_classes import OwnClass, class_meant, lineage_of, members_of
from flake8_nnx_treemap.analysis.values.things import Sort
from flake8_nnx_treemap.names import WRAPPERS

_NAMES = frozenset({"bias", "embedding", "kernel", "lora_a", "lora_b"})
"""Attributes that hold a Variable in every layer of Flax that has them (``data/nnx_layers.py``), and little else."""

_NAMES_BY_OWNER = {"scale": ("norm",), "step": ("optimizer",)}
"""Attributes whose name says too little by itself, with what the name of their owner ends with."""

_HAVE_OTHERS = (
    *("flax.core.meta", "flax.linen", "keras", "tensorflow", "tf_keras"),
    *("brainstate", "equinox", "gpflow", "haiku", "penzai", "sklearn"),
)
"""Packages whose layers have attributes of these names, perhaps with a ``value`` of their own."""

_SETTINGS = frozenset(
    {"arguments", "args", "cfg", "conf", "config", "configs", "hparams", "opts", "options", "settings"}
    | {"event", "message", "msg", "proto", "reply", "request", "response"}
)
"""Words in the names of messages and of objects that hold choices, such as members of an ``Enum``, and no Variables."""


def is_layer_variable(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an attribute is named as Flax's own layers name their Variables.

    Args:
        source: the file.
        node: an expression.

    Returns:
        True for ``owner.kernel`` and the like in a file that imports NNX and no other library with such layers. False
        where the file gives the attribute to an object itself, and not as a Variable; where something is known of the
        attribute or its owner that says otherwise; and where the ``value`` of it is called.
    """
    if not isinstance(node, ast.Attribute) or not _names_variable(node) or not _uses_nnx_alone(source):
        return False
    if not _never_set_to_something_else(source, node.attr) or _is_called(source, node):
        return False
    if _is_self(source, node.value) and _sets_unknown(source, node.attr):
        return False
    return not _is_known_otherwise(source, node)


def _is_called(source: ParsedSource, node: ast.Attribute) -> bool:
    """Tell whether a method of an attribute is called: ``attention.value(x)``, where ``value`` is a layer."""
    member = source.ast_parent(node)
    call = source.ast_parent(member) if isinstance(member, ast.Attribute) else None
    is_value = isinstance(member, ast.Attribute) and member.attr in ("value", "raw_value")
    return is_value and isinstance(call, ast.Call) and call.func is member


def _is_known_otherwise(source: ParsedSource, node: ast.Attribute) -> bool:
    owner = node.value
    names = [one.attr for one in walk(owner) if isinstance(one, ast.Attribute)]
    names += [one.id for one in walk(owner) if isinstance(one, ast.Name)]
    words = (word for name in names for word in name.lower().split("_"))
    if not _SETTINGS.isdisjoint(words) or _is_class(source, owner) or _is_tested(source, node):
        return True
    sorts = {thing.sort for thing in contents_of(source, node).things}
    if sorts and Sort.VARIABLE not in sorts:
        return True
    own = [thing.own for thing in contents_of(source, owner).things if thing.own is not None]
    lineages = [lineage_of(one.source, one.node) for one in own]
    if any(lineage.layer is None and lineage.variable is None for lineage in lineages):
        return True
    return any("__getattr__" in members_of(one.source, one.node) for lineage in lineages for one in lineage.own)


def _is_class(source: ParsedSource, owner: ast.expr) -> bool:
    """Tell whether an owner is a class, such as an ``Enum``, or the name of one in another file."""
    if not isinstance(owner, (ast.Name, ast.Attribute)):
        return False
    if isinstance(class_meant(source, owner), OwnClass):
        return True
    name = owner.id if isinstance(owner, ast.Name) else owner.attr
    return bool(source.bindings.names_of(owner)) and name[:1].isupper()


def _is_tested(source: ParsedSource, node: ast.Attribute) -> bool:
    """Tell whether the file asks by ``isinstance`` for another class of the same expression."""
    if "isinstance" not in source.bindings.calls:
        return False
    text = ast.dump(node)
    tests = (one for one in source.bindings.calls["isinstance"] if len(one.args) == 2 and ast.dump(one.args[0]) == text)
    return any(not WRAPPERS.issuperset(class_names(source, one.args[1]) or ("",)) for one in tests)


def names_layer_variable(source: ParsedSource, name: str) -> bool:
    """Tell whether a key of state is a name that Flax's own layers give to Variables."""
    return name in _NAMES and _uses_nnx_alone(source) and _never_set_to_something_else(source, name)


def _names_variable(node: ast.Attribute) -> bool:
    if node.attr in _NAMES:
        return True
    owner = getattr(node.value, "attr", getattr(node.value, "id", ""))
    return owner.endswith(_NAMES_BY_OWNER.get(node.attr, ())) if isinstance(owner, str) else False


@remembered
def _uses_nnx_alone(source: ParsedSource) -> bool:
    imported = {one.qualified_name for _, bound in source.bindings.all_bound() for one in bound if one.qualified_name}
    if "flax" in imported:
        imported.update(name for name in ("flax.linen", "flax.nnx") if _is_reached(source, name))
    has_nnx = any(name.startswith("flax.nnx") for name in imported)
    return has_nnx and not any(f"{name}.".startswith(f"{other}.") for name in imported for other in _HAVE_OTHERS)


def _is_reached(source: ParsedSource, name: str) -> bool:
    """Tell whether a file uses a module as the attribute of its package: ``flax.nnx`` after ``import flax``."""
    nodes = source.bindings.attributes.get(name.rpartition(".")[2], ())
    return any(isinstance(node, ast.Attribute) and source.bindings.names_of(node) == {name} for node in nodes)


def _is_self(source: ParsedSource, owner: ast.expr) -> bool:
    bindings = source.bindings.bindings_of(owner.id, start_of(owner)) if isinstance(owner, ast.Name) else ()
    return class_of_method(bindings) is not None


@remembered
def _values_set(source: ParsedSource, name: str) -> tuple[ast.expr | None, ...]:
    """Return what the file assigns to attributes of a name; ``None`` for what is not assigned plainly."""
    uses = [use for use in source.bindings.attributes.get(name, ()) if isinstance(use.ctx, ast.Store)]
    around = [source.ast_parent(use) for use in uses if isinstance(use, ast.Attribute)]
    return tuple(one.value if isinstance(one, (ast.Assign, ast.AnnAssign)) else None for one in around)


def _never_set_to_something_else(source: ParsedSource, name: str) -> bool:
    return not any(value is not None and _is_something_else(source, value) for value in _values_set(source, name))


def _is_something_else(source: ParsedSource, value: ast.expr) -> bool:
    """Tell whether a value is no Variable, or an argument that may be anything."""
    if isinstance(value, ast.IfExp):
        return _is_something_else(source, value.body) or _is_something_else(source, value.orelse)
    if isinstance(value, ast.Name):
        bindings = source.bindings.bindings_of(value.id, start_of(value))
        return any(one.kind is not BindingKind.ASSIGNMENT for one in bindings)
    if isinstance(value, ast.Call):
        parts = dotted_name(value.func)
        is_class = parts is not None and parts[-1][:1].isupper()
        return is_class and not _makes_variable(source, value)
    return not is_none(value) and isinstance(value, (ast.Constant, ast.Lambda, ast.JoinedStr, ast.Dict, ast.List))


def _sets_unknown(source: ParsedSource, name: str) -> bool:
    values = _values_set(source, name)
    return any(value is None or not (is_none(value) or _may_be_variable(source, value)) for value in values)


def _may_be_variable(source: ParsedSource, value: ast.expr) -> bool:
    if isinstance(value, ast.IfExp):
        return all(is_none(one) or _may_be_variable(source, one) for one in (value.body, value.orelse))
    return isinstance(value, ast.Call) and _makes_variable(source, value)


def _makes_variable(source: ParsedSource, call: ast.Call) -> bool:
    function = call.func.value if isinstance(call.func, ast.Subscript) else call.func
    if dotted_name(function) is None:
        return False
    names = class_names(source, function, 0)
    return bool(names) and WRAPPERS.issuperset(names or ())
