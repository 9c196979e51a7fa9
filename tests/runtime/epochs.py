"""Measures what Flax NNX really does under JAX's tree functions, and compares it with what ``facts.py`` expects.

    python tests/runtime/epochs.py --measure > 0.12.8.json          one release, as JSON
    python tests/runtime/epochs.py --page *.json > docs/flax-epochs.md
    python tests/runtime/epochs.py --check                          what has changed; exit code 1 if anything has

The rules, their pages and the contract of a safe fix rest on these facts: ``test_epochs.py`` measures them in every
run.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facts import TABLES, Fact, Table
from harness import PROGRAM, Build, is_about_program, observe
from installed import EPOCH, EPOCHS, IS_NEWER_THAN_MEASURED, RELEASE, VERSION, epoch_of, release_named
from trees import CATALOGUE

PRELUDE = """\
import jax
import jax.numpy as jnp
import optax
from flax import nnx
"""

SHORT = {"AttributeError": "AE", "TypeError": "TE", "ValueError": "VE", "ImportError": "IE"}


def measured(fact: Fact) -> str:
    """What the installed Flax does, in one word or a few."""
    if fact.trees:
        return outcome_of_call(fact.program, [CATALOGUE[name].build for name in fact.trees])
    return outcome_of_program(fact.program)


def outcome_of_call(expression: str, builds: Iterable[Build]) -> str:
    """What a call does with the wrappers of some trees: one word if they agree."""
    source = f"{PRELUDE}\n\ndef convert(tree):\n    return {expression}\n"
    return " / ".join(dict.fromkeys(_of_run(source, build) for build in builds))


def _of_run(source: str, build: Build) -> str:
    run = observe(source, build)
    if run.error is not None:
        return SHORT.get(run.error, run.error)
    word = "ok" if run.mapped == run.wrappers else f"{run.mapped} of {run.wrappers}" if run.mapped else "NOOP"
    return f"{word} + DW" if run.warnings else word


def outcome_of_program(program: str) -> str:
    """What the last line of a program evaluates to, or which error stopped it."""
    *statements, last = program.split("\n")
    code = compile("\n".join([PRELUDE, *statements, f"answer = {last}"]), PROGRAM, "exec")
    namespace: dict[str, Any] = {"__name__": "program"}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(code, namespace)
        except Exception as error:
            return SHORT.get(type(error).__name__, type(error).__name__)
    word = _word(namespace["answer"])
    return f"{word} + DW" if any(map(is_about_program, caught)) else word


def _word(answer: object) -> str:
    if answer is None:
        return "ok"
    return {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else str(answer)


# One release


@dataclass(frozen=True)
class Measured:
    """All facts about one release, and what it was measured with."""

    flax: str
    jax: str
    python: str
    outcomes: Mapping[str, Mapping[str, str]]
    """Table -> fact -> outcome."""

    def to_json(self) -> str:
        return json.dumps(vars(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Measured:
        return cls(**json.loads(text))


def measure() -> Measured:
    """Measure the installed Flax."""
    outcomes = {table.title: {fact.text: measured(fact) for fact in table.facts} for table in TABLES}
    return Measured(VERSION, importlib.metadata.version("jax"), platform.python_version(), outcomes)


@dataclass(frozen=True)
class Change:
    """One fact that is not as expected of the installed release."""

    table: str
    fact: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.table}: {self.fact}: expected {self.expected!r}, Flax {VERSION} gives {self.found!r}"


def changes(found: Measured) -> list[Change]:
    """What differs from the expected; of a release newer than all measured, from the last epoch."""
    return [
        Change(table.title, fact.text, fact.expected_on(RELEASE), found.outcomes[table.title][fact.text])
        for table in TABLES
        for fact in table.facts
        if fact.expected_on(RELEASE) != found.outcomes[table.title][fact.text]
    ]


def report(found: Sequence[Change]) -> str:
    """The changes in words, with what they say about the epochs."""
    if IS_NEWER_THAN_MEASURED:
        heading = (
            f"Flax {VERSION} is newer than every release measured, and differs from {EPOCH.name} ({EPOCH.releases}):"
        )
    else:
        heading = f"Flax {VERSION} ({EPOCH.name}) is not as expected:"
    return "\n".join([heading, *(f"  {change}" for change in found)])


# The page

INTRODUCTION = """\
# Flax epochs

What Flax NNX does with wrappers under JAX's tree functions, measured by `tests/runtime/epochs.py` on each release named
below. Do not edit: `nox -s epochs` writes this page, and the runtime tests compare it with the installed Flax.

Releases that agree share a column.

V is `nnx.Variable`, VS is `nnx.VariableState`, BOTH is `(nnx.Variable, nnx.variablelib.VariableState)`.
**ok**: every wrapper was mapped, or the access works. **NOOP**: the call returns, and nothing was mapped. AE, TE, VE:
`AttributeError`, `TypeError`, `ValueError`. DW: with a `DeprecationWarning`.
"""


def page(releases: Sequence[Measured]) -> str:
    """The page that shows several releases side by side."""
    ordered = sorted(releases, key=lambda one: release_named(one.flax))
    parts = [INTRODUCTION, _header_table(ordered)]
    parts += [_table(table, ordered) for table in TABLES]
    return "\n".join(parts)


def _header_table(releases: Sequence[Measured]) -> str:
    rows = [
        (
            epoch.name,
            epoch.releases,
            ", ".join(f"{one.flax} (JAX {one.jax})" for one in _of_epoch(releases, epoch.name)),
        )
        for epoch in EPOCHS
    ]
    return "## Epochs\n\n" + _markdown(("epoch", "Flax", "measured"), rows)


def _of_epoch(releases: Iterable[Measured], name: str) -> list[Measured]:
    return [one for one in releases if epoch_of(release_named(one.flax)).name == name]


def _table(table: Table, releases: Sequence[Measured]) -> str:
    columns = _columns(table, releases)
    heading = ("", *(_range(column) for column in columns))
    rows = [
        (fact.text, *(_cell(column[0].outcomes[table.title][fact.text]) for column in columns)) for fact in table.facts
    ]
    return f"## {table.title}\n\n{table.says}\n\n{_markdown(heading, rows)}"


def _columns(table: Table, releases: Iterable[Measured]) -> list[list[Measured]]:
    """Neighbouring releases that agree on a whole table share one column."""
    columns: list[list[Measured]] = []
    for release in releases:
        if columns and columns[-1][0].outcomes[table.title] == release.outcomes[table.title]:
            columns[-1].append(release)
        else:
            columns.append([release])
    return columns


def _range(column: Sequence[Measured]) -> str:
    return column[0].flax if len(column) == 1 else f"{column[0].flax}–{column[-1].flax}"


def _cell(outcome: str) -> str:
    return outcome.replace("NOOP", "**NOOP**")


def _markdown(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Measure what the installed Flax does.")
    parser.add_argument("--measure", action="store_true", help="print all facts about the installed Flax as JSON")
    parser.add_argument("--check", action="store_true", help="print what is not as expected; exit code 1 if anything")
    parser.add_argument("--page", nargs="+", metavar="JSON", help="print the page for several measurements")
    chosen = parser.parse_args(arguments)
    if chosen.page:
        releases = [Measured.from_json(Path(name).read_text(encoding="utf-8")) for name in chosen.page]
        sys.stdout.write(page(releases))
        return 0
    found = measure()
    if chosen.measure:
        sys.stdout.write(found.to_json() + "\n")
    different = changes(found)
    if different:
        sys.stderr.write(report(different) + "\n")
    return int(bool(different) and chosen.check)


if __name__ == "__main__":
    sys.exit(main())
