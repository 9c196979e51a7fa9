"""Defines rules, findings, fixes and examples. The rules themselves are in this folder, one per file."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flake8_nnx_treemap.analysis.code.text import Edit, Range
from flake8_nnx_treemap.names import FlaxRange, FlaxRelease
from flake8_nnx_treemap.rules.catalogue import Entry
from flake8_nnx_treemap.rules.steps import Step

if TYPE_CHECKING:
    from flake8_nnx_treemap.analysis.names.source import ParsedSource


class Applicability(str, enum.Enum):
    """Whether a fix may be applied without ``--unsafe-fixes``."""

    SAFE = "safe"
    """Wherever the original returns a result, the rewritten code returns the same."""
    UNSAFE = "unsafe"
    """The rewritten code may compute something else."""


class FixAvailability(str, enum.Enum):
    """How often a rule offers a fix."""

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Together:
    """What a fix writes instead where every use of a definition is fixed at once: it changes the definition itself.

    ``definition`` is where that is, ``uses`` how many uses it has. ``steps`` and ``edits`` are as in ``Fix``.
    """

    definition: Range
    uses: int
    steps: tuple[Step, ...] = field(repr=False, compare=False)
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Fix:
    """One repair: all of its edits are applied, or none is.

    Edits are sorted, do not overlap, and include the imports that the new code needs. A rule describes the rewrite in
    ``steps``; the codemod turns them into ``edits`` when somebody wants to see or apply the fix.
    """

    applicability: Applicability
    message: str
    edits: tuple[Edit, ...] = ()
    steps: tuple[Step, ...] = field(default=(), repr=False, compare=False)
    together: Together | None = field(default=None, repr=False, compare=False)


def is_wanted(fix: Fix | None, *, unsafe_fixes: bool) -> bool:
    """Tell whether a fix exists and may be applied."""
    return fix is not None and (unsafe_fixes or fix.applicability is Applicability.SAFE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that a rule reports.

    ``related`` are further places that the finding is about: until it is fixed, no other fix renames anything in them.
    """

    code: str
    message: str
    range: Range
    fix: Fix | None = None
    notes: tuple[str, ...] = ()
    related: tuple[Range, ...] = ()

    @property
    def sort_key(self) -> tuple[int, int, str, str]:
        """The order of findings in every report: by position, then by code."""
        return (self.range.start.row, self.range.start.column, self.code, self.message)

    def without_steps(self) -> Finding:
        """Return the same as plain data: steps refer to nodes of the program's tree."""
        if self.fix is None:
            return self
        fix = Fix(self.fix.applicability, self.fix.message, self.fix.edits, together=self.fix.together)
        return Finding(self.code, self.message, self.range, fix, self.notes, self.related)


RENAMES = "NNX2"
"""The prefix of the codes of rules about names that Flax has renamed or removed."""


TREES = ("state", "split", "live", "mixed", "grad")
"""The names of the trees that an example runs on unless it names others; ``tests/runtime`` builds them."""


@dataclass(frozen=True, slots=True)
class Example:
    """A program that shows what a rule reports; it is a test, a part of the rule's page, and a runtime proof.

    ``source`` is a whole module that defines ``convert(tree)`` (or ``convert(tree, other)`` for two trees). Without
    ``trees`` it is a program by itself: it defines ``result()``, and each rewrite of it returns ``result``, on every
    release that the rewrite is for.
    ``marked`` holds the exact source text of each expression that is reported, in order.
    ``fixed`` maps a Flax floor (``"portable"``, ``"0.11"``, ``"0.12.1"``) to the whole module after the fix;
    empty where the rule reports and does not rewrite.
    """

    title: str
    source: str
    marked: tuple[str, ...]
    fixed: Mapping[str, str] = field(default_factory=dict)
    applicability: Applicability | None = None
    floor: str = "portable"
    trees: tuple[str, ...] = TREES
    result: object = None

    @property
    def entry_point(self) -> str:
        """The name of the function that is called to run the program."""
        return "convert" if self.trees else "result"


Check = Callable[["ParsedSource", FlaxRange], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its ``check`` takes a file and the lowest Flax release that must run it, and returns findings."""

    entry: Entry
    summary: str
    check: Check
    documentation: str
    examples: tuple[Example, ...]
    fix: FixAvailability
    rests_on: tuple[Callable[..., bool], ...] = ()
    """The obligations of its safe fix (``rules/safety.py``); empty if it has none that is safe, or changes no code."""

    @property
    def code(self) -> str:
        """The code, such as ``NNX101``."""
        return self.entry.code

    @property
    def slug(self) -> str:
        """The readable name, such as ``is-leaf-is-not-a-filter``."""
        return self.entry.slug

    @property
    def since(self) -> FlaxRelease:
        """The first Flax release that the rule applies to."""
        return self.entry.since

    @property
    def on_by_default(self) -> bool:
        """Whether the rule runs where nobody selects rules."""
        return self.entry.on_by_default

    @property
    def url(self) -> str:
        """The address of the page that explains the rule."""
        return f"{DOCUMENTATION_URL}/rules/{self.code}-{self.slug}/"


DOCUMENTATION_URL = "https://flake8-nnx-treemap.readthedocs.io/en/latest"
