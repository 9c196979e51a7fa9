"""What a file's text holds: Python, or a format with Python in it. Findings and edits of each, by the file's name.

Notebooks and Markdown are imported where there are any: most runs see none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_nnx_treemap.analysis.code.text import Edit, SourceError, line_starts
from flake8_nnx_treemap.fixing.engine import fitted_together, rewritten, verify
from flake8_nnx_treemap.project.discovery import MARKDOWN_SUFFIXES, QUARTO_SUFFIX, names_a_kernel
from flake8_nnx_treemap.project.files import decode, decode_text

if TYPE_CHECKING:
    from flake8_nnx_treemap.project.notebooks import CellRows, Notebook
    from flake8_nnx_treemap.rules.rule import Finding
    from flake8_nnx_treemap.rules.settings import LintSettings

    Lint = Callable[[str], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Shown:
    """The text that findings refer to, where a notebook's cells are in it, and what of it was not read."""

    text: str
    cells: CellRows | None = None
    problem: str | None = None
    """An error in a part of the file, in one line; the rest was read."""
    notes: tuple[str, ...] = ()

    def sources(self) -> list[str]:
        """The text of each cell."""
        starts = line_starts(self.text)
        rows = self.cells.rows if self.cells else ()
        ends = [*(starts[row - 1] for row in rows[1:]), len(self.text)][: len(rows)]
        return [self.text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@dataclass(frozen=True, slots=True)
class Format:
    """How to read and to rewrite one kind of file; each function takes the whole text of the file."""

    find: Callable[[str, Lint], Sequence[Finding]]
    rewrite: Callable[[str, Sequence[Edit]], str]
    show: Callable[[str], Shown] = Shown
    decode: Callable[[bytes], tuple[str, str]] = decode_text
    size: Callable[[str], int] = len
    """How many characters there are to analyse."""


def rewriter(format_: Format, settings: LintSettings) -> Callable[[str, Sequence[Edit]], str]:
    """What rewrites a text of a format, within the length of lines that the settings say."""
    if format_ is not PYTHON:
        return format_.rewrite
    return lambda text, edits: rewritten(text, fitted_together(text, edits, settings))


def format_of(filename: str) -> Format:
    """The format that a file's name stands for; Python unless it is known to be another."""
    name = filename.lower()
    for suffixes, format_ in ((".ipynb", NOTEBOOK), (MARKDOWN_SUFFIXES, MARKDOWN), (QUARTO_SUFFIX, QUARTO)):
        if name.endswith(suffixes):
            return format_
    return PYTHON


def _find_in_python(text: str, lint: Lint) -> Sequence[Finding]:
    if "marimo.App(" in text and ".cell" in text:
        from flake8_nnx_treemap.project.marimo import find_in_marimo

        return find_in_marimo(text, lint)
    return lint(text)


def _find_in_notebook(text: str, lint: Lint) -> Sequence[Finding]:
    notebook = _notebook(text)
    if notebook is None:
        return ()
    try:
        return lint(notebook.program)
    except SourceError as error:
        if error.row is None or not notebook.cells:
            raise
        number, row = notebook.cell_rows.locate(error.row)
        raise SourceError(f"cell {number}:{row}:{error.column}: {error.message}") from None


def _rewrite_notebook(text: str, edits: Sequence[Edit]) -> str:
    old = _notebook_with_cells(text)
    new_text = old.rewritten(edits)
    new = _notebook_with_cells(new_text)
    if new.problem != old.problem:  # A cell that does not parse is covered, but not if it is we who broke it.
        verify("".join(cell.program + cell.line_end for cell in new.cells))
    verify(new.program)
    return new_text


def _show_notebook(text: str) -> Shown:
    notebook = _notebook(text)
    if notebook is None:
        return Shown("")
    return Shown(notebook.shown, notebook.cell_rows, notebook.problem, notebook.notes)


def _size_of_notebook(text: str) -> int:
    """That of its cells: outputs, which are most of many a notebook, are not looked at."""
    notebook = _notebook(text)
    return 0 if notebook is None else sum(len(cell.program) for cell in notebook.cells)


def _notebook(text: str) -> Notebook | None:
    from flake8_nnx_treemap.project.notebooks import read_notebook

    return read_notebook(text)


def _notebook_with_cells(text: str) -> Notebook:
    notebook = _notebook(text)
    assert notebook is not None, "only a notebook with findings is rewritten"
    return notebook


def _find_in_markdown(text: str, lint: Lint) -> Sequence[Finding]:
    if names_a_kernel(text):
        return _find_in_text_notebook(text, lint)
    from flake8_nnx_treemap.project.markdown import find_in_markdown

    return find_in_markdown(text, lint)


def _rewrite_markdown(text: str, edits: Sequence[Edit]) -> str:
    if names_a_kernel(text):
        return _rewrite_text_notebook(text, edits)
    from flake8_nnx_treemap.project.markdown import rewrite_markdown

    return rewrite_markdown(text, edits)


def _show_markdown(text: str) -> Shown:
    return _show_text_notebook(text) if names_a_kernel(text) else Shown(text)


def _find_in_text_notebook(text: str, lint: Lint) -> Sequence[Finding]:
    from flake8_nnx_treemap.project.text_notebooks import find_in_text_notebook

    return find_in_text_notebook(text, lint)


def _rewrite_text_notebook(text: str, edits: Sequence[Edit]) -> str:
    from flake8_nnx_treemap.project.text_notebooks import rewrite_text_notebook

    return rewrite_text_notebook(text, edits)


def _show_text_notebook(text: str) -> Shown:
    from flake8_nnx_treemap.project.text_notebooks import read_text_notebook

    notebook = read_text_notebook(text)
    return Shown(text, problem=notebook.problem, notes=notebook.notes)


PYTHON = Format(_find_in_python, rewritten, decode=decode)
NOTEBOOK = Format(_find_in_notebook, _rewrite_notebook, _show_notebook, size=_size_of_notebook)
MARKDOWN = Format(_find_in_markdown, _rewrite_markdown, _show_markdown)
QUARTO = Format(_find_in_text_notebook, _rewrite_text_notebook, _show_text_notebook)
