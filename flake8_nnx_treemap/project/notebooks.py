"""Jupyter notebooks, nbformat 4: their code cells as one program, and edits of that program as edits of the file.

The file is never written anew: a finding's edits become edits inside the JSON strings that hold the cell's source, so
that everything else stays as it is. What is not Python (magics, shell commands, requests for help) is covered by text
of the same length, so that every character of the program keeps its place.
"""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from flake8_nnx_treemap.analysis.code.text import Edit, SourceError, line_starts, parse_module
from flake8_nnx_treemap.project.magics import covered, other_language

Span = tuple[int, int]

_Fact = TypeVar("_Fact")


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell: its number, counted from 1 over the cells of every kind, and its source."""

    number: int
    source: str
    program: str
    """The source with what is not Python covered."""

    @property
    def line_end(self) -> str:
        """What the source lacks for the next cell to start on a row of its own."""
        return "" if self.source.endswith(("\n", "\r")) else "\n"


@dataclass(frozen=True, slots=True)
class CellRows:
    """The row of the program at which each cell starts, and the cells' numbers."""

    rows: tuple[int, ...]
    numbers: tuple[int, ...]

    def locate(self, row: int) -> tuple[int, int]:
        """The number of the cell that a row of the program belongs to, and the row in that cell."""
        index = max(bisect_right(self.rows, row) - 1, 0)
        return self.numbers[index], row - self.rows[index] + 1


@dataclass(frozen=True)
class Notebook:
    """The code cells of a notebook that hold Python, and what of them is not read."""

    text: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def shown(self) -> str:
        """The cells' sources, one after the other, each with a line end after it."""
        return "".join(cell.source + cell.line_end for cell in self.cells)

    @cached_property
    def program(self) -> str:
        """The same, with what is not Python covered: what is linted."""
        return self._readable[0]

    @property
    def problem(self) -> str | None:
        """What is wrong with cells that are covered as a whole, since they do not parse."""
        return problem_in([(f"cell {self.cells[index].number}:", error) for index, error in self._readable[1]])

    @cached_property
    def _readable(self) -> tuple[str, list[tuple[int, SourceError]]]:
        return readable([cell.program + cell.line_end for cell in self.cells])

    @cached_property
    def cell_rows(self) -> CellRows:
        """Where the cells are in the program."""
        starts = line_starts(self.shown)
        rows = tuple(bisect_right(starts, offset) for offset in self._offsets)
        return CellRows(rows, tuple(cell.number for cell in self.cells))

    @cached_property
    def _offsets(self) -> tuple[int, ...]:
        offsets, offset = [], 0
        for cell in self.cells:
            offsets.append(offset)
            offset += len(cell.source + cell.line_end)
        return tuple(offsets)

    def rewritten(self, edits: Iterable[Edit]) -> str:
        """The file's text after edits of the program.

        Args:
            edits: edits that do not overlap, each inside one cell.
        """
        starts = line_starts(self.program)
        parts, done = [], 0
        for edit in sorted(set(edits)):
            first = starts[edit.range.start.row - 1] + edit.range.start.column - 1
            last = starts[edit.range.end.row - 1] + edit.range.end.column - 1
            index = bisect_right(self._offsets, first) - 1
            if last > self._offsets[index] + len(self.cells[index].source):
                raise SourceError(f"a statement does not end with cell {self.cells[index].number}")
            start, end, content = self._in_file(index, first - self._offsets[index], last - first, edit)
            parts += [self.text[done:start], content]
            done = end
        return "".join([*parts, self.text[done:]])

    def _in_file(self, index: int, offset: int, length: int, edit: Edit) -> tuple[int, int, str]:
        """Where an edit of a cell's source is in the file, and what is written there."""
        places = self._places[index]
        start, end = places[offset], places[offset + length]
        # A notebook without a character beyond ASCII was written by a tool that escapes them.
        lines = edit.content.split("\n")
        encoded = [json.dumps(line, ensure_ascii=self.text.isascii())[1:-1] for line in lines]
        between = self._between[index]
        return start, end, ("\\n" if between is None else f'\\n"{between}"').join(encoded)

    @cached_property
    def _starts(self) -> list[int]:
        """Where each cell starts in the file, those of every kind."""
        return list(_elements(self.text, dict(_members(self.text, _skip(self.text, 0)))["cells"]))

    @cached_property
    def _literals(self) -> _PerCell[_Literals]:
        """The JSON strings that make up a cell's source; only an edit asks for them."""
        return _PerCell(lambda index: _literals(self.text, self._starts[self.cells[index].number - 1]))

    @cached_property
    def _places(self) -> _PerCell[array[int]]:
        """Where each character of a cell's source is in the file, and the end of the source."""
        return _PerCell(lambda index: _places(self.text, self._literals[index].spans))

    @cached_property
    def _between(self) -> _PerCell[str | None]:
        """What separates the lines of a source that is a list: a comma, and the white space of this file."""
        return _PerCell(lambda index: _between(self.text, self._literals[index]))


@dataclass(frozen=True, slots=True)
class _Literals:
    """The JSON strings, quotes included, whose values make up a cell's source, and whether they are in a list."""

    spans: tuple[Span, ...]
    is_list: bool


class _PerCell(dict[int, _Fact]):
    """What is worked out for a cell when it is first asked for: most cells have no edits, and some have thousands."""

    def __init__(self, find: Callable[[int], _Fact]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, index: int) -> _Fact:
        found = self[index] = self._find(index)
        return found


def _between(text: str, literals: _Literals) -> str | None:
    if not literals.is_list:
        return None
    first = literals.spans[0]
    if len(literals.spans) > 1:
        return text[first[1] : literals.spans[1][0]]
    start = first[0]
    while text[start - 1] in _BLANKS:
        start -= 1
    return "," + text[start : first[0]]


def readable(programs: Sequence[str]) -> tuple[str, list[tuple[int, SourceError]]]:
    """Join the programs of cells; each that is not Python by itself is covered, if the whole would not parse.

    Returns:
        A text as long as all of them, and the indices of those that are covered, with what is wrong with them.
    """
    whole = "".join(programs)
    try:
        parse_module(whole)
    except SourceError:
        broken = [(index, error) for index, program in enumerate(programs) if (error := _error_in(program))]
        covered_ones = dict(broken)
        parts = [NOT_LINE_END.sub(" ", one) if index in covered_ones else one for index, one in enumerate(programs)]
        return "".join(parts), broken
    return whole, []


def _error_in(program: str) -> SourceError | None:
    try:
        parse_module(program)
    except SourceError as error:
        return error
    return None


def problem_in(broken: Sequence[tuple[str, SourceError]]) -> str | None:
    """What is wrong with cells, given where each starts, in one line."""
    if not broken:
        return None
    place, error = broken[0]
    where = f"{place}{error.row}:{error.column}: " if error.row else f"{place} "
    more = f"; {len(broken) - 1} more cells do not parse" if len(broken) > 1 else ""
    return f"{where}{error.message}{more.replace('1 more cells do', '1 more cell does')}; the others were checked"


NOT_LINE_END = re.compile(r"[^\r\n]")


@lru_cache(maxsize=1)
def read_notebook(text: str) -> Notebook | None:
    """Find the Python cells of a notebook; the last one is kept, since each step of a run asks for it.

    Args:
        text: the whole file.

    Returns:
        The notebook; ``None`` if its language is not Python.

    Raises:
        SourceError: the text is not JSON, or not a notebook of nbformat 4.
    """
    try:
        content = json.loads(text)
        if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
            raise SourceError("is not a notebook: there is no nbformat")
        if content["nbformat"] != 4:
            raise SourceError(f"is a notebook of nbformat {content['nbformat']}; only 4 is supported")
        if not isinstance(content.get("cells"), list):
            raise SourceError("is not a notebook: there is no list of cells")
        if not _is_python(content.get("metadata")):
            return None
        notes: list[str] = []
        cells = [_cell(cell, number, notes) for number, cell in enumerate(content["cells"], 1)]
    except json.JSONDecodeError as error:
        raise SourceError(f"is not JSON: {error.msg.lower()}", error.lineno, error.colno) from None
    except RecursionError:
        raise SourceError("cannot be parsed: nested too deeply") from None
    except ValueError as error:  # An integer of more digits than Python converts.
        raise SourceError(f"is not JSON: {error}") from None
    return Notebook(text, tuple(cell for cell in cells if cell is not None), tuple(notes))


def _is_python(metadata: Any) -> bool:
    """Whether a notebook's language is Python; one that does not say is taken to be."""
    table = metadata if isinstance(metadata, dict) else {}
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        entry = table.get(key)
        language = entry.get(name) if isinstance(entry, dict) else None
        if isinstance(language, str) and language:
            return language.lower() in ("python", "python3", "ipython")
    return True


def _cell(cell: Any, number: int, notes: list[str]) -> Cell | None:
    if not isinstance(cell, dict):
        raise SourceError(f"is not a notebook: cell {number} is no object")
    if "cell_type" not in cell or "source" not in cell:
        raise SourceError(f"is not a notebook: cell {number} has no type or no source")
    if cell["cell_type"] != "code" or not _is_python_cell(cell):
        return None
    lines = cell["source"] if isinstance(cell["source"], list) else [cell["source"]]
    if not all(isinstance(line, str) for line in lines):
        raise SourceError(f"is not a notebook: the source of cell {number} is no text")
    whole = "".join(lines)
    program = covered(whole)
    if not whole or program is None:
        if magic := other_language(whole):
            notes.append(f"cell {number} is skipped: %%{magic} may be in any language")
        return None
    return Cell(number, whole, program)


def _is_python_cell(cell: dict[str, Any]) -> bool:
    """Whether an editor has marked the cell as being in another language than the notebook."""
    metadata = cell.get("metadata")
    editor = metadata.get("vscode") if isinstance(metadata, dict) else None
    language = editor.get("languageId") if isinstance(editor, dict) else None
    return language in (None, "", "python")


# JSON with places, for edits. The text has been decoded once, so it is known to be JSON.


def _literals(text: str, start: int) -> _Literals:
    """Those of the code cell that starts at an offset."""
    source = dict(_members(text, start))["source"]
    is_list = text[source] == "["
    places = list(_elements(text, source)) if is_list else [source]
    return _Literals(tuple((place, _value(text, place)[1]) for place in places), is_list)


_BLANKS = " \t\n\r"
_NOT_BLANK = re.compile(r"[^ \t\n\r]")
_value = json.JSONDecoder().raw_decode
_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL
)


def _skip(text: str, offset: int) -> int:
    match = _NOT_BLANK.search(text, offset)
    assert match is not None
    return match.start()


def _members(text: str, start: int) -> Iterator[tuple[str, int]]:
    """The keys of the object that starts at an offset, and where their values start."""
    offset = _skip(text, start + 1)
    while text[offset] != "}":
        key, offset = _value(text, offset)
        offset = _skip(text, _skip(text, offset) + 1)
        yield key, offset
        offset = _next(text, offset)


def _elements(text: str, start: int) -> Iterator[int]:
    """Where the elements of the array that starts at an offset start."""
    offset = _skip(text, start + 1)
    while text[offset] != "]":
        yield offset
        offset = _next(text, offset)


def _next(text: str, offset: int) -> int:
    """Where the value after the one at an offset starts, or the closing bracket is."""
    offset = _skip(text, _value(text, offset)[1])
    return _skip(text, offset + 1) if text[offset] == "," else offset


def _places(text: str, literals: Sequence[Span]) -> array[int]:
    """Where each character of the values of JSON strings is in the file, and where the last of them ends."""
    found = (match.start() for start, end in literals for match in _CHARACTER.finditer(text, start + 1, end - 1))
    return array("q", [*found, literals[-1][1] - 1])
