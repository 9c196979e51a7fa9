"""No module of the folder that is looked at is imported, however we are started from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import pytest

from flake8_nnx_treemap.jupyter import language_servers

BUG = """\
import jax
from flax import nnx

jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
TRAP = """\
import pathlib
pathlib.Path(__file__).with_name("it-ran").touch()
raise SystemExit("a module of the folder was imported")
"""
BEFORE_US = frozenset(
    {
        "_collections_abc",
        "_weakrefset",
        "abc",
        "codecs",
        "collections",
        "contextlib",
        "copyreg",
        "enum",
        "functools",
        "genericpath",
        "importlib",
        "io",
        "keyword",
        "linecache",
        "operator",
        "os",
        "pkgutil",
        "posixpath",
        "re",
        "reprlib",
        "runpy",
        "site",
        "sre_compile",
        "sre_constants",
        "sre_parse",
        "stat",
        "token",
        "tokenize",
        "types",
        "typing",
        "warnings",
        "weakref",
        "zipimport",
    }
)
"""What ``python -m`` itself may import before any line of ours runs: nothing that we do changes that."""

OTHERS = (
    "pygls",
    "rich",
    "lsprotocol",
    "packaging",
    "flake8",
    "attrs",
    "cattrs",
    "typing_extensions",
    "tomli",
    "flax",
    "jax",
)
NNX_FIX = Path(sys.executable).with_name("nnx-fix")


def trapped(folder: Path, names: frozenset[str]) -> Path:
    for name in names - set(sys.builtin_module_names):
        (folder / f"{name}.py").write_text(TRAP)
    (folder / "libcst").mkdir()
    (folder / "libcst" / "__init__.py").write_text(TRAP.replace("with_name", "parent.with_name"))
    for number in range(33):
        (folder / f"bug{number}.py").write_text(BUG)
    (folder / "pyproject.toml").write_text("[tool.nnx-treemap]\n")
    (folder / ".gitignore").write_text("build/\n")
    (folder / "book.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Traps for all that we may import."""
    return trapped(tmp_path, frozenset(sys.stdlib_module_names) | frozenset(OTHERS))


@pytest.fixture
def folder_for_m(tmp_path: Path) -> Path:
    """The same, but for what Python imports before us where it is started with ``-m``."""
    return trapped(tmp_path, (frozenset(sys.stdlib_module_names) - BEFORE_US) | frozenset(OTHERS))


def run(folder: Path, *command: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    # A shell's own notion of the folder must not matter either.
    run = subprocess.run(
        [*map(str, command)], cwd=folder, capture_output=True, check=False, input=given, env=environment, timeout=120
    )
    assert not list(folder.rglob("it-ran")), run
    assert not (folder.parent / "it-ran").exists()
    return run


MODES = (
    ("--check", "--jobs", "2", "--cache", "--verbose", "."),
    ("--output-format", "sarif", "--output-file", "out.sarif", "bug0.py", "bug1.py"),
    ("--baseline", "known.json", "--write-baseline", "bug2.py"),
    ("--diff", "bug0.py"),
    ("--explain", "NNX101"),
    ("--show-settings", "bug0.py"),
)


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_the_command(folder: Path, mode: tuple[str, ...]) -> None:
    if not NNX_FIX.exists():
        pytest.skip("nnx-fix is not installed beside this Python")
    assert run(folder, NNX_FIX, *mode).returncode in (0, 1)


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_python_m(folder_for_m: Path, mode: tuple[str, ...]) -> None:
    assert run(folder_for_m, sys.executable, "-m", "flake8_nnx_treemap", *mode).returncode in (0, 1)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.11 brought -P")
def test_python_p_m_is_safe_from_the_first_line(folder: Path) -> None:
    assert run(folder, sys.executable, "-P", "-m", "flake8_nnx_treemap", *MODES[0]).returncode == 1


BYE = b'{"jsonrpc":"2.0","method":"exit"}'
EXIT = b"Content-Length: %d\r\n\r\n%s" % (len(BYE), BYE)


@pytest.mark.skipif(find_spec("pygls") is None, reason="pygls is not installed")
@pytest.mark.parametrize("how", ["nnx-fix server", "JupyterLab", "-m"])
def test_the_language_server(tmp_path: Path, how: str) -> None:
    names = frozenset(sys.stdlib_module_names) - (BEFORE_US if how == "-m" else frozenset())
    folder = trapped(tmp_path, names | frozenset(OTHERS))
    if how == "nnx-fix server":
        if not NNX_FIX.exists():
            pytest.skip("nnx-fix is not installed beside this Python")
        command = [str(NNX_FIX), "server"]
    elif how == "JupyterLab":
        [point] = entry_points(group="jupyter_lsp_spec_v1", name="nnx-fix")
        assert point.load() is language_servers
        command = language_servers(None)["nnx-fix"]["argv"]
    else:
        command = [sys.executable, "-m", "flake8_nnx_treemap.language_server"]
    assert b"usage: nnx-fix server" in run(folder, *command, "--help").stdout
    assert run(folder, *command, given=EXIT).returncode in (0, 1)


def test_a_package_of_our_name_is_not_ours_to_prevent(tmp_path: Path) -> None:
    """The documentation says so: ``python -m`` takes it before any line of ours runs, and ``nnx-fix`` does not."""
    if not NNX_FIX.exists():
        pytest.skip("nnx-fix is not installed beside this Python")
    (tmp_path / "flake8_nnx_treemap").mkdir()
    (tmp_path / "flake8_nnx_treemap" / "__init__.py").write_text(TRAP)
    (tmp_path / "bug.py").write_text(BUG)
    assert run(tmp_path, NNX_FIX, "--check", ".").returncode == 1
    shutil.rmtree(tmp_path / "flake8_nnx_treemap")
