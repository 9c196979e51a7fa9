"""The lines that a fix takes out, and those that it puts in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flake8_nnx_treemap.analysis.code.text import LINE_END, Edit, Position

Changed = tuple[str, int, str]
"""``-`` or ``+``, the row in the old text, and the line."""


def changed_lines(lines: Sequence[str], edits: Iterable[Edit]) -> Iterator[Changed]:
    """What edits do to the lines of a text; it takes time by the lines that they touch, however long the text is.

    Args:
        lines: the text's lines, without line ends.
        edits: edits that do not overlap.

    Yields:
        Each line that goes and, after those that go together, each that comes, in order.
    """
    for first, last, block in _blocks(edits):
        old = list(lines[first - 1 : last])
        new = LINE_END.split(_edited(old, first, block))
        start = 0
        while start < min(len(old), len(new)) and old[start] == new[start]:
            start += 1
        end = 0
        while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
            end += 1
        yield from (("-", first + row, old[row]) for row in range(start, len(old) - end))
        yield from (("+", first + start, line) for line in new[start : len(new) - end])


def _blocks(edits: Iterable[Edit]) -> Iterator[tuple[int, int, list[Edit]]]:
    """Edits that touch the same rows, with the first and the last of these rows."""
    block: list[Edit] = []
    first = last = 0
    for edit in sorted(edits, key=lambda one: (one.range.start, one.range.end)):
        if block and edit.range.start.row > last:
            yield first, last, block
            block = []
        if not block:
            first = last = edit.range.start.row
        last = max(last, edit.range.end.row)
        block.append(edit)
    if block:
        yield first, last, block


def _edited(old: Sequence[str], first: int, edits: Iterable[Edit]) -> str:
    text = "\n".join(old)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line) + 1)

    def offset(position: Position) -> int:
        return min(starts[min(position.row - first, len(old))] + position.column - 1, len(text))

    parts, done = [], 0
    for edit in edits:
        parts += [text[done : offset(edit.range.start)], edit.content]
        done = offset(edit.range.end)
    return "".join([*parts, text[done:]])
