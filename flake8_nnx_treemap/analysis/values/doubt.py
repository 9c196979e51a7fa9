"""Finds expressions that may be Variables, but need not be."""

from __future__ import annotations

import ast

from flake8_nnx_treemap.analysis.code.nodes import access_path, dotted_name, start_of
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.contents import contents_of
from flake8_nnx_treemap.analysis.values.old_state import is_no_variable_at
from flake8_nnx_treemap.analysis.values.provenance import TreeKind, kind_of_instances
from flake8_nnx_treemap.analysis.values.things import Sort
from flake8_nnx_treemap.names import WRAPPERS, canonical


def may_be_variable(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression may be a Variable, for all that this file shows.

    Args:
        source: the file.
        node: an expression whose attribute ``value`` is used.

    Returns:
        False for members of classes and modules, such as those of an ``Enum``; for ``self``; for what another class or
        an imported function makes, or another class annotates; and where a test has excluded Variables.
    """
    path = access_path(node)
    if path is not None and is_no_variable_at(source, path, start_of(node)):
        return False
    contents = contents_of(source, node)
    if contents.things and contents.is_complete and all(one.sort is not Sort.VARIABLE for one in contents.things):
        return False
    if isinstance(node, ast.Call):
        return not _is_other_class(source, node.func)
    if isinstance(node, ast.Subscript):
        return not _is_other_class(source, node.value)  # ``Kind["name"]``.
    parts = dotted_name(node)
    if parts is None:
        return True
    bindings = source.bindings.bindings_of(parts[0], start_of(node))
    if isinstance(node, ast.Name):
        return class_of_method(bindings) is None and not (
            bindings and all(_binds_something_else(source, binding) for binding in bindings)
        )
    return not (bindings and all(one.kind in (BindingKind.IMPORT, BindingKind.CLASS) for one in bindings))


def _binds_something_else(source: ParsedSource, binding: Binding) -> bool:
    """Tell whether a binding gives a name what cannot be a Variable."""
    if binding.kind in (BindingKind.IMPORT, BindingKind.CLASS, BindingKind.FUNCTION):
        return True
    annotation = getattr(binding.node, "annotation", None)
    if annotation is not None:
        return _is_other_class(source, annotation)
    if binding.value is None or binding.path:
        return False
    if binding.kind is BindingKind.ITERATION:
        return _is_other_class(source, binding.value)  # ``for kind in Kind``.
    is_name = isinstance(binding.value, ast.Name)  # It is not followed, as names may be assigned to each other.
    return binding.kind is BindingKind.ASSIGNMENT and not is_name and not may_be_variable(source, binding.value)


_MAY_BE = WRAPPERS | {"typing.Any", "builtins.object"}


def _is_other_class(source: ParsedSource, named: ast.expr) -> bool:
    """Tell whether an expression names a class that is no Variable, as far as its name and its bases tell."""
    names = source.bindings.names_of(named)
    if kind_of_instances(source, named) is TreeKind.VARIABLES or any(canonical(name) in _MAY_BE for name in names):
        return False
    bindings = source.bindings.bindings_of(named.id, start_of(named)) if isinstance(named, ast.Name) else ()
    return bool(names) or (bool(bindings) and all(one.kind is BindingKind.CLASS for one in bindings))
