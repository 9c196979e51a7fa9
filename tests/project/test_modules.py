"""Predicates and mappers that are imported from another file of the same project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
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
    result = fix(text, path, LintSettings(CODES, (0, 11), unsafe_fixes=True, line_length=200), module_finder(path))
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


def test_modules_that_import_from_each_other_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.nnx-treemap]\n")
    for number in range(40):
        imports = "".join(f"from m{other} import p\n" for other in range(40) if other != number)
        (tmp_path / f"m{number}.py").write_text(f"from flax import nnx\n{imports}")
    text = module("from m1 import p  # nnx", is_leaf="p")
    started = time.process_time()
    assert codes(tmp_path, text) == []
    assert time.process_time() - started < 10


def outside(folder: Path) -> Path:
    """A project with a repository around it, in a folder that holds what is nobody's business."""
    (folder / "helpers.py").write_text(HELPERS)
    (folder / "__init__.py").write_text("")
    (folder / "pyproject.toml").write_text("")
    project = folder / "repository"
    (project / ".git").mkdir(parents=True)
    (project / "__init__.py").write_text("")
    return project


@pytest.mark.parametrize("imports", ["from ..helpers import is_variable_leaf", "from helpers import is_variable_leaf"])
def test_no_import_leaves_the_repository(tmp_path: Path, imports: str) -> None:
    project = outside(tmp_path)
    assert codes(project, module(f"{imports}  # nnx")) == []
    (project / ".git").rmdir()
    assert codes(tmp_path, module("from helpers import is_variable_leaf  # nnx")) == ["NNX101"]


@pytest.mark.parametrize("level", [2, 3, 5, 60])
def test_no_import_leaves_a_project_without_a_repository(tmp_path: Path, level: int) -> None:
    (tmp_path / "helpers.py").write_text(HELPERS)
    package = tmp_path / "project" / "mine"
    package.mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").write_text("")
    (package / "__init__.py").write_text("")
    assert codes(package, module(f"from {'.' * level}helpers import is_variable_leaf  # nnx")) == []


def test_a_link_does_not_lead_out_of_the_repository(tmp_path: Path) -> None:
    project = outside(tmp_path)
    (project / "linked.py").symlink_to(tmp_path / "helpers.py")
    (project / "real.py").write_text(HELPERS)
    (project / "inside.py").symlink_to("real.py")
    assert codes(project, module("from .linked import is_variable_leaf  # nnx")) == []
    assert codes(project, module("from .inside import is_variable_leaf  # nnx")) == ["NNX101"]


def test_a_module_that_is_too_large_is_not_read(package: Path) -> None:
    text = module("from mine.helpers import is_variable_leaf  # nnx")
    assert codes(package, text) == ["NNX101"]
    (package.parent / "helpers.py").write_text(HELPERS + "# too large\n" * 100_000)
    assert codes(package, text) == []


@pytest.mark.parametrize("what", ["fifo", "folder", "endless"])
def test_what_is_no_file_is_no_module(package: Path, what: str) -> None:
    path = package.parent / "odd.py"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    assert codes(package, module("from mine.odd import is_variable_leaf  # nnx")) == []


STATE_OF = """\
from flax import nnx


class Base(nnx.Module):
    pass


def state_of(model):
    return nnx.state(model, nnx.Param)


def load(path):
    return state_of(path)
"""


@pytest.mark.parametrize(
    ("imports", "tree", "reported"),
    [
        ("from mine.sub.making import state_of", "state_of(model)", True),
        ("from mine.sub import making", "making.load('x')", True),
        ("from mine.sub.making import Base", "Model()", True),
        ("from mine.sub.making import missing", "missing(model)", False),
        ("from theirs.making import state_of", "state_of(model)", False),
    ],
)
def test_trees_made_in_another_file(package: Path, imports: str, tree: str, reported: bool) -> None:
    (package / "making.py").write_text(STATE_OF)
    base = "Base" if "Base" in imports else "object"
    text = f"""\
import jax
from flax import nnx
{imports}


class Model({base}):
    pass


def convert(model):
    return jax.tree.map(lambda v: v.value if hasattr(v, "value") else v, {tree})
"""
    user = package / "user.py"
    found = lint(text, str(user), LintSettings(frozenset({"NNX102"})), module_finder(str(user)))
    assert [one.code for one in found] == (["NNX102"] if reported else [])


CLASSES = """\
from flax import nnx


class Frozen(nnx.Variable):
    pass


class Scale(nnx.Module):
    def __init__(self, size):
        self.gain = nnx.Param(size)
"""


@pytest.mark.parametrize(
    ("exports", "imports"),
    [
        ("from mine.classes import *\n", "from mine.sub import Frozen, Scale"),
        ("from ..classes import *\nfrom ..helpers import *\n", "from mine.sub import Frozen, Scale"),
        ("from .chain import *\n", "from . import Frozen, Scale"),
    ],
)
def test_modules_that_export_everything_of_another(package: Path, exports: str, imports: str) -> None:
    (package.parent / "classes.py").write_text(CLASSES)
    (package / "__init__.py").write_text(exports)
    (package / "chain.py").write_text("from ..classes import *\nfrom .chain import *\n")
    text = f"""\
import jax
from flax import nnx
{imports}


def convert(model):
    leaves = [x for x in jax.tree.leaves(nnx.state(model)) if isinstance(x, Frozen)]
    return leaves, jax.tree.map(lambda x: 0 if isinstance(x, Frozen) else x, nnx.state(model)), Scale(1).gain.value
"""
    path = str(package / "module.py")
    settings = LintSettings(frozenset({"NNX102", "NNX103", "NNX206"}), (0, 12, 8))
    assert [found.code for found in lint(text, path, settings, module_finder(path))] == ["NNX103", "NNX102", "NNX206"]


def test_a_mapper_of_another_file_that_reads_the_value(package: Path) -> None:
    text = """\
import jax
from flax import nnx
from mine.helpers import value


def convert(model):
    return jax.tree.map(value, nnx.state(model))
"""
    path = str(package / "module.py")
    found = lint(text, path, LintSettings(frozenset({"NNX104"})), module_finder(path))
    assert [(one.code, one.fix) for one in found] == [("NNX104", None)]


MASK = """\
import jax
{imports}
from flax import nnx


def decay_mask(model):
    return jax.tree.map(lambda x: x.ndim > 1, nnx.state(model, nnx.Param))
"""
TRANSFORMATION = """\


def make_transformation(model, rate):
    return optax.chain(optax.clip(1.0), optax.adamw(rate, mask=decay_mask(model)))
"""
TRAINING = """\
from flax import nnx
from mine.{module} import {name}


def train(model):
    return nnx.Optimizer(model, {given}, wrt=nnx.Param)
"""


def masks_found(package: Path, text: str, **others: str) -> list[str]:
    (package / "optimizing.py").write_text(text)
    for name, other in others.items():
        (package.parent / f"{name}.py").write_text(other)
    path = str(package / "optimizing.py")
    return [one.code for one in lint(text, path, LintSettings(frozenset({"NNX108"}), (0, 11)), module_finder(path))]


@pytest.mark.parametrize(
    ("module", "name", "given"),
    [
        ("sub.optimizing", "make_transformation as make", "tx=make(model, rate=1e-3)"),
        ("sub", "make_transformation", "make_transformation(model, 1e-3)"),
    ],
)
def test_a_transformation_that_another_file_gives_to_an_optimizer(
    package: Path, module: str, name: str, given: str
) -> None:
    (package / "__init__.py").write_text("from .optimizing import make_transformation\n")
    text = MASK.format(imports="import optax") + TRANSFORMATION
    training = TRAINING.format(module=module, name=name, given=given)
    assert masks_found(package, text, training=training) == ["NNX108"]


def test_a_mask_that_another_file_gives_to_optax(package: Path) -> None:
    given = "optax.adamw(1e-3, mask=decay_mask(model))"
    training = "import optax\n" + TRAINING.format(module="sub.optimizing", name="decay_mask", given=given)
    assert masks_found(package, MASK.format(imports=""), training=training) == ["NNX108"]


@pytest.mark.parametrize(
    "training",
    [
        "",
        "def train(model):\n    tx = make_transformation(model, 1.0)\n    return tx.init(nnx.state(model))\n",
        "def make_transformation(model, rate):\n    return rate\n\nnnx.Optimizer(0, make_transformation(0, 1))\n",
        "def train(model, tx):\n    make_transformation(model, 1)\n    nnx.Optimizer(model, tx, wrt=nnx.Param)\n",
    ],
)
def test_transformations_that_no_optimizer_is_known_to_get(package: Path, training: str) -> None:
    text = MASK.format(imports="import optax") + TRANSFORMATION
    imports = "from flax import nnx\nfrom mine.sub.optimizing import make_transformation\n\n"
    assert masks_found(package, text, training=imports + training) == []


@pytest.mark.parametrize(
    ("imports", "test", "reported"),
    [
        ("from mine.kinds import is_param", "is_param(x)", True),
        ("from mine import kinds", "kinds.is_frozen(x)", True),
        ("from mine.kinds import is_array", "is_array(x)", False),
        ("from mine.kinds import TYPES", "isinstance(x, TYPES)", True),
        ("from mine import kinds", "isinstance(x, kinds.types)", True),
        ("from mine.kinds import MIXED", "isinstance(x, MIXED)", False),
        ("from mine.kinds import ABSENT", "isinstance(x, ABSENT)", False),
    ],
)
def test_type_tests_of_another_file(package: Path, imports: str, test: str, reported: bool) -> None:
    (package.parent / "kinds.py").write_text("""\
import jax
from flax import nnx


class Frozen(nnx.Variable):
    pass


TYPES = (nnx.Param, Frozen)
types = nnx.Param | Frozen
MIXED = (nnx.Param, jax.Array)


def is_param(x):
    return isinstance(x, nnx.Param)


def is_frozen(x):
    return isinstance(x, Frozen)


def is_array(x):
    return isinstance(x, jax.Array)
""")
    text = f"""\
import jax
from flax import nnx
{imports}


def convert(model):
    state = nnx.state(model)
    return [x for x in jax.tree.leaves(state) if {test}], jax.tree.map(lambda x: 0 if {test} else x, state)
"""
    path = str(package / "module.py")
    settings = LintSettings(frozenset({"NNX102", "NNX103"}), (0, 11))
    found = lint(text, path, settings, module_finder(path))
    assert [one.code for one in found] == (["NNX103", "NNX102"] if reported else [])
    assert fix(text, path, settings, module_finder(path)).text == text
