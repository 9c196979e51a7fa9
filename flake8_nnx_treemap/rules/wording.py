"""How messages name what code should ask for: as the file would write it, and as the fix does."""

from __future__ import annotations

from collections.abc import Iterable

import libcst as cst

from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.names.spelling import spelling_of
from flake8_nnx_treemap.names import VARIABLE_STATE_IS_VARIABLE, VARIABLE_SUBCLASSES, FlaxRelease


def spelled(source: ParsedSource, name: str, node: cst.CSTNode) -> str:
    """A member of ``flax.nnx`` as the file writes it at a node; ``nnx.Variable`` if it has no name for it yet."""
    found = spelling_of(source, name, source.place_of(node))
    return found.text if found is not None and not found.edits else f"nnx.{name}"


def classes_to_stop_at(
    source: ParsedSource, node: cst.CSTNode, floor: FlaxRelease, asked: Iterable[str | None] = ()
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
