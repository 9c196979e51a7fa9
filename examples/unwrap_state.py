"""The call of google/flax#4762: written to select VariableStates, it maps whatever JAX finds."""

import jax
from flax import nnx


def unwrap(state: nnx.State) -> nnx.State:
    return jax.tree.map(lambda x: x.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))


if __name__ == "__main__":
    print(unwrap(nnx.State({"param1": nnx.Param(10.0)})))
