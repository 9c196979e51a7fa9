"""Lints and fixes one text, for every front end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flake8_nnx_treemap.analysis.code.garbage import collects_later
from flake8_nnx_treemap.analysis.code.text import Edit, SourceError, parse_module
from flake8_nnx_treemap.fixing.edits import apply_edits, compatible, compatible_together, without_hiding_renames
from flake8_nnx_treemap.gate import may_hold_findings_text
from flake8_nnx_treemap.rules.rule import Finding, Fix, is_wanted
from flake8_nnx_treemap.rules.settings import LintSettings
from flake8_nnx_treemap.rules.steps import subject_of

if TYPE_CHECKING:
    import ast

    from flake8_nnx_treemap.analysis.names.bindings import Bindings
    from flake8_nnx_treemap.analysis.names.source import Modules, ParsedSource
    from flake8_nnx_treemap.codemod.layout import Style

MAXIMUM_PASSES = 100
"""The limit of passes, far more than any file needs: each makes all fixes that do not overlap another one."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A finding whose fix cannot be made, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class FixResult:
    """A new text, the findings that were fixed to get it, and the findings that it still has."""

    text: str
    fixed: tuple[Finding, ...] = ()
    remaining: tuple[Finding, ...] = ()
    withdrawn: tuple[Withdrawn, ...] = ()
    """Those of the remaining findings whose fix would have broken the file; they have no fix any more."""


@collects_later
def lint(
    text: str,
    filename: str,
    settings: LintSettings,
    modules: Modules | None = None,
    *,
    edits: bool = True,
    tree: ast.Module | None = None,
) -> list[Finding]:
    """Return the findings in a text; see ``flake8_nnx_treemap.lint_source``.

    Args:
        text: the file.
        filename: its name.
        settings: which rules to run, and for which Flax.
        modules: finds the project's other modules.
        edits: whether fixes get edits. If not, LibCST is used only where a comment may prevent a fix.
        tree: ``ast.parse(text)``, if the caller has it already.
    """
    source = source_with_candidates(text, filename, tree, settings, modules)
    if source is None:
        return []
    found = _lint(source, settings, edits=edits)
    source.forget()
    return found


class Programs:
    """The programs of one file as they were parsed, so that each is parsed once for all settings that it is held to."""

    def __init__(
        self,
        filename: str,
        modules: Modules | None = None,
        known: Callable[[str], Bindings | None] = lambda text: None,
    ) -> None:
        """Take the file's name.

        Args:
            filename: the name.
            modules: finds the project's other modules.
            known: returns the bindings of a program, if it was parsed for another file already.
        """
        self._filename = filename
        self._modules = modules
        self._known = known
        self._trees: dict[str, ast.Module] = {}
        self._sources: dict[str, ParsedSource] = {}

    @collects_later
    def lint(self, text: str, settings: LintSettings, *, edits: bool = True, suppresses: bool = False) -> list[Finding]:
        """Return the findings in a program.

        Args:
            text: the program.
            settings: which rules to run, and for which Flax.
            edits: whether fixes get edits.
            suppresses: whether fixes are comments that suppress the findings; see ``suppression``.

        Raises:
            SourceError: the text is not Python.
        """
        source = self._source(text, settings)
        if source is None:
            return []
        if not suppresses:
            return _lint(source, settings, edits=edits)
        from flake8_nnx_treemap.fixing.suppression import with_suppressing_fixes

        return with_suppressing_fixes(source, _lint(source, settings, edits=False))

    def source_of(self, text: str) -> ParsedSource | None:
        """Return the source of a program that was linted, if it had to be looked at closely."""
        return self._sources.get(text)

    def forget(self) -> None:
        """Keep nothing: the file has been rewritten, or all is found in it."""
        for source in self._sources.values():
            source.forget()
        self._trees.clear()
        self._sources.clear()

    def _source(self, text: str, settings: LintSettings) -> ParsedSource | None:
        if text in self._sources:
            return self._sources[text]
        bindings = self._known(text)
        if text not in self._trees:
            self._trees[text] = parse_module(text) if bindings is None else bindings.tree
        tree = self._trees[text]
        source = source_with_candidates(text, self._filename, tree, settings, self._modules, bindings)
        if source is not None:
            self._sources[text] = source
        return source


def source_with_candidates(
    text: str,
    filename: str,
    tree: ast.Module | None,
    settings: LintSettings,
    modules: Modules | None,
    bindings: Bindings | None = None,
) -> ParsedSource | None:
    """Return the parsed file; ``None`` if it holds none of the words that the selected rules need to find anything.

    Args:
        text: the file.
        filename: its name.
        tree: ``ast.parse(text)``, if the caller has it already.
        settings: which rules are selected, and for which Flax.
        modules: finds the project's other modules.
        bindings: those of the tree, if the caller has them already.

    Raises:
        SourceError: the text is not Python.
    """
    from flake8_nnx_treemap.rules.catalogue import codes_that_may_find

    tree = parse_module(text) if tree is None else tree
    if not codes_that_may_find(text, settings) or not _concerns_nnx(text, modules):
        return None
    from flake8_nnx_treemap.analysis.names.bindings import Bindings
    from flake8_nnx_treemap.analysis.names.source import ParsedSource

    return ParsedSource(text, filename, modules, Bindings(tree) if bindings is None else bindings)


def _concerns_nnx(text: str, modules: Modules | None) -> bool:
    """Tell whether a text names NNX, or has a class that inherits from one of NNX by way of another file."""
    return may_hold_findings_text(text) or (modules is not None and modules.give_bases_to(text))


def _lint(source: ParsedSource, settings: LintSettings, *, edits: bool) -> list[Finding]:
    from flake8_nnx_treemap.fixing.applicability import as_configured
    from flake8_nnx_treemap.rules.checking import check
    from flake8_nnx_treemap.rules.overlap import without_repetition

    findings = check(source, settings)
    if findings and ("ruff" in source.text or "noqa" in source.text.lower()):
        from flake8_nnx_treemap.fixing.suppression import without_suppressed  # Only where a comment may suppress one.

        findings = without_suppressed(source, findings)
    findings = without_repetition(findings)
    findings = as_configured(findings, settings)
    if any(found.fix is not None and (edits or _may_be_withheld(source, found.fix)) for found in findings):
        from flake8_nnx_treemap.codemod.writing import with_edits

        style = _style(settings)
        findings = with_edits(source, findings, lambda fix: edits or _may_be_withheld(source, fix), style)
    findings = without_hiding_renames(findings, unsafe_fixes=settings.unsafe_fixes)
    return [found.without_steps() for found in findings]


def _may_be_withheld(source: ParsedSource, fix: Fix) -> bool:
    """Tell whether a fix may replace a comment; only the concrete tree can show whether it does."""
    from flake8_nnx_treemap.analysis.names.source import host_of

    for step in fix.steps:
        if isinstance(step, Edit):
            text = source.text_in(step.range)
        else:
            text = source.text_of(host_of(source, subject_of(step)))
        if "#" in text:
            return True
    return False


def fix(text: str, filename: str, settings: LintSettings, modules: Modules | None = None) -> FixResult:
    """Return the result of fixing a text until nothing changes; see ``flake8_nnx_treemap.fix_source``."""
    parsed: dict[str, ast.Module] = {}
    """The last rewrite, parsed when it was verified."""

    def find(current: str) -> list[Finding]:
        return lint(current, filename, settings, modules, tree=parsed.pop(current, None))

    def rewrite(current: str, edits: Sequence[Edit]) -> str:
        new_text = apply_edits(current, fitted_together(current, edits, settings))
        parsed[new_text] = verify(new_text)
        return new_text

    return fix_with(text, find, rewrite, unsafe_fixes=settings.unsafe_fixes)


@collects_later
def fix_with(
    text: str,
    find: Callable[[str], Sequence[Finding]],
    rewrite: Callable[[str, Sequence[Edit]], str],
    *,
    unsafe_fixes: bool,
) -> FixResult:
    """Return the result of fixing a text of any format until nothing changes.

    Args:
        text: the contents of a file.
        find: returns the findings of such a text.
        rewrite: returns such a text after edits that do not overlap; raises ``SourceError`` if it would be broken.
        unsafe_fixes: whether unsafe fixes are made.

    Raises:
        SourceError: ``find`` raises it, or the fixes do not end.
    """
    fixed: list[Finding] = []
    for _ in range(MAXIMUM_PASSES):
        findings = find(text)
        wanted = [found for found in findings if is_wanted(found.fix, unsafe_fixes=unsafe_fixes)]
        withdrawn: dict[Finding, str] = {}
        text, made = _make_together(text, wanted, rewrite)
        while not made and (chosen := compatible(found for found in wanted if found not in withdrawn)):
            text, made = _make(text, chosen, rewrite, withdrawn)
        if not made:
            reported = tuple(_without_fix(found, withdrawn) for found in findings)
            given_up = (Withdrawn(found, reason) for found, reason in withdrawn.items())
            return FixResult(text, tuple(fixed), reported, tuple(given_up))
        fixed += made
    raise SourceError(f"fixes do not come to rest after {MAXIMUM_PASSES} passes; the file is left as it was")


def _make_together(
    text: str, wanted: Sequence[Finding], rewrite: Callable[[str, Sequence[Edit]], str]
) -> tuple[str, list[Finding]]:
    """Make the fixes by which definitions are changed instead of their uses; none if that cannot be done as a whole."""
    chosen = compatible_together(wanted)
    try:
        made = rewrite(text, [edit for found in chosen if found.fix for edit in found.fix.edits]) if chosen else text
    except SourceError:
        return text, []
    return made, chosen


def _make(
    text: str,
    chosen: Sequence[Finding],
    rewrite: Callable[[str, Sequence[Edit]], str],
    withdrawn: dict[Finding, str],
) -> tuple[str, list[Finding]]:
    """Make all fixes that can be made together; halves are tried where a whole group cannot.

    Args:
        text: the contents of a file.
        chosen: findings with fixes that do not overlap.
        rewrite: returns the text after edits; raises ``SourceError`` if it would be broken.
        withdrawn: gets the findings whose fixes are not made, and why.

    Returns:
        The new text, and the findings that are fixed in it.
    """
    made: list[Finding] = []
    new_text = text
    groups = [list(chosen)]
    while groups:
        group = groups.pop()
        try:
            new_text = rewrite(text, [edit for found in (*made, *group) if found.fix for edit in found.fix.edits])
            made += group
        except SourceError as error:
            if len(group) == 1:
                withdrawn[group[0]] = error.message
            else:
                groups += [group[len(group) // 2 :], group[: len(group) // 2]]
    return new_text, made


def _without_fix(found: Finding, withdrawn: Mapping[Finding, str]) -> Finding:
    if found not in withdrawn:
        return found
    return replace(found, fix=None, notes=(*found.notes, f"its fix is not made: {withdrawn[found]}"))


def fitted_together(text: str, edits: Sequence[Edit], settings: LintSettings) -> Sequence[Edit]:
    """Return the edits of several fixes of a Python source, with the layout that they need only together.

    Args:
        text: the source.
        edits: edits that do not overlap.
        settings: how long lines may be.
    """
    from flake8_nnx_treemap.analysis.code.text import SourceText
    from flake8_nnx_treemap.codemod import fitting

    return fitting.fitted_together(SourceText(text), edits, _style(settings))


def _style(settings: LintSettings) -> Style:
    from flake8_nnx_treemap.codemod.layout import Style

    return Style(settings.line_length, settings.keeps_commas)


def rewritten(text: str, edits: Sequence[Edit]) -> str:
    """Return a Python source after edits.

    Raises:
        SourceError: the result would not be Python.
    """
    new_text = apply_edits(text, edits)
    verify(new_text)
    return new_text


@collects_later
def verify(program: str) -> ast.Module:
    """Return the ``ast`` of a rewritten text.

    Raises:
        SourceError: the text is not Python.
    """
    try:
        return parse_module(program)
    except SourceError as error:
        raise SourceError(f"the rewrite would not parse ({error.message})") from None
