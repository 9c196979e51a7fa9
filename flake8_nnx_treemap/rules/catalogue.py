"""Lists all rules, one line each, with what can be known about a rule without importing its file.

A new rule is its file in this folder, its cases in ``tests/rules``, and a line here.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from flake8_nnx_treemap.flax_names import names_that_went
from flake8_nnx_treemap.names import (
    DATA_IS_DECIDED_ONCE,
    METADATA_NEEDS_METHOD,
    OPTIMIZER_NEEDS_WRT,
    OUT_SHARDING_IS_READ,
    PORTABLE,
    PURE_WARNS,
    REMOVED_TREE_FUNCTIONS,
    RENAMED_IN_NNX,
    STATE_FUNCTIONS,
    STATE_FUNCTIONS_ARE_THERE,
    VALUE_ACCESS_WARNS,
    VARIABLE_STATE_IS_VARIABLE,
    FlaxRange,
    FlaxRelease,
)

if TYPE_CHECKING:
    from flake8_nnx_treemap.rules.rule import Rule
    from flake8_nnx_treemap.rules.settings import LintSettings


class Kind(str, enum.Enum):
    """What reported code does on the releases of Flax or JAX that the rule is about."""

    CRASH = "crash"
    """It raises."""
    SILENT = "silent"
    """It silently computes something else than it seems to."""
    DEPRECATION = "deprecation"
    """It warns, and what it uses will be removed."""
    COMMENT = "comment"
    """Nothing: the rule is about a comment."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule's line in the catalogue.

    ``since`` is the first Flax release that the rule applies to. The rule can find something only in a text that
    contains one of ``words``; these are in lower case if the rule ``ignores_case``. One that ``needs_stated_floor`` is
    silent where nobody says which releases are to be supported.
    """

    code: str
    slug: str
    kind: Kind
    words: tuple[str, ...]
    since: FlaxRelease = PORTABLE
    on_by_default: bool = True
    ignores_case: bool = False
    needs_stated_floor: bool = False

    @property
    def module(self) -> str:
        """The name of the rule's module in this package."""
        return f"{self.code}_{self.slug}".lower().replace("-", "_")

    def applies_to(self, flax: FlaxRange) -> bool:
        """Tell whether code for a range of releases hears of the rule.

        It does if a release in the range crashes or is silently wrong. A deprecation waits until the whole range has
        the new spelling.
        """
        if self.needs_stated_floor and not flax.floor_is_stated:
            return False
        return flax.starts_from(self.since) if self.kind is Kind.DEPRECATION else flax.holds(self.since)

    def may_find(self, text: str) -> bool:
        """Tell whether a text contains one of the words without which the rule finds nothing."""
        searched = text.lower() if self.ignores_case else text
        return any(word in searched for word in self.words)


_OFF: Final = False

CATALOGUE: tuple[Entry, ...] = (
    Entry("NNX101", "is-leaf-is-not-a-filter", Kind.CRASH, ("tree",)),
    Entry("NNX102", "dispatch-without-is-leaf", Kind.SILENT, ("tree",)),
    Entry("NNX103", "leaves-test-without-is-leaf", Kind.SILENT, ("leaves", "flatten")),
    Entry("NNX104", "variable-attribute-without-is-leaf", Kind.CRASH, ("tree",)),
    Entry("NNX105", "exact-type-test", Kind.SILENT, ("type", "__class__"), VARIABLE_STATE_IS_VARIABLE),
    Entry("NNX106", "is-leaf-is-a-class", Kind.CRASH, ("tree",)),
    Entry("NNX107", "predicate-mapper-mismatch", Kind.SILENT, ("tree",)),
    Entry("NNX108", "wrapped-mask", Kind.CRASH, ("optax",), VARIABLE_STATE_IS_VARIABLE),
    Entry("NNX109", "branch-collapse", Kind.SILENT, ("VariableState",), VARIABLE_STATE_IS_VARIABLE),
    Entry("NNX110", "aliased-variable", Kind.SILENT, ("tree",), VARIABLE_STATE_IS_VARIABLE, on_by_default=_OFF),
    Entry("NNX111", "mutating-mapper", Kind.SILENT, ("tree",), VARIABLE_STATE_IS_VARIABLE, on_by_default=_OFF),
    Entry("NNX112", "undispatched-variable-leaf", Kind.CRASH, ("tree",), on_by_default=_OFF),
    Entry("NNX113", "snapshot-is-no-copy", Kind.SILENT, ("state", "split", "variables"), VARIABLE_STATE_IS_VARIABLE),
    Entry("NNX201", "deprecated-variable-state", Kind.DEPRECATION, ("VariableState",), VARIABLE_STATE_IS_VARIABLE),
    Entry("NNX202", "variable-state-constructor", Kind.CRASH, ("VariableState",), VARIABLE_STATE_IS_VARIABLE),
    Entry("NNX203", "removed-conversion", Kind.CRASH, ("to_variable",), VARIABLE_STATE_IS_VARIABLE),
    Entry("NNX204", "deprecated-type-attribute", Kind.DEPRECATION, ("type",), VARIABLE_STATE_IS_VARIABLE),
    Entry("NNX205", "metadata-by-attribute", Kind.CRASH, ("=",), METADATA_NEEDS_METHOD),
    Entry("NNX206", "deprecated-value-access", Kind.DEPRECATION, ("value",), VALUE_ACCESS_WARNS),
    Entry("NNX207", "deprecated-pure", Kind.DEPRECATION, tuple(one.old for one in RENAMED_IN_NNX), PURE_WARNS),
    Entry("NNX208", "removed-jax-tree-map", Kind.CRASH, tuple(REMOVED_TREE_FUNCTIONS)),
    Entry("NNX209", "optimizer-without-wrt", Kind.CRASH, ("Optimizer",), OPTIMIZER_NEEDS_WRT),
    Entry("NNX210", "container-attribute", Kind.CRASH, ("class",), DATA_IS_DECIDED_ONCE),
    Entry("NNX211", "state-method", Kind.DEPRECATION, tuple(STATE_FUNCTIONS), STATE_FUNCTIONS_ARE_THERE),
    Entry("NNX212", "sharding-metadata", Kind.DEPRECATION, ("sharding",), OUT_SHARDING_IS_READ),
    Entry("NNX213", "newer-than-floor", Kind.CRASH, ("nnx",), needs_stated_floor=True),
    Entry("NNX214", "removed-name", Kind.CRASH, tuple(sorted(names_that_went()))),
    Entry("NNX901", "unused-noqa", Kind.COMMENT, ("noqa",), on_by_default=_OFF, ignores_case=True),
)
"""All rules, in order of their codes."""

CODES: Mapping[str, Entry] = {entry.code: entry for entry in CATALOGUE}
"""All rules, by code."""

DEFAULT_CODES = frozenset(entry.code for entry in CATALOGUE if entry.on_by_default)
"""The rules that run unless others are selected."""


@cache
def rule_named(code: str) -> Rule:
    """Return the rule with a code; import its module.

    Raises:
        KeyError: there is no such rule.
    """
    rule: Rule = import_module(f"{__package__}.{CODES[code].module}").RULE
    return rule


def every_rule() -> tuple[Rule, ...]:
    """Return all rules, in order of their codes; import their modules."""
    return tuple(map(rule_named, CODES))


def rules_about_code() -> tuple[Rule, ...]:
    """Return the rules whose examples can be run on JAX: all but those about comments."""
    return tuple(rule_named(entry.code) for entry in CATALOGUE if entry.kind is not Kind.COMMENT)


@lru_cache(maxsize=1)
def codes_that_may_find(text: str, settings: LintSettings) -> frozenset[str]:
    """Return the codes of the selected rules that apply to the Flax range and whose words a text contains."""
    selected = DEFAULT_CODES if settings.select is None else settings.select
    entries = (entry for entry in CATALOGUE if entry.code in selected and entry.applies_to(settings.flax_range))
    return frozenset(entry.code for entry in entries if entry.may_find(text))
