"""Where a test of a name's type holds: the code that runs only if ``isinstance`` said yes, or only if it said no."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.analysis.calls.class_references import class_names
from flake8_nnx_treemap.analysis.calls.predicates import type_test_of
from flake8_nnx_treemap.analysis.code.nodes import Place, end_of, start_of, words_below
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.names import VARIABLE, VARIABLE_BASES, VARIABLE_STATE

Region = tuple[Place, Place]
"""Code from one place to another: what stands in it is reached only if a test came out a certain way."""

MAXIMUM_WAYS = 20
"""How many ends of branches are looked at: a chain of a thousand ``elif`` is asked for each of its tests."""


def regions_where(source: ParsedSource, test: ast.expr, outcome: bool) -> Iterator[Region]:
    """The code that runs only if a test has come out a certain way.

    Args:
        source: the file.
        test: an expression, such as a call of ``isinstance``.
        outcome: what it must have returned.

    Yields:
        Regions. Names may be bound anew in them: ask whether a use still has the bindings that the test saw.
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
    if other and never_goes_on(other):
        yield from _region_after(source, node)


def _regions_of_comprehension(source: ParsedSource, node: ast.comprehension, test: ast.expr) -> Iterator[Region]:
    whole = source.ast_parent(node)
    for name in ("elt", "key", "value"):
        made = getattr(whole, name, None)
        if isinstance(made, ast.expr):
            yield start_of(made), end_of(made)
    if node.ifs[-1] is not test:
        yield end_of(test), end_of(node.ifs[-1])


def never_goes_on(statements: Sequence[ast.stmt]) -> bool:
    """Whether statements leave their block for good, whichever way they go: by ``return``, ``raise`` or in a loop."""
    pending = [statements[-1]]
    for _ in range(MAXIMUM_WAYS):
        last = pending.pop()
        if not isinstance(last, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
            ways = _ways_through(last)
            if not ways:
                return False
            pending += [way[-1] for way in ways]
        if not pending:
            return True
    return False


def _ways_through(statement: ast.stmt) -> Sequence[Sequence[ast.stmt]]:
    """The blocks of a statement that ends with the end of one of them; none if it may also pass over them all."""
    if isinstance(statement, ast.If):
        return [statement.body, statement.orelse] if statement.orelse else []
    if isinstance(statement, ast.With):
        return [] if any(_may_swallow(item.context_expr) for item in statement.items) else [statement.body]
    if isinstance(statement, ast.Try):
        return [statement.orelse or statement.body, *(handler.body for handler in statement.handlers)]
    if isinstance(statement, ast.Match):
        last = statement.cases[-1]
        takes_the_rest = last.guard is None and isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
        return [case.body for case in statement.cases] if takes_the_rest else []
    return []


def _may_swallow(manager: ast.expr) -> bool:
    """Whether a ``with`` may go on after an error in its body, as ``suppress(..)`` and ``pytest.raises(..)`` do."""
    words = map(str.lower, words_below(manager))
    return any("suppress" in word or "raises" in word for word in words)


def regions_beyond_cases(source: ParsedSource, node: ast.Match) -> Iterator[tuple[frozenset[str], Region]]:
    """The code of a ``match`` that no instance of some classes reaches, with their canonical names.

    Behind ``case A() | B():`` these are the later cases; and what follows the ``match``, if that case leaves for good.
    """
    for case, later in zip(node.cases, [*node.cases[1:], None], strict=True):
        types = None if case.guard is not None else _types_taken(source, case.pattern)
        if types:
            if later is not None:
                yield types, (start_of(later.pattern), end_of(node))
            if never_goes_on(case.body):
                yield from ((types, region) for region in _region_after(source, node))


def _types_taken(source: ParsedSource, pattern: ast.pattern) -> frozenset[str] | None:
    """The classes every instance of which a pattern matches."""
    if isinstance(pattern, ast.MatchAs) and pattern.pattern is not None:
        return _types_taken(source, pattern.pattern)
    if isinstance(pattern, ast.MatchOr):
        return frozenset().union(*(_types_taken(source, one) or () for one in pattern.patterns))
    is_plain = isinstance(pattern, ast.MatchClass) and not pattern.patterns and not pattern.kwd_patterns
    return class_names(source, pattern.cls) if is_plain and isinstance(pattern, ast.MatchClass) else None


def _region_after(source: ParsedSource, statement: ast.stmt) -> Iterator[Region]:
    """The statements that follow one in its block."""
    block, index = _block_of(source, statement)
    if index + 1 < len(block):
        yield start_of(block[index + 1]), end_of(block[-1])


def statements_after(source: ParsedSource, statement: ast.stmt) -> Sequence[ast.stmt]:
    """The statements that follow one in its block."""
    block, index = _block_of(source, statement)
    return block[index + 1 :]


def _block_of(source: ParsedSource, statement: ast.stmt) -> tuple[Sequence[ast.stmt], int]:
    """The block that holds a statement, and how many stand in it before."""
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
    """Read ``isinstance(name, types)``: the name, and the classes' canonical names."""
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Name):
        return None
    test = type_test_of(source, node, {node.args[0].id})
    names = None if test is None else class_names(source, test.container)
    return None if names is None else (node.args[0].id, names)


def covers(tested: frozenset[str], stopped_at: frozenset[str]) -> bool:
    """Whether a test of some classes holds for every instance of others; of the two base classes, either will do."""
    bases = {VARIABLE, VARIABLE_STATE}
    if tested & bases:
        return True
    return all(name in tested or VARIABLE_BASES.get(name) in tested for name in stopped_at)
