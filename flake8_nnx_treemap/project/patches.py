"""Unified diffs that ``git apply`` and ``patch -p0`` take: of a file's bytes, whatever its encoding and line ends."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.project.escaping import CONTROL, patch_line


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What changes in one file, or in one cell of a notebook."""

    name: str
    hunks: bytes
    """The lines from the first ``@@`` on."""
    encoding: str
    """That of the file, for those who want to read the lines."""


def diff_of_bytes(old: bytes, new: bytes, name: str, encoding: str) -> tuple[FileDiff, ...]:
    """The difference between two contents of a file; none if they are equal.

    Only a line feed ends a line, as ``patch`` and git have it; a last line without one is marked as they mark it.
    """
    import difflib  # Only where a diff is wanted.

    before, after = (re.findall(rb"[^\n]*\n|[^\n]+", content) for content in (old, new))
    lines = [*difflib.diff_bytes(difflib.unified_diff, before, after)][2:]  # The names are added when all are known.
    hunks = b"".join(line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in lines)
    return (FileDiff(name, hunks, encoding),) if hunks else ()


def as_patch(diffs: Sequence[FileDiff]) -> bytes:
    """Diffs as programs read them: the bytes of the files."""
    return b"".join(head.encode() + diff.hunks for head, diff in zip(_heads(diffs), diffs, strict=True))


def as_text(diffs: Sequence[FileDiff]) -> str:
    """Diffs as people read them: what would command a terminal is escaped."""
    return "".join(
        head.replace("\t\n", "\n") + _readable(diff) for head, diff in zip(_heads(diffs), diffs, strict=True)
    )


def _readable(diff: FileDiff) -> str:
    # Only at the start of a file is a byte order mark one, and a line need not be there.
    encoding = "utf-8" if diff.encoding == "utf-8-sig" else diff.encoding
    lines = re.findall(rb"[^\n]*\n", diff.hunks)
    return "".join(patch_line(line[:1].decode() + line[1:].decode(encoding, "backslashreplace")) for line in lines)


# Names


def _heads(diffs: Iterable[FileDiff]) -> Iterator[str]:
    """Yield the two lines above the hunks of each diff.

    ``git apply`` takes off the first folder of a name, unless no name has any; ``patch -p0`` takes off nothing. With
    ``./`` before all names as soon as one of them is in a folder, both find the files.
    """
    names = [_relative(diff.name) for diff in diffs]
    are_in_folders = any("/" in name for name in names)
    for name in names:
        is_outside = name.startswith(("/", "../")) or os.path.isabs(name)
        shown = _quoted(f"./{name}" if are_in_folders and not is_outside else name)
        yield f"--- {shown}\n+++ {shown}\n"


def _relative(name: str) -> str:
    """A file's name as seen from the current folder, without ``.`` in it."""
    if os.path.isabs(name):
        inner = os.path.relpath(name)
        name = name if inner.startswith(os.pardir) else inner
    root = "/" if name.startswith("/") else ""
    parts = name.replace(os.sep, "/").split("/")
    return root + "/".join(part for part in parts if part not in ("", "."))


def _quoted(name: str) -> str:
    """A name as git and ``patch`` have it: in quotes, escaped as in C, if need be, and with a tab behind blanks."""
    if CONTROL.search(name) is None and _TO_QUOTE.search(name) is None:
        return f"{name}\t" if " " in name else name
    escaped = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\#' else f"\\{byte:03o}" for byte in os.fsencode(name))
    return f'"{"".join(escaped)}"'


_TO_QUOTE = re.compile(r'["\\\ud800-\udfff]|##|^\s|\s$')
"""What a name cannot hold as it is; ``##`` may start what Azure Pipelines takes for an instruction."""
