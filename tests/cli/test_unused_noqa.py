"""NNX901 as a user meets it: asked for, explained, listed, and repaired; in flake8 as well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TEXT = 'import os\nx = os.path.join("a", 1)  # noqa: E501, NNX101\n'


def run(module: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, "--isolated", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text(TEXT)
    return tmp_path


def test_it_is_opt_in(folder: Path) -> None:
    assert run("flake8_nnx_treemap", "--check", ".", cwd=folder).stdout == "All checks passed!\n"
    found = run("flake8_nnx_treemap", "--check", "--select", "NNX901", ".", cwd=folder)
    message = "NNX901 [*] # noqa: NNX101 suppresses nothing here"
    assert (found.stdout.splitlines()[0], found.returncode) == (f"./a.py:2:27: {message}", 1)


def test_its_fix_takes_out_just_the_code(folder: Path) -> None:
    assert run("flake8_nnx_treemap", "--select", "NNX901", ".", cwd=folder).returncode == 0
    assert (folder / "a.py").read_text() == TEXT.replace(", NNX101", "")


def test_flake8_reports_it_where_it_is_selected(folder: Path) -> None:
    assert run("flake8", "--select", "NNX101,NNX208", ".", cwd=folder).stdout == ""
    found = run("flake8", "--extend-select", "NNX901", ".", cwd=folder).stdout
    assert "./a.py:2:27: NNX901 # noqa: NNX101 suppresses nothing here\n" in found


def test_it_is_explained_and_listed(folder: Path) -> None:
    assert "NNX901 unused-noqa" in run("flake8_nnx_treemap", "--explain", "NNX901", cwd=folder).stdout
    assert "NNX901  unused-noqa" in run("flake8_nnx_treemap", "--list-rules", cwd=folder).stdout
