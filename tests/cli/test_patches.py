"""``--diff`` is a patch: ``git apply`` and ``patch -p0`` make of it, byte for byte, what ``nnx-fix`` writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = "import jax\nfrom flax import nnx\n\n\n"
BUG = HEAD + "x = jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))"
BOM = b"\xef\xbb\xbf"
FILES = {
    "plain.py": BUG.encode() + b"\n",
    "no_line_end.py": BUG.encode(),
    "bom.py": BOM + BUG.encode() + b"\n",
    "bom_in_first_hunk.py": BOM + BUG.replace("\n\n\n", "\n").encode() + b"\n",
    "crlf.py": BUG.replace("\n", "\r\n").encode() + b"\r\n",
    "lone_cr.py": BUG.encode() + b"\rz = 3\n\ry = 2\n",
    "only_cr.py": BUG.replace("\n", "\r").encode() + b"\r",
    "mixed.py": BUG.replace("\n\n\n", "\n\r\n\n\r").encode() + b"\r\nx = 1\n",
    "form_feed.py": BUG.replace("\n\n\n", "\n\f\n\n").encode() + b"\n\f\n",
    "vertical_tab.py": BUG.encode() + b"  # a\x0bb\n# \x1c\x1d\x1e\x1f\n",
    "escape.py": BUG.encode() + b"  # \x1b[2J\n",
    "next_line.py": BUG.encode() + "  # a\x85b\n# \x85\n".encode(),
    "separators.py": BUG.encode() + "  # a\u2028b\u2029c\u202e\n".encode(),
    "latin1.py": b"# -*- coding: latin-1 -*-\n# \xe9\x85\n" + BUG.encode() + b"  # \xe9\n",
    "shift_jis.py": b"# coding: shift_jis\n" + BUG.encode() + "  # 表ソ\n".encode("shift_jis"),
    "iso2022.py": b"# coding: iso2022_jp\n" + BUG.encode() + "  # 表ソ\n".encode("iso2022_jp"),
    "utf7.py": b"# coding: utf-7\n" + BUG.encode() + "  # é +\n".encode("utf-7"),
    "dashes.py": b"# --- a\n" + BUG.encode() + b"\n# +++ b\n",
    "name with blanks.py": BUG.encode() + b"\n",
    "name\twith\ttabs.py": BUG.encode() + b"\n",
    'quoted "name".py': BUG.encode() + b"\n",
    "back\\slash.py": BUG.encode() + b"\n",
    "é字.py": BUG.encode() + b"\n",
    " blank at the start.py": BUG.encode() + b"\n",
    "x 2020-01-01 00:00:00.000000000 +0000.py": BUG.encode() + b"\n",
}
BELOW = ("src", "a folder", "src/deep", "é")
TOOLS = {"git apply": ["git", "apply"], "patch -p0": ["patch", "-p0"]}
COMMAND = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated", "--target-flax", "0.11"]


def nnx_fix(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, check=False)


def apply(folder: Path, tool: str, patch: bytes) -> None:
    if shutil.which(TOOLS[tool][0]) is None:
        pytest.skip(f"{TOOLS[tool][0]} is not installed")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_CEILING_DIRECTORIES": str(folder.parent), "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(TOOLS[tool], cwd=folder, input=patch, capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.py")}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("in_folders", [False, True], ids=["flat", "in folders"])
def test_every_kind_of_file(tmp_path: Path, tool: str, in_folders: bool) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    for below in ("", *(BELOW if in_folders else ())):
        (before / below).mkdir(parents=True, exist_ok=True)
        for name, data in FILES.items():
            (before / below / name).write_bytes(data)
    shutil.copytree(before, after)
    original = contents(before)
    patch = nnx_fix(before, "--diff", ".")
    assert contents(before) == original
    assert nnx_fix(after, ".").returncode == 0
    expected = contents(after)
    assert all(expected[name] != data for name, data in original.items())
    apply(before, tool, patch.stdout)
    assert contents(before) == expected


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("named", ["./a.py", "src//./a.py", "src", "{}", "{}/src/a.py"])
def test_however_it_is_named(tmp_path: Path, tool: str, named: str) -> None:
    path = tmp_path / ("a.py" if named == "./a.py" else "src/a.py")
    path.parent.mkdir(exist_ok=True)
    path.write_text(BUG)
    apply(tmp_path, tool, nnx_fix(tmp_path, "--diff", named.format(tmp_path)).stdout)
    assert "isinstance(v, nnx.Variable) else v" in path.read_text()


def test_names_without_folders_stand_alone(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BUG)
    assert nnx_fix(tmp_path, "--diff", ".").stdout.startswith(b"--- a.py\n+++ a.py\n@@ ")
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "b.py").write_text(BUG)
    patch = nnx_fix(tmp_path, "--diff", ".").stdout
    assert [line for line in patch.split(b"\n") if line[:4] == b"+++ "] == [b"+++ ./a.py", b"+++ ./z/b.py"]


def test_colours_that_the_environment_asks_for_do_not_get_into_a_patch(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BUG)
    environment = {**os.environ, "FORCE_COLOR": "1"}
    run = subprocess.run([*COMMAND, "--diff", "a.py"], cwd=tmp_path, capture_output=True, env=environment, check=False)
    assert b"\x1b" not in run.stdout
    apply(tmp_path, "patch -p0", run.stdout)
