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

_LIST_MARK = r"(?:[-*+]|\d{1,9}[.)])[ \t]{1,4}(?![ \t])"
_OPENING = re.compile(
    rf"(?P<prefix>(?:[ \t]*(?:>[ ]?|{_LIST_MARK})+)?)(?P<indent>[ \t]*)(?P<fence>`{{3,}}(?=[^`]*$)|~{{3,}})(?P<info>.*)"
)
_QUOTE = re.compile(r"[ ]{0,3}>[ ]?")
_CONTAINER = re.compile(rf"(?P<quote>[ \t]*>[ ]?)|[ \t]*{_LIST_MARK}")
_LANGUAGE = re.compile(r"[ \t]*(?:\{[ \t]*\.?)?(?P<name>[^\s,{}]*)")
_PYTHON = frozenset({"py", "python", "python3"})


@dataclass(frozen=True, slots=True)
class Block:
    """The text between two fences, without what is before them, and where it is in the file."""

    info: str
    """What follows the opening fence."""
    program: str
    first_row: int
    indents: tuple[str, ...]
    """What was taken off the start of each line: indentation, and the marks of quotations."""

    @property
    def last_row(self) -> int:
        """The row of the last line."""
        return self.first_row + len(self.indents) - 1

    def in_file(self, range_: Range) -> Range:
        """Where a range of the program is in the file."""
        return Range(self._position(range_.start), self._position(range_.end))

    def _position(self, position: Position) -> Position:
        indent = self.indents[position.row - 1] if position.row <= len(self.indents) else ""
        return Position(self.first_row + position.row - 1, position.column + len(indent))

    def finding_in_file(self, finding: Finding) -> Finding:
        """A finding of the program as one of the file; lines that its fix adds are indented as the block is."""
        fix = finding.fix
        if fix is not None:
            indent = max(self.indents, key=len)
            edits = [Edit(self.in_file(edit.range), edit.content.replace("\n", "\n" + indent)) for edit in fix.edits]
            fix = replace(fix, edits=tuple(edits), together=None)
        return replace(finding, range=self.in_file(finding.range), fix=fix)


def python_blocks(text: str) -> Iterator[Block]:
    """The blocks that are marked as Python (``py``, ``python``, ``python3``), in order.

    Args:
        text: the whole Markdown file.
    """
    return (block for block in fenced_blocks(text) if is_python(block.info))


def is_python(info: str) -> bool:
    """Whether what follows an opening fence marks a block as Python."""
    language = _LANGUAGE.match(info)
    return language is not None and language["name"].lower() in _PYTHON


def fenced_blocks(text: str) -> Iterator[Block]:
    """All blocks between fences that are not empty, in order, those in lists and in quotations as well.

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
        first, indents = row, []
        containers = list(_CONTAINER.finditer(opening["prefix"]))
        while row < len(lines) and (indent := _indent(lines[row], containers, opening["indent"])) is not None:
            if _closes(lines[row][len(indent) :], opening["fence"]):
                row += 1
                break
            indents.append(indent)
            row += 1
        if indents:
            rows = zip(lines[first:row], indents, strict=False)
            yield Block(
                opening["info"], "".join(line[len(indent) :] for line, indent in rows), first + 1, tuple(indents)
            )


def _closes(line: str, fence: str) -> bool:
    bare = line.strip(" \t\r\n")
    return len(bare) >= len(fence) and bare == fence[0] * len(bare)


def _indent(line: str, containers: Sequence[re.Match[str]], wanted: str) -> str | None:
    """What a line has before its text: of its quotations, of its list, and of the indentation of its block.

    Returns:
        ``None`` if the line is not in the same list or quotation any more.
    """
    place = 0
    for container in containers:
        if container["quote"]:
            mark = _QUOTE.match(line, place)
            if mark is None:
                return None
            place = mark.end()
        else:
            blanks = _blanks(line, place, len(container.group()))
            if blanks < len(container.group()) and line[place:].strip():
                return None
            place += blanks
    return line[: place + _blanks(line, place, len(wanted))]


def _blanks(line: str, start: int, most: int) -> int:
    """How many blanks a line has at a place, at most so many."""
    part = line[start : start + most]
    return len(part) - len(part.lstrip(" \t"))


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
