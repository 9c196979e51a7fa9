"""Which files a run looks at: those named, and below folders every Python file that is not excluded.

This and ``files.py`` are all that a run without candidates needs. They import nothing that is slow to import, which
rules dataclasses out, and make one system call where ``pathlib`` makes five.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pathspec

    Ignores = tuple[tuple[str, pathspec.PathSpec[pathspec.Pattern]], ...]

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
    problems: list[tuple[str, str]],
    excludes: frozenset[str] = DEFAULT_EXCLUDES,
    *,
    respect_gitignore: bool = True,
    suffixes: tuple[str, ...] = SUFFIXES,
) -> Iterator[tuple[str, bool]]:
    """Find the files that names stand for, each once, in the names' order and sorted below folders.

    Args:
        paths: files and folders.
        problems: takes names that stand for nothing and folders that cannot be listed, with the reason.
        excludes: names of folders that are not entered, unless they were named themselves.
        respect_gitignore: leave out what the ``.gitignore`` files name, from the repository's root down.
        suffixes: how the names of files end that are found below folders.

    Yields:
        Each file, and whether it was named itself.
    """
    seen: set[str] = set()
    for path in paths:
        if os.path.isdir(path):
            ignores = _ignores_above(os.path.abspath(path)) if respect_gitignore else None
            if ignores and _is_ignored(path, True, ignores):
                ignores = ()  # Whoever names an ignored folder, such as a virtual environment's, means it.
            found: Iterator[tuple[str, bool]] = _below(path, excludes, ignores, suffixes, problems)
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
    folder: str,
    excludes: frozenset[str],
    ignores: Ignores | None,
    suffixes: tuple[str, ...],
    problems: list[tuple[str, str]],
) -> Iterator[tuple[str, bool]]:
    # Folders may be nested deeper than functions may, so those to enter wait on a stack, in order with the files.
    waiting: list[tuple[str, Ignores | None, bool]] = [(folder, ignores, True)]
    while waiting:
        path, ignores, is_folder = waiting.pop()
        if is_folder:
            waiting += reversed(_entries(path, excludes, ignores, suffixes, problems))
        else:
            yield path, False


def _entries(
    folder: str,
    excludes: frozenset[str],
    ignores: Ignores | None,
    suffixes: tuple[str, ...],
    problems: list[tuple[str, str]],
) -> list[tuple[str, Ignores | None, bool]]:
    """What is looked at in a folder, sorted: the path, what is ignored there, and whether it is a folder."""
    # Links to folders are not followed: what they lead to is found where it is, and loops are no concern.
    try:
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError as error:
        problems.append((folder, (error.strerror or "cannot be listed").lower()))
        return []
    if ignores is not None and any(entry.name == ".gitignore" for entry in entries):
        ignores = (*ignores, *_ignores_in(os.path.abspath(folder)))
    found = []
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder and entry.name in excludes:
            continue
        if not is_folder and not (entry.name.endswith(suffixes) and _is_file(entry)):
            continue
        if not (ignores and _is_ignored(entry.path, is_folder, ignores)):
            found.append((entry.path, ignores, is_folder))
    return found


def is_left_out(path: str, excludes: frozenset[str], *, respect_gitignore: bool) -> bool:
    """Whether a file would not be found below the current folder; for those that were named but may be left out.

    Args:
        path: the file.
        excludes: names of folders that are not entered.
        respect_gitignore: whether what git ignores is left out, too.
    """
    folder = os.path.dirname(os.path.abspath(path))
    below = os.path.relpath(path)
    if not excludes.isdisjoint(below.split(os.sep)):
        return True
    return respect_gitignore and _is_ignored(path, False, (*_ignores_above(folder), *_ignores_in(folder)))


def is_repository_root(folder: str) -> bool:
    """Whether a folder is the root of a repository of git, a worktree or a submodule included."""
    return os.path.exists(os.path.join(folder, ".git"))


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False  # A link that leads round in a circle.


def _is_ignored(path: str, is_folder: bool, ignores: Ignores) -> bool:
    absolute, slash = os.path.abspath(path), "/" if is_folder else ""
    return any(spec.match_file(os.path.relpath(absolute, root) + slash) for root, spec in ignores)


def _ignores_above(folder: str) -> Ignores:
    """The ``.gitignore`` files that count in a folder but lie above it, up to the root of its repository."""
    parent = os.path.dirname(folder)
    if parent == folder or is_repository_root(folder):
        return ()
    return (*_ignores_above(parent), *_ignores_in(parent))


def _ignores_in(folder: str) -> Ignores:
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return ()
    import pathspec  # Only where there is a .gitignore to read.

    return ((folder, pathspec.PathSpec.from_lines("gitwildmatch", lines)),)
