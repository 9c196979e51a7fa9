"""marimo's notebooks: Python files whose cells are functions. Their bodies are one program, ordered by their names.

A cell's parameters are what other cells return. marimo finds out which by the names alone, and so does this: each cell
comes after those that define what it takes, with its body at the start of the line.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from flake8_nnx_treemap.analysis.code.text import Edit, Position, Range, line_starts, parse_module
from flake8_nnx_treemap.project.notebooks import NOT_LINE_END
from flake8_nnx_treemap.rules.rule import Finding

Lint = Callable[[str], Sequence[Finding]]

_RETURN = re.compile(r"return\b")
_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*\b(?!=[^=])")
"""A name that is read or bound; not an attribute, and not the name of an argument."""
_ALWAYS_THERE = frozenset(dir(builtins)).union(keyword.kwlist)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A function that is a cell: what it takes and defines, where it begins, and which rows are its body."""

    takes: frozenset[str]
    defines: frozenset[str]
    head: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class MarimoProgram:
    """The cells as one program, and where each of its lines is in the file."""

    text: str
    rows: tuple[int, ...]
    indents: tuple[int, ...]
    """How many characters were taken off the start of each line."""

    def in_file(self, range_: Range) -> Range:
        """Where a range of the program is in the file."""
        return Range(self._position(range_.start), self._position(range_.end))

    def _position(self, position: Position) -> Position:
        index = min(position.row, len(self.rows)) - 1
        return Position(self.rows[index], position.column + self.indents[index])


def find_in_marimo(text: str, lint: Lint) -> Sequence[Finding]:
    """The findings of a file of marimo's; those of the file as it is, where it has no cells.

    Raises:
        SourceError: the file is not Python.
    """
    tree = parse_module(text)
    cells = list(_cells(tree))
    if not cells:
        return lint(text)
    program = _program(text, cells, _rows_of_marks(tree), _rows_within_strings(tree))
    starts = [*line_starts(text), len(text)]
    found = [_in_file(finding, program, cells, text, starts) for finding in lint(program.text)]
    return sorted(found, key=lambda finding: finding.sort_key)


def _cells(tree: ast.Module) -> Iterator[_Cell]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(map(_makes_cell, node.decorator_list)):
            takes = frozenset(argument.arg for argument in node.args.args)
            last = node.body[-1]
            value = last.value if isinstance(last, ast.Return) else None
            elements = value.elts if isinstance(value, ast.Tuple) else [value]
            defines = frozenset(one.id for one in elements if isinstance(one, ast.Name))
            first = _first_row(node.body[0])
            if first > node.lineno:  # Else the body is on the line of the function's head.
                yield _Cell(takes, defines, _first_row(node), first, last.end_lineno or last.lineno)


def _first_row(node: ast.stmt) -> int:
    """The row at which a statement begins, with the decorators above it."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _rows_of_marks(tree: ast.Module) -> frozenset[int]:
    """The rows of decorators that only say that other notebooks may import what is below them."""
    marks = [
        decorator
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        for decorator in node.decorator_list
        if _is_of_app(decorator, ("function", "class_definition"))
    ]
    return frozenset(row for mark in marks for row in range(mark.lineno, (mark.end_lineno or mark.lineno) + 1))


def _makes_cell(decorator: ast.expr) -> bool:
    return _is_of_app(decorator, ("cell",))


def _is_of_app(decorator: ast.expr, names: Sequence[str]) -> bool:
    """``@app.cell`` and ``@app.cell(hide_code=True)``, whatever the name of the app."""
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(function, ast.Attribute) and function.attr in names and isinstance(function.value, ast.Name)


def _rows_within_strings(tree: ast.Module) -> frozenset[int]:
    """The rows whose indentation is part of a string."""
    strings = [node for node in ast.walk(tree) if isinstance(node, (ast.Constant, ast.JoinedStr))]
    return frozenset(row for node in strings for row in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))


def _program(text: str, cells: Sequence[_Cell], marks: frozenset[int], within_strings: frozenset[int]) -> MarimoProgram:
    """First what is in no cell, without the heads of cells and the rows of marks, then the cells' bodies."""
    starts = line_starts(text)
    lines = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    if lines and not lines[-1]:
        lines.pop()
    lines[-1] += "" if lines[-1].endswith(("\n", "\r")) else "\n"
    lines = [NOT_LINE_END.sub(" ", line) if row in marks else line for row, line in enumerate(lines, 1)]
    parts: list[tuple[str, int, int]] = []
    row = 1
    for cell in cells:
        parts += [(lines[index - 1], index, 0) for index in range(row, cell.head)]
        row = cell.last + 1
    parts += [(lines[index - 1], index, 0) for index in range(row, len(lines) + 1)]
    for cell in _in_order(cells):
        indent = len(lines[cell.first - 1]) - len(lines[cell.first - 1].lstrip(" \t"))
        for index in range(cell.first, cell.last + 1):
            line = lines[index - 1]
            own = 0 if index in within_strings else min(indent, len(line) - len(line.lstrip(" \t")))
            parts.append(
                (_RETURN.sub("__   =", line[own:], count=1) if _returns(line, indent) else line[own:], index, own)
            )
    return MarimoProgram(
        "".join(part for part, _, _ in parts), tuple(row for _, row, _ in parts), tuple(own for *_, own in parts)
    )


def _returns(line: str, indent: int) -> bool:
    return (
        _RETURN.match(line, indent) is not None
        and line[:indent].strip(" \t") == ""
        and bool(line[indent + 6 :].strip())
    )


def _in_order(cells: Sequence[_Cell]) -> list[_Cell]:
    """Each cell after those that define what it takes; in the file's order where there is a circle."""
    left, done, defined = list(cells), [], frozenset[str]()
    known = frozenset(name for cell in cells for name in cell.defines)
    while left:
        chosen = next((cell for cell in left if cell.takes & known <= defined), left[0])
        left.remove(chosen)
        done.append(chosen)
        defined |= chosen.defines
    return done


def _in_file(
    finding: Finding, program: MarimoProgram, cells: Sequence[_Cell], text: str, starts: Sequence[int]
) -> Finding:
    """A finding of the program as one of the file. A fix that needs a name which its cell does not take is none."""
    range_ = program.in_file(finding.range)
    home = next((cell for cell in cells if cell.first <= range_.start.row <= cell.last), None)
    fix = finding.fix
    if fix is not None:
        edits = [_edit_in_file(edit, program) for edit in fix.edits]
        fix = replace(fix, edits=tuple(edits), together=None)
        if home is not None and not _may_write(edits, home, text[starts[home.first - 1] : starts[home.last]]):
            fix = None
    related = tuple(map(program.in_file, finding.related))
    return replace(finding, range=range_, fix=fix, related=related)


def _edit_in_file(edit: Edit, program: MarimoProgram) -> Edit:
    indent = " " * program.indents[min(edit.range.start.row, len(program.indents)) - 1]
    return Edit(program.in_file(edit.range), edit.content.replace("\n", "\n" + indent))


def _may_write(edits: Sequence[Edit], cell: _Cell, body: str) -> bool:
    known = _ALWAYS_THERE.union(cell.takes, _NAME.findall(body))
    return all(
        cell.first <= edit.range.start.row
        and edit.range.end.row <= cell.last
        and known.issuperset(_NAME.findall(edit.content))
        for edit in edits
    )
