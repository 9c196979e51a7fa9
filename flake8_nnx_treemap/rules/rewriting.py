"""Replacements that several rules write: a mapper that dispatches, a predicate that stops at every wrapper."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from flake8_nnx_treemap.analysis.calls.mappers import Mapper
from flake8_nnx_treemap.analysis.calls.predicates import LeafTest, TypeTest
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall
from flake8_nnx_treemap.analysis.code.nodes import walk
from flake8_nnx_treemap.analysis.names.bindings import dotted_name, end_of
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource, Range, Unknown, remembered
from flake8_nnx_treemap.analysis.names.spelling import spelling_of
from flake8_nnx_treemap.analysis.syntax import dotted_parts, nodes_below
from flake8_nnx_treemap.analysis.values.wrappers import FOLLOW_PRIVATE, is_wrapper
from flake8_nnx_treemap.names import (
    VARIABLE,
    VARIABLE_ONLY_ATTRIBUTES,
    VARIABLE_STATE,
    VARIABLE_STATE_IS_VARIABLE,
    WRAPPERS,
    FlaxRelease,
    TreeFunctionKind,
)
from flake8_nnx_treemap.rules.rule import Applicability, Fix

LEAF_NAMES = ("v", "leaf", "variable", "leaf_")
"""Names for the parameter of a new lambda, in order of preference."""

_BINDS_LOOSELY = (cst.IfExp, cst.Lambda, cst.NamedExpr, cst.Yield, cst.GeneratorExp)
"""Expressions that would swallow an ``if … else`` written after them."""


@dataclass(frozen=True, slots=True)
class WrapperTypes:
    """The classes of NNX wrappers as this file writes them, with the import edits that this takes."""

    names: tuple[str, ...]
    edits: tuple[Edit, ...] = ()

    @property
    def text(self) -> str:
        """What stands as the second argument of ``isinstance``."""
        return self.names[0] if len(self.names) == 1 else f"({', '.join(self.names)})"


def wrapper_types(source: ParsedSource, node: cst.CSTNode, floor: FlaxRelease) -> WrapperTypes | None:
    """Spell ``nnx.Variable``, and VariableState as well while the floor is below 0.11, for use at ``node``."""
    wanted = ["Variable"]
    if floor < VARIABLE_STATE_IS_VARIABLE:
        wanted.append("variablelib.VariableState")
    place = source.place_of(node)
    if source.bindings.bindings_of("isinstance", place):
        return None  # What is called "isinstance" here is something else.
    spellings = [spelling_of(source, name, place) for name in wanted]
    found = [spelling for spelling in spellings if spelling is not None]
    if len(found) != len(wanted):
        return None
    return WrapperTypes(
        tuple(spelling.text for spelling in found), tuple(edit for spelling in found for edit in spelling.edits)
    )


def make_fix(
    source: ParsedSource, applicability: Applicability, message: str, edits: Iterable[Edit | None]
) -> Fix | None:
    """Put edits together, unless one is missing or would drop a comment."""
    done = []
    for edit in edits:
        if edit is None or (_has_comment(source.text_in(edit.range)) and not _has_comment(edit.content)):
            return None
        if edit.content or edit.range.start != edit.range.end:
            done.append(edit)
    return Fix(applicability, message, tuple(sorted(set(done)))) if done else None


def _has_comment(text: str) -> bool:
    return "#" in text


def new_keyword(source: ParsedSource, call: cst.Call, text: str) -> Edit:
    """Add a last keyword argument to a call, on a line of its own where the other arguments have theirs."""
    last = call.args[-1]
    end = source.outer_range(last.value).end
    start = source.range(last).start
    separator = ", "
    if start.row > source.range(call.func).end.row:
        before = source.line(start.row)[: start.column - 1]
        separator = ", " if before.strip() else "," + source.newline + before
    return source.insert(end, separator + text)


def may_be_the_leaf(result: cst.BaseExpression) -> bool:
    """Whether a result may be the very leaf, or hold it, and would be an alias: names, choices, displays of names."""
    if isinstance(result, (cst.IfExp, cst.BooleanOperation, cst.Subscript, cst.NamedExpr, cst.Lambda, cst.BaseComp)):
        return True
    if isinstance(result, (cst.Tuple, cst.List, cst.Set)):
        return any(may_be_the_leaf(element.value) for element in result.elements)
    if isinstance(result, cst.Dict):
        return any(may_be_the_leaf(element.value) for element in result.elements)
    return isinstance(result, cst.Name) and result.value not in ("None", "True", "False")


def hands_on_leaf(source: ParsedSource, mapper: Mapper) -> bool:
    """Whether a mapper does more with its leaf than read its members: it may return it, or keep it."""
    return _hands_on(mapper.function.home or source, mapper.function.definition, mapper.leaf)


@remembered
def _hands_on(source: ParsedSource, definition: cst.Lambda | cst.FunctionDef, leaf: str) -> bool:
    uses = leaf_uses(source, definition.body, leaf)
    return not all(isinstance(use, (cst.Attribute, cst.Subscript)) for use in uses)


def leaf_uses(source: ParsedSource, body: cst.CSTNode, leaf: str) -> Iterator[cst.CSTNode | None]:
    """What is done with a leaf in some code.

    Args:
        source: the file.
        body: the code.
        leaf: how it knows the leaf: a name, or ``args[0]``.

    Yields:
        For each mention the attribute or subscript that reads a member of it, or ``None`` for anything else.
    """
    root = leaf.partition("[")[0]
    for node in nodes_below(body, cst.Name):
        if node.value != root or _is_attribute_name(source, node):
            continue
        whole: cst.CSTNode = node
        while source.text_of(whole) != leaf and isinstance(parent := source.parent(whole), cst.Subscript):
            whole = parent
        owner = source.parent(whole)
        reads_member = isinstance(owner, (cst.Attribute, cst.Subscript)) and owner.value is whole
        yield owner if reads_member and source.text_of(whole) == leaf else None


def _is_attribute_name(source: ParsedSource, node: cst.Name) -> bool:
    owner = source.parent(node)
    return isinstance(owner, (cst.Attribute, cst.Arg)) and node in (
        getattr(owner, "attr", None),
        getattr(owner, "keyword", None),
    )


def applicability_on(source: ParsedSource, owner: ast.expr) -> Applicability:
    """How far to trust that an expression is a wrapper.

    Other code may set an attribute to something else, and may call a public function with something else.
    """
    is_certain = not isinstance(owner, ast.Attribute) and is_wrapper(source, owner, FOLLOW_PRIVATE)
    return Applicability.SAFE if is_certain else Applicability.UNSAFE


def assignment_as_call(source: ParsedSource, target: ast.Attribute, method: str) -> list[Edit] | None:
    """Write ``owner.method(value)`` for ``owner.attribute = value``.

    Args:
        source: the file.
        target: what is assigned to.
        method: the call up to its argument, such as ``set_value(``.

    Returns:
        Edits; ``None`` for an assignment of several targets, an augmented one, or one whose value may give the owner's
        name to something else: a call asks for its owner first, an assignment last.
    """
    statement = source.ast_parent(target)
    if not isinstance(statement, ast.Assign) or statement.targets != [target]:
        return None
    if _may_rebind_owner(source, target, statement.value):
        return None
    end = source.position_of_place(end_of(statement))
    after = source.position_of_place(end_of(target))
    equals = re.match(r"\s*=[ \t]*", source.text_in(Range(after, end)))
    if equals is None:
        return None  # The target stands in parentheses.
    start = source.position(source.offset(after) - len(target.attr))
    value = source.position(source.offset(after) + equals.end())
    needs_parentheses = isinstance(statement.value, (ast.Tuple, ast.Yield, ast.YieldFrom, ast.NamedExpr))
    is_bare = needs_parentheses and not _is_in_parentheses(source.text_in(Range(value, end)))
    opening, closing = ("(", "))") if is_bare else ("", ")")
    return [source.replace(Range(start, value), method + opening), source.insert(end, closing)]


def _may_rebind_owner(source: ParsedSource, target: ast.Attribute, value: ast.expr) -> bool:
    owner = (dotted_name(target) or ("",))[0]
    calls = any(isinstance(node, ast.Call) for node in walk(value))
    return (calls and source.bindings.is_shared(owner)) or any(isinstance(node, ast.NamedExpr) for node in walk(value))


def _is_in_parentheses(text: str) -> bool:
    """Whether an expression is in parentheses as a whole, unlike ``(1), (2)``."""
    try:
        return isinstance(ast.parse(f"called{text}", mode="eval").body, ast.Call)
    except SyntaxError:
        return False


# Mappers


def dispatching_mapper(
    source: ParsedSource, call: TreeCall, mapper: Mapper | Unknown, types: WrapperTypes
) -> list[Edit] | None:
    """Make a call's mapper leave everything alone that is not a wrapper.

    Args:
        source: the file.
        call: the call.
        mapper: what is known of its mapper.
        types: the wrapper classes, as written here.

    Returns:
        Edits; ``None`` if the mapper is an expression that cannot be called once a leaf instead of once.
    """
    if isinstance(mapper, Mapper) and isinstance(mapper.function.definition, cst.Lambda) and mapper.is_inline:
        return _guarded_lambda(source, mapper.function.definition, mapper.leaf, types)
    if call.mapper is None or call.mapper.lpar:
        return None
    return _guarded_call(source, call, call.mapper, types)


def _guarded_lambda(source: ParsedSource, definition: cst.Lambda, leaf: str, types: WrapperTypes) -> list[Edit] | None:
    body = definition.body
    bound = {node.name.value for node in nodes_below(definition.params, cst.Param)}
    if bound & _roots(types) or any(nodes_below(body, cst.NamedExpr, cst.Yield)):
        return None
    outer = source.outer_range(body)
    test = f" if isinstance({leaf}, {types.text}) else {leaf}"
    if isinstance(body, _BINDS_LOOSELY) and not body.lpar:
        return [source.insert(outer.start, "("), source.insert(outer.end, ")" + test)]
    return [source.insert(outer.end, test)]


def _guarded_call(
    source: ParsedSource, call: TreeCall, mapper: cst.BaseExpression, types: WrapperTypes
) -> list[Edit] | None:
    if not _is_pure(source, mapper) or _names_class_scope(source, mapper):
        return None
    taken = {node.value for node in nodes_below(mapper, cst.Name)} | _roots(types)
    leaf = next((name for name in LEAF_NAMES if name not in taken), None)
    if leaf is None:
        return None
    more = len(call.trees) - 1
    others = ["other"] if more == 1 else [f"other{index + 1}" for index in range(more)]
    paths = ["path"] if call.function.leaf_position else []
    rest = ["*rest"] if call.more_trees else []
    parameters = [*paths, leaf, *others, *rest]
    if taken & {name.lstrip("*") for name in parameters}:
        return None
    test = f"if isinstance({leaf}, {types.text}) else {leaf}"
    range_ = source.range(mapper)
    return [
        source.insert(range_.start, f"lambda {', '.join(parameters)}: "),
        source.insert(range_.end, f"({', '.join(parameters)}) {test}"),
    ]


def _is_pure(source: ParsedSource, node: cst.BaseExpression) -> bool:
    """Whether evaluating an expression once a leaf is the same as once: names, and partials that stay the same."""
    if dotted_parts(node) is not None:
        return True
    return (
        isinstance(node, cst.Call)
        and (dotted_parts(node.func) or ("",))[-1] == "partial"
        and not any(argument.star for argument in node.args)
        and dotted_parts(node.args[0].value) is not None
        and all(_stays_the_same(source, argument.value) for argument in node.args[1:])
    )


def _stays_the_same(source: ParsedSource, node: cst.BaseExpression) -> bool:
    """Whether an expression is worth the same for each leaf: a constant, an import, a name that is bound only once."""
    if isinstance(node, (cst.SimpleString, cst.Integer, cst.Float)) or source.qualified_names(node):
        return True
    bindings = source.bindings_of(node) if isinstance(node, cst.Name) else ()
    return len(bindings) == 1 and source.bindings.is_bound_once(bindings[0])


def _names_class_scope(source: ParsedSource, node: cst.CSTNode) -> bool:
    """Whether a name is bound in a class body: a lambda there does not see it."""
    return any(
        binding.scope.kind.value == "class"
        for found in nodes_below(node, cst.Name)
        for binding in source.bindings_of(found)
    )


def _roots(types: WrapperTypes) -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in types.names)


# Predicates


def widened_predicate(
    source: ParsedSource, test: LeafTest, types: WrapperTypes, floor: FlaxRelease
) -> list[Edit] | None:
    """Make a predicate that stops at VariableState stop at every wrapper; its other parts stay.

    Returns:
        Edits, none if nothing need change; ``None`` if the predicate cannot be widened where it stands.
    """
    if test.is_inline:
        if test.parameter in _roots(types):
            return None
        edits: list[Edit] = []
        for found in test.tests:
            widened = _widened_types(source, found, types, floor)
            if widened is None:
                return None
            edits += widened
        return edits
    if floor >= VARIABLE_STATE_IS_VARIABLE:
        return []  # From 0.11 the two classes are one: the shared predicate is right as it is.
    range_ = source.range(test.expression)
    name = test.parameter if test.parameter not in _roots(types) else "x"
    widened_test = f"lambda {name}: isinstance({name}, {types.text})"
    if _is_only_wrappers(test):
        return [source.replace(range_, widened_test)]
    parts = dotted_parts(test.expression)
    if parts is None or name in parts:
        return None
    return [source.replace(range_, f"{widened_test} or {source.text_of(test.expression)}({name})")]


def _is_only_wrappers(test: LeafTest) -> bool:
    names = [found.name for one in test.tests for found in one.types]
    plain = not test.others and not test.denied and not any(one.is_conditional for one in test.tests)
    return plain and all(name in (VARIABLE, VARIABLE_STATE) for name in names)


def _widened_types(source: ParsedSource, test: TypeTest, types: WrapperTypes, floor: FlaxRelease) -> list[Edit] | None:
    both = (VARIABLE, VARIABLE_STATE)
    if test.names.isdisjoint(both):
        return []
    if all(found.name in both for found in test.types):
        return [source.replace(source.outer_range(test.container), types.text)]
    if test.names.issuperset(both):
        return []
    named = next(found for found in test.types if found.name in both)
    if not named.is_local:
        # A constant that names VariableState names Variable from 0.11 on; below, it is shared with others.
        return [] if floor >= VARIABLE_STATE_IS_VARIABLE else None
    separator = " | " if isinstance(test.container, cst.BinaryOperation) else ", "
    return [source.replace(source.range(named.node), separator.join(types.names))]


def stops_elsewhere(test: LeafTest) -> bool:
    """Whether a predicate also stops at things that are no wrappers, which the mapper may well be meant for."""
    names: Sequence[str | None] = [found.name for one in test.tests for found in one.types]
    return not WRAPPERS.issuperset(names) or any(
        not _is_none_test(node) for node in test.others if not _conditional(test, node)
    )


def _conditional(test: LeafTest, node: cst.BaseExpression) -> bool:
    """Whether a part of the predicate only narrows its type tests."""
    return bool(test.tests) and all(one.is_conditional for one in test.tests)


def _is_none_test(node: cst.BaseExpression) -> bool:
    return (
        isinstance(node, cst.Comparison)
        and len(node.comparisons) == 1
        and isinstance(node.comparisons[0].operator, (cst.Is, cst.Equal))
        and isinstance(node.comparisons[0].comparator, cst.Name)
        and node.comparisons[0].comparator.value == "None"
    )


# The whole fix


def dispatch_fix(
    source: ParsedSource, call: TreeCall, test: LeafTest, mapper: Mapper | Unknown, floor: FlaxRelease
) -> Fix | None:
    """Make a call's mapper dispatch on the wrapper classes, and its predicate stop at all of them.

    Args:
        source: the file.
        call: a call whose predicate stops at a wrapper class and whose mapper takes every leaf.
        test: what its predicate says.
        mapper: what is known of its mapper.
        floor: the lowest Flax release that must run the code.

    Returns:
        The fix; ``None`` if the call shares its predicate with others, or cannot be rewritten where it stands.
    """
    if call.partial is not None or call.function.kind is TreeFunctionKind.REDUCE:
        return None  # What is given to a partial is shared with other calls; a reduction keeps what it has, no leaf.
    types = wrapper_types(source, call.node, floor)
    if types is None:
        return None
    mapping = dispatching_mapper(source, call, mapper, types)
    stopping = widened_predicate(source, test, types, floor)
    if mapping is None or stopping is None:
        return None
    safe = _is_safe(source, call, test, mapper, floor)
    applicability = Applicability.SAFE if safe else Applicability.UNSAFE
    message = "Dispatch on the leaf's type in the mapper"
    return make_fix(source, applicability, message, [*mapping, *stopping, *types.edits])


def _is_safe(
    source: ParsedSource, call: TreeCall, test: LeafTest, mapper: Mapper | Unknown, floor: FlaxRelease
) -> bool:
    if isinstance(mapper, Unknown) or not mapper.always_reads & VARIABLE_ONLY_ATTRIBUTES:
        return False
    if mapper.function.home is not None or test.function.home is not None:
        return False  # Another file may be another one by the time that both run.
    asks_for_more = any(found.is_conditional for found in test.tests)
    if stops_elsewhere(test) or (asks_for_more and floor < VARIABLE_STATE_IS_VARIABLE):
        return False
    return call.is_complete and not source.expects_missing_attribute(call.node)
