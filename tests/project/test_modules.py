"""Predicates and mappers that are imported from another file of the same project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap.fixing.engine import fix, lint
from flake8_nnx_treemap.project.modules import module_finder
from flake8_nnx_treemap.rules.settings import LintSettings

HELPERS = """\
from flax import nnx

is_state = lambda x: isinstance(x, nnx.VariableState)


def is_variable_leaf(x):
    return isinstance(x, nnx.VariableState)


def is_list(x):
    return isinstance(x, list)


def value(v):
    return v.value


def guarded(v):
    return v.value if isinstance(v, nnx.Variable) else v
"""
MODULE = """\
import jax
{imports}


def convert(state):
    return jax.tree.map({mapper}, state{is_leaf})
"""
CODES = frozenset({"NNX101", "NNX102", "NNX112"})


def module(imports: str, mapper: str = "lambda v: v.value", is_leaf: str = "is_variable_leaf") -> str:
    keyword = f", is_leaf={is_leaf}" if is_leaf else ""
    return MODULE.format(imports=imports, mapper=mapper, is_leaf=keyword)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "src" / "mine" / "sub"
    folder.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.nnx-treemap]\n")
    (tmp_path / "src" / "mine" / "__init__.py").write_text("from .helpers import is_variable_leaf as exported\n")
    (tmp_path / "src" / "mine" / "helpers.py").write_text(HELPERS)
    (folder / "__init__.py").write_text("")
    return folder


def codes(folder: Path, text: str, floor: tuple[int, ...] = (0, 10, 0)) -> list[str]:
    path = str(folder / "module.py")
    return [found.code for found in lint(text, path, LintSettings(CODES, floor), module_finder(path))]


@pytest.mark.parametrize(
    ("imports", "is_leaf"),
    [
        ("from mine.helpers import is_variable_leaf  # nnx", "is_variable_leaf"),
        ("from ..helpers import is_variable_leaf  # nnx", "is_variable_leaf"),
        ("from mine import exported  # nnx", "exported"),
        ("from .. import exported  # nnx", "exported"),
        ("from mine import helpers  # nnx", "helpers.is_variable_leaf"),
        ("import mine.helpers as h  # nnx", "h.is_state"),
    ],
)
def test_predicates_are_found(package: Path, imports: str, is_leaf: str) -> None:
    assert codes(package, module(imports, is_leaf=is_leaf)) == ["NNX101"]


@pytest.mark.parametrize(
    ("imports", "is_leaf"),
    [
        ("from mine.helpers import is_list  # nnx", "is_list"),
        ("from mine.helpers import absent  # nnx", "absent"),
        ("from mine.absent import is_variable_leaf  # nnx", "is_variable_leaf"),
        ("from ....helpers import is_variable_leaf  # nnx", "is_variable_leaf"),
        ("from elsewhere import is_variable_leaf  # nnx", "is_variable_leaf"),
    ],
)
def test_what_cannot_be_resolved_stays_unseen(package: Path, imports: str, is_leaf: str) -> None:
    assert codes(package, module(imports, is_leaf=is_leaf)) == []


def test_mappers(package: Path) -> None:
    imports = "from flax import nnx\nfrom mine.helpers import guarded, is_variable_leaf, value"
    assert codes(package, module(imports, "value")) == ["NNX101"]
    assert codes(package, module(imports, "guarded")) == []
    assert codes(package, module(imports, "guarded", "")) == ["NNX102"]
    assert codes(package, module(imports, "value", "lambda x: isinstance(x, nnx.Variable)")) == ["NNX112"]


def test_a_fix_touches_this_file_alone_and_is_unsafe(package: Path) -> None:
    text = module("from flax import nnx\nfrom mine.helpers import is_variable_leaf")
    path = str(package / "module.py")
    assert fix(text, path, LintSettings(CODES, (0, 11)), module_finder(path)).text == text
    result = fix(text, path, LintSettings(CODES, (0, 11), unsafe_fixes=True), module_finder(path))
    assert result.text == text.replace("v.value", "v.value if isinstance(v, nnx.Variable) else v")


def test_a_change_of_the_other_file_counts_at_once(package: Path) -> None:
    text = module("from mine.helpers import is_variable_leaf  # nnx")
    assert codes(package, text) == ["NNX101"]
    (package.parent / "helpers.py").write_text(
        HELPERS.replace("def is_variable_leaf(x):\n    return", "def is_variable_leaf(x):\n    return x is None and")
    )
    assert codes(package, text) == ["NNX101"]
    (package.parent / "helpers.py").write_text("def is_variable_leaf(x):\n    return x is None\n")
    assert codes(package, text) == []
    (package.parent / "helpers.py").write_text("def is_variable_leaf(x:\n")
    assert codes(package, text) == []


def test_a_circle_of_imports_ends(package: Path) -> None:
    (package.parent / "helpers.py").write_text("from mine import is_variable_leaf\n")
    (package.parent / "__init__.py").write_text("from mine.helpers import is_variable_leaf\n")
    assert codes(package, module("from mine import is_variable_leaf  # nnx")) == []


def test_the_command_and_flake8_see_it(package: Path) -> None:
    path = package / "module.py"
    path.write_text(module("from mine.helpers import is_variable_leaf  # nnx"))
    command = [
        sys.executable,
        "-m",
        "flake8_nnx_treemap",
        "--check",
        "--select",
        "NNX101",
        "--output-format",
        "json",
        ".",
    ]
    found = json.loads(subprocess.run(command, cwd=package, capture_output=True, check=False).stdout)
    assert [(entry["code"], entry["location"]["row"]) for entry in found] == [("NNX101", 6)]
    flake8 = [sys.executable, "-m", "flake8", "--isolated", "--select", "NNX", str(path)]
    said = subprocess.run(flake8, capture_output=True, text=True, check=False).stdout
    assert said.startswith(f"{path}:6:59: NNX101")
