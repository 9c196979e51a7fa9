"""marimo's notebooks: what a cell takes is what another returned."""

from __future__ import annotations

import ast

import pytest

from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.project.runner import FileReport, Task, process_text

HEAD = 'import marimo\n\n__generated_with = "0.25.2"\napp = marimo.App()\n'
TAIL = '\n\nif __name__ == "__main__":\n    app.run()\n'
CALL = "jax.tree.map(lambda x: x.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))"
FIXED = CALL.replace("x.value", "x.value if isinstance(x, nnx.Variable) else x").replace("VariableState", "Variable")
IMPORTS = "@app.cell\ndef _():\n    import jax\n    from flax import nnx\n    return jax, nnx\n"
USES = "@app.cell(hide_code=True)\ndef _(jax, nnx, s):\n    out = {0}\n    return (out,)\n"
MAKES = "@app.cell\ndef _(nnx):\n    s = nnx.State({})\n    return (s,)\n"
TASK = Task(Overrides(select=("NNX101", "NNX106"), target_flax="0.11", line_length=200, is_isolated=True), fixes=True)


def book(*cells: str) -> str:
    return HEAD + "".join("\n\n" + cell for cell in cells) + TAIL


def fix(text: str) -> tuple[FileReport, str]:
    return process_text(text, "book.py", TASK)


def check(text: str) -> list[tuple[int, int]]:
    report, unchanged = process_text(text, "book.py", Task(TASK.overrides))
    assert unchanged == text
    assert report.error is None
    return [(found.range.start.row, found.range.start.column) for found in report.findings]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)], ids=str)
def test_names_flow_between_cells_whatever_their_order(order: tuple[int, ...]) -> None:
    cells = (IMPORTS, MAKES, USES)
    before, after = (book(*(cells[index].replace("{0}", call) for index in order)) for call in (CALL, FIXED))
    row = before[: before.index(CALL)].count("\n") + 1
    assert check(before) == [(row, 54)]
    report, text = fix(before)
    assert len(report.fixed) == 1
    assert text == after
    assert check(after) == []


@pytest.mark.parametrize(
    "decorator", ["@app.cell", "@app.cell(\n    hide_code=True,\n)", "@app.cell\n@other", "@application.cell()"]
)
@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_how_a_cell_may_be_written(decorator: str, keyword: str) -> None:
    text = book(IMPORTS, f"{decorator}\n{keyword} named(\n    jax,\n    nnx,\n    s,\n):\n    {CALL}\n    return\n")
    assert len(check(text)) == 1


def test_a_setup_block_and_functions_of_the_file_count() -> None:
    setup = "with app.setup:\n    import jax\n    from flax import nnx\n"
    function = "@app.function\ndef is_state(x):\n    return isinstance(x, nnx.VariableState)\n"
    cell = "@app.cell\ndef _(s):\n    jax.tree.map(lambda x: x.value, s, is_leaf=is_state)\n    return\n"
    assert len(check(book(setup, function, cell))) == 1


def test_what_a_cell_does_not_take_is_not_there() -> None:
    shadowed = "@app.cell\ndef _():\n    class nnx: ...\n    return (nnx,)\n"
    only_jax = "@app.cell\ndef _():\n    import jax\n    return (jax,)\n"
    assert check(book(only_jax, shadowed, USES.replace("{0}", CALL))) == []


def test_a_fix_that_needs_another_name_is_not_made() -> None:
    """A cell would have to take it, and the other one to return it: marimo writes that, we do not."""
    imports = (
        "@app.cell\ndef _():\n    import jax\n    from flax.nnx import VariableState\n    return VariableState, jax\n"
    )
    call = CALL.replace("nnx.", "")
    text = book(imports, f"@app.cell\ndef _(VariableState, jax, s):\n    {call}\n    return\n")
    report, after = fix(text)
    assert after == text
    assert [(found.code, found.fix) for found in report.findings] == [("NNX101", None)]


def test_calls_of_several_lines() -> None:
    call, fixed = (one.replace(", s,", ",\n        s,\n       ") for one in (CALL, FIXED))
    assert fix(book(IMPORTS, MAKES, USES.replace("{0}", call)))[1] == book(IMPORTS, MAKES, USES.replace("{0}", fixed))


def test_cells_that_wait_for_each_other_are_read_in_the_order_of_the_file() -> None:
    one = "@app.cell\ndef _(b):\n    a = b\n    return (a,)\n"
    other = "@app.cell\ndef _(a):\n    b = a\n    return (b,)\n"
    assert len(check(book(IMPORTS, one, other, USES.replace("{0}", CALL)))) == 1


def test_suppression() -> None:
    assert check(book(IMPORTS, USES.replace("{0}", CALL + "  # noqa: NNX101"))) == []


def test_what_only_mentions_marimo_is_read_as_it_stands() -> None:
    plain = f"import jax\nfrom flax import nnx\nTEXT = 'marimo.App( .cell'\n{CALL}\n"
    assert check(plain) == [(4, 44)]
    assert check("import marimo\napp = marimo.App()\n@app.cell\ndef _(): return\n") == []


def test_strings_of_several_lines_and_odd_endings() -> None:
    cell = USES.replace("{0}", f'"""\n  x\ny\n"""; out = {CALL}').rstrip("\n")
    text = HEAD + "\n" + IMPORTS + "\n" + MAKES + "\n" + cell
    assert len(check(text)) == 1
    report, after = fix(text)
    assert len(report.fixed) == 1
    ast.parse(after)
    windows, fixed = fix(text.replace("\n", "\r\n"))
    assert fixed == after.replace("\n", "\r\n")
    assert len(windows.fixed) == 1
