"""Other modules of the same project: where a name that is imported from one leads to, parsed on demand."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

from flake8_nnx_treemap.analysis.code.text import SourceError
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.names import OTHER_PROJECTS
from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.files import decode, read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from flake8_nnx_treemap.analysis.names.source import Modules


def module_finder(filename: str, on_search: Callable[[str], object] | None = None) -> Modules:
    """Make a function that finds modules as an import in a file would, if they are of the same project.

    Args:
        filename: the file. Its folder, the folder that holds its package, and that of its pyproject.toml (or ``src``
            in it) are where absolute imports are looked for; what is installed elsewhere is not.
        on_search: called with each name that is looked for, found or not: what is said of the file rests on others
            from then on. What those ask for in turn is not told, since they are found only after this.
    """
    folder = os.path.dirname(os.path.abspath(filename))

    def find(name: str) -> tuple[ParsedSource, str] | None:
        parts = name.lstrip(".").split(".")
        level = len(name) - len(name.lstrip("."))
        if parts[0] in OTHER_PROJECTS and not level:
            return None
        if on_search is not None:
            on_search(name)
        bases = [os.path.join(folder, *[os.pardir] * (level - 1))] if level else _roots(folder)
        for base in bases:
            module = os.path.normpath(os.path.join(base, *parts[:-1]))
            for path in (f"{module}.py", os.path.join(module, "__init__.py")):
                source = _source_of(path)
                if source is not None:
                    return source, parts[-1]
        return None

    return find


@functools.lru_cache(maxsize=256)
def _roots(folder: str) -> tuple[str, ...]:
    """Where absolute imports of a file in a folder may lead, nearest first."""
    package = folder
    while os.path.exists(os.path.join(package, "__init__.py")) and os.path.dirname(package) != package:
        package = os.path.dirname(package)
    project = folder
    while not os.path.exists(os.path.join(project, "pyproject.toml")):
        if os.path.dirname(project) == project:
            return tuple(dict.fromkeys((folder, package)))
        project = os.path.dirname(project)
    return tuple(dict.fromkeys((folder, package, project, os.path.join(project, "src"))))


def _source_of(path: str) -> ParsedSource | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return _parsed(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=128)
def _parsed(path: str, changed: int, size: int) -> ParsedSource | None:
    """A module's source as it was at a time; nothing if it cannot be read."""
    try:
        text, _ = decode(read_bytes(path))
        return ParsedSource(text, path, modules=module_finder(path))
    except (FileError, SourceError):
        return None
