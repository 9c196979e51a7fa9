"""What an ``is_leaf`` predicate says about a node's type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from flake8_nnx_treemap.analysis.calls.class_references import TypeReference, type_name, types_of
from flake8_nnx_treemap.analysis.calls.functions import Function, function_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.syntax import is_docstring, is_name, positional_arguments, statements_of


@dataclass(frozen=True, slots=True, eq=False)
class TypeTest:
    """``isinstance(x, types)``, or a comparison of ``type(x)``.

    ``container`` is the expression that names the types; ``is_exact`` holds for comparisons, which subclasses fail;
    ``is_conditional`` if another test must hold as well for the predicate to be true.
    """

    node: cst.BaseExpression
    container: cst.BaseExpression
    types: tuple[TypeReference, ...]
    is_exact: bool = False
    is_conditional: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Canonical names of the types, as far as they are known."""
        return frozenset(found.name for found in self.types if found.name is not None)


@dataclass(frozen=True, slots=True, eq=False)
class LeafTest:
    """What a predicate says: a node is a leaf if one of ``tests`` holds, or one of ``others``.

    ``function`` is what runs; ``is_inline`` holds if it is a lambda written in the call, which an edit may change.
    ``denied`` are tests that must not hold. Without ``others`` and ``denied`` the predicate is nothing but its tests.
    """

    expression: cst.BaseExpression
    function: Function
    parameter: str
    tests: tuple[TypeTest, ...]
    denied: tuple[TypeTest, ...]
    others: tuple[cst.BaseExpression, ...]

    @property
    def is_inline(self) -> bool:
        """Whether the predicate is a lambda written in the call itself."""
        return self.function.definition is self.expression

    @property
    def names(self) -> frozenset[str]:
        """Canonical names of every type that makes a node a leaf."""
        return frozenset().union(*(test.names for test in self.tests))


@dataclass(frozen=True, slots=True, eq=False)
class _Condition:
    """A piece of a predicate with how it counts: denied by a ``not``, joined to others by an ``and``."""

    node: cst.BaseExpression
    is_denied: bool
    is_conditional: bool


def leaf_test_of(
    source: ParsedSource, expression: cst.BaseExpression, *, across_files: bool = False
) -> LeafTest | Unknown:
    """Read an ``is_leaf`` argument.

    Args:
        source: the file.
        expression: the value given as ``is_leaf``.
        across_files: whether a predicate of another file will do, whose nodes belong to ``function.home``.

    Returns:
        What the predicate tests, or why it cannot be read.
    """
    test = _leaf_test_of(source, expression, across_files=False)
    is_elsewhere = isinstance(test, Unknown) and across_files
    return _leaf_test_of(source, expression, across_files=True) if is_elsewhere else test


@remembered
def _leaf_test_of(source: ParsedSource, expression: cst.BaseExpression, *, across_files: bool) -> LeafTest | Unknown:
    function = function_of(source, expression, across_files=across_files)
    if isinstance(function, Unknown):
        return function
    parameters = function.parameters
    if len(parameters) != 1:
        return Unknown("the predicate takes more than one argument")
    tests = _tests_of(function.home or source, function.definition, parameters[0])
    return tests if isinstance(tests, Unknown) else LeafTest(expression, function, parameters[0], *tests)


_Tests = tuple[tuple[TypeTest, ...], tuple[TypeTest, ...], tuple[cst.BaseExpression, ...]]
"""``tests``, ``denied`` and ``others`` of a ``LeafTest``."""


@remembered
def _tests_of(source: ParsedSource, definition: cst.Lambda | cst.FunctionDef, parameter: str) -> _Tests | Unknown:
    """What a function says of its parameter: found once for one that many calls have as their predicate."""
    conditions = _conditions_of_function(definition)
    if isinstance(conditions, Unknown):
        return conditions
    tests, denied, others = [], [], []
    for condition in conditions:
        test = type_test_of(source, condition.node, parameter, is_conditional=condition.is_conditional)
        if test is None:
            others.append(condition.node)
        elif condition.is_denied:
            denied.append(test)
        else:
            tests.append(test)
    return tuple(tests), tuple(denied), tuple(others)


def type_test_of(
    source: ParsedSource, node: cst.BaseExpression, subject: str, *, is_conditional: bool = False
) -> TypeTest | None:
    """Read ``isinstance(subject, T)``, ``type(subject) is T``, ``type(subject) in (..)`` and their like.

    Args:
        source: the file.
        node: an expression.
        subject: the text of what is tested, such as ``x`` or ``xs[0]``.
        is_conditional: what the result says about its surroundings.

    Returns:
        The test, or ``None`` if the expression is not a test of the subject's type.
    """
    if isinstance(node, cst.Call):
        return _type_test_of_call(source, node, subject, is_conditional)
    if not isinstance(node, cst.Comparison) or len(node.comparisons) != 1:
        return None
    target = node.comparisons[0]
    if not isinstance(target.operator, (cst.Is, cst.Equal, cst.In)):
        return None
    if is_type_of(source, node.left, subject):
        container = target.comparator
    elif is_type_of(source, target.comparator, subject) and not isinstance(target.operator, cst.In):
        container = node.left
    else:
        return None
    return TypeTest(node, container, types_of(source, container), is_exact=True, is_conditional=is_conditional)


def is_type_of(source: ParsedSource, node: cst.BaseExpression, subject: str) -> bool:
    """Whether an expression is ``type(subject)`` or ``subject.__class__``."""
    if isinstance(node, cst.Attribute) and node.attr.value == "__class__":
        return source.text_of(node.value) == subject
    return (
        isinstance(node, cst.Call)
        and is_name(node.func, "type")
        and len(node.args) == 1
        and source.text_of(node.args[0].value) == subject
    )


def _type_test_of_call(source: ParsedSource, call: cst.Call, subject: str, is_conditional: bool) -> TypeTest | None:
    name = type_name(source, call.func)
    arguments = positional_arguments(call)
    if name == "builtins.bool" and arguments and len(arguments) == 1:
        return type_test_of(source, arguments[0], subject, is_conditional=is_conditional)
    if arguments is None or len(arguments) != 2:
        return None
    tested = source.text_of(arguments[0]) == subject
    if name == "builtins.issubclass":
        tested = is_type_of(source, arguments[0], subject)
    elif name != "builtins.isinstance":
        return None
    if not tested:
        return None
    return TypeTest(call, arguments[1], types_of(source, arguments[1]), is_conditional=is_conditional)


def _conditions_of_function(definition: cst.Lambda | cst.FunctionDef) -> list[_Condition] | Unknown:
    if isinstance(definition, cst.Lambda):
        return list(_split(definition.body, False, False))
    return _conditions_of_statements([found for found in statements_of(definition.body) if not is_docstring(found)])


def _conditions_of_statements(statements: Sequence[cst.CSTNode]) -> list[_Condition] | Unknown:
    """Read ``if test: return a`` and ``return b`` as the one expression that they amount to."""
    found: list[_Condition] = []
    is_conditional = False
    remaining = [*reversed(statements)]
    while remaining:
        first = remaining.pop()
        if isinstance(first, cst.Return):
            return [*found, *_split(first.value, False, is_conditional)] if first.value is not None else found
        if not isinstance(first, cst.If):
            return Unknown("the predicate does more than return a test")
        if isinstance(first.orelse, cst.Else):
            remaining = [*reversed(list(statements_of(first.orelse.body)))]
        elif isinstance(first.orelse, cst.If):
            remaining = [first.orelse]
        constant = _returned_constant(list(statements_of(first.body)))
        if constant is None:
            return Unknown("the predicate has branches that return more than True or False")
        joins = not constant and _returned_constant(remaining) is not True
        found += _split(first.test, not constant, is_conditional or joins)
        is_conditional = is_conditional or not constant
    return found


def _returned_constant(statements: Sequence[cst.CSTNode]) -> bool | None:
    """``True`` or ``False`` where the statements do nothing but return it."""
    if len(statements) != 1 or not isinstance(statements[0], cst.Return):
        return None
    value = statements[0].value
    if is_name(value, "True"):
        return True
    return False if value is None or is_name(value, "False") or is_name(value, "None") else None


def _split(node: cst.BaseExpression, is_denied: bool, is_conditional: bool) -> Iterator[_Condition]:
    if is_name(node, "False") or is_name(node, "True"):
        return
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Not):
        yield from _split(node.expression, not is_denied, is_conditional)
    elif isinstance(node, cst.BooleanOperation):
        # Under a "not", "or" joins and "and" parts: De Morgan.
        joins = isinstance(node.operator, cst.And) is not is_denied
        yield from _split(node.left, is_denied, is_conditional or joins)
        yield from _split(node.right, is_denied, is_conditional or joins)
    elif isinstance(node, cst.IfExp) and is_name(node.body, "True") and not is_denied:
        yield from _split(node.test, False, is_conditional)
        yield from _split(node.orelse, False, is_conditional)
    else:
        yield _Condition(node, is_denied, is_conditional)
