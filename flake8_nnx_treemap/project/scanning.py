"""Which of the files that were named may hold findings: all that most runs ever do, so nothing heavy is imported."""

from __future__ import annotations

import os
import sys

from flake8_nnx_treemap.gate import may_hold_findings
from flake8_nnx_treemap.project.discovery import (
    DEFAULT_EXCLUDES,
    HEADER,
    MARKDOWN_SUFFIXES,
    QUARTO_SUFFIX,
    SUFFIXES,
    discover,
    is_left_out,
    is_repository_root,
    names_a_kernel,
)
from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.files import decode, decode_text, read_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flake8_nnx_treemap.project.inheritance import Inheritance

    _File = tuple[str, bool]
    """A file, and whether it was named itself."""
    _Verdicts = dict[str, str | None]

FILES_PER_PROCESS = 1000
"""Fewer are read in less time than a process takes to start and to answer."""


class Targets:
    """What the command line says about which files count; a plain class, since dataclasses are slow to import."""

    __slots__ = (
        "config",
        "exclude",
        "extend_exclude",
        "forces_exclude",
        "include_markdown",
        "is_isolated",
        "respect_gitignore",
        "sweeps",
    )

    def __init__(
        self,
        *,
        is_isolated: bool = False,
        exclude: Sequence[str] | None = None,
        extend_exclude: Sequence[str] = (),
        respect_gitignore: bool = True,
        forces_exclude: bool = False,
        include_markdown: bool = False,
        sweeps: bool = False,
        config: str | None = None,
    ) -> None:
        """Hold what was said.

        Args:
            is_isolated: whether configuration files do not count.
            exclude: names of folders that are not entered, instead of the configured ones.
            extend_exclude: more of them.
            respect_gitignore: ``False`` to look at what git ignores, whatever the configuration says.
            forces_exclude: whether files that were named are left out, too.
            include_markdown: whether Markdown files below folders are looked at as well.
            sweeps: whether what killed runs have left below folders is deleted.
            config: a configuration file that counts instead of those around the paths.
        """
        self.is_isolated = is_isolated
        self.exclude = exclude
        self.extend_exclude = extend_exclude
        self.respect_gitignore = respect_gitignore
        self.forces_exclude = forces_exclude
        self.include_markdown = include_markdown
        self.sweeps = sweeps
        self.config = config


def find_files(
    paths: Sequence[str], targets: Targets, problems: list[tuple[str, str]], empty: list[str] | None = None
) -> Iterator[_File]:
    """Find the files that names stand for.

    Args:
        paths: what the user named.
        targets: which files count.
        problems: takes names with what is wrong with them.
        empty: takes folders without any file that counts.

    Yields:
        Each file, and whether it was named itself.

    Raises:
        ConfigurationError: the configuration that names what to exclude is wrong.
    """
    for path in paths:
        excludes, respect_gitignore, suffixes = exclusions_for(path, targets)
        others = tuple(suffix for suffix in MARKDOWN_SUFFIXES if suffix not in suffixes)
        found = discover(
            [path],
            problems,
            excludes,
            respect_gitignore=respect_gitignore,
            suffixes=suffixes + others,
            sweeps=targets.sweeps,
        )
        name, before = None, len(problems)
        for name, is_explicit in found:
            if is_explicit:
                is_out = targets.forces_exclude and is_left_out(
                    name, excludes, problems, respect_gitignore=respect_gitignore
                )
            else:
                is_out = bool(others) and name.endswith(others) and not _is_notebook(name)
            if not is_out:
                yield name, is_explicit
        if name is None and empty is not None and len(problems) == before:
            empty.append(path)


def _is_notebook(path: str) -> bool:
    """Whether a Markdown file says in its first lines that it is a notebook."""
    try:
        with open(path, "rb") as file:
            return names_a_kernel(file.read(HEADER).decode("utf-8", "replace"))
    except OSError:
        return False  # Whoever wants to know names the file.


def exclusions_for(path: str, targets: Targets) -> tuple[frozenset[str], bool, tuple[str, ...]]:
    """What is looked at from a path.

    Returns:
        The names of folders that are not entered, whether what git ignores is left out, and how files' names end.

    Raises:
        ConfigurationError: the configuration that says so is wrong.
    """
    excludes, respect_gitignore, markdown = _DEFAULTS if targets.is_isolated else _configured(path, targets.config)
    if targets.exclude is not None:
        excludes = frozenset(targets.exclude)
    suffixes = SUFFIXES + MARKDOWN_SUFFIXES if markdown or targets.include_markdown else SUFFIXES
    return excludes.union(targets.extend_exclude), respect_gitignore and targets.respect_gitignore, suffixes


def scan(
    paths: Sequence[str], targets: Targets, jobs: int = 1, empty: list[str] | None = None
) -> tuple[list[str], list[tuple[str, str]]]:
    """Look through files and folders for what is worth a closer look.

    Args:
        paths: what the user named.
        targets: which files count.
        jobs: how many processes may look, if there are enough files; more than one only where no thread runs.
        empty: takes folders without any file that counts.

    Returns:
        Files that may hold findings, and names with what is wrong with them. A file below a folder that cannot hold
        a finding is not parsed, so nothing is said of it; one that was named must at least be Python.

    Raises:
        ConfigurationError: the configuration that names what to exclude is wrong.
    """
    problems: list[tuple[str, str]] = []
    found = list(find_files(paths, targets, problems, empty))
    if len(paths) > 1:
        found = _once(found)
    count = max(1, min(jobs, len(found) // FILES_PER_PROCESS)) if hasattr(os, "fork") else 1
    # Neighbours are alike in size, so each process takes every second file, or every third: equal work for all.
    verdicts = _in_processes(_look_through, [found[start::count] for start in range(count)])
    verdicts |= _heirs(found, verdicts, paths, count)
    in_order = [(name, verdicts[name]) for name in dict.fromkeys(name for name, _ in found) if name in verdicts]
    problems += [(name, complaint) for name, complaint in in_order if complaint is not None]
    return [name for name, complaint in in_order if complaint is None], list(dict.fromkeys(problems))


def _once(found: Sequence[_File]) -> list[_File]:
    """The same files, each under the first of its names, as ``a.py`` and ``./a.py`` are two, and named if one was."""
    names: dict[str, str] = {}
    explicit: set[str] = set()
    for name, is_explicit in found:
        path = os.path.abspath(name)
        names.setdefault(path, name)
        if is_explicit:
            explicit.add(path)
    return [(name, path in explicit) for path, name in names.items()]


def _look_through(files: Sequence[_File]) -> _Verdicts:
    """Read files: why which cannot be read or, if they were named, parsed; ``None`` for those to look at closely."""
    verdicts: _Verdicts = {}
    for name, is_explicit in files:
        try:
            data = read_bytes(name)
        except FileError as error:
            verdicts[name] = str(error)
            continue
        if may_hold_findings(data) or (is_explicit and _inherits(name, data)):
            verdicts[name] = None
        elif is_explicit and (complaint := _complaint(name, data)):
            verdicts[name] = complaint
    return verdicts


def _inherits(path: str, data: bytes) -> bool:
    """Whether a file that does not name NNX may hold findings, since a class of its inherits from one that does."""
    if b"class" not in data:
        return False
    from flake8_nnx_treemap.project.inheritance import Inheritance

    return Inheritance().reaches_nnx(path, data)


def _heirs(found: Sequence[_File], verdicts: _Verdicts, paths: Sequence[str], count: int) -> _Verdicts:
    """The files below folders that do not name NNX, but have a class that inherits from one of NNX.

    A project is asked if another file of it has such a class, or if there is more of it than the folder that was named.
    """
    if all(is_explicit for _, is_explicit in found):
        return {}
    candidates = [name for name, complaint in verdicts.items() if complaint is None]
    partly = [path for path in paths if os.path.isdir(path) and _is_within_project(path)]
    if not candidates and not partly:
        return {}
    from flake8_nnx_treemap.project.inheritance import Inheritance
    from flake8_nnx_treemap.project.roots import written_together

    inheritance = Inheritance()
    projects: dict[str, str] = {}

    def project_of(path: str) -> str:
        folder = os.path.dirname(path)
        if folder not in projects:
            projects[folder] = written_together(os.path.abspath(folder))
        return projects[folder]

    asked = {written_together(os.path.abspath(path)) for path in partly}
    for name in candidates:
        if project_of(name) not in asked and _has_class_of_nnx(name, inheritance):
            asked.add(project_of(name))
    open_ = [one for one in found if not one[1] and one[0] not in verdicts and project_of(one[0]) in asked]

    def look(files: Sequence[_File]) -> _Verdicts:
        return {name: None for name, _ in files if _has_class_of_nnx(name, inheritance)}

    # Neighbours inherit from the same files, so each process takes a part of the whole.
    size = len(open_) // min(count, len(open_) // FILES_PER_PROCESS + 1) + 1
    return _in_processes(look, [open_[start : start + size] for start in range(0, len(open_), size)])


def _has_class_of_nnx(path: str, inheritance: Inheritance) -> bool:
    try:
        return inheritance.reaches_nnx(path, read_bytes(path))
    except FileError:
        return False  # It is gone by now.


def _is_within_project(path: str) -> bool:
    """Whether a folder is a part of a larger project or package."""
    from flake8_nnx_treemap.project.roots import written_together

    folder = os.path.abspath(path)
    return written_together(folder) != folder


def _in_processes(look: Callable[[Sequence[_File]], _Verdicts], parts: Sequence[Sequence[_File]]) -> _Verdicts:
    """What a look at several parts of the files tells, each part but the first in a process of its own."""
    waiting = [_elsewhere(look, files) for files in parts[1:]]
    verdicts = look(parts[0]) if parts else {}
    for wait in waiting:
        verdicts |= wait()
    return verdicts


def _elsewhere(look: Callable[[Sequence[_File]], _Verdicts], files: Sequence[_File]) -> Callable[[], _Verdicts]:
    """The same in another process; a bare fork, since to import ``multiprocessing`` takes longer than it saves.

    Returns:
        What waits for the answer. If the process comes to harm, the files are read here.
    """
    import marshal

    try:
        reading, writing = os.pipe()
    except OSError:  # There are no more handles.
        return lambda: look(files)
    try:
        process = os.fork()
    except OSError:  # There are as many processes as may be.
        os.close(reading)
        os.close(writing)
        return lambda: look(files)
    if process == 0:
        try:
            with open(writing, "wb") as pipe:
                pipe.write(marshal.dumps(look(files)))
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)

    def wait() -> _Verdicts:
        with open(reading, "rb") as pipe:
            data = pipe.read()
        _, status = os.waitpid(process, 0)
        verdicts: _Verdicts = marshal.loads(data) if status == 0 else look(files)
        return verdicts

    return wait


def read_names(data: bytes) -> list[str]:
    """The names in a list of files: one a line, odd ones quoted as git does, or separated by NULs if there are any."""
    has_nuls = b"\0" in data
    parts = data.split(b"\0") if has_nuls else data.splitlines()
    if not has_nuls and b'"' in data:
        from flake8_nnx_treemap.project.listing import unquoted  # Only where there are quotes.

        parts = [unquoted(part) for part in parts]
    # A file of this name is meant, not standard input, which may have been read already.
    return [os.path.join(".", "-") if part == b"-" else os.fsdecode(part) for part in parts if part]


_DEFAULTS = (DEFAULT_EXCLUDES, True, False)


def _configured(path: str, config: str | None) -> tuple[frozenset[str], bool, bool]:
    """What the configuration around a path says of which files to look at: folders that are not entered, whether
    git's ignored files are left out, whether Markdown counts. It is read only if there is a table of ours to read."""
    folder = os.path.abspath(path)
    while True:
        if config is not None or _mentions_us(os.path.join(folder, "pyproject.toml")):
            from flake8_nnx_treemap.project.configuration import Overrides, configuration_of

            configuration = configuration_of(os.path.join(folder, "pyproject.toml"), Overrides(config=config))
            return configuration.exclude, configuration.respect_gitignore, configuration.include_markdown
        parent = os.path.dirname(folder)
        if parent == folder or is_repository_root(folder):
            return _DEFAULTS
        folder = parent


def _mentions_us(path: str) -> bool:
    try:
        return b"nnx-treemap" in read_bytes(path)
    except FileError:
        return False


def _complaint(path: str, data: bytes) -> str | None:
    """What is wrong with a file that holds nothing for us; to parse it costs little."""
    if path.lower().endswith(".ipynb"):
        return _complaint_about_notebook(data)
    if path.lower().endswith((*MARKDOWN_SUFFIXES, QUARTO_SUFFIX)):
        return None
    try:
        compile(data if data.isascii() else decode(data)[0], path, "exec", _ONLY_AST, dont_inherit=True)
    except FileError as error:
        return str(error)
    except SyntaxError as error:
        grammar = f"Python {sys.version_info.major}.{sys.version_info.minor}"  # As ``analysis.text`` says it.
        return f"{error.lineno or 1}:{error.offset or 1}: syntax error: {error.msg} ({grammar})"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"cannot be parsed: {str(error) or type(error).__name__}"
    return None


def _complaint_about_notebook(data: bytes) -> str | None:
    from flake8_nnx_treemap.analysis.code.text import SourceError
    from flake8_nnx_treemap.project.notebooks import read_notebook

    try:
        read_notebook(decode_text(data)[0])
    except FileError as error:
        return str(error)
    except SourceError as error:
        return error.placed
    return None


_ONLY_AST = 0x400
"""``ast.PyCF_ONLY_AST``, without importing ``ast``."""
