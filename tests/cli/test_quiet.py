"""What is said is about findings and errors, whatever the environment is like."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ODD = 'import re\nx = re.compile("\\d")\nif x is "a": pass\nassert (x, "always")\n'
BUG = """\
import jax
from flax import nnx

jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))
y: "nnx.Param['\\d']" = None
"""
COMMAND = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "odd.py").write_text(ODD)
    for number in range(33):
        (tmp_path / f"bug{number:02}.py").write_text(ODD + BUG)
    return tmp_path


def nnx_fix(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("warnings", ["error", "always"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_warnings_about_code_and_of_libraries_are_nobodys_business(folder: Path, warnings: str, jobs: str) -> None:
    for arguments in (("--check", "odd.py", "."), ("--diff", "--unsafe-fixes", "--select", "ALL", ".")):
        run = nnx_fix(folder, *arguments, "--jobs", jobs, PYTHONWARNINGS=warnings)
        plain = subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stdout) == (plain.returncode, plain.stdout)
        assert run.returncode == 1
        assert "Warning" not in run.stderr


def test_python_without_docstrings_and_assertions(folder: Path) -> None:
    for arguments in (
        ("--check", "--output-format", "sarif", "."),
        ("--explain", "NNX101,NNX2"),
        ("--list-rules", "--output-format", "json"),
        ("--diff", "."),
        ("--check", "--statistics", "."),
        ("--help",),
    ):
        plain, optimised = nnx_fix(folder, *arguments), nnx_fix(folder, *arguments, PYTHONOPTIMIZE="2")
        assert (optimised.returncode, optimised.stdout, optimised.stderr) == (
            plain.returncode,
            plain.stdout,
            plain.stderr,
        )


def test_errors_do_not_go_where_the_report_does(folder: Path) -> None:
    (folder / "broken.py").write_text("from flax import nnx  # jax.tree.map\ndef f(:\n")
    command = ["bash", "-c", 'exec "$@" 2>&-', "bash", *COMMAND, "--check", "--verbose", "--output-format", "json"]
    run = subprocess.run([*command, ".", "absent"], cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 2
    assert {entry["code"] for entry in json.loads(run.stdout)} == {None, "NNX101"}


def test_errors_do_not_get_into_a_file_that_is_written(folder: Path) -> None:
    (folder / "broken.py").write_text("from flax import nnx  # jax.tree.map\ndef f(:\n")
    subprocess.run(["bash", "-c", 'exec "$@" 2>&-', "bash", *COMMAND, "--jobs", "2", "."], cwd=folder, check=False)
    texts = {path.read_text() for path in folder.glob("bug*.py")}
    assert len(texts) == 1
    assert "nnx-fix" not in texts.pop()
