"""What follows from the lowest Flax that a project states: NNX213, and what is said of a target above it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from running import nnx_fix

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


# A target above what the project states

TARGET = "--target-flax is 0.12.0 and later, but "
BEYOND = ": what a fix writes may not run on {}"


def told(folder: Path, *options: str, stdin: str = "") -> tuple[str, list[str]]:
    """Standard output, and the lines beside it."""
    run = nnx_fix("--check", *options, cwd=folder, stdin=stdin)
    assert run.returncode in (0, 1), run.stderr
    return run.stdout, run.stderr.splitlines()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("pyproject.toml", project("flax>=0.10.6"), "0.10.6 and later" + BEYOND.format("0.10.6")),
        ("pyproject.toml", project("flax>=0.8"), "0.10.0 and later" + BEYOND.format("0.10.0")),
        ("requirements.txt", "flax>=0.10.2,<0.12\n", "0.10.2 to 0.11.2" + BEYOND.format("0.10.2")),
        ("requirements.txt", "flax<0.11\n", "0.10.0 to 0.10.7" + BEYOND.format("0.10.7")),
    ],
)
def test_a_target_above_what_the_project_states(folder: Path, name: str, text: str, words: str) -> None:
    (folder / name).write_text(text)
    warning = f"nnx-fix: warning: {TARGET}flax in {folder / name} means {words}"
    assert told(folder, "--target-flax", "0.12", ".")[1] == [warning]
    assert told(folder, "--target-flax", "0.12", "-", stdin=SOURCE)[1] == [warning]


@pytest.mark.parametrize("text", ["flax>=0.12.1\n", "flax==0.12.0\n", "flax<0.13\n", "flax\n", "jax\n"])
def test_a_target_within_what_the_project_states(folder: Path, text: str) -> None:
    (folder / "requirements.txt").write_text(text)
    assert told(folder, "--target-flax", "0.12", ".")[1] == []
    (folder / "requirements.txt").write_text("flax>=0.10\n")
    assert told(folder, "--target-flax", "portable", ".")[1] == []
    assert told(folder, "--target-flax", "0.12", "--isolated", ".")[1] == []


def test_each_project_is_told_of_once(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / name / "src").mkdir(parents=True)
        (folder / name / "pyproject.toml").write_text(project("flax>=0.11"))
        (folder / name / "one.py").write_text(SOURCE)
        (folder / name / "src" / "two.py").write_text(SOURCE)
    beside = told(folder, "--target-flax", "0.12", "a", "b")[1]
    assert [line.split(" means ")[0].rpartition(" ")[2] for line in beside] == [
        f"{folder}/a/pyproject.toml",
        f"{folder}/b/pyproject.toml",
    ]
    for quiet in ("--quiet", "--silent", "--statistics"):
        assert told(folder, "--target-flax", "0.12", quiet, "a", "b")[1] == []


@pytest.mark.parametrize("form", ["json", "json-lines", "sarif", "github", "gitlab", "junit", "rdjson"])
def test_reports_for_programs_do_not_hold_it(folder: Path, form: str) -> None:
    (folder / "requirements.txt").write_text("flax>=0.12\n")
    plain = told(folder, "--target-flax", "0.12.1", "--output-format", form, ".")
    (folder / "requirements.txt").write_text("flax>=0.12.1\n")
    assert told(folder, "--target-flax", "0.12.1", "--output-format", form, ".") == (plain[0], [])
    assert len(plain[1]) == 1  # Beside, it is said in every format.


def test_settings_show_it(folder: Path) -> None:
    table = '[tool.nnx-treemap]\ntarget-flax = "0.12"\n'
    (folder / "pyproject.toml").write_text(project("flax>=0.11") + table)
    place = folder / "pyproject.toml"
    warning = (
        f"target-flax in {place} is 0.12.0 and later, but flax in {place} means 0.11.0 and later" + BEYOND
    ).format("0.11.0")
    shown = nnx_fix("--show-settings", "module.py", cwd=folder)
    assert f"target-flax-warning: {warning}" in shown.stdout.splitlines()
    settings = json.loads(nnx_fix("--show-settings", "module.py", "--output-format", "json", cwd=folder).stdout)
    assert settings["target-flax-warning"] == warning
    settings = json.loads(
        nnx_fix("--show-settings", "module.py", "--output-format", "json", "--target-flax", "0.11", cwd=folder).stdout
    )
    assert settings["target-flax-warning"] is None
    assert told(folder, "module.py")[1] == [f"nnx-fix: warning: {warning}"]
