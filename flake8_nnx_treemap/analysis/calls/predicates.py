"""Reads the type tests of ``is_leaf`` predicates."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.class_references import ClassReference, class_name, classes_of
from flake8_nnx_treemap.analysis.calls.functions import Function, function_of
from flake8_nnx_treemap.analysis.code.nodes import (
    Definition,
    access_path,
    body_of,
    is_constant,
    is_name,
    positional_arguments,
    without_docstring,
)
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.names import WRAPPERS


@dataclass(frozen=True, slots=True, eq=False)
class TypeTest:
    """A type test: ``isinstance(x, types)``, or a comparison of ``type(x)``.

    ``subject`` is how the code spells what is tested. ``container`` is the expression that names the types;
    ``is_exact`` is true for comparisons, which subclasses fail; ``is_conditional`` if another test must hold as well
    for the predicate to be true.
    """

    node: ast.expr
    subject: str
    container: ast.expr
    types: tuple[ClassReference, ...]
    is_exact: bool = False
    is_conditional: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Canonical names of the types, as far as they are known."""
        return frozenset(found.name for found in self.types if found.name is not None)


@dataclass(frozen=True, slots=True, eq=False)
class LeafTest:
    """An ``is_leaf`` predicate: a node is a leaf if one of ``tests`` holds, or one of ``others``.

    ``function`` is the predicate's function, ``parameter`` the one that gets the node; with ``takes_path`` another one
    before it gets the node's key path. ``denied`` are tests that must not hold. Without ``others`` and ``denied``
    the predicate consists of its ``tests``.
    """

    expression: ast.expr
    function: Function
    parameter: str
    tests: tuple[TypeTest, ...]
    denied: tuple[TypeTest, ...]
    others: tuple[ast.expr, ...]
    takes_path: bool = False

    @property
    def is_inline(self) -> bool:
        """Whether the predicate is a lambda written in the call itself, which an edit may change."""
        return self.function.definition is self.expression

    @property
    def names(self) -> frozenset[str]:
        """Canonical names of every type that makes a node a leaf."""
        return frozenset().union(*(test.names for test in self.tests))

    @property
    def is_only_tests(self) -> bool:
        """Whether the predicate is true of instances of its types, and of nothing else."""
        return not self.others and not self.denied and not any(test.is_conditional for test in self.tests)

    @property
    def stops_only_at_wrappers(self) -> bool:
        """Whether the predicate is nothing but a test for classes of wrappers."""
        names = [found.name for test in self.tests for found in test.types]
        return self.is_only_tests and bool(names) and all(name in WRAPPERS for name in names)


@dataclass(frozen=True, slots=True, eq=False)
class _Condition:
    """One condition in a predicate: ``is_denied`` after a ``not``, ``is_conditional`` beside an ``and``."""

    node: ast.expr
    is_denied: bool
    is_conditional: bool


def leaf_test_of(
    source: ParsedSource, expression: ast.expr, *, takes_path: bool | None = False, across_files: bool = False
) -> LeafTest | Unknown:
    """Return the tests of an ``is_leaf`` argument.

    Args:
        source: the file.
        expression: the value passed as ``is_leaf``.
        takes_path: whether it is called with a key path before the node; ``None`` if that is unknown.
        across_files: whether to read predicates of other files, too; their nodes belong to ``function.home``.

    Returns:
        The predicate's tests, or why it cannot be read.
    """
    if takes_path is None:
        return Unknown("the predicate may be given a path")
    test = _leaf_test_of(source, expression, takes_path, across_files=False)
    is_elsewhere = isinstance(test, Unknown) and across_files
    return _leaf_test_of(source, expression, takes_path, across_files=True) if is_elsewhere else test


@remembered
def _leaf_test_of(
    source: ParsedSource, expression: ast.expr, takes_path: bool, *, across_files: bool
) -> LeafTest | Unknown:
    function = function_of(source, expression, across_files=across_files)
    if isinstance(function, Unknown):
        return function
    parameters = function.parameters
    if len(parameters) != 1 + takes_path:
        return Unknown("the predicate does not take the arguments that it is given")
    tests = _tests_of(function.home or source, function.definition, parameters[-1])
    return tests if isinstance(tests, Unknown) else LeafTest(expression, function, parameters[-1], *tests, takes_path)


_Tests = tuple[tuple[TypeTest, ...], tuple[TypeTest, ...], tuple[ast.expr, ...]]
"""``tests``, ``denied`` and ``others`` of a ``LeafTest``."""


@remembered
def _tests_of(source: ParsedSource, definition: Definition, parameter: str) -> _Tests | Unknown:
    """Return a function's tests of its parameter; remembered for a predicate that many calls share."""
    conditions = _conditions_of_function(definition)
    if isinstance(conditions, Unknown):
        return conditions
    tests, denied, others = [], [], []
    for condition in conditions:
        test = type_test_of(source, condition.node, {parameter}, is_conditional=condition.is_conditional)
        if test is None:
            others.append(condition.node)
        elif condition.is_denied:
            denied.append(test)
        else:
            tests.append(test)
    return tuple(tests), tuple(denied), tuple(others)


Subjects = frozenset[str] | set[str]
"""The spellings of what is tested: ``x``, or ``xs[0]``; several if it is assigned to further names."""


def type_test_of(
    source: ParsedSource, node: ast.AST, subjects: Subjects, *, is_conditional: bool = False
) -> TypeTest | None:
    """Return the type test in ``isinstance(subject, T)``, ``type(subject) is T``, ``type(subject) in (..)``.

    Args:
        source: the file.
        node: an expression.
        subjects: the spellings of what is tested.
        is_conditional: the value of the result's ``is_conditional``.

    Returns:
        The test, or ``None`` if the expression is not a test of the subject's type.
    """
    if isinstance(node, ast.Call):
        return _type_test_of_call(source, node, subjects, is_conditional)
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return None
    operator, left, right = node.ops[0], node.left, node.comparators[0]
    if not isinstance(operator, (ast.Is, ast.Eq, ast.In)):
        return None
    if (subject := typed_subject(left, subjects)) is not None:
        container = right
    elif (subject := typed_subject(right, subjects)) is not None and not isinstance(operator, ast.In):
        container = left
    else:
        return None
    types = classes_of(source, container)
    return TypeTest(node, subject, container, types, is_exact=True, is_conditional=is_conditional)


def typed_subject(node: ast.AST, subjects: Subjects) -> str | None:
    """Return the subject if an expression is ``type(subject)`` or ``subject.__class__``."""
    asked = typed_expression(node)
    return None if asked is None else _subject(asked, subjects)


def typed_expression(node: ast.AST) -> ast.expr | None:
    """Return ``x`` for ``type(x)`` and ``x.__class__``."""
    if isinstance(node, ast.Attribute) and node.attr == "__class__":
        return node.value
    is_call = isinstance(node, ast.Call) and is_name(node.func, "type") and len(node.args) == 1 and not node.keywords
    return node.args[0] if is_call and isinstance(node, ast.Call) else None


def _subject(node: ast.expr, subjects: Subjects) -> str | None:
    path = access_path(node)
    return path if path in subjects else None


def _type_test_of_call(
    source: ParsedSource, call: ast.Call, subjects: Subjects, is_conditional: bool
) -> TypeTest | None:
    arguments = positional_arguments(call)
    if not arguments or len(arguments) > 2:
        return None
    name = class_name(source, call.func)
    if name == "builtins.bool" and len(arguments) == 1:
        return type_test_of(source, arguments[0], subjects, is_conditional=is_conditional)
    if name == "builtins.isinstance":
        subject = _subject(arguments[0], subjects)
    elif name == "builtins.issubclass":
        subject = typed_subject(arguments[0], subjects)
    else:
        return None
    if subject is None or len(arguments) != 2:
        return None
    types = classes_of(source, arguments[1])
    return TypeTest(call, subject, arguments[1], types, is_conditional=is_conditional)


def _conditions_of_function(definition: Definition) -> list[_Condition] | Unknown:
    if isinstance(definition, ast.Lambda):
        return list(_split(definition.body, False, False))
    return _conditions_of_statements(without_docstring(body_of(definition)))


def _conditions_of_statements(statements: Sequence[ast.AST]) -> list[_Condition] | Unknown:
    """Return the conditions of ``if test: return a`` and ``return b``, read as one expression."""
    found: list[_Condition] = []
    is_conditional = False
    remaining = [*reversed(statements)]
    while remaining:
        first = remaining.pop()
        if isinstance(first, ast.Return):
            return [*found, *_split(first.value, False, is_conditional)] if first.value is not None else found
        if not isinstance(first, ast.If):
            return Unknown("the predicate does more than return a test")
        if first.orelse:
            remaining = [*reversed(first.orelse)]
        constant = _returned_constant(first.body)
        if constant is None:
            return Unknown("the predicate has branches that return more than True or False")
        joins = not constant and _returned_constant(remaining) is not True
        found += _split(first.test, not constant, is_conditional or joins)
        is_conditional = is_conditional or not constant
    return found


def _returned_constant(statements: Sequence[ast.AST]) -> bool | None:
    """Return ``True`` or ``False`` if the statements only return that constant, else ``None``."""
    if len(statements) != 1 or not isinstance(statements[0], ast.Return):
        return None
    value = statements[0].value
    if is_constant(value, True):
        return True
    return False if value is None or is_constant(value, False, None) else None


def _split(node: ast.expr, is_denied: bool, is_conditional: bool) -> Iterator[_Condition]:
    if is_constant(node, True, False):
        return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _split(node.operand, not is_denied, is_conditional)
    elif isinstance(node, ast.BoolOp):
        # After a "not", "or" acts as "and" and the reverse: De Morgan.
        joins = isinstance(node.op, ast.And) is not is_denied
        for value in node.values:
            yield from _split(value, is_denied, is_conditional or joins)
    elif isinstance(node, ast.IfExp) and is_constant(node.body, True) and not is_denied:
        yield from _split(node.test, False, is_conditional)
        yield from _split(node.orelse, False, is_conditional)
    else:
        yield _Condition(node, is_denied, is_conditional)
