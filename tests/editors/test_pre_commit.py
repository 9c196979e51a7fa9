"""The real pre-commit with our hooks on a scratch repository: fails on the bug, rewrites it, passes the second time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREK = Path(sys.executable).with_name("prek")
BESIDE_PYTHON = os.pathsep.join([str(PREK.parent), os.environ["PATH"]])
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
needs_pre_commit = pytest.mark.skipif(find_spec("pre_commit") is None, reason="pre-commit is not installed")

BUG = """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
CLEAN = "import jax\n"
UNSAFE = BUG.replace("lambda v: v.value", "convert")
FLAKE8_HOOK = """\
repos:
  - repo: local
    hooks:
      - id: flake8
        name: flake8
        entry: flake8 --isolated --select NNX
        language: python
        types: [python]
        additional_dependencies: ["flake8>=6", "{package}"]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nobody has run git or pre-commit before."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "home"))
    return tmp_path


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "init", "--quiet")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "all")


def hooks_repository(folder: Path) -> Path:
    """This project as it is here, committed."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "flake8_nnx_treemap", folder / "flake8_nnx_treemap", ignore=ignored)
    commit(folder)
    return folder


def scratch(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    commit(folder)
    return folder


def pre_commit(folder: Path, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pre_commit", *words, "--all-files", "--color=never"]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return finished.returncode, finished.stdout + finished.stderr


@needs_pre_commit
def test_the_hooks(home: Path) -> None:
    hooks, project = hooks_repository(home / "hooks"), scratch(home / "project", bug=BUG, clean=CLEAN)
    status, said = pre_commit(project, "try-repo", str(hooks), "nnx-check")
    assert status == 1, said
    assert "bug.py:6:59: NNX101" in said
    assert (project / "bug.py").read_text() == BUG
    # One hook at a time: try-repo runs all of a repository's hooks by name, and so the check before the fix.
    status, said = pre_commit(project, "try-repo", str(hooks), "nnx-fix")
    assert status == 1, said
    assert "- hook id: nnx-fix\n- files were modified by this hook" in said
    assert "if isinstance(v, " in (project / "bug.py").read_text()
    assert (project / "clean.py").read_text() == CLEAN
    commit(project)

    (project / "unsafe.py").write_text(UNSAFE)
    commit(project)
    (project / ".pre-commit-config.yaml").write_text(config(hooks))
    commit(project)
    assert pre_commit(project, "run", "--verbose")[0] == 1
    (project / "unsafe.py").unlink()
    commit(project)
    status, said = pre_commit(project, "run")
    assert status == 0, said


def config(hooks: Path) -> str:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=hooks, check=True, capture_output=True, text=True)
    return f"repos: [{{repo: {hooks}, rev: {head.stdout.strip()}, hooks: [{{id: nnx-fix}}, {{id: nnx-check}}]}}]\n"


@pytest.mark.skipif(not PREK.exists(), reason="prek is not installed")
@pytest.mark.skipif(
    shutil.which("uv", path=BESIDE_PYTHON) is None and find_spec("pip") is None,
    reason="prek finds neither uv, nor pip to install uv with",
)
def test_prek_runs_the_same_configuration(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREK_HOME", str(home / "prek"))
    monkeypatch.setenv("PATH", BESIDE_PYTHON)
    hooks, project = hooks_repository(home / "hooks"), scratch(home / "project", bug=BUG, clean=CLEAN)
    (project / ".pre-commit-config.yaml").write_text(config(hooks))
    commit(project)
    command = [str(PREK), "run", "--all-files", "--color=never"]
    first = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert first.returncode == 1, first.stdout + first.stderr
    assert "files were modified by this hook" in first.stdout
    assert "if isinstance(v, " in (project / "bug.py").read_text()
    commit(project)
    second = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert second.returncode == 0, second.stdout + second.stderr


@needs_pre_commit
def test_the_plugin_under_the_flake8_hook(home: Path) -> None:
    hooks, project = hooks_repository(home / "hooks"), scratch(home / "project", bug=BUG, clean=CLEAN)
    (project / ".pre-commit-config.yaml").write_text(FLAKE8_HOOK.format(package=hooks))
    commit(project)
    status, said = pre_commit(project, "run")
    assert status == 1, said
    assert "bug.py:6:59: NNX101" in said
    assert (project / "bug.py").read_text() == BUG


@needs_pre_commit
def test_try_repo_from_a_tag(home: Path) -> None:
    """What the documentation says to type: the hook of the tag runs, whatever came after it."""
    hooks, project = hooks_repository(home / "hooks"), scratch(home / "project", bug=BUG, clean=CLEAN)
    git(hooks, "tag", "v0.1.0")
    (hooks / ".pre-commit-hooks.yaml").write_text("[]\n")
    commit(hooks)
    status, said = pre_commit(project, "try-repo", str(hooks), "nnx-check", "--ref", "v0.1.0")
    assert status == 1, said
    assert "bug.py:6:59: NNX101" in said
    assert (project / "bug.py").read_text() == BUG
