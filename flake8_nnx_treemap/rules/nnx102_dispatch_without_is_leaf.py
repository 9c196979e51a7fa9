"""The mapper tests for NNX types, but without `is_leaf` JAX hands it the arrays inside.

## What it does

Finds calls of `jax.tree.map` and similar functions without `is_leaf` whose mapper tests whether the leaf is a
`Variable`, a `VariableState`, a `Param` or another wrapper, and returns every other leaf as it is. The test may be
`isinstance`, the exact type (`type(x) is nnx.Param`), `match`, or, where the tree is known to be of NNX, an attribute
such as `value`.

A mapper that works with every leaf, unwrapped or not, as `(x.value if isinstance(x, nnx.Variable) else x) * 2` does, is
left alone. If the call maps several trees, a test of a leaf of any of them counts.

## Why it is wrong

A wrapper is a node of the tree, not a leaf. Without `is_leaf`, JAX goes into it, maps the array inside, and puts a new
wrapper of the same kind around the result. The mapper never gets a wrapper, so its test never holds. It maps nothing,
and no error or warning tells you. Popular advice, to drop `is_leaf` and to test in the mapper, leads to this.

## What Flax does

* **0.10.0–0.10.6**: a silent no-op over `nnx.state`, `nnx.split` and gradients; only a live `Variable` is an opaque
  leaf and reaches the mapper.
* **0.10.7 and later**: a silent no-op over every tree.

## Fix safety

The fix is unsafe because it changes what the call computes, on purpose: the branch that never ran now runs.

The fix adds an `is_leaf` that stops at the types that the mapper tests. If a lambda in the call tests for the
attribute `value`, by `hasattr(x, "value")` or `getattr(x, "value", x)`, the fix replaces that by `isinstance`, so that
both places test the same.

There is no fix

* where the mapper does more than map those types and return other leaves as they are;
* where it tests for a subclass such as `nnx.Param`, and the code must run below 0.11, where state holds none;
* where it returns a wrapper as it is: with `is_leaf`, the result would share the model's own Variable from 0.11 on.

## References

* <https://github.com/google/flax/issues/4762>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from flake8_nnx_treemap.analysis.calls.default_branch import Default, default_branch_of
from flake8_nnx_treemap.analysis.calls.mappers import Mapper, guarded_result_of, mapper_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.rules.advice import advice, may_be_plain_gradients, question, vain_dispatches
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import may_be_the_leaf, stop_fix, wrapper_types
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule
from flake8_nnx_treemap.rules.steps import Replace

MESSAGE = "the mapper never meets {}: {}"


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each call without `is_leaf` whose mapper tests for wrappers and for nothing else."""
    for call in tree_calls_of(source):
        if call.mapper is None or call.is_leaf is not None or not call.is_complete or call.more_trees:
            continue
        mapper = mapper_of(source, call.mapper, call.function.leaf_position, across_files=True)
        if isinstance(mapper, Unknown):
            continue
        home = mapper.function.home or source
        vain = vain_dispatches(source, mapper.dispatches, call.trees, home)
        if not vain:
            continue
        default = default_branch_of(home, mapper.function.body, mapper.leaf, vain, mapper.others)
        if default is Default.LEAF and may_be_plain_gradients(source, vain, call.trees):
            continue
        if default is not Default.WORK:
            message = MESSAGE.format(question(home, vain[0]), advice(source, call, mapper.dispatches, flax))
            yield Finding("NNX102", message, source.range(call.callee), _fix(source, call, mapper, flax))


def _fix(source: ParsedSource, call: TreeCall, mapper: Mapper, flax: FlaxRange) -> Fix | None:
    if mapper.function.home is not None:
        return None  # Calls in other files may use the mapper as well.
    guarded = guarded_result_of(source, mapper)
    if isinstance(guarded, Unknown) or call.partial is not None:
        return None
    if not guarded.results or any(map(may_be_the_leaf, guarded.results)):
        return None
    message = "Stop the traversal at the types that the mapper tests"
    fix = stop_fix(source, call, guarded.test, flax, is_inline=mapper.is_inline, message=message)
    step = _typed_step(source, call, mapper, flax) if guarded.test is None and mapper.is_inline else None
    return fix if fix is None or step is None else replace(fix, steps=(*fix.steps, step))


def _typed_step(source: ParsedSource, call: TreeCall, mapper: Mapper, flax: FlaxRange) -> Replace | None:
    """Return the step that writes `isinstance` for a test for `value`; ``None`` where the test has to stay."""
    asked = [found for found in mapper.dispatches if found.attribute == "value"]
    types = wrapper_types(source, call.node, flax)
    if types is None or len(mapper.dispatches) != 1 or len(asked) != 1:
        return None
    test = asked[0].node
    if not isinstance(test, ast.Call) or wrapper_types(source, test, flax) != types:
        return None  # In the mapper, a parameter hides a name in the types.
    typed = f"isinstance({mapper.leaf}, {types.text})"
    if len(test.args) == 2:
        return Replace(test, typed)
    return Replace(test, f"{mapper.leaf}.value if {typed} else {mapper.leaf}")


EXAMPLES = (
    Example(
        title="The popular advice: dispatch, and no `is_leaf`",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda x: x.replace(0.0) if isinstance(x, nnx.Variable) else x, state)
""",
        marked=("jax.tree.map",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda x: x.replace(0.0) if isinstance(x, nnx.Variable) else x,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        },
        applicability=Applicability.UNSAFE,
    ),
    Example(
        title="A test for the attribute instead of the type",
        source="""\
import jax
from flax import nnx


def result():
    state = nnx.state(nnx.Linear(1, 1, rngs=nnx.Rngs(0)))
    values = jax.tree.map(lambda x: x.value if hasattr(x, "value") else x, state)
    return isinstance(values["bias"], jax.Array)
""",
        marked=("jax.tree.map",),
        fixed={
            "portable": """\
import jax
from flax import nnx


def result():
    state = nnx.state(nnx.Linear(1, 1, rngs=nnx.Rngs(0)))
    values = jax.tree.map(
        lambda x: (
            x.value
            if isinstance(x, (nnx.Variable, nnx.variablelib.VariableState))
            else x
        ),
        state,
        is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.variablelib.VariableState)),
    )
    return isinstance(values["bias"], jax.Array)
""",
            "0.11": """\
import jax
from flax import nnx


def result():
    state = nnx.state(nnx.Linear(1, 1, rngs=nnx.Rngs(0)))
    values = jax.tree.map(
        lambda x: x.value if isinstance(x, nnx.Variable) else x,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
    return isinstance(values["bias"], jax.Array)
""",
        },
        applicability=Applicability.UNSAFE,
        trees=(),
        result=True,
    ),
    Example(
        title="A check that never runs",
        source="""\
import jax
import jax.numpy as jnp
from flax import nnx


def refuse_zeros(x):
    if isinstance(x, nnx.Param) and not jnp.any(x.value):
        raise ValueError("all zeros")


def convert(state):
    jax.tree.map(refuse_zeros, state)
    return state
""",
        marked=("jax.tree.map",),
        trees=("state", "split"),
    ),
    Example(
        title="A mask by the exact type, which is False everywhere",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda x: type(x) is nnx.Param and x.ndim > 1, state)
""",
        marked=("jax.tree.map",),
        trees=("state", "split"),
    ),
)

RULE = Rule(
    CODES["NNX102"],
    "The mapper tests for NNX types, but without `is_leaf` JAX hands it the arrays inside",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
)
