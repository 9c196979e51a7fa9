"""A mapper in a function, a second tree, key paths: still one call that takes every leaf."""

import functools

import jax
import jax.tree_util as jtu
from flax import nnx


def step(parameter, gradient, learning_rate):
    return parameter.replace(parameter.value - learning_rate * gradient.value)


def update(parameters: nnx.State, gradients: nnx.State, learning_rate: float) -> nnx.State:
    descend = functools.partial(step, learning_rate=learning_rate)
    return jax.tree.map(
        descend,
        parameters,
        gradients,
        is_leaf=lambda node: isinstance(node, nnx.VariableState),  # "select the parameters"
    )


def norms(parameters: nnx.State) -> nnx.State:
    return jtu.tree_map_with_path(
        lambda path, v: (path, (v.value**2).sum()),
        parameters,
        is_leaf=lambda node: isinstance(node, nnx.VariableState),
    )
