"""NNX213 speaks where a project states its lowest Flax, by whatever file, and is silent where nobody does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = "from flax import nnx\n\n\ndef plain(state):\n    return nnx.as_pure(state)\n"
FOUND = "nnx.as_pure came with Flax 0.12.7, and this code is for {}"
RAISE = ": raise the lowest Flax to 0.12.7"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "module.py").write_text(SOURCE)
    return tmp_path


def messages(folder: Path, *options: str) -> list[str]:
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--check", "--select", "NNX213", "--output-format", "json"]
    run = subprocess.run([*command, *options, "."], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode in (0, 1), run.stderr
    return [found["message"] for found in json.loads(run.stdout)]


def project(requirement: str) -> str:
    return f'[project]\nname = "m"\nversion = "1"\ndependencies = ["{requirement}"]\n'


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("pyproject.toml", project("flax>=0.12"), "0.12.0 and later" + RAISE),
        ("pyproject.toml", project("flax>=0.8"), "0.10.0 and later" + RAISE),
        ("pyproject.toml", '[tool.nnx-treemap]\ntarget-flax = "portable"\n', "0.10.0 and later" + RAISE),
        ("requirements.txt", "flax==0.12.2\n", "0.12.2 only"),
        ("requirements.txt", "flax>=0.11,<0.12.5\n", "0.11.0 to 0.12.4"),
    ],
)
def test_a_floor_that_is_stated(folder: Path, name: str, text: str, words: str) -> None:
    (folder / name).write_text(text)
    assert messages(folder) == [FOUND.format(words)]


@pytest.mark.parametrize("requirement", ["flax>=0.12.7", "flax", "flax<0.13"])
def test_a_floor_that_has_the_name_or_is_not_stated(folder: Path, requirement: str) -> None:
    (folder / "pyproject.toml").write_text(project(requirement))
    assert messages(folder) == []


def test_the_command_line_states_one(folder: Path) -> None:
    assert messages(folder, "--target-flax", "0.12.6") == [FOUND.format("0.12.6 and later" + RAISE)]
    assert messages(folder, "--isolated") == []


def test_flake8_reads_the_same(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(project("flax>=0.12"))
    command = [sys.executable, "-m", "flake8", "--isolated", "--select", "NNX213", "module.py"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert run.stdout == f"module.py:5:12: NNX213 {FOUND.format('0.12.0 and later')}{RAISE}\n"
