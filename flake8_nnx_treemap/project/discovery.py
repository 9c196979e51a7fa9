"""Which files a run looks at: those named, and below folders every Python file that is not excluded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pathspec

DEFAULT_EXCLUDES = frozenset(
    {".bzr", ".direnv", ".eggs", ".git", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pants.d", ".pyenv"}
    | {".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "__pypackages__", "__pycache__", "_build"}
    | {"buck-out", "build", "dist", "node_modules", "site-packages", "venv"}
)
"""Folders that hold other people's code, or none."""

SUFFIXES = (".py", ".pyi")


@dataclass(frozen=True, slots=True)
class Found:
    """One file to look at; ``is_explicit`` holds if it was named, not met below a folder."""

    path: str
    is_explicit: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """A name that stands for nothing, or a folder that cannot be listed."""

    path: str
    reason: str


def discover(
    paths: Sequence[str], excludes: frozenset[str] = DEFAULT_EXCLUDES, *, respect_gitignore: bool = True
) -> Iterator[Found | Missing]:
    """Find the files that names stand for, each once, in the names' order and sorted below folders.

    Args:
        paths: files and folders.
        excludes: names of folders that are not entered, unless they were named themselves.
        respect_gitignore: leave out what the ``.gitignore`` files between a folder and what lies below it name.

    Yields:
        Files, and what could not be found or listed.
    """
    seen: set[str] = set()
    for path in paths:
        if os.path.isdir(path):
            found: Iterator[Found | Missing] = _below(path, excludes, respect_gitignore)
        elif os.path.lexists(path):
            found = iter([Found(path, True)])
        else:
            found = iter([Missing(path, "no such file or directory")])
        for one in found:
            if one.path not in seen:
                seen.add(one.path)
                yield one


def _below(folder: str, excludes: frozenset[str], respect_gitignore: bool) -> Iterator[Found | Missing]:
    # Links to folders are not followed: what they lead to is found where it is, and loops are no concern.
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield Missing(folder, (error.strerror or "cannot be listed").lower())
        return
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in excludes and not (respect_gitignore and _is_ignored(entry.path, True)):
                yield from _below(entry.path, excludes, respect_gitignore)
        elif not entry.name.endswith(SUFFIXES) or not _is_file(entry):
            continue
        elif not (respect_gitignore and _is_ignored(entry.path, False)):
            yield Found(entry.path, False)


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False  # A link that leads round in a circle.


def _is_ignored(path: str, is_folder: bool) -> bool:
    folder = os.path.dirname(os.path.abspath(path))
    absolute = os.path.abspath(path) + ("/" if is_folder else "")
    for root, spec in _gitignores(folder):
        if spec.match_file(os.path.relpath(absolute, root) + ("/" if is_folder else "")):
            return True
    return False


@cache
def _gitignores(folder: str) -> tuple[tuple[str, pathspec.PathSpec[pathspec.Pattern]], ...]:
    """The ``.gitignore`` files that count in a folder, up to the root of its repository."""
    found: tuple[tuple[str, pathspec.PathSpec[pathspec.Pattern]], ...] = ()
    parent = os.path.dirname(folder)
    if parent != folder and not os.path.exists(os.path.join(folder, ".git")):
        found = _gitignores(parent)
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return found
    import pathspec  # Only where there is a .gitignore to read.

    return (*found, (folder, pathspec.PathSpec.from_lines("gitwildmatch", lines)))
