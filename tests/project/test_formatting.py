"""The length of lines is what the project's formatter, linter or editors are told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap.project.formatting import Formatting, forget_formatting, formatting_for

BUG = """\
import jax
from flax import nnx

x = jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    forget_formatting()
    return tmp_path


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, Formatting()),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, Formatting(100)),
        ({"pyproject.toml": "[tool.ruff.format]\nskip-magic-trailing-comma = true\n"}, Formatting(88, False)),
        ({"ruff.toml": "line-length = 110\n[format]\nskip-magic-trailing-comma = true\n"}, Formatting(110, False)),
        (
            {"pyproject.toml": "[tool.black]\nline-length = 79\n", "tox.ini": "[flake8]\nmax-line-length=99\n"},
            Formatting(79),
        ),
        ({"pyproject.toml": "[tool.black]\n", "setup.cfg": "[flake8]\nmax-line-length=99\n"}, Formatting(88)),
        ({"pyproject.toml": "[tool.pyink]\n"}, Formatting(80)),
        ({"pyproject.toml": "[tool.yapf]\nbased_on_style = 'google'\n"}, Formatting(80)),
        ({".style.yapf": "[style]\nbased_on_style = google\ncolumn_limit = 90\n"}, Formatting(90)),
        ({".flake8": "[flake8]\nmax-line-length = 120\nignore = E203\n"}, Formatting(120)),
        ({"tox.ini": "[flake8]\nmax_line_length = 101\n"}, Formatting(101)),
        ({".editorconfig": "root = true\n[*]\nmax_line_length = 90\n[*.py]\nmax_line_length = 95\n"}, Formatting(95)),
        ({".editorconfig": "[*.{js,py}]\nmax_line_length = 95\n[*.js]\nmax_line_length = 70\n"}, Formatting(95)),
        ({".editorconfig": "[*.js]\nmax_line_length = 70\n"}, Formatting()),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 3\n"}, Formatting()),
        (
            {"pyproject.toml": "[tool.ruff]\nline-length = 'long'\n", ".flake8": "[flake8]\nmax-line-length = off\n"},
            Formatting(),
        ),
        ({"pyproject.toml": "[tool.ruff\n", ".flake8": "no section\n[flake8]\nmax-line-length = 90\n"}, Formatting()),
    ],
)
def test_what_is_asked(folder: Path, files: dict[str, str], expected: Formatting) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
    assert formatting_for(str(folder / "m.py")) == expected


def test_the_nearest_folder_counts(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.black]\nline-length = 100\n")
    (folder / "src").mkdir()
    assert formatting_for(str(folder / "src" / "m.py")) == Formatting(100)
    forget_formatting()
    (folder / "src" / ".editorconfig").write_text("[*]\nmax_line_length = 72\n")
    assert formatting_for(str(folder / "src" / "m.py")) == Formatting(72)


def test_nothing_outside_the_repository_is_read(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / ".git").mkdir()
    (folder / "ruff.toml").write_text("line-length = 100\n")
    (folder / "inner" / "ruff.toml").symlink_to(folder / "ruff.toml")
    assert formatting_for(str(folder / "inner" / "m.py")) == Formatting()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_nothing_that_hangs_is_read(folder: Path) -> None:
    os.mkfifo(folder / "ruff.toml")
    assert formatting_for(str(folder / "m.py")) == Formatting()


def nnx_fix(folder: Path, *arguments: str) -> list[str]:
    (folder / "m.py").write_text(BUG)
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--target-flax", "0.11", *arguments, "m.py"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "m.py").read_text().splitlines()[3:]


def test_the_command_writes_lines_of_that_length(folder: Path) -> None:
    exploded = [
        "x = jax.tree.map(",
        "    lambda v: v.value if isinstance(v, nnx.Variable) else v,",
        "    s,",
        "    is_leaf=lambda x: isinstance(x, nnx.Variable),",
        ")",
    ]
    assert nnx_fix(folder) == exploded
    (folder / "ruff.toml").write_text("line-length = 130\n")
    assert len(nnx_fix(folder)) == 1
    assert nnx_fix(folder, "--isolated") == exploded
    assert nnx_fix(folder, "--line-length", "88") == exploded
    (folder / "pyproject.toml").write_text("[tool.nnx-treemap]\nline-length = 88\n")
    assert nnx_fix(folder) == exploded
