"""Finds expressions that are an instance of a class which is no NNX wrapper, as far as the file tells."""

from __future__ import annotations

import ast

from flake8_nnx_treemap.analysis.calls.class_references import ClassReference, classes_of
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, start_of
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.provenance import attribute_values
from flake8_nnx_treemap.analysis.values.wrappers import is_wrapper
from flake8_nnx_treemap.names import WRAPPERS

_NAME_NO_CLASS = frozenset(
    {"builtins", "chex", "collections", "flax", "jax", "jaxtyping", "typing", "typing_extensions", "types"}
)
"""Packages whose names, as annotations, say nothing about wrappers: ``object``, ``Any``, ``PyTree``, ``nnx.State``."""


def is_of_other_class(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression is known to be an instance of a class that is no Variable of Flax.

    Args:
        source: the file.
        node: an expression.

    Returns:
        True for ``super()``; for ``self`` in a class that inherits from something else than a wrapper; for names that
        are annotated with a class of another package, and their attributes; and for what is made by calling one.
    """
    whole = node
    while isinstance(whole, ast.Attribute) and not attribute_values(source, whole):
        whole = whole.value
    if isinstance(whole, ast.Attribute):
        return all(_makes_other(source, value) for value in attribute_values(source, whole))
    if not isinstance(whole, ast.Name):
        return _makes_other(source, whole)
    bindings = source.bindings.bindings_of(whole.id, start_of(whole))
    own = class_of_method(bindings)
    if own is not None and isinstance(own.node, ast.ClassDef):
        return whole is node and not _may_be_wrapper(source, own.node)
    return bool(bindings) and all(_binds_other(source, one) for one in bindings) and not is_wrapper(source, node)


def _binds_other(source: ParsedSource, binding: Binding) -> bool:
    annotation = getattr(binding.node, "annotation", None)
    if isinstance(annotation, ast.expr) and not binding.path:
        types = classes_of(source, annotation)
        return bool(types) and all(_is_other(source, found) for found in types)
    is_plain = binding.kind is BindingKind.ASSIGNMENT and not binding.path and binding.value is not None
    return is_plain and binding.value is not None and _makes_other(source, binding.value)


def _makes_other(source: ParsedSource, value: ast.expr) -> bool:
    """Tell whether a value is a call of a class, which is told from a function by its capital letter."""
    if not isinstance(value, ast.Call):
        return False
    parts = dotted_name(value.func)
    if parts == ("super",):
        return True
    is_class = parts is not None and parts[-1][:1].isupper()
    return is_class and all(_is_other(source, found) for found in classes_of(source, value.func, 0))


def _is_other(source: ParsedSource, found: ClassReference) -> bool:
    if found.name is not None:
        return found.name.partition(".")[0] not in _NAME_NO_CLASS and not found.name.endswith("PyTree")
    if not isinstance(found.node, ast.Name):
        return False
    classes = source.bindings.bindings_of(found.node.id, start_of(found.node))
    definitions = [one.node for one in classes if isinstance(one.node, ast.ClassDef)]
    return 0 < len(classes) == len(definitions) and not any(_may_be_wrapper(source, one) for one in definitions)


def _may_be_wrapper(source: ParsedSource, definition: ast.ClassDef) -> bool:
    """Tell whether a class inherits from wrappers of Flax alone."""
    names = [found.name for base in definition.bases for found in classes_of(source, base)]
    return bool(names) and WRAPPERS.issuperset(names)
