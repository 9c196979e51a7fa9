"""What messages advise: which classes to stop at and to ask for, spelled as the file and the fix spell them.

And when a question about the leaf's type is asked in vain, which several rules report.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from flake8_nnx_treemap.analysis.calls.mappers import Dispatch
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall
from flake8_nnx_treemap.analysis.code.nodes import start_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.names.spelling import spelling_of
from flake8_nnx_treemap.analysis.values.provenance import Origin, TreeKind, origin_of
from flake8_nnx_treemap.names import (
    VARIABLE,
    VARIABLE_ONLY_ATTRIBUTES,
    VARIABLE_STATE,
    VARIABLE_STATE_IS_VARIABLE,
    VARIABLE_SUBCLASSES,
    WRAPPERS,
    FlaxRelease,
)


def wrappers_are_new(source: ParsedSource, trees: Sequence[ast.expr]) -> bool:
    """Whether the wrappers of the first tree are known to belong to no model: nothing else has them."""
    origin = origin_of(source, trees[0]) if trees else None
    return isinstance(origin, Origin) and (origin.is_new or origin.kind in (TreeKind.GRADIENTS, TreeKind.PURE))


def makes_leaves_of_variables(source: ParsedSource) -> bool:
    """Whether the file has to do with Hijax Variables, which JAX does not go into."""
    return "hijax" in source.text


def vain_dispatch(source: ParsedSource, dispatches: Sequence[Dispatch], trees: Sequence[ast.expr]) -> Dispatch | None:
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
    if makes_leaves_of_variables(source):
        return None
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


def advice(source: ParsedSource, call: TreeCall, dispatches: Sequence[Dispatch], floor: FlaxRelease) -> str:
    """How a message says what to do where everything that is asked of a leaf is asked in vain."""
    tests = [found.test for found in dispatches if found.test is not None]
    # What asks for an attribute asks for every wrapper.
    asked = [one.name for test in tests for one in test.types] if len(tests) == len(dispatches) else []
    types = classes_to_stop_at(source, call.node, floor, asked)
    stop = f"without is_leaf, JAX goes into it; add is_leaf=lambda x: isinstance(x, {types})"
    if floor >= VARIABLE_STATE_IS_VARIABLE or not asked or VARIABLE_STATE in asked:
        return stop
    # Below 0.11 leaves of state are VariableStates: these are no Variables, and no Params, but have a ``type``.
    return f"{stop}, and ask {'the leaf the same' if VARIABLE in asked else 'a VariableState for its .type'}"


def question(source: ParsedSource, found: Dispatch) -> str:
    """What a dispatch asks for, as a message names it: a class as the file writes it, or what has an attribute."""
    if found.test is None:
        return f"a Variable with {found.attribute!r}"
    return with_article(" ".join(source.text_of(found.test.types[0].node).split()))


# Spelling


def spelled(source: ParsedSource, name: str, node: ast.expr) -> str:
    """A member of ``flax.nnx`` as the file writes it at a node; ``nnx.Variable`` if it has no name for it yet."""
    found = spelling_of(source, name, start_of(node))
    return found.text if found is not None and not found.edits else f"nnx.{name}"


def classes_to_stop_at(
    source: ParsedSource, node: ast.expr, floor: FlaxRelease, asked: Iterable[str | None] = ()
) -> str:
    """What ``is_leaf`` should test for, as the second argument of ``isinstance``.

    Args:
        source: the file.
        node: where it should stand.
        floor: the lowest Flax release that must run the code.
        asked: the canonical names of the classes that the code asks for.

    Returns:
        These classes, if they are subclasses of ``Variable`` and state holds such, which it does from 0.11 on; else
        every class of wrapper that there is.
    """
    found = list(dict.fromkeys(asked))
    if floor < VARIABLE_STATE_IS_VARIABLE:
        names = ["Variable", "variablelib.VariableState"]
    elif found and VARIABLE_SUBCLASSES.issuperset(found):
        names = [name.rpartition(".")[2] for name in found if name is not None]
    else:
        names = ["Variable"]
    texts = [spelled(source, name, node) for name in names]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def with_article(words: str) -> str:
    """``a Param``, ``an OptState``, and ``an nnx.Param``, as one says "an N-N-X"."""
    return f"an {words}" if words.startswith(("nn", *"aeiouAEIOU")) else f"a {words}"
