"""What is generated is up to date, lies where findings link to, and answers what a reader came for."""

from __future__ import annotations

import re

import pytest
from drawing import WIDTH, said_at
from generate import generated, out_of_date
from lessons import batches
from measurements import DOCS
from rule_pages import lead_of, page_name, rule_page, scene_of

from flake8_nnx_treemap.reporting.traversals import (
    EPOCHS,
    Node,
    Traversal,
    draw,
    panels,
    releases_text,
    scenes,
    text_drawing,
)
from flake8_nnx_treemap.rules.catalogue import rules_about_code
from flake8_nnx_treemap.rules.rule import DOCUMENTATION_URL, FixAvailability, Rule

RELEASES = tuple(release for *_, measured in EPOCHS for release in measured)


def test_everything_is_up_to_date() -> None:
    assert out_of_date() == []


@pytest.mark.parametrize("rule", rules_about_code(), ids=lambda rule: rule.code)
def test_pages_are_where_findings_link_to(rule: Rule) -> None:
    address = page_name(rule).removesuffix(".md")
    assert rule.url == f"{DOCUMENTATION_URL}/{address}/"
    assert (DOCS / page_name(rule)).exists()
    assert f"({page_name(rule).removeprefix('rules/')})" in generated()[DOCS / "rules" / "index.md"]


@pytest.mark.parametrize("rule", rules_about_code(), ids=lambda rule: rule.code)
def test_a_page_answers_the_four_questions(rule: Rule) -> None:
    page = rule_page(rule)
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings.index("Why it is wrong") < headings.index("What to write") < headings.index("Fix safety")
    assert "Measured: what comes back on each Flax" in page
    assert rule.examples[0].source.rstrip() in page
    if rule.fix is not FixAvailability.NEVER:
        assert "Fixed for" in page


@pytest.mark.parametrize("rule", rules_about_code(), ids=lambda rule: rule.code)
def test_a_page_is_short_at_first_sight(rule: Rule) -> None:
    """The reason is above the first heading, tables are folded, and the text for today's Flax comes first."""
    page = rule_page(rule)
    assert lead_of(rule).partition("NNX")[0] in page.partition("\n## ")[0]
    assert "???+" not in page
    for tabs in re.findall(r'(?:^=== "Fixed .*\n(?:\n|    .*\n)*)+', page, re.MULTILINE):
        titles = re.findall(r'=== "(Fixed [^"]*)"', tabs)
        assert not [title for title in titles[:-1] if "for every Flax" in title]
    assert "(../glossary.md)" in page


@pytest.mark.parametrize("rule", rules_about_code(), ids=lambda rule: rule.code)
def test_drawings_have_alternative_text(rule: Rule) -> None:
    page = rule_page(rule)
    scene = scene_of(rule)
    assert page.count("<svg") == page.count('role="img" aria-label="')
    if scene is not None:
        # A call that fails before JAX sees a tree has a verdict and no drawing.
        drawn = [panel for panel in (*panels(scene.before), *panels(scene.after)) if panel.traversal.nodes]
        assert page.count("<svg") == len(drawn) > 0
        for panel in (*panels(scene.before), *panels(scene.after)):
            assert all(node.says in page for node in panel.traversal.nodes)


def test_nothing_sticks_out_of_a_drawing() -> None:
    """At 5.8 px a character beside the boxes, everything ends within the picture."""
    for batch in batches():
        for traversals in batch.measured().values():
            for node in (node for one in traversals for node in one.nodes):
                assert said_at(node) + 5.8 * (len(node.says) + 2) <= WIDTH, (batch.name, node)


# The drawing in text


def test_every_drawn_rule_has_a_text_drawing() -> None:
    for code, scene in scenes().items():
        text = text_drawing(code)
        assert text is not None
        assert max(map(len, text.splitlines())) <= 100
        assert {release for one in scene.before for release in one.releases} == set(RELEASES)
    assert text_drawing("NNX999") is None


def test_branches_lead_to_their_nodes() -> None:
    nodes = [
        Node(0, "", "State", "entered", ""),
        Node(1, "['kernel']", "Param", "wrapper entered", ""),
        Node(2, ".value", "Array", "leaf", "as it is"),
        Node(1, "['step']", "Array", "refused", "mapped"),
    ]
    assert draw(Traversal(RELEASES, tuple(nodes), "returned", warns=False)) == (
        "State                entered\n"
        "├─ 'kernel': Param   entered, not mapped\n"
        "│  └─ .value: Array  returned as it is\n"
        "└─ 'step': Array     mapped, is_leaf or not"
    )


@pytest.mark.parametrize(
    ("releases", "text"),
    [
        (RELEASES, "0.10.0 – 0.12.8"),
        (("0.10.2", "0.10.6"), "0.10.0 – 0.10.6"),
        (("0.10.7",), "0.10.7"),
        (("0.10.2",), "0.10.2"),
        (("0.10.2", "0.10.7", "0.12.8"), "0.10.2, 0.10.7, 0.12.1 – 0.12.8"),
    ],
)
def test_releases_are_named_as_ranges(releases: tuple[str, ...], text: str) -> None:
    assert releases_text(releases) == text
