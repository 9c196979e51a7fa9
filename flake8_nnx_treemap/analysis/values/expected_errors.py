"""Finds code that fails on purpose: a test says which error it raises, and passes because it does."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.analysis.code.nodes import Place, dotted_name, end_of, nodes_below, start_of, walk
from flake8_nnx_treemap.analysis.code.regions import Region, is_within, outermost
from flake8_nnx_treemap.analysis.names.scopes import FUNCTIONS, BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.names.uses import reads_by_meaning

_EXPECT = ("raises", "assertRaises", "assertRaisesRegex", "assert_raises", "assert_raises_regex")
"""Functions of pytest, unittest and NumPy that want an error, as managers and as callers of what they are given."""

_ANY = frozenset({"Exception", "BaseException"})

_ROUNDS = 3
"""How many functions may be between the test and the code that raises."""


@remembered
def may_expect_errors(source: ParsedSource) -> bool:
    """Tell whether a file has a word by which a test wants an error: most have none."""
    return any(word in source.text for word in (*_EXPECT, "xfail", "expectedFailure"))


def is_expected(source: ParsedSource, place: Place, errors: frozenset[str]) -> bool:
    """Tell whether a test wants code to raise one of some errors.

    Args:
        source: the file.
        place: where the code starts.
        errors: the names of the errors.

    Returns:
        True in ``with pytest.raises(error)`` and the like, in what is given to ``self.assertRaises(error, …)``, in a
        test that is marked to fail with the error, and in functions of which the file makes use in such places alone.
    """
    return is_within(place, _expecting_regions(source, errors))


def is_expected_later(source: ParsedSource, node: ast.AST, errors: frozenset[str]) -> bool:
    """Tell whether the function around a node goes on to code that is wanted to raise one of some errors."""
    around: ast.AST | None = node
    while around is not None and not isinstance(around, FUNCTIONS):
        around = source.ast_parent(around)
    if around is None:
        return False
    start, end = start_of(node), end_of(around)
    return any(start < first[0] and first[1] <= end for first in _expecting_regions(source, errors))


@remembered
def _expecting_regions(source: ParsedSource, errors: frozenset[str]) -> Sequence[Region]:
    """Return where one of some errors is wanted, sorted, without what is within another such region."""
    wanted = errors | _ANY
    found = outermost((*_expecting_calls(source, wanted), *_expecting_statements(source, wanted)))
    for _ in range(_ROUNDS if found else 0):
        more = outermost((*found, *_used_there_alone(source, found)))
        if more == found:
            break
        found = more
    return found


def _expecting_calls(source: ParsedSource, errors: frozenset[str]) -> Iterator[Region]:
    """Yield the extents of ``self.assertRaises(error, lambda: …)`` and the like."""
    for name in _EXPECT:
        for call in source.bindings.calls.get(name, ()):
            if len(call.args) > 1 and _names_one_of(call.args[0], errors):
                yield start_of(call), end_of(call)


def _expecting_statements(source: ParsedSource, errors: frozenset[str]) -> Iterator[Region]:
    has_any = any(name in source.bindings.calls for name in _EXPECT)
    for node in (statement.node for statement in source.bindings.statements):
        if isinstance(node, (ast.With, ast.AsyncWith)):
            if has_any and any(_wants(source, item.context_expr, errors) for item in node.items):
                yield start_of(node), end_of(node)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.decorator_list:
            if any(_is_mark_of_failure(one, errors) for one in node.decorator_list):
                yield start_of(node), end_of(node)
            elif has_any and any(_asks_for(one, errors) for one in nodes_below(node.body, ast.Call)):
                yield from ((start_of(one), end_of(one)) for one in node.decorator_list)  # What it is called with.


def _wants(source: ParsedSource, manager: ast.expr, errors: frozenset[str]) -> bool:
    """Tell whether a manager wants one of some errors, or a name stands for one that may."""
    if any(_asks_for(one, errors) for one in walk(manager)):
        return True
    bindings = source.bindings.bindings_of(manager.id, start_of(manager)) if isinstance(manager, ast.Name) else ()
    values = [one.value for one in bindings if one.value is not None]
    for one in bindings:
        if one.kind is BindingKind.PARAMETER:  # ``pytest.mark.parametrize("expectation", [pytest.raises(error)])``
            values += getattr(one.scope.node, "decorator_list", ())
    return any(_asks_for(one, errors) for value in values for one in walk(value))


def _asks_for(node: ast.AST, errors: frozenset[str]) -> bool:
    """Tell whether a node is ``pytest.raises(error)`` or the like for one of some errors."""
    if not isinstance(node, ast.Call) or (dotted_name(node.func) or ("",))[-1] not in _EXPECT:
        return False
    given = [*node.args[:1], *(one.value for one in node.keywords if one.arg in ("expected_exception", "exception"))]
    return any(_names_one_of(one, errors) for one in given)


def _names_one_of(node: ast.expr, errors: frozenset[str]) -> bool:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return any((dotted_name(one) or ("",))[-1] in errors for one in parts)


def _is_mark_of_failure(decorator: ast.expr, errors: frozenset[str]) -> bool:
    """Tell whether a decorator says that a test fails on each release, with one of some errors or with any."""
    call = decorator if isinstance(decorator, ast.Call) else None
    name = (dotted_name(decorator if call is None else call.func) or ("",))[-1]
    if name == "expectedFailure":
        return True
    given = {one.arg: one.value for one in call.keywords} if call is not None else {}
    if name != "xfail" or "condition" in given or (call is not None and call.args):
        return False
    return "raises" not in given or _names_one_of(given["raises"], errors)


def _used_there_alone(source: ParsedSource, regions: Sequence[Region]) -> Iterator[Region]:
    """Yield the extents of functions of which a file makes use in some regions, and nowhere else."""
    for statement in source.bindings.statements:
        node = statement.node
        if not isinstance(node, FUNCTIONS):
            continue
        reads = [read for one in reads_by_meaning(source, node.name).get(node, ()) for _, read in one.nodes]
        if reads and all(is_within(start_of(read), regions) for read in reads):
            yield start_of(node), end_of(node)


def fails_wherever_made(source: ParsedSource, owner: ast.ClassDef, errors: frozenset[str]) -> bool:
    """Tell whether a file makes objects of a class, and each time handles or wants one of some errors.

    Args:
        source: the file that defines the class.
        owner: the class.
        errors: the names of the errors.
    """
    found = reads_by_meaning(source, owner.name).get(owner, ())
    certain = [one for one in found if len(one.bindings) == 1]  # In a notebook, a name may stand for many classes.
    reads = [read for one in certain or found for _, read in one.nodes]
    calls = [read for read in reads if isinstance(around := source.ast_parent(read), ast.Call) and around.func is read]
    places = [*map(start_of, calls)]
    wanted = [read for read in reads if read not in calls and is_expected(source, start_of(read), errors)]
    return bool(calls or wanted) and all(
        is_expected(source, place, errors) or source.expects_error_at(place, errors) for place in places
    )
