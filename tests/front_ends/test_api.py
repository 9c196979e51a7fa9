"""The public API: what it exports, that it costs nothing to import, and that its values travel between processes."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import subprocess
import sys
from typing import Any

import pytest

import flake8_nnx_treemap
from flake8_nnx_treemap import Applicability, LintSettings, Position, SourceError, fix_source, flax_range, lint_source
from flake8_nnx_treemap.rules.catalogue import CODES

BUG = """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
SETTINGS = LintSettings(frozenset({"NNX101"}), (0, 11), unsafe_fixes=True, line_length=200)


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


# Settings


def test_settings_take_the_starts_of_codes() -> None:
    assert LintSettings(select={"NNX1"}).select == {code for code in CODES if code.startswith("NNX1")}  # type: ignore[arg-type]
    assert LintSettings(select=["nnx101", "NNX20"]).select == {  # type: ignore[arg-type]
        code for code in CODES if code == "NNX101" or code.startswith("NNX20")
    }
    assert LintSettings(select={"ALL"}).select == set(CODES)  # type: ignore[arg-type]
    assert LintSettings(select=frozenset()).select == frozenset()
    (finding,) = lint_source(BUG, "m.py", LintSettings(select={"NNX1"}, flax=(0, 12)))  # type: ignore[arg-type]
    assert finding.code == "NNX101"


def test_a_release_may_be_written_short() -> None:
    assert LintSettings(flax=(0, 12)) == LintSettings(flax=(0, 12, 0)) != LintSettings(flax=(0, 12, 1))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"select": {"NNX9999"}}, r"select: 'NNX9999' is no rule \(did you mean NNX"),
        ({"select": {"E501"}}, "select: 'E501' is no rule; nnx-fix --list-rules"),
        ({"select": {""}}, "select: '' is no rule"),
        ({"select": "NNX101"}, "select must be a set of rule codes"),
        ({"select": {101}}, "select must hold rule codes, not 101"),
        ({"select": 101}, "select must be a set of rule codes"),
        ({"flax": "0.12"}, r"flax must be a FlaxRange, or a tuple of numbers such as \(0, 12\), not '0.12'"),
        ({"flax": 0.12}, "flax must be a FlaxRange, or a tuple of numbers"),
        ({"flax": ("0", "12")}, "flax must be a FlaxRange, or a tuple of numbers"),
        ({"flax": (0, -1)}, "flax must be a FlaxRange, or a tuple of numbers"),
        ({"flax": ()}, "flax must be a FlaxRange, or a tuple of numbers"),
        ({"flax": None}, "flax must be a FlaxRange, or a tuple of numbers"),
        ({"unsafe_fixes": "yes"}, "unsafe_fixes must be True or False, not 'yes'"),
        ({"extend_safe_fixes": "NNX101"}, "extend_safe_fixes must be a set of rule codes"),
        ({"extend_unsafe_fixes": {"NNX8"}}, "extend_unsafe_fixes: 'NNX8' is no rule"),
    ],
)
def test_odd_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        LintSettings(**settings)


UNSAFE = BUG.replace("lambda v: v.value", "abs")


def test_what_counts_as_safe_can_be_set() -> None:
    assert fix_source(BUG, settings=LintSettings(extend_unsafe_fixes=frozenset({"NNX101"}))).text == BUG
    assert fix_source(UNSAFE, settings=LintSettings()).text == UNSAFE
    safe = LintSettings(extend_safe_fixes=frozenset({"NNX1"}))
    assert fix_source(UNSAFE, settings=safe).text != UNSAFE
    (finding,) = lint_source(UNSAFE, settings=safe)
    assert finding.fix is not None
    assert finding.fix.applicability is Applicability.SAFE
    both = LintSettings(extend_safe_fixes=frozenset({"NNX101"}), extend_unsafe_fixes=frozenset({"NNX101"}))
    assert fix_source(UNSAFE, settings=both).text == UNSAFE


# Other formats


def notebook(*cells: str) -> str:
    found = [
        {"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None} for cell in cells
    ]
    return json.dumps({"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def test_a_notebook_is_read_as_one() -> None:
    text = notebook("%matplotlib inline", BUG)
    (finding,) = lint_source(text, "book.ipynb", SETTINGS)
    assert (finding.code, finding.range.start) == ("NNX101", Position(7, 59))
    result = fix_source(text, "Book.IPYNB", SETTINGS)
    assert result.fixed == (finding,)
    assert json.loads(result.text)["cells"][1]["source"] == fix_source(BUG, settings=SETTINGS).text
    for broken in ("x = 1", "{}", '{"cells": 3}'):
        with pytest.raises(SourceError):
            lint_source(broken, "book.ipynb")
    (found,) = lint_source(notebook("x = (", BUG), "book.ipynb", SETTINGS)
    assert found.code == "NNX101", "a cell that is not Python is passed over"


def test_markdown_is_read_as_one() -> None:
    text = f"# Title\n\n```python\n{BUG}```\n"
    (finding,) = lint_source(text, "page.md", SETTINGS)
    assert finding.range.start == Position(9, 59)
    assert fix_source(text, "page.md", SETTINGS).text == text.replace(BUG, fix_source(BUG, settings=SETTINGS).text)


def test_a_target_is_what_the_command_line_takes() -> None:
    old = "from flax import nnx\n\nmade = nnx.VariableState(nnx.Param, 1.0)\n"
    for target, found in (("portable", 1), ("0.12", 1), (">=0.10,<0.11", 0), ("==0.11.*", 1)):
        settings = LintSettings({"NNX202"}, flax_range(target))  # type: ignore[arg-type]
        assert len(lint_source(old, settings=settings)) == found, target
    with pytest.raises(ValueError, match="'new' is no Flax release"):
        flax_range("new")
