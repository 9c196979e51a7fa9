"""Reading the files in which a project says what it needs: nothing outside the repository, nothing that hangs."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.files import is_inside, read_bytes
from flake8_nnx_treemap.project.requirements.bounds import Bounds
from flake8_nnx_treemap.project.requirements.entries import MOST_ENTRIES, Entry

MOST_BYTES = 8 * 1024 * 1024
"""A lock file of hundreds of packages has one or two MiB."""

MOST_BYTES_OF_TOML = 1024 * 1024
"""The standard library parses about one MiB a second."""

LONGEST_SHOWN = 160
"""How many characters are shown of what a file says in one place."""


@dataclass(frozen=True, slots=True)
class Place:
    """What was looked at, mostly a file: what it says of Flax, or why it says nothing."""

    path: str
    entries: tuple[Entry, ...] = ()
    problem: str | None = None

    @classmethod
    def of(cls, path: str, entries: Iterable[Entry]) -> Place:
        """A file that says something, with as much of it as anybody writes."""
        return cls(path, tuple(islice(entries, MOST_ENTRIES)))

    @property
    def bounds(self) -> tuple[Bounds, ...]:
        """What it admits, each bound on its own."""
        return tuple(entry.bounds for entry in self.entries if entry.bounds is not None)

    @property
    def said(self) -> str:
        """What it says, for people."""
        return self.problem or "; ".join(dict.fromkeys(_shown(one.text) for one in self.entries)) or "nothing of flax"


def _shown(text: str) -> str:
    """What somebody wrote, as it can be put into a line of ours."""
    short = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in short)


@dataclass(frozen=True, slots=True)
class Boundary:
    """The folder outside which nothing is read, links resolved."""

    folder: str

    def read(self, path: str, most: int = MOST_BYTES) -> str:
        """The text of a file.

        Args:
            path: the file.
            most: how large it may be.

        Raises:
            FileError: it lies outside, is no regular file, is too large, or cannot be read.
        """
        if not is_inside(path, self.folder):
            raise FileError("lies outside the repository; not read")
        return read_text(path, most)


def read_text(path: str, most: int = MOST_BYTES) -> str:
    """The text of a file that need not be in any repository.

    Raises:
        FileError: it is no regular file, is too large, or cannot be read.
    """
    data = read_bytes(path, most)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # What PowerShell writes for ``pip freeze > FILE``.
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def parse_toml(text: str) -> dict[str, Any] | None:
    """What a text of TOML holds; ``None`` if it is not TOML, which is for others to complain about."""
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib
    try:
        content: dict[str, Any] = tomllib.loads(text)
        return content
    except (ValueError, RecursionError):
        return None


def table(value: object) -> dict[str, Any]:
    """A value if it is a table, else an empty one."""
    return value if isinstance(value, dict) else {}


def strings(values: object) -> list[str]:
    """The strings of a list; a string on its own counts as a list of one."""
    if isinstance(values, str):
        return [values]
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
