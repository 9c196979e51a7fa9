"""Linting and fixing one text: the functions that every front end calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_nnx_treemap.analysis.text import SourceError, parse_module
from flake8_nnx_treemap.fixing.edits import apply_edits, compatible, is_wanted
from flake8_nnx_treemap.gate import may_hold_findings_text
from flake8_nnx_treemap.rules.rule import Finding
from flake8_nnx_treemap.rules.settings import LintSettings

if TYPE_CHECKING:
    from flake8_nnx_treemap.analysis.source import ParsedSource

MAXIMUM_PASSES = 100
"""Far more than any file needs: each pass makes every fix that does not overlap another one."""


@dataclass(frozen=True, slots=True)
class FixResult:
    """New text, what was fixed on the way to it, and the findings that it still has."""

    text: str
    fixed: tuple[Finding, ...] = ()
    remaining: tuple[Finding, ...] = ()


def lint(text: str, filename: str, settings: LintSettings) -> list[Finding]:
    """Find what is wrong in a text. See ``flake8_nnx_treemap.lint_source``."""
    if not may_hold_findings_text(text):
        parse_module(text)
        return []
    from flake8_nnx_treemap.analysis.source import ParsedSource  # Here, since it imports LibCST.

    return lint_parsed(ParsedSource(text, filename), settings)


def lint_parsed(source: ParsedSource, settings: LintSettings) -> list[Finding]:
    """Find what is wrong in a source that is parsed already."""
    from flake8_nnx_treemap.fixing.suppression import without_suppressed
    from flake8_nnx_treemap.rules.checking import check

    return without_suppressed(source, check(source, settings))


def fix(text: str, filename: str, settings: LintSettings) -> FixResult:
    """Repair a text until nothing changes. See ``flake8_nnx_treemap.fix_source``."""
    fixed: list[Finding] = []
    for _ in range(MAXIMUM_PASSES):
        findings = lint(text, filename, settings)
        wanted = [found for found in findings if is_wanted(found.fix, unsafe_fixes=settings.unsafe_fixes)]
        chosen = compatible(wanted)
        if not chosen:
            return FixResult(text, tuple(fixed), tuple(findings))
        edits = [edit for found in chosen if found.fix for edit in found.fix.edits]
        text = _verified(apply_edits(text, edits))
        fixed += chosen
    raise SourceError(f"fixes do not come to rest after {MAXIMUM_PASSES} passes; the file is left as it was")


def _verified(text: str) -> str:
    try:
        parse_module(text)
    except SourceError as error:
        raise SourceError(f"the rewrite would not parse ({error.message}); the file is left as it was") from None
    return text
