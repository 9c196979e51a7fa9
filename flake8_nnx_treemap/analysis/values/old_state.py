"""Finds the code that only an old ``VariableState`` reaches, as ``isinstance(x, nnx.Variable)`` is false there.

From Flax 0.11 on a VariableState is a Variable, so that such code never sees one there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.calls.predicates import type_test_of
from flake8_nnx_treemap.analysis.code.nodes import Place, access_path, start_of
from flake8_nnx_treemap.analysis.code.regions import Region, is_within, outermost
from flake8_nnx_treemap.analysis.names.scopes import Binding
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.narrowing import regions_beyond_cases, regions_where
from flake8_nnx_treemap.names import VARIABLE, VARIABLE_STATE

_Subject = tuple[str, tuple[Binding, ...]]
"""How something is spelled, as in ``pair[0]``, and what its name is bound to."""

_Regions = dict[_Subject, list[Region]]


def is_no_variable(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression is known not to be a Variable at its place.

    Args:
        source: the file.
        node: a name, or an item of one such as ``pair[0]``.

    Returns:
        True where ``isinstance(node, nnx.Variable)`` is false: in the other branch, after a return, in a later case.
    """
    path = access_path(node)
    return path is not None and is_no_variable_at(source, path, start_of(node))


def is_no_variable_at(source: ParsedSource, path: str, place: Place) -> bool:
    """Tell whether what is spelled like this is known not to be a Variable at a place."""
    regions = _where_no_variable(source).get(_subject(source, path, place), ())
    return any(start <= place < end for start, end in regions)


def is_only_for_old_state(source: ParsedSource, place: Place) -> bool:
    """Tell whether a place is reached only with an instance of VariableState that is no Variable."""
    return is_within(place, _where_old_state(source))


def leaves_variables_to_isinstance(source: ParsedSource, test: ast.expr, path: str, *, holds: bool) -> bool:
    """Tell whether ``isinstance(x, nnx.Variable)`` is asked where an earlier test of ``x`` has failed.

    Args:
        source: the file.
        test: the earlier test, such as ``type(x) is nnx.VariableState``.
        path: how the code spells ``x``.
        holds: whether the test is true of what it looks for.
    """
    places = _tests_for_variable(source).get(_subject(source, path, start_of(test)), ())
    if not places:
        return False
    return any(start <= place < end for start, end in regions_where(source, test, not holds) for place in places)


def _subject(source: ParsedSource, path: str, place: Place) -> _Subject:
    return path, source.bindings.bindings_of(path.partition("[")[0], place)


@remembered
def _tests_for_variable(source: ParsedSource) -> dict[_Subject, list[Place]]:
    found: dict[_Subject, list[Place]] = {}
    for test, path in _instance_tests(source, VARIABLE):
        found.setdefault(_subject(source, path, start_of(test)), []).append(start_of(test))
    return found


def _instance_tests(source: ParsedSource, name: str) -> Iterator[tuple[ast.expr, str]]:
    """Yield each ``isinstance`` test for a class, alone or among others, with the spelling of what it tests."""
    for call in source.bindings.calls.get("isinstance", ()):
        path = access_path(call.args[0]) if call.args else None
        test = None if path is None else type_test_of(source, call, {path})
        if test is not None and path is not None and name in test.names:
            yield call, path


@remembered
def _where_no_variable(source: ParsedSource) -> _Regions:
    """Return the regions in which something is no Variable."""
    found: _Regions = {}
    for test, path in _instance_tests(source, VARIABLE):
        subject = _subject(source, path, start_of(test))
        found.setdefault(subject, []).extend(regions_where(source, test, False))
    for node in (statement.node for statement in source.bindings.statements):
        matched = access_path(node.subject) if isinstance(node, ast.Match) else None
        if isinstance(node, ast.Match) and matched is not None:
            subject = _subject(source, matched, start_of(node.subject))
            regions = [region for types, region in regions_beyond_cases(source, node) if VARIABLE in types]
            found.setdefault(subject, []).extend(regions)
    return found


@remembered
def _where_old_state(source: ParsedSource) -> list[Region]:
    """Return the regions in which something is a VariableState and no Variable, sorted, none within another one."""
    both: list[Region] = []
    for test, path in _instance_tests(source, VARIABLE_STATE):
        other = _where_no_variable(source).get(_subject(source, path, start_of(test)), ())
        for start, end in regions_where(source, test, True) if other else ():
            both += [(max(start, one[0]), min(end, one[1])) for one in other if one[0] < end and start < one[1]]
    return outermost(both)
