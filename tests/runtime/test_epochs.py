"""The installed Flax does what ``facts.py`` expects, and the page says so."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import epochs
import pytest
from epochs import INTRODUCTION, Measured, changes, measure, page, report
from facts import TABLES
from installed import EPOCHS, RELEASE, VERSION, FlaxRelease, epoch_of, release_named

pytestmark = pytest.mark.runtime

PAGE = Path(__file__).parents[2] / "docs" / "flax-epochs.md"


@pytest.fixture(scope="module")
def found() -> Measured:
    return measure()


def test_nothing_has_changed(found: Measured) -> None:
    different = changes(found)
    assert not different, report(different)


def test_page_shows_what_is_measured(found: Measured) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(INTRODUCTION)
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    for table in TABLES:
        rows = [line.strip("|").split(" | ") for line in sections[table.title].splitlines() if line.startswith("|")]
        column = column_of(RELEASE, [cell.strip() for cell in rows[0]])
        if column is None:
            pytest.skip(f"the page has no column for Flax {VERSION}")
        shown = {row[0].strip(): row[column].strip() for row in rows[2:]}
        assert shown == {
            fact: outcome.replace("NOOP", "**NOOP**") for fact, outcome in found.outcomes[table.title].items()
        }


def column_of(release: FlaxRelease, heading: list[str]) -> int | None:
    """Which column speaks of a release: ``0.12.8``, or a range such as ``0.11.0–0.12.0``."""
    for index, cell in enumerate(heading):
        first, _, last = cell.partition("–")
        if cell and release_named(first) <= release <= release_named(last or first):
            return index
    return None


def test_facts_differ_between_epochs() -> None:
    """Each epoch has a reason to be one: some fact that is not so in the epoch before it."""
    facts = [fact for table in TABLES for fact in table.facts]
    for before, after in pairwise(EPOCHS):
        assert any(fact.expected_on(before.last) != fact.expected_on(after.first) for fact in facts)


def test_unknown_releases_are_held_to_the_last_epoch() -> None:
    assert epoch_of(release_named("0.13.0")).name == "E4"
    assert epoch_of(release_named("0.10.7")).name == "E2"
    assert release_named("0.12.8rc1") == (0, 12, 8)


def test_a_change_is_named_with_what_was_expected(found: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = {**found.outcomes, "Names": {**found.outcomes["Names"], "`nnx.VariableState`": "AE"}}
    different = changes(replace(found, outcomes=outcomes))
    assert [(change.table, change.fact, change.found) for change in different] == [
        ("Names", "`nnx.VariableState`", "AE")
    ]
    monkeypatch.setattr(epochs, "IS_NEWER_THAN_MEASURED", True)
    heading, line = report(different).split("\n")
    assert "is newer than every release measured, and differs from" in heading
    assert line.endswith(f"Flax {VERSION} gives 'AE'")


def test_releases_that_agree_share_a_column() -> None:
    outcomes = {table.title: {fact.text: "NOOP" for fact in table.facts} for table in TABLES}
    other = {**outcomes, "Names": {fact.text: "ok" for fact in TABLES[1].facts}}
    measured = [Measured("0.12.8", "0.10.2", "3.11", other)]
    measured += [Measured(flax, "0.7.2", "3.11", outcomes) for flax in ("0.12.0", "0.10.7")]
    text = page(measured)
    assert "| E3 | 0.11.0–0.12.0 | 0.12.0 (JAX 0.7.2) |" in text
    assert "## Classes\n\nWhat a wrapper is, and whether JAX goes into it.\n\n|  | 0.10.7–0.12.8 |" in text
    assert "|  | 0.10.7–0.12.0 | 0.12.8 |" in text
    assert "| `VS is V` | **NOOP** |" in text
