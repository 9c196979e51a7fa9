"""Tools that run us: nbqa over notebooks, xargs over many files, and the command by the package's name."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

IMPORTS = "import jax\nfrom flax import nnx\n"
CALL = "jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
SCRIPTS = Path(sys.executable).parent


def run(*command: str, cwd: Path, stdin: bytes = b"") -> tuple[int, str]:
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    finished = subprocess.run(
        command, cwd=cwd, input=stdin, capture_output=True, env={**os.environ, "PATH": path}, timeout=120
    )
    return finished.returncode, finished.stdout.decode() + finished.stderr.decode()


@pytest.mark.skipif(find_spec("nbqa") is None, reason="nbqa is not installed")
def test_nbqa_runs_the_flake8_plugin(tmp_path: Path) -> None:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": text,
        }
        for number, text in enumerate((IMPORTS, "%matplotlib inline", CALL))
    ]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "book.ipynb").write_text(json.dumps(book))
    status, said = run("nbqa", "flake8", "book.ipynb", "--select=NNX1", cwd=tmp_path)
    assert status == 1, said
    assert re.search(r"^book\.ipynb:cell_3:1:44: NNX101 ", said, re.MULTILINE), said


@pytest.mark.skipif(shutil.which("xargs") is None, reason="xargs is not installed")
@pytest.mark.skipif(not (SCRIPTS / "nnx-fix").exists(), reason="nnx-fix is not installed beside this Python")
def test_xargs_shares_files_out(tmp_path: Path) -> None:
    names = [f"m{number} é.py" for number in range(6)]
    for name in names:
        (tmp_path / name).write_text(IMPORTS + CALL)
    listed = "\0".join(names).encode()
    status, said = run("xargs", "-0", "-n", "2", "-P", "3", "nnx-fix", "--quiet", cwd=tmp_path, stdin=listed)
    assert status == 0, said
    texts = {(tmp_path / name).read_text() for name in names}
    assert len(texts) == 1
    assert "if isinstance(v, " in texts.pop()
    assert sorted(path.name for path in tmp_path.iterdir()) == names


@pytest.mark.skipif(not (SCRIPTS / "flake8-nnx-treemap").exists(), reason="the package is not installed here")
def test_the_command_goes_by_the_name_of_the_package_as_well(tmp_path: Path) -> None:
    """``uvx flake8-nnx-treemap`` and ``pipx run flake8-nnx-treemap`` run a command of the package's own name."""
    (tmp_path / "m.py").write_text(IMPORTS + CALL)
    both = [run(str(SCRIPTS / name), "--check", "m.py", cwd=tmp_path) for name in ("flake8-nnx-treemap", "nnx-fix")]
    assert both[0] == both[1]
    assert both[0][0] == 1
