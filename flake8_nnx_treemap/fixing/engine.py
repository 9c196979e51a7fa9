"""Linting and fixing one text: the functions that every front end calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_nnx_treemap.analysis.code.garbage import collects_later
from flake8_nnx_treemap.analysis.code.text import Edit, SourceError, parse_module
from flake8_nnx_treemap.fixing.edits import apply_edits, compatible, without_hiding_renames
from flake8_nnx_treemap.gate import may_hold_findings_text
from flake8_nnx_treemap.rules.rule import Finding, is_wanted
from flake8_nnx_treemap.rules.settings import LintSettings

if TYPE_CHECKING:
    import ast

    from flake8_nnx_treemap.analysis.names.source import Modules, ParsedSource

MAXIMUM_PASSES = 100
"""Far more than any file needs: each pass makes every fix that does not overlap another one."""


@dataclass(frozen=True, slots=True)
class FixResult:
    """New text, what was fixed on the way to it, and the findings that it still has."""

    text: str
    fixed: tuple[Finding, ...] = ()
    remaining: tuple[Finding, ...] = ()


@collects_later
def lint(text: str, filename: str, settings: LintSettings, modules: Modules | None = None) -> list[Finding]:
    """Find what is wrong in a text. See ``flake8_nnx_treemap.lint_source``; ``modules`` finds the project's others."""
    source = source_with_candidates(text, filename, _tree_of(text), settings, modules)
    return [] if source is None else _lint(source, settings)


@collects_later
def lint_for_suppression(
    text: str, filename: str, settings: LintSettings, modules: Modules | None = None
) -> list[Finding]:
    """The same findings, each with a fix that suppresses it; see ``suppression.with_suppressing_fixes``."""
    from flake8_nnx_treemap.fixing.suppression import with_suppressing_fixes

    source = source_with_candidates(text, filename, _tree_of(text), settings, modules)
    return [] if source is None else with_suppressing_fixes(source, _lint(source, settings))


@collects_later
def source_with_candidates(
    text: str, filename: str, tree: ast.Module, settings: LintSettings, modules: Modules | None
) -> ParsedSource | None:
    """Both gates: the words of a file, then its ``ast``. LibCST is imported only after them.

    Args:
        text: the file.
        filename: its name.
        tree: ``ast.parse(text)``.
        settings: which rules are selected, and for which Flax.
        modules: finds the project's others.

    Returns:
        The source; ``None`` if none of the rules can find anything in it.
    """
    if not may_hold_findings_text(text):
        return None
    from flake8_nnx_treemap.analysis.names.bindings import Bindings
    from flake8_nnx_treemap.analysis.names.source import ParsedSource
    from flake8_nnx_treemap.rules.catalogue import codes_that_may_find
    from flake8_nnx_treemap.rules.needs import codes_with_needs

    if not codes_that_may_find(text, settings):
        return None
    source = ParsedSource(text, filename, modules, Bindings(tree))
    return source if codes_with_needs(source, settings) else None


def _lint(source: ParsedSource, settings: LintSettings) -> list[Finding]:
    from flake8_nnx_treemap.fixing.suppression import without_suppressed
    from flake8_nnx_treemap.rules.checking import check

    findings = without_suppressed(source, check(source, settings))
    return without_hiding_renames(findings, unsafe_fixes=settings.unsafe_fixes)


def fix(text: str, filename: str, settings: LintSettings, modules: Modules | None = None) -> FixResult:
    """Repair a text until nothing changes. See ``flake8_nnx_treemap.fix_source``."""
    return fix_with(
        text, lambda current: lint(current, filename, settings, modules), rewritten, unsafe_fixes=settings.unsafe_fixes
    )


@collects_later
def fix_with(
    text: str,
    find: Callable[[str], Sequence[Finding]],
    rewrite: Callable[[str, Sequence[Edit]], str],
    *,
    unsafe_fixes: bool,
) -> FixResult:
    """Repair a text of any format until nothing changes.

    Args:
        text: what a file holds.
        find: the findings of such a text.
        rewrite: such a text after edits that do not overlap.
        unsafe_fixes: whether unsafe fixes are wanted.

    Raises:
        SourceError: ``find`` or ``rewrite`` raises it, or there is no end to the fixes.
    """
    fixed: list[Finding] = []
    for _ in range(MAXIMUM_PASSES):
        findings = find(text)
        chosen = compatible(found for found in findings if is_wanted(found.fix, unsafe_fixes=unsafe_fixes))
        if not chosen:
            return FixResult(text, tuple(fixed), tuple(findings))
        text = rewrite(text, [edit for found in chosen if found.fix for edit in found.fix.edits])
        fixed += chosen
    raise SourceError(f"fixes do not come to rest after {MAXIMUM_PASSES} passes; the file is left as it was")


def rewritten(text: str, edits: Sequence[Edit]) -> str:
    """A Python source after edits.

    Raises:
        SourceError: it would no longer be Python.
    """
    new_text = apply_edits(text, edits)
    verify(new_text)
    return new_text


@collects_later
def verify(program: str) -> None:
    """Hold a rewrite to being Python.

    Raises:
        SourceError: it is not.
    """
    _verified.clear()
    try:
        _verified[program] = parse_module(program)
    except SourceError as error:
        raise SourceError(f"the rewrite would not parse ({error.message}); the file is left as it was") from None


_verified: dict[str, ast.Module] = {}
"""What the last rewrite was parsed to when it was verified, for the pass that looks at it next and takes it."""


def _tree_of(text: str) -> ast.Module:
    return _verified.pop(text, None) or parse_module(text)
