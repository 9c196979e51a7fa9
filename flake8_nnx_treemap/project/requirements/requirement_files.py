"""Requirement and constraint files as pip reads them, and the files that they name in turn."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.requirements.bounds import bounds_of_url
from flake8_nnx_treemap.project.requirements.entries import MOST_ENTRIES, Entry, requirement_of_flax
from flake8_nnx_treemap.project.requirements.plain_files import Boundary, Place

_NAME = re.compile(r".*(requirement|constraint)s?.*\.(txt|in)", re.IGNORECASE)
_OTHER_FILE = re.compile(r"(?:-r|--requirements?|-c|--constraints?)\s*=?\s*(\S.*)")
_REPOSITORY = re.compile(r"(?:(?:-e|--editable)[\s=]*)?((?:git|hg)\+\S+)")
FOLDER = "requirements"
MOST_FILES = 200
"""No project has more of them."""


def is_requirement_file(name: str) -> bool:
    """Whether a file goes by a name that requirements or constraints have."""
    return _NAME.fullmatch(name) is not None


def requirement_files_in(folder: str, names: Sequence[str]) -> list[str]:
    """The requirement and constraint files of a folder, and those in its folder ``requirements``.

    Args:
        folder: the folder.
        names: what is in it.
    """
    found = [os.path.join(folder, name) for name in names if is_requirement_file(name)]
    if FOLDER in names:
        below = os.path.join(folder, FOLDER)
        try:
            inside = sorted(os.listdir(below))
        except OSError:
            inside = []
        found += [os.path.join(below, name) for name in inside if name.endswith((".txt", ".in"))]
    return found


def requirement_places(paths: Sequence[str], boundary: Boundary, seen: set[str]) -> list[Place]:
    """Read requirement files, and what they name with ``-r`` and ``-c``.

    Args:
        paths: the files; one that does not exist is skipped.
        boundary: outside which nothing is read.
        seen: files that were read already, links resolved; this adds to it.

    Returns:
        What each of them says, in order.
    """
    places: list[Place] = []
    waiting = list(reversed(paths))
    while waiting and len(seen) < MOST_FILES and sum(len(place.entries) for place in places) < MOST_ENTRIES:
        path = os.path.normpath(waiting.pop())
        if not os.path.lexists(path) or os.path.realpath(path) in seen:
            continue
        seen.add(os.path.realpath(path))
        try:
            lines = list(_logical_lines(boundary.read(path)))
        except FileError as error:
            places.append(Place(path, problem=str(error)))
            continue
        places.append(Place.of(path, (entry for line in lines if (entry := _entry(line)) is not None)))
        others = [other for line in lines if (other := named_file(line))]
        waiting += [os.path.join(os.path.dirname(path), other) for other in reversed(others)]
    return places


def named_file(line: str) -> str | None:
    """The file that a line asks to read as well, if it does."""
    match = _OTHER_FILE.fullmatch(line)
    if match is None or "://" in match[1] or "\0" in match[1]:
        return None
    return match[1].strip("\"'")


def _logical_lines(text: str) -> Iterator[str]:
    """Lines without comments and without options of their own; a backslash at the end of one joins it to the next."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if line:
            yield line


def _entry(line: str) -> Entry | None:
    match = _REPOSITORY.match(line)
    if match is None:
        return requirement_of_flax(re.split(r"\s--\w", line, maxsplit=1)[0])
    address, _, fragment = match[1].partition("#")
    is_flax = re.search(r"/flax(?:\.git)?(?:@[^/]*)?$", address) or re.search(r"(?:^|&)egg=flax(?:$|[&\[])", fragment)
    return Entry(match[1], bounds_of_url(address)) if is_flax else None
