"""What becomes of a tree: whether optax takes it for a mask or for labels."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.bindings import dotted_name, start_of
from flake8_nnx_treemap.analysis.provenance import TREES_OF_WRAPPERS, Origin, origin_of
from flake8_nnx_treemap.analysis.source import ParsedSource, Unknown
from flake8_nnx_treemap.analysis.uses import Use, returned_by, uses_of
from flake8_nnx_treemap.names import OPTAX_MASK_ARGUMENTS, OPTAX_MASK_KEYWORDS


class Mask(enum.Enum):
    """What says that a tree is a mask or a tree of labels."""

    GIVEN = "every use gives it to optax as one"
    NAMED = "some function that returns it is called so; the others give it to optax"


def gives_wrappers_to_optax(source: ParsedSource) -> bool:
    """Whether the file calls `optimizer.init` with a tree of Variables."""
    for use in source.bindings.calls.get("init", ()):
        given = use.node.args if isinstance(use.node, ast.Call) else []
        origin = origin_of(source, given[0]) if given else Unknown("no tree")
        if isinstance(origin, Origin) and origin.kind in TREES_OF_WRAPPERS:
            return True
    return False


def mask_of(source: ParsedSource, node: ast.expr) -> Mask | None:
    """Tell whether a tree is a mask or labels.

    Args:
        source: the file.
        node: the expression that makes the tree.

    Returns:
        What says so; ``None`` if it is not used, or if anything else is done with it.
    """
    found = [_mask_by(source, use) for use in _uses(source, node)]
    if not found or None in found:
        return None
    return Mask.NAMED if Mask.NAMED in found else Mask.GIVEN


def _uses(source: ParsedSource, node: ast.expr) -> Iterator[Use]:
    """Where the result of a call goes; through the function that returns it, to where that is called."""
    for use in uses_of(source, node):
        called = returned_by(source, use)
        if not called:
            yield use
        for found in called:
            yield from uses_of(source, found)


def _mask_by(source: ParsedSource, use: Use) -> Mask | None:
    """What says of a use that it takes the tree for a mask or for labels."""
    if use.path:
        return None
    is_given = False
    if isinstance(use.parent, ast.keyword):
        call = source.ast_parent(use.parent)
        is_named = use.parent.arg in OPTAX_MASK_KEYWORDS
        is_given = is_named and isinstance(call, ast.Call) and bool(_optax_names(source, call))
    elif isinstance(use.parent, ast.Call) and use.node in use.parent.args:
        positions = {OPTAX_MASK_ARGUMENTS.get(name) for name in _optax_names(source, use.parent)}
        is_given = positions == {use.parent.args.index(use.node)}
    elif isinstance(use.parent, ast.Return) and _is_called_mask(source, use.parent):
        return Mask.NAMED
    return Mask.GIVEN if is_given else None


def _optax_names(source: ParsedSource, call: ast.Call) -> frozenset[str]:
    parts = dotted_name(call.func)
    names = source.bindings.qualified_names(parts, start_of(call.func)) if parts else frozenset()
    return names if names and all(name.startswith("optax.") for name in names) else frozenset()


def _is_called_mask(source: ParsedSource, node: ast.AST) -> bool:
    """Whether a statement stands in a function whose name says that it makes a mask or labels."""
    around = source.ast_parent(node)
    while around is not None and not isinstance(around, ast.FunctionDef):
        around = source.ast_parent(around)
    return around is not None and names_mask(around.name)


def names_mask(name: str) -> bool:
    """Whether a function's name says that it makes a mask or labels."""
    return any(word in name.lower() for word in ("mask", "label"))
