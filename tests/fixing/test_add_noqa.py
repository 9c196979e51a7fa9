"""``--add-noqa``: comments that make flake8 and us silent, where flake8 looks for them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from test_suppression import CALL, HEAD, SOURCES, SPLIT

from flake8_nnx_treemap import lint_source
from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.project.runner import FileReport, Task, process_text

TASK = Task(Overrides(is_isolated=True), fixes=True, adds_noqa=True)
IN_A_STRING = {"in a string": f"x = '# noqa: E501', {CALL}", "below": f"x = {CALL}, '''\n# noqa: E501'''  # noqa: W291"}


def add(text: str, filename: str = "x.py") -> tuple[FileReport, str]:
    return process_text(text, filename, TASK)


WRITTEN = {
    CALL: f"{CALL}  # noqa: NNX101",
    f"{CALL}  ": f"{CALL}  # noqa: NNX101  ",
    f"{CALL}  # noqa: E501": f"{CALL}  # noqa: E501, NNX101",
    f"{CALL}  # noqa:E501,W291": f"{CALL}  # noqa:E501,W291,NNX101",
    f"{CALL}  # noqa: E501 W291 since 2020": f"{CALL}  # noqa: E501 W291, NNX101 since 2020",
    f"{CALL}  # type: ignore": f"{CALL}  # type: ignore  # noqa: NNX101",
    f"{CALL}; {CALL}": f"{CALL}; {CALL}  # noqa: NNX101",
    f"{CALL}; jax.tree_map(f, s)": f"{CALL}; jax.tree_map(f, s)  # noqa: NNX101, NNX208",
    f"x = {CALL}, '''\n'''": f"x = {CALL}, '''\n'''  # noqa: NNX101",
    f"x = \\\n{CALL}, \\\n1": f"x = \\\n{CALL}, \\\n1  # noqa: NNX101",
    SPLIT.format("", "", "", ""): SPLIT.format("", "", "  # noqa: NNX101", ""),
    f"if x:\n\t{CALL}": f"if x:\n\t{CALL}  # noqa: NNX101",
}


@pytest.mark.parametrize("text", WRITTEN)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ["\n", ""])
def test_where_comments_go(text: str, newline: str, end: str) -> None:
    before, after = ((HEAD + one + end).replace("\n", newline) for one in (text, WRITTEN[text]))
    report, new_text = add(before)
    assert new_text == after
    assert report.findings == ()
    assert report.done == "suppressed"
    assert add(after)[1] == after


@pytest.mark.parametrize("name", IN_A_STRING)
def test_what_cannot_be_suppressed_is_said_and_left(name: str) -> None:
    text = HEAD + IN_A_STRING[name] + "\n"
    report, new_text = add(text)
    assert new_text == text
    (finding,) = report.findings
    assert finding.message.endswith("(no `# noqa` can be added: the `# noqa` of its line is in a string)")


def test_flake8_is_silent_afterwards(tmp_path: Path) -> None:
    texts = [f"{HEAD}{text}\n" for text in (*SOURCES.values(), *WRITTEN)]
    for index, text in enumerate(texts):
        (tmp_path / f"case{index}.py").write_text(add(text)[1])
    command = [sys.executable, "-m", "flake8", "--isolated", "--select", "NNX1,NNX2", "."]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("", "")
    assert any(add(text)[1] != text for text in texts)


def test_notebooks_and_markdown() -> None:
    source = [f"{HEAD}", "%time\n", CALL]
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": source}
    text = json.dumps({"cells": [cell], "nbformat": 4, "metadata": {}})
    assert add(text, "x.ipynb")[1] == text.replace(CALL, f"{CALL}  # noqa: NNX101")
    block = f"* x\n\n  ~~~py\n  import jax\n  from flax import nnx\n  {CALL}\n  ~~~\n"
    assert add(block, "x.md")[1] == block.replace(CALL, f"{CALL}  # noqa: NNX101")


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"{HEAD}{CALL}\n")
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated"]
    run = subprocess.run([*command, "--add-noqa", "a.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.stdout == "a.py: suppressed NNX101\nFound 1 finding (1 suppressed, 0 remaining).\n"
    assert run.returncode == 0
    again = subprocess.run([*command, "--check", "a.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (again.stdout, again.returncode) == ("All checks passed!\n", 0)


parts = st.sampled_from(
    [
        CALL,
        "'''\n'''",
        "'# noqa: E501'",
        "\\\n1",
        "(\n1)",
        "1  # noqa: E501",
        "1  # noqa",
        "1 # x",
        '"""\n# noqa: W1\n"""',
    ]
)


@given(st.lists(st.lists(parts, min_size=1, max_size=3).map(", ".join), min_size=1, max_size=3))
@hypothesis_settings(max_examples=200, deadline=None)
def test_only_comments_are_added(statements: list[str]) -> None:
    text = HEAD + "\n".join(statements)
    try:
        tree = ast.dump(ast.parse(text))
    except SyntaxError:
        return
    report, new_text = add(text)
    assert ast.dump(ast.parse(new_text)) == tree
    assert lint_source(new_text) == [] or report.findings
    assert add(new_text)[1] == new_text


def test_a_reason_stands_behind_the_codes(tmp_path: Path) -> None:
    text = f"{HEAD}{CALL}; jax.tree_map(f, s)\n{CALL}  # noqa: E501 since 2020\n{CALL}  # noqa: NNX101\n"
    (tmp_path / "m.py").write_text(text)
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated", "--add-noqa=until Flax 0.13, see #7", "m.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "m.py").read_text() == (
        f"{HEAD}{CALL}; jax.tree_map(f, s)  # noqa: NNX101, NNX208 until Flax 0.13, see #7\n"
        f"{CALL}  # noqa: E501, NNX101 since 2020\n{CALL}  # noqa: NNX101\n"
    )
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout == b"All checks passed!\n"
