"""The baseline: a file that lists known findings, so that only new ones are reported.

An entry is a file, a code, a fingerprint of the line of source on which the finding starts, and how many findings have
all three. White space does not count. So an entry stays valid when its line moves, and not when the line changes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from flake8_nnx_treemap.analysis.code.text import line_starts
from flake8_nnx_treemap.project.errors import ConfigurationError, FileError
from flake8_nnx_treemap.project.files import read_bytes
from flake8_nnx_treemap.project.writing import write_whole
from flake8_nnx_treemap.rules.rule import Finding

VERSION = 1
KEYS = ("path", "code", "fingerprint")

Key = tuple[str, str, str]
"""Path, code and fingerprint."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a baseline file says; paths in it are relative to its folder."""

    folder: str
    counts: Mapping[Key, int]

    def split(self, path: str, text: str, findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
        """Tell new findings from known ones: of findings that are alike, the first are the known ones.

        Args:
            path: the file.
            text: the text that the findings refer to.
            findings: what was found in it, in order.

        Returns:
            The new ones, and the known ones.
        """
        left = Counter(self.counts)
        new: list[Finding] = []
        known: list[Finding] = []
        for finding, key in zip(findings, keys_of(self._name(path), text, findings), strict=True):
            (known if left[key] > 0 else new).append(finding)
            left[key] -= 1
        return new, known

    def gone(self, paths: Sequence[str], failed: Iterable[str], known: Mapping[str, int]) -> int:
        """How many entries no longer have a finding.

        Args:
            paths: the files and folders that were looked at.
            failed: files that could not be looked at.
            known: the number of known findings in each file that has any.
        """
        is_clear = self._clear(paths, failed)
        expected: Counter[str] = Counter()
        for (path, _, _), count in self.counts.items():
            if is_clear(path):
                expected[path] += count
        expected.subtract({self._name(path): count for path, count in known.items()})
        return sum(count for count in expected.values() if count > 0)

    def pruned(
        self, paths: Sequence[str], failed: Iterable[str], found: Iterable[tuple[str, str, Sequence[Finding]]]
    ) -> Counter[Key]:
        """What is left of the entries without those that no longer have a finding.

        Args:
            paths: the files and folders that were looked at.
            failed: files that could not be looked at.
            found: each file with the text that its findings refer to, and its known findings.
        """
        is_clear = self._clear(paths, failed)
        known = Counter(key for name, text, findings in found for key in keys_of(self._name(name), text, findings))
        left = {key: min(count, known[key]) if is_clear(key[0]) else count for key, count in self.counts.items()}
        return Counter({key: count for key, count in left.items() if count > 0})

    def _clear(self, paths: Sequence[str], failed: Iterable[str]) -> Callable[[str], bool]:
        """Tells whether it is known what a file of the baseline holds: it was looked at, or has been deleted."""
        looked_at = [os.path.abspath(path) for path in paths]
        unclear = {self._name(path) for path in failed}

        @cache
        def is_clear(path: str) -> bool:
            absolute = os.path.normpath(os.path.join(self.folder, path))
            if path in unclear:
                return False
            return any(_is_in(absolute, place) for place in looked_at) or not os.path.lexists(absolute)

        return is_clear

    def _name(self, path: str) -> str:
        return _relative(path, self.folder)


def keys_of(name: str, text: str, findings: Iterable[Finding]) -> list[Key]:
    """The key of each finding.

    Args:
        name: the path that the keys have.
        text: the text that the findings refer to.
        findings: in order.
    """
    starts = [*line_starts(text), len(text)]
    keys = []
    for finding in findings:
        row = finding.range.start.row
        line = " ".join(text[starts[row - 1] : starts[row]].split())
        digest = hashlib.sha256(line.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        keys.append((name, finding.code, digest))
    return keys


def read_baseline(path: str) -> Baseline:
    """Read a baseline file.

    Raises:
        ConfigurationError: there is none, or it is not what ``write_baseline`` writes.
    """
    try:
        content = json.loads(read_bytes(path))
        if content["version"] != VERSION:
            raise ConfigurationError(f"{path}: is a baseline of version {content['version']!r}, not {VERSION}")
        counts = Counter({_key(entry): _count(entry) for entry in content["findings"]})
    except FileError as error:
        raise ConfigurationError(f"{path}: {error} (--write-baseline writes one)") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ConfigurationError(f"{path}: is not a baseline; --write-baseline writes one") from None
    return Baseline(_folder_of(path), counts)


def _key(entry: dict[str, Any]) -> Key:
    path, code, fingerprint = (entry[key] for key in KEYS)
    if not all(isinstance(part, str) for part in (path, code, fingerprint)):
        raise TypeError
    return path, code, fingerprint


def _count(entry: dict[str, Any]) -> int:
    if not isinstance(entry["count"], int):
        raise TypeError
    return entry["count"]


def write_baseline(path: str, found: Iterable[tuple[str, str, Sequence[Finding]]]) -> int:
    """Write a baseline file, whole or not at all; one that would be the same is not touched.

    Args:
        path: where to.
        found: each file with the text that its findings refer to, and the findings.

    Returns:
        The number of findings in it.

    Raises:
        ConfigurationError: it cannot be written.
    """
    folder = _folder_of(path)
    return write_counts(
        path, Counter(key for name, text, findings in found for key in keys_of(_relative(name, folder), text, findings))
    )


def write_counts(path: str, counts: Counter[Key]) -> int:
    """Write a baseline file of these entries, whole or not at all; one that would be the same is not touched.

    Returns:
        The number of findings in it.

    Raises:
        ConfigurationError: it cannot be written.
    """
    entries = [{**dict(zip(KEYS, key, strict=True)), "count": count} for key, count in sorted(counts.items())]
    data = (json.dumps({"version": VERSION, "findings": entries}, indent=2) + "\n").encode("ascii")
    try:
        if not os.path.lexists(path) or read_bytes(path, follows_links=False) != data:
            write_whole(path, data)
    except FileError as error:
        raise ConfigurationError(f"{path}: the baseline {error}") from None
    return counts.total()


def _folder_of(path: str) -> str:
    return os.path.dirname(os.path.abspath(path))


def _relative(path: str, folder: str) -> str:
    absolute = os.path.abspath(path)
    try:
        return os.path.relpath(absolute, folder).replace(os.sep, "/")
    except ValueError:  # Another drive.
        return absolute.replace(os.sep, "/")


def _is_in(path: str, place: str) -> bool:
    """Whether a file is, or is below, another file or folder; both paths are absolute."""
    return path == place or path.startswith(place.rstrip(os.sep) + os.sep)
