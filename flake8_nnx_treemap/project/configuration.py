"""``[tool.nnx-treemap]`` in the nearest pyproject.toml, and what the command line says over it."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from flake8_nnx_treemap.names import PORTABLE, PORTABLE_RANGE, FlaxRange, release_text
from flake8_nnx_treemap.project.discovery import DEFAULT_EXCLUDES, is_repository_root
from flake8_nnx_treemap.project.errors import ConfigurationError, FileError
from flake8_nnx_treemap.project.files import is_inside, read_bytes
from flake8_nnx_treemap.project.flax_range import (
    FlaxDecision,
    forget_projects,
    infer_range,
    parse_target,
    said_outright,
)
from flake8_nnx_treemap.project.formatting import Formatting, forget_formatting, formatting_for
from flake8_nnx_treemap.project.requirements.plain_files import Place
from flake8_nnx_treemap.rules.catalogue import DEFAULT_CODES
from flake8_nnx_treemap.rules.settings import LintSettings, codes_for, did_you_mean

TABLE = "nnx-treemap"
_OUR_NAMES = ("nnxtreemap", "nnxfix", "flake8nnxtreemap")
"""Names under which people look for the table, letters and digits alone."""

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
    line_length: int | None = None
    is_isolated: bool = False
    config: str | None = None
    """A file whose table counts instead of those around the files."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What one pyproject.toml says; ``path`` is ``None`` where there is none."""

    path: str | None = None
    folder: str = ""
    """What patterns and ``cache-dir`` are relative to."""
    warnings: tuple[str, ...] = ()
    """What is not wrong, and yet not what somebody meant."""
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: frozenset[str] = DEFAULT_EXCLUDES
    target_flax: str | None = None
    unsafe_fixes: bool = False
    extend_safe_fixes: tuple[str, ...] = ()
    extend_unsafe_fixes: tuple[str, ...] = ()
    respect_gitignore: bool = True
    include_markdown: bool = False
    cache: bool = False
    cache_dir: str = CACHE_DIR
    max_file_size: int = MAX_FILE_SIZE
    line_length: int | None = None
    """How long lines may be; ``None`` where other tools of the project are asked."""


def codes_named(selectors: Iterable[str], where: str) -> frozenset[str]:
    """The rule codes that selectors such as ``NNX101``, ``NNX1`` or ``ALL`` stand for.

    Raises:
        ConfigurationError: a selector stands for no rule.
    """
    try:
        return codes_for(selectors)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def configuration_of(filename: str, overrides: Overrides) -> Configuration:
    """The configuration that counts for a file, unless the command line says that none does, or which.

    Raises:
        ConfigurationError: it is wrong.
    """
    if overrides.is_isolated:
        return Configuration()
    return configuration_for(filename) if overrides.config is None else configuration_at(overrides.config)


def configuration_for(filename: str) -> Configuration:
    """The configuration that counts for a file: that of the nearest pyproject.toml with our table in its repository.

    Raises:
        ConfigurationError: that table is wrong, or a pyproject.toml on the way to it.
    """
    return _configuration_in(os.path.dirname(os.path.abspath(filename)))


@cache
def configuration_at(path: str) -> Configuration:
    """The configuration that a file holds; what is relative in it is so to the current folder, as with ruff.

    Raises:
        ConfigurationError: there is no such file, it has no table of ours, or it is wrong.
    """
    table, warnings, text = _table_in(path)
    if table is None:
        raise ConfigurationError("; ".join((f"{path}: has no table [tool.{TABLE}]", *warnings)))
    return _read(path, os.getcwd(), table, text, warnings)


@cache
def _configuration_in(folder: str) -> Configuration:
    holder: str | None = folder
    while holder is not None and not os.path.isfile(os.path.join(holder, "pyproject.toml")):
        holder = _parent(holder)
    if holder is None:
        return Configuration()
    if holder != folder:
        return _configuration_in(holder)
    path = os.path.join(folder, "pyproject.toml")
    table, warnings, text = _table_in(path)
    if table is not None:
        return _read(path, folder, table, text, warnings)
    parent = _parent(folder)
    above = Configuration() if parent is None else _configuration_in(parent)
    return replace(above, warnings=(*warnings, *above.warnings)) if warnings else above


def _parent(folder: str) -> str | None:
    parent = os.path.dirname(folder)
    return None if parent == folder or is_repository_root(folder) else parent


def settings_for(filename: str, overrides: Overrides) -> LintSettings:
    """What the engine runs with for one file.

    Raises:
        ConfigurationError: the configuration or the command line is wrong.
    """
    configuration = configuration_of(filename, overrides)
    where = configuration.path or "command line"
    chosen = overrides.select if overrides.select is not None else configuration.select
    codes = DEFAULT_CODES if chosen is None else codes_named(chosen, where)
    codes |= codes_named((*configuration.extend_select, *overrides.extend_select), where)
    codes -= codes_named((*configuration.ignore, *overrides.ignore), where)
    codes -= _ignored_for(filename, configuration)
    unsafe = configuration.unsafe_fixes if overrides.unsafe_fixes is None else overrides.unsafe_fixes
    formatting = Formatting() if overrides.is_isolated else formatting_for(filename)
    return LintSettings(
        codes,
        flax_range_for(filename, overrides).range,
        unsafe,
        codes_named(configuration.extend_safe_fixes, where),
        codes_named(configuration.extend_unsafe_fixes, where),
        overrides.line_length or configuration.line_length or formatting.line_length,
        formatting.keeps_commas,
    )


def max_file_size_for(filename: str, overrides: Overrides) -> int:
    """How many characters of Python a file may have to be analysed.

    Raises:
        ConfigurationError: the configuration is wrong.
    """
    if overrides.max_file_size is not None:
        return overrides.max_file_size
    return configuration_of(filename, overrides).max_file_size


def flax_range_for(filename: str, overrides: Overrides) -> FlaxDecision:
    """The Flax releases that a file is held to, and what decided it.

    Raises:
        ConfigurationError: the target is no release, or the configuration is wrong.
    """
    configuration = configuration_of(filename, overrides)
    if overrides.target_flax is not None:
        return said_outright(_target(overrides.target_flax, "--target-flax"), "--target-flax", overrides.target_flax)
    said, where = configuration.target_flax, f"target-flax in {configuration.path}"
    if said is not None:
        return said_outright(parse_target(said), where, said)
    if overrides.is_isolated:
        return FlaxDecision(PORTABLE_RANGE, "default: portable")
    decision = infer_range(filename)
    if configuration.path is None:
        return decision
    return replace(decision, places=(Place(where, problem="not set"), *decision.places))


def complaints_about_targets(filenames: Iterable[str], overrides: Overrides) -> list[str]:
    """What is to be said of targets that leave out releases which the files' own projects admit.

    Args:
        filenames: files of any projects; they need not exist.
        overrides: what the command line says.

    Returns:
        Each thing once. Nothing is said of a project that states no lowest Flax, nor of a configuration that is wrong.
    """
    said: dict[str, None] = {}
    for filename in {os.path.dirname(os.path.abspath(name)): name for name in filenames}.values():
        with contextlib.suppress(ConfigurationError):
            said.update(dict.fromkeys(_complaint_about_target(filename, overrides)))
    return list(said)


def _complaint_about_target(filename: str, overrides: Overrides) -> Iterator[str]:
    if overrides.is_isolated:
        return
    target = flax_range_for(filename, overrides)
    if target.range.lowest <= PORTABLE:
        return
    project = infer_range(filename)
    lowest = project.range.lowest if project.range.floor_is_stated else project.range.highest
    if lowest is not None and lowest < target.range.lowest:
        admitted = f"{target.decided_by} is {target.range}, but {project.decided_by} means {project.range}"
        yield f"{admitted}: what a fix writes may not run on {release_text(lowest)}"


def forget_configurations() -> None:
    """Read configuration and requirements again when they are asked for next: a file that holds them has changed."""
    _configuration_in.cache_clear()
    forget_formatting()
    forget_projects()


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
    if overrides.cache is not False:
        with contextlib.suppress(ConfigurationError):  # The files that it counts for say so.
            configuration = configuration_of("pyproject.toml", overrides)
    is_wanted = overrides.cache
    if is_wanted is None:
        is_wanted = configuration.cache or overrides.cache_dir is not None
    if not is_wanted:
        return None
    if overrides.cache_dir:
        return overrides.cache_dir
    folder = os.path.join(configuration.folder, configuration.cache_dir)
    if not is_inside(folder, configuration.folder):
        where = configuration.path or folder
        raise ConfigurationError(f"{where}: 'cache-dir' leads out of the project; --cache-dir may name any folder")
    return folder


def checked_configurations(filenames: Iterable[str], overrides: Overrides) -> list[str]:
    """Read all configurations of a run before it does anything.

    Args:
        filenames: the files that will be looked at closely.
        overrides: what the command line says.

    Returns:
        What is to be said of them, each thing once.

    Raises:
        ConfigurationError: one of them is wrong.
    """
    found = (configuration_of(filename, overrides).warnings for filename in filenames)
    return list(dict.fromkeys(warning for warnings in found for warning in warnings))


def _target(value: str, where: str) -> FlaxRange:
    try:
        return parse_target(value)
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _ignored_for(filename: str, configuration: Configuration) -> frozenset[str]:
    if not configuration.per_file_ignores or configuration.path is None:
        return frozenset()
    relative = os.path.relpath(os.path.abspath(filename), configuration.folder)
    ignored: set[str] = set()
    for pattern, codes in configuration.per_file_ignores.items():
        names = (relative.replace(os.sep, "/"), os.path.basename(filename))
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            ignored |= codes_named(codes, configuration.path)
    return frozenset(ignored)


# Reading the table


def _table_in(path: str) -> tuple[object, tuple[str, ...], str]:
    """Our table in a TOML file, ``None`` if it has none; what is to be said of names like it; the file's text.

    Raises:
        ConfigurationError: the file is no TOML, or has something else where tables are on the way to ours.
    """
    text, content = _toml(path)
    tools = content.get("tool", {})
    if not isinstance(tools, dict):
        raise ConfigurationError(f"{path}{_line(text, 'tool')}: 'tool' must be a table")
    others = [f"tool.{name}" for name in tools if name != TABLE and _looks_like_ours(name)]
    others += [name for name in content if _looks_like_ours(name)]
    warnings = tuple(
        f"{path}{_line(text, name.removeprefix('tool.'))}: [{name}] is read by nobody; ours is [tool.{TABLE}]"
        for name in others
    )
    return tools.get(TABLE), warnings, text


def _looks_like_ours(name: str) -> bool:
    letters = re.sub("[^a-z0-9]", "", name.lower())
    if "nnx" not in letters:
        return False
    import difflib  # Only where there may be a slip.

    return bool(difflib.get_close_matches(letters, _OUR_NAMES, 1, 0.9))


def _toml(path: str) -> tuple[str, dict[str, Any]]:
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib
    data = b""
    try:
        data = read_bytes(path)
        text = data.decode("utf-8")
        return text, tomllib.loads(text)
    except FileError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}:{data.count(10, 0, error.start) + 1}: is not TOML: not UTF-8") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: is nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(_complaint_of_toml(path, data, str(error))) from None
    except ValueError:  # An integer of more digits than Python converts.
        raise ConfigurationError(f"{path}: is not TOML: a number has too many digits") from None


def _complaint_of_toml(path: str, data: bytes, message: str) -> str:
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    if place is None:
        return f"{path}: is not TOML: {message}"
    if data.startswith(BOM_UTF8):
        return f"{path}:1: is not TOML: starts with a byte order mark"
    row = place[1] or data.rstrip().count(b"\n") + 1
    reason = message[: place.start()]
    return f"{path}:{row}: is not TOML: {reason[:1].lower()}{reason[1:]}"


def _line(text: str, key: str) -> str:
    """``:row`` of the first line that gives a key, or a table of its name; empty if it cannot be told."""
    word = rf"""["']?{re.escape(key)}["']?"""
    found = re.search(rf"^[ \t]*(?:\[+[^\]\n#]*?)?{word}[ \t]*[.=\]]|[{{,][ \t]*{word}[ \t]*=", text, re.MULTILINE)
    return f":{text.count(chr(10), 0, found.start()) + 1}" if found else ""


def _read(path: str, folder: str, table: object, text: str, warnings: tuple[str, ...]) -> Configuration:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}{_line(text, TABLE)}: [tool.{TABLE}] must be a table")
    values = dict(table)
    reader = _Reader(path, text, values)
    configuration = Configuration(
        path=path,
        folder=folder,
        warnings=warnings,
        select=reader.codes("select") if "select" in values else None,
        ignore=reader.codes("ignore"),
        extend_select=reader.codes("extend-select"),
        per_file_ignores=reader.codes_by_pattern("per-file-ignores"),
        exclude=frozenset(reader.strings("exclude", DEFAULT_EXCLUDES)) | frozenset(reader.strings("extend-exclude")),
        target_flax=reader.target("target-flax"),
        unsafe_fixes=reader.flag("unsafe-fixes", False),
        extend_safe_fixes=reader.codes("extend-safe-fixes"),
        extend_unsafe_fixes=reader.codes("extend-unsafe-fixes"),
        respect_gitignore=reader.flag("respect-gitignore", True),
        include_markdown=reader.flag("include-markdown", False),
        cache=reader.flag("cache", False),
        cache_dir=reader.folder("cache-dir", CACHE_DIR),
        max_file_size=reader.size("max-file-size", MAX_FILE_SIZE),
        line_length=reader.size("line-length", 0) or None,
    )
    for unknown in sorted(values):
        raise ConfigurationError(_unknown_key(reader, unknown))
    return configuration


def _unknown_key(reader: _Reader, key: str) -> str:
    fields = Configuration.__dataclass_fields__.keys() - {"path", "folder", "warnings"}
    known = {name.replace("_", "-") for name in fields} | {"extend-exclude"}
    like = did_you_mean(key, {name: repr(name) for name in known})
    return f"{reader.place(key)}: unknown key {key!r} in [tool.{TABLE}]{like}"


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes values out of the table, so that what is left is unknown."""

    path: str
    text: str
    values: dict[str, Any]
    table: str = f"tool.{TABLE}"

    def place(self, key: str) -> str:
        """The file, and the line of a key of the table."""
        start = re.search(
            rf"""^[ \t]*(?:\[[ \t]*tool[ \t]*(?:\]|\.[ \t]*["']?{TABLE}\b)|tool\b)""", self.text, re.MULTILINE
        )
        skipped = start.start() if start else 0
        line = _line(self.text[skipped:], key)
        return f"{self.path}:{int(line[1:]) + self.text.count(chr(10), 0, skipped)}" if line else self.path

    def fail(self, key: str, wanted: str) -> ConfigurationError:
        return ConfigurationError(f"{self.place(key)}: {key!r} in [{self.table}] must be {wanted}")

    def strings(self, key: str, default: Iterable[str] = ()) -> tuple[str, ...]:
        value = self.values.pop(key, list(default))
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.fail(key, "a list of strings")
        return tuple(value)

    def codes(self, key: str) -> tuple[str, ...]:
        found = self.strings(key)
        codes_named(found, f"{self.place(key)}: {key!r} in [{self.table}]")
        return found

    def codes_by_pattern(self, key: str) -> dict[str, tuple[str, ...]]:
        value = self.values.pop(key, {})
        if not isinstance(value, dict):
            raise self.fail(key, "a table of patterns and rule codes")
        found = {}
        for pattern, codes in value.items():
            found[pattern] = _Reader(self.path, self.text, {pattern: codes}, f"{self.table}.{key}").codes(pattern)
        return found

    def target(self, key: str) -> str | None:
        value = self.values.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.fail(key, 'a string such as "0.12", ">=0.10,<0.11" or "portable"')
        _target(value, f"{self.place(key)}: {key!r} in [tool.{TABLE}]")
        return value

    def folder(self, key: str, default: str) -> str:
        value = self.values.pop(key, default)
        if not isinstance(value, str) or not value or "\0" in value:
            raise self.fail(key, "the name of a folder")
        # Whoever looks through somebody else's code must not write elsewhere for it.
        if os.path.isabs(value) or os.path.normpath(value).split(os.sep)[0] == os.pardir:
            raise self.fail(key, "a folder below that of the configuration; --cache-dir may name any")
        return value

    def size(self, key: str, default: int) -> int:
        if key not in self.values:
            return default
        value = self.values.pop(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.fail(key, "a number of characters")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self.values.pop(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, "true or false")
        return value
