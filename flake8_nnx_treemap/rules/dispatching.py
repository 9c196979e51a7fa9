"""Whether code that asks what kind of leaf it has asks for NNX wrappers alone, of a tree that shows it none."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from flake8_nnx_treemap.analysis.mappers import Dispatch
from flake8_nnx_treemap.analysis.provenance import Origin, origin_of
from flake8_nnx_treemap.analysis.source import ParsedSource
from flake8_nnx_treemap.names import VARIABLE_ONLY_ATTRIBUTES, WRAPPERS


def holds_wrappers(source: ParsedSource, tree: cst.BaseExpression) -> bool:
    """Whether a tree is known to keep its values in Variables or VariableStates."""
    origin = origin_of(source, tree)
    return isinstance(origin, Origin) and origin.holds_wrappers


def vain_dispatch(
    source: ParsedSource, dispatches: Sequence[Dispatch], trees: Sequence[cst.BaseExpression]
) -> Dispatch | None:
    """Find the question that no leaf answers with yes, as JAX goes into every wrapper.

    Code that also asks for arrays may do its work in that branch on purpose. Code that asks for attributes, such as
    ``value``, may be meant for anything that has one, so its tree must be known to be of NNX.

    Args:
        source: the file.
        dispatches: everything that some code asks of a leaf.
        trees: the trees of a call without ``is_leaf``, the one that is gone into first.

    Returns:
        The first question; ``None`` if some leaf may well answer one of them.
    """
    if not dispatches or not trees or not all(found.of_first and _asks_for_wrapper(found) for found in dispatches):
        return None
    if "hijax" in source.text:
        return None  # Hijax Variables are leaves.
    origin = origin_of(source, trees[0])
    if isinstance(origin, Origin) and not origin.holds_wrappers:
        return None  # After nnx.pure and its like there is no wrapper to stop at: the question is idle, and harmless.
    if all(found.test is not None for found in dispatches):
        return dispatches[0]
    is_known = isinstance(origin, Origin) and origin.is_certain and not origin.is_mapped
    return dispatches[0] if is_known else None


def _asks_for_wrapper(found: Dispatch) -> bool:
    if found.test is None:
        return found.attribute in VARIABLE_ONLY_ATTRIBUTES
    return bool(found.test.types) and all(named.name in WRAPPERS for named in found.test.types)


def suggested_type(source: ParsedSource, found: Dispatch) -> str:
    """The class that ``is_leaf`` should stop at, as a message names it."""
    return "nnx.Variable" if found.test is None else question(source, found)


def question(source: ParsedSource, found: Dispatch) -> str:
    """What a dispatch asks for, in words that a message can use."""
    if found.test is None:
        return f"leaf with {found.attribute!r}"
    return " ".join(source.text_of(found.test.types[0].node).split())
