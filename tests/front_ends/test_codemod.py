"""The codemod command, run as LibCST runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import libcst as cst
import pytest
from libcst.codemod import CodemodContext, SkipFile

from flake8_nnx_treemap import LintSettings, fix_source
from flake8_nnx_treemap.codemod import FixTreeMap

BUG = """\
import jax
from flax import nnx


def convert(state):
    # A comment, and odd  spacing.
    return jax.tree.map( lambda v: v.value , state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
UNSAFE = BUG.replace("v.value", "v")


def codemod(folder: Path, *arguments: str) -> str:
    command = [
        sys.executable,
        "-m",
        "libcst.tool",
        "codemod",
        "-x",
        "flake8_nnx_treemap.codemod.FixTreeMap",
        *arguments,
    ]
    run = subprocess.run([*command, "."], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bug.py").write_text(BUG)
    (tmp_path / "unsafe.py").write_text(UNSAFE)
    (tmp_path / "plain.py").write_text("x  =  1\n")
    (tmp_path / "silenced.py").write_text(BUG.replace("VariableState))", "VariableState))  # noqa: NNX101"))
    (tmp_path / "pyproject.toml").write_text('[tool.nnx-treemap]\ntarget-flax = "0.11"\nignore = ["NNX201"]\n')
    return tmp_path


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_command_does_what_nnx_fix_does(folder: Path, jobs: str) -> None:
    before = {path.name: path.read_text() for path in folder.glob("*.py")}
    codemod(folder, "-j", jobs, "--no-format")
    after = {path.name: path.read_text() for path in folder.glob("*.py")}
    settings = LintSettings(frozenset({"NNX101"}), (0, 11))
    assert after == {**before, "bug.py": fix_source(BUG, settings=settings).text}
    assert "isinstance(v, nnx.Variable) else v" in after["bug.py"]


def test_options(folder: Path) -> None:
    codemod(folder, "-j", "1", "--no-format", "--unsafe-fixes", "--target-flax", "portable", "--select", "NNX101")
    settings = LintSettings(frozenset({"NNX101"}), unsafe_fixes=True)
    assert (folder / "unsafe.py").read_text() == fix_source(UNSAFE, settings=settings).text != UNSAFE


def test_a_module_without_findings_comes_back_as_it_was() -> None:
    tree = cst.parse_module("x  =  1\n")
    assert FixTreeMap(CodemodContext()).transform_module(tree).code == tree.code


def test_a_wrong_option_skips_the_file() -> None:
    with pytest.raises(SkipFile, match="NNX999"):
        FixTreeMap(CodemodContext(), select="NNX999").transform_module(cst.parse_module(BUG))


def test_the_configuration_file_on_the_page(tmp_path: Path) -> None:
    """The file that docs/api.md shows lets LibCST find the codemod by its short name."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    _, _, rest = page.partition("```yaml\nmodules:")
    (tmp_path / ".libcst.codemod.yaml").write_text("modules:" + rest.partition("```")[0])
    (tmp_path / "m.py").write_text(BUG)
    command = [sys.executable, "-m", "libcst.tool", "codemod", "codemod.FixTreeMap", "--no-format", "."]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "Transformed 1 files successfully" in run.stderr
    assert "if isinstance(v, " in (tmp_path / "m.py").read_text()
