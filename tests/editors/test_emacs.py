"""Emacs with eglot and the configuration from ``editors/emacs``: it shows the finding, and makes the edit on disk."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import flake8_nnx_treemap

HERE = Path(__file__).parent
CONFIGURATION = HERE.parents[1] / "editors" / "emacs" / "nnx-fix.el"
COMMAND = Path(sys.executable).with_name("nnx-fix")
EMACS = shutil.which("emacs")


def has_eglot() -> bool:
    """Eglot is part of Emacs 29; Debian has it for 28 in a package of its own."""
    if EMACS is None:
        return False
    command = [EMACS, "--batch", "-q", "--eval", "(progn (package-initialize) (require 'eglot))"]
    return subprocess.run(command, capture_output=True, timeout=60).returncode == 0


pytestmark = [
    pytest.mark.skipif(not has_eglot(), reason="Emacs with eglot is not installed"),
    pytest.mark.skipif(
        find_spec("pygls") is None or not COMMAND.exists(), reason="nnx-fix server is not installed beside this Python"
    ),
]

PREDICATE = "lambda é: isinstance(é, nnx.VariableState)"
BUG = f"""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: v.value, state, is_leaf={PREDICATE})
"""
FIXED = """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.value if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda é: isinstance(é, nnx.Variable),
    )
"""


def read_with_optional() -> str:
    """The configuration with the lines that repair before each save, which are comments in it."""
    before, mark, optional = CONFIGURATION.read_text().partition(";; (add-hook 'before-save-hook")
    assert mark
    return before + re.sub(r"^;; ", "", mark + optional, flags=re.MULTILINE)


def edit(
    folder: Path,
    action: str,
    text: str = BUG,
    configuration: Path = CONFIGURATION,
    settings: str = 'select = ["NNX101"]',
) -> tuple[dict[str, Any], str]:
    """Open a file in Emacs, do something there, and read the file again."""
    project = folder / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(f'[tool.nnx-treemap]\ntarget-flax = "0.12"\n{settings}\n')
    (project / "module.py").write_text(text, encoding="utf-8")
    environment = {
        **os.environ,
        "HOME": str(folder),
        "NNX_ACTION": action,
        "NNX_CONFIGURATION": str(configuration),
        "NNX_FILE": str(project / "module.py"),
        # The server is to be the package that these tests import, wherever an editable install points.
        "PYTHONPATH": str(Path(flake8_nnx_treemap.__file__).parents[1]),
        "PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}",
        "LANG": "C.UTF-8",
    }
    command = [str(EMACS), "--batch", "-q", "--load", str(HERE / "emacs_session.el")]
    finished = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=90)
    said: dict[str, Any] = {}
    for line in finished.stdout.splitlines():
        said |= json.loads(line) if line.startswith("{") else {}
    assert finished.returncode == 0, (said, finished.stderr)
    return said, (project / "module.py").read_text(encoding="utf-8")


def test_a_finding_is_shown_and_fixed(tmp_path: Path) -> None:
    said, text = edit(tmp_path, "Fix NNX101")
    assert said["marked"] == PREDICATE
    assert "is_leaf filters nothing" in said["text"]
    assert "Disable NNX101 for this line" in said["offered"]
    assert text == FIXED


@pytest.mark.parametrize("text", [BUG, FIXED], ids=["something to repair", "nothing to repair"])
def test_files_are_repaired_before_they_are_saved(tmp_path: Path, text: str) -> None:
    """The lines of the configuration that are comments do what they promise."""
    (tmp_path / "init.el").write_text(read_with_optional())
    _, saved = edit(tmp_path, "save" if text == BUG else "", text, tmp_path / "init.el")
    assert saved == FIXED


def test_the_project_decides_about_unsafe_fixes(tmp_path: Path) -> None:
    """Nothing in the configuration that we hand out goes above pyproject.toml."""
    unsafe = BUG.replace("lambda v: v.value", "convert")
    project = "select = ['NNX101']\nunsafe-fixes = true\n"
    (tmp_path / "init.el").write_text(read_with_optional())
    _, text = edit(tmp_path, "save", unsafe, tmp_path / "init.el", project)
    assert "VariableState" not in text
