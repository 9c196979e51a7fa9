"""What ``pyproject.toml`` and ``hatch.toml`` declare themselves, and the files that they name for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import chain, islice
from typing import Any

from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.requirements.bounds import bounds_of_url, common
from flake8_nnx_treemap.project.requirements.conda import pixi_entries
from flake8_nnx_treemap.project.requirements.entries import (
    MOST_ENTRIES,
    PYTHONS,
    Entry,
    constraint_entry,
    pythons_of,
    requirement_of_flax,
    table_entries,
)
from flake8_nnx_treemap.project.requirements.plain_files import (
    MOST_BYTES_OF_TOML,
    Boundary,
    Place,
    parse_toml,
    strings,
    table,
)


def declared_in(folder: str, boundary: Boundary) -> tuple[list[Place], list[str]]:
    """Read a project's own description.

    Args:
        folder: the project's folder.
        boundary: outside which nothing is read.

    Returns:
        What each description says, and the files that they leave it to, as dynamic dependencies.
    """
    places, named = [], []
    for name, read in (("pyproject.toml", _of_pyproject), ("hatch.toml", _of_hatch)):
        path = os.path.join(folder, name)
        if not os.path.lexists(path):
            continue
        try:
            content = parse_toml(boundary.read(path, MOST_BYTES_OF_TOML))
        except FileError as error:
            places.append(Place(path, problem=str(error)))
            continue
        if content is None:
            places.append(Place(path, problem="is not TOML"))
            continue
        entries, files = read(content)
        places.append(Place.of(path, entries))
        named += [os.path.join(folder, file) for file in files]
    return places, named


def _of_pyproject(content: dict[str, Any]) -> tuple[Iterator[Entry], list[str]]:
    tool, project = table(content.get("tool")), table(content.get("project"))
    pythons = pythons_of(project.get("requires-python"))
    hatch = table(tool.get("hatch"))
    replacements = list(islice(_replacements(tool, pythons), MOST_ENTRIES))
    entries = (
        _git_sources(tool),
        _of_strings(_requirement_lists(content, tool, project), pythons),
        _of_poetry(table(tool.get("poetry")), pythons),
        pixi_entries(table(tool.get("pixi"))),
        _of_strings(_lists_of_hatch(hatch), pythons),
    )
    constraints = _of_strings(iter([table(tool.get("uv")).get("constraint-dependencies")]), pythons)
    required = _narrowed(chain.from_iterable(entries), list(islice(constraints, MOST_ENTRIES)))
    return iter(replacements) if replacements else required, [
        *_files_of_setuptools(table(tool.get("setuptools"))),
        *_files_of_hatch(hatch),
    ]


def _of_hatch(content: dict[str, Any]) -> tuple[Iterator[Entry], list[str]]:
    return _of_strings(_lists_of_hatch(content), PYTHONS), _files_of_hatch(content)


def _of_strings(values: Iterator[object], pythons: Sequence[str]) -> Iterator[Entry]:
    for value in values:
        for text in strings(value):
            entry = requirement_of_flax(text, pythons)
            if entry is not None:
                yield entry


def _requirement_lists(content: dict[str, Any], tool: dict[str, Any], project: dict[str, Any]) -> Iterator[object]:
    """Lists of requirements as the standards, uv and PDM have them."""
    yield project.get("dependencies")
    yield from table(project.get("optional-dependencies")).values()
    yield from table(content.get("dependency-groups")).values()
    yield table(tool.get("uv")).get("dev-dependencies")
    yield from table(table(tool.get("pdm")).get("dev-dependencies")).values()


def _narrowed(entries: Iterator[Entry], constraints: Sequence[Entry]) -> Iterator[Entry]:
    """What is required, within uv's constraints; they count on their own where nothing is required."""
    limits = [one.bounds for one in constraints if one.bounds is not None and ";" not in one.text]
    is_required = False
    for entry in entries:
        is_required = is_required or entry.bounds is not None
        yield entry if entry.bounds is None else Entry(entry.text, reduce(common, limits, entry.bounds))
    yield from (Entry(one.text) if is_required else one for one in constraints)


def _replacements(tool: dict[str, Any], pythons: Sequence[str]) -> Iterator[Entry]:
    """What counts instead of all bounds: overrides of uv and PDM, and a repository that uv takes Flax from."""
    uv, pdm = table(tool.get("uv")), table(tool.get("pdm"))
    yield from _of_strings(iter([uv.get("override-dependencies")]), pythons)
    override = table(table(pdm.get("resolution")).get("overrides")).get("flax")
    if isinstance(override, str):
        yield constraint_entry(f"flax = {override!r}", override)
    if all("git" in source and "marker" not in source for source in _sources(tool)):
        yield from _git_sources(tool)


def _sources(tool: dict[str, Any]) -> list[dict[str, Any]]:
    sources = table(table(tool.get("uv")).get("sources")).get("flax")
    return list(map(table, sources if isinstance(sources, list) else [sources]))


def _git_sources(tool: dict[str, Any]) -> Iterator[Entry]:
    for source in _sources(tool):
        git, revision = source.get("git"), source.get("tag") or source.get("rev")
        if isinstance(git, str):
            yield Entry(f"flax from {git}", bounds_of_url(f"git+{git}", revision if isinstance(revision, str) else ""))


def _of_poetry(poetry: dict[str, Any], pythons: Sequence[str]) -> Iterator[Entry]:
    for group in (poetry, *map(table, table(poetry.get("group")).values())):
        for key in ("dependencies", "dev-dependencies"):
            yield from table_entries(table(group.get(key)).get("flax"), pythons)


def _lists_of_hatch(hatch: dict[str, Any]) -> Iterator[object]:
    for environment in map(table, table(hatch.get("envs")).values()):
        yield from (environment.get("dependencies"), environment.get("extra-dependencies"))


def _files_of_hatch(hatch: dict[str, Any]) -> list[str]:
    """What hatch-requirements-txt reads."""
    hook = table(table(table(hatch.get("metadata")).get("hooks")).get("requirements_txt"))
    optional = table(hook.get("optional-dependencies")).values()
    return [*strings(hook.get("files")), *strings(hook.get("filename")), *_joined(optional)]


def _files_of_setuptools(setuptools: dict[str, Any]) -> list[str]:
    dynamic = table(setuptools.get("dynamic"))
    directives = [dynamic.get("dependencies"), *table(dynamic.get("optional-dependencies")).values()]
    return _joined(table(directive).get("file") for directive in directives)


def _joined(values: Any) -> list[str]:
    return list(chain.from_iterable(map(strings, values)))
