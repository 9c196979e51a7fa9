"""Which files are parsed at all: those that hold the words of a rule that is selected and applies, and those named."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flake8_nnx_treemap.fixing import engine
from flake8_nnx_treemap.names import NEWEST_RANGE, PORTABLE_RANGE, FlaxRange
from flake8_nnx_treemap.project import notebooks, runner
from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.project.runner import Task, process_text
from flake8_nnx_treemap.rules.catalogue import CODES, may_find_in
from flake8_nnx_treemap.rules.settings import LintSettings

BUG = """\
import jax
from flax import nnx

jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
BROKEN = "from flax import nnx\nclass Model(nnx.Module):\n    def __init__(self:\n"
IMPORTED = """\
import sys
from flake8_nnx_treemap.cli import main
main(sys.argv[1:])
print(sorted(name for name in sys.modules if name.startswith("flake8_nnx_treemap.analysis.names")))
"""


def nnx_fix(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated", "--check", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def notebook(*sources: str) -> str:
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, ensure_ascii=False)


@pytest.mark.parametrize(("name", "text"), [("broken.py", BROKEN), ("broken.ipynb", '{"nnx": ')])
def test_what_can_hold_no_finding_is_parsed_only_if_it_was_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    run = nnx_fix(tmp_path, ".")
    assert (run.returncode, run.stderr) == (0, "")
    run = nnx_fix(tmp_path, name)
    assert run.returncode == 2
    assert run.stderr.startswith(f"nnx-fix: error: {name}: ")
    (tmp_path / name).write_text(text + "# jax.tree.map")
    assert nnx_fix(tmp_path, ".").returncode == 2


def test_nothing_is_imported_to_read_code_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("from flax import nnx\n\n\nclass Model(nnx.Module):\n    x = 1\n")
    (tmp_path / "model.ipynb").write_text(notebook("from flax import nnx"))
    command = [sys.executable, "-c", IMPORTED, "--isolated", "--check", "--include-markdown", "."]
    (tmp_path / "model.md").write_text("```python\nfrom flax import nnx\n```\n")
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("code", "flax", "text"),
    [
        ("NNX101", PORTABLE_RANGE, "jax.tree.map(f, s)"),
        ("NNX101", PORTABLE_RANGE, "(jax.tree\n .map)(f, s)"),
        ("NNX101", PORTABLE_RANGE, "jtu.tree_map(f, s)"),
        ("NNX101", PORTABLE_RANGE, "from jax import tree as jt\njt.map(f, s)"),
        ("NNX101", PORTABLE_RANGE, "from jax.tree import (\n    map as tmap,\n)"),
        ("NNX101", PORTABLE_RANGE, "jt: Any = jax.tree  # short\njt.map(f, s)"),
        ("NNX101", PORTABLE_RANGE, "jt = jax.tree"),
        ("NNX101", PORTABLE_RANGE, "jt = jax . tree \\\n\njt.map(f, s)"),
        ("NNX101", PORTABLE_RANGE, "(jax.tree # short\n ).map(f, s)"),
        ("NNX101", PORTABLE_RANGE, "jax.tree.  # short\n# of it\nmap(f, s)"),
        ("NNX101", PORTABLE_RANGE, "from jax import (tree\n as jt)\njt.map(f, s)"),
        ("NNX101", PORTABLE_RANGE, "from jax import tree\njt = tree\njt.map(f, s)"),
        ("NNX101", PORTABLE_RANGE, "from jax.tree \\\n import map as tmap"),
        ("NNX101", PORTABLE_RANGE, "print(jt := jax.tree, 1)\njt.map(f, s)"),
        ("NNX103", PORTABLE_RANGE, "jax.tree.leaves(s)"),
        ("NNX105", NEWEST_RANGE, "type(x) is nnx.VariableState"),
        ("NNX113", NEWEST_RANGE, "best = nnx . state (m)\nnnx.update(m, best)"),
        ("NNX113", NEWEST_RANGE, "from flax.nnx import state\nkept = tree_map(f, kept, state(m))"),
        ("NNX113", NEWEST_RANGE, "from flax.nnx import state as taken\nkept = tree_map(f, kept, taken(m))"),
        ("NNX204", NEWEST_RANGE, "x: nnx.Param\nx.type"),
        ("NNX205", NEWEST_RANGE, "x: nnx.Param\nx.name = 1"),
        ("NNX205", NEWEST_RANGE, "x: nnx.Param\nif x: x.name += 1"),
        ("NNX205", NEWEST_RANGE, "x: nnx.Param\nx.name, y = 1, 2"),
        ("NNX206", NEWEST_RANGE, "x: nnx.Param\nx.value"),
        ("NNX206", NEWEST_RANGE, "x: nnx.Param\n(x.\n  value)"),
        ("NNX206", NEWEST_RANGE, "x: nnx.Param\n(x.  # the array\n value)"),
        ("NNX207", NEWEST_RANGE, "nnx.pure(s)"),
        ("NNX207", NEWEST_RANGE, "from flax.nnx import (  # all of it\n    pure,\n)"),
        ("NNX207", NEWEST_RANGE, "from flax.nnx import (\n    pure,\n)"),
        ("NNX208", PORTABLE_RANGE, "jax.tree_map(f, s)"),
        ("NNX208", PORTABLE_RANGE, "from jax import (  # old\n    tree_map,\n)"),
        ("NNX208", PORTABLE_RANGE, "from jax import numpy, \\\n    tree_map"),
        ("NNX208", PORTABLE_RANGE, "import jax as j\nj.tree_map(f, s)"),
        ("NNX210", NEWEST_RANGE, "class Model(nnx.Module):\n    def __init__(self):\n        self.x: list = [1]"),
        ("NNX210", NEWEST_RANGE, "class Model(nnx.Module):\n    def __init__(self):\n        setattr(self, 'x', [1])"),
        ("NNX210", NEWEST_RANGE, "class Größe(nnx.Module):\n    def __init__(self):\n        self.größe = [1]"),
        ("NNX210", NEWEST_RANGE, "class \\\nA(nnx.Module):\n    def f(self):\n        self.x: list[\n int] = [1]"),
        ("NNX210", NEWEST_RANGE, "class A[T: list[int]](nnx.Module):\n    def f(self):\n        (self.x\n) = [1]"),
        ("NNX210", NEWEST_RANGE, "class A(object  # )\n, nnx.Module):\n    def f(self):\n        (self.x,\n y) = z"),
        ("NNX210", NEWEST_RANGE, "@ dataclass\nclass A(nnx.Module):\n    x: list[nnx.Param]"),
        ("NNX214", NEWEST_RANGE, "nnx.with_sharding_constraint(x, s)"),
        ("NNX214", NEWEST_RANGE, "(nnx\n).to_arrays(x)"),
        ("NNX214", NEWEST_RANGE, "from flax import (nnx  # short\n as n)\nn.to_arrays(x)"),
        ("NNX215", NEWEST_RANGE, "nnx.Linear(2, 3, dot_general  # mine\n =f)"),
        ("NNX214", NEWEST_RANGE, "from flax.nnx import (\n    Param,\n    to_arrays,\n)"),
        ("NNX214", NEWEST_RANGE, "from flax import nnx as n\nn.to_arrays(x)"),
        ("NNX901", NEWEST_RANGE, "x = 1  # NOQA: nnx101"),
    ],
)
def test_words_of_a_rule(code: str, flax: FlaxRange, text: str) -> None:
    settings = LintSettings(frozenset({code}), flax)
    assert CODES[code].may_find(text)
    assert may_find_in(text.encode(), [settings], is_program=True, defines_modules=lambda: True)
    assert may_find_in(notebook(text).encode(), [settings], is_program=False, defines_modules=lambda: True)


@pytest.mark.parametrize(
    ("code", "flax", "text"),
    [
        ("NNX101", PORTABLE_RANGE, "the leaves of a pytree"),
        ("NNX101", PORTABLE_RANGE, "import jax.tree_util"),
        ("NNX103", PORTABLE_RANGE, "leaves of a plant"),
        ("NNX103", PORTABLE_RANGE, "flatten = tree.size"),
        ("NNX113", NEWEST_RANGE, "state = step(state)\nnnx.update(m, state)"),
        ("NNX108", PORTABLE_RANGE, "import optax"),
        ("NNX204", NEWEST_RANGE, "x: nnx.Param\ntype(x)"),
        ("NNX205", NEWEST_RANGE, "x: nnx.Param\nself.x = nnx.Param(1)\ndef f(y: int = 1): ..."),
        ("NNX205", NEWEST_RANGE, "x: nnx.Linear\nname = x.name"),
        ("NNX210", NEWEST_RANGE, "class Model(nnx.Module):\n    x: int = 1"),
        ("NNX206", NEWEST_RANGE, "x: nnx.Param\nx.values()"),
        ("NNX206", PORTABLE_RANGE, "x: nnx.Param\nx.value"),
        ("NNX207", NEWEST_RANGE, "a pure function"),
        ("NNX208", PORTABLE_RANGE, "jax.tree_util.tree_map(f, s)"),
        ("NNX208", PORTABLE_RANGE, "from jax import numpy as jnp\ntree_map(f, s)"),
        ("NNX214", NEWEST_RANGE, "@dataclasses.dataclass\nclass A: ..."),
        ("NNX214", NEWEST_RANGE, "from flax.nnx import Param, State\nself.mutable = 1"),
        ("NNX901", NEWEST_RANGE, "nnx = 1  # noqa: E501"),
    ],
)
def test_what_is_no_word_of_a_rule(code: str, flax: FlaxRange, text: str) -> None:
    assert not may_find_in(
        text.encode(), [LintSettings(frozenset({code}), flax)], is_program=True, defines_modules=lambda: True
    )


def test_a_rule_about_modules_asks_for_a_class_of_modules() -> None:
    text = b"from flax import nnx\nclass Config(Base):\n    def __init__(self):\n        self.x = [nnx.Param(1)]"
    settings = [LintSettings(frozenset({"NNX210"}), NEWEST_RANGE)]
    assert may_find_in(text, settings, is_program=True, defines_modules=lambda: True)
    assert not may_find_in(text, settings, is_program=True, defines_modules=lambda: False)
    assert may_find_in(text, settings, is_program=False, defines_modules=lambda: False)


def test_words_of_rules_that_are_not_selected_do_not_count() -> None:
    settings = LintSettings(frozenset({"NNX207"}), NEWEST_RANGE)
    assert not may_find_in(BUG.encode(), [settings], is_program=True, defines_modules=lambda: True)
    assert may_find_in(BUG.encode(), [settings, LintSettings()], is_program=True, defines_modules=lambda: True)


def test_another_encoding_is_parsed() -> None:
    assert may_find_in("x = 1".encode("utf-16"), [LintSettings()], is_program=True, defines_modules=lambda: True)


@pytest.mark.parametrize(
    "opening",
    [
        "nnx.state(\n",
        "x.\n# Also this.\n",
        "tree.",
        "self.x,\n",
        "from jax import (a,\n",
        "class A[T: (",
        "class A(",
        "import (",
    ],
)
def test_what_never_ends_costs_little_to_search(opening: str) -> None:
    settings = [LintSettings(frozenset(CODES), flax) for flax in (NEWEST_RANGE, PORTABLE_RANGE)]
    data = ("VariableState .values tree_ state update types = " + opening * 3_000).encode()
    started = time.process_time()
    for entry in CODES.values():
        if entry.code != "NNX205":
            entry.may_find(data.decode())
    may_find_in(data, settings, is_program=True, defines_modules=lambda: False)
    assert time.process_time() - started < 10


def test_a_notebook_without_a_finding_is_read_by_json_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("looked for the places of cells in the file")

    monkeypatch.setattr(notebooks, "_members", fail)
    text = notebook("import jax\nfrom flax import nnx\n", "jax.tree.map(f, nnx.state(model))")
    report, _ = process_text(text, "book.ipynb", Task(Overrides(is_isolated=True), fixes=True))
    assert (report.findings, report.error) == ((), None)


@pytest.mark.parametrize("name", ["code.py", "book.ipynb"])
def test_a_file_is_parsed_once_for_all_that_is_asked_of_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = engine.parse_module

    def counting(text: str) -> object:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(engine, "parse_module", counting)
    monkeypatch.setattr(runner, "_also_newest", lambda *_: True)
    text = notebook(BUG) if name.endswith("ipynb") else BUG
    report, _ = process_text(text, name, Task(Overrides(is_isolated=True), counts_for_newest=True))
    assert [found.code for found in report.findings] == ["NNX101"]
    assert report.more_for_newest
    assert len(parsed) == 1
