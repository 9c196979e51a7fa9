"""Notebooks that are Markdown: MyST, Jupytext's own format, Quarto. One program a file, and edits in cells alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.project.runner import FileReport, Task, process_text
from flake8_nnx_treemap.project.text_notebooks import read_text_notebook

IMPORTS = "import jax\nfrom flax import nnx\n"
CALL = "jax.tree.map(lambda x: x.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
FIXED = CALL.replace("x.value", "x.value if isinstance(x, nnx.Variable) else x").replace("VariableState", "Variable")
TASK = Task(Overrides(select=("NNX101",), target_flax="0.11", line_length=200, is_isolated=True), fixes=True)

MYST = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  name: python3
---
"""
BOOK = "---\nkernelspec:\n  name: python3\n  language: python\n---\n"
JUPYTEXT = """\
---
jupyter:
  jupytext:
    text_representation:
      extension: .md
      format_name: markdown
  kernelspec:
    display_name: Python 3
    language: python
    name: python3
---
"""
QUARTO = "---\ntitle: x\njupyter: python3\n---\n"
HEADS = {
    "myst": ("book.md", MYST, "```{code-cell}"),
    "myst, of a kernel": ("book.md", BOOK, "```{code-cell} ipython3"),
    "myst, tildes": ("book.markdown", MYST, "~~~{code-cell} python"),
    "jupytext": ("book.md", JUPYTEXT, "```python"),
    "jupytext with tags": ("book.md", JUPYTEXT, '```python tags=["x"] slideshow={"slide_type": "skip"}'),
    "quarto": ("book.qmd", QUARTO, "```{python}"),
    "quarto without a head": ("book.qmd", "", "```{python, echo=FALSE}"),
}


def fix(text: str, name: str = "book.md") -> tuple[FileReport, str]:
    return process_text(text, name, TASK)


def check(text: str, name: str = "book.md") -> list[tuple[int, int]]:
    report, unchanged = process_text(text, name, Task(TASK.overrides))
    assert unchanged == text
    return [(found.range.start.row, found.range.start.column) for found in report.findings]


def cell(fence: str, source: str) -> str:
    return f"{fence}\n{source}{fence[:3]}\n"


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_cells_are_one_program_and_are_fixed_in_place(kind: str, newline: str) -> None:
    name, head, fence = HEADS[kind]

    def text(call: str) -> str:
        cells = (
            cell(fence, IMPORTS + "%matplotlib inline\n"),
            "\nnnx in `text`: x = (\n\n",
            cell(fence, "%%time\n" + call),
        )
        return (head + "".join(cells)).replace("\n", newline)

    before = text(CALL)
    row = before.split(newline).index(CALL.rstrip()) + 1
    assert check(before, name) == [(row, 44)]
    report, after = fix(before, name)
    assert [found.code for found in report.fixed] == ["NNX101"]
    assert after == text(FIXED)
    assert fix(after, name)[1] == after


NOT_RUN = {
    "shown only": MYST + cell("```{code-cell}", IMPORTS) + cell("```python", CALL),
    "another language in MyST": MYST + cell("```{code-cell}", IMPORTS) + cell("```{code-cell} bash", CALL),
    "another kernel": MYST.replace("name: python3", "name: ir\n  language: R") + cell("```{code-cell}", IMPORTS + CALL),
    "without a head": cell("```{code-cell}", IMPORTS + CALL),
    "a head of something else": "---\ntitle: jupytext\n---\n" + cell("```{code-cell}", IMPORTS + CALL),
    "in a longer fence": MYST + f"````md\n{cell('```{code-cell}', IMPORTS + CALL)}````\n",
    "not evaluated": JUPYTEXT + cell("```python", IMPORTS) + cell("```python .noeval", CALL),
    "a cell of another language": MYST + cell("```{code-cell}", IMPORTS) + cell("```{code-cell}", "%%bash\n" + CALL),
    "in a list": MYST + cell("```{code-cell}", IMPORTS) + "* x\n\n  ```{code-cell}\n  " + CALL + "  ```\n",
}


@pytest.mark.parametrize("name", NOT_RUN)
def test_what_no_kernel_runs_is_no_cell(name: str) -> None:
    assert check(NOT_RUN[name]) == []
    assert fix(NOT_RUN[name])[1] == NOT_RUN[name]


def test_quarto_shows_other_blocks() -> None:
    text = QUARTO + cell("```{python}", IMPORTS) + cell("```python", CALL) + cell("```{.python}", CALL)
    assert check(text, "book.qmd") == []


@pytest.mark.parametrize(
    "options",
    [":tags: [hide-input]\n:name: x\n", "---\ntags: [hide-input]\n---\n", "#| echo: false\n", "---\nx: 1\n---\n\n"],
)
def test_options_of_a_cell_are_not_its_source(options: str) -> None:
    text = MYST + cell("```{code-cell}", options + IMPORTS + CALL)
    assert check(text) == [(text[: text.index(CALL)].count("\n") + 1, 44)]


def test_a_cell_that_does_not_parse_is_said_and_the_others_are_fixed() -> None:
    def text(call: str) -> str:
        return (
            MYST
            + cell("```{code-cell}", IMPORTS)
            + cell("```{code-cell}", "x = 1\nTODO: fill in\n")
            + cell("```{code-cell}", call)
        )

    report, after = fix(text(CALL))
    assert report.error is not None
    assert report.error.startswith("16:")
    assert report.error.endswith("; the others were checked")
    assert after == text(FIXED)


def test_an_unknown_magic_is_noted() -> None:
    text = MYST + cell("```{code-cell}", "%%mystery\nx = (\n") + cell("```{code-cell}", IMPORTS + CALL)
    report, after = fix(text)
    assert report.error is None
    assert report.notes == ("11:1: the cell is skipped: %%mystery may be in any language",)
    assert len(report.fixed) == 1
    assert "%%mystery" in after


def test_an_import_goes_to_the_cell_that_has_one() -> None:
    imports = "import jax\nfrom flax.nnx import State, VariableState\n"
    text = MYST + cell("```{code-cell}", imports) + cell("```{code-cell}", CALL.replace("nnx.", ""))
    report, after = fix(text)
    assert len(report.fixed) == 1
    assert "from flax.nnx import State, Variable, VariableState" in after
    assert after.startswith(MYST + "```{code-cell}\n")


def test_suppression() -> None:
    assert check(MYST + cell("```{code-cell}", IMPORTS + CALL.rstrip() + "  # noqa: NNX101\n")) == []


def nnx_fix(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flake8_nnx_treemap", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


def test_folders_are_searched_for_them_without_being_asked(tmp_path: Path) -> None:
    source = cell("```{code-cell}", IMPORTS + CALL)
    (tmp_path / "book.md").write_text(MYST + source)
    (tmp_path / "other.md").write_text("# Text\n\n" + cell("```python", IMPORTS + CALL))
    (tmp_path / "report.qmd").write_text(QUARTO + cell("```{python}", IMPORTS + CALL))
    shown = nnx_fix(
        "--check", "--select", "NNX101", "--output-format", "concise", "--quiet", ".", cwd=tmp_path
    ).stdout.splitlines()
    assert [line.partition(" ")[0] for line in shown] == ["./book.md:13:44:", "./report.qmd:8:44:"]
    assert nnx_fix("--show-files", ".", cwd=tmp_path).stdout == "./book.md\n./report.qmd\n"
    asked = nnx_fix("--include-markdown", "--show-files", ".", cwd=tmp_path).stdout
    assert asked == "./book.md\n./other.md\n./report.qmd\n"


def test_notes_and_errors_are_said_by_the_command(tmp_path: Path) -> None:
    text = MYST + cell("```{code-cell}", "%%mystery\nx\n") + cell("```{code-cell}", IMPORTS)
    (tmp_path / "book.md").write_text(text)
    run = nnx_fix("--isolated", "--check", "book.md", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (0, "All checks passed!\n")
    assert run.stderr == "nnx-fix: note: book.md: 11:1: the cell is skipped: %%mystery may be in any language\n"
    (tmp_path / "book.md").write_text(text + cell("```{code-cell}", "x = = 1\n") + cell("```{code-cell}", CALL))
    run = nnx_fix("--isolated", "--check", "book.md", cwd=tmp_path)
    assert run.returncode == 2
    assert "NNX101" in run.stdout
    assert "nnx-fix: error: book.md: 19:5: syntax error: " in run.stderr


FENCES = ["```{code-cell}", "```", "```python", "~~~{code-cell}", "~~~", "```{python}"]
OTHERS = ["text", "", "---", ":a: b", "%%time", "x = (", "é = '𝄞'"]
lines = st.sampled_from([*FENCES, *OTHERS, *IMPORTS.splitlines(), *CALL.splitlines()])


@given(
    st.sampled_from([MYST, JUPYTEXT, ""]),
    st.lists(lines, max_size=14).map("\n".join),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
@hypothesis_settings(max_examples=200, deadline=None)
def test_any_text_is_read_and_fixed_once(head: str, body: str, newline: str) -> None:
    text = (head + body).replace("\n", newline)
    for name in ("book.md", "book.qmd"):
        notebook = read_text_notebook(text)
        assert len(notebook.program) == len(text)
        assert [mark for mark in notebook.program if mark in "\r\n"] == [mark for mark in text if mark in "\r\n"]
        report, after = fix(text, name)
        assert fix(after, name)[1] == after
        if not report.fixed:
            assert after == text
