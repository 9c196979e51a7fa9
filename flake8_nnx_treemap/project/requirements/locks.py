"""Lock files: of thousands of lines, only what they say of Flax is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.requirements.bounds import Bounds, bounds_of_url, bounds_of_version
from flake8_nnx_treemap.project.requirements.entries import Entry
from flake8_nnx_treemap.project.requirements.plain_files import Boundary, Place, parse_toml, table

_TOML_LOCKS = ("uv.lock", "pdm.lock", "poetry.lock", "pylock.toml")
_PYLOCK = re.compile(r"pylock\.[^.]+\.toml")
_CONDA_LOCK = re.compile(r"(.*[.-])?conda-lock\.ya?ml")
_PACKAGE = re.compile(r"^(?=\[\[packages?\]\][ \t]*$)", re.MULTILINE)
LONGEST_PACKAGE = 200_000
"""How many characters of a lock file may be of one package."""

_FLAX = re.compile(r"^name = [\"']flax[\"']", re.MULTILINE)


def locks_in(names: Sequence[str]) -> Iterator[str]:
    """The lock files among a folder's names, the one that counts first at the front."""
    yield from (name for name in _TOML_LOCKS if name in names)
    yield from (name for name in names if _PYLOCK.fullmatch(name))
    yield from (name for name in names if _CONDA_LOCK.fullmatch(name))


def lock_place(path: str, boundary: Boundary) -> Place:
    """What a lock file says."""
    try:
        text = boundary.read(path)
    except FileError as error:
        return Place(path, problem=str(error))
    return Place.of(path, _toml_entries(text) if path.endswith((".lock", ".toml")) else _conda_entries(text))


def _toml_entries(text: str) -> Iterator[Entry]:
    for block in _PACKAGE.split(text) if "flax" in text else ():
        if _FLAX.search(block) and len(block) <= LONGEST_PACKAGE:
            content = parse_toml(block) or {}
            found = content.get("package") or content.get("packages")
            if isinstance(found, list) and found:
                yield _entry(table(found[0]))


def _entry(package: dict[str, Any]) -> Entry:
    version = package.get("version")
    text = f"flax {version}" if isinstance(version, str) else "flax"
    repository = _repository(package)
    if repository is not None:
        return Entry(f"{text} from {repository[0]}", _bounds_of_repository(*repository))
    return Entry(text, bounds_of_version(version) if isinstance(version, str) else None)


def _repository(package: dict[str, Any]) -> tuple[str, str] | None:
    """Where a package comes from, if that is a repository, and the revision that was asked for."""
    source, vcs = table(package.get("source")), table(package.get("vcs"))
    if isinstance(source.get("git"), str):  # uv
        return source["git"], ""
    if source.get("type") == "git":  # Poetry
        return str(source.get("url", "")), str(source.get("reference", ""))
    if isinstance(package.get("git"), str):  # PDM
        return package["git"], str(package.get("ref", ""))
    return (str(vcs.get("url", "")), str(vcs.get("requested-revision", ""))) if vcs else None


def _bounds_of_repository(url: str, revision: str) -> Bounds | None:
    return bounds_of_url(f"git+{url}", revision)


def _conda_entries(text: str) -> Iterator[Entry]:
    is_flax = False
    for line in text.splitlines():
        key, _, value = line.strip().removeprefix("- ").partition(":")
        value = value.strip().strip("\"'")
        if key == "name":
            is_flax = value == "flax"
        elif key == "version" and is_flax:
            yield Entry(f"flax {value}", bounds_of_version(value))
            is_flax = False
