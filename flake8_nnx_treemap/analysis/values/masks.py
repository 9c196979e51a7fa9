"""Finds out whether a tree is used as a mask or as labels for optax."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.analysis.names.uses import Use, returned_by, uses_of
from flake8_nnx_treemap.analysis.values.provenance import TREES_OF_WRAPPERS, Origin, origin_of
from flake8_nnx_treemap.names import OPTAX_MASK_ARGUMENTS, OPTAX_MASK_KEYWORDS, OPTIMIZERS


def speaks_of_masks(source: ParsedSource) -> bool:
    """Tell whether a file imports from optax and names ``nnx.Optimizer`` or a subclass of it."""
    if source.bindings.attributes.keys().isdisjoint(OPTIMIZERS):
        return False
    bound = (binding for _, found in source.bindings.all_bound() for binding in found)
    return any((one.qualified_name or "").startswith("optax") for one in bound)


def gives_wrappers_to_optax(source: ParsedSource) -> bool:
    """Tell whether a file calls ``optimizer.init`` with a tree of Variables."""
    for call in source.bindings.calls.get("init", ()):
        origin = origin_of(source, call.args[0]) if call.args else Unknown("no tree")
        if isinstance(origin, Origin) and origin.kind in TREES_OF_WRAPPERS:
            return True
    return False


def is_mask(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether a tree is passed to optax as a mask or as labels, and to nothing else.

    Args:
        source: the file.
        node: the expression that makes the tree.
    """
    found = [_is_given_as_mask(source, use) for use in _uses(source, node)]
    return bool(found) and all(found)


def _uses(source: ParsedSource, node: ast.expr) -> Iterator[Use]:
    """Yield the uses of a call's result; if a function returns it, the uses of that function's calls."""
    for use in uses_of(source, node):
        called = returned_by(source, use)
        if not called:
            yield use
        for found in called:
            yield from uses_of(source, found)


def _is_given_as_mask(source: ParsedSource, use: Use) -> bool:
    if use.path:
        return False
    if isinstance(use.parent, ast.keyword):
        call = source.ast_parent(use.parent)
        is_named = use.parent.arg in OPTAX_MASK_KEYWORDS
        return is_named and isinstance(call, ast.Call) and bool(_optax_names(source, call))
    if isinstance(use.parent, ast.Call) and use.node in use.parent.args:
        positions = {OPTAX_MASK_ARGUMENTS.get(name) for name in _optax_names(source, use.parent)}
        return positions == {use.parent.args.index(use.node)}
    return False


def _optax_names(source: ParsedSource, call: ast.Call) -> frozenset[str]:
    names = source.bindings.names_of(call.func)
    return names if names and all(name.startswith("optax.") for name in names) else frozenset()
