"""The calls that a rule looks at: LibCST parses no others for it."""

from __future__ import annotations

from collections.abc import Iterator

from flake8_nnx_treemap.analysis.call_facts import call_facts_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.rules.needs import NEEDS


def calls_for(source: ParsedSource, code: str) -> Iterator[TreeCall]:
    """The calls of tree functions that a rule may have something to say of, as ``needs`` tells.

    Args:
        source: the file.
        code: the rule's.

    Yields:
        Calls, in source order.
    """
    holds = NEEDS[code].call
    assert holds is not None, f"{code} is not about calls"
    return tree_calls_of(source, [call.candidate for call in call_facts_of(source) if holds(call)])
