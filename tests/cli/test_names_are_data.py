"""What others have chosen (names of files, source lines) commands neither a terminal nor a CI system."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap.project.escaping import CONTROL, one_line
from flake8_nnx_treemap.reporting.formats import FORMATS

BUG = """\
import jax
from flax import nnx

jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))  # \x1b[2J \u202e \x85
"""
NAMES = (
    "a\x1b]0;pwn\x07\x1b[31m.py",
    "a\n::error ::pwned.py",
    "a\r::error ::pwned.py",
    "::error ::pwned.py",
    "##[error]pwned.py",
    "a\x85::error ::pwned.py",
    "gp.\u202eyp.py",
    "a\u2028b.py",
    "a\x7f\x9bb.py",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(BUG)
        (tmp_path / name.replace(".py", ".broken.py")).write_text("from flax import nnx  # jax.tree.map\ndef f(:\n")
    (tmp_path / "\x1b[1m").mkdir()
    (tmp_path / "\x1b[1m" / "bug.py").write_text(BUG)
    return tmp_path


def nnx_fix(folder: Path, *arguments: str, given: str = "") -> tuple[int, str, str]:
    """Exit code, output and errors; carriage returns as they are."""
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated", *arguments]
    run = subprocess.run(command, cwd=folder, capture_output=True, check=False, input=given.encode())
    return run.returncode, run.stdout.decode(), run.stderr.decode()


def assert_harmless(said: str) -> None:
    assert said
    assert [letter for letter in CONTROL.findall(said) if letter != "\n"] == []
    for line in said.split("\n"):
        assert re.match(r"\s*::(?!error title=nnx-fix)", line) is None, line
        assert re.search(r"(?<!\\)##\[", line) is None, line


EVERYWHERE = [(".",), (*NAMES, *(name.replace(".py", ".broken.py") for name in NAMES), "\x1b[absent")]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("paths", EVERYWHERE, ids=["below a folder", "named"])
def test_every_format(folder: Path, name: str, paths: tuple[str, ...]) -> None:
    _, out, err = nnx_fix(folder, "--check", "--verbose", "--output-format", name, "--", *paths)
    assert_harmless(out)
    assert_harmless(err)
    if name == "json":
        assert {one["filename"].removeprefix("./") for one in json.loads(out)} >= {*NAMES}


@pytest.mark.parametrize(
    "mode",
    [
        *((), ("--show-fixes",), ("--add-noqa",), ("--interactive",)),
        *(
            ("--show-files",),
            ("--show-settings", NAMES[0]),
            ("--write-baseline", "--baseline", "\x1b[1m/\x1b[2Jb.json"),
        ),
    ],
    ids=lambda mode: " ".join(mode[:1]) or "fix",
)
def test_every_mode(folder: Path, mode: tuple[str, ...]) -> None:
    named, absent = EVERYWHERE[1][:-1], EVERYWHERE[1][-1]
    paths = () if "--show-settings" in mode else named
    if {"--show-files", "--show-settings"}.isdisjoint(mode):  # What writes stops at once.
        code, out, err = nnx_fix(folder, *mode, "--", *paths, absent)
        assert (code, out) == (2, "")
        assert_harmless(err)
    else:
        paths = (*paths, absent) if paths else ()
    _, out, err = nnx_fix(folder, *mode, "--", *paths, given="?\nn\n" * 20)
    assert_harmless(out)
    assert_harmless(err or "nothing")


def test_what_a_notebook_and_a_configuration_choose(folder: Path) -> None:
    cells = ["%%\x1b[2J\n::error::pwned\n", BUG]
    described = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    notebook = {"cells": described, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    inner = folder / "\x1b[1m"
    (inner / "\u202en.ipynb").write_text(json.dumps(notebook))
    (inner / "pyproject.toml").write_text("[tool.nnx-fix]\n")
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--check", "\x1b[1m"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert_harmless(run.stdout)
    assert_harmless(run.stderr)
    assert "nnx-fix: warning: " in run.stderr
    assert "nnx-fix: note: \\x1b[1m/\\u202en.ipynb: cell 1 is skipped: %%\\x1b[2J" in run.stderr


def test_a_diff_for_people_has_no_colours_but_ours(folder: Path) -> None:
    _, coloured, _ = nnx_fix(folder, "--diff", "--color", "always", "--", *NAMES)
    plain = re.sub(r"\x1b\[(0|1|1;31|32|36)m", "", coloured)
    assert_harmless(plain)
    assert "\\x1b[2J \\u202e \\x85" in plain


def test_a_diff_for_programs_has_harmless_names_and_the_files_bytes(folder: Path) -> None:
    _, patch, _ = nnx_fix(folder, "--diff", "--", *NAMES)
    heads = [line for line in patch.split("\n") if line[:3] in ("---", "+++", "@@ ")]
    assert_harmless("\n".join(line.removesuffix("\t") for line in heads))
    assert patch.count("# \x1b[2J \u202e \x85\n") == 2 * len(NAMES)


def test_names_for_programs(folder: Path) -> None:
    assert nnx_fix(folder, "--show-files", "-0", "--", *NAMES) == (0, "".join(f"{name}\0" for name in NAMES), "")
    with open(os.path.join(os.fsencode(folder), b"\xff.py"), "w") as odd:
        odd.write("")
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--show-files", "--null", b"\xff.py"]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout == b"\xff.py\0"
    assert nnx_fix(folder, "-0", ".")[0] == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("é字 a.py", "é字 a.py"),
        ("a\tb\n", "a\\tb\\n"),
        ("::error::x", "\\::error::x"),
        (" ::error::x", "\\ ::error::x"),
        ("\n::error::x", "\\n::error::x"),
        ("a::b", "a::b"),
        ("a ##[error]", "a \\##[error]"),
        ("##vso[task]", "\\##vso[task]"),
        ("\u2067\x9b", "\\u2067\\x9b"),
    ],
)
def test_one_line(text: str, shown: str) -> None:
    assert one_line(text) == shown
