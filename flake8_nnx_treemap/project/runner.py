"""Work on files that may hold findings: read, lint or fix, write, and say what became of each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from flake8_nnx_treemap.analysis.code.garbage import collects_later
from flake8_nnx_treemap.names import NEWEST_RANGE
from flake8_nnx_treemap.project.configuration import Overrides, flax_range_for, max_file_size_for, settings_for
from flake8_nnx_treemap.project.errors import ConfigurationError, FileError
from flake8_nnx_treemap.project.files import encoded, read
from flake8_nnx_treemap.project.inheritance import Inheritance

if TYPE_CHECKING:
    from flake8_nnx_treemap.analysis.code.text import Edit, Position
    from flake8_nnx_treemap.fixing.engine import FixResult, Programs, Withdrawn
    from flake8_nnx_treemap.project.baseline import Baseline
    from flake8_nnx_treemap.project.cache import Cache
    from flake8_nnx_treemap.project.formats import Format, Shown
    from flake8_nnx_treemap.project.notebooks import CellRows
    from flake8_nnx_treemap.project.patches import FileDiff
    from flake8_nnx_treemap.rules.rule import Finding
    from flake8_nnx_treemap.rules.settings import LintSettings

    Fixer = Callable[..., FixResult]

ALONE = 0.05
"""How many seconds one process works alone: to start others and to hear from them takes less than half of that."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a run does with each file."""

    overrides: Overrides = field(default_factory=Overrides)
    writes: bool = False
    fixes: bool = False
    wants_diff: bool = False
    wants_edits: bool = True
    """Whether the report shows what fixes would write."""
    adds_noqa: bool = False
    """Whether findings are suppressed by comments instead of being fixed."""
    reason: str | None = None
    """What these comments give as a reason."""
    baseline: Baseline | None = None
    """Findings that are neither reported nor fixed."""
    fingerprint: bytes | None = None
    """That of the cache, where there is one."""
    named: tuple[str, ...] | None = None
    """The files and folders that may be written; ``None`` if every file is one that was asked for."""
    must_parse: frozenset[str] | None = None
    """The files that must at least be Python, whatever words are in them; ``None`` for all."""
    counts_for_newest: bool = False
    """Whether to count, where nothing is known of a project's Flax, what more would be found if it were the newest."""
    inheritance: Inheritance = field(default_factory=Inheritance, compare=False)
    """What the run has learnt of classes."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file. ``findings`` are those left, or all of them where nothing is fixed."""

    path: str
    findings: tuple[Finding, ...] = ()
    fixed: tuple[Finding, ...] = ()
    """What is gone: fixed, or suppressed if that was the task."""
    done: str = "fixed"
    """What was done to these, in a word."""
    unsafe_fixes: bool = False
    """Whether unsafe fixes are made in it, by its configuration or the command line."""
    known: tuple[Finding, ...] = ()
    """Findings that the baseline has."""
    error: str | None = None
    """What is wrong with the file, or with a part of it that was not read."""
    notes: tuple[str, ...] = ()
    """What else people should know: cells that were skipped, and fixes that were not made."""
    diffs: tuple[FileDiff, ...] = ()
    text: str | None = None
    """The text that the findings refer to: of a notebook, its cells' sources in one."""
    cells: CellRows | None = None
    """Where the cells of a notebook are in that text."""
    digest: bytes | None = None
    """What the file is known by from now on, if nothing was found in it, and nothing there rests on other files."""
    is_unwritten: bool = False
    """Whether the error is that the file was checked and repaired, and could not be written."""
    more_for_newest: int | None = None
    """How many more findings there are if only the newest Flax counts; ``None`` where the releases are known."""

    @property
    def has_something_to_say(self) -> bool:
        """Whether there is anything to report."""
        found = self.error or self.findings or self.fixed or self.known or self.notes
        return bool(found) or self.more_for_newest is not None

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found, whatever was looked for."""
        return not (self.error or self.findings or self.fixed or self.known or self.more_for_newest)

    def is_fixable(self, finding: Finding) -> bool:
        """Whether ``nnx-fix`` repairs a finding of this file."""
        from flake8_nnx_treemap.rules.rule import is_wanted

        return is_wanted(finding.fix, unsafe_fixes=self.unsafe_fixes)

    def place(self, position: Position) -> str:
        """``row:column``, or ``cell number:row:column`` in a notebook, as people read it."""
        return place_in(self.cells, position)


def place_in(cells: CellRows | None, position: Position) -> str:
    """``row:column``, or ``cell number:row:column`` where there are cells."""
    if cells is None:
        return f"{position.row}:{position.column}"
    number, row = cells.locate(position.row)
    return f"cell {number}:{row}:{position.column}"


@collects_later
def run(
    candidates: Sequence[str],
    problems: Sequence[tuple[str, str]],
    task: Task,
    jobs: int | None,
    on_done: Callable[[], None] = lambda: None,
    cache: Cache | None = None,
) -> list[FileReport]:
    """Work through the files that may hold findings.

    Args:
        candidates: the files, as ``scanning.scan`` found them.
        problems: what it found wrong with others.
        task: what to do.
        jobs: how many processes; ``None`` for as many as there are cores and the work is worth.
        on_done: called after each file.
        cache: what earlier runs found nothing in; it learns what this one finds nothing in.

    Returns:
        A report for each file that has something to say, in order, the same for any number of jobs and any cache.
    """
    reports = [FileReport(path, error=reason) for path, reason in problems]
    if cache is not None:
        task = replace(task, fingerprint=cache.fingerprint)
    unknown = (
        candidates
        if cache is None
        else cache.unknown(candidates, task.overrides, counts_for_newest=task.counts_for_newest)
    )
    from flake8_nnx_treemap.project.signals import ends_cleanly

    untold = len(candidates) - len(unknown)
    with ends_cleanly():
        for report in _process_in_turn(unknown, task, jobs):
            reports.append(report)
            for _ in range(1 + untold):  # Not before the processes run: what counts may start a thread.
                on_done()
            untold = 0
    if cache is not None:
        cache.remember(report.digest for report in reports if report.digest is not None)
        passed_over = set(candidates).difference(unknown)
        reports += _remembered((path for path in candidates if path in passed_over), task)
    return told(reports)


def _remembered(paths: Iterable[str], task: Task) -> list[FileReport]:
    """The reports of files in which an earlier run found nothing, also not for the newest Flax if that was asked."""
    return [FileReport(path, more_for_newest=0) for path in paths if _also_newest(path, task)]


def _also_newest(path: str, task: Task) -> bool:
    """Whether a file is also looked at as if its project needed only the newest Flax."""
    return task.counts_for_newest and flax_range_for(path, task.overrides).is_assumed


def told(reports: Iterable[FileReport]) -> list[FileReport]:
    """The reports that have something to say."""
    return [report for report in reports if report.has_something_to_say]


@collects_later
def process_text(
    text: str,
    filename: str,
    task: Task,
    fix: Fixer | None = None,
    on_search: Callable[[str], object] | None = None,
    encoding: str = "utf-8",
    status: os.stat_result | None = None,
) -> tuple[FileReport, str]:
    """Lint or fix one text that is in memory.

    Args:
        text: what the file holds.
        filename: its name, which says what format it has.
        task: what to do.
        fix: what repairs it, called as ``engine.fix_with`` is, which is the default.
        on_search: called with names that are looked for in other files; see ``modules.module_finder``.
        encoding: how the file is encoded, for its diff.
        status: what the system said of the file, if that is where the text was read.

    Returns:
        The report, and the new text.

    Raises:
        FileError: the new text does not fit the encoding.
    """
    from flake8_nnx_treemap.analysis.code.text import SourceError
    from flake8_nnx_treemap.fixing.engine import FixResult, Programs, fix_with
    from flake8_nnx_treemap.project.formats import format_of, rewriter
    from flake8_nnx_treemap.project.modules import keep, known_bindings, module_finder

    format_ = format_of(filename)
    modules = module_finder(filename, on_search, task.inheritance)
    programs = Programs(filename, modules, partial(known_bindings, filename))
    known: Sequence[Finding] = ()
    try:
        settings = settings_for(filename, task.overrides)
        _hold_to_size(format_.size(text), filename, task)

        def find(current: str) -> Sequence[Finding]:
            return _find(current, filename, format_, settings, programs, task)[0]

        rewrite_laid_out = rewriter(format_, settings)

        def rewrite(current: str, edits: Sequence[Edit]) -> str:
            programs.forget()
            return rewrite_laid_out(current, edits)

        if task.fixes:
            result = (fix or fix_with)(text, find, rewrite, unsafe_fixes=settings.unsafe_fixes)
        else:
            result = FixResult(text, remaining=tuple(find(text)))
        shown = format_.show(result.text)
        if task.baseline is not None:
            known = _find(result.text, filename, format_, settings, programs, task)[1]
        more = None
        if _also_newest(filename, task):
            newest = replace(settings, flax=NEWEST_RANGE)
            counting = replace(task, fixes=False, wants_edits=False)
            more = _count_more(_find(result.text, filename, format_, newest, programs, counting)[0], result.remaining)
    except SourceError as error:
        return FileReport(filename, error=error.placed), text
    except ConfigurationError as error:
        return FileReport(filename, error=str(error)), text
    finally:
        keep(filename, status, programs.source_of(text))
        programs.forget()
    report = FileReport(
        filename,
        result.remaining,
        result.fixed,
        unsafe_fixes=settings.unsafe_fixes,
        known=tuple(known),
        error=shown.problem,
        notes=(*shown.notes, *(_said(one, shown.cells) for one in result.withdrawn)),
        text=shown.text,
        cells=shown.cells,
        more_for_newest=more,
    )
    if task.adds_noqa:
        report = replace(report, done="suppressed")
    if task.wants_diff:
        report = replace(report, diffs=diffs_of(format_.show(text), shown, filename, encoding))
    return report, result.text


def _said(withdrawn: Withdrawn, cells: CellRows | None) -> str:
    """What people are told of a fix that would have broken the file."""
    found = withdrawn.finding
    return f"{place_in(cells, found.range.start)}: the fix of {found.code} is not made: {withdrawn.reason}"


def _hold_to_size(size: int, filename: str, task: Task) -> None:
    from flake8_nnx_treemap.analysis.code.text import SourceError

    most = max_file_size_for(filename, task.overrides)
    if size > most:
        raise SourceError(f"is larger than max-file-size: {size:,} characters of Python, and {most:,} are allowed")


def _count_more(found: Iterable[Finding], known: Iterable[Finding]) -> int:
    """How many findings there are that are not among others, by rule and place."""
    places = {(finding.code, finding.range.start) for finding in found}
    return len(places.difference((finding.code, finding.range.start) for finding in known))


def _find(
    text: str, filename: str, format_: Format, settings: LintSettings, programs: Programs, task: Task
) -> tuple[Sequence[Finding], Sequence[Finding]]:
    """The findings of a text, and those of them that the baseline has."""

    def lint_program(program: str) -> Sequence[Finding]:
        edits = task.fixes or task.wants_edits
        found = programs.lint(program, settings, edits=edits, suppresses=task.adds_noqa)
        if not task.adds_noqa:
            return found
        from flake8_nnx_treemap.fixing.suppression import with_reason

        return with_reason(found, task.reason)

    found = format_.find(text, lint_program)
    return (found, ()) if task.baseline is None else task.baseline.split(filename, format_.show(text).text, found)


def process_file(path: str, task: Task, fix: Fixer | None = None) -> FileReport:
    """Read, lint or fix, and perhaps write one file; whatever goes wrong is in the report."""
    from flake8_nnx_treemap.project.formats import format_of

    try:
        data, status = read(path)
        if not _is_worth_parsing(path, data, task):
            return FileReport(path, more_for_newest=0 if _also_newest(path, task) else None)
        text, encoding = format_of(path).decode(data)
        searched: list[str] = []
        report, new_text = process_text(text, path, task, fix, searched.append, encoding, status)
        if task.writes and new_text != text:
            from flake8_nnx_treemap.project.writing import write

            try:
                write(path, (data, status), new_text, encoding, task.named)
            except FileError as error:
                return FileReport(path, error=str(error), is_unwritten=True)
        return report if searched else _with_digest(report, data, encoding, task)
    except FileError as error:
        return FileReport(path, error=str(error))
    except Exception as error:  # A bug of ours in one file must not keep the others from being looked at.
        return FileReport(path, error=f"internal error: {type(error).__name__}: {error}")


def _is_worth_parsing(path: str, data: bytes, task: Task) -> bool:
    """Whether a file was named itself, so that it must at least be Python, or may hold a finding of a selected rule."""
    if task.must_parse is None or path in task.must_parse:
        return True
    from flake8_nnx_treemap.project.formats import PYTHON, format_of
    from flake8_nnx_treemap.rules.catalogue import may_find_in

    try:
        settings = [settings_for(path, task.overrides)]
        if _also_newest(path, task):
            settings.append(replace(settings[0], flax=NEWEST_RANGE))
    except ConfigurationError:
        return True  # Whoever looks at it says what is wrong.
    is_program = format_of(path) is PYTHON
    defines_modules = partial(task.inheritance.reaches_nnx, path, data)
    return may_find_in(data, settings, is_program=is_program, defines_modules=defines_modules)


def _with_digest(report: FileReport, data: bytes, encoding: str, task: Task) -> FileReport:
    """The report of a file that rests on no other, and what the file is known by if nothing was found in it."""
    # What other encodings make of bytes may be for a codec to say that is neither ours nor Python's.
    if task.fingerprint is None or not report.is_clean or encoding not in ("utf-8", "utf-8-sig"):
        return report
    from flake8_nnx_treemap.project.cache import digest_of  # Only where there is a cache.

    settings = settings_for(report.path, task.overrides)
    also_newest = report.more_for_newest is not None
    return replace(report, digest=digest_of(data, report.path, settings, task.fingerprint, also_newest=also_newest))


def _process_in_turn(paths: Sequence[str], task: Task, jobs: int | None) -> Iterator[FileReport]:
    """Process files; one that is named twice, perhaps through a link, is not rewritten by two processes at once."""
    first = {os.path.realpath(path): path for path in reversed(paths)} if task.writes else {}
    again = [path for path in paths if first and first[os.path.realpath(path)] != path]
    yield from _process_all([path for path in paths if path not in again] if again else paths, task, jobs)
    yield from (process_file(path, task) for path in again)


def _process_all(paths: Sequence[str], task: Task, jobs: int | None) -> Iterator[FileReport]:
    """Process files; what is not done after a moment is shared with other processes, which need not import anything."""
    cores = jobs or os.cpu_count() or 1
    done: list[FileReport] = []
    started = time.perf_counter()
    while cores > 1 and len(done) < len(paths) and time.perf_counter() - started < ALONE:
        done.append(process_file(paths[len(done)], task))
    rest = paths[len(done) :]
    if not rest:
        yield from done
        return
    from flake8_nnx_treemap.project.workers import may_share, shared

    count = min(cores, len(rest))
    if count > 1 and may_share():
        others = shared(lambda path: process_file(path, task), rest, count, _lost)
        first = next(others)  # The processes run now; whoever hears of a report may start a thread.
        yield from done
        yield first
        yield from others
    else:
        yield from done
        yield from (process_file(path, task) for path in rest)


def _lost(path: str, how: str) -> FileReport:
    return FileReport(path, error=f"could not be checked: the process that looked at it was {how}")


def diffs_of(old: Shown, new: Shown, filename: str, encoding: str) -> tuple[FileDiff, ...]:
    """What changes in a file; in a notebook, what changes in each cell.

    Raises:
        FileError: the new text does not fit the file's encoding.
    """
    from flake8_nnx_treemap.project.patches import diff_of_bytes

    if old.cells is None or new.cells is None:
        return diff_of_bytes(encoded(old.text, encoding), encoded(new.text, encoding), filename, encoding)
    cells = zip(old.cells.numbers, old.sources(), new.sources(), strict=True)
    return tuple(
        diff
        for number, before, after in cells
        for diff in diff_of_bytes(
            before.encode("utf-8", "backslashreplace"),  # JSON can hold halves of characters.
            after.encode("utf-8", "backslashreplace"),
            f"{filename}:cell {number}",
            "utf-8",
        )
    )
