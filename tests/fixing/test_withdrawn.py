"""A fix that would break its file is not made, and is said; the file's other fixes are made."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from flake8_nnx_treemap import Applicability, Edit, Finding, Fix, LintSettings, Position, Range, fix_source
from flake8_nnx_treemap.fixing.engine import fix_with, rewritten
from flake8_nnx_treemap.rules.catalogue import CODES

ALL = LintSettings(frozenset(CODES), (0, 11), unsafe_fixes=True)
BROKEN = (7, 23, 24, 99)


def find(text: str) -> list[Finding]:
    """A finding on each line that is ``a``; its fix writes ``b``, and on some lines what is not Python."""
    lines = [row for row, line in enumerate(text.split("\n"), 1) if line == "a"]
    places = [(row, Range(Position(row, 1), Position(row, 2))) for row in lines]
    return [
        Finding("NNX101", "", place, Fix(Applicability.SAFE, "", (Edit(place, "(" if row in BROKEN else "b"),)))
        for row, place in places
    ]


def test_all_others_are_made_in_few_attempts() -> None:
    attempts = 0

    def rewrite(text: str, edits: Sequence[Edit]) -> str:
        nonlocal attempts
        attempts += 1
        return rewritten(text, edits)

    result = fix_with("a\n" * 100, find, rewrite, unsafe_fixes=False)
    assert [row for row, line in enumerate(result.text.split("\n"), 1) if line == "a"] == [*BROKEN]
    assert [found.range.start.row for found in result.remaining] == [*BROKEN]
    assert [one.finding.range.start.row for one in result.withdrawn] == [*BROKEN]
    assert len(result.fixed) == 96
    assert all(found.fix is None for found in result.remaining)
    assert all("would not parse (syntax error: " in one.reason for one in result.withdrawn)
    assert attempts < 100


def test_a_fix_that_waits_for_one_that_cannot_be_made_is_made() -> None:
    place = Range(Position(1, 1), Position(1, 2))

    def two(text: str) -> list[Finding]:
        offered = {"NNX101": "(", "NNX102": "b"}
        return [
            Finding(code, "", place, Fix(Applicability.SAFE, "", (Edit(place, content),)))
            for code, content in offered.items()
            if text == "a\n" or code == "NNX101"
        ]

    result = fix_with("a\n", two, rewritten, unsafe_fixes=False)
    assert result.text == "b\n"
    assert [found.code for found in result.fixed] == ["NNX102"]
    assert [one.finding.code for one in result.withdrawn] == ["NNX101"]


CELLS = (
    "import jax\nfrom flax import nnx\n",
    "x = nnx.VariableState(nnx.Param,\n",
    "    3)\n",
    "jax.tree_map(f, x)\n",
)


def test_the_command_says_it_and_fixes_the_rest(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in CELLS]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    (tmp_path / "n.ipynb").write_text(text)
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated", "--target-flax", "0.11", "--unsafe-fixes"]
    run = subprocess.run([*command, "n.ipynb"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (tmp_path / "n.ipynb").read_text() == text.replace("jax.tree_map", "jax.tree.map")
    said = "nnx-fix: note: n.ipynb: cell 2:1:5: the fix of NNX202 is not made: a statement does not end with cell 2\n"
    assert run.stderr == said
    assert "Found 2 findings (1 fixed, 1 remaining)." in run.stdout
    assert run.returncode == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = (jax\n    .tree_map(f, x))\n", "a = (jax\n    .tree.map(f, x))\n"),
        ("a = jax . tree_map(f, x)\n", "a = jax . tree.map(f, x)\n"),
        ("a = nnx.VariableState((nnx\n    .Param), v)\n", "a = nnx.Param(v)\n"),
        ("a = nnx.VariableState((type)(\n    w), v)\n", "a = type(w)(v)\n"),
        ("a = nnx.VariableState(nnx.Param, (w := v), k=(u := 1))\n", "a = nnx.Param((w := v), k=(u := 1))\n"),
        (
            "def f():\n    return nnx.VariableState(nnx.Param, (yield), k=2)\n",
            "def f():\n    return nnx.Param((yield), k=2)\n",
        ),
        (
            "a = jax.tree.map((f), x, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n",
            "a = jax.tree.map((lambda v: f(v) if isinstance(v, nnx.Variable) else v), x, "
            "is_leaf=lambda x: isinstance(x, nnx.Variable))\n",
        ),
        (
            "a = [x.value for x in jax.tree.leaves(t for t in s) if isinstance(x, nnx.Variable)]\n",
            "a = [x.value for x in jax.tree.leaves((t for t in s), is_leaf=lambda x: isinstance(x, nnx.Variable)) "
            "if isinstance(x, nnx.Variable)]\n",
        ),
    ],
)
def test_forms_that_need_care(before: str, after: str) -> None:
    head = "import jax\nfrom flax import nnx\n\n"
    assert fix_source(head + before, settings=ALL).text == head + after


def test_an_import_that_a_backslash_joins() -> None:
    text = (
        "import jax\nfrom flax.nnx import Param, \\\n    VariableState\n\n"
        "a = jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, VariableState))\n"
    )
    settings = LintSettings(frozenset({"NNX101"}), (0, 11))
    assert "from flax.nnx import Param, \\\n    Variable, VariableState\n" in fix_source(text, settings=settings).text
