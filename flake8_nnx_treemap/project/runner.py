"""One run over many files: read, lint or fix, write, and say what became of each. Knows nothing of command lines."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flake8_nnx_treemap.gate import may_hold_findings
from flake8_nnx_treemap.project.configuration import (
    Configuration,
    ConfigurationError,
    Overrides,
    configuration_for,
    settings_for,
)
from flake8_nnx_treemap.project.discovery import Found, Missing, discover
from flake8_nnx_treemap.project.files import FileError, decode, read_bytes, write

if TYPE_CHECKING:
    from flake8_nnx_treemap.rules.rule import Finding

FILES_PER_WORKER = 16
"""A process takes a quarter of a second to start and import LibCST: as long as a dozen files with findings take."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a run does with each file."""

    overrides: Overrides = field(default_factory=Overrides)
    writes: bool = False
    fixes: bool = False
    wants_diff: bool = False


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file. ``findings`` are those left, or all of them where nothing is fixed."""

    path: str
    findings: tuple[Finding, ...] = ()
    fixed: tuple[Finding, ...] = ()
    error: str | None = None
    diff: str = ""
    text: str | None = None
    """The text that the findings refer to."""


def run(paths: Sequence[str], task: Task, jobs: int | None = None) -> Iterator[FileReport]:
    """Work through files and folders.

    Args:
        paths: what the user named.
        task: what to do.
        jobs: how many processes; ``None`` for as many as there are cores and the work is worth.

    Yields:
        A report for each file that has something to say, in order, the same for any number of jobs.
    """
    candidates: list[str | FileReport] = []
    for path in paths:
        try:
            candidates += _candidates_below(path, task.overrides)
        except ConfigurationError as error:
            candidates.append(FileReport(path, error=str(error)))
    names = list(dict.fromkeys(found for found in candidates if isinstance(found, str)))
    reports = dict(zip(names, _process_all(names, task, jobs), strict=True))
    done: set[str] = set()
    for found in candidates:
        report = found if isinstance(found, FileReport) else reports[found]
        if report.path not in done:
            done.add(report.path)
            if report.error or report.findings or report.fixed:
                yield report


def process_text(text: str, filename: str, task: Task) -> tuple[FileReport, str]:
    """Lint or fix one text that is in memory.

    Returns:
        The report, and the new text.
    """
    from flake8_nnx_treemap.analysis.text import SourceError
    from flake8_nnx_treemap.fixing.engine import fix, lint

    try:
        settings = settings_for(filename, task.overrides)
        if not task.fixes:
            return FileReport(filename, tuple(lint(text, filename, settings)), text=text), text
        result = fix(text, filename, settings)
    except SourceError as error:
        place = f"{error.row}:{error.column}: " if error.row else ""
        return FileReport(filename, error=f"{place}{error.message}"), text
    except ConfigurationError as error:
        return FileReport(filename, error=str(error)), text
    report = FileReport(filename, result.remaining, result.fixed, text=result.text)
    return (replace(report, diff=_diff(text, result.text, filename)) if task.wants_diff else report), result.text


def process_file(path: str, task: Task) -> FileReport:
    """Read, lint or fix, and perhaps write one file; whatever goes wrong is in the report."""
    try:
        data = read_bytes(path)
        text, encoding = decode(data)
        report, new_text = process_text(text, path, task)
        if task.writes and new_text != text:
            write(path, data, new_text, encoding)
        return report
    except FileError as error:
        return FileReport(path, error=str(error))
    except Exception as error:  # A bug of ours in one file must not keep the others from being looked at.
        return FileReport(path, error=f"internal error: {type(error).__name__}: {error}")


def _candidates_below(path: str, overrides: Overrides) -> Iterator[str | FileReport]:
    """The files that may hold a finding, and reports of those that cannot be read."""
    configuration = Configuration() if overrides.is_isolated else configuration_for(os.path.join(path, "x"))
    found = discover([path], configuration.exclude, respect_gitignore=configuration.respect_gitignore)
    for one in found:
        if isinstance(one, Missing):
            yield FileReport(one.path, error=one.reason)
            continue
        try:
            data = read_bytes(one.path)
        except FileError as error:
            yield FileReport(one.path, error=str(error))
            continue
        if may_hold_findings(data):
            yield one.path
        elif one.is_explicit:
            yield from _complaint(one, data)


def _complaint(found: Found, data: bytes) -> Iterator[FileReport]:
    """A file that was named is at least Python, even if it holds nothing for us; parsing it costs little."""
    try:
        text, _ = decode(data)
        compile(text, found.path, "exec", 0x400, dont_inherit=True)  # ast.PyCF_ONLY_AST, without importing ast.
    except FileError as error:
        yield FileReport(found.path, error=str(error))
    except SyntaxError as error:
        yield FileReport(found.path, error=f"{error.lineno or 1}:{error.offset or 1}: syntax error: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        yield FileReport(found.path, error=f"cannot be parsed: {str(error) or type(error).__name__}")


def _process_all(paths: Sequence[str], task: Task, jobs: int | None) -> Iterable[FileReport]:
    workers = min(jobs or os.cpu_count() or 1, max(1, len(paths) // FILES_PER_WORKER))
    if workers == 1 or sys.platform == "win32":
        return [process_file(path, task) for path in paths]
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(workers) as executor:
        return list(executor.map(process_file, paths, [task] * len(paths), chunksize=4))


def _diff(old: str, new: str, filename: str) -> str:
    """A unified diff; a line without a line end at the end of the file is marked as diff and git do."""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), fromfile=filename, tofile=filename
    )
    return "".join(line if line.endswith(("\n", "\r")) else line + "\n\\ No newline at end of file\n" for line in lines)
