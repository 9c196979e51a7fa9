"""What rules find if nothing tells them beforehand where to look: what the gates must not change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from unittest import mock

from flake8_nnx_treemap.analysis.call_facts import CallFacts
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.names import FlaxRelease
from flake8_nnx_treemap.rules.needs import NEEDS, codes_with_needs
from flake8_nnx_treemap.rules.rule import Finding, Rule
from flake8_nnx_treemap.rules.settings import LintSettings


def without_gates(rules: Iterable[Rule], text: str, floor: FlaxRelease) -> dict[str, list[Finding]]:
    """The rules' findings where every call of a tree function is worth a look, for them and for the facts."""
    widened = {code: replace(need, call=need.call and (lambda call: True)) for code, need in NEEDS.items()}
    source = ParsedSource(text)
    with mock.patch.dict(NEEDS, widened), mock.patch.object(CallFacts, "may_stop_at_wrapper", True):
        return {rule.code: list(rule.check(source, floor)) for rule in rules}


def assert_gates_hide_nothing(rules: Iterable[Rule], text: str, floor: FlaxRelease) -> int:
    """Hold the rules' findings to be the same with and without the gates.

    Returns:
        How many there are.
    """
    expected = without_gates(rules, text, floor)
    source = ParsedSource(text)
    for rule in rules:
        assert list(rule.check(source, floor)) == expected[rule.code]
        if expected[rule.code] and floor >= rule.since:
            assert codes_with_needs(source, LintSettings(frozenset({rule.code}), floor)) == {rule.code}
    return sum(map(len, expected.values()))
