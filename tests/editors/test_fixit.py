"""The rule for Fixit, run by Fixit's own command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fixit")

BUG = """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
CONFIGURATION = """\
[tool.fixit]
root = true
enable = ["flake8_nnx_treemap.codemod.fixit_rule"]
disable = ["fixit.rules"]

"""


def fixit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fixit", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_fixit_reports_what_nnx_fix_reports(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION)
    (tmp_path / "bug.py").write_text(BUG)
    (tmp_path / "ignored.py").write_text(BUG.replace("    return", "    # lint-ignore: NNXTreeMap\n    return"))
    (tmp_path / "plain.py").write_text("x = 1\n")
    run = fixit(tmp_path, "lint", ".")
    assert run.returncode == 1
    assert "bug.py@6:" in run.stdout
    assert "NNXTreeMap: NNX101 is_leaf only stops at VariableState" in run.stdout
    assert run.stdout.count("NNXTreeMap") == 1


def test_fixit_counts_the_projects_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION + '[tool.nnx-treemap]\nignore = ["NNX101"]\n')
    (tmp_path / "bug.py").write_text(BUG)
    assert fixit(tmp_path, "lint", "bug.py").returncode == 0
