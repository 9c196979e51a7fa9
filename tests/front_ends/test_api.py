"""The public API: what it exports, that it costs nothing to import, and that its values travel between processes."""

from __future__ import annotations

import multiprocessing
import pickle
import subprocess
import sys

import pytest

import flake8_nnx_treemap
from flake8_nnx_treemap import Applicability, LintSettings, Position, SourceError, fix_source, lint_source
from flake8_nnx_treemap.rules.catalogue import CODES

BUG = """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
SETTINGS = LintSettings(frozenset({"NNX101"}), (0, 11), unsafe_fixes=True)


def test_everything_that_is_exported_is_there() -> None:
    for name in flake8_nnx_treemap.__all__:
        assert getattr(flake8_nnx_treemap, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        flake8_nnx_treemap.nothing  # noqa: B018


def test_the_package_imports_no_libcst() -> None:
    code = "import flake8_nnx_treemap, sys; print('libcst' in sys.modules, 'dataclasses' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False False\n"


def test_findings_say_where_and_how() -> None:
    (finding,) = lint_source(BUG, "m.py", SETTINGS)
    assert (finding.code, finding.range.start) == ("NNX101", Position(6, 59))
    assert finding.fix is not None
    assert finding.fix.applicability is Applicability.SAFE
    assert fix_source(BUG, "m.py", SETTINGS).fixed == (finding,)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_values_can_be_pickled(protocol: int) -> None:
    for value in (lint_source(BUG, "m.py", SETTINGS), fix_source(BUG, "m.py", SETTINGS), SETTINGS):
        assert pickle.loads(pickle.dumps(value, protocol)) == value
    with pytest.raises(SourceError) as caught:
        lint_source("x = (", "m.py")
    copy = pickle.loads(pickle.dumps(caught.value, protocol))
    assert (str(copy), copy.row, copy.column) == (str(caught.value), caught.value.row, caught.value.column)


@pytest.mark.parametrize(
    "line",
    [
        "T = " + "nnx.VariableState | " * 1000 + "None",
        "print([x for x in jax.tree.leaves(nnx.state(m))" + "[0]" * 1200 + " if isinstance(x, nnx.Param)])",
        "t = "
        + "a if b else " * 500
        + "jax.tree.leaves(nnx.state(m))\nprint([x for x in t if isinstance(x, nnx.Param)])",
        "jax.tree.map(lambda v: v.value"
        + " + v.value" * 1200
        + ", s, is_leaf=lambda x: isinstance(x, nnx.VariableState))",
    ],
)
def test_deep_code_is_read(line: str) -> None:
    every_rule = LintSettings(frozenset(CODES), (0, 12, 7))
    assert isinstance(lint_source(f"import jax\nfrom flax import nnx\n{line}\n", settings=every_rule), list)


def test_other_processes_find_the_same() -> None:
    texts = [BUG, BUG.replace("v.value", "v"), "x = 1\n", BUG.replace("tree.map", "tree_util.tree_map")]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(lint_source, texts) == [lint_source(text) for text in texts]
        assert pool.map(fix_source, texts) == [fix_source(text) for text in texts]
