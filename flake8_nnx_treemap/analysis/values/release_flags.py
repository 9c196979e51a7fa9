"""Follows what a version check says: names, attributes, items, functions and properties that stand for the answer."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from flake8_nnx_treemap.analysis.calls.functions import PROPERTIES
from flake8_nnx_treemap.analysis.code.nodes import (
    defaults_of,
    is_constant,
    own_nodes,
    start_of,
    walk,
    without_docstring,
)
from flake8_nnx_treemap.analysis.names.scopes import FUNCTIONS, Reads
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.names.uses import reads_by_meaning

_STEPS = 4
"""The number of names that are followed: ``VERSION = Version(flax.__version__)``, ``IS_NEW = VERSION >= (0, 11)``."""

_RECORDS = frozenset({"types.SimpleNamespace", "builtins.dict"})
"""What keeps answers under the names by which they are given."""


def with_answers(source: ParsedSource, questions: Iterable[ast.expr]) -> tuple[ast.expr, ...]:
    """Return version checks, and the expressions that stand for what they say.

    Args:
        source: the file.
        questions: expressions that depend on the release that runs.
    """
    pending = [*questions]
    found = dict.fromkeys(pending)
    for _ in range(_STEPS):
        answers = {id(reads): reads for question in pending for reads in _reads_of_answer(source, question)}
        nodes: list[ast.expr] = [node for reads in answers.values() for _, node in reads.nodes]
        nodes += [node for question in pending for node in _places_of_answer(source, question)]
        pending = [node for node in dict.fromkeys(nodes) if node not in found]
        found.update(dict.fromkeys(pending))
    return tuple(found)


def _places_of_answer(source: ParsedSource, question: ast.expr) -> Iterator[ast.expr]:
    yield from _calls_for_answer(source, question)
    yield from _reads_of_flag(source, question)
    yield from _items_read(source, question)


def _reads_of_answer(source: ParsedSource, question: ast.expr) -> Iterator[Reads]:
    """Yield the reads of names that may be assigned the result of a version check."""
    for answer, around in outwards(source, question):
        if isinstance(around, ast.arguments):
            for parameter in (one for one, default in defaults_of(around) if default is answer):
                yield from reads_by_meaning(source, parameter.arg).get(parameter, ())
        for statement, target in _targets(source, answer, around):
            for name in (found.id for found in walk(target) if isinstance(found, ast.Name)):
                yield from reads_by_meaning(source, name).get(statement, ())


def _targets(source: ParsedSource, answer: ast.AST, around: ast.AST) -> Iterator[tuple[ast.AST, ast.expr]]:
    """Yield what is set to an answer, or to a flag in a branch that the answer takes, each with its statement."""
    if isinstance(around, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and around.value is answer:
        statements: list[ast.Assign | ast.AnnAssign | ast.NamedExpr] = [around]
    elif isinstance(around, ast.If) and answer is around.test:
        branches = [one for one in (*around.body, *around.orelse) if isinstance(one, (ast.Assign, ast.AnnAssign))]
        statements = [one for one in branches if one.value is not None and _is_flag(one.value)]
    else:
        return
    for statement in statements:
        for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
            yield statement, target


def _is_flag(node: ast.expr) -> bool:
    """Tell whether a value does nothing but tell cases apart: a truth value, ``None``, or the member of an ``Enum``."""
    return is_constant(node, True, False, None) or (isinstance(node, ast.Attribute) and node.attr.isupper())


def _reads_of_flag(source: ParsedSource, question: ast.expr) -> Iterator[ast.Attribute]:
    """Yield the reads of attributes, of a class or of ``self``, that may be assigned the result of a version check."""
    for answer, around in outwards(source, question):
        for statement, target in _targets(source, answer, around):
            is_in_class = isinstance(source.ast_parent(statement), ast.ClassDef)
            if isinstance(target, ast.Attribute):
                yield from _reads_of_attribute(source, target.attr)
            elif isinstance(target, ast.Name) and is_in_class:
                yield from _reads_of_attribute(source, target.id)


def _reads_of_attribute(source: ParsedSource, name: str) -> Iterator[ast.Attribute]:
    uses = source.bindings.attributes.get(name, ())
    yield from (one for one in uses if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load))


def _items_read(source: ParsedSource, question: ast.expr) -> Iterator[ast.expr]:
    """Yield the reads of what a name holds under a key: ``FLAGS = {"new": check}``, ``SimpleNamespace(new=check)``."""
    *_, (answer, around) = outwards(source, question)
    key: object = None
    if isinstance(around, ast.Dict) and answer in around.values:
        named = around.keys[around.values.index(answer)]
        key, holder = getattr(named, "value", None), source.ast_parent(around)
        record: ast.AST | None = around
    elif isinstance(around, ast.keyword):
        key, record = around.arg, source.ast_parent(around)
        is_record = isinstance(record, ast.Call) and not source.bindings.names_of(record.func).isdisjoint(_RECORDS)
        holder = source.ast_parent(record) if is_record and record is not None else None
    else:
        return
    if not isinstance(key, str) or not isinstance(holder, ast.Assign) or holder.value is not record:
        return
    for name in (target.id for target in holder.targets if isinstance(target, ast.Name)):
        for read in (node for reads in reads_by_meaning(source, name).get(holder, ()) for _, node in reads.nodes):
            use = source.ast_parent(read)
            named = getattr(use.slice, "value", None) if isinstance(use, ast.Subscript) else getattr(use, "attr", None)
            if isinstance(use, (ast.Subscript, ast.Attribute)) and use.value is read and named == key:
                yield use


def _calls_for_answer(source: ParsedSource, question: ast.expr) -> Iterator[ast.expr]:
    """Yield the calls of a function, or the reads of a property, that returns the result of a version check."""
    *_, (answer, statement) = outwards(source, question)
    function: ast.AST | None = statement if isinstance(statement, ast.Return) else None
    while function is not None and not isinstance(function, (*FUNCTIONS, ast.ClassDef)):
        function = source.ast_parent(function)
    if not isinstance(function, ast.FunctionDef) or not _returns_nothing_else(function, answer):
        return
    is_method = isinstance(source.ast_parent(function), ast.ClassDef)
    if is_method and any(source.bindings.names_of(one) & PROPERTIES for one in function.decorator_list):
        yield from _reads_of_attribute(source, function.name)
    for call in source.bindings.calls.get(function.name, ()):
        if isinstance(call.func, ast.Name):
            bindings = source.bindings.bindings_of(function.name, start_of(call.func))
            if any(one.node is function for one in bindings):
                yield call
        elif is_method:
            yield call


def _returns_nothing_else(function: ast.FunctionDef, answer: ast.AST) -> bool:
    """Tell whether a function returns an answer, and otherwise truth values alone."""
    returned = [one.value for one in own_nodes(function) if isinstance(one, ast.Return)]
    return all(value is answer or (value is not None and _is_flag(value)) for value in returned)


def returned_alone(function: ast.FunctionDef) -> ast.expr | None:
    """Return what a function returns that does nothing else, apart from its docstring."""
    statements = without_docstring(function.body)
    only = statements[0] if len(statements) == 1 else None
    return only.value if isinstance(only, ast.Return) else None


def outwards(source: ParsedSource, question: ast.expr) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield a version check and each one that it is a part of, innermost first, each with its parent."""
    part: ast.AST = question
    around = source.ast_parent(part)
    while around is not None:
        yield part, around
        part, around = around, source.ast_parent(around) if _goes_into(part, around) else None


def _goes_into(part: ast.AST, around: ast.AST) -> bool:
    """Tell whether an expression around a version check is one, too: ``not check`` is, ``{"a": check}`` is not."""
    if isinstance(around, ast.comprehension):
        return part is around.iter
    if isinstance(around, ast.IfExp):
        return part is around.test and _is_flag(around.body) and _is_flag(around.orelse)
    return isinstance(around, ast.expr) and not isinstance(around, (ast.Lambda, ast.Dict, ast.JoinedStr))
