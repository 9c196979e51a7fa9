"""What other files of a project say: which releases a flag tells apart, and what a base class makes of an attribute."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = """\
import flax
from flax import nnx

LISTS = hasattr(nnx, "List")
RELEASE = tuple(int(part) for part in flax.__version__.split(".")[:2])
DEBUG = False


def gives_model():
    return RELEASE >= (0, 11)


def is_verbose():
    return DEBUG
"""
VARIABLES = """\
from flax import nnx


class Tagged(nnx.Variable):
    @property
    def tag(self):
        return self.get_metadata("tag")

    @tag.setter
    def tag(self, value):
        self.set_metadata(tag=value)


class Plain(nnx.Variable):
    pass
"""


def found(folder: Path, text: str) -> list[tuple[str, int]]:
    (folder / "mine").mkdir()
    (folder / "mine/__init__.py").touch()
    (folder / "mine/support.py").write_text(SUPPORT)
    (folder / "mine/variables.py").write_text(VARIABLES)
    (folder / "mine/use.py").write_text(text)
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--check", "--no-cache", "--output-format", "json"]
    command += ["--target-flax", ">=0.12.8", "mine/use.py"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode in (0, 1), run.stderr
    return [(one["code"], one["location"]["row"]) for one in json.loads(run.stdout)]


@pytest.mark.parametrize(
    ("imports", "test"),
    [
        ("from mine.support import LISTS", "LISTS"),
        ("from mine.support import LISTS as KNOWN", "not KNOWN"),
        ("from mine import support", "support.LISTS"),
        ("from mine.support import RELEASE", "RELEASE < (0, 11)"),
        ("from mine.support import gives_model", "gives_model()"),
        ("import mine.support", "not mine.support.gives_model()"),
    ],
)
def test_a_flag_of_another_file_tells_releases_apart(tmp_path: Path, imports: str, test: str) -> None:
    choice = f"def make(v: nnx.Param):\n    if {test}:\n        return v.value\n    return v.get_value()\n"
    inline = f"def read(v: nnx.Param):\n    return v.value if {test} else v.get_value()\n"
    assert found(tmp_path, f"from flax import nnx\n{imports}\n\n\n{choice}\n\n{inline}") == []


@pytest.mark.parametrize(
    ("imports", "test"),
    [
        ("from mine.support import DEBUG", "DEBUG"),
        ("from mine.support import is_verbose", "is_verbose()"),
        ("from elsewhere import LISTS", "LISTS"),
    ],
)
def test_other_flags_do_not(tmp_path: Path, imports: str, test: str) -> None:
    text = f"def make(v: nnx.Param):\n    if {test}:\n        return v.value\n    return v.get_value()\n"
    assert found(tmp_path, f"from flax import nnx\n{imports}\n\n\n{text}") == [("NNX206", 7)]


@pytest.mark.parametrize(
    ("imports", "test", "expected"),
    [
        ("from mine.support import RELEASE", "RELEASE >= (0, 11)", []),
        ("from mine.support import gives_model", "gives_model()", []),
        ("from mine.support import LISTS", "LISTS", []),
        ("from mine.support import RELEASE", "RELEASE < (0, 11)", [("NNX209", 8)]),
        ("from mine.support import DEBUG", "DEBUG", [("NNX209", 8)]),
    ],
)
def test_a_flag_of_another_file_refuses_releases(
    tmp_path: Path, imports: str, test: str, expected: list[tuple[str, int]]
) -> None:
    text = f"def make(m, tx):\n    if {test}:\n        raise RuntimeError\n    return nnx.Optimizer(m, tx)\n"
    assert found(tmp_path, f"from flax import nnx\n{imports}\n\n\n{text}") == expected


def test_a_base_class_of_another_file_lets_an_attribute_be_set(tmp_path: Path) -> None:
    text = """\
from mine.variables import {base}


class Weight({base}):
    pass


weight = Weight(1.0)
weight.tag = "decayed"
"""
    folder = tmp_path / "settable"
    folder.mkdir()
    assert found(folder, text.format(base="Tagged")) == []
    assert found(tmp_path, text.format(base="Plain")) == [("NNX205", 9)]
