"""Runs the engine: one text at a time, never the same one twice, and off the thread that talks to the client."""

from __future__ import annotations

import asyncio
import gc
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from flake8_nnx_treemap.analysis.code.text import Edit, Position, Range, SourceError, line_starts
from flake8_nnx_treemap.fixing.edits import compatible
from flake8_nnx_treemap.fixing.engine import fix, lint, rewritten
from flake8_nnx_treemap.lsp.documents import Source
from flake8_nnx_treemap.project.configuration import Overrides, settings_for
from flake8_nnx_treemap.project.modules import module_finder
from flake8_nnx_treemap.rules.rule import Finding, is_wanted
from flake8_nnx_treemap.rules.settings import LintSettings

REMEMBERED = 256
"""How many texts' findings are kept: those of all open documents, and of as many files of the workspace."""

FINDINGS = 4096
"""How many findings all of these may have, with their edits: one file may have thousands."""

GARBAGE = 500_000
"""After how many characters of source the garbage collector runs at once, instead of when nobody waits."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found in one state of a source."""

    source: Source
    findings: tuple[Finding, ...]
    settings: LintSettings

    @classmethod
    def nothing(cls, source: Source) -> Analysis:
        """What is found where nothing is looked for."""
        return cls(source, (), LintSettings())

    @property
    def result_id(self) -> str:
        """Identifies the text and the settings, so it is equal for equal findings."""
        codes = "default" if self.settings.select is None else ",".join(sorted(self.settings.select))
        flax = self.settings.flax_range
        held_to = f"{flax.target}:{int(flax.floor_is_stated)}"
        return f"{self.source.digest}:{held_to}:{int(self.settings.unsafe_fixes)}:{codes}"


class Analyst:
    """Lints sources, in a thread of its own."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="nnx-analysis")
        self._known: OrderedDict[tuple[str, str, LintSettings], tuple[Finding, ...]] = OrderedDict()
        """By file, digest of its text, and settings, in the order of their last use."""
        self._garbage = 0
        self.runs = 0
        """How many texts were analysed: the tests' witness that none was twice."""

    def warm_up(self) -> None:
        """Import the engine before it is needed, and keep the garbage collector from going through it."""
        self._executor.submit(_import_engine)

    def close(self) -> None:
        """Drop what has not begun."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def forget(self) -> None:
        """Look at every text again: another file of the project has changed, which a finding may rest on."""
        self._executor.submit(self._known.clear)

    async def analyse(self, source: Source, overrides: Overrides) -> Analysis:
        """Find what is wrong in a source; cancelling this drops the work if it has not begun.

        Raises:
            SourceError: it is not Python.
            ConfigurationError: its project's configuration is wrong.
        """
        if not source.may_hold_findings:
            return Analysis.nothing(source)
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._analyse, source, overrides)

    async def repair(self, analysis: Analysis, code: str | None = None, *, unsafe_fixes: bool = False) -> list[Edit]:
        """Everything that can be fixed in a source, or all that one rule found. See ``repairs``."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: repairs(analysis, code, unsafe_fixes=unsafe_fixes))

    def collect_garbage(self) -> None:
        """Free what analyses have left behind; they run without the collector, which would double their time."""
        self._executor.submit(self._collect)

    def _collect(self) -> None:
        if self._garbage:
            self._garbage = 0
            gc.collect()

    def _analyse(self, source: Source, overrides: Overrides) -> Analysis:
        settings = settings_for(source.filename, overrides)
        key = (source.filename, source.digest, settings)
        findings = self._known.get(key)
        if findings is None:
            self.runs += 1
            self._garbage += len(source.text)
            findings = tuple(lint(source.text, source.filename, settings, module_finder(source.filename)))
            self._known[key] = findings
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED or (len(self._known) > 1 and self._count() > FINDINGS):
            self._known.popitem(last=False)
        if self._garbage > GARBAGE:
            self.collect_garbage()
        return Analysis(source, findings, settings)

    def _count(self) -> int:
        return sum(map(len, self._known.values()))


def _import_engine() -> None:
    import flake8_nnx_treemap.rules.checking  # noqa: F401

    gc.collect()
    gc.freeze()
    gc.disable()


def repairs(analysis: Analysis, code: str | None = None, *, unsafe_fixes: bool = False) -> list[Edit]:
    """Edits that fix everything that can be, made from what was found already.

    Args:
        analysis: what was found.
        code: the one rule to fix, or ``None`` for all.
        unsafe_fixes: whether unsafe fixes are wanted beyond what the settings say.

    Returns:
        The fixes' own edits; where fixes get in each other's way, the difference to the text that several passes make.
    """
    settings = replace(analysis.settings, unsafe_fixes=unsafe_fixes or analysis.settings.unsafe_fixes)
    findings = [found for found in analysis.findings if code in (None, found.code)]
    wanted = [found for found in findings if is_wanted(found.fix, unsafe_fixes=settings.unsafe_fixes)]
    chosen = compatible(wanted)
    text, filename = analysis.source.text, analysis.source.filename
    edits = sorted({edit for found in chosen if found.fix for edit in found.fix.edits})
    if len(chosen) == len(wanted) and _can_be_made(text, edits):
        return edits
    settings = settings if code is None else replace(settings, select=frozenset({code}))
    return difference(text, fix(text, filename, settings, module_finder(filename)).text)


def _can_be_made(text: str, edits: Sequence[Edit]) -> bool:
    try:
        rewritten(text, edits)
    except SourceError:
        return False
    return True


def difference(old: str, new: str) -> list[Edit]:
    """Edits, whole lines each, that make one text of another."""
    from difflib import SequenceMatcher

    before, after = _lines(old), _lines(new)
    edits = []
    for tag, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            range_ = Range(_row(before, start), _row(before, end))
            edits.append(Edit(range_, "".join(after[new_start:new_end])))
    return edits


def _lines(text: str) -> list[str]:
    starts = line_starts(text)
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def _row(lines: list[str], index: int) -> Position:
    """Where a line starts; the line behind the last starts at the end of the text."""
    return Position(index + 1, 1) if index < len(lines) else Position(len(lines), len(lines[-1]) + 1)
