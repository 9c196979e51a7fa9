"""Texts in which nothing was found, so that the next run need not look at them again. Findings are never kept.

A text is known by a digest of its bytes and of everything that decides what is found in them. A missing digest costs
an analysis. A wrong one would hide findings, so a text is left out in case of doubt. A text whose findings depend on
other files of the project has no digest at all: see ``runner.process_file``.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from flake8_nnx_treemap.project.configuration import Overrides, flax_range_for, settings_for
from flake8_nnx_treemap.project.errors import ConfigurationError, FileError
from flake8_nnx_treemap.project.files import read_bytes, reason_of
from flake8_nnx_treemap.project.writing import write_whole

if TYPE_CHECKING:
    from flake8_nnx_treemap.rules.settings import LintSettings

DIGEST_SIZE = 16
MOST_DIGESTS = 65_536
"""One MiB of them. Where there are more, those that came first are forgotten."""

NAME = "nothing-found"
"""The file in the cache's folder: digests, one after the other, the newest first."""

_MARKS = {
    ".gitignore": b"# Made by nnx-fix.\n*\n",
    "CACHEDIR.TAG": b"Signature: 8a477f597d28d172789f06886806bc55\n# Made by nnx-fix; see https://bford.info/cachedir/\n",
}
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclass(slots=True)
class Cache:
    """The digests that earlier runs left in a folder."""

    folder: str
    fingerprint: bytes
    """What decides what is found, besides a text and its settings."""
    digests: frozenset[bytes]
    problem: str | None = None
    """Why this run could not be remembered."""

    def unknown(self, paths: Sequence[str], overrides: Overrides, *, counts_for_newest: bool = False) -> list[str]:
        """The files that have to be looked at.

        Args:
            paths: files that may hold findings.
            overrides: what the command line says about rules.
            counts_for_newest: whether files of projects that say nothing of Flax are looked at for the newest, too.
        """
        if not self.digests:
            return list(paths)
        return [path for path in paths if not self._knows(path, overrides, counts_for_newest)]

    def _knows(self, path: str, overrides: Overrides, counts_for_newest: bool) -> bool:
        try:
            data, settings = read_bytes(path), settings_for(path, overrides)
            also_newest = counts_for_newest and flax_range_for(path, overrides).is_assumed
        except (FileError, ConfigurationError):
            return False  # Whoever looks at it says what is wrong.
        return digest_of(data, path, settings, self.fingerprint, also_newest=also_newest) in self.digests

    def remember(self, digests: Iterable[bytes]) -> None:
        """Add to what is known; if that fails, ``problem`` says why."""
        new = [digest for digest in dict.fromkeys(digests) if digest not in self.digests]
        if not new or _fingerprint() != self.fingerprint:  # While this ran, what it consists of has changed.
            return
        path = os.path.join(self.folder, NAME)
        try:
            _make(self.folder)
            # Read anew, since other runs may have added to it.
            write_whole(path, b"".join([*dict.fromkeys((*new, *_digests_in(path)))][:MOST_DIGESTS]))
        except (FileError, OSError, ValueError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else error
            self.problem = f"the cache in {self.folder}: {reason}"


def open_cache(folder: str) -> Cache | None:
    """Read the cache of earlier runs.

    Args:
        folder: where it is kept; it is made as soon as there is something to keep.

    Returns:
        The cache; ``None`` if it cannot be told what this program consists of, since then nothing can be known.
    """
    fingerprint = _fingerprint()
    if fingerprint is None:
        return None
    return Cache(folder, fingerprint, frozenset(_digests_in(os.path.join(folder, NAME))))


def digest_of(
    data: bytes, path: str, settings: LintSettings, fingerprint: bytes, *, also_newest: bool = False
) -> bytes:
    """The digest by which a text is known.

    Args:
        data: the file's bytes.
        path: its name; the format and whether it is an ``__init__.py`` are read off its last part, and nothing else.
        settings: what it is held to.
        fingerprint: as the cache has it.
        also_newest: whether it is held to the newest Flax as well.
    """
    codes = None if settings.select is None else sorted(settings.select)
    flax = (settings.flax_range, also_newest)
    safety = (settings.unsafe_fixes, sorted(settings.extend_safe_fixes), sorted(settings.extend_unsafe_fixes))
    held_to = ascii((os.path.basename(path), codes, flax, *safety)).encode()
    return hashlib.blake2b(held_to + b"\0" + data, digest_size=DIGEST_SIZE, key=fingerprint).digest()


def _fingerprint() -> bytes | None:
    """A digest of what runs: this Python, LibCST's version and parser, every module of this package.

    Its content, not its version or times: those stay the same in a development install, or differ in every new one.
    """
    libcst = find_spec("libcst")
    if libcst is None or libcst.origin is None:
        return None
    digest = hashlib.blake2b(digest_size=DIGEST_SIZE)
    try:
        for path in (os.path.join(os.path.dirname(libcst.origin), "_version.py"), *_modules_below(_PACKAGE)):
            data = read_bytes(path)
            digest.update(ascii((os.path.basename(path), len(data))).encode() + data)
    except (FileError, OSError):
        return None
    digest.update(ascii((sys.version, os.environ.get("LIBCST_PARSER_TYPE"))).encode())
    return digest.digest()


def _modules_below(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.endswith((".py", ".pyc")):
                yield entry.path
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _modules_below(entry.path)


def _digests_in(path: str) -> list[bytes]:
    """The digests in a file; none if it cannot be read. Whatever else it contains matches no text."""
    try:
        data = read_bytes(path, DIGEST_SIZE * MOST_DIGESTS, follows_links=False)
    except FileError:
        return []
    return [data[start : start + DIGEST_SIZE] for start in range(0, len(data) - DIGEST_SIZE + 1, DIGEST_SIZE)]


def _make(folder: str) -> None:
    """Make a cache's folder, with files that tell git and backups to skip it. A folder with other content gets none."""
    os.makedirs(folder, exist_ok=True)
    if not os.listdir(folder):
        for name, content in _MARKS.items():
            write_whole(os.path.join(folder, name), content)
