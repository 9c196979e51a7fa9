"""Finds the Variables that state hands out: items of ``nnx.to_flat_state(state)``, ``state["layer"]["kernel"]``."""

from __future__ import annotations

import ast

from flake8_nnx_treemap.analysis.calls.class_references import class_name, class_names
from flake8_nnx_treemap.analysis.code.nodes import is_name, start_of, subscript_keys, words_below
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.layer_variables import names_layer_variable
from flake8_nnx_treemap.analysis.values.provenance import Origin, TreeKind, member_of_nnx, origin_of
from flake8_nnx_treemap.names import STATE_MEMBERS, VARIABLE_ONLY_ATTRIBUTES, WRAPPERS

MAXIMUM_STEPS = 10
"""The number of names and calls that are followed from an expression to the flat state that it is made of."""

_MAPPINGS = frozenset({"builtins.dict", "typing.Dict", "typing.Mapping", "collections.abc.Mapping"})
_SAME_ELEMENTS = frozenset({"builtins.list", "builtins.tuple", "builtins.sorted", "builtins.reversed", "builtins.iter"})

_STATE_NAMES = frozenset({"State", "filter_state", "grad", "pop", "split", "state", "value_and_grad"})

_NAMES_IN_LAYERS = frozenset({"bias", "embedding", "kernel", "layers", "scale"})
"""What Flax's own layers call what they hold, and no array has as an attribute."""

_MAPS = frozenset({"map", "map_state", "map_with_path", "tree_map", "tree_map_with_path"})
"""Functions and methods that may put anything in the place of Variables."""

_Path = tuple[int | None, ...]


def is_item_of_state(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression is a Variable that a State holds, as far as the file tells.

    Args:
        source: the file.
        node: an expression.

    Returns:
        True for items of a dictionary that is made of a flat state or annotated as one of Variables; for items of state
        under a name that Flax's own layers give to Variables; and for any other item whose ``value`` is accessed,
        unless something in the state may be called so.
    """
    if _is_item_with_value(source, node):
        return True
    if not isinstance(node, ast.Subscript):
        return False
    if is_mapping_of_wrappers(source, node.value, MAXIMUM_STEPS):
        return True
    key = node.slice.value if isinstance(node.slice, ast.Constant) else None
    if not isinstance(key, str) or not names_layer_variable(source, key):
        return False
    origin = origin_of(source, node.value)
    return isinstance(origin, Origin) and origin.kind in (TreeKind.STATE, TreeKind.GRADIENTS)


def _is_item_with_value(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether ``state["layer"]["scale"].value`` and the like asks for an item's value: only Variables have one."""
    around = source.ast_parent(node)
    if not isinstance(around, ast.Attribute) or around.attr not in ("value", "raw_value"):
        return False
    if not _speaks_of_state(source) or _names_something_value(source) or _is_gone_into(source, around):
        return False
    return _is_in_state(source, node)


def _is_in_state(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression is an item of a State, or of the States in it."""
    if isinstance(node, ast.Name):
        (binding, *others) = source.bindings.bindings_of(node.id, start_of(node)) or (None,)
        is_loop = binding is not None and not others and binding.kind is BindingKind.ITERATION
        return is_loop and binding is not None and _iterates_over_items(source, binding)
    whole = node
    while isinstance(whole, (ast.Attribute, ast.Subscript)):
        if isinstance(whole, ast.Attribute) and (whole.attr in STATE_MEMBERS or whole.attr in VARIABLE_ONLY_ATTRIBUTES):
            return False
        whole = whole.value
        if _is_state(source, whole):
            return True
    return False


def _iterates_over_items(source: ParsedSource, binding: Binding) -> bool:
    call = binding.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.args:
        return False
    is_item = {"items": (1,), "values": ()}.get(call.func.attr) == binding.path
    return is_item and (_is_state(source, call.func.value) or _is_in_state(source, call.func.value))


def _is_state(source: ParsedSource, node: ast.expr) -> bool:
    origin = origin_of(source, node)
    is_known = isinstance(origin, Origin) and origin.is_certain and not origin.is_mapped
    return is_known and isinstance(origin, Origin) and origin.kind in (TreeKind.STATE, TreeKind.GRADIENTS)


def _is_gone_into(source: ParsedSource, value: ast.Attribute) -> bool:
    """Tell whether an item called ``value`` is called, or is state itself: ``state["attention"].value["kernel"]``."""
    around = source.ast_parent(value)
    if isinstance(around, ast.Attribute):
        return around.attr in _NAMES_IN_LAYERS
    if isinstance(around, ast.Call):
        return around.func is value
    return isinstance(around, ast.Subscript) and around.value is value and _is_text(around.slice)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@remembered
def _speaks_of_state(source: ParsedSource) -> bool:
    """Tell whether a file names a function of NNX that returns state, or its class: where to look takes time."""
    uses = (use for name in _STATE_NAMES for use in source.bindings.attributes.get(name, ()))
    return any(member_of_nnx(name) in _STATE_NAMES for use in uses for name in source.bindings.names_of(use))


@remembered
def _names_something_value(source: ParsedSource) -> bool:
    """Tell whether a class of the file sets ``self.value``, which then is the name of something in state."""
    return any(is_name(one.value, "self") for one in source.bindings.set_attributes.get("value", ()))


def iterates_over_wrappers(source: ParsedSource, binding: Binding) -> bool:
    """Tell whether a loop's variable is each Variable of a flat state in turn, beside its path or alone."""
    is_loop = binding.kind is BindingKind.ITERATION and binding.value is not None
    return is_loop and _gives_wrappers(source, binding.value, binding.path, MAXIMUM_STEPS)


@remembered
def _gives_wrappers(source: ParsedSource, iterated: ast.expr | None, path: _Path, steps: int) -> bool:
    """Tell whether the part at ``path`` of each element of an iterable is a Variable."""
    if iterated is None or not steps:
        return False
    if path == (1,) and _is_flat_state(source, iterated, steps):
        return True
    if isinstance(iterated, ast.Name):
        value = _only_value(source, iterated)
        return _gives_wrappers(source, value, path, steps - 1)
    if not isinstance(iterated, ast.Call):
        return False
    function = iterated.func
    if isinstance(function, ast.Attribute) and not iterated.args:
        wanted = {"items": (1,), "values": ()}.get(function.attr)
        return wanted == path and is_mapping_of_wrappers(source, function.value, steps - 1)
    return _hands_on_wrappers(source, iterated, path, steps)


def _hands_on_wrappers(source: ParsedSource, call: ast.Call, path: _Path, steps: int) -> bool:
    """Tell whether ``zip``, ``enumerate``, ``sorted`` and the like hand on elements that are Variables at a path."""
    name = class_name(source, call.func)
    if any(isinstance(given, ast.Starred) for given in call.args) or not call.args:
        return False
    if name in _SAME_ELEMENTS:
        return _gives_wrappers(source, call.args[0], path, steps - 1)
    if not path or path[0] is None:
        return False
    if name == "builtins.enumerate":
        return path[0] == 1 and _gives_wrappers(source, call.args[0], path[1:], steps - 1)
    is_zipped = name == "builtins.zip" and 0 <= path[0] < len(call.args)
    return is_zipped and _gives_wrappers(source, call.args[path[0]], path[1:], steps - 1)


@remembered
def is_mapping_of_wrappers(source: ParsedSource, node: ast.expr, steps: int) -> bool:
    """Tell whether an expression is a dictionary whose values are Variables.

    Args:
        source: the file.
        node: an expression.
        steps: how many names and calls may still be followed.

    Returns:
        True for ``dict(nnx.to_flat_state(state))`` and for what is annotated ``dict[str, nnx.Variable]``.
    """
    if not steps:
        return False
    if isinstance(node, ast.Name):
        bindings = source.bindings.bindings_of(node.id, start_of(node))
        return bool(bindings) and all(_binds_mapping(source, one, steps) for one in bindings)
    if isinstance(node, ast.Call) and class_name(source, node.func) == "builtins.dict" and len(node.args) == 1:
        return _gives_wrappers(source, node.args[0], (1,), steps - 1) or is_mapping_of_wrappers(
            source, node.args[0], steps - 1
        )
    if isinstance(node, ast.DictComp) and isinstance(node.value, ast.Name):
        (binding, *others) = source.bindings.bindings_of(node.value.id, start_of(node.value)) or (None,)
        return binding is not None and not others and iterates_over_wrappers(source, binding)
    return False


def _binds_mapping(source: ParsedSource, binding: Binding, steps: int) -> bool:
    annotation = getattr(binding.node, "annotation", None)
    if isinstance(annotation, ast.Subscript) and class_name(source, annotation.value) in _MAPPINGS:
        types = class_names(source, subscript_keys(annotation)[-1])
        if types:
            return WRAPPERS.issuperset(types)
    is_plain = binding.kind is BindingKind.ASSIGNMENT and not binding.path and binding.value is not None
    return is_plain and binding.value is not None and is_mapping_of_wrappers(source, binding.value, steps - 1)


def _is_flat_state(source: ParsedSource, node: ast.expr, steps: int) -> bool:
    """Tell whether an expression is the paths of a state with its Variables, as pairs."""
    if isinstance(node, ast.Name):
        value = _only_value(source, node)
        return value is not None and steps > 0 and _is_flat_state(source, value, steps - 1)
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute) and node.func.attr == "flat_state" and not node.args:
        return _may_hold_variables(source, node.func.value)
    given = node.args[0] if node.args else next((one.value for one in node.keywords if one.arg == "state"), None)
    is_flattened = {member_of_nnx(name) for name in source.bindings.names_of(node.func)} == {"to_flat_state"}
    return is_flattened and given is not None and _may_hold_variables(source, given)


def _may_hold_variables(source: ParsedSource, tree: ast.expr) -> bool:
    """Tell whether a state is not known to hold something else, as what a map makes of the Variables may be."""
    origin = origin_of(source, tree)
    if isinstance(origin, Origin):
        return origin.holds_wrappers and not origin.is_mapped
    value = _only_value(source, tree) if isinstance(tree, ast.Name) else tree
    is_made = isinstance(value, ast.Call) and not isinstance(value.func, ast.Call)
    return not (is_made and isinstance(value, ast.Call) and bool(_MAPS & words_below(value.func)))


def _only_value(source: ParsedSource, name: ast.Name) -> ast.expr | None:
    bindings = source.bindings.bindings_of(name.id, start_of(name))
    is_plain = len(bindings) == 1 and bindings[0].kind is BindingKind.ASSIGNMENT and not bindings[0].path
    return bindings[0].value if is_plain else None
