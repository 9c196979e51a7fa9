"""Several findings in one call give one correct result."""

from __future__ import annotations

import pytest

from flake8_nnx_treemap import LintSettings, fix_source
from flake8_nnx_treemap.rules.codes import CODES

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
    settings = LintSettings(ALL, floor, unsafe_fixes=True)
    assert fix_source(source, settings=settings).text == fixed
    assert fix_source(fixed, settings=settings).text == fixed
