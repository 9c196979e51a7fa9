"""Notebooks that are Markdown: MyST with ``{code-cell}``, Jupytext's own, and Quarto. Their cells are one program.

The program is the file's text with everything else covered, so that each character of a cell keeps its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from flake8_nnx_treemap.analysis.code.text import LINE_END, Edit, SourceError, line_starts
from flake8_nnx_treemap.fixing.edits import apply_edits
from flake8_nnx_treemap.fixing.engine import verify
from flake8_nnx_treemap.project.discovery import names_a_kernel
from flake8_nnx_treemap.project.magics import covered, other_language
from flake8_nnx_treemap.project.markdown import Block, Lint, fenced_blocks, is_python
from flake8_nnx_treemap.project.notebooks import NOT_LINE_END, problem_in, readable
from flake8_nnx_treemap.rules.rule import Finding

_PYTHON = r"(?:py|i?python3?)?"
_MYST = re.compile(rf"[ \t]*\{{code-cell\}}[ \t]*{_PYTHON}[ \t]*")
_QUARTO = re.compile(r"[ \t]*\{python\b[^}]*\}.*")
_NOT_RUN = re.compile(r"\.noeval\b|\bactive=\"(?!ipynb|py)")
_MARK = re.compile(r"[ \t]*<!-- #(?P<end>end)?(?:md|markdown|region|raw)\b")
_OPTIONS = re.compile(r"---[ \t]*(?:\r\n|\r|\n).*?^---[ \t]*$|(?::[^\r\n]*(?:\r\n|\r|\n|$))+", re.DOTALL | re.MULTILINE)
_LANGUAGE = re.compile(r"^[ \t]*(?:language|main_language):[ \t]*[\"']?(?P<name>[\w+#.-]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TextNotebook:
    """What a file holds: the program, as long as the file; the rows of its cells; and what of them is not read."""

    program: str
    rows: tuple[tuple[int, int], ...]
    """First and last row of each cell."""
    whole: str
    """The program with the cells that do not parse."""
    broken: tuple[SourceError, ...]
    """What is wrong with these."""
    notes: tuple[str, ...]

    @property
    def problem(self) -> str | None:
        """The same in one line."""
        return problem_in([("", error) for error in self.broken])

    def may_be_edited(self, edit: Edit) -> bool:
        """Whether an edit stays within one cell."""
        return any(first <= edit.range.start.row and edit.range.end.row <= last for first, last in self.rows)


def read_text_notebook(text: str) -> TextNotebook:
    """Find the program of a notebook.

    Args:
        text: the whole file.
    """
    starts = [*line_starts(text), len(text)]
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    notes: list[str] = []
    done = 0
    for block in _cells(text):
        start, end = starts[block.first_row - 1], starts[block.last_row]
        program = _python_of(block.program)
        if program is None:
            if magic := other_language(block.program):
                notes.append(f"{block.first_row}:1: the cell is skipped: %%{magic} may be in any language")
            continue
        parts += [NOT_LINE_END.sub(" ", text[done:start]), program]
        places.append((block.first_row, block.last_row))
        done = end
    parts.append(NOT_LINE_END.sub(" ", text[done:]))  # So that every second part is a cell.
    program, broken = readable(parts)
    errors = [(places[index // 2][0], error) for index, error in broken]
    moved = [SourceError(error.message, first + (error.row or 1) - 1, error.column or 1) for first, error in errors]
    return TextNotebook(program, tuple(places), "".join(parts), tuple(moved), tuple(notes))


def _cells(text: str) -> Iterator[Block]:
    """The blocks that a kernel for Python runs; one within a list is none, for Jupytext as well."""
    if not names_a_kernel(text):
        kinds = [_QUARTO]
    else:
        language = _LANGUAGE.search(text, 0, text.find("\n---", 3))
        if language and language["name"].lower() not in ("python", "python3", "ipython", "ipython3"):
            return
        kinds = [_QUARTO, _MYST]
    blocks = [block for block in fenced_blocks(text) if not any(block.indents)]
    for kind in kinds:
        if cells := [block for block in blocks if kind.fullmatch(block.info)]:
            yield from cells
            return
    if names_a_kernel(text) and "{code-cell}" not in text:
        shown = list(_rows_of_text(text))
        for block in blocks:
            is_run = is_python(block.info) and not _NOT_RUN.search(block.info)
            if is_run and not any(first < block.first_row <= last for first, last in shown):
                yield block


def _rows_of_text(text: str) -> Iterator[tuple[int, int]]:
    """The rows that Jupytext has marked as one cell of text, since there are blocks of code in it."""
    first = None
    for row, line in enumerate(LINE_END.split(text), 1):
        mark = _MARK.match(line)
        if mark and mark["end"] and first is not None:
            yield first, row
            first = None
        elif mark and not mark["end"] and first is None:
            first = row


def _python_of(source: str) -> str | None:
    """A cell's source with its options and all that only IPython understands covered; ``None`` if it is not Python."""
    options = _OPTIONS.match(source)
    end = options.end() if options else 0
    program = covered(source[end:])
    return None if program is None else NOT_LINE_END.sub(" ", source[:end]) + program


def find_in_text_notebook(text: str, lint: Lint) -> list[Finding]:
    """The findings of a notebook; a fix that would write beside the cells is none."""
    notebook = read_text_notebook(text)
    return [_within(finding, notebook.may_be_edited) for finding in lint(notebook.program)]


def _within(finding: Finding, may_be_edited: Callable[[Edit], bool]) -> Finding:
    is_within = finding.fix is None or all(map(may_be_edited, finding.fix.edits))
    return finding if is_within else replace(finding, fix=None)


def rewrite_text_notebook(text: str, edits: Sequence[Edit]) -> str:
    """The file's text after edits.

    Raises:
        SourceError: a cell would no longer be Python.
    """
    new_text = apply_edits(text, edits)
    old, new = read_text_notebook(text), read_text_notebook(new_text)
    verify(new.program if len(new.broken) == len(old.broken) else new.whole)
    return new_text
