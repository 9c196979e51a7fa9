"""Finds expressions that are always an NNX wrapper: type-tested, passed by a traversal, or made by a constructor."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from flake8_nnx_treemap.analysis.calls.arguments import Argument, arguments_of
from flake8_nnx_treemap.analysis.calls.class_references import class_names
from flake8_nnx_treemap.analysis.calls.functions import PARTIAL, positional_parameters
from flake8_nnx_treemap.analysis.calls.leaf_loops import leaf_loops_of
from flake8_nnx_treemap.analysis.calls.leaf_uses import leaf_uses
from flake8_nnx_treemap.analysis.calls.mappers import Mapper, mapper_of
from flake8_nnx_treemap.analysis.calls.predicates import LeafTest, leaf_test_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, end_of, is_name, start_of, walk
from flake8_nnx_treemap.analysis.names.format_parts import has_no_place
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, ScopeKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.names.uses import uses_of
from flake8_nnx_treemap.analysis.values.contents import contents_of
from flake8_nnx_treemap.analysis.values.layer_variables import is_layer_variable
from flake8_nnx_treemap.analysis.values.narrowed_names import KnownName, KnownNames, by_name, known_at, known_where
from flake8_nnx_treemap.analysis.values.narrowing import type_test, types_matched
from flake8_nnx_treemap.analysis.values.provenance import (
    Origin,
    TreeKind,
    holds_only_wrappers,
    kind_of_self,
    origin_of,
)
from flake8_nnx_treemap.analysis.values.state_items import is_item_of_state, iterates_over_wrappers
from flake8_nnx_treemap.analysis.values.state_mappers import state_mappers
from flake8_nnx_treemap.analysis.values.variable_classes import is_own_variable_class, own_members
from flake8_nnx_treemap.names import VARIABLE_ONLY_ATTRIBUTES, WRAPPERS


@dataclass(frozen=True, slots=True)
class Following:
    """Which parameters are followed to the arguments of their function's calls in this file.

    ``calls`` is the number of functions that may still be followed. Without ``public``, functions are left out that
    other files may call as well, with other arguments, and the leaves of trees of which only ``is_leaf`` tells; without
    ``attributes``, attributes that other files may set, and what is taken from them.
    """

    calls: int = 2
    public: bool = True
    attributes: bool = True


FOLLOW_ALL = Following()
FOLLOW_PRIVATE = Following(public=False, attributes=False)


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
    if _is_made_so(source, node, following) or (
        isinstance(node, ast.Name) and _is_known(source, node, following.public)
    ):
        return True
    if not following.attributes:
        return False
    if contents_of(source, node).is_variable or (isinstance(node, ast.Name) and _is_beside_wrapper(source, node)):
        return True
    return is_layer_variable(source, node) or is_item_of_state(source, node)


def _is_known(source: ParsedSource, node: ast.Name, of_any_tree: bool) -> bool:
    """Tell whether a name has been tested, or is what a traversal, of a known tree or of any, hands over."""
    bindings = source.bindings.bindings_of(node.id, start_of(node))
    if any(known_at(source, _known_where_tested(source), node, bindings)):
        return True
    may_be_handed_over = len(bindings) == 1 and _may_be_handed_over(bindings[0])
    return may_be_handed_over and any(known_at(source, _known_where_handed_over(source, of_any_tree), node, bindings))


def _may_be_handed_over(binding: Binding) -> bool:
    """Tell whether a binding may be the leaf of a lambda or a loop; the file's tree calls are read only for those."""
    is_of_lambda = binding.kind is BindingKind.PARAMETER and binding.scope.kind is ScopeKind.LAMBDA
    return is_of_lambda or binding.kind is BindingKind.ITERATION


def wrapper_attributes(
    source: ParsedSource, name: str, context: type[ast.expr_context] = ast.Load, *, of_self: bool = True
) -> Iterator[ast.Attribute]:
    """Yield every access to one attribute of expressions that are always wrappers.

    Yields nothing if a class of the file that may be a wrapper defines such a member, which may do something else.

    Args:
        source: the file.
        name: the attribute.
        context: ``ast.Load`` for reads, ``ast.Store`` for writes.
        of_self: whether attributes of what is called ``self`` count, which most that are set are.
    """
    is_set = context is ast.Store
    general = "__setattr__" if is_set else "__getattribute__"
    for node in (source.bindings.set_attributes if is_set else source.bindings.attributes).get(name, ()):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, context):
            continue
        if not of_self and is_name(node.value, "self"):
            continue
        is_meant = is_wrapper(source, node.value) and own_members(source).isdisjoint((name, general))
        # What is around a node is asked last, since that takes a walk, and most are no wrappers.
        if is_meant and not has_no_place(source, node) and not _is_pattern_part(source, node):
            yield node


def _is_pattern_part(source: ParsedSource, node: ast.AST) -> bool:
    """Tell whether a node is in a pattern such as ``case name.value``, where a call is a syntax error."""
    around = source.ast_parent(node)
    while isinstance(around, ast.Attribute):
        around = source.ast_parent(around)
    return isinstance(around, ast.MatchValue)


# Made by a constructor


def _is_made_so(source: ParsedSource, node: ast.expr, following: Following) -> bool:
    if isinstance(node, ast.Call):
        return _makes_wrapper(source, node, following)
    return isinstance(node, ast.Name) and _is_bound_so(source, node, following)


def _is_bound_so(source: ParsedSource, node: ast.Name, following: Following) -> bool:
    bindings = source.bindings.bindings_of(node.id, start_of(node))
    if bindings and all(_binds_wrapper(source, binding, following) for binding in bindings):
        return True
    return following.attributes and kind_of_self(source, node) is TreeKind.VARIABLES


def _binds_wrapper(source: ParsedSource, binding: Binding, following: Following) -> bool:
    if binding.kind is BindingKind.PARAMETER:
        arguments = getattr(binding.scope.node, "args", None)
        if not isinstance(arguments, ast.arguments) or binding.node in (arguments.vararg, arguments.kwarg):
            return False
        annotation = getattr(binding.node, "annotation", None)
        types = None if annotation is None else class_names(source, annotation)
        if types:
            return WRAPPERS.issuperset(types)
        return following.calls > 0 and _is_given_nothing_else(source, binding, following)
    if following.attributes and iterates_over_wrappers(source, binding):
        return True
    if isinstance(binding.node, ast.MatchAs) and binding.node.pattern is not None:
        types = types_matched(source, binding.node.pattern)
        return bool(types) and types is not None and types <= WRAPPERS
    if binding.kind is not BindingKind.ASSIGNMENT or binding.path or binding.value is None:
        return False
    if isinstance(binding.value, (ast.Attribute, ast.Subscript)):
        return following.public and is_wrapper(source, binding.value, following)
    return isinstance(binding.value, ast.Call) and _makes_wrapper(source, binding.value, following)


def _makes_wrapper(source: ParsedSource, call: ast.Call, following: Following) -> bool:
    function = call.func.value if isinstance(call.func, ast.Subscript) else call.func
    if dotted_name(function) is None:
        return False
    types = class_names(source, function, 0)
    if types and WRAPPERS.issuperset(types):
        return True
    return following.attributes and is_own_variable_class(source, function)


# Passed by every call


def _is_given_nothing_else(source: ParsedSource, binding: Binding, following: Following) -> bool:
    """Tell whether each mention of a parameter's function calls it with a wrapper, or maps it over wrappers."""
    passed = arguments_of(source, binding)
    if passed is None or not passed.given or (passed.is_public and not following.public):
        return False
    further = replace(following, calls=following.calls - 1)
    return all(_gives_wrapper(source, one, binding.name, further) for one in passed.given)


def _gives_wrapper(source: ParsedSource, given: Argument, name: str, following: Following) -> bool:
    of_any_tree = following.public
    if of_any_tree and state_mappers(source).get(given.mention) == name:
        return True
    if given.mention in _mappers(source) and _leaf_given(source, given.mention, of_any_tree) == name:
        return True
    call = source.ast_parent(given.mention)
    is_partial = isinstance(call, ast.Call) and call.args[:1] == [given.mention]
    if isinstance(call, ast.Call) and is_partial and source.bindings.names_of(call.func) == {PARTIAL}:
        uses = uses_of(source, call)
        return bool(uses) and all(not use.path and _leaf_given(source, use.node, of_any_tree) == name for use in uses)
    return given.value is not None and is_wrapper(source, given.value, following)


def _leaf_given(source: ParsedSource, expression: ast.expr, of_any_tree: bool) -> str | None:
    """Return the parameter that always gets a wrapper if an expression is a mapper that is called with nothing else."""
    found = _mappers_of_wrappers(source, of_any_tree).get(expression)
    return None if found is None else found.leaf


@remembered
def _mappers(source: ParsedSource) -> frozenset[ast.expr]:
    """Return the expressions that are passed to a tree function as its mapper."""
    return frozenset(one.mapper for one in tree_calls_of(source) if one.mapper is not None)


@remembered
def _mappers_of_wrappers(source: ParsedSource, of_any_tree: bool) -> dict[ast.expr, Mapper]:
    """Return the mappers without dispatch in calls that stop only at wrappers, by the expression that is given.

    Without ``of_any_tree``, those over trees are left out that may have other leaves as well, such as members of enums.
    """
    found: dict[ast.expr, Mapper] = {}
    for call in _calls_that_stop_at_wrappers(source):
        if not of_any_tree and not holds_only_wrappers(source, call.trees):
            continue
        mapper = None if call.mapper is None else mapper_of(source, call.mapper, call.function.leaf_position)
        if isinstance(mapper, Mapper) and not mapper.dispatches and not mapper.function.overridable:
            found[mapper.expression] = mapper
    return found


# Type-tested, or passed by a traversal


@remembered
def _known_where_tested(source: ParsedSource) -> KnownNames:
    return by_name(_tested(source))


@remembered
def _known_where_handed_over(source: ParsedSource, of_any_tree: bool) -> KnownNames:
    return by_name(_handed_over(source, of_any_tree))


def _tested(source: ParsedSource) -> Iterator[KnownName]:
    for use in source.bindings.calls.get("isinstance", ()):
        test = type_test(source, use)
        if test is None or not test[1] or not test[1] <= WRAPPERS:
            continue
        yield from known_where(source, use, test[0])
        for call, name in _calls_of_predicate(source, use, test[0]):
            yield from known_where(source, call, name)
    for statement in source.bindings.statements:
        if isinstance(statement.node, ast.Match) and isinstance(statement.node.subject, ast.Name):
            yield from _tested_by_cases(source, statement.node, statement.node.subject)


def _tested_by_cases(source: ParsedSource, node: ast.Match, subject: ast.Name) -> Iterator[KnownName]:
    """Yield the name that a ``match`` is about, with the code of each case that only wrappers reach."""
    if source.bindings.is_shared(subject.id):
        return  # Any call may rebind it.
    bindings = source.bindings.bindings_of(subject.id, start_of(subject))
    for case in node.cases:
        types = types_matched(source, case.pattern)
        if types and types <= WRAPPERS:
            region = start_of(case.body[0]), end_of(case.body[-1])
            yield KnownName(subject.id, region, bindings, source.bindings.scope_at(start_of(subject)))


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
        is_by_name = isinstance(call.func, ast.Name)  # A method of that name is another function.
        if is_by_name and len(call.args) == 1 and isinstance(call.args[0], ast.Name):
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


def _handed_over(source: ParsedSource, of_any_tree: bool) -> Iterator[KnownName]:
    for node, mapper in _mappers_of_wrappers(source, of_any_tree).items():
        if isinstance(node, ast.Lambda):
            yield from _leaf_of_lambda(source, node, mapper.leaf)
    for call in _calls_that_stop_at_wrappers(source):
        yield from _leaves_of_loops(source, call)
    for node, leaf in state_mappers(source).items() if of_any_tree else ():
        if isinstance(node, ast.Lambda):
            yield from _leaf_of_lambda(source, node, leaf)


@remembered
def _calls_that_stop_at_wrappers(source: ParsedSource) -> tuple[TreeCall, ...]:
    return tuple(call for call in tree_calls_of(source) if _stops_only_at_wrappers(source, call))


def _stops_only_at_wrappers(source: ParsedSource, call: TreeCall) -> bool:
    test = None if call.is_leaf is None else leaf_test_of(source, call.is_leaf, takes_path=call.takes_path)
    return isinstance(test, LeafTest) and test.stops_only_at_wrappers


def _leaf_of_lambda(source: ParsedSource, node: ast.Lambda, name: str) -> Iterator[KnownName]:
    for leaf in (one for one in positional_parameters(node) if one.arg == name):
        bindings = source.bindings.bindings_of(leaf.arg, start_of(node.body))
        if len(bindings) == 1 and bindings[0].node is leaf:
            scope = source.bindings.scope_at(start_of(node.body))
            yield KnownName(leaf.arg, (start_of(node.body), end_of(node.body)), bindings, scope)


# Passed beside a Variable


def _is_beside_wrapper(source: ParsedSource, node: ast.Name) -> bool:
    """Tell whether a name whose ``value`` is read is the leaf of a further tree, where that of the first is a wrapper.

    The trees are of one structure, so it is a wrapper as well if its tree is known to hold them, or, of a tree of which
    nothing is known, if the mapper reads the value of both.
    """
    around = source.ast_parent(node)
    if not isinstance(around, ast.Attribute) or around.attr not in ("value", "raw_value"):
        return False
    bindings = source.bindings.bindings_of(node.id, start_of(node))
    found = _further_leaves(source).get(bindings[0].node) if len(bindings) == 1 else None
    if found is None:
        return False
    mapper, tree = found
    origin = origin_of(source, tree)
    if isinstance(origin, Origin) and (origin.is_mapped or not origin.holds_wrappers):
        return False
    if isinstance(origin, Unknown) and _reads_of(source, mapper).isdisjoint(VARIABLE_ONLY_ATTRIBUTES):
        return False
    return not mapper.dispatches or _is_where_first_is_tested(source, mapper, node)


def _is_where_first_is_tested(source: ParsedSource, mapper: Mapper, node: ast.Name) -> bool:
    place = start_of(node)
    bindings = source.bindings.bindings_of(mapper.leaf, place)
    known, _ = _known_where_tested(source).get((mapper.leaf, bindings), ((), ()))
    return any(one.region[0] <= place < one.region[1] for one in known)


@remembered
def _reads_of(source: ParsedSource, mapper: Mapper) -> frozenset[str]:
    """Return the attributes of the first tree's leaf that a mapper uses on some way."""
    uses = leaf_uses(source, mapper.function.body, mapper.leaf)
    return frozenset(use.attr for use in uses if isinstance(use, ast.Attribute))


@remembered
def _further_leaves(source: ParsedSource) -> dict[ast.AST, tuple[Mapper, ast.expr]]:
    """Return the parameters for leaves of further trees, each with its mapper and its tree.

    The calls stop at wrappers alone, and nothing but one call uses the function.
    """
    found: dict[ast.AST, tuple[Mapper, ast.expr]] = {}
    for call in _calls_that_stop_at_wrappers(source):
        if call.mapper is None or call.more_trees or len(call.trees) < 2:
            continue
        mapper = mapper_of(source, call.mapper, call.function.leaf_position)
        if isinstance(mapper, Mapper) and not mapper.function.overridable and len(mapper.others) == len(call.trees) - 1:
            named = {one.arg: one for one in positional_parameters(mapper.function.definition)}
            pairs = zip(mapper.others, call.trees[1:], strict=True)
            found |= {named[name]: (mapper, tree) for name, tree in pairs if _is_used_once(source, mapper)}
    return found


def _is_used_once(source: ParsedSource, mapper: Mapper) -> bool:
    """Tell whether a mapper is a lambda in its call, or a function that the file names nowhere else."""
    definition = mapper.function.definition
    if isinstance(definition, ast.Lambda):
        return mapper.is_inline
    named = source.bindings.attributes.get(definition.name, ())
    return isinstance(mapper.expression, ast.Name) and [*named] == [mapper.expression]


def _leaves_of_loops(source: ParsedSource, call: TreeCall) -> Iterator[KnownName]:
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
                yield KnownName(loop.leaf, region, bindings, source.bindings.scope_at(region[0]))
