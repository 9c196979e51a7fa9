"""pixi's and conda's files. YAML is read by the line: a list's items are all that counts, templates in it or not."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.requirements.entries import (
    LONGEST,
    Entry,
    constraint_entry,
    requirement_of_flax,
    table_entries,
)
from flake8_nnx_treemap.project.requirements.plain_files import (
    MOST_BYTES_OF_TOML,
    Boundary,
    Place,
    parse_toml,
    table,
)
from flake8_nnx_treemap.project.requirements.requirement_files import named_file

_ENVIRONMENT = re.compile(r"(environment|conda)([-_.].*)?\.ya?ml", re.IGNORECASE)
_CONDA_ITEM = re.compile(r"(?:[\w./-]+::)?flax(?![\w.-])\s*(.*)", re.IGNORECASE)
_BRACKET = re.compile(r"\[.*?version\s*=\s*[\"']([^\"']*)[\"'].*\]")
_DEPENDENCIES = ("dependencies", "host-dependencies", "build-dependencies", "run-dependencies", "pypi-dependencies")


def is_environment(name: str) -> bool:
    """Whether a file goes by a name that conda's environments have."""
    return _ENVIRONMENT.fullmatch(name) is not None and "conda-lock" not in name


def pixi_places(folder: str, boundary: Boundary) -> list[Place]:
    """What ``pixi.toml`` says."""
    path = os.path.join(folder, "pixi.toml")
    if not os.path.lexists(path):
        return []
    try:
        content = parse_toml(boundary.read(path, MOST_BYTES_OF_TOML))
    except FileError as error:
        return [Place(path, problem=str(error))]
    return [Place(path, problem="is not TOML") if content is None else Place.of(path, pixi_entries(content))]


def pixi_entries(manifest: dict[str, Any]) -> Iterator[Entry]:
    """What a manifest of pixi says: for all, for its features, and for single platforms of both."""
    for feature in (manifest, *map(table, table(manifest.get("feature")).values())):
        for target in (feature, *map(table, table(feature.get("target")).values())):
            for key in _DEPENDENCIES:
                yield from table_entries(table(target.get(key)).get("flax"))


def environment_places(paths: Sequence[str], boundary: Boundary) -> tuple[list[Place], list[str]]:
    """Read conda's environments.

    Args:
        paths: the files.
        boundary: outside which nothing is read.

    Returns:
        What each says, and the requirement files that they name below ``pip``.
    """
    places, named = [], []
    for path in paths:
        try:
            items = list(_items(boundary.read(path)))
        except FileError as error:
            places.append(Place(path, problem=str(error)))
            continue
        places.append(Place.of(path, (entry for item in items if (entry := _entry(item)) is not None)))
        named += [os.path.join(os.path.dirname(path), other) for item in items if (other := named_file(item))]
    return places, named


def _items(text: str) -> Iterator[str]:
    """What the items of lists say: the lines that begin with a dash, without quotes and comments."""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("- "):
            item = re.split(r"\s#", line[2:], maxsplit=1)[0].strip()
            yield item[1:-1] if item[:1] in ("'", '"') and item[:1] == item[-1:] else item


def _entry(item: str) -> Entry | None:
    match = _CONDA_ITEM.fullmatch(item) if len(item) <= LONGEST else None
    if match is None:
        return None
    rest = match[1]
    bracket = _BRACKET.match(rest)
    if bracket is not None:
        return constraint_entry(item, bracket[1])
    if re.match(r"\[|@", rest) or ";" in rest:  # Only pip writes this.
        return requirement_of_flax(f"flax{rest}")
    version, *_ = [*re.sub(r"(?<=[<>=!~,|]) +| +(?=[,|])", "", rest).split(), ""]  # What may follow is conda's build.
    return constraint_entry(item, version)
