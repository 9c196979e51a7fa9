"""Several findings in one call give one correct result."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flake8_nnx_treemap import LintSettings, fix_source
from flake8_nnx_treemap.rules.catalogue import CODES

ALL = frozenset(CODES)
HEAD = "import jax\nfrom flax import nnx\n"


@pytest.mark.parametrize(
    ("floor", "source", "fixed"),
    [
        (
            (0, 12, 1),
            "import jax\nfrom flax.nnx import VariableState\n\n"
            "a = jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, VariableState))\n",
            "import jax\nfrom flax.nnx import Variable\n\n"
            "a = jax.tree.map(lambda v: v.get_value() if isinstance(v, Variable) else v, s, "
            "is_leaf=lambda x: isinstance(x, Variable))\n",
        ),
        (
            (0, 11),
            HEAD + "a = jax.tree_map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n",
            HEAD + "a = jax.tree.map(lambda v: v.value if isinstance(v, nnx.Variable) else v, s, "
            "is_leaf=lambda x: isinstance(x, nnx.Variable))\n",
        ),
        (
            (0, 12, 1),
            HEAD + "a = jax.tree.map(lambda v: v.to_variable().value, s, is_leaf=nnx.VariableState)\n",
            HEAD + "a = jax.tree.map(lambda v: v.copy().value if isinstance(v, nnx.Variable) else v, s, "
            "is_leaf=lambda x: isinstance(x, nnx.Variable))\n",
        ),
        (
            (0, 11),
            HEAD + "def f(v):\n    if isinstance(v, nnx.Variable):\n        return v.type\n"
            "    elif isinstance(v, nnx.VariableState):\n        return v.type\n    return v\n",
            HEAD + "def f(v):\n    if isinstance(v, nnx.Variable):\n        return type(v)\n    return v\n",
        ),
    ],
)
def test_all_rules_at_once(floor: tuple[int, ...], source: str, fixed: str) -> None:
    settings = LintSettings(ALL, floor, unsafe_fixes=True, line_length=200)
    assert fix_source(source, settings=settings).text == fixed
    assert fix_source(fixed, settings=settings).text == fixed


BRANCHES = """\
from flax import nnx
from flax.nnx import VariableState


def kind(x):
    if isinstance(x, nnx.VariableState):
        return "state"
    elif isinstance(x, nnx.Variable):
        return "variable"


{}: nnx.VariableState
"""
MAYBE_ARRAYS = """\
import jax
from flax import nnx

shapes = jax.tree.map(lambda x: x.shape, tree, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""


def test_a_rename_does_not_hide_what_only_the_author_can_resolve() -> None:
    """After it, NNX109 would see one class in both branches, and NNX101 a predicate that is meant so."""
    settings = LintSettings(frozenset({"NNX101", "NNX109", "NNX201"}), (0, 12, 1))
    result = fix_source(BRANCHES.format("y"), settings=settings)
    assert result.text == BRANCHES.format("y").replace("import VariableState", "import Variable").replace(
        "y: nnx.VariableState", "y: nnx.Variable"
    )
    assert [found.code for found in result.remaining] == ["NNX201", "NNX109"]
    assert fix_source(MAYBE_ARRAYS, settings=settings).text == MAYBE_ARRAYS
    unsafe = fix_source(MAYBE_ARRAYS, settings=replace(settings, unsafe_fixes=True))
    assert "x.shape if isinstance(x, nnx.Variable) else x" in unsafe.text
    assert unsafe.remaining == ()


def test_other_renames_do_not_wait() -> None:
    settings = LintSettings(frozenset({"NNX101", "NNX208"}), (0, 12, 1))
    text = MAYBE_ARRAYS.replace("jax.tree.map", "jax.tree_map")
    result = fix_source(text, settings=settings)
    assert result.text == MAYBE_ARRAYS
    assert [found.code for found in result.remaining] == ["NNX101"]


def test_what_is_suppressed_holds_nothing_up() -> None:
    settings = LintSettings(frozenset({"NNX101", "NNX201"}), (0, 12, 1))
    text = MAYBE_ARRAYS.replace("nnx.VariableState))", "nnx.VariableState))  # noqa: NNX101")
    assert fix_source(text, settings=settings).text == text.replace("nnx.VariableState", "nnx.Variable")
