"""The popular advice is to drop ``is_leaf`` and to dispatch in the mapper. On state, on any Flax, that maps nothing."""

from __future__ import annotations

import pytest
from describe import differences
from harness import EAGER, JIT, NNX_JIT, Transform, observe
from installed import VARIABLE_IS_A_PYTREE
from trees import CATALOGUE, LIVE_VARIABLES, WRAPPED_STATES

pytestmark = pytest.mark.runtime

TESTS = {
    "VariableState": "isinstance(x, nnx.VariableState)",
    "Variable": "isinstance(x, nnx.Variable)",
    "both": "isinstance(x, (nnx.Variable, nnx.variablelib.VariableState))",
    "Param": "isinstance(x, nnx.Param)",
    "hasattr": "hasattr(x, 'value')",
    "exact type": "type(x) is nnx.VariableState",
}
"""The ways in which people dispatch."""

HEADER = "import jax\nfrom flax import nnx\n\n\ndef convert(tree):\n"


def advised(test: str) -> str:
    return f"{HEADER}    return jax.tree.map(lambda x: x.value * 2 if {test} else x, tree)\n"


REBUILT = f"{HEADER}    return jax.tree.map(lambda x: x, tree)\n"

T = "(nnx.Variable, nnx.variablelib.VariableState)"
REPAIRED = (
    f"{HEADER}    return jax.tree.map(lambda x: [x.value] if isinstance(x, {T}) else x, tree, "
    f"is_leaf=lambda x: isinstance(x, {T}))\n"
)

each_test = pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)


@each_test
@pytest.mark.parametrize("name", WRAPPED_STATES)
def test_maps_nothing_on_state(name: str, test: str) -> None:
    run = observe(advised(test), CATALOGUE[name].build)
    assert run.returned
    assert run.wrappers > 0
    assert run.mapped == 0
    assert not any(call.is_mapped for call in run.calls)
    assert differences("result", observe(REBUILT, CATALOGUE[name].build).result, run.result) == []


@each_test
@pytest.mark.parametrize("transform", [JIT, NNX_JIT], ids=lambda transform: transform.name)
def test_maps_nothing_on_state_under_jit(transform: Transform, test: str) -> None:
    run = observe(advised(test), CATALOGUE["state"].build, transform)
    assert run.returned
    assert run.mapped == 0
    assert differences("result", observe(REBUILT, CATALOGUE["state"].build, transform).result, run.result) == []


@pytest.mark.parametrize("name", LIVE_VARIABLES)
def test_maps_live_variables_only_while_they_are_no_pytrees(name: str) -> None:
    run = observe(advised(TESTS["Variable"]), CATALOGUE[name].build)
    assert run.returned
    assert run.mapped == (0 if VARIABLE_IS_A_PYTREE else run.wrappers)


@pytest.mark.parametrize("name", [*WRAPPED_STATES, *LIVE_VARIABLES])
def test_dispatch_and_is_leaf_together_map_everything(name: str) -> None:
    run = observe(REPAIRED, CATALOGUE[name].build, EAGER)
    assert run.returned
    assert run.mapped == run.wrappers > 0
