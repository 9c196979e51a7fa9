"""Notebooks: one program, many cells; and a file of which nothing changes but what was meant to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flake8_nnx_treemap.analysis.code.text import Edit, Position, Range, SourceError
from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.project.magics import covered
from flake8_nnx_treemap.project.notebooks import read_notebook
from flake8_nnx_treemap.project.patches import as_text
from flake8_nnx_treemap.project.runner import FileReport, Task, process_text

IMPORTS = "import jax\nfrom flax import nnx"
CALL = "jax.tree.map(lambda x: x.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))"
FIXED = CALL.replace("x.value", "x.value if isinstance(x, nnx.Variable) else x").replace("VariableState", "Variable")
OVERRIDES = Overrides(select=("NNX101",), target_flax="0.11", line_length=200, is_isolated=True)


def code(source: str | list[str], **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}


def markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def notebook(*cells: dict[str, Any], metadata: dict[str, Any] | None = None, **format_: Any) -> str:
    content = {"cells": list(cells), "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, **{"indent": 1, "ensure_ascii": False, **format_}) + "\n"


def fix(text: str) -> tuple[FileReport, str]:
    return process_text(text, "book.ipynb", Task(OVERRIDES, fixes=True, wants_diff=True))


def check(text: str) -> list[str]:
    report, unchanged = process_text(text, "book.ipynb", Task(OVERRIDES))
    assert unchanged == text
    return [report.error] if report.error else [report.place(found.range.start) for found in report.findings]


def test_names_flow_between_cells_and_places_count_all_cells() -> None:
    assert check(notebook(code(IMPORTS), markdown("nnx"), code(["\n", f"y = {CALL}"]))) == ["cell 3:2:48"]
    assert check(notebook(code(CALL))) == []


LAYOUTS = {
    "jupyter": {},
    "compact": {"indent": None, "separators": (",", ":")},
    "one line": {"indent": None},
    "wide": {"indent": 4},
    "tabs": {"indent": "\t"},
    "escaped": {"ensure_ascii": True},
    "sorted": {"sort_keys": True},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
def test_nothing_else_changes(layout: str, as_list: bool, end: str) -> None:
    source = f'# "é"\t\\ 𝄞\ny = {CALL}  # "ö" 𝄞 nnx\n!ls'
    cell = code(source.splitlines(keepends=True) if as_list else source)
    cell["outputs"] = [{"data": {"text/plain": [CALL]}, "output_type": "display_data", "metadata": {"é": 1.50}}]
    text = notebook(code(IMPORTS), markdown(CALL), cell, **LAYOUTS[layout])[:-1] + end
    report, new_text = fix(text)
    assert [found.code for found in report.fixed] == ["NNX101"]
    escaped = [json.dumps(part)[1:-1] for part in (f"y = {CALL}", f"y = {FIXED}")]
    assert new_text == text.replace(*escaped)
    assert fix(new_text)[1] == new_text
    assert check(new_text) == []


def test_odd_escapes_stay() -> None:
    text = (
        notebook(code(IMPORTS), code(f"u = '/é𝄞'; y = {CALL}"))
        .replace("/é", "\\/\\u00E9")
        .replace("𝄞", "\\ud834\\udd1e")
    )
    assert check(text) == ["cell 2:1:59"]
    assert fix(text)[1] == text.replace(CALL, FIXED)


def test_line_ends_in_cells_stay() -> None:
    text = notebook(code(f"{IMPORTS}\ny = {CALL}\n".replace("\n", "\r\n")))
    assert fix(text)[1] == text.replace(CALL, FIXED)


@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("indent", [1, None])
def test_an_import_goes_to_the_cell_that_has_one(as_list: bool, indent: int | None) -> None:
    imports = "import jax\nfrom flax.nnx import (\n  State,\n  VariableState\n)\n"
    call = CALL.replace("nnx.", "")
    cells = [code(one.splitlines(keepends=True) if as_list else one) for one in (imports, call)]
    text = notebook(*cells, indent=indent)
    report, new_text = fix(text)
    assert [found.code for found in report.fixed] == ["NNX101"]
    sources = ["".join(cell["source"]) for cell in json.loads(new_text)["cells"]]
    assert "  Variable" in sources[0]
    assert "isinstance(x, Variable)" in sources[1]
    if as_list:
        for cell in json.loads(new_text)["cells"]:
            assert cell["source"] == "".join(cell["source"]).splitlines(keepends=True), "one line an element"
    elif indent:
        assert len(new_text.splitlines()) == len(text.splitlines())
    assert fix(new_text)[1] == new_text


NOT_PYTHON = {
    "magic": "%matplotlib inline",
    "magic in a block": "if True:\n    %time f()",
    "shell": "!ls -l | grep 'x",
    "joined shell": "!ls \\\n  -l (",
    "assigned shell": "names = !ls",
    "assigned magic": "a.b = %timeit -o (",
    "assigned to an item": "names = {}\nnames['a=b'] = !ls",
    "assigned in a block": 'if True:\n    names["#"][f("(", k=1)] = !ls',
    "annotated": "names: list = !ls",
    "memory": "%%memit\nx = 1",
    "help": "?nnx",
    "help after": "nnx.Variable?",
    "more help": "nnx.Variable??",
    "timed": "%%time\nx = 1",
    "automatic call": "/f 1",
    "install": "pip install flax",
    "only a mark": "!",
    "after a string of lines": 'x = """\n%not magic\n"""\n%magic (',
    "after brackets": "x = (1\n% 2)\n%magic (",
}


@pytest.mark.parametrize("name", NOT_PYTHON)
def test_what_ipython_adds_is_left_alone(name: str) -> None:
    text = notebook(code(f"{NOT_PYTHON[name]}\n{IMPORTS}\n{CALL}"))
    row = NOT_PYTHON[name].count("\n") + 4
    assert check(text) == [f"cell 1:{row}:44"]
    assert fix(text)[1] == text.replace(CALL, FIXED)


@pytest.mark.parametrize(
    "source",
    [
        "x == 1 % 2",
        "f(x=1) % 2",
        "x = y = 1 % 2",
        "x += 1 % 2",
        "s = '= !ls'",
        "x = 1 % 2",
        "x %= 2",
        "a != b",
        "print('%d' % x)",
        "# why?",
        "x = '''\n!ls\n'''",
        "f(a,\n%b)",
    ],
)
def test_python_is_not_taken_for_something_else(source: str) -> None:
    assert covered(source) == source


@pytest.mark.parametrize("head", ["%%bash", "%%writefile x.py", "\n%%html", "%%javascript"])
def test_cells_of_other_languages_are_skipped(head: str) -> None:
    assert check(notebook(code(IMPORTS), code(f"{head}\n{CALL} (((("), code(CALL))) == ["cell 3:1:44"]
    marked = code(f"{CALL} ((((", vscode={"languageId": "sql"})
    assert check(notebook(code(IMPORTS), marked, code(CALL))) == ["cell 3:1:44"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"language_info": {"name": "R"}},
        {"kernelspec": {"language": "julia", "name": "julia-1.9"}},
    ],
)
def test_other_kernels_are_skipped(metadata: dict[str, Any]) -> None:
    assert check(notebook(code(f"{IMPORTS}\n{CALL} (((("), metadata=metadata)) == []
    assert check(notebook(code(f"{IMPORTS}\n{CALL}"), metadata={"language_info": {"name": "python"}})) == [
        "cell 1:3:44"
    ]


BROKEN = {
    "{": "1:2: is not JSON: ",
    '{"nnx": 1,\n "cells": [}': "2:12: is not JSON: ",
    "[1]": "is not a notebook: there is no nbformat",
    '{"nbformat": 3, "worksheets": []}': "is a notebook of nbformat 3; only 4 is supported",
    '{"nbformat": 4}': "is not a notebook: there is no list of cells",
    '{"nbformat": 4, "cells": [1]}': "is not a notebook: cell 1 is no object",
    '{"nbformat": 4, "cells": [{}]}': "is not a notebook: cell 1 has no type or no source",
    '{"nbformat": 4, "cells": [{"cell_type": "code", "source": [1]}]}': "the source of cell 1 is no text",
    '{"nbformat": ' + "[" * 100_000: "cannot be parsed: nested too deeply",
}


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:40])
def test_what_is_no_notebook_is_one_line(text: str) -> None:
    (error,) = check(text)
    assert BROKEN[text] in error
    assert "\n" not in error


def test_a_syntax_error_names_its_cell() -> None:
    (error,) = check(notebook(code(IMPORTS), markdown("x"), code(f"\nx = = {CALL}")))
    assert error.startswith("cell 3:2:5: syntax error: ")


def test_the_other_cells_are_checked_and_fixed() -> None:
    def text(call: str) -> str:
        return notebook(code(IMPORTS), code("TODO: fill in"), code(call), code("x = ("), code("é"))

    report, new_text = fix(text(CALL))
    assert report.error is not None
    assert report.error.startswith("cell 2:1:")
    assert report.error.endswith("; 1 more cell does not parse; the others were checked")
    assert [found.code for found in report.fixed] == ["NNX101"]
    assert new_text == text(FIXED)


def test_cells_that_are_skipped_are_noted() -> None:
    text = notebook(code(IMPORTS), code("%%mystery\nx = ("), code("%%bash\nls ("), code(CALL))
    report, new_text = fix(text)
    assert (report.error, report.notes) == (None, ("cell 2 is skipped: %%mystery may be in any language",))
    assert new_text == text.replace(CALL, FIXED)


def test_suppression_counts_for_its_line() -> None:
    assert check(notebook(code(IMPORTS), code(f"{CALL}  # noqa: NNX101\n{CALL}"))) == ["cell 2:2:44"]


def test_an_edit_over_the_end_of_a_cell_is_refused() -> None:
    book = read_notebook(notebook(code("x = ("), code("1)")))
    assert book is not None
    with pytest.raises(SourceError, match="does not end with cell 1"):
        book.rewritten([Edit(Range(Position(1, 5), Position(2, 2)), "1")])


def test_the_diff_shows_cells() -> None:
    report, _ = fix(notebook(code(IMPORTS), code(["!ls\n", CALL])))
    lines = as_text(report.diffs).splitlines()
    assert lines[:3] == ["--- book.ipynb:cell 2", "+++ book.ipynb:cell 2", "@@ -1,2 +1,2 @@"]
    assert lines[3:] == [" !ls", f"-{CALL}", f"+{FIXED}"]


def test_the_result_is_a_valid_notebook() -> None:
    nbformat = pytest.importorskip("nbformat")
    cells = [{**code(source), "id": f"a{index}"} for index, source in enumerate((IMPORTS, f"%time\n{CALL}"))]
    nbformat.validate(nbformat.reads(fix(notebook(*cells))[1], as_version=4))


def nnx_fix(*arguments: str, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [
        sys.executable,
        "-m",
        "flake8_nnx_treemap",
        "--isolated",
        "--line-length=200",
        "--target-flax=0.11",
        *arguments,
    ]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False, timeout=120)


def test_the_command_finds_notebooks_in_folders_and_on_standard_input(tmp_path: Path) -> None:
    text = notebook(code(IMPORTS), code(CALL)).encode()
    (tmp_path / "a.ipynb").write_bytes(text)
    (tmp_path / "plain.ipynb").write_text("{ not for us")
    assert nnx_fix("--check", ".", cwd=tmp_path).stdout.startswith(b"./a.ipynb:cell 2:1:44: NNX101 [*] ")
    filtered = nnx_fix("--stdin-filename", "x.ipynb", "-", cwd=tmp_path, stdin=text)
    assert nnx_fix("a.ipynb", cwd=tmp_path).returncode == 0
    assert (tmp_path / "a.ipynb").read_bytes() == filtered.stdout == text.replace(CALL.encode(), FIXED.encode())
    named = nnx_fix("plain.ipynb", cwd=tmp_path)
    assert (named.returncode, named.stderr.startswith(b"nnx-fix: error: plain.ipynb: 1:3: is not JSON")) == (2, True)


def test_json_has_the_cell_as_ruff_has_it(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(notebook(markdown("nnx"), code(IMPORTS), code(f"\n{CALL}")))
    (tmp_path / "b.py").write_text(f"{IMPORTS}\n{CALL}\n")
    in_cell, in_file = json.loads(
        nnx_fix("--check", "--select", "NNX101", "--output-format", "json", ".", cwd=tmp_path).stdout
    )
    assert (in_cell["cell"], in_cell["location"]) == (3, {"row": 2, "column": 44})
    assert {edit["location"]["row"] for edit in in_cell["fix"]["edits"]} == {2}
    assert (in_file["cell"], in_file["location"]) == (None, {"row": 3, "column": 44})


# Properties

pieces = st.sampled_from(
    [
        IMPORTS,
        CALL,
        "%magic",
        "!ls",
        "x?",
        "é = '𝄞'",
        "",
        "\n",
        "def f():\n    return 1",
        "x = '''\n%a\n'''",
        f"y = {CALL}",
    ]
)
sources = st.lists(pieces, max_size=4).map("\n".join)
cells = st.one_of(
    sources.map(code),
    sources.map(lambda text: code(text.splitlines(keepends=True))),
    st.text(max_size=20).map(markdown),
)
layouts = st.sampled_from(sorted(LAYOUTS)).map(LAYOUTS.__getitem__)


@given(st.lists(cells, max_size=5), layouts)
@hypothesis_settings(max_examples=100, deadline=None)
def test_findings_are_those_of_one_program(cells: list[dict[str, Any]], layout: dict[str, Any]) -> None:
    text = notebook(*cells, **layout)
    book = read_notebook(text)
    assert book is not None
    assert len(book.program) == len(book.shown)
    report, _ = process_text(text, "x.ipynb", Task(OVERRIDES))
    as_file, _ = process_text(book.program, "x.py", Task(OVERRIDES))
    assert (report.findings, report.error) == (as_file.findings, as_file.error)
    for found in report.findings:
        number, row = book.cell_rows.locate(found.range.start.row)
        source = "".join(cells[number - 1]["source"])
        assert source.split("\n")[row - 1][found.range.start.column - 1 :].startswith("lambda x: isinstance")


@given(st.lists(cells, max_size=5), layouts)
@hypothesis_settings(max_examples=100, deadline=None)
def test_only_sources_change_and_only_once(cells: list[dict[str, Any]], layout: dict[str, Any]) -> None:
    text = notebook(*cells, **layout)
    report, new_text = fix(text)
    assert fix(new_text)[1] == new_text
    if not report.fixed:
        assert new_text == text
    old, new = json.loads(text), json.loads(new_text)
    for before, after in zip(old["cells"], new["cells"], strict=True):
        assert type(before.pop("source")) is type(after.pop("source"))
    assert old == new


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values, max_size=4), st.lists(cells | json_values, max_size=3), layouts)
@hypothesis_settings(max_examples=150, deadline=None)
def test_any_json_is_read_or_refused(extra: dict[str, Any], cells: list[Any], layout: dict[str, Any]) -> None:
    text = json.dumps({**extra, "cells": cells, "nbformat": 4}, **layout)
    try:
        book = read_notebook(text)
    except SourceError:
        return
    if book is not None:
        assert book.rewritten([]) == text
        for cell in book.cells:
            assert cell.source == "".join(cells[cell.number - 1]["source"])


@given(st.text(alphabet="ab \n\r\\'\"()[]#%!?=,;/:01\t", max_size=60))
@hypothesis_settings(max_examples=300, deadline=None)
def test_covering_keeps_length_and_line_ends(text: str) -> None:
    result = covered(text)
    if result is not None:
        assert len(result) == len(text)
        assert [(index, mark) for index, mark in enumerate(result) if mark in "\r\n"] == [
            (index, mark) for index, mark in enumerate(text) if mark in "\r\n"
        ]


@given(st.text(max_size=40), st.text(max_size=10), st.data(), st.booleans(), st.booleans())
@hypothesis_settings(max_examples=200, deadline=None)
def test_an_edit_of_the_program_is_an_edit_of_the_source(
    source: str, content: str, data: st.DataObject, as_list: bool, ascii_: bool
) -> None:
    text = notebook(code(source.splitlines(keepends=True) if as_list and source else source), ensure_ascii=ascii_)
    book = read_notebook(text)
    if book is None or not book.cells:
        return
    lines = book.shown.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts = [index for index, mark in enumerate("\n" + book.shown) if mark == "\n"]
    if "\r" in source or "\r" in content:
        return
    first = data.draw(st.integers(0, len(source)))
    last = data.draw(st.integers(first, len(source)))

    def position(offset: int) -> Position:
        row = sum(start <= offset for start in starts)
        return Position(row, offset - starts[row - 1] + 1)

    assert len(lines) >= len(starts)
    new_text = book.rewritten([Edit(Range(position(first), position(last)), content)])
    expected = source[:first] + content + source[last:]
    assert "".join(json.loads(new_text)["cells"][0]["source"]) == expected
