"""Files that never name NNX, whose classes are Modules since a class of another file is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flake8_nnx_treemap.project.inheritance import Inheritance

BASE = """\
from flax import nnx


class Kernel(nnx.Module):
    pass
"""
HEIR = """\
import jax
import jax.numpy as jnp
from chex import assert_rank

from {module} import {name}


class Features({base}):
    def __init__(self, count: int, frequencies: jax.Array | None = None):
        self.frequencies = frequencies
        if self.frequencies is None:
            self.frequencies = self.sample(count)

    def sample(self, count):
        return jnp.linspace(0, 1, count)
"""
FIXED = HEIR.replace("rank\n", "rank\nfrom flax import nnx\n").replace("= frequencies\n", "= nnx.data(frequencies)\n")


def heir(module: str = "mine.kernels.base", name: str = "Kernel", base: str = "") -> str:
    return HEIR.format(module=module, name=name, base=base or name)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "1"\ndependencies = ["flax>=0.12"]\n')
    write(tmp_path, "mine/__init__.py", "")
    write(tmp_path, "mine/kernels/__init__.py", "from .base import Kernel as Exported\n")
    write(tmp_path, "mine/kernels/base.py", BASE)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def found(folder: Path, *arguments: str) -> list[tuple[str, str]]:
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--check", "--output-format", "json"]
    run = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode in (0, 1), run.stderr
    return [(os.path.normpath(one["filename"]), one["code"]) for one in json.loads(run.stdout)]


@pytest.mark.parametrize(
    "text",
    [
        heir(),
        heir("mine.kernels", "Exported"),
        heir("mine.kernels.base", "Kernel as K", "K"),
        heir("mine.kernels", "base", "base.Kernel"),
        heir("..kernels.base", "Kernel"),
        heir("..kernels.base", "(\n    Kernel,  # the base class\n    )", "Kernel"),
        heir()
        .replace("from mine.kernels.base import Kernel", "import mine.kernels.base as base")
        .replace("(K", "(base.K"),
        heir()
        .replace("from mine.kernels.base import Kernel", "import mine.kernels.base")
        .replace("(K", "(mine.kernels.base.K"),
        heir("mine.plain", "Plain"),
    ],
)
def test_a_class_that_inherits_from_a_module_of_another_file(project: Path, text: str) -> None:
    write(project, "mine/plain.py", "from mine.kernels.base import Kernel\n\n\nclass Plain(Kernel):\n    pass\n")
    write(project, "mine/features/rff.py", text)
    assert found(project, "mine/features/rff.py") == [("mine/features/rff.py", "NNX210")]


def test_it_is_found_however_the_file_is_named(project: Path) -> None:
    write(project, "mine/features/rff.py", heir())
    expected = [("mine/features/rff.py", "NNX210")]
    assert found(project, ".") == expected
    assert found(project, "-j", "3", "mine") == expected
    assert found(project, "mine/features") == expected
    assert found(project, "mine/features/rff.py") == expected


def test_a_method_of_a_variable_that_the_lowest_flax_lacks(project: Path) -> None:
    text = BASE.replace("    pass", "    scale: nnx.Param")
    write(project, "mine/kernels/base.py", text)
    user = "from mine.kernels.base import Kernel\n\n\nclass Scaled(Kernel):\n    def read(self):\n"
    write(project, "mine/scaled.py", f"{user}        return self.scale.get_value()\n")
    assert found(project, "mine") == [("mine/scaled.py", "NNX213")]


def test_flake8_finds_the_same(project: Path) -> None:
    write(project, "mine/rff.py", heir())
    command = [sys.executable, "-m", "flake8", "--isolated", "--select", "NNX", "mine/rff.py"]
    run = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=60)
    assert "mine/rff.py:10:28: NNX210 " in run.stdout


def test_the_fix_imports_nnx(project: Path) -> None:
    write(project, "mine/rff.py", heir())
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--unsafe-fixes", "mine"]
    subprocess.run(command, cwd=project, check=True, timeout=60, stdout=subprocess.DEVNULL)
    fixed = FIXED.format(module="mine.kernels.base", name="Kernel", base="Kernel")
    assert (project / "mine" / "rff.py").read_text() == fixed


@pytest.mark.parametrize(
    ("text", "is_an_heir"),
    [
        (heir(), True),
        (heir("mine.kernels.base", "*", "Kernel"), True),
        (heir("mine.kernels.base", "\\\n    helper, \\\n    Kernel", "Kernel"), True),
        (heir("mine.other", "Kernel"), False),
        (heir("elsewhere", "Kernel"), False),
        (heir("mine.kernels.base", "helper").replace("(helper)", "(object)"), False),
        (heir("mine.loop", "Kernel"), False),
        (heir("mine.kernels.base", "Kernel", "Mixin, make(1, x[2:3]), Kernel"), True),
        (heir("mine.kernels.base", "Kernel", "  # a class (of ours): see there\n    Kernel,\n"), True),
        (heir("mine.kernels.base", "Kernel", "Generic[T, 'a: b'], Kernel"), True),
        (heir().replace("class Features(", "class Features \\\n    ("), True),
        (heir().replace("kernels.base import", "kernels.base \\\n  import"), True),
        (heir().replace("Features", "Größe"), True),
        (heir().replace("class Features(Kernel)", "Base = Kernel\n\n\nclass Features(Base)"), True),
        (heir().replace("class Features(Kernel)", "Base: type = (Kernel)\n\n\nclass Features(Base)"), True),
        (heir().replace("class Features(Kernel)", "Base = Base.Base = Kernel.Base\n\n\nclass Features(Base)"), False),
        (heir().replace("class Features(Kernel)", "base = make(Kernel)\n\n\nclass Features(base)"), False),
        ("import flax\n\nroot = flax.nnx\n\n\nclass Model(root.Module): ...", True),
        (heir().replace("from mine.kernels.base", "from.kernels.base"), True),
        (heir("mine.kernels.base", "Kernel", "Generic[A[B[C]], '(', \")\"], Kernel"), True),
        (heir("mine.kernels.base", "Kernel", "{1: 2}[1], Kernel"), True),
        (heir().replace("class Features", "class \\\n  Features"), True),
        (heir().replace("class Features", "class\fFeatures"), True),
        (heir().replace("class Features(Kernel)", "Base \\\n = \\\n Kernel\n\n\nclass Features(Base)"), True),
        ("from flax import (nnx\n    as n)\nclass Model(n.Module): ...", True),
        ("class Alone:\n    pass\n", False),
        ("class Alone(metaclass=Kernel):\n    pass\n", False),
        ("from os import (\nclass A(B", False),
        ("", False),
    ],
)
def test_only_what_leads_to_nnx_is_looked_at(project: Path, text: str, *, is_an_heir: bool) -> None:
    write(project, "mine/other.py", "import nnx_tools\n\n\nclass Kernel(nnx_tools.Base):\n    pass\n")
    write(project, "mine/loop.py", "from mine.pool import *\n")
    write(project, "mine/pool.py", "from mine.loop import *\nfrom mine.gone import Kernel\n")
    path = project / "mine" / "rff.py"
    path.write_text(text)
    assert Inheritance().reaches_nnx(str(path), text.encode()) == is_an_heir


def test_nothing_outside_the_project_is_read(tmp_path: Path) -> None:
    write(tmp_path, "one/pyproject.toml", "")
    write(tmp_path, "other/base.py", BASE)
    (tmp_path / "one" / "base.py").symlink_to(tmp_path / "other" / "base.py")
    text = heir("base")
    assert not Inheritance().reaches_nnx(str(tmp_path / "one" / "rff.py"), text.encode())


def test_installed_packages_are_projects_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "mine-1.dist-info").mkdir()
    for package in ("mine", "yours"):
        write(tmp_path, f"{package}/__init__.py", "")
        write(tmp_path, f"{package}/rff.py", heir("mine.base"))
    write(tmp_path, "mine/base.py", BASE)
    assert [
        Inheritance().reaches_nnx(str(tmp_path / name / "rff.py"), heir("mine.base").encode())
        for name in ("mine", "yours")
    ] == [True, False]


def test_a_long_chain_of_files_is_followed_to_its_end(project: Path) -> None:
    for number in range(1500):
        write(project, f"mine/m{number}.py", f"from mine.m{number + 1} import Kernel\n")
    write(project, "mine/m1500.py", BASE)
    text = heir("mine.m0")
    assert Inheritance().reaches_nnx(str(project / "mine" / "rff.py"), text.encode())


@pytest.mark.parametrize("opening", ["from a import (", "class A[", "class A(", "from a import b,\\\n"])
def test_brackets_that_never_close_cost_little(opening: str) -> None:
    data = b"class A(B):\n    pass\n" + opening.encode() * 20_000
    started = time.process_time()
    assert not Inheritance().reaches_nnx("module.py", data)
    assert time.process_time() - started < 10


RECORD = """\
import jax
from flax import struct


@struct.dataclass
class Grid:
    values: jax.Array
"""
HOLDER = """\
import jax.numpy as jnp
from flax import nnx
from mine.shapes import Grid


class Model(nnx.Module):
    def __init__(self):
        self.grid = Grid(jnp.ones(2))
"""


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (RECORD, ["NNX210"]),
        (RECORD.replace("flax import struct", "flax.struct import dataclass").replace("struct.d", "d"), ["NNX210"]),
        (RECORD.replace("import struct", "import core, struct as s").replace("@struct", "@s"), ["NNX210"]),
        (RECORD.replace("@struct.dataclass\n", ""), []),
        ("import dataclasses\n" + RECORD.replace("@struct", "@dataclasses").replace("from flax import struct", ""), []),
        ("import jax.numpy as jnp\n\n\ndef Grid(values):\n    return [jnp.ones(2)]\n", ["NNX210"]),
    ],
)
def test_what_a_class_of_another_file_is(project: Path, record: str, expected: list[str]) -> None:
    write(project, "mine/shapes/__init__.py", "from .grid import Grid as Grid\n")
    write(project, "mine/shapes/grid.py", record)
    write(project, "mine/model.py", HOLDER)
    assert [code for _, code in found(project, "mine/model.py")] == expected
    command = [sys.executable, "-m", "flake8", "--isolated", "--select", "NNX", "--nnx-target-flax", "0.12.8", "mine"]
    run = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=60)
    assert [line.split()[1] for line in run.stdout.splitlines()] == expected


@pytest.mark.parametrize(
    ("module", "name", "is_one"),
    [
        ("mine.kernels.base", "Kernel", True),
        ("mine.kernels", "Exported", True),
        (".kernels", "Exported", True),
        ("mine.kernels.base", "Kern", False),
        ("mine.kernels.base", "nnx", False),
        ("mine.made", "Kernel", False),
        ("mine.round", "Kernel", False),
        ("mine.gone", "Kernel", False),
        ("elsewhere", "Kernel", False),
    ],
)
def test_a_name_of_another_file_is_a_class(project: Path, module: str, name: str, *, is_one: bool) -> None:
    write(project, "mine/made.py", "def Kernel(): ...\n")
    write(project, "mine/round.py", "from mine.again import Kernel\n")
    write(project, "mine/again.py", "from mine.round import Kernel\n")
    path = str(project / "mine" / "model.py")
    assert Inheritance().defines_class_without(["struct"], path, module, name) == is_one
    assert not Inheritance().defines_class_without(["struct", "flax"], path, module, name)
