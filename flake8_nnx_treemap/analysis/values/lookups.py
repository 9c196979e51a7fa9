"""Finds what may be called where a class or a function is looked up: in a dict, or by a function that picks one."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from flake8_nnx_treemap.analysis.code.nodes import start_of
from flake8_nnx_treemap.analysis.names.imported import definition_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.module_classes import Method, put_into, results_of

Found = Sequence[tuple[ParsedSource, ast.expr]]
"""Expressions, each with its file; none if not all of them are known."""


def callables_looked_up(source: ParsedSource, call: ast.Call) -> Found:
    """Return what a call gives that is called in turn: ``get_layer(name)``, ``LAYERS.get(name)``.

    Args:
        source: the file.
        call: a call whose result is called.

    Returns:
        What the function of the project returns, or the values of the dict.
    """
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr == "get" and call.args:
        values = values_looked_up(source, function.value)
        return (*values, *((source, one) for one in call.args[1:])) if values else ()
    found = _bound_to(source, function)
    if found is None or not isinstance(found[1].node, ast.FunctionDef) or found[1].node.decorator_list:
        return ()
    return tuple((found[0], one) for one in results_of(found[1].node) or ())


def values_looked_up(source: ParsedSource, table: ast.expr) -> Found:
    """Return the values of a dict that is written as one, and to which its file adds nothing.

    Args:
        source: the file.
        table: the dict, or a name of it.

    Returns:
        The values. There are none for the name of a module's dict where no other file is read: another file may add to
        it, so that what holds with this file alone does not rest on it.
    """
    if isinstance(table, ast.Dict):
        return tuple((source, one) for one in table.values) if all(table.keys) else ()
    found = _bound_to(source, table)
    if found is None or found[1].path or not isinstance(found[1].value, ast.Dict):
        return ()
    home, binding = found
    is_local = isinstance(binding.scope.node, Method)
    if _is_changed(home, binding) or (source.modules is None and not is_local):
        return ()
    return values_looked_up(home, binding.value) if isinstance(binding.value, ast.Dict) else ()


def _bound_to(source: ParsedSource, node: ast.expr) -> tuple[ParsedSource, Binding] | None:
    """Return the only binding of a name in its file, or in the one that it is imported from."""
    names = source.bindings.names_of(node)
    if names:
        return definition_elsewhere(source, names)
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if isinstance(node, ast.Name) else ()
    return (source, bindings[0]) if len(bindings) == 1 and bindings[0].kind is not BindingKind.IMPORT else None


def _is_changed(source: ParsedSource, binding: Binding) -> bool:
    """Tell whether code of a file puts something into the dict that a name is bound to."""
    uses = source.bindings.attributes.get(binding.name, ())
    return any(isinstance(one, ast.Name) and any(put_into(source, one)) for one in uses)
