"""Finds functions that ``nnx.map_state`` calls with each path of a state and its Variable."""

from __future__ import annotations

import ast

from flake8_nnx_treemap.analysis.calls.functions import function_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.values.provenance import Origin, member_of_nnx, origin_of


@remembered
def state_mappers(source: ParsedSource) -> dict[ast.expr, str]:
    """Return the first arguments of ``nnx.map_state``, each with its function's parameter that gets the Variable.

    States that are known to hold something else are left out.
    """
    found: dict[ast.expr, str] = {}
    for call in source.bindings.calls.get("map_state", ()):
        names = source.bindings.names_of(call.func)
        if len(call.args) < 2 or {member_of_nnx(name) for name in names} != {"map_state"}:
            continue
        origin = origin_of(source, call.args[1])
        function = function_of(source, call.args[0])
        leaf = None if isinstance(function, Unknown) else function.parameter_at(1)
        holds_others = isinstance(origin, Origin) and (origin.is_mapped or not origin.holds_wrappers)
        if leaf is not None and leaf.isidentifier() and not holds_others:
            found[call.args[0]] = leaf
    return found
