"""Which of the files that were named may hold findings: all that most runs ever do, so nothing heavy is imported."""

from __future__ import annotations

import os

from flake8_nnx_treemap.gate import may_hold_findings
from flake8_nnx_treemap.project.discovery import DEFAULT_EXCLUDES, MARKDOWN_SUFFIXES, SUFFIXES, discover, is_left_out
from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.files import decode, decode_text, read_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Targets:
    """What the command line says about which files count; a plain class, since dataclasses are slow to import."""

    __slots__ = (
        "exclude",
        "extend_exclude",
        "forces_exclude",
        "include_markdown",
        "is_isolated",
        "respect_gitignore",
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
    ) -> None:
        """Hold what was said.

        Args:
            is_isolated: whether configuration files do not count.
            exclude: names of folders that are not entered, instead of the configured ones.
            extend_exclude: more of them.
            respect_gitignore: ``False`` to look at what git ignores, whatever the configuration says.
            forces_exclude: whether files that were named are left out, too.
            include_markdown: whether Markdown files below folders are looked at as well.
        """
        self.is_isolated = is_isolated
        self.exclude = exclude
        self.extend_exclude = extend_exclude
        self.respect_gitignore = respect_gitignore
        self.forces_exclude = forces_exclude
        self.include_markdown = include_markdown


def find_files(paths: Sequence[str], targets: Targets, problems: list[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
    """Find the files that names stand for.

    Args:
        paths: what the user named.
        targets: which files count.
        problems: takes names with what is wrong with them.

    Yields:
        Each file, and whether it was named itself.

    Raises:
        ConfigurationError: the configuration that names what to exclude is wrong.
    """
    for path in paths:
        excludes, respect_gitignore, suffixes = exclusions_for(path, targets)
        found = discover([path], problems, excludes, respect_gitignore=respect_gitignore, suffixes=suffixes)
        for name, is_explicit in found:
            may_be_left_out = is_explicit and targets.forces_exclude
            if not (may_be_left_out and is_left_out(name, excludes, respect_gitignore=respect_gitignore)):
                yield name, is_explicit


def exclusions_for(path: str, targets: Targets) -> tuple[frozenset[str], bool, tuple[str, ...]]:
    """What is looked at from a path.

    Returns:
        The names of folders that are not entered, whether what git ignores is left out, and how files' names end.

    Raises:
        ConfigurationError: the configuration that says so is wrong.
    """
    excludes, respect_gitignore, markdown = _DEFAULTS if targets.is_isolated else _configured(path)
    if targets.exclude is not None:
        excludes = frozenset(targets.exclude)
    suffixes = SUFFIXES + MARKDOWN_SUFFIXES if markdown or targets.include_markdown else SUFFIXES
    return excludes.union(targets.extend_exclude), respect_gitignore and targets.respect_gitignore, suffixes


def scan(paths: Sequence[str], targets: Targets) -> tuple[list[str], list[tuple[str, str]]]:
    """Look through files and folders for what is worth a closer look.

    Args:
        paths: what the user named.
        targets: which files count.

    Returns:
        Files that may hold findings, and names with what is wrong with them. A file below a folder that cannot hold
        a finding is not parsed, so nothing is said of it; one that was named must at least be Python.

    Raises:
        ConfigurationError: the configuration that names what to exclude is wrong.
    """
    candidates: list[str] = []
    problems: list[tuple[str, str]] = []
    for name, is_explicit in find_files(paths, targets, problems):
        try:
            data = read_bytes(name)
        except FileError as error:
            problems.append((name, str(error)))
            continue
        if may_hold_findings(data):
            candidates.append(name)
        elif is_explicit and (complaint := _complaint(name, data)):
            problems.append((name, complaint))
    return list(dict.fromkeys(candidates)), list(dict.fromkeys(problems))


def read_names(data: bytes) -> list[str]:
    """The names in a list of files: one a line, or separated by NULs if there are any."""
    parts = data.split(b"\0") if b"\0" in data else data.splitlines()
    # A file of this name is meant, not standard input, which may have been read already.
    return [os.path.join(".", "-") if part == b"-" else os.fsdecode(part) for part in parts if part]


_DEFAULTS = (DEFAULT_EXCLUDES, True, False)


def _configured(path: str) -> tuple[frozenset[str], bool, bool]:
    """What the configuration around a path says of which files to look at: folders that are not entered, whether
    git's ignored files are left out, whether Markdown counts. It is read only if there is a table of ours to read."""
    folder = os.path.abspath(path)
    while True:
        if _mentions_us(os.path.join(folder, "pyproject.toml")):
            from flake8_nnx_treemap.project.configuration import configuration_for

            configuration = configuration_for(os.path.join(folder, "pyproject.toml"))
            return configuration.exclude, configuration.respect_gitignore, configuration.include_markdown
        parent = os.path.dirname(folder)
        if parent == folder:
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
    if path.lower().endswith(MARKDOWN_SUFFIXES):
        return None
    try:
        compile(data if data.isascii() else decode(data)[0], path, "exec", _ONLY_AST, dont_inherit=True)
    except FileError as error:
        return str(error)
    except SyntaxError as error:
        return f"{error.lineno or 1}:{error.offset or 1}: syntax error: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"cannot be parsed: {str(error) or type(error).__name__}"
    return None


def _complaint_about_notebook(data: bytes) -> str | None:
    from flake8_nnx_treemap.analysis.text import SourceError
    from flake8_nnx_treemap.project.notebooks import read_notebook

    try:
        read_notebook(decode_text(data)[0])
    except (FileError, SourceError) as error:
        return str(error)
    return None


_ONLY_AST = 0x400
"""``ast.PyCF_ONLY_AST``, without importing ``ast``."""
