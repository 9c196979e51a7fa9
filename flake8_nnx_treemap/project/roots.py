"""Where a project begins and ends, and where its imports lead: by folders and files alone."""

from __future__ import annotations

import functools
import os

from flake8_nnx_treemap.other_projects import NOT_LOOKED_FOR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 1_000_000
"""How many bytes a file may have that is read for the sake of another one."""


@functools.lru_cache(maxsize=256)
def roots(folder: str) -> tuple[str, ...]:
    """Where absolute imports of a file in a folder may lead, nearest first."""
    project = project_of(folder)
    below = () if project is None else (project, os.path.join(project, "src"))
    return tuple(dict.fromkeys((folder, above_package(folder), *below)))


def may_be_of_project(name: str) -> bool:
    """Whether a module or a member of one may be of the user's own project, by the first part of its name."""
    return name.partition(".")[0] not in NOT_LOOKED_FOR


def module_paths(folder: str, name: str) -> Iterator[str]:
    """The files that a module may be which a file in a folder imports, nearest first.

    Args:
        folder: where the file is.
        name: the module's name, after a dot for each level of a relative import.
    """
    module = name.lstrip(".")
    level = len(name) - len(module)
    bases = (os.path.normpath(os.path.join(folder, *[os.pardir] * (level - 1))),) if level else roots(folder)
    for base in bases:
        path = os.path.join(base, *filter(None, module.split(".")))
        if module:
            yield f"{path}.py"
        yield os.path.join(path, "__init__.py")


@functools.lru_cache(maxsize=256)
def outermost(folder: str) -> str:
    """The folder that no import of a file leaves: its repository's, its project's, or that which holds its package."""
    for around in _upwards(folder):
        if _holds(around, ".git"):
            return around
    project, above = project_of(folder), above_package(folder)
    return project if project is not None and len(project) < len(above) else above


@functools.lru_cache(maxsize=256)
def written_together(folder: str) -> str:
    """The folder whose files are of one project: the outermost, or the package where that holds installed packages."""
    top = outermost(folder)
    if folder == top or not _holds_installed_packages(top):
        return top
    return os.path.join(top, os.path.relpath(folder, top).partition(os.sep)[0])


@functools.lru_cache(maxsize=256)
def _holds_installed_packages(folder: str) -> bool:
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:
        return False


def project_of(folder: str) -> str | None:
    """The nearest folder with a pyproject.toml, in the same repository."""
    for around in _upwards(folder):
        if _holds(around, "pyproject.toml"):
            return around
        if _holds(around, ".git"):
            break
    return None


def above_package(folder: str) -> str:
    """The folder that holds the outermost package around a folder; the folder itself if it is in no package."""
    for around in _upwards(folder):
        if not _holds(around, "__init__.py") or _holds(around, ".git"):
            return around
    return folder


@functools.lru_cache(maxsize=4096)
def _holds(folder: str, name: str) -> bool:
    """Whether there is something of a name in a folder; each folder is asked for the sake of all folders below it."""
    return os.path.exists(os.path.join(folder, name))


def _upwards(folder: str) -> Iterator[str]:
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent
