"""The command as a user starts it, and the bug that most of its tests are about."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BUG = """\
import jax
from flax import nnx

state = nnx.State({"param1": nnx.Param(10.0)})
jax.tree.map(lambda x: x.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
FIXED = BUG.replace("x.value", "x.value if isinstance(x, nnx.Variable) else x").replace("VariableState", "Variable")
COMMAND = (sys.executable, "-m", "flake8_nnx_treemap")


def nnx_fix(*arguments: str, cwd: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``nnx-fix``; without ``stdin``, its standard input is empty and no client's."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")},
    )


def one_error(run: subprocess.CompletedProcess[str]) -> str:
    """The one line in which a run says why it failed."""
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert line.startswith("nnx-fix: error: ")
    return line.removeprefix("nnx-fix: error: ")
