"""Rules about names change the same line: one run ends with all of them done, whichever comes first."""

from __future__ import annotations

import pytest

from flake8_nnx_treemap import fix_source
from flake8_nnx_treemap.rules.settings import LintSettings

HEADER = "import jax.numpy as jnp\nfrom flax import nnx\n\n\n"


def fixed(text: str) -> str:
    settings = LintSettings(frozenset({"NNX201", "NNX206", "NNX207", "NNX211", "NNX212"}), (0, 12, 8), line_length=120)
    result = fix_source(HEADER + text, settings=settings).text
    assert fix_source(result, settings=settings).text == result
    return result.removeprefix(HEADER)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "def f(model):\n"
            "    return nnx.state(model).map(lambda p, v: v.replace(v.value) if isinstance(v, nnx.Variable) else v)\n",
            "def f(model):\n"
            "    return nnx.map_state(lambda p, v: v.replace(v.get_value()) "
            "if isinstance(v, nnx.Variable) else v, nnx.state(model))\n",
        ),
        (
            "def f(state: nnx.State):\n    return nnx.pure(state.filter(nnx.VariableState)).to_pure_dict()\n",
            "def f(state: nnx.State):\n    return nnx.as_pure(nnx.filter_state(state, nnx.Variable)).to_pure_dict()\n",
        ),
        (
            "def f(model, g):\n    return nnx.state(model).filter(nnx.Param).map(g).flat_state(), nnx.pure(g)\n",
            "def f(model, g):\n    return nnx.to_flat_state("
            "nnx.map_state(g, nnx.filter_state(nnx.state(model), nnx.Param))), nnx.as_pure(g)\n",
        ),
        (
            'names = nnx.Param(nnx.Param(1).value, sharding=("a",)).sharding_names\n',
            'names = nnx.Param(nnx.Param(1).get_value(), sharding=("a",)).get_metadata("out_sharding", None)\n',
        ),
    ],
)
def test_renames_in_one_line(before: str, after: str) -> None:
    assert fixed(before) == after
