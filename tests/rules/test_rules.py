"""Holds together what belongs to a rule: its file, its examples, its cases, its line in the catalogue, its page."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from pathlib import Path

import pytest
from cases import HERE, cases_in, range_named

from flake8_nnx_treemap import fix_source, lint_source
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.gate import may_hold_findings_text
from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.rules.catalogue import CODES, every_rule, rule_named
from flake8_nnx_treemap.rules.rule import Example, FixAvailability, Rule
from flake8_nnx_treemap.rules.settings import LintSettings

EXAMPLES = [(rule, example) for rule in every_rule() for example in rule.examples]
EXAMPLE_IDS = [f"{rule.code}-{example.title}" for rule, example in EXAMPLES]
SECTIONS = ("## What it does", "## Why it is wrong", "## What Flax does", "## Fix safety", "## References")


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.code)
def test_everything_about_a_rule_has_its_name(rule: Rule) -> None:
    module = rule.check.__module__.rpartition(".")[2]
    assert module == f"{rule.code.lower()}_{rule.slug.replace('-', '_')}"
    assert rule_named(rule.code) is rule
    assert rule.url.endswith(f"/rules/{rule.code}-{rule.slug}/")
    assert (HERE / f"{rule.code}.md").exists()
    code, _, _ = inspect.getsource(sys.modules[rule.check.__module__]).partition("EXAMPLES = ")
    assert set(re.findall(r'"(NNX\d{3})"', code)) <= {rule.code}


def test_the_catalogue_lists_every_rule() -> None:
    assert [rule.code for rule in every_rule()] == sorted(CODES)
    files = (Path(__file__).parents[2] / "flake8_nnx_treemap" / "rules").glob("nnx*.py")
    assert sorted(path.stem[:6].upper() for path in files) == sorted(CODES)
    assert sorted(path.stem for path in HERE.glob("NNX*.md")) == sorted(CODES)


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.code)
def test_a_rule_imports_no_other(rule: Rule) -> None:
    tree = ast.parse(inspect.getsource(sys.modules[rule.check.__module__]))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    modules = {f"{getattr(node, 'module', '')}.{alias.name}" for node in imports for alias in node.names}
    assert not [name for name in modules if ".rules.nnx" in name]


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.code)
def test_the_word_of_a_rule_stands_wherever_it_finds_something(rule: Rule) -> None:
    count = 0
    for case in (case for code in CODES for case in cases_in(HERE / f"{code}.md")):
        source = ParsedSource(case.text)
        found = any(any(rule.check(source, FlaxRange(floor))) for floor in {rule.since, (0, 12, 7)})
        assert not found or (rule.entry.may_find(case.text) and may_hold_findings_text(case.text))
        count += found
    assert count >= 5


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.code)
def test_documentation_has_its_sections(rule: Rule) -> None:
    positions = [rule.documentation.find(section) for section in SECTIONS]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert 2 <= len(rule.examples) <= 4


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.code)
def test_cases_differ_enough(rule: Rule) -> None:
    cases = cases_in(HERE / f"{rule.code}.md")
    assert sum(bool(case.expected) for case in cases) >= 5
    assert sum(not case.expected for case in cases) >= 5


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.code)
def test_fix_availability_is_as_declared(rule: Rule) -> None:
    cases = [case for case in cases_in(HERE / f"{rule.code}.md") if case.expected]
    fixed = [bool(case.rewrites) for case in cases]
    expected = {
        FixAvailability.ALWAYS: all(fixed),
        FixAvailability.SOMETIMES: any(fixed) and not all(fixed),
        FixAvailability.NEVER: not any(fixed),
    }
    assert expected[rule.fix]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=EXAMPLE_IDS)
def test_example_marks_what_is_reported(rule: Rule, example: Example) -> None:
    settings = LintSettings(frozenset({rule.code}), range_named(example.floor))
    source = ParsedSource(example.source)
    found = lint_source(example.source, settings=settings)
    assert tuple(source.text_in(finding.range) for finding in found) == example.marked
    assert {finding.fix.applicability for finding in found if finding.fix} <= {example.applicability}


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=EXAMPLE_IDS)
def test_example_is_rewritten_as_shown(rule: Rule, example: Example) -> None:
    for floor, expected in example.fixed.items():
        settings = LintSettings(frozenset({rule.code}), range_named(floor), unsafe_fixes=True)
        assert fix_source(example.source, settings=settings).text == expected
    assert re.search(rf"^def {example.entry_point}\(", example.source, re.MULTILINE)
