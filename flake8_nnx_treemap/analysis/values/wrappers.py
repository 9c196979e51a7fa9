"""Finds expressions that are always an NNX wrapper: type-tested, passed by a traversal, or made by a constructor."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from flake8_nnx_treemap.analysis.calls.class_references import class_names
from flake8_nnx_treemap.analysis.calls.leaf_loops import leaf_loops_of
from flake8_nnx_treemap.analysis.calls.mappers import Mapper, mapper_of
from flake8_nnx_treemap.analysis.calls.predicates import LeafTest, leaf_test_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.code.nodes import Place, dotted_name, end_of, start_of, walk
from flake8_nnx_treemap.analysis.code.regions import Region
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, Scope, ScopeKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.values.narrowing import regions_where, type_test
from flake8_nnx_treemap.analysis.values.provenance import attribute_values, holds_only_wrappers
from flake8_nnx_treemap.analysis.values.variable_classes import own_members
from flake8_nnx_treemap.names import WRAPPERS


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """A name that is a wrapper in a region, as long as ``bindings`` are those that reach its use."""

    name: str
    region: Region
    bindings: tuple[Binding, ...]
    scope: Scope
    """The scope of the code in which that is known."""


@dataclass(frozen=True, slots=True)
class Following:
    """Which parameters are followed to the arguments of their function's calls in this file.

    ``calls`` is the number of functions that may still be followed. Without ``public``, functions are left out that
    other files may call as well, with other arguments.
    """

    calls: int = 2
    public: bool = True


FOLLOW_ALL = Following()
FOLLOW_PRIVATE = Following(public=False)


def is_wrapper(source: ParsedSource, node: ast.expr, following: Following = FOLLOW_ALL) -> bool:
    """Tell whether an expression is always a Variable or a VariableState.

    Args:
        source: the file.
        node: an expression.
        following: which parameters are followed to the arguments of their function's calls in this file.

    Returns:
        True for a name that ``isinstance`` has tested; for the leaf of a mapper or a loop that does not dispatch and
        whose ``is_leaf`` stops at wrappers; for ``nnx.Param(..)``; for names and attributes that are assigned nothing
        else or annotated so; and for a parameter if all calls in this file pass wrappers.
    """
    if _is_made_so(source, node, following):
        return True
    if not isinstance(node, ast.Name):
        return False
    place = start_of(node)
    bindings = source.bindings.bindings_of(node.id, place)
    known = [*_known_around(_known_where_tested(source), node.id, bindings, place)]
    if len(bindings) == 1 and _may_be_handed_over(bindings[0]):
        known += _known_around(_known_where_handed_over(source), node.id, bindings, place)
    return any(_still_holds(source, one, node) for one in known)


def _still_holds(source: ParsedSource, known: _Known, use: ast.Name) -> bool:
    """Tell whether a name still has its known value at a use, which may be in a function that runs later."""
    scope: Scope | None = source.bindings.scope_at(start_of(use))
    while scope is not None and scope is not known.scope and scope.kind is ScopeKind.COMPREHENSION:
        scope = scope.parent
    if scope is known.scope:
        return True
    (binding, *others) = known.bindings
    return not others and source.bindings.is_bound_once(binding) and not _is_in_loop(binding)


def _is_in_loop(binding: Binding) -> bool:
    return binding.kind is BindingKind.ITERATION or any(block.is_loop for block in binding.block.ancestors())


def _may_be_handed_over(binding: Binding) -> bool:
    """Tell whether a binding may be the leaf of a lambda or a loop; the file's tree calls are read only for those."""
    is_of_lambda = binding.kind is BindingKind.PARAMETER and binding.scope.kind is ScopeKind.LAMBDA
    return is_of_lambda or binding.kind is BindingKind.ITERATION


def wrapper_attributes(
    source: ParsedSource, name: str, context: type[ast.expr_context] = ast.Load
) -> Iterator[ast.Attribute]:
    """Yield every access to one attribute of expressions that are always wrappers, but not in f-strings.

    Yields nothing if a class of the file that may be a wrapper defines such a member, which may do something else.

    Args:
        source: the file.
        name: the attribute.
        context: ``ast.Load`` for reads, ``ast.Store`` for writes.
    """
    general = "__setattr__" if context is ast.Store else "__getattribute__"
    for node in source.bindings.attributes.get(name, ()):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, context):
            continue
        is_meant = is_wrapper(source, node.value) and own_members(source).isdisjoint((name, general))
        # What is around a node is asked last, since that takes a walk, and most are no wrappers.
        if is_meant and not is_format_part(source, node) and not _is_pattern_part(source, node):
            yield node


def is_format_part(source: ParsedSource, node: ast.AST) -> bool:
    """Tell whether a node is in an f-string, where ``ast`` gives no right places before Python 3.12."""
    around = source.ast_parent(node)
    while isinstance(around, (ast.expr, ast.comprehension, ast.keyword)):
        if isinstance(around, (ast.JoinedStr, ast.FormattedValue)):
            return True
        around = source.ast_parent(around)
    return False


def _is_pattern_part(source: ParsedSource, node: ast.AST) -> bool:
    """Tell whether a node is in a pattern such as ``case name.value``, where a call is a syntax error."""
    around = source.ast_parent(node)
    while isinstance(around, ast.Attribute):
        around = source.ast_parent(around)
    return isinstance(around, ast.MatchValue)


# Made by a constructor


def _is_made_so(source: ParsedSource, node: ast.expr, following: Following) -> bool:
    if isinstance(node, ast.Call):
        return _makes_wrapper(source, node)
    if isinstance(node, ast.Attribute):
        values = attribute_values(source, node)
        return bool(values) and all(isinstance(one, ast.Call) and _makes_wrapper(source, one) for one in values)
    if not isinstance(node, ast.Name):
        return False
    bindings = source.bindings.bindings_of(node.id, start_of(node))
    return bool(bindings) and all(_binds_wrapper(source, binding, following) for binding in bindings)


def _binds_wrapper(source: ParsedSource, binding: Binding, following: Following) -> bool:
    if binding.kind is BindingKind.PARAMETER:
        arguments = getattr(binding.scope.node, "args", None)
        if not isinstance(arguments, ast.arguments) or binding.node in (arguments.vararg, arguments.kwarg):
            return False
        annotation = getattr(binding.node, "annotation", None)
        types = None if annotation is None else class_names(source, annotation)
        if types:
            return WRAPPERS.issuperset(types)
        return following.calls > 0 and _is_given_nothing_else(source, binding, arguments, following)
    is_plain = binding.kind is BindingKind.ASSIGNMENT and not binding.path
    return is_plain and isinstance(binding.value, ast.Call) and _makes_wrapper(source, binding.value)


def _makes_wrapper(source: ParsedSource, call: ast.Call) -> bool:
    function = call.func.value if isinstance(call.func, ast.Subscript) else call.func
    if dotted_name(function) is None:
        return False
    types = class_names(source, function, 0)
    return bool(types) and WRAPPERS.issuperset(types or ())


# Passed by every call


def _is_given_nothing_else(
    source: ParsedSource, binding: Binding, arguments: ast.arguments, following: Following
) -> bool:
    """Tell whether each mention of a parameter's function calls it with a wrapper, or maps it over wrappers."""
    names = [found.arg for found in (*arguments.posonlyargs, *arguments.args)]
    function = binding.scope.node
    if binding.name not in names or getattr(function, "decorator_list", []):
        return False
    called = _name_of(source, function)
    if not following.public and not called.startswith("_") and not _is_nested(binding.scope):
        return False
    position = names.index(binding.name)
    mentions = list(_mentions_of(source, function, called))
    further = replace(following, calls=following.calls - 1)
    return bool(mentions) and all(_gives_wrapper(source, one, binding.name, position, further) for one in mentions)


def _name_of(source: ParsedSource, function: ast.AST) -> str:
    """Return the name of a function, or the one to which a lambda is assigned; empty if there is none."""
    if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return function.name
    around = source.ast_parent(function)
    target = around.targets[0] if isinstance(around, ast.Assign) and around.value is function else None
    return target.id if isinstance(target, ast.Name) else ""


def _is_nested(function: Scope) -> bool:
    """Tell whether a function is defined in another one, so that no other file can import it."""
    around = function.parent
    while around is not None and around.kind not in (ScopeKind.FUNCTION, ScopeKind.LAMBDA):
        around = around.parent
    return around is not None


def _mentions_of(source: ParsedSource, function: ast.AST, name: str) -> Iterator[ast.Name]:
    for node in source.bindings.attributes.get(name, ()):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            bindings = source.bindings.bindings_of(name, start_of(node))
            if any(function in (found.node, found.value) for found in bindings):
                yield node


def _gives_wrapper(source: ParsedSource, mention: ast.Name, name: str, position: int, following: Following) -> bool:
    if mention in _mappers(source) and _mappers_of_wrappers(source).get(mention) == position:
        return True
    call = source.ast_parent(mention)
    if not isinstance(call, ast.Call) or call.func is not mention:
        return False
    if any(isinstance(one, ast.Starred) for one in call.args[: position + 1]):
        return False
    named = [one.value for one in call.keywords if one.arg == name]
    given = call.args[position] if position < len(call.args) else next(iter(named), None)
    return given is not None and is_wrapper(source, given, following)


@remembered
def _mappers(source: ParsedSource) -> frozenset[ast.expr]:
    """Return the expressions that are passed to a tree function as its mapper."""
    return frozenset(one.mapper for one in tree_calls_of(source) if one.mapper is not None)


@remembered
def _mappers_of_wrappers(source: ParsedSource) -> dict[ast.expr, int]:
    """Return the leaf's position by mapper, for mappers without dispatch in calls that stop only at wrappers."""
    found: dict[ast.expr, int] = {}
    for call in _calls_that_stop_at_wrappers(source):
        mapper = None if call.mapper is None else mapper_of(source, call.mapper, call.function.leaf_position)
        if isinstance(mapper, Mapper) and not mapper.dispatches and not mapper.function.overridable:
            found[mapper.expression] = call.function.leaf_position
    return found


# Type-tested, or passed by a traversal


_KnownNames = dict[tuple[str, tuple[Binding, ...]], tuple[list[_Known], list[Place]]]
"""By name and bindings, as thousands of lambdas of one file may have parameters of the same name."""


@remembered
def _known_where_tested(source: ParsedSource) -> _KnownNames:
    return _by_name(_tested(source))


@remembered
def _known_where_handed_over(source: ParsedSource) -> _KnownNames:
    return _by_name(_handed_over(source))


def _by_name(known: Iterator[_Known]) -> _KnownNames:
    found: dict[tuple[str, tuple[Binding, ...]], list[_Known]] = {}
    for one in sorted(known, key=lambda one: one.region):
        found.setdefault((one.name, one.bindings), []).append(one)
    return {key: (ordered, list(accumulate((one.region[1] for one in ordered), max))) for key, ordered in found.items()}


def _known_around(names: _KnownNames, name: str, bindings: tuple[Binding, ...], place: Place) -> Iterator[_Known]:
    """Yield what is known of a name in the regions around a place: few of the thousands that a file may have."""
    ordered, furthest = names.get((name, bindings), ((), ()))
    index = bisect_right(ordered, place, key=lambda one: one.region[0]) - 1
    while index >= 0 and furthest[index] > place:
        if ordered[index].region[1] > place:
            yield ordered[index]
        index -= 1


def _tested(source: ParsedSource) -> Iterator[_Known]:
    for use in source.bindings.calls.get("isinstance", ()):
        test = type_test(source, use)
        if test is None or not test[1] or not test[1] <= WRAPPERS:
            continue
        yield from _known_where(source, use, test[0])
        for call, name in _calls_of_predicate(source, use, test[0]):
            yield from _known_where(source, call, name)


def _known_where(source: ParsedSource, test: ast.expr, name: str) -> Iterator[_Known]:
    if source.bindings.is_shared(name):
        return  # Any call may rebind it.
    bindings = source.bindings.bindings_of(name, start_of(test))
    for region in regions_where(source, test, True):
        yield _Known(name, region, bindings, source.bindings.scope_at(start_of(test)))


def _calls_of_predicate(source: ParsedSource, test: ast.expr, name: str) -> Iterator[tuple[ast.Call, str]]:
    """Yield the calls of the function that only returns a test of its parameter, each with the name that it tests."""
    definition = source.ast_parent(test)
    if isinstance(definition, ast.Return):
        definition = source.ast_parent(definition)
    if not isinstance(definition, (ast.FunctionDef, ast.Lambda)) or not _is_nothing_but(definition, test):
        return
    if [found.arg for found in walk(definition.args) if isinstance(found, ast.arg)] != [name]:
        return
    around = source.ast_parent(definition)
    target = around.targets[0] if isinstance(around, ast.Assign) and isinstance(definition, ast.Lambda) else definition
    called = getattr(target, "name", getattr(target, "id", None))
    for call in source.bindings.calls.get(called or "", ()):
        if len(call.args) == 1 and isinstance(call.args[0], ast.Name):
            bindings = source.bindings.bindings_of(called or "", start_of(call))
            if len(bindings) == 1 and definition in (bindings[0].node, bindings[0].value):
                yield call, call.args[0].id


def _is_nothing_but(definition: ast.FunctionDef | ast.Lambda, test: ast.expr) -> bool:
    if isinstance(definition, ast.Lambda):
        return definition.body is test
    returned = definition.body[-1]
    is_documented = len(definition.body) == 2 and isinstance(definition.body[0], ast.Expr)
    is_plain = not definition.decorator_list and (len(definition.body) == 1 or is_documented)
    return is_plain and isinstance(returned, ast.Return) and returned.value is test


def _handed_over(source: ParsedSource) -> Iterator[_Known]:
    for node in _mappers_of_wrappers(source):
        if isinstance(node, ast.Lambda):
            yield from _leaf_of_lambda(source, node, _mappers_of_wrappers(source)[node])
    for call in _calls_that_stop_at_wrappers(source):
        yield from _leaves_of_loops(source, call)


@remembered
def _calls_that_stop_at_wrappers(source: ParsedSource) -> tuple[TreeCall, ...]:
    return tuple(call for call in tree_calls_of(source) if _stops_only_at_wrappers(source, call))


def _stops_only_at_wrappers(source: ParsedSource, call: TreeCall) -> bool:
    test = None if call.is_leaf is None else leaf_test_of(source, call.is_leaf)
    return isinstance(test, LeafTest) and test.stops_only_at_wrappers


def _leaf_of_lambda(source: ParsedSource, node: ast.Lambda, position: int) -> Iterator[_Known]:
    parameters = [*node.args.posonlyargs, *node.args.args]
    if position < len(parameters):
        leaf = parameters[position]
        bindings = source.bindings.bindings_of(leaf.arg, start_of(node.body))
        if len(bindings) == 1 and bindings[0].node is leaf:
            scope = source.bindings.scope_at(start_of(node.body))
            yield _Known(leaf.arg, (start_of(node.body), end_of(node.body)), bindings, scope)


def _leaves_of_loops(source: ParsedSource, call: TreeCall) -> Iterator[_Known]:
    leaves = leaf_loops_of(source, call)
    if isinstance(leaves, Unknown) or not holds_only_wrappers(source, call.trees):
        return
    for loop in leaves.loops:
        if loop.dispatches or not loop.leaf.isidentifier() or not loop.is_inline or isinstance(loop.node, ast.Call):
            continue
        for body in loop.bodies:
            region = start_of(body[0]), end_of(body[-1])
            bindings = source.bindings.bindings_of(loop.leaf, region[0])
            if len(bindings) == 1 and bindings[0].kind is BindingKind.ITERATION:
                yield _Known(loop.leaf, region, bindings, source.bindings.scope_at(region[0]))
