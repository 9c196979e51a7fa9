"""Markdown: blocks of Python where people put them, and nothing else of the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.project.markdown import python_blocks
from flake8_nnx_treemap.project.runner import FileReport, Task, process_text

CODE = """\
import jax
from flax import nnx
jax.tree.map(lambda x: x.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
FIXED = CODE.replace("x.value", "x.value if isinstance(x, nnx.Variable) else x").replace("VariableState", "Variable")
TASK = Task(Overrides(select=("NNX101",), target_flax="0.11", line_length=200, is_isolated=True), fixes=True)


def fix(text: str) -> tuple[FileReport, str]:
    return process_text(text, "README.md", TASK)


def check(text: str) -> list[tuple[int, int]]:
    report, _ = process_text(text, "README.md", Task(TASK.overrides))
    assert report.error is None
    return [(found.range.start.row, found.range.start.column) for found in report.findings]


def indented(text: str, indent: str) -> str:
    return "".join(indent + line for line in text.splitlines(keepends=True))


FENCES = {
    "plain": "```python\n{0}```\n",
    "py": "```py\n{0}```\n",
    "python3 with a title": '``` python3 title="x.py" hl_lines="1 2"\n{0}```\n',
    "attributes": "```{ .python .annotate }\n{0}```\n",
    "capitals": "```Python\n{0}```\n",
    "tildes": "~~~python\n{0}~~~\n",
    "long": "`````python\n{0}`````\n",
    "closed with more": "```python\n{0}`````\n",
    "never closed": "```python\n{0}",
    "closed with blanks": "```python\n{0}```  \n",
    "shorter fences inside": "````python\n'''\n```\n'''\n{0}````\n",
    "after another": "~~~text\n```python\n~~~\n```python\n{0}```\n",
}


@pytest.mark.parametrize("name", FENCES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("indent", ["", "   ", "\t"])
def test_blocks_are_fixed_in_place(name: str, newline: str, indent: str) -> None:
    before, after = (
        ("# nnx\n\n* text\n\n" + indented(FENCES[name].replace("{0}", text), indent)).replace("\n", newline)
        for text in (CODE, FIXED)
    )
    row = before.split(newline).index(indent + CODE.splitlines()[2]) + 1
    assert check(before) == [(row, 44 + len(indent))]
    report, new_text = fix(before)
    assert new_text == after
    assert len(report.fixed) == 1
    assert fix(after)[1] == after


CONTAINERS = {
    "a quotation": ("> ", "> "),
    "a quotation without a blank": (">", ">"),
    "a list": ("* ", "  "),
    "a numbered list": ("10. ", "    "),
    "a list in a list": ("- 1) ", "     "),
    "a quotation in a list": ("* > ", "  > "),
    "a list in a quotation": ("> - ", ">   "),
    "a quotation of a quotation": ("> > ", "> > "),
}


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_blocks_that_begin_behind_a_mark(name: str, newline: str) -> None:
    first, others = CONTAINERS[name]
    before, after = (
        f"{first}```python\n{indented(f'{text}```', others)}\n\ntext\n".replace("\n", newline) for text in (CODE, FIXED)
    )
    assert check(before) == [(4, 44 + len(others))]
    assert fix(before)[1] == after
    assert fix(after)[1] == after


def test_a_block_ends_with_its_list_or_quotation() -> None:
    assert check(f"> ```py\n{indented(CODE, '> ')}x = (\n") == [(4, 46)]
    assert check(f"* ```py\n{indented(CODE, '  ')}x = (\n```py\n{CODE}") == [(4, 46), (9, 44)]
    assert check(f"> ```py\n> import jax\n```py\n{CODE}") == [(6, 44)]


def test_marks_without_an_end_take_no_time() -> None:
    for mark in ("> ", ">", "- ", "1. ", "> - ", " "):
        assert list(python_blocks(mark * 20_000 + "x\n" + mark * 20_000)) == []


def test_imports_stay_in_the_quotation() -> None:
    block = f"from flax.nnx import (\n    State,\n    VariableState\n)\nimport jax\n{CODE.splitlines()[2]}".replace(
        "nnx.V", "V"
    )
    _, new_text = fix(f"> ```python\n{indented(block, '> ')}\n> ```\n")
    assert all(line.startswith("> ") for line in new_text.splitlines())
    assert "\n>     Variable,\n>     VariableState\n" in new_text


NOT_OURS = {
    "console": "```pycon\n{0}```\n",
    "no language": "```\n{0}```\n",
    "another language": "```text\n{0}```\n",
    "python in a longer fence": "````markdown\n```python\n{0}```\n````\n",
    "no fence": "{0}",
    "a title only": "```title=python\n{0}```\n",
    "in line": "`python` ```{0}```\n",
    "not a program": "```python\n{0} ...(\n```\n",
}


@pytest.mark.parametrize("name", NOT_OURS)
def test_other_text_is_left_alone(name: str) -> None:
    text = NOT_OURS[name].replace("{0}", CODE)
    assert check(text) == []
    assert fix(text)[1] == text


def test_each_block_is_a_program_of_its_own() -> None:
    imports, call = CODE.rsplit("\n", 2)[0], CODE.splitlines()[2]
    assert check(f"```py\n{imports}\n```\n```py\n{call}\n```\n") == []
    assert check(f"```py\n(\n```\n\n```py\n{CODE}```\n```py\n{CODE}```\n") == [(8, 44), (13, 44)]


def test_imports_stay_in_the_indented_block() -> None:
    block = "from flax.nnx import (\n    State,\n    VariableState\n)\nimport jax\n" + CODE.splitlines()[2].replace(
        "nnx.", ""
    )
    text = "1. x\n\n" + indented(f"```python\n{block}\n```\n", "   ")
    report, new_text = fix(text)
    assert [found.code for found in report.fixed] == ["NNX101"]
    assert all(line.startswith("   ") for line in new_text.splitlines()[2:])
    assert "\n       Variable,\n       VariableState\n" in new_text
    assert fix(new_text)[1] == new_text


def test_suppression() -> None:
    assert check(f"```py\n{CODE.rstrip()}  # noqa: NNX101\n```\n") == []


def nnx_fix(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--check", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False, timeout=120)


def test_folders_are_searched_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"```py\n{CODE}```\n")
    (tmp_path / "plain.md").write_text("not (Python")
    assert nnx_fix(".", cwd=tmp_path).stdout == b"All checks passed!\n"
    assert nnx_fix("--include-markdown", ".", cwd=tmp_path).stdout.startswith(b"./a.md:4:44: NNX101 [*] ")
    assert nnx_fix("a.md", cwd=tmp_path).stdout.startswith(b"a.md:4:44: NNX101 [*] ")
    assert nnx_fix("plain.md", cwd=tmp_path).returncode == 0
    (tmp_path / "pyproject.toml").write_text("[tool.nnx-treemap]\ninclude-markdown = true\n")
    assert nnx_fix(".", cwd=tmp_path).stdout.startswith(b"./a.md:4:44: NNX101 [*] ")
    assert nnx_fix("--isolated", ".", cwd=tmp_path).stdout == b"All checks passed!\n"


def test_a_heading_is_no_declaration_of_an_encoding(tmp_path: Path) -> None:
    text = f"# Encoding: how it is done\n\né\n```py\n{CODE}```\n"
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert nnx_fix("a.md", cwd=tmp_path).stdout.startswith(b"a.md:7:44: NNX101 [*] ")
    (tmp_path / "b.md").write_bytes(b"nnx \xe9\n")
    assert nnx_fix("b.md", cwd=tmp_path).stderr == b"nnx-fix: error: b.md: 1:5: is not UTF-8: byte 0xe9\n"


lines = st.sampled_from(["```python", "```", "~~~py", "~~~", "  ```py", "  ```", "text", "", "\t", *CODE.splitlines()])


@given(st.lists(lines, max_size=14).map("\n".join))
@hypothesis_settings(max_examples=200, deadline=None)
def test_any_text_is_read_and_fixed_once(text: str) -> None:
    for block in python_blocks(text):
        rows = text.split("\n")[block.first_row - 1 :]
        for row, line in enumerate(block.program.rstrip("\n").split("\n")):
            assert rows[row].endswith(line)
    _, new_text = fix(text)
    assert fix(new_text)[1] == new_text
    assert len(new_text.split("\n")) == len(text.split("\n"))
