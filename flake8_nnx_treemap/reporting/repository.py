"""The paths of files in their repository, for services that know nothing of the folder in which a job runs."""

from __future__ import annotations

import os
from collections.abc import Iterable


def path_below(root: str | None, path: str) -> str:
    """A path as it is seen from a folder.

    Args:
        root: the folder; the current one if ``None`` or empty.
        path: a file, named from the current folder or from the root of the file system.

    Returns:
        The path with slashes; of a file elsewhere the absolute path, or where there is no ``root`` the path as it was.
    """
    absolute = os.path.abspath(path)
    for folder in (os.path.abspath(root or ""), os.path.realpath(root or "")):
        below = _below(folder, absolute)
        if below is not None:
            return below
    return (absolute if root else path).replace(os.sep, "/")


def _below(folder: str, path: str) -> str | None:
    prefix = folder.rstrip(os.sep) + os.sep
    return path[len(prefix) :].replace(os.sep, "/") if path.startswith(prefix) else None


def root_from(variables: Iterable[str]) -> str | None:
    """The folder that the first of some environment variables names, which CI services set to where they check out."""
    return next((folder for name in variables if (folder := os.environ.get(name))), None)


def git_root() -> str | None:
    """The folder around the current one in which git keeps a repository."""
    folder = os.getcwd()
    while not os.path.lexists(os.path.join(folder, ".git")):
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return None
    return folder
