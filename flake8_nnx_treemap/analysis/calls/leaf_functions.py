"""Finds the functions of a file that are called with nodes or leaves of a tree: predicates, mappers, their helpers."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.mappers import helpers_of, mapper_of
from flake8_nnx_treemap.analysis.calls.predicates import leaf_test_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall
from flake8_nnx_treemap.analysis.code.nodes import Definition, body_of, nodes_below
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown


@dataclass(frozen=True, slots=True, eq=False)
class LeafFunction:
    """A function that is called with a node of a tree; ``leaf`` is its parameter for it."""

    definition: Definition
    leaf: str


def leaf_functions_of(source: ParsedSource, calls: Iterable[TreeCall]) -> Iterator[LeafFunction]:
    """Yield the predicates, mappers and their helpers of tree calls, each once if several calls share it."""
    seen: set[tuple[Definition, str]] = set()
    for call in calls:
        pending = list(_of_call(source, call))
        while pending:
            found = pending.pop(0)
            key = (found.definition, found.leaf)
            if key not in seen:
                seen.add(key)
                pending += _helpers(source, found)
                yield found


def _helpers(source: ParsedSource, function: LeafFunction) -> Iterator[LeafFunction]:
    """Yield the functions of this file to which a function passes its leaf."""
    for node in nodes_below(body_of(function.definition), ast.Call):
        for helper, leaf in helpers_of(source, node, {function.leaf}):
            yield LeafFunction(helper.definition, leaf)


def _of_call(source: ParsedSource, call: TreeCall) -> Iterator[LeafFunction]:
    if call.is_leaf is not None:
        test = leaf_test_of(source, call.is_leaf, takes_path=call.takes_path)
        if not isinstance(test, Unknown):
            yield LeafFunction(test.function.definition, test.parameter)
    if call.mapper is not None:
        mapper = mapper_of(source, call.mapper, call.function.leaf_position)
        if not isinstance(mapper, Unknown):
            yield LeafFunction(mapper.function.definition, mapper.leaf)
