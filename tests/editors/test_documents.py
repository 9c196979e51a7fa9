"""Positions, changes and cells, held to what the protocol says, on texts that hypothesis makes up."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from flake8_nnx_treemap.analysis.code.text import Edit, Position, Range, line_starts
from flake8_nnx_treemap.fixing.edits import apply_edits
from flake8_nnx_treemap.lsp.analyst import difference
from flake8_nnx_treemap.lsp.cells import python_of
from flake8_nnx_treemap.lsp.documents import Document, Documents, Source
from flake8_nnx_treemap.lsp.noqa import noqa_edit
from flake8_nnx_treemap.lsp.positions import Lines, units

CODECS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
WIDTHS = {"utf-8": 1, "utf-16": 2, "utf-32": 4}

PIECES = ("a", "é", "漢", "𝔘", "\ud800", "\x0c", "\u2028", " ", "%", "\n", "\r", "\r\n")
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
encodings = st.sampled_from(sorted(CODECS))


def size(text: str, encoding: str) -> int:
    return len(text.encode(CODECS[encoding], "surrogatepass")) // WIDTHS[encoding]


@given(texts, encodings)
def test_units(text: str, encoding: str) -> None:
    assert units(text, encoding) == size(text, encoding)


@given(texts, encodings, st.data())
def test_positions_go_there_and_back(text: str, encoding: str, data: st.DataObject) -> None:
    lines = Lines(text, encoding)
    row = data.draw(st.integers(1, len(line_starts(text))))
    column = data.draw(st.integers(1, len(lines.line(row - 1)) + 1))
    there = lines.to_client(Position(row, column))
    assert there.line == row - 1
    assert there.character == size(lines.line(row - 1)[: column - 1], encoding)
    assert lines.from_client(there) == Position(row, column)
    assert lines.offset(there) == line_starts(text)[row - 1] + column - 1


@given(texts, encodings, st.integers(0, 50), st.integers(0, 100))
def test_any_position_is_one_in_the_text(text: str, encoding: str, line: int, character: int) -> None:
    lines = Lines(text, encoding)
    found = lines.from_client(types.Position(line, character))
    assert 1 <= found.row <= len(lines)
    assert 1 <= found.column <= len(lines.line(found.row - 1)) + 1
    assert 0 <= lines.offset(types.Position(line, character)) <= len(text)
    if line >= len(lines):
        assert lines.offset(types.Position(line, character)) == len(text)


positions = st.builds(types.Position, st.integers(0, 8), st.integers(0, 12))
changes = st.builds(
    lambda one, other, text: types.TextDocumentContentChangePartial(types.Range(*sorted((one, other), key=key)), text),
    positions,
    positions,
    texts,
)


def key(position: types.Position) -> tuple[int, int]:
    return (position.line, position.character)


@given(texts, encodings, st.lists(changes, max_size=5))
def test_changes_keep_the_lines_right(
    text: str, encoding: str, made: list[types.TextDocumentContentChangePartial]
) -> None:
    document = Document("untitled:a.py", Lines(text, encoding), 0)
    for number, change in enumerate(made, 1):
        lines = Lines(text, encoding)
        start, end = lines.offset(change.range.start), lines.offset(change.range.end)
        text = text[:start] + change.text + text[end:]
        document = document.changed([change], number)
        assert document.text == text
        assert document.version == number
        assert [document.lines.line(row) for row in range(len(document.lines))] == [
            Lines(text, encoding).line(row) for row in range(len(line_starts(text)))
        ]


def test_a_change_may_be_the_whole_text() -> None:
    document = Document("untitled:a.py", Lines("a\n", "utf-16"), 0)
    assert document.changed([types.TextDocumentContentChangeWholeDocument("b")], 1).text == "b"


@pytest.mark.parametrize(("base", "is_worth_a_look"), [("Kernel", True), ("object", False)])
def test_a_file_that_inherits_from_a_module_is_worth_a_look(
    tmp_path: Path, base: str, *, is_worth_a_look: bool
) -> None:
    (tmp_path / "base.py").write_text("from flax import nnx\n\n\nclass Kernel(nnx.Module):\n    pass\n")
    text = f"from base import Kernel\n\n\nclass Features({base}):\n    pass\n"
    document = Document((tmp_path / "features.py").as_uri(), Lines(text, "utf-16"), 0)
    assert Source.of_document(document).may_hold_findings == is_worth_a_look


# Differences


@given(texts, texts)
def test_a_difference_makes_one_text_of_the_other(old: str, new: str) -> None:
    assert apply_edits(old, difference(old, new)) == new


# Cells


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("x = 1", "x = 1"),
        ("x = '''\n%no magic\n'''", "x = '''\n%no magic\n'''"),
        ("%matplotlib inline\nx = 1", "0\nx = 1"),
        ("%%time\nx = 1", "0\nx = 1"),
        ("%%bash\necho 1", "\n"),
        ("if x:\n    !ls\n    y = !ls {x}", "if x:\n    0\n    y = 0"),
        ("x?\nx.y??\n?x", "0\n0\n0"),
        ("x = (", ""),
        ("x = (\r\n1 +", "\n"),
    ],
)
def test_what_only_ipython_understands(cell: str, python: str) -> None:
    assert [line.rstrip() for line in python_of(cell).split("\n")] == python.split("\n")


@given(texts)
def test_cells_keep_their_lines(text: str) -> None:
    assert len(line_starts(python_of(text))) == len(line_starts(text))


@given(st.lists(texts, max_size=4))
def test_a_notebook_has_the_lines_of_its_cells(cells: list[str]) -> None:
    assert len(line_starts(notebook(*cells).text)) == max(1, sum(len(line_starts(text)) for text in cells))


def notebook(*cells: str) -> Source:
    return Source.of_cells(
        "file:///a.ipynb", [Document(f"cell:{n}", Lines(text, "utf-16"), n) for n, text in enumerate(cells)]
    )


def test_cells_are_one_source() -> None:
    source = notebook("a\nb", "%time", "", "c")
    assert source.text == "a\nb\n0    \n\nc"
    document, range_ = source.locate(Range(Position(5, 1), Position(5, 2))) or (None, None)
    assert document is not None
    assert (document.uri, range_) == ("cell:3", types.Range(types.Position(0, 0), types.Position(0, 1)))
    assert source.locate(Range(Position(1, 1), Position(3, 1))) is None


def test_edits_go_to_their_cells() -> None:
    source = notebook("a", "b")
    first, second = (Edit(Range(Position(row, 1), Position(row, 2)), "x") for row in (1, 2))
    assert {uri: len(found) for uri, found in (source.text_edits([second, first]) or {}).items()} == {
        "cell:0": 1,
        "cell:1": 1,
    }
    assert source.text_edits([Edit(Range(Position(1, 1), Position(2, 2)), "x")]) is None


def test_cells_that_are_removed_are_forgotten() -> None:
    documents = Documents()
    names = [f"cell:{number}" for number in range(3)]
    cells = [types.NotebookCell(types.NotebookCellKind.Code, name) for name in names]
    items = [types.TextDocumentItem(name, "python", 0, name[-1]) for name in names]
    documents.open_notebook(types.NotebookDocument("file:///a.ipynb", "jupyter-notebook", 0, cells), items)
    last_two_change_places = types.NotebookCellArrayChange(0, 3, [cells[2], cells[1]])
    structure = types.NotebookDocumentCellChangeStructure(last_two_change_places)  # Not every client says didClose.
    documents.change_notebook("file:///a.ipynb", types.NotebookDocumentCellChanges(structure))
    assert not documents.is_cell("cell:0")
    assert documents.source_of("cell:0") is None
    source = documents.source_of("cell:1")
    assert source is not None
    assert source.text == "2\n1"
    documents.close_notebook("file:///a.ipynb")
    assert [documents.source_of(name) for name in names] == [None, None, None]
    assert not any(map(documents.is_cell, names))


# Suppression


@pytest.mark.parametrize(
    ("text", "row", "silenced"),
    [
        ("x = 1\n", 1, "x = 1  # noqa: NNX101\n"),
        ("x = 1", 1, "x = 1  # noqa: NNX101"),
        ("x = 1  # type: ignore\n", 1, "x = 1  # type: ignore  # noqa: NNX101\n"),
        ("x = 1  # noqa: E501\n", 1, "x = 1  # noqa: E501, NNX101\n"),
        ("x = 1  # noqa:E501,W291 because\n", 1, "x = 1  # noqa:E501,W291,NNX101 because\n"),
        ("f(\n    1,\n    2,\n)\n", 2, "f(\n    1,  # noqa: NNX101\n    2,\n)\n"),
        ("x = '''\na\n'''\ny = 1\n", 1, "x = '''\na\n'''  # noqa: NNX101\ny = 1\n"),
        ("x = 1 + \\\n    2\n", 1, "x = 1 + \\\n    2  # noqa: NNX101\n"),
        ("def f():\r\n    x = 1\r\n", 2, "def f():\r\n    x = 1  # noqa: NNX101\r\n"),
        ("x = (\n", 1, None),
    ],
)
def test_where_noqa_goes(text: str, row: int, silenced: str | None) -> None:
    edit = noqa_edit(text, row, "NNX101")
    assert (apply_edits(text, [edit]) if edit else None) == silenced
