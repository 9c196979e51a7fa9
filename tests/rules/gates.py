"""What a rule finds if nothing tells it beforehand where to look: what the gates must not change."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

from flake8_nnx_treemap.analysis.call_facts import CallFacts
from flake8_nnx_treemap.analysis.source import ParsedSource
from flake8_nnx_treemap.names import FlaxRelease
from flake8_nnx_treemap.rules.needs import NEEDS, codes_that_may_find
from flake8_nnx_treemap.rules.rule import Finding, Rule
from flake8_nnx_treemap.rules.settings import LintSettings


def without_gates(rule: Rule, text: str, floor: FlaxRelease) -> list[Finding]:
    """A rule's findings where every call of a tree function is worth a look, for this rule and for the facts."""
    need = NEEDS[rule.code]
    widened = replace(need, call=None if need.call is None else lambda call: True)
    with mock.patch.dict(NEEDS, {rule.code: widened}), mock.patch.object(CallFacts, "may_stop_at_wrapper", True):
        return list(rule.check(ParsedSource(text), floor))


def assert_gates_hide_nothing(rule: Rule, text: str, floor: FlaxRelease) -> int:
    """Hold a rule's findings to be the same with and without the gates.

    Returns:
        How many there are.
    """
    expected = without_gates(rule, text, floor)
    source = ParsedSource(text)
    assert list(rule.check(source, floor)) == expected
    if expected:
        assert codes_that_may_find(source, LintSettings(frozenset({rule.code}), floor)) == {rule.code}
    return len(expected)
