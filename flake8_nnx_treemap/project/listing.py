"""Lists of files that other programs write, such as ``git diff --name-only``: what is not for us in them is skipped."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from flake8_nnx_treemap.project.errors import ConfigurationError
from flake8_nnx_treemap.project.scanning import Targets, exclusions_for

_ESCAPED = re.compile(rb"\\([0-3][0-7]{2}|.)", re.DOTALL)
_LETTERS = dict(zip(b"abtnvfr", b"\a\b\t\n\v\f\r", strict=True))


def unquoted(name: bytes) -> bytes:
    r"""A name as it is, where git without ``-z`` wrote ``"\303\251.py"``; a file named as written goes first."""
    if len(name) < 2 or not (name.startswith(b'"') and name.endswith(b'"')) or os.path.lexists(name):
        return name
    return _ESCAPED.sub(_byte_meant, name[1:-1])


def _byte_meant(escaped: re.Match[bytes]) -> bytes:
    code = escaped[1]
    return bytes([int(code, 8)]) if len(code) == 3 else bytes([_LETTERS.get(code[0], code[0])])


def listed_paths(names: Iterable[str], targets: Targets) -> Iterator[str]:
    """The names of a list that are worth a look.

    Args:
        names: what the list holds.
        targets: which files count.

    Yields:
        Folders, and files that are there and that are Python, notebooks, or Markdown where that counts. Files that
        have been deleted are named by git as well.

    Raises:
        ConfigurationError: a name is not one of this folder, but one of the root of its repository: the list was
            meant, and nothing would be looked at.
    """
    root = _root_of_repository()
    for name in names:
        if os.path.isdir(name):
            yield name
        elif os.path.lexists(name):
            if name.endswith(exclusions_for(name, targets)[2]):
                yield name
        elif root is not None and os.path.lexists(os.path.join(root, name)):
            raise ConfigurationError(
                f"{name}: is not here, but at the root of the repository; list names with `git diff --relative`"
            )


def _root_of_repository() -> str | None:
    """The root of the repository that this folder is in, unless it is this folder."""
    here = folder = os.getcwd()
    while not os.path.exists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return None if folder == here else folder
