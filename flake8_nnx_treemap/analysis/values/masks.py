"""Finds out whether a tree is used as a mask or as labels for optax."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import PARTIAL, class_of_self, function_of
from flake8_nnx_treemap.analysis.code.nodes import is_name, nodes_below, positional_arguments, start_of
from flake8_nnx_treemap.analysis.names.imported import calls_elsewhere
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.names.uses import Use, names_bound_by, returned_by, uses_of
from flake8_nnx_treemap.analysis.values.provenance import (
    TREES_OF_WRAPPERS,
    Origin,
    attribute_values,
    member_of_nnx,
    origin_of,
)
from flake8_nnx_treemap.names import OPTAX_MASK_ARGUMENTS, OPTAX_MASK_KEYWORDS, OPTIMIZERS

_STEPS = 4
"""How many functions, attributes and parameters a mask is followed through."""

_HOLD_ARGUMENTS = frozenset({PARTIAL, "optax.inject_hyperparams", "optax.schedules.inject_hyperparams"})
"""Functions whose first argument is a function that gets the others, or what their result is called with."""

_BY_HAND = frozenset({"init", "update"})
"""The members of a transformation that are called where no Optimizer of NNX does it."""


_IMPORTS_OPTAX = re.compile(r"^\s*(?:from|import)\b.*\boptax\b", re.MULTILINE)
_DEFINES_MASK = re.compile(r"def\s+\w*(?i:mask|label)")


@dataclass(frozen=True, slots=True)
class MaskUses:
    """Whether a tree is given to optax as a mask or as labels, and whether it is used in any other way."""

    is_given: bool
    has_others: bool


def may_be_mask(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression is in a file that imports from optax, or in a function named after masks or labels."""
    if _imports_optax(source):
        return True
    if not _defines_mask(source):
        return False
    function = source.bindings.scope_at(start_of(node)).node
    return isinstance(function, ast.FunctionDef) and _makes_mask(function.name)


@remembered
def _imports_optax(source: ParsedSource) -> bool:
    return "optax" in source.text and _IMPORTS_OPTAX.search(source.text) is not None


@remembered
def _defines_mask(source: ParsedSource) -> bool:
    return _DEFINES_MASK.search(source.text) is not None


def _makes_mask(function: str) -> bool:
    """Tell whether the name of a function says that it returns a mask, or labels."""
    return any(word in function.lower() for word in ("mask", "label"))


def _has_optimizer(source: ParsedSource) -> bool:
    """Tell whether a file names ``nnx.Optimizer`` or a subclass of it."""
    return not source.bindings.attributes.keys().isdisjoint(OPTIMIZERS)


def gives_wrappers_to_optax(source: ParsedSource) -> bool:
    """Tell whether a file calls ``optimizer.init`` with a tree of Variables."""
    for call in source.bindings.calls.get("init", ()):
        origin = origin_of(source, call.args[0]) if call.args else Unknown("no tree")
        if isinstance(origin, Origin) and origin.kind in TREES_OF_WRAPPERS:
            return True
    return False


def uses_as_mask(source: ParsedSource, node: ast.expr) -> MaskUses:
    """Return how a tree is used: also through attributes of ``self``, and functions that return it or are given it.

    A function that is named after masks or labels is followed to the other files of the project that call it.

    Args:
        source: the file.
        node: the expression that makes the tree.
    """
    found = [_is_given_as_mask(home, use) for home, use in _uses(source, node, _makes_mask)]
    return MaskUses(any(found), not all(found))


def _uses(
    source: ParsedSource, node: ast.expr, is_followed: Callable[[str], bool]
) -> Iterator[tuple[ParsedSource, Use]]:
    """Yield the uses of a value, each with its file, in place of those that only hand it on.

    Args:
        source: the file.
        node: the expression with the value.
        is_followed: tells of a function, by its name, whether its calls in other files are looked for.
    """
    pending = [(source, node, _STEPS)]
    seen: set[ast.expr] = set()
    while pending:
        home, current, steps = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        for use in uses_of(home, current):
            further = [(home, found) for found in _handed_on(home, use)] if steps and not use.path else []
            further += _returned_elsewhere(home, use, is_followed) if steps and not use.path else ()
            pending += [(other, found, steps - 1) for other, found in further]
            if not further:
                yield home, use


def _returned_elsewhere(
    source: ParsedSource, use: Use, is_followed: Callable[[str], bool]
) -> Iterator[tuple[ParsedSource, ast.Call]]:
    """Yield the calls in other files of the function of this file that returns a value."""
    scope = source.bindings.scope_at(start_of(use.node)) if isinstance(use.parent, ast.Return) else None
    function = None if scope is None or scope.parent is not source.bindings.module else scope.node
    if isinstance(function, ast.FunctionDef) and is_followed(function.name):
        yield from calls_elsewhere(source, function.name)


def _handed_on(source: ParsedSource, use: Use) -> Iterator[ast.expr]:
    """Yield the expressions that have the value of one that is returned, kept on ``self`` or passed to a function."""
    parent = use.parent
    if isinstance(parent, ast.Return):
        yield from returned_by(source, use)
        yield from _calls_of_method(source, parent)
    elif isinstance(parent, ast.Lambda):
        yield parent  # ``mask=lambda _: decayed``: optax calls it, and gets the tree.
    elif isinstance(parent, (ast.Assign, ast.AnnAssign)):
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        for target in targets:
            if isinstance(target, ast.Attribute):
                yield from _reads_of_attribute(source, target)
    elif isinstance(parent, (ast.Call, ast.keyword)):
        yield from _reads_of_parameter(source, use)


def _calls_of_method(source: ParsedSource, returns: ast.Return) -> Iterator[ast.expr]:
    """Yield the calls ``self.name(..)`` of the method that holds a ``return``."""
    method: ast.AST | None = returns
    while method is not None and not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        method = source.ast_parent(method)
    if not isinstance(method, ast.FunctionDef):
        return
    for call in source.bindings.calls.get(method.name, ()):
        function = function_of(source, call.func) if isinstance(call.func, ast.Attribute) else Unknown("no method")
        if not isinstance(function, Unknown) and function.definition is method:
            yield call


def _reads_of_attribute(source: ParsedSource, target: ast.Attribute) -> Iterator[ast.expr]:
    """Yield the reads of an attribute of ``self`` in its class, if its methods assign nothing else to it."""
    if len(attribute_values(source, target)) != 1 or not isinstance(target.value, ast.Name):
        return
    scope = class_of_self(source, target.value)
    for node in source.bindings.attributes.get(target.attr, ()):
        is_read = (
            isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name)
        )
        if is_read and isinstance(node, ast.Attribute) and class_of_self(source, node.value) is scope:
            yield node


def _reads_of_parameter(source: ParsedSource, use: Use) -> Iterator[ast.expr]:
    """Yield the reads of the parameter of a function of this file to which a call passes a value."""
    call = source.ast_parent(use.parent) if isinstance(use.parent, ast.keyword) else use.parent
    if not isinstance(call, ast.Call) or use.node is call.func:
        return
    function = function_of(source, call.func)
    if isinstance(function, Unknown):
        return
    if isinstance(use.parent, ast.keyword):
        name = use.parent.arg
    else:
        name = None if positional_arguments(call) is None else function.parameter_at(call.args.index(use.node))
    for parameter in nodes_below([function.definition.args], ast.arg):
        if parameter.arg == name:
            yield from names_bound_by(source, name, parameter)


def _is_given_as_mask(source: ParsedSource, use: Use) -> bool:
    if use.path or _may_be_converted(source, use.node):
        return False
    keywords = _keywords_with(source, use)
    if keywords is not None:
        calls = [_call_with(source, one) for one in uses_of(source, keywords)]
        given = [call for call in calls if call is not None and _optax_names(source, call)]
        return bool(given) and len(given) == len(calls) and _is_run_by_nnx(source, given[0])
    call = source.ast_parent(use.parent) if isinstance(use.parent, ast.keyword) else use.parent
    if not isinstance(call, ast.Call) or use.node is call.func:
        return False
    names = _optax_names(source, call)
    if isinstance(use.parent, ast.keyword):
        is_mask = bool(names) and use.parent.arg in OPTAX_MASK_KEYWORDS
    else:
        is_direct = not _holds_arguments(source, call)
        is_mask = is_direct and {OPTAX_MASK_ARGUMENTS.get(name) for name in names} == {call.args.index(use.node)}
    return is_mask and _is_run_by_nnx(source, call)


def _keywords_with(source: ParsedSource, use: Use) -> ast.expr | None:
    """Return the dict that has a value under the name of an argument for masks: ``{"mask": ..}``, ``dict(mask=..)``."""
    parent = use.parent
    if isinstance(parent, ast.Dict):
        names = [key for key, value in zip(parent.keys, parent.values, strict=True) if value is use.node]
        is_mask = any(isinstance(key, ast.Constant) and key.value in OPTAX_MASK_KEYWORDS for key in names)
        return parent if is_mask else None
    call = source.ast_parent(parent) if isinstance(parent, ast.keyword) and parent.arg in OPTAX_MASK_KEYWORDS else None
    is_dict = isinstance(call, ast.Call) and source.bindings.names_of(call.func) == {"builtins.dict"}
    return call if is_dict and isinstance(call, ast.Call) else None


def _call_with(source: ParsedSource, use: Use) -> ast.Call | None:
    """Return the call that gets a dict as its keywords: ``f(**keywords)``."""
    is_spread = isinstance(use.parent, ast.keyword) and use.parent.arg is None and not use.path
    call = source.ast_parent(use.parent) if is_spread and use.parent is not None else None
    return call if isinstance(call, ast.Call) else None


@remembered
def _is_run_by_nnx(source: ParsedSource, call: ast.Call) -> bool:
    """Tell whether an Optimizer of NNX runs a transformation: one of the file, or of another that calls its maker.

    In a file that names such an Optimizer, one runs it unless nothing but its ``init`` and ``update`` is used.
    """
    whole = _whole_transformation(source, call)
    uses = list(_uses(source, whole, lambda _: not _has_optimizer(source)))
    if _has_optimizer(source):
        are_by_hand = [isinstance(one.parent, ast.Attribute) and one.parent.attr in _BY_HAND for _, one in uses]
        return not uses or not all(are_by_hand)
    return any(_is_given_to_optimizer(home, use) and not gives_wrappers_to_optax(home) for home, use in uses)


def _is_given_to_optimizer(source: ParsedSource, use: Use) -> bool:
    """Tell whether a transformation is an argument of a call of ``nnx.Optimizer``."""
    call = source.ast_parent(use.parent) if isinstance(use.parent, ast.keyword) else use.parent
    names = source.bindings.names_of(call.func) if isinstance(call, ast.Call) and call.func is not use.node else ()
    return bool(names) and all(member_of_nnx(name) in OPTIMIZERS for name in names)


def _whole_transformation(source: ParsedSource, call: ast.Call) -> ast.expr:
    """Return the outermost call of optax to which what a call makes is given, such as ``optax.chain``."""
    whole: ast.expr = call
    around = source.ast_parent(whole)
    while isinstance(around, (ast.Call, ast.keyword, ast.List, ast.Tuple, ast.Dict, ast.Starred)):
        if isinstance(around, ast.Call):
            if not all(name.startswith("optax.") for name in source.bindings.names_of(around.func) or {""}):
                break
            whole = around
        around = source.ast_parent(around)
    return whole


def _may_be_converted(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether a name may have been given something made of its own value: ``if plain: mask = unwrap(mask)``."""
    if not isinstance(node, ast.Name):
        return False
    bindings = source.bindings.bindings_of(node.id, start_of(node))
    values = [found.value for found in bindings if found.value is not None] if len(bindings) > 1 else []
    return any(is_name(found, node.id) for value in values for found in nodes_below([value], ast.Name))


def _optax_names(source: ParsedSource, call: ast.Call) -> frozenset[str]:
    """Return the names of the function of optax that gets a call's arguments, now or when the result is called."""
    function = call.func
    if _holds_arguments(source, call) and call.args:
        function = call.args[0]
    elif isinstance(function, ast.Call) and _holds_arguments(source, function) and function.args:
        function = function.args[0]
    names = source.bindings.names_of(function)
    return names if names and all(name.startswith("optax.") for name in names) else frozenset()


def _holds_arguments(source: ParsedSource, call: ast.Call) -> bool:
    names = source.bindings.names_of(call.func)
    return bool(names) and names <= _HOLD_ARGUMENTS
