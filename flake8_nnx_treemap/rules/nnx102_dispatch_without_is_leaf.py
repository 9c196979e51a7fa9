"""The mapper dispatches on NNX types, and nothing stops the traversal there.

## What it does

Finds calls of `jax.tree.map` and its kin without `is_leaf` whose mapper tests the leaf for being a `Variable`, a
`VariableState`, a `Param` or another wrapper, and does no more with other leaves than to return them: with `isinstance`, by the exact
type (`type(x) is nnx.Param`), with `match`, or for an attribute such as `value` where the tree is known to be of NNX. A mapper that
works with what it has unwrapped or not, as `(x.value if isinstance(x, nnx.Variable) else x) * 2` does, is left alone.

With several trees the leaves of the further ones count as well: where the first tree holds wrappers, they are inside wrappers, too.

## Why it is wrong

A wrapper is a node of the tree, not a leaf: without `is_leaf` JAX goes into it, maps the array inside, and puts a wrapper
of the same kind around the result. The mapper never sees a wrapper, so its test never holds. Nothing is mapped, and
nothing says so. This is what the popular advice, to drop `is_leaf` and dispatch in the mapper, leads to.

## What Flax does

* **0.10.0–0.10.6**: a silent no-op over `nnx.state`, `nnx.split` and gradients; only a live `Variable` is an opaque leaf and
  reaches the mapper.
* **0.10.7 and later**: a silent no-op over every tree.

## Fix safety

The fix is unsafe, for what it is there for: the branch that never ran now runs.

It adds an `is_leaf` that stops at the types that the mapper tests. There is no fix where the mapper does more than map those types and return other leaves as they
are, where it tests for a subclass such as `nnx.Param` and the code must run below 0.11, where state holds none, or where it
returns a wrapper itself: with `is_leaf` that would hand out the model's own Variable from 0.11 on.

## References

* <https://github.com/google/flax/issues/4762>
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_nnx_treemap.analysis.calls.default_branch import Default, default_branch_of
from flake8_nnx_treemap.analysis.calls.mappers import Mapper, guarded_result_of, mapper_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.rules.advice import advice, may_be_plain_gradients, question, vain_dispatches
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import may_be_the_leaf, stop_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

MESSAGE = "the mapper never meets {}: {}"


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each call without `is_leaf` whose mapper tests for wrappers and for nothing else."""
    for call in tree_calls_of(source):
        if call.mapper is None or call.is_leaf is not None or not call.is_complete or call.more_trees:
            continue
        mapper = mapper_of(source, call.mapper, call.function.leaf_position, across_files=True)
        if isinstance(mapper, Unknown):
            continue
        vain = vain_dispatches(source, mapper.dispatches, call.trees)
        home = mapper.function.home or source
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
    return stop_fix(source, call, guarded.test, flax, is_inline=mapper.is_inline, message=message)


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
    "The mapper dispatches on NNX types, but nothing stops the traversal there",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
)
