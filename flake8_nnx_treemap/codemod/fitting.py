"""Fits the edits of a fix into the layout of the file: lines that became too long are laid out anew."""

from __future__ import annotations

import ast
import re
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Final

from flake8_nnx_treemap.analysis.code.nodes import start_of
from flake8_nnx_treemap.analysis.code.text import (
    LINE_END,
    Edit,
    Position,
    Range,
    SourceError,
    SourceText,
    parse_module,
    remembered,
)
from flake8_nnx_treemap.analysis.names.scopes import Statement
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.codemod.layout import (
    Style,
    call_laid_out,
    elements_laid_out,
    indent_of,
    statement_laid_out,
    width,
)

_MOST_ROWS, _MOST_CHARACTERS = 60, 2000
"""How long a logical line may be for a fix to read all of it: a longer one can hold thousands of findings."""

_BETWEEN_LINES = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT})

LENGTH_OF_A_RENAME = 24
"""How much longer a line may become that was too long before the fix: its author has chosen its layout."""

_BINDING_COMMENT = re.compile(
    r"#\s*(?:noqa|nosec|NOLINT|@param|(?:fmt|yapf|isort|type|mypy|pyright|pyrefly|ty|pytype|pylint|ruff|flake8|pragma):)",
    re.IGNORECASE,
)
"""A comment that counts for the line that it is on."""


def fitted(source: ParsedSource, edits: Sequence[Edit], style: Style) -> tuple[Edit, ...]:
    """Return edits with the layout of the lines that they change.

    Args:
        source: the file.
        edits: the edits of one fix.
        style: how the file is formatted.

    Returns:
        Edits that give the same program; the same edits where no changed line is too long.
    """
    by_line: dict[tuple[int, int] | None, list[Edit]] = {}
    for edit in edits:
        by_line.setdefault(_logical_line_around(source, edit.range), []).append(edit)
    found: list[Edit] = []
    for rows, inside in by_line.items():
        new = _fitted(source, rows, inside, style) if rows is not None else None
        found += inside if new is None else new
    return tuple(sorted(set(found)))


def fitted_together(source: SourceText, edits: Sequence[Edit], style: Style) -> Sequence[Edit]:
    """Return the edits of several fixes, with the layout of lines that none makes too long, but all together do.

    Args:
        source: the file.
        edits: edits that do not overlap, each with the layout that its own fix needs.
        style: how the file is formatted.
    """
    growth: dict[int, list[int]] = {}
    for edit in set(edits):
        growth.setdefault(edit.range.start.row, []).append(len(edit.content) - len(source.text_in(edit.range)))
    is_crowded = any(
        len(lengths) > 1 and width(source.line(row)) + sum(lengths) > style.line_length
        for row, lengths in growth.items()
    )
    return fitted(ParsedSource(source.text), edits, style) if is_crowded else edits


def _logical_line_around(source: ParsedSource, place: Range) -> tuple[int, int] | None:
    """Return the first and the last row of the logical line that holds a range; ``None`` if none holds all of it."""
    row = place.start.row
    statements = source.bindings.statements
    index = _first_of_row(statements, bisect_right(statements, row, key=_row_of) - 1)
    while index > 0 and not _starts_line(source, statements[index].node):
        index = _first_of_row(statements, index - 1)
    if index < 0:
        return None
    first, last = 0, _row_of(statements[index]) - 1
    if last + 1 == row and _takes_one_row(source, statements[index].node):
        first = last = row
    while last < row:
        found = _logical_line_from(source, last + 1)
        if found is None:
            return None
        first, last = found
    return (first, last) if first <= row and place.end.row <= last else None


def _first_of_row(statements: Sequence[Statement], index: int) -> int:
    """Return the index of the first statement that starts in the same row as a statement; the same if there is none."""
    return index if index < 0 else bisect_left(statements, _row_of(statements[index]), key=_row_of)


def _row_of(statement: Statement) -> int:
    return statement.start[0]


def _starts_line(source: SourceText, node: ast.stmt) -> bool:
    """Tell whether a statement is the first thing in its logical line."""
    row, column = start_of(node)
    is_continued = row > 1 and source.line(row - 1).endswith("\\")
    return not is_continued and not source.line(row)[:column].strip()


def _takes_one_row(source: SourceText, node: ast.stmt) -> bool:
    """Tell whether the logical line that a statement starts is for certain a single row."""
    line = source.line(node.lineno)
    if ";" in line or line.endswith("\\"):
        return False
    body = getattr(node, "body", None)
    if body:
        return start_of(node)[0] == node.lineno == start_of(body[0])[0] - 1 and _starts_line(source, body[0])
    return node.lineno == node.end_lineno


@remembered
def _logical_line_from(source: SourceText, start: int) -> tuple[int, int] | None:
    """Return the rows of the first logical line from a row on; ``None`` where Python's tokenizer fails."""
    lines = (f"{line}\n" for line in source.lines(start))
    first = 0
    try:
        for token in tokenize.generate_tokens(lambda: next(lines, "")):
            if token.type == tokenize.NEWLINE:
                return (first or token.start[0]) + start - 1, token.start[0] + start - 1
            if token.type not in _BETWEEN_LINES and not first:
                first = token.start[0]
    except (tokenize.TokenError, SyntaxError, IndexError):
        pass
    return None


@remembered
def _indent(source: ParsedSource) -> str:
    """Return what a file indents its first block with."""
    nodes = (statement.node for statement in source.bindings.statements)
    found = (indent_of(source.line(start_of(node)[0])) for node in nodes if _is_indented(source, node))
    return next(found, "    ")


def _is_indented(source: SourceText, node: ast.stmt) -> bool:
    return node.col_offset > 0 and _starts_line(source, node)


def _fitted(source: ParsedSource, rows: tuple[int, int], edits: Sequence[Edit], style: Style) -> list[Edit] | None:
    """Return the edits of one logical line with its layout; ``None`` if it stays as the edits make it."""
    if _has_binding_comment(source, rows):
        return None
    is_small = _is_small(source, rows)
    if not is_small:
        changed = min(edit.range.start.row for edit in edits), max(edit.range.end.row for edit in edits)
        if not _is_small(source, changed):
            return None
        rows = max(rows[0], changed[0] - 1), min(rows[1], changed[1] + 1)
    first, last = rows
    old = [source.line(row) for row in range(first, last + 1)]
    new = LINE_END.split(_edited(source, _all_of(source, rows), edits))
    if not _may_change(old, new, style):
        return None
    lines = _laid_out(old, new, replace(style, indent=_indent(source)), is_small=is_small)
    if lines is None or lines == new or not _mean_the_same(new, lines, is_whole=is_small):
        return None
    return list(_difference(source, first, old, lines))


@remembered
def _has_binding_comment(source: SourceText, rows: tuple[int, int]) -> bool:
    text = source.text_in(_all_of(source, rows))
    return "#" in text and _BINDING_COMMENT.search(text) is not None


def _is_small(source: SourceText, rows: tuple[int, int]) -> bool:
    """Tell whether some rows are few and short enough for each fix in them to read them all."""
    first, last = rows
    whole = _all_of(source, rows)
    return last - first < _MOST_ROWS and source.offset(whole.end) - source.offset(whole.start) <= _MOST_CHARACTERS


def _all_of(source: SourceText, rows: tuple[int, int]) -> Range:
    first, last = rows
    return Range(Position(first, 1), Position(last, len(source.line(last)) + 1))


def _edited(source: SourceText, whole: Range, edits: Sequence[Edit]) -> str:
    parts, done = [], whole.start
    for edit in sorted(set(edits)):
        parts += [source.text_in(Range(done, edit.range.start)), edit.content]
        done = edit.range.end
    return "".join([*parts, source.text_in(Range(done, whole.end))])


def _may_change(old: Sequence[str], new: list[str], style: Style) -> bool:
    """Tell whether a logical line may need another layout after a fix; one of several rows may become one row."""
    return len(old) > 1 or _became_too_long(old, new, style)


def _became_too_long(old: Sequence[str], new: list[str], style: Style) -> bool:
    start, end = _unchanged(old, new)
    longest = max(map(width, new[start : len(new) - end]), default=0)
    if longest <= style.line_length:
        return False
    longest_before = max(map(width, old[start : len(old) - end]), default=0)
    return longest > longest_before + LENGTH_OF_A_RENAME or longest_before <= style.line_length


def _laid_out(old: Sequence[str], new: list[str], style: Style, *, is_small: bool) -> list[str] | None:
    """Return lines after a fix with another layout; ``None`` if there is nothing to do, or it cannot be done.

    Args:
        old: the lines before it.
        new: the same lines after it.
        style: how the file is formatted.
        is_small: whether they are a whole logical line; of a large one, only the lines around a change are given.
    """
    if is_small and statement_laid_out(old, style) == old:
        lines = statement_laid_out(new, style)
        if lines is not None and statement_laid_out(lines, style) == lines:
            return lines
    start, end = _unchanged(old, new)
    if not _became_too_long(old, new, style) or sum(map(len, new[start : len(new) - end])) > _MOST_CHARACTERS:
        return None
    lines = _elements_laid_out(new, start, len(new) - end, style)
    if lines is None and is_small:
        lines = _call_laid_out(old, new, style)
    return statement_laid_out(new, style) if lines is None and is_small and len(old) == 1 else lines


def _unchanged(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """Return how many lines are equal at the start, and how many others at the end."""
    shorter = min(len(old), len(new))
    start = next((index for index in range(shorter) if old[index] != new[index]), shorter)
    end = next((index for index in range(shorter - start) if old[-1 - index] != new[-1 - index]), shorter - start)
    return start, end


def _elements_laid_out(lines: Sequence[str], start: int, end: int, style: Style) -> list[str] | None:
    """Lay out lines that are too long, each of which holds whole elements of a bracket; ``None`` if one does not."""
    found = list(lines[:start])
    for index in range(start, end):
        line = lines[index]
        if width(line) <= style.line_length:
            found.append(line)
            continue
        before, after = lines[index - 1].rstrip() if index else "", lines[index + 1 : index + 2]
        ends = line.rstrip().endswith(",") or (after and after[0].lstrip()[:1] in (")", "]", "}"))
        elements = (
            elements_laid_out([line], style, is_all=before[-1:] == "(")
            if before[-1:] in ("(", "[", "{", ",") and ends
            else None
        )
        is_indented = index > 0 and before[-1:] != "," and indent_of(line) == indent_of(lines[index - 1]) + style.indent
        if elements is None or not (is_indented or before[-1:] == ","):
            return None
        found += elements
    return [*found, *lines[end:]]


def _call_laid_out(old: Sequence[str], new: Sequence[str], style: Style) -> list[str] | None:
    """Lay out the call that has changed."""
    start, end = _unchanged(old, new)
    first, last = new[start], new[len(new) - end - 1]
    before = _equal(old[start], first) if start < len(old) else 0
    behind = _equal(old[len(old) - end - 1][::-1], last[::-1])
    last_column = max(len(last) - behind, before if len(new) - end - 1 == start else 0)
    return call_laid_out(new, (start, before), (len(new) - end - 1, last_column), style)


def _equal(one: str, other: str) -> int:
    shorter = min(len(one), len(other))
    return next((index for index in range(shorter) if one[index] != other[index]), shorter)


def _mean_the_same(one: Sequence[str], other: Sequence[str], *, is_whole: bool) -> bool:
    """Tell whether two layouts are of the same code and have the same comments.

    Args:
        one: lines.
        other: lines.
        is_whole: whether they are a logical line; else those that differ hold elements of a bracket.
    """
    if is_whole:
        return _meaning(one) == _meaning(other) is not None
    start, end = _unchanged(one, other)
    some, others = one[start : len(one) - end], other[start : len(other) - end]
    return _meaning_of_elements(some) == _meaning_of_elements(others) is not None


def _meaning(lines: Sequence[str]) -> tuple[str, list[str]] | None:
    text = "\n".join(lines).strip()
    is_header = LINE_END.sub(" ", text).partition("#")[0].rstrip().endswith(":")
    text = text.removeprefix("el") if text.startswith("elif") else text
    whole = f"{text}\n    pass" if is_header else text
    around = next(((before, after) for start, (before, after) in _PARTS.items() if text.startswith(start)), None)
    found = _parsed(whole)
    if found is not None or around is None:
        return found
    before, after = around
    return _parsed(f"{before}{whole}" if before else f"{text}{after}")


_PARTS: Final = {
    "@": ("", "\ndef _(): pass"),
    "case": ("match _:\n ", ""),
    "else": ("if _: pass\n", ""),
    "except": ("try: pass\n", ""),
    "finally": ("try: pass\n", ""),
    "match": ("", "\n case _: pass"),
    "try": ("", "\nfinally: pass"),
}
"""What stands before and behind parts of statements, by how they start, for Python to read them."""


def _meaning_of_elements(lines: Sequence[str]) -> tuple[str, list[str]] | None:
    text = "\n".join(lines)
    found = (_parsed(f"{before}{text}\n{after}") for before, after in (("_(", ")"), ("{", "}"), ("_[", "]")))
    return next((one for one in found if one is not None), None)


def _parsed(text: str) -> tuple[str, list[str]] | None:
    """Return the tree of a text as text, and its comments; ``None`` where it is not Python."""
    comments = [line[line.index("#") :] for line in text.split("\n") if "#" in line]
    try:
        return ast.dump(parse_module(text)), comments
    except SourceError:
        return None


def _difference(source: SourceText, first: int, old: Sequence[str], new: Sequence[str]) -> Iterator[Edit]:
    """Yield the edits that make some lines of a file others."""
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        content = source.newline.join(new[new_start:new_end])
        if tag == "replace":
            range_ = Range(Position(first + start, 1), Position(first + end - 1, len(old[end - 1]) + 1))
            yield source.replace(range_, content)
        elif tag == "delete":
            yield Edit(Range(Position(first + start, 1), Position(first + end, 1)), "")
        elif tag == "insert" and not start:
            yield source.insert(Position(first, 1), content + source.newline)
        elif tag == "insert":
            place = Position(first + start - 1, len(old[start - 1]) + 1)
            yield source.insert(place, source.newline + content)
