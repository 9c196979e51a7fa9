"""A place to run the documentation's commands in: a small project with the two examples in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from snippets import ROOT

PYPROJECT = '[project]\nname = "trainer"\nversion = "1"\ndependencies = ["flax>=0.11", "jax"]\n'


@dataclass(frozen=True)
class Sandbox:
    directory: Path
    environment: Mapping[str, str]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def new_sandbox(directory: Path) -> Sandbox:
    """Make the project; commands find what is installed beside the running Python."""
    for folder in ("examples", "src"):
        shutil.copytree(ROOT / "examples", directory / folder)
    (directory / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return Sandbox(directory, {**os.environ, "PATH": path, "NO_COLOR": "1", "COLUMNS": "200"})
