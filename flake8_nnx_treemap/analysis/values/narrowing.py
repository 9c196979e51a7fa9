"""Finds the code that runs only if a type test is true, or only if it is false."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.analysis.calls.class_references import class_names
from flake8_nnx_treemap.analysis.calls.predicates import type_test_of
from flake8_nnx_treemap.analysis.code.nodes import Place, end_of, start_of
from flake8_nnx_treemap.analysis.code.regions import Region
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.handling import may_swallow
from flake8_nnx_treemap.names import BASE_CLASSES, VARIABLE_BASES

MAXIMUM_WAYS = 20
"""How many ends of branches are read: a chain of a thousand ``elif`` is read again for each of its tests."""


def regions_where(source: ParsedSource, test: ast.expr, outcome: bool) -> Iterator[Region]:
    """Yield the regions of code that run only if a test is true, or only if it is false.

    Args:
        source: the file.
        test: an expression, such as a call of ``isinstance``.
        outcome: which result the test must have.

    Yields:
        Regions. They may rebind names: compare the bindings that reach a use with those that reach the test.
    """
    parent = source.ast_parent(test)
    if isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not):
        yield from regions_where(source, parent, not outcome)
    elif isinstance(parent, ast.BoolOp):
        if isinstance(parent.op, ast.And) is outcome:
            yield end_of(test), end_of(parent)
            yield from regions_where(source, parent, outcome)
    elif isinstance(parent, ast.IfExp) and test is parent.test:
        branch = parent.body if outcome else parent.orelse
        # ``a if test else b``: what ``a`` binds comes before the test in the text, and after it in the run.
        if not outcome or not _binds(source, branch):
            yield start_of(branch), end_of(branch)
    elif isinstance(parent, ast.If) and test is parent.test:
        yield from _regions_of_if(source, parent, outcome)
    elif isinstance(parent, ast.While) and test is parent.test and outcome:
        yield _span(parent.body)
    elif isinstance(parent, ast.comprehension) and test in parent.ifs and outcome:
        yield from _regions_of_comprehension(source, parent, test)
    elif isinstance(parent, ast.Assert) and test is parent.test and outcome:
        yield from _region_after(source, parent)


def _regions_of_if(source: ParsedSource, node: ast.If, outcome: bool) -> Iterator[Region]:
    taken, other = (node.body, node.orelse) if outcome else (node.orelse, node.body)
    if taken:
        yield _span(taken)
    if other and never_goes_on(source, other):
        yield from _region_after(source, node)


def _regions_of_comprehension(source: ParsedSource, node: ast.comprehension, test: ast.expr) -> Iterator[Region]:
    whole = source.ast_parent(node)
    for name in ("elt", "key", "value"):
        made = getattr(whole, name, None)
        if isinstance(made, ast.expr) and not _binds(source, made):
            yield start_of(made), end_of(made)
    if node.ifs[-1] is not test:
        yield end_of(test), end_of(node.ifs[-1])


def _binds(source: ParsedSource, code: ast.expr) -> bool:
    """Tell whether an expression binds a name by ``:=``."""
    walruses = _walruses(source)
    index = bisect_left(walruses, start_of(code))
    return index < len(walruses) and walruses[index] < end_of(code)


@remembered
def _walruses(source: ParsedSource) -> list[Place]:
    return sorted(map(start_of, source.bindings.expressions(ast.NamedExpr)))


def never_goes_on(source: ParsedSource, statements: Sequence[ast.stmt]) -> bool:
    """Tell whether statements leave their block on every path, by ``return``, ``raise``, ``continue`` or ``break``."""
    pending = [statements[-1]]
    for _ in range(MAXIMUM_WAYS):
        last = pending.pop()
        if not isinstance(last, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
            ways = _ways_through(source, last)
            if not ways:
                return False
            pending += [way[-1] for way in ways]
        if not pending:
            return True
    return False


def _ways_through(source: ParsedSource, statement: ast.stmt) -> Sequence[Sequence[ast.stmt]]:
    """Return the blocks of a statement that always ends with the end of one of them; none if it may skip them all."""
    if isinstance(statement, ast.If):
        return [statement.body, statement.orelse] if statement.orelse else []
    if isinstance(statement, ast.With):
        return [] if any(may_swallow(source, item.context_expr) for item in statement.items) else [statement.body]
    if isinstance(statement, ast.Try):
        return [statement.orelse or statement.body, *(handler.body for handler in statement.handlers)]
    if isinstance(statement, ast.Match):
        last = statement.cases[-1]
        takes_the_rest = last.guard is None and isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
        return [case.body for case in statement.cases] if takes_the_rest else []
    return []


def regions_beyond_cases(source: ParsedSource, node: ast.Match) -> Iterator[tuple[frozenset[str], Region]]:
    """Yield the canonical names of classes with a region of a ``match`` that none of their instances reaches.

    For ``case A() | B():`` these are the later cases, and the code after the ``match`` if the case always leaves it.
    """
    for case, later in zip(node.cases, [*node.cases[1:], None], strict=True):
        types = None if case.guard is not None else _types_taken(source, case.pattern)
        if types:
            if later is not None:
                yield types, (start_of(later.pattern), end_of(node))
            if never_goes_on(source, case.body):
                yield from ((types, region) for region in _region_after(source, node))


def _types_taken(source: ParsedSource, pattern: ast.pattern) -> frozenset[str] | None:
    """Return the classes of which a pattern matches every instance."""
    if isinstance(pattern, ast.MatchAs) and pattern.pattern is not None:
        return _types_taken(source, pattern.pattern)
    if isinstance(pattern, ast.MatchOr):
        return frozenset().union(*(_types_taken(source, one) or () for one in pattern.patterns))
    is_plain = isinstance(pattern, ast.MatchClass) and not pattern.patterns and not pattern.kwd_patterns
    return class_names(source, pattern.cls) if is_plain and isinstance(pattern, ast.MatchClass) else None


def types_matched(source: ParsedSource, pattern: ast.pattern) -> frozenset[str] | None:
    """Return the canonical names of the classes of which one has every object that matches; ``None`` if unknown."""
    if isinstance(pattern, ast.MatchAs) and pattern.pattern is not None:
        return types_matched(source, pattern.pattern)
    if isinstance(pattern, ast.MatchOr):
        found = [types_matched(source, one) for one in pattern.patterns]
        return None if None in found else frozenset().union(*(types or () for types in found))
    return class_names(source, pattern.cls) if isinstance(pattern, ast.MatchClass) else None


def _region_after(source: ParsedSource, statement: ast.stmt) -> Iterator[Region]:
    """Yield the region of the statements that follow one in its block, if there are any."""
    block, index = _block_of(source, statement)
    if index + 1 < len(block):
        yield start_of(block[index + 1]), end_of(block[-1])


def statements_after(source: ParsedSource, statement: ast.stmt) -> Sequence[ast.stmt]:
    """Return the statements that follow one in its block."""
    block, index = _block_of(source, statement)
    return block[index + 1 :]


def _block_of(source: ParsedSource, statement: ast.stmt) -> tuple[Sequence[ast.stmt], int]:
    """Return the block that holds a statement, and the statement's index in it."""
    parent = source.ast_parent(statement)
    for name in ("body", "orelse", "finalbody"):
        block = getattr(parent, name, None)
        if isinstance(block, list):
            index = bisect_left(block, start_of(statement), key=start_of)
            if index < len(block) and block[index] is statement:
                return block, index
    return (), 0


def _span(statements: Sequence[ast.stmt]) -> Region:
    return start_of(statements[0]), end_of(statements[-1])


def type_test(source: ParsedSource, node: ast.AST) -> tuple[str, frozenset[str]] | None:
    """Return the name and the classes' canonical names in ``isinstance(name, types)``; ``None`` for anything else."""
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Name):
        return None
    test = type_test_of(source, node, {node.args[0].id})
    names = None if test is None else class_names(source, test.container)
    return None if names is None else (node.args[0].id, names)


def covers(tested: frozenset[str], stopped_at: frozenset[str]) -> bool:
    """Tell whether a test of some classes is true of all instances of others; either base class covers everything."""
    if tested & BASE_CLASSES:
        return True
    return all(name in tested or VARIABLE_BASES.get(name) in tested for name in stopped_at)
