"""The line length of a project, from the settings of its formatter, linter or editor. Mistakes in these are ignored."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.requirements.plain_files import MOST_BYTES_OF_TOML, Boundary, parse_toml, table


@dataclass(frozen=True, slots=True)
class Formatting:
    """What a project's files say of layout."""

    line_length: int = 88
    keeps_commas: bool = True
    """Whether a comma behind the last argument keeps arguments on lines of their own."""


_SHORTEST, _LONGEST = 20, 1000
"""What is taken for the length of a line; some write 9999 for as long as they like."""

_STYLES = {"pep8": 79, "google": 80, "yapf": 80, "chromium": 80, "facebook": 80}
"""The lengths in the styles that yapf knows."""


def formatting_for(filename: str) -> Formatting:
    """Return what counts for a file: what the nearest folder says that says anything.

    In one folder, ruff is asked before black, pyink and yapf, these before flake8, and all before ``.editorconfig``.
    """
    return _formatting_in(os.path.dirname(os.path.abspath(filename)))


@cache
def _formatting_in(folder: str) -> Formatting:
    from flake8_nnx_treemap.project.requirements.search import folders_to_search  # With all that reads requirements.

    folders, boundary = folders_to_search(folder)
    for one in folders:
        found = next(_said_in(one, boundary), None)
        if found is not None:
            return found
    return Formatting()


def forget_formatting() -> None:
    """Look at the disk again when something is asked for next."""
    _formatting_in.cache_clear()


def _said_in(folder: str, boundary: Boundary) -> Iterator[Formatting]:
    def read(name: str) -> str:
        path = os.path.join(folder, name)
        if not os.path.lexists(path):
            return ""
        try:
            return boundary.read(path, MOST_BYTES_OF_TOML)
        except FileError:
            return ""

    tools = table((parse_toml(read("pyproject.toml")) or {}).get("tool"))
    for name in (".ruff.toml", "ruff.toml"):
        yield from _of_ruff(parse_toml(read(name)) or {})
    yield from _of_ruff(table(tools.get("ruff")))
    for name in ("black", "pyink"):
        yield from _of_black(tools, name)
    yield from _of_yapf(tools, read)
    yield from _of_flake8(tools, read)
    yield from _of_editors(read(".editorconfig"))


def _of_ruff(content: dict[str, Any]) -> Iterator[Formatting]:
    if content and "extend" not in content:
        skips = table(content.get("format")).get("skip-magic-trailing-comma") is True
        yield Formatting(_length(content.get("line-length")) or 88, not skips)


def _of_black(tools: dict[str, Any], name: str) -> Iterator[Formatting]:
    if name in tools:
        settings = table(tools[name])
        length = _length(settings.get("line-length", settings.get("line_length")))
        skips = settings.get("skip-magic-trailing-comma", settings.get("skip_magic_trailing_comma")) is True
        yield Formatting(length or (80 if name == "pyink" else 88), not skips)


def _of_yapf(tools: dict[str, Any], read: Callable[[str], str]) -> Iterator[Formatting]:
    found = [
        table(tools.get("yapf")),
        _section(read(".style.yapf"), "style"),
        _section(read("setup.cfg"), "yapf"),
    ]
    for settings in found:
        length = _length(settings.get("column_limit")) or _STYLES.get(str(settings.get("based_on_style", "")).lower())
        if settings:
            yield Formatting(length or 79)


def _of_flake8(tools: dict[str, Any], read: Callable[[str], str]) -> Iterator[Formatting]:
    found = [_section(read(name), "flake8") for name in (".flake8", "setup.cfg", "tox.ini")]
    found += [table(tools.get("flake8")), _section(read("setup.cfg"), "pycodestyle")]
    for settings in found:
        length = _length(settings.get("max-line-length", settings.get("max_line_length")))
        if length:
            yield Formatting(length)


def _of_editors(text: str) -> Iterator[Formatting]:
    length: int | None = None
    is_for_python = False
    for line in text.splitlines():
        section = re.fullmatch(r"\s*\[(.+)\]\s*(?:[#;].*)?", line)
        if section:
            is_for_python = any(fnmatch.fnmatchcase("a.py", one) for one in _alternatives(section[1]))
        key, _, value = line.partition("=")
        if is_for_python and key.strip().lower() == "max_line_length":
            length = _length(value)
    if length:
        yield Formatting(length)


def _alternatives(pattern: str) -> list[str]:
    """The patterns that one with ``{a,b}`` in it stands for."""
    braces = re.fullmatch(r"([^{}]*)\{([^{}]*)\}([^{}]*)", pattern)
    return [pattern] if braces is None else [f"{braces[1]}{one.strip()}{braces[3]}" for one in braces[2].split(",")]


def _section(text: str, name: str) -> dict[str, Any]:
    if f"[{name}]" not in text:
        return {}
    import configparser  # Only where there is such a file.

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return dict(parser.items(name)) if parser.has_section(name) else {}


def _length(value: object) -> int | None:
    """A length as a number or a text of one; ``None`` if it is none that a line has."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,5}\s*", value):
        value = int(value)
    is_length = isinstance(value, int) and not isinstance(value, bool) and _SHORTEST <= value <= _LONGEST
    return value if is_length and isinstance(value, int) else None
