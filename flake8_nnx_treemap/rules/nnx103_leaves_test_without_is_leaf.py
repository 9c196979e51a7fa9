"""Leaves are filtered by NNX type, after a flatten that never yields one.

## What it does

Finds loops, comprehensions and `filter(…)` over `jax.tree.leaves`, `jax.tree.flatten` and similar functions without
`is_leaf`, directly or through a local name, that test whether each leaf is a `Variable`, a `VariableState`, a `Param`
or another wrapper, and do nothing with other leaves.

A test for an attribute such as `value` counts where the tree is known to be of NNX, or to be gradients of `nnx.grad`. A
loop that unwraps Variables and works with arrays too is left alone.

## Why it is wrong

A wrapper is a node of the tree, not a leaf. Without `is_leaf`, JAX goes into it and yields the array inside. The test
never holds, so the loop does nothing, and no error or warning tells you. A weight penalty written this way is zero, and
so is its gradient.

## What Flax does

* **0.10.0–0.10.6**: never holds over `nnx.state`, `nnx.split` and gradients; only a live `Variable` is an opaque leaf.
* **0.10.7 and later**: never holds, over any tree.

## Fix safety

The fix is unsafe because it changes what the code computes, on purpose: the code behind the test now runs.

The fix adds an `is_leaf` that stops at the types that the code tests for.

There is no fix

* where the code also uses the other leaves (an `else`, another use of the list, the tree's structure), since `is_leaf`
  changes which leaves there are;
* where it tests for a subclass such as `nnx.Param`, and must run below 0.11, where state holds none;
* where it tests for an attribute, or for an exact type.

## References

* `jax.tree.leaves`: <https://docs.jax.dev/en/latest/_autosummary/jax.tree.leaves.html>
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_nnx_treemap.analysis.calls.default_branch import Default, default_branch_of
from flake8_nnx_treemap.analysis.calls.leaf_loops import LeafLoop, LeafLoops, leaf_loops_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.rules.advice import advice, may_be_plain_gradients, question, vain_dispatches
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import stop_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

MESSAGE = "no leaf here is {}: {}"


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each flatten without `is_leaf` whose leaves are tested for wrapper types and for nothing else."""
    for call in tree_calls_of(source):
        if call.mapper is not None or call.is_leaf is not None or not call.is_complete:
            continue
        leaves = leaf_loops_of(source, call)
        if isinstance(leaves, Unknown):
            continue
        for loop in leaves.loops:
            vain = vain_dispatches(source, loop.dispatches, call.trees, source)
            is_plain = bool(vain) and may_be_plain_gradients(source, vain, call.trees)
            if vain and _is_idle(source, loop, leaves, keeps_leaves=is_plain):
                message = MESSAGE.format(question(source, vain[0]), advice(source, call, loop.dispatches, flax))
                yield Finding("NNX103", message, source.range(call.callee), _fix(source, call, leaves, flax))
                break


def _is_idle(source: ParsedSource, loop: LeafLoop, leaves: LeafLoops, *, keeps_leaves: bool) -> bool:
    """Tell whether code does nothing with the leaves that fail its tests.

    ``[x.value if isinstance(x, ..) else x for x in leaves]`` works as meant, unless the list is unflattened again: the
    tree then still has its wrappers, if it had any. With ``keeps_leaves`` it may have had none.
    """
    for body in loop.bodies:
        found = default_branch_of(source, body, loop.leaf, loop.dispatches)
        if found is Default.DENIED:
            return True
        if found is Default.WORK or (found is Default.LEAF and (keeps_leaves or not leaves.has_other_uses)):
            return False
    return True


def _fix(source: ParsedSource, call: TreeCall, leaves: LeafLoops, flax: FlaxRange) -> Fix | None:
    if len(leaves.loops) != 1 or leaves.has_other_uses or call.partial is not None:
        return None
    selects = leaves.loops[0].selects
    if selects is None or selects.test is None or selects.test.is_exact:
        return None
    is_inline = leaves.loops[0].is_inline and all(found.is_local for found in selects.test.types)
    message = "Stop the traversal at the types that are asked for"
    return stop_fix(source, call, selects.test, flax, is_inline=is_inline, message=message)


EXAMPLES = (
    Example(
        title="A comprehension that is always empty",
        source="""\
import jax
from flax import nnx


def convert(state):
    return [x.value for x in jax.tree.leaves(state) if isinstance(x, nnx.Variable)]
""",
        marked=("jax.tree.leaves",),
        fixed={
            "portable": """\
import jax
from flax import nnx


def convert(state):
    return [
        x.value
        for x in jax.tree.leaves(
            state,
            is_leaf=lambda x: isinstance(
                x, (nnx.Variable, nnx.variablelib.VariableState)
            ),
        )
        if isinstance(x, (nnx.Variable, nnx.variablelib.VariableState))
    ]
""",
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    return [
        x.value
        for x in jax.tree.leaves(state, is_leaf=lambda x: isinstance(x, nnx.Variable))
        if isinstance(x, nnx.Variable)
    ]
""",
        },
        applicability=Applicability.UNSAFE,
    ),
    Example(
        title="A loop over key paths that skips everything",
        source="""\
import jax
from flax import nnx


def convert(state):
    found = []
    for path, leaf in jax.tree_util.tree_flatten_with_path(state)[0]:
        if not isinstance(leaf, nnx.VariableState):
            continue
        found.append([leaf.value] * len(path))
    return found
""",
        marked=("jax.tree_util.tree_flatten_with_path",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    found = []
    for path, leaf in jax.tree_util.tree_flatten_with_path(
        state, is_leaf=lambda x: isinstance(x, nnx.Variable)
    )[0]:
        if not isinstance(leaf, nnx.Variable):
            continue
        found.append([leaf.value] * len(path))
    return found
""",
        },
        applicability=Applicability.UNSAFE,
    ),
    Example(
        title="A penalty that is zero, over a list that is used twice: reported, not rewritten",
        source="""\
import jax
import jax.numpy as jnp
from flax import nnx


def convert(state):
    leaves = jax.tree.leaves(state)
    penalty = sum(jnp.sum(x.value**2) for x in leaves if isinstance(x, nnx.Param))
    return penalty / max(len(leaves), 1)
""",
        marked=("jax.tree.leaves",),
        trees=("state", "split"),
    ),
)

RULE = Rule(
    CODES["NNX103"],
    "Leaves are filtered by NNX type after a flatten that never yields one",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
)
