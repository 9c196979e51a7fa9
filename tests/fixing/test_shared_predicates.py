from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap import LintSettings, fix_source

LAMBDA = "is_var = lambda x: isinstance(x, nnx.VariableState)"
WIDENED = "isinstance(x, (nnx.Variable, nnx.variablelib.VariableState))"
DEF = "def is_var(x):\n    return isinstance(x, nnx.VariableState)"
CALL = "jax.tree.map(lambda v: v.value * 2, state, is_leaf=is_var)"
START = "import jax\nfrom flax import nnx\n\n"


def run_fix(path: Path) -> None:
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--no-cache", "--target-flax", "portable", path.name]
    run = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode in (0, 1), run.stderr


def program(definition: str, *returned: str, rest: str = "") -> str:
    return f"{START}{definition}\n\n\ndef convert(state):\n    return [{', '.join(returned)}]\n{rest}"


def fixed(text: str, filename: str = "a.py", **options: bool) -> str:
    settings = LintSettings(**options)
    result = fix_source(text, filename, settings).text
    assert fix_source(result, filename, settings).text == result
    return result


@pytest.mark.parametrize("definition", [LAMBDA, DEF])
def test_definition_is_widened_once_where_all_its_uses_are_fixed(definition: str) -> None:
    text = program(definition, CALL, CALL)
    result = fixed(text)
    assert definition.replace("isinstance(x, nnx.VariableState)", WIDENED) in result
    assert result.count("is_leaf=is_var") == 2
    found = fix_source(text, "a.py")
    assert [one.code for one in found.fixed] == ["NNX101", "NNX101"]
    assert not found.remaining


@pytest.mark.parametrize(
    ("call", "rest"),
    [
        ("jax.tree.leaves(state, is_leaf=is_var)", ""),
        ("jax.tree.map(lambda v: repr(v), state, is_leaf=is_var)", ""),
        ("\n        " + CALL + ",  # noqa: NNX101\n    ", ""),
        ("other(is_var)", ""),
        (CALL, '__all__ = ["is_var"]\n'),
        (CALL, "if DEBUG:\n    is_var = None\n"),
        (CALL, 'print(eval("is_var"))\n'),
    ],
    ids=["other function", "unsafe", "suppressed", "handed on", "exported", "bound twice", "by its text"],
)
def test_definition_stays_where_a_use_is_not_fixed(call: str, rest: str) -> None:
    result = fixed(program(LAMBDA, CALL, call, rest=rest))
    assert LAMBDA in result


def test_unsafe_fixes_count_where_they_are_made() -> None:
    text = program(LAMBDA, CALL, "jax.tree.map(lambda v: repr(v), state, is_leaf=is_var)")
    assert LAMBDA not in fixed(text, unsafe_fixes=True)


def test_definition_stays_that_another_file_imports(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'a'\nversion = '1'\n")
    path = tmp_path / "tests_of_leaves.py"
    path.write_text(program(LAMBDA, CALL, CALL))
    other = tmp_path / "user.py"
    other.write_text("from tests_of_leaves import is_var\n")
    run_fix(path)
    assert LAMBDA in path.read_text()
    path.write_text(program(LAMBDA, CALL, CALL))
    other.unlink()
    run_fix(path)
    assert LAMBDA not in path.read_text()
