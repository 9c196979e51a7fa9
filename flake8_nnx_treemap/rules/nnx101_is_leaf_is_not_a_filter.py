"""`is_leaf` tests `VariableState`, and the mapper takes every leaf.

## What it does

Finds calls of `jax.tree.map` and similar functions whose `is_leaf` stops at `nnx.VariableState` while the mapper never
asks what kind of leaf it was given.

## Why it is wrong

`is_leaf` says where JAX stops going down. It filters nothing: where it does not stop, JAX goes on down, and every leaf
that it finds there reaches the mapper as well. A mapper written for a `VariableState` then gets arrays, numbers and,
depending on the Flax release, live `Variable`s.

## What Flax does

* **0.10.0–0.10.6**: state from `nnx.state` works; a live `Variable` is an opaque leaf, so the mapper runs on it
  although `is_leaf` said no. A raw array raises `AttributeError`.
* **0.10.7**: `Variable` became a pytree. JAX goes into a live `Variable`, the mapper gets the array inside: `.value`
  raises, `[...]` silently returns the wrapper unchanged.
* **0.11.0–0.12.0**: `VariableState` is `Variable`. Wrappers work; a raw array still raises.
* **0.12.1 and later**: the same, and every access to `nnx.VariableState` warns.

## Fix safety

The fix is safe where the mapper reads, on every way to a result, something that only a Variable has: wherever the
original returned, every leaf was a wrapper, and each is mapped as before.

The fix makes the mapper dispatch on the leaf's type, and makes `is_leaf` stop at the same types. Only a Variable has
`.value`, `.get_value()`, `.set_metadata()` and the like.

The fix is unsafe

* if the mapper might have worked on other leaves too, or if we cannot see it;
* if something around the call may handle the error;
* if `is_leaf` also stops at objects that are no wrappers;
* if `is_leaf` asks a wrapper for more than its type, and the code must run below 0.11.

There is no fix where `functools.partial` shares the predicate, where no name for the class is certain, or where the
mapper is an expression with effects of its own.

Two exceptions are known. On 0.10.7 alone, the original does not map a live Variable that holds no array
(`nnx.Param(None)`); the fixed code does. And a leaf that is no Variable but has a `.value`, such as a member of an
`enum.Enum`, was mapped by the original; the fixed code returns it as it is.

## References

* <https://github.com/google/flax/issues/4762>
* `jax.tree.map`: <https://docs.jax.dev/en/latest/_autosummary/jax.tree.map.html>
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_nnx_treemap.analysis.calls.mappers import Mapper, mapper_of
from flake8_nnx_treemap.analysis.calls.predicates import LeafTest, leaf_test_of
from flake8_nnx_treemap.analysis.calls.tree_calls import tree_calls_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.names import VARIABLE, VARIABLE_STATE, FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.advice import classes_to_stop_at
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import DISPATCH_RESTS_ON, dispatch_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, FixAvailability, Rule

MESSAGE = "is_leaf filters nothing, other leaves reach the mapper too: test isinstance({}, {}) there as well"


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each call whose predicate stops at VariableState and whose mapper does not dispatch."""
    for call in tree_calls_of(source):
        if call.mapper is None or call.is_leaf is None:
            continue
        test = leaf_test_of(source, call.is_leaf, takes_path=call.takes_path, across_files=True)
        if isinstance(test, Unknown) or not _stops_at_variable_state(test):
            continue
        mapper = mapper_of(source, call.mapper, call.function.leaf_position, across_files=True)
        if isinstance(mapper, Mapper) and (mapper.dispatches or mapper.ignores_leaf):
            continue
        leaf = "x" if isinstance(mapper, Unknown) else mapper.leaf
        message = MESSAGE.format(leaf, classes_to_stop_at(source, call.node, flax))
        yield Finding("NNX101", message, source.range(call.is_leaf), dispatch_fix(source, call, test, mapper, flax))


def _stops_at_variable_state(test: LeafTest) -> bool:
    """Tell whether a predicate tests for VariableState only: NNX112 is about both classes, NNX105 about ``type(x)``."""
    names = frozenset().union(*(found.names for found in test.tests if not found.is_exact))
    return VARIABLE_STATE in names and VARIABLE not in names


EXAMPLES = (
    Example(
        title="A lambda that reads `.value`",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.value * 2,
        state,
        is_leaf=lambda x: isinstance(x, nnx.VariableState),
    )
""",
        marked=("lambda x: isinstance(x, nnx.VariableState)",),
        fixed={
            "portable": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: (
            v.value * 2
            if isinstance(v, (nnx.Variable, nnx.variablelib.VariableState))
            else v
        ),
        state,
        is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.variablelib.VariableState)),
    )
""",
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.value * 2 if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        },
        applicability=Applicability.SAFE,
    ),
    Example(
        title="A function defined elsewhere, and a key path",
        source="""\
import jax
from flax import nnx


def scaled(path, variable, scale=2.0):
    return variable.replace(variable.value * scale)


def convert(state):
    return jax.tree_util.tree_map_with_path(scaled, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
""",
        marked=("lambda x: isinstance(x, nnx.VariableState)",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def scaled(path, variable, scale=2.0):
    return variable.replace(variable.value * scale)


def convert(state):
    return jax.tree_util.tree_map_with_path(
        lambda path, v: scaled(path, v) if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        },
        applicability=Applicability.SAFE,
    ),
    Example(
        title="A predicate that two calls share: it is edited once",
        source="""\
import jax
from flax import nnx


def is_variable(x):
    return isinstance(x, nnx.VariableState)


def convert(state):
    values = jax.tree.map(lambda v: v.value, state, is_leaf=is_variable)
    return values, jax.tree.map(lambda v: v.value * 2, state, is_leaf=is_variable)
""",
        marked=("is_variable", "is_variable"),
        fixed={
            "portable": """\
import jax
from flax import nnx


def is_variable(x):
    return isinstance(x, (nnx.Variable, nnx.variablelib.VariableState))


def convert(state):
    values = jax.tree.map(
        lambda v: (
            v.value
            if isinstance(v, (nnx.Variable, nnx.variablelib.VariableState))
            else v
        ),
        state,
        is_leaf=is_variable,
    )
    return values, jax.tree.map(
        lambda v: (
            v.value * 2
            if isinstance(v, (nnx.Variable, nnx.variablelib.VariableState))
            else v
        ),
        state,
        is_leaf=is_variable,
    )
""",
        },
        applicability=Applicability.SAFE,
    ),
    Example(
        title="A mapper that may work on any leaf: the fix is unsafe",
        source="""\
import jax
import jax.numpy as jnp
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: jnp.zeros(v.shape), state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
""",
        marked=("lambda x: isinstance(x, nnx.VariableState)",),
        fixed={
            "0.11": """\
import jax
import jax.numpy as jnp
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: jnp.zeros(v.shape) if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        },
        applicability=Applicability.UNSAFE,
    ),
)

RULE = Rule(
    CODES["NNX101"],
    "`is_leaf` stops at VariableState, but the mapper takes every leaf",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(*DISPATCH_RESTS_ON, safety.definition_is_used_in_the_open),
)
