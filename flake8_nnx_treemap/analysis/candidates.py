"""Which statements hold a call that may be one of a tree function: what LibCST is asked to parse, if anything is."""

from __future__ import annotations

import ast

from flake8_nnx_treemap.analysis.bindings import Binding, BindingKind, Bindings, Host, dotted_name, start_of
from flake8_nnx_treemap.names import TREE_FUNCTION_BASENAMES, TREE_FUNCTIONS


def hosts_of_tree_calls(bindings: Bindings) -> set[Host]:
    """The statements that hold a call which may be one of a tree function."""
    basenames = TREE_FUNCTION_BASENAMES | _aliases(bindings)
    hosts: set[Host] = set()
    for basename in basenames & bindings.calls.keys():
        for use in bindings.calls[basename]:
            assert isinstance(use.node, ast.Call)
            parts = dotted_name(use.node.func)
            if parts is not None and _may_be_tree_function(bindings, parts, use.node):
                hosts.add(use.host)
    return hosts


def _aliases(bindings: Bindings) -> set[str]:
    """Names under which the file calls a tree function: imports with ``as``, assignments, partials."""
    aliases: set[str] = set()
    scopes = {statement.scope for statement in bindings.statements} | {bindings.module}
    for scope in scopes:
        for name, found in bindings.names_in(scope).items():
            if any(map(_binds_tree_function, found)):
                aliases.add(name)
    return aliases


def _binds_tree_function(binding: Binding) -> bool:
    if binding.kind is BindingKind.IMPORT:
        return binding.qualified_name in TREE_FUNCTIONS
    value = binding.value
    if binding.kind is not BindingKind.ASSIGNMENT or value is None or binding.path:
        return False
    if isinstance(value, ast.Call):
        function = dotted_name(value.func)
        return function is not None and function[-1] == "partial"
    return isinstance(value, (ast.Name, ast.Attribute))


def _may_be_tree_function(bindings: Bindings, parts: tuple[str, ...], node: ast.Call) -> bool:
    place = start_of(node.func)
    names = bindings.qualified_names(parts, place)
    if names:
        return bool(names & TREE_FUNCTIONS.keys())
    found = bindings.bindings_of(parts[0], place)
    return len(parts) == 1 and len(found) == 1 and isinstance(found[0].value, ast.Call)
