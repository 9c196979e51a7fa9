"""What a file must hold for a rule to find anything in it: the second gate, which needs no LibCST either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.bindings import Bindings
from flake8_nnx_treemap.analysis.candidates import hosts_of_tree_calls
from flake8_nnx_treemap.names import PORTABLE, FlaxRelease
from flake8_nnx_treemap.rules.codes import CODES
from flake8_nnx_treemap.rules.settings import LintSettings


@dataclass(frozen=True, slots=True)
class Need:
    """What a rule cannot do without: a word in the text, a Flax floor, perhaps a call of a tree function."""

    word: str = ""
    since: FlaxRelease = PORTABLE
    tree_call: bool = False
    ignores_case: bool = False


_A_TREE_CALL = Need("tree", tree_call=True)

NEEDS: Mapping[str, Need] = {
    "NNX101": _A_TREE_CALL,
    "NNX102": _A_TREE_CALL,
    "NNX103": _A_TREE_CALL,
    "NNX104": _A_TREE_CALL,
    "NNX105": _A_TREE_CALL,
    "NNX106": _A_TREE_CALL,
    "NNX107": _A_TREE_CALL,
    "NNX108": _A_TREE_CALL,
    "NNX109": Need("VariableState"),
    "NNX110": _A_TREE_CALL,
    "NNX111": _A_TREE_CALL,
    "NNX112": _A_TREE_CALL,
    "NNX201": Need("VariableState", (0, 11)),
    "NNX202": Need("VariableState", (0, 11)),
    "NNX203": Need("to_variable", (0, 11)),
    "NNX204": Need("type", (0, 11)),
    "NNX205": Need(since=(0, 12, 1)),
    "NNX206": Need("value", (0, 12, 1)),
    "NNX207": Need("pure", (0, 12, 7)),
    "NNX208": Need("tree_"),
    "NNX901": Need("noqa", ignores_case=True),
}
"""By rule code; tests hold it true for every example, and over the code of many projects."""


def codes_by_text(text: str, settings: LintSettings) -> frozenset[str]:
    """The selected rules that find the words they need in a file, and that the Flax floor makes true."""
    selected = (code for code, on_by_default in CODES.items() if on_by_default)
    needs = {code: NEEDS[code] for code in (selected if settings.select is None else settings.select & NEEDS.keys())}
    return frozenset(
        code
        for code, need in needs.items()
        if settings.flax_floor >= need.since and need.word in (text.lower() if need.ignores_case else text)
    )


def codes_that_may_find(text: str, bindings: Bindings, settings: LintSettings) -> frozenset[str]:
    """The selected rules that may find something in a file.

    Args:
        text: the file.
        bindings: what its names mean.
        settings: which rules are selected, and for which Flax.

    Returns:
        Codes: every one whose rule has a finding here, and few others.
    """
    codes = codes_by_text(text, settings)
    after_calls = {code for code in codes if NEEDS[code].tree_call}
    return codes - after_calls if after_calls and not hosts_of_tree_calls(bindings) else codes
