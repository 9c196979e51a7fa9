"""Markdown: each fenced block of Python is a program of its own, and stays where it is in the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from flake8_nnx_treemap.analysis.code.text import Edit, Position, Range, SourceError, line_starts
from flake8_nnx_treemap.fixing.edits import apply_edits
from flake8_nnx_treemap.fixing.engine import verify
from flake8_nnx_treemap.rules.rule import Finding

Lint = Callable[[str], Sequence[Finding]]
"""The findings of one program."""

_OPENING = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)")
_LANGUAGE = re.compile(r"[ \t]*(?:\{[ \t]*\.?)?(?P<name>[^\s,{}]*)")
_PYTHON = frozenset({"py", "python", "python3"})


@dataclass(frozen=True, slots=True)
class Block:
    """The text between two fences, without the indentation of the fences, and where it stands in the file."""

    program: str
    first_row: int
    indents: tuple[str, ...]
    """What was taken off the start of each line."""

    def in_file(self, range_: Range) -> Range:
        """Where a range of the program stands in the file."""
        return Range(self._position(range_.start), self._position(range_.end))

    def _position(self, position: Position) -> Position:
        indent = self.indents[position.row - 1] if position.row <= len(self.indents) else ""
        return Position(self.first_row + position.row - 1, position.column + len(indent))

    def finding_in_file(self, finding: Finding) -> Finding:
        """A finding of the program as one of the file; lines that its fix adds are indented as the block is."""
        fix = finding.fix
        if fix is not None:
            indent = self.indents[0]
            edits = [Edit(self.in_file(edit.range), edit.content.replace("\n", "\n" + indent)) for edit in fix.edits]
            fix = replace(fix, edits=tuple(edits))
        return replace(finding, range=self.in_file(finding.range), fix=fix)


def python_blocks(text: str) -> Iterator[Block]:
    """The blocks that are marked as Python (``py``, ``python``, ``python3``), in order.

    Args:
        text: the whole Markdown file.
    """
    starts = line_starts(text)
    lines = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    row = 0
    while row < len(lines):
        opening = _OPENING.fullmatch(lines[row].rstrip("\r\n"))
        row += 1
        if opening is None:
            continue
        first = row
        while row < len(lines) and not _closes(lines[row], opening["fence"]):
            row += 1
        language = _LANGUAGE.match(opening["info"])
        if language and language["name"].lower() in _PYTHON and row > first:
            indents = tuple(_indent(line, opening["indent"]) for line in lines[first:row])
            program = "".join(line[len(indent) :] for line, indent in zip(lines[first:row], indents, strict=True))
            yield Block(program, first + 1, indents)
        row += 1


def _closes(line: str, fence: str) -> bool:
    bare = line.strip(" \t\r\n")
    return len(bare) >= len(fence) and bare == fence[0] * len(bare)


def _indent(line: str, wanted: str) -> str:
    """What a line has of the indentation of its block."""
    own = line[: len(line) - len(line.lstrip(" \t"))]
    return own[: len(wanted)]


def find_in_markdown(text: str, lint: Lint) -> list[Finding]:
    """The findings of all Python blocks; a block that is no whole program, as in many a text, has none."""
    found: list[Finding] = []
    for block in python_blocks(text):
        try:
            findings = lint(block.program)
        except SourceError:
            continue
        found += map(block.finding_in_file, findings)
    return found


def rewrite_markdown(text: str, edits: Sequence[Edit]) -> str:
    """The file's text after edits.

    Raises:
        SourceError: a block would no longer be Python.
    """
    new_text = apply_edits(text, edits)
    for old, new in zip(python_blocks(text), python_blocks(new_text), strict=True):
        if old.program != new.program:
            verify(new.program)
    return new_text
