"""Finds ``# noqa`` comments, as flake8 reads them: their rows and the codes that they name."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from flake8_nnx_treemap.analysis.code.text import SourceText

NOQA_INLINE = re.compile(r"# noqa(?::[\s]?(?P<codes>([A-Z]+[0-9]+(?:[,\s]+)?)+))?", re.IGNORECASE)
"""``# noqa``, ``# noqa: NNX101,E501``, ``# NOQA:NNX101 E501``: what flake8 6 and 7 look for in a line."""

NOQA_FILE = re.compile(r"\s*# flake8[:=]\s*noqa", re.IGNORECASE)
"""A line that starts with this switches the whole file off."""


@dataclass(frozen=True, slots=True)
class NoqaLine:
    """A row, or several that a string or a backslash joins: the first ``# noqa`` in them applies to all of them."""

    first_row: int
    last_row: int
    text: str
    comment: int | None
    """The offset in ``text`` of the comment at the end; ``None`` if there is no comment."""

    def match(self) -> re.Match[str] | None:
        """Return the first ``# noqa`` of the rows; as for flake8, it need not be in a comment."""
        return NOQA_INLINE.search(self.text)


def listed_codes(match: re.Match[str]) -> tuple[str, ...]:
    """Return the codes that a ``# noqa`` names, as they are written; none if it suppresses all codes."""
    return tuple(code for code in re.split(r"[,\s]+", match["codes"] or "") if code)


def is_switched_off(source: SourceText) -> bool:
    """Tell whether a line ``# flake8: noqa`` switches the whole file off."""
    return any(NOQA_FILE.match(line) for line in source.lines())


def noqa_lines(source: SourceText) -> dict[int, NoqaLine]:
    """Return, by row, the rows that share its ``# noqa``; none if the file cannot be tokenized, as in flake8."""
    return noqa_lines_of(list(source.lines()))


def noqa_lines_of(lines: Sequence[str]) -> dict[int, NoqaLine]:
    """Return the same for the lines of a text."""
    try:
        return {row: line for line in _noqa_lines(lines) for row in range(line.first_row, line.last_row + 1)}
    except (tokenize.TokenError, SyntaxError, IndexError):
        return {}


def _noqa_lines(source_lines: Sequence[str]) -> Iterator[NoqaLine]:
    rows: list[int] = []
    comment: int | None = None
    for token in _tokens(source_lines):
        if token.type in (tokenize.ENDMARKER, tokenize.DEDENT):
            continue
        rows += [token.start[0], token.end[0]]
        if token.type == tokenize.COMMENT:
            comment = token.start[1]
        if token.type in (tokenize.NL, tokenize.NEWLINE):
            lines = [source_lines[row - 1] for row in range(min(rows), max(rows) + 1)]
            before = sum(len(line) + 1 for line in lines[:-1])
            yield NoqaLine(min(rows), max(rows), "\n".join(lines), None if comment is None else before + comment)
            rows, comment = [], None


def _tokens(lines: Sequence[str]) -> Iterator[tokenize.TokenInfo]:
    # As flake8 reads it; the tokenizer does not know a carriage return alone.
    return tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline)


# Ruff's comments

RUFF = re.compile(r"#\s*ruff\s*:\s*(?P<what>ignore|file-ignore|disable|enable)\s*\[(?P<codes>[^\[\]]*)\]")
"""``# ruff: ignore[NNX101]``: for a line, or for the statement below; ``disable`` to ``enable``: for a block."""

_NO_CODE = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(frozen=True, slots=True)
class Silence:
    """Rows in which rules are not to speak, and what these are called in the comment."""

    first_row: int
    last_row: int
    names: tuple[str, ...]


@dataclass(slots=True)
class _Reading:
    """Comments whose rows do not end yet, on the way through a file."""

    lines: Sequence[str]
    found: list[Silence] = field(default_factory=list)
    waiting: list[tuple[tuple[str, ...], bool]] = field(default_factory=list)
    """Names for what comes next, and whether that is a whole statement."""
    started: list[tuple[int, tuple[str, ...], bool]] = field(default_factory=list)
    """The same once it has come: the row where it starts."""
    open: dict[int, dict[frozenset[str], list[int]]] = field(default_factory=dict)
    """The rows where blocks start, by the column of the comment and by its names."""

    def comment(self, row: int, column: int, text: str, joined_from: int, is_in_brackets: bool) -> None:
        """Take note of a comment; ``joined_from`` is the first of the rows that a string joins with this one."""
        is_alone = not self.lines[row - 1][:column].strip()
        for match in RUFF.finditer(text):
            names = tuple(name for name in (part.strip() for part in match["codes"].split(",")) if name)
            if match["what"] == "ignore":
                if is_alone:
                    self.waiting.append((names, not is_in_brackets))
                else:
                    self.found.append(Silence(joined_from, row, names))
            elif is_alone and match["what"] == "file-ignore":
                self.found.append(Silence(1, len(self.lines), names))
            elif is_alone and match["what"] == "disable":
                self.open.setdefault(column, {}).setdefault(frozenset(names), []).append(row)
            elif is_alone and self.open.get(column, {}).get(frozenset(names)):
                self.found.append(Silence(self.open[column][frozenset(names)].pop(), row, names))

    def code(self, row: int, column: int, starts_statement: bool) -> None:
        """Take note of a token: what waited for one starts there, and blocks that are indented deeper are over."""
        self.started += [(row, *one) for one in self.waiting]
        self.waiting.clear()
        if starts_statement:
            self.close(row - 1, column + 1)

    def end_of_line(self, row: int, ends_statement: bool) -> None:
        """Take note of the end of a line."""
        self.found += [
            Silence(first, row, names) for first, names, whole in self.started if ends_statement or not whole
        ]
        self.started = [] if ends_statement else [one for one in self.started if one[2]]

    def close(self, row: int, column: int) -> None:
        """End the blocks that start at a column or further to the right."""
        for deeper in [one for one in self.open if one >= column]:
            for names, rows in self.open.pop(deeper).items():
                self.found += [Silence(first, row, tuple(sorted(names))) for first in rows]


def silences(lines: Sequence[str]) -> list[Silence]:
    """What ruff's comments in a file ask for, as ruff reads them; nothing if it cannot be told."""
    reading = _Reading(lines)
    brackets, joined_from, starts_statement = 0, 0, True
    try:
        for token in _tokens(lines):
            row, column = token.start
            joined_from = joined_from or row
            if token.type == tokenize.COMMENT:
                reading.comment(row, column, token.string, joined_from, brackets > 0)
            elif token.type in (tokenize.NL, tokenize.NEWLINE):
                reading.end_of_line(row, token.type == tokenize.NEWLINE)
                joined_from, starts_statement = 0, starts_statement or token.type == tokenize.NEWLINE
            elif token.type not in _NO_CODE:
                reading.code(row, column, starts_statement)
                starts_statement = False
                brackets += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
    except (tokenize.TokenError, SyntaxError, IndexError):
        return []
    reading.close(len(lines), 0)
    return reading.found
