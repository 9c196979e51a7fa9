"""Which files a run looks at: those named, and below folders every Python file that is not excluded.

This and ``files.py`` are all that a run without candidates needs. They import nothing that is slow to import, which
rules dataclasses out, and make one system call where ``pathlib`` makes five.
"""

from __future__ import annotations

import os

from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.files import TEMPORARY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flake8_nnx_treemap.project.gitignore import Rule

    Ignores = tuple[tuple[str, tuple[Rule, ...]], ...]
    """Folders with what their ``.gitignore`` files say, the outermost first."""
    Problems = list[tuple[str, str]]

DEFAULT_EXCLUDES = frozenset(
    {".bzr", ".direnv", ".eggs", ".git", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nnx_treemap_cache", ".nox"}
    | {".pants.d", ".pyenv", ".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "__pypackages__"}
    | {"__pycache__", "_build", "buck-out", "build", "dist", "node_modules", "site-packages", "venv"}
)
"""Folders that hold other people's code, or none."""

QUARTO_SUFFIX = ".qmd"
SUFFIXES = (".py", ".pyi", ".ipynb", QUARTO_SUFFIX)
MARKDOWN_SUFFIXES = (".md", ".markdown")
"""Looked at below folders only where that is asked for, unless it is a notebook; see ``names_a_kernel``."""

HEADER = 8192
"""How many bytes of a file may be its front matter."""


def names_a_kernel(text: str) -> bool:
    """Whether a Markdown text is a notebook: whether its front matter has a key of Jupytext or of Jupyter."""
    lines = text[:HEADER].removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != "---":
        return False
    for line in lines[1:]:
        if line.rstrip() in ("---", "..."):
            return False
        if line.strip().startswith(("jupytext:", "kernelspec:")):
            return True
    return False


def discover(
    paths: Sequence[str],
    problems: Problems,
    excludes: frozenset[str] = DEFAULT_EXCLUDES,
    *,
    respect_gitignore: bool = True,
    suffixes: tuple[str, ...] = SUFFIXES,
    sweeps: bool = False,
) -> Iterator[tuple[str, bool]]:
    """Find the files that names stand for, each once, in the names' order and sorted below folders.

    Args:
        paths: files and folders.
        problems: takes names that stand for nothing and folders that cannot be listed, with the reason.
        excludes: names of folders that are not entered, unless they were named themselves.
        respect_gitignore: leave out what the ``.gitignore`` files name, from the repository's root down.
        suffixes: how the names of files end that are found below folders.
        sweeps: delete what killed runs have left below folders.

    Yields:
        Each file, and whether it was named itself.
    """
    seen: set[str] = set()
    for path in paths:
        if os.path.isdir(path):
            absolute = os.path.abspath(path)
            ignores = _ignores_above(absolute, problems) if respect_gitignore else None
            if ignores and _is_ignored_at_all(absolute, True, ignores):
                ignores = ()  # Whoever names an ignored folder, such as a virtual environment's, means it.
            found: Iterator[tuple[str, bool]] = _below(path, excludes, ignores, suffixes, problems, sweeps)
        elif os.path.lexists(path):
            found = iter([(path, True)])
        else:
            problems.append((path, "no such file or directory"))
            continue
        for one in found:
            if one[0] not in seen:
                seen.add(one[0])
                yield one


def _below(
    top: str,
    excludes: frozenset[str],
    ignores: Ignores | None,
    suffixes: tuple[str, ...],
    problems: Problems,
    sweeps: bool,
) -> Iterator[tuple[str, bool]]:
    # Links to folders are not followed: what they lead to is found where it is, and loops are no concern.
    # What is left to do is in a list, not on Python's stack: folders may be nested thousands deep.
    waiting = [iter([(top, os.path.abspath(top), True)])]
    above = [ignores]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            above.pop()
            continue
        path, absolute, is_folder = entry
        if not is_folder:
            yield path, False
            continue
        entries = _listed(path, problems)
        ignores = above[-1]
        if ignores is not None and any(one.name == ".gitignore" for one in entries):
            ignores = (*ignores, *_ignores_in(absolute, problems))
        if sweeps and any(one.name.startswith(TEMPORARY) for one in entries):
            from flake8_nnx_treemap.project.writing import sweep

            sweep(path)
        waiting.append(iter(_wanted(entries, absolute, excludes, ignores, suffixes)))
        above.append(ignores)


def _listed(folder: str, problems: Problems) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as scanned:
            return sorted(scanned, key=lambda entry: entry.name)
    except OSError as error:
        problems.append((folder, (error.strerror or "cannot be listed").lower()))
        return []


def _wanted(
    entries: Sequence[os.DirEntry[str]],
    folder: str,
    excludes: frozenset[str],
    ignores: Ignores | None,
    suffixes: tuple[str, ...],
) -> list[tuple[str, str, bool]]:
    """The entries of a folder to look at: their path, their absolute path, and whether they are folders."""
    wanted = []
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder and entry.name in excludes:
            continue
        if not is_folder and not (entry.name.endswith(suffixes) and _is_file(entry)):
            continue
        absolute = os.path.join(folder, entry.name)
        if not (ignores and _is_ignored(absolute, is_folder, ignores)):
            wanted.append((entry.path, absolute, is_folder))
    return wanted


def is_left_out(path: str, excludes: frozenset[str], problems: Problems, *, respect_gitignore: bool) -> bool:
    """Whether a file would not be found below the current folder; for those that were named but may be left out.

    Args:
        path: the file.
        excludes: names of folders that are not entered.
        problems: takes ``.gitignore`` files that cannot be read, with the reason.
        respect_gitignore: whether what git ignores is left out, too.
    """
    absolute = os.path.abspath(path)
    folder = os.path.dirname(absolute)
    below = os.path.relpath(path)
    if not excludes.isdisjoint(below.split(os.sep)):
        return True
    if not respect_gitignore:
        return False
    ignores = (*_ignores_above(folder, problems), *_ignores_in(folder, problems))
    return _is_ignored_at_all(absolute, False, ignores)


def is_repository_root(folder: str) -> bool:
    """Whether a folder is the root of a repository of git, a worktree or a submodule included."""
    return os.path.exists(os.path.join(folder, ".git"))


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False  # A link that leads round in a circle.


def _is_ignored_at_all(path: str, is_folder: bool, ignores: Ignores) -> bool:
    """Whether git ignores an absolute path, or a folder that it lies in: nothing in such a folder is looked at."""
    around = []
    if ignores:
        parent = os.path.dirname(path)
        while len(parent) > len(ignores[0][0]):
            around.append(parent)
            parent = os.path.dirname(parent)
    return any(_is_ignored(folder, True, ignores) for folder in around) or _is_ignored(path, is_folder, ignores)


def _is_ignored(path: str, is_folder: bool, ignores: Ignores) -> bool:
    """Whether git ignores an absolute path, if it does not ignore what that lies in; the innermost file decides."""
    from flake8_nnx_treemap.project.gitignore import is_ignored

    for root, rules in reversed(ignores):
        if path.startswith(root) and len(path) > len(root):
            verdict = is_ignored(rules, path[len(root) :].lstrip(os.sep).split(os.sep), is_folder)
            if verdict is not None:
                return verdict
    return False


def _ignores_above(folder: str, problems: Problems) -> Ignores:
    """The ``.gitignore`` files that count in a folder but lie above it, up to the root of its repository."""
    found: Ignores = ()
    while not is_repository_root(folder):
        parent = os.path.dirname(folder)
        if parent == folder:
            break
        folder = parent
        found = (*_ignores_in(folder, problems), *found)
    return found


def _ignores_in(folder: str, problems: Problems) -> Ignores:
    if not os.path.lexists(os.path.join(folder, ".gitignore")):
        return ()
    from flake8_nnx_treemap.project.gitignore import rules_in  # Only where there is a .gitignore to read.

    try:
        rules = rules_in(folder)
    except FileError as error:
        problems.append((os.path.join(folder, ".gitignore"), str(error)))
        return ()
    return ((folder, rules),) if rules else ()
