"""Each obligation of a safe fix is asked: where it does not hold, the fix is not safe, and without it it would be."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from broken_promises import BROKEN, SHARED_PREDICATES, Broken

from flake8_nnx_treemap.fixing.engine import fix, lint
from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.project.modules import module_finder
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import every_rule
from flake8_nnx_treemap.rules.rule import Applicability, Finding
from flake8_nnx_treemap.rules.settings import LintSettings

RULES = list(every_rule())
"""Loaded before a test replaces an obligation."""

each_broken = pytest.mark.parametrize("broken", BROKEN, ids=[f"{index}-{one.name}" for index, one in enumerate(BROKEN)])


def found_in(broken: Broken, folder: Path) -> list[Finding]:
    path = folder / "program.py"
    path.write_text(broken.source, encoding="utf-8")
    if broken.helpers is not None:
        (folder / "helpers.py").write_text(broken.helpers[0], encoding="utf-8")
    floor = tuple(map(int, broken.floor.split(".")))
    settings = LintSettings(frozenset({broken.code}), FlaxRange(floor))
    return list(lint(broken.source, str(path), settings, module_finder(str(path))))


def has_safe_fix(found: list[Finding]) -> bool:
    return any(one.fix is not None and one.fix.applicability is Applicability.SAFE for one in found)


@each_broken
def test_no_safe_fix(broken: Broken, tmp_path: Path) -> None:
    assert not has_safe_fix(found_in(broken, tmp_path))


@each_broken
def test_the_obligation_is_what_keeps_it_from_being_safe(
    broken: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, broken.obligation.__name__, lambda *_: True)
    assert has_safe_fix(found_in(broken, tmp_path))


@pytest.mark.parametrize("shared", SHARED_PREDICATES, ids=lambda shared: shared.name)
def test_obligation_is_what_keeps_a_definition_as_it_is(shared: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = LintSettings(frozenset({shared.code}), FlaxRange((0, 10, 0)))
    definition = shared.source.partition("    seen")[0]
    fixed = fix(shared.source, "program.py", settings).text
    assert fixed != shared.source
    assert fixed.startswith(definition)
    monkeypatch.setattr(safety, shared.obligation.__name__, lambda *_: True)
    assert not fix(shared.source, "program.py", settings).text.startswith(definition)


def test_each_obligation_of_each_rule_is_tried() -> None:
    tried = {(one.code, one.obligation) for one in (*BROKEN, *SHARED_PREDICATES)}
    assert {(rule.code, one) for rule in RULES for one in rule.rests_on} == tried


def test_each_rule_with_a_safe_fix_rests_on_something() -> None:
    for rule in RULES:
        is_safe = any(example.applicability is Applicability.SAFE and example.fixed for example in rule.examples)
        assert bool(rule.rests_on) == (is_safe and rule.code != "NNX901"), rule.code


def test_obligations_say_what_they_guarantee() -> None:
    for rule in RULES:
        for one in rule.rests_on:
            assert getattr(safety, one.__name__) is one
            assert inspect.getdoc(one)


def test_the_page_leads_with_one_sentence() -> None:
    for rule in RULES:
        section = rule.documentation.partition("## Fix safety\n\n")[2]
        lead = " ".join(section.partition("\n\n")[0].split())
        assert lead.endswith("."), rule.code
        assert ". " not in lead, rule.code
        assert lead.startswith(("The fix is safe", "The fix is unsafe", "There is no fix")), rule.code
