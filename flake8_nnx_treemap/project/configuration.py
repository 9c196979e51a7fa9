"""``[tool.nnx-treemap]`` in the nearest pyproject.toml, and what the command line says over it."""

from __future__ import annotations

import contextlib
import fnmatch
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from flake8_nnx_treemap.project.discovery import DEFAULT_EXCLUDES
from flake8_nnx_treemap.project.errors import ConfigurationError
from flake8_nnx_treemap.project.files import is_inside
from flake8_nnx_treemap.project.flax_floor import FlaxFloor, infer_floor, parse_target, read_toml
from flake8_nnx_treemap.rules.catalogue import CODES, DEFAULT_CODES
from flake8_nnx_treemap.rules.settings import LintSettings

TABLE = "nnx-treemap"
CACHE_DIR = ".nnx_treemap_cache"
MAX_FILE_SIZE = 5_000_000
"""Far more than people write in one file; an analysis takes some seconds, and a hundred times as much memory."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says; ``None`` and empty leave things as the configuration has them."""

    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    target_flax: str | None = None
    unsafe_fixes: bool | None = None
    cache: bool | None = None
    cache_dir: str | None = None
    max_file_size: int | None = None
    is_isolated: bool = False


@dataclass(frozen=True, slots=True)
class Configuration:
    """What one pyproject.toml says; ``path`` is ``None`` where there is none."""

    path: str | None = None
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: frozenset[str] = DEFAULT_EXCLUDES
    target_flax: str | None = None
    unsafe_fixes: bool = False
    respect_gitignore: bool = True
    include_markdown: bool = False
    cache: bool = False
    cache_dir: str = CACHE_DIR
    max_file_size: int = MAX_FILE_SIZE


def codes_named(prefixes: Iterable[str], where: str) -> frozenset[str]:
    """The rule codes that selectors such as ``NNX101``, ``NNX1`` or ``ALL`` stand for.

    Raises:
        ConfigurationError: a selector stands for no rule.
    """
    codes: set[str] = set()
    for prefix in prefixes:
        found = {code for code in CODES if prefix == "ALL" or code.startswith(prefix)}
        if not found or not prefix:
            raise ConfigurationError(f"{where}: {prefix!r} is no rule; nnx-fix --list-rules lists them")
        codes |= found
    return frozenset(codes)


def configuration_for(filename: str) -> Configuration:
    """The configuration that counts for a file: that of the nearest pyproject.toml with our table in it.

    Raises:
        ConfigurationError: that table is wrong.
    """
    return _configuration_in(os.path.dirname(os.path.abspath(filename)))


@cache
def _configuration_in(folder: str) -> Configuration:
    path = os.path.join(folder, "pyproject.toml")
    if os.path.isfile(path):
        table = read_toml(path).get("tool", {}).get(TABLE)
        if table is not None:
            return _read(path, table)
    parent = os.path.dirname(folder)
    return Configuration() if parent == folder else _configuration_in(parent)


def settings_for(filename: str, overrides: Overrides) -> LintSettings:
    """What the engine runs with for one file.

    Raises:
        ConfigurationError: the configuration or the command line is wrong.
    """
    configuration = Configuration() if overrides.is_isolated else configuration_for(filename)
    where = configuration.path or "command line"
    chosen = overrides.select if overrides.select is not None else configuration.select
    codes = DEFAULT_CODES if chosen is None else codes_named(chosen, where)
    codes |= codes_named((*configuration.extend_select, *overrides.extend_select), where)
    codes -= codes_named((*configuration.ignore, *overrides.ignore), where)
    codes -= _ignored_for(filename, configuration)
    unsafe = configuration.unsafe_fixes if overrides.unsafe_fixes is None else overrides.unsafe_fixes
    return LintSettings(codes, flax_floor_for(filename, overrides).release, unsafe)


def max_file_size_for(filename: str, overrides: Overrides) -> int:
    """How many characters of Python a file may have to be analysed.

    Raises:
        ConfigurationError: the configuration is wrong.
    """
    if overrides.max_file_size is not None:
        return overrides.max_file_size
    return MAX_FILE_SIZE if overrides.is_isolated else configuration_for(filename).max_file_size


def flax_floor_for(filename: str, overrides: Overrides) -> FlaxFloor:
    """The Flax floor of a file, and what decided it.

    Raises:
        ConfigurationError: the target is no release.
    """
    configuration = Configuration() if overrides.is_isolated else configuration_for(filename)
    if overrides.target_flax is not None:
        return FlaxFloor(_target(overrides.target_flax, "--target-flax"), "--target-flax")
    if configuration.target_flax is not None:
        return FlaxFloor(parse_target(configuration.target_flax), f"target-flax in {configuration.path}")
    if overrides.is_isolated:
        return FlaxFloor(parse_target("portable"), "default: portable")
    return infer_floor(filename)


def cache_folder(overrides: Overrides) -> str | None:
    """Where a run keeps its cache: one for all its files, whichever projects they are of.

    Args:
        overrides: what the command line says; beyond that, the configuration around the current folder counts.

    Returns:
        The folder, which need not exist; ``None`` if nothing is kept.

    Raises:
        ConfigurationError: the configuration, or a link that the repository has, leads out of the project.
    """
    configuration = Configuration()
    if overrides.cache is not False and not overrides.is_isolated:
        with contextlib.suppress(ConfigurationError):  # The files that it counts for say so.
            configuration = configuration_for("pyproject.toml")
    is_wanted = overrides.cache
    if is_wanted is None:
        is_wanted = configuration.cache or overrides.cache_dir is not None
    if not is_wanted:
        return None
    if overrides.cache_dir:
        return overrides.cache_dir
    project = os.path.dirname(configuration.path or "")
    folder = os.path.join(project, configuration.cache_dir)
    if not is_inside(folder, project):
        where = configuration.path or folder
        raise ConfigurationError(f"{where}: 'cache-dir' leads out of the project; --cache-dir may name any folder")
    return folder


def _target(value: str, where: str) -> tuple[int, ...]:
    try:
        return parse_target(value)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _ignored_for(filename: str, configuration: Configuration) -> frozenset[str]:
    if not configuration.per_file_ignores or configuration.path is None:
        return frozenset()
    relative = os.path.relpath(os.path.abspath(filename), os.path.dirname(configuration.path))
    ignored: set[str] = set()
    for pattern, codes in configuration.per_file_ignores.items():
        names = (relative.replace(os.sep, "/"), os.path.basename(filename))
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            ignored |= codes_named(codes, configuration.path)
    return frozenset(ignored)


# Reading the table


def _read(path: str, table: object) -> Configuration:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: [tool.{TABLE}] must be a table")
    values = dict(table)
    reader = _Reader(path, values)
    configuration = Configuration(
        path=path,
        select=reader.codes("select") if "select" in values else None,
        ignore=reader.codes("ignore"),
        extend_select=reader.codes("extend-select"),
        per_file_ignores=reader.codes_by_pattern("per-file-ignores"),
        exclude=frozenset(reader.strings("exclude", DEFAULT_EXCLUDES)) | frozenset(reader.strings("extend-exclude")),
        target_flax=reader.target("target-flax"),
        unsafe_fixes=reader.flag("unsafe-fixes", False),
        respect_gitignore=reader.flag("respect-gitignore", True),
        include_markdown=reader.flag("include-markdown", False),
        cache=reader.flag("cache", False),
        cache_dir=reader.folder("cache-dir", CACHE_DIR),
        max_file_size=reader.size("max-file-size", MAX_FILE_SIZE),
    )
    for unknown in sorted(values):
        raise ConfigurationError(f"{path}: unknown key {unknown!r} in [tool.{TABLE}]")
    return configuration


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes values out of the table, so that what is left is unknown."""

    path: str
    values: dict[str, Any]

    def fail(self, key: str, wanted: str) -> ConfigurationError:
        return ConfigurationError(f"{self.path}: {key!r} in [tool.{TABLE}] must be {wanted}")

    def strings(self, key: str, default: Iterable[str] = ()) -> tuple[str, ...]:
        value = self.values.pop(key, list(default))
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.fail(key, "a list of strings")
        return tuple(value)

    def codes(self, key: str) -> tuple[str, ...]:
        found = self.strings(key)
        codes_named(found, f"{self.path}: {key!r} in [tool.{TABLE}]")
        return found

    def codes_by_pattern(self, key: str) -> dict[str, tuple[str, ...]]:
        value = self.values.pop(key, {})
        if not isinstance(value, dict):
            raise self.fail(key, "a table of patterns and rule codes")
        found = {}
        for pattern, codes in value.items():
            reader = _Reader(self.path, {key: codes})
            found[pattern] = reader.codes(key)
        return found

    def target(self, key: str) -> str | None:
        value = self.values.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.fail(key, 'a string such as "0.12" or "portable"')
        _target(value, f"{self.path}: {key!r} in [tool.{TABLE}]")
        return value

    def folder(self, key: str, default: str) -> str:
        value = self.values.pop(key, default)
        if not isinstance(value, str) or not value:
            raise self.fail(key, "the name of a folder")
        return value

    def size(self, key: str, default: int) -> int:
        value = self.values.pop(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.fail(key, "a number of characters")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.values.pop(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, "true or false")
        return value
