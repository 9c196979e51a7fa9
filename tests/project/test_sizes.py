"""What is too large to be looked at is said to be, in one line, and the run goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BUG = """\
import jax
from flax import nnx

jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
SOURCE = BUG + "x = 1\n" * 20


def nnx_fix(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--check", "--output-format", "concise", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def notebook(source: str, output: str = "") -> str:
    cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": [output], "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.mark.parametrize("name", ["large.py", "large.md", "large.ipynb"])
@pytest.mark.parametrize("where", ["command line", "configuration"])
def test_a_file_that_is_too_large(tmp_path: Path, name: str, where: str) -> None:
    text = {"large.py": SOURCE, "large.md": f"```python\n{SOURCE}```\n", "large.ipynb": notebook(SOURCE)}[name]
    (tmp_path / name).write_text(text)
    (tmp_path / "bug.py").write_text(BUG)
    options: tuple[str, ...] = ("--max-file-size", "200")
    if where == "configuration":
        (tmp_path / "pyproject.toml").write_text("[tool.nnx-treemap]\nmax-file-size = 200\n")
        options = ()
    run = nnx_fix(tmp_path, *options, "--include-markdown", ".")
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"nnx-fix: error: ./{name}: is larger than max-file-size: ")
    assert line.endswith(" characters of Python, and 200 are allowed")
    assert run.stdout.count("NNX101") == 1
    assert nnx_fix(tmp_path, "--max-file-size", "1000", "--include-markdown", ".").stdout.count("NNX101") == 2


def test_outputs_of_a_notebook_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "large.ipynb").write_text(notebook(BUG, "x" * 10_000))
    assert nnx_fix(tmp_path, "--max-file-size", "1000", ".").stdout.count("NNX101") == 1


@pytest.mark.parametrize("value", ["0", "-1", "true", "'1 MB'", "1.5", "[]"])
def test_what_is_no_size(tmp_path: Path, value: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.nnx-treemap]\nmax-file-size = {value}\n")
    (tmp_path / "bug.py").write_text(BUG)
    run = nnx_fix(tmp_path, ".")
    assert run.returncode == 2
    assert "'max-file-size' in [tool.nnx-treemap] must be a number of characters" in run.stderr


def test_a_file_full_of_holes(tmp_path: Path) -> None:
    with (tmp_path / "sparse.py").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "bug.py").write_text(BUG)
    run = nnx_fix(tmp_path, ".")
    assert (run.returncode, run.stderr) == (2, "nnx-fix: error: ./sparse.py: is larger than 268,435,456 bytes\n")
    assert run.stdout.count("NNX101") == 1


def test_a_link_to_what_never_ends(tmp_path: Path) -> None:
    if not os.path.exists("/dev/zero"):
        pytest.skip("there is no such device here")
    (tmp_path / "endless.py").symlink_to("/dev/zero")
    (tmp_path / "bug.py").write_text(BUG)
    run = nnx_fix(tmp_path, "endless.py", "bug.py")
    assert (run.returncode, run.stderr) == (2, "nnx-fix: error: endless.py: is not a regular file\n")
