"""Finds ``# noqa`` comments, as flake8 reads them: their rows and the codes that they name."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

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
    try:
        return {row: line for line in _noqa_lines(source) for row in range(line.first_row, line.last_row + 1)}
    except (tokenize.TokenError, SyntaxError, IndexError):
        return {}


def _noqa_lines(source: SourceText) -> Iterator[NoqaLine]:
    rows: list[int] = []
    comment: int | None = None
    text = "\n".join(source.lines())  # The tokenizer does not take a lone carriage return as a line end.
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.ENDMARKER, tokenize.DEDENT):
            continue
        rows += [token.start[0], token.end[0]]
        if token.type == tokenize.COMMENT:
            comment = token.start[1]
        if token.type in (tokenize.NL, tokenize.NEWLINE):
            lines = list(map(source.line, range(min(rows), max(rows) + 1)))
            before = sum(len(line) + 1 for line in lines[:-1])
            yield NoqaLine(min(rows), max(rows), "\n".join(lines), None if comment is None else before + comment)
            rows, comment = [], None
