"""Where a project may say which Flax it runs on: in which folders, in which files of them, and in which order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.project.discovery import is_repository_root
from flake8_nnx_treemap.project.requirements.bounds import combined
from flake8_nnx_treemap.project.requirements.conda import environment_places, is_environment, pixi_places
from flake8_nnx_treemap.project.requirements.declared import declared_in
from flake8_nnx_treemap.project.requirements.locks import lock_place, locks_in
from flake8_nnx_treemap.project.requirements.plain_files import Boundary, Place
from flake8_nnx_treemap.project.requirements.requirement_files import (
    is_requirement_file,
    requirement_files_in,
    requirement_places,
)
from flake8_nnx_treemap.project.requirements.setuptools_files import setuptools_places

_DESCRIPTIONS = frozenset({"pyproject.toml", "setup.cfg", "setup.py"})
"""Files that only a project's own folder has."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked at, in order, and what came of it."""

    places: tuple[Place, ...] = ()
    deciding: tuple[str, ...] = ()
    """The files that decided."""
    range: FlaxRange | None = None


@cache
def search(folder: str) -> Found:
    """Look for what is said of Flax, in a file's folder and those above it that may speak for it.

    Args:
        folder: that of the file; it need not exist.

    Returns:
        What the nearest folder says that says anything.
    """
    folders, boundary = folders_to_search(folder)
    looked_at: list[Place] = []
    for one in folders:
        found = _search_in(one, boundary)
        looked_at += found.places
        if found.range is not None:
            return Found(tuple(looked_at), found.deciding, found.range)
    return Found(tuple(looked_at))


def project_folder(folder: str) -> str:
    """The folder of the project that a folder belongs to: where ``pyproject.toml`` is, or would be.

    Args:
        folder: a folder, absolute.
    """
    folders, _ = folders_to_search(folder)
    return next((one for one in folders if "pyproject.toml" in _names_in(one)), folders[-1])


def forget() -> None:
    """Look at the disk again when something is asked for next."""
    for function in (search, _search_in, _names_in):
        function.cache_clear()


def folders_to_search(folder: str) -> tuple[list[str], Boundary]:
    """Folders from the nearest on, and what nothing is read outside of.

    The last is the root of the repository; outside of any, the nearest that describes a project, or else that holds
    anything to read.
    """
    above = [folder]
    while os.path.dirname(above[-1]) != above[-1]:
        above.append(os.path.dirname(above[-1]))
    last = next(filter(is_repository_root, above), None)
    if last is None:
        last = next((one for one in above if not _DESCRIPTIONS.isdisjoint(_names_in(one))), None)
    if last is None:
        last = next((one for one in above if any(map(_is_telling, _names_in(one)))), folder)
    return above[: above.index(last) + 1], Boundary(os.path.realpath(last))


def _is_telling(name: str) -> bool:
    return (
        name in ("hatch.toml", "pixi.toml")
        or is_requirement_file(name)
        or is_environment(name)
        or any(locks_in([name]))
    )


@cache
def _names_in(folder: str) -> tuple[str, ...]:
    try:
        return tuple(sorted(os.listdir(folder)))
    except (OSError, ValueError):
        return ()


@cache
def _search_in(folder: str, boundary: Boundary) -> Found:
    looked_at: list[Place] = []
    for places in _steps(folder, boundary):
        looked_at += places
        telling = [place for place in places if combined(place.bounds) is not None]
        if telling:
            range_ = combined([bounds for place in telling for bounds in place.bounds])
            return Found(tuple(looked_at), tuple(place.path for place in telling), range_)
    return Found(tuple(looked_at))


def _steps(folder: str, boundary: Boundary) -> Iterator[list[Place]]:
    """Files that count alike, those that say most first. None is read before all above it have said nothing."""
    names, seen = _names_in(folder), set[str]()
    places, dynamic = declared_in(folder, boundary)
    yield places
    places, named = setuptools_places(folder, boundary)
    yield [*requirement_places([*dynamic, *named], boundary, seen), *places]
    yield requirement_places(requirement_files_in(folder, names), boundary, seen)
    environments = [os.path.join(folder, name) for name in names if is_environment(name)]
    places, named = environment_places(environments, boundary)
    yield [*pixi_places(folder, boundary), *places, *requirement_places(named, boundary, seen)]
    for name in locks_in(names):
        yield [lock_place(os.path.join(folder, name), boundary)]
