"""Positions as a client counts them (UTF-8, UTF-16 or UTF-32 units) and as the engine does (code points)."""

from __future__ import annotations

from bisect import bisect_right

from lsprotocol import types

from flake8_nnx_treemap.analysis.code.text import LINE_END, Position, Range, line_starts

Encoding = types.PositionEncodingKind | str


def units(text: str, encoding: Encoding) -> int:
    """How many units a text has; a lone surrogate counts as any other code point of its size."""
    if text.isascii() or encoding == types.PositionEncodingKind.Utf32:
        return len(text)
    if encoding == types.PositionEncodingKind.Utf8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text) + sum(character > "\uffff" for character in text)


class Lines:
    """The lines of a text, split where the protocol and Python's grammar split it, and nowhere else."""

    def __init__(self, text: str, encoding: Encoding, starts: list[int] | None = None) -> None:
        """Find the lines.

        Args:
            text: the whole text.
            encoding: what the client counts in.
            starts: the offsets at which lines start, if they are known.
        """
        self.text = text
        self.encoding = encoding
        self._starts = line_starts(text) if starts is None else starts

    def __len__(self) -> int:
        return len(self._starts)

    def line(self, index: int) -> str:
        """A line, counted from 0, without its line end."""
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self.text)
        line = self.text[self._starts[index] : end]
        return line[: match.start()] if (match := LINE_END.search(line)) else line

    def to_client(self, position: Position) -> types.Position:
        """A position of the engine's as the client counts it."""
        before = self.line(position.row - 1)[: position.column - 1]
        return types.Position(position.row - 1, units(before, self.encoding))

    def range_to_client(self, range_: Range) -> types.Range:
        """A range of the engine's as the client counts it."""
        return types.Range(self.to_client(range_.start), self.to_client(range_.end))

    def from_client(self, position: types.Position) -> Position:
        """A client's position as the engine counts it.

        What lies behind a line's end means the end, and what lies within a character means its start, as the protocol
        has it; what lies below the last line means the end of the text.
        """
        if position.line >= len(self):
            return Position(len(self), len(self.line(len(self) - 1)) + 1)
        line = self.line(position.line)
        if line.isascii() or self.encoding == types.PositionEncodingKind.Utf32:
            return Position(position.line + 1, min(position.character, len(line)) + 1)
        return Position(position.line + 1, self._characters_within(line, position.character) + 1)

    def _characters_within(self, line: str, limit: int) -> int:
        seen = 0
        for index, character in enumerate(line):
            seen += units(character, self.encoding)
            if seen > limit:
                return index
        return len(line)

    def replaced(self, range_: types.Range, content: str) -> Lines:
        """The lines after a change. Only those that it touches are looked at, since it happens on each keystroke."""
        start, end = self.offset(range_.start), self.offset(range_.end)
        text = self.text[:start] + content + self.text[max(start, end) :]
        if "\r" in content or "\r" in self.text or end < start:
            return Lines(text, self.encoding)  # Two characters may have become one line end, or one two.
        first, last = (bisect_right(self._starts, offset) for offset in (start, end))
        added = [start + match.end() for match in LINE_END.finditer(content)]
        moved = start + len(content) - end
        starts = [*self._starts[:first], *added, *(offset + moved for offset in self._starts[last:])]
        return Lines(text, self.encoding, starts)

    def offset(self, position: types.Position) -> int:
        """Where a client's position is in the text."""
        found = self.from_client(position)
        return self._starts[found.row - 1] + found.column - 1
