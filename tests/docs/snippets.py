"""Reads the fenced blocks of the documentation, with what the pages say about them.

A comment ``<!-- snippet: ... -->`` before a block says how it is checked, where that is not plain:

* ``raises AttributeError``: running it raises this, on every Flax;
* ``since 0.10.6``: it needs this Flax;
* ``fix flax=0.11``: ``nnx-fix`` turns it into the next Python block, which says ``fixed``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(
    r"(?:^ *<!-- snippet: (?P<says>[^\n]*?) -->\n)?"
    r"^(?P<indent> *)```(?P<language>[\w+-]*)(?P<options>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Snippet:
    page: str
    row: int
    language: str
    title: str
    says: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.row}"


def pages() -> list[Path]:
    """What people read; the rules' pages are generated from examples that have tests of their own."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def snippets_in(path: Path) -> Iterator[Snippet]:
    text = path.read_text(encoding="utf-8")
    for block in _BLOCK.finditer(text):
        row = text.count("\n", 0, block.start("language")) + 1
        title = re.search(r'title="([^"]*)"', block["options"])
        yield Snippet(
            str(path.relative_to(ROOT)),
            row,
            block["language"],
            title[1] if title else "",
            block["says"] or "",
            dedent(block["text"]),
        )


def snippets(*languages: str) -> list[Snippet]:
    """Every block in one of the languages; all blocks if none is named. Files that a page includes have other tests."""
    found = [snippet for path in pages() for snippet in snippets_in(path) if not snippet.text.startswith("--8<--")]
    return [snippet for snippet in found if not languages or snippet.language in languages]


@dataclass(frozen=True)
class Command:
    """One command of a console block, and the output that is shown for it."""

    line: str
    output: str


def commands_of(snippet: Snippet) -> list[Command]:
    found: list[Command] = []
    for part in re.split(r"^\$ ", snippet.text, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        while line.endswith("\\"):
            more, _, output = output.partition("\n")
            line = f"{line}\n{more}"
        found.append(Command(re.sub(r"\s+# .*$", "", line), output))
    return found


@dataclass(frozen=True)
class Halves:
    """A block that shows code before and after ``nnx-fix``."""

    before: str
    floor: str
    after: str


def halves_of(snippet: Snippet) -> Halves | None:
    found = re.fullmatch(r"# before\n(.*?)\n# after nnx-fix, for Flax ≥ ([\d.]+)\n(.*)", snippet.text, re.DOTALL)
    return Halves(found[1], found[2], found[3]) if found else None
