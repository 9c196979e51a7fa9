"""The matrix of the proof: what the rules make of their examples, for each floor that the installed Flax satisfies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contract import Promise
from installed import RELEASE, release_named
from promises import promise_of

from flake8_nnx_treemap import fix_source
from flake8_nnx_treemap.names import FlaxRelease
from flake8_nnx_treemap.rules.catalogue import rules_about_code
from flake8_nnx_treemap.rules.rule import Example, Rule
from flake8_nnx_treemap.rules.settings import LintSettings

FLOORS = ("portable", "0.11", "0.12.1", "0.12.7")
"""The floors at which rules change what they write."""


@dataclass(frozen=True)
class Rewrite:
    """One example of one rule, as its fix leaves it for some Flax floors."""

    rule: Rule
    example: Example
    floors: tuple[str, ...]
    fixed: str
    is_respelled: bool
    """The matrix has the same rewrite for a lower floor, with other classes in its tests."""

    @property
    def promise(self) -> Promise:
        return promise_of(self.rule.code, self.example.applicability)

    def __str__(self) -> str:
        return f"{self.rule.code}-{self.example.title}-{self.floors[0]}"


def fixed_text(source: str, code: str, floor: FlaxRelease, *, unsafe_fixes: bool = True) -> str:
    """A source after one rule's fixes."""
    return fix_source(source, settings=LintSettings(frozenset({code}), floor, unsafe_fixes)).text


def _rewrites() -> Iterator[Rewrite]:
    for rule in rules_about_code():
        for example in rule.examples:
            lowest = release_named(example.floor)
            floors_of: dict[str, list[str]] = {}
            for floor in sorted({*FLOORS, *example.fixed}, key=release_named):
                if lowest <= release_named(floor) <= RELEASE:
                    fixed = fixed_text(example.source, rule.code, release_named(floor))
                    floors_of.setdefault(fixed, []).append(floor)
            rewritten = [(fixed, tuple(floors)) for fixed, floors in floors_of.items() if fixed != example.source]
            for index, (fixed, floors) in enumerate(rewritten):
                yield Rewrite(rule, example, floors, fixed, is_respelled=index > 0)


REWRITES = tuple(_rewrites())
"""What the installed Flax can execute."""
