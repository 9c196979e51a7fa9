"""`is_leaf` stops at `Variable`, and the mapper takes every leaf (opt-in).

## What it does

Finds calls of `jax.tree.map` and similar functions whose `is_leaf` stops at `nnx.Variable`, or at both wrapper classes,
while the mapper never asks what kind of leaf it was given. It is NNX101 for today's class name.

It is silent on a mapper that returns every leaf as it is, which copies the containers. It is silent as well on a
predicate that also stops at other objects, by an `or` or another class: the mapper is made for these, too.

## Why it is wrong

Often it is not: over a tree that holds nothing but wrappers, such as `nnx.state(model)`, the mapper gets nothing else.
Over a tree with raw arrays beside them, such as an optimizer's state or a module with array attributes, `is_leaf` does
not keep the arrays from the mapper, since it filters nothing. Select this rule where such trees occur.

## What Flax does

* **0.10.0–0.10.7**: the wrappers of `nnx.state` are `VariableState`s, which a test of `Variable` alone does not stop
  at: the mapper gets the arrays inside.
* **0.11.0 and later**: wrappers are mapped; a raw array raises `AttributeError` at `.value`.

## Fix safety

The fix is safe where the mapper reads, on every way to a result, something that only a Variable has, as with NNX101.

Everywhere else it is unsafe. It is also unsafe while you support releases below 0.11, since it widens `is_leaf` to the
`VariableState`s that state holds there. For those releases, there is no fix for several trees, nor for a mapper that
passes its leaf on: the result would share that leaf with the tree.

## References

* NNX101, <https://github.com/google/flax/issues/4762>
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flake8_nnx_treemap.analysis.calls.mappers import Mapper, mapper_of
from flake8_nnx_treemap.analysis.calls.predicates import LeafTest, leaf_test_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.names import VARIABLE, VARIABLE_STATE, VARIABLE_STATE_IS_VARIABLE, FlaxRange
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import DISPATCH_RESTS_ON, dispatch_fix, hands_on_leaf
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule
from flake8_nnx_treemap.rules.stopping import stops_elsewhere

MESSAGE = (
    "is_leaf stops at Variable, it filters nothing: dispatch with isinstance in the mapper for trees with raw leaves"
)


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each call whose predicate stops at Variable and whose mapper is known not to dispatch."""
    for call in tree_calls_of(source):
        if call.mapper is None or call.is_leaf is None:
            continue
        test = leaf_test_of(source, call.is_leaf, takes_path=call.takes_path, across_files=True)
        if isinstance(test, Unknown) or not _stops_at_variable(test) or stops_elsewhere(test):
            continue  # Where it stops at something else as well, the mapper is made for that, too.
        mapper = mapper_of(source, call.mapper, call.function.leaf_position, across_files=True)
        if isinstance(mapper, Unknown) or mapper.is_identity:
            continue
        if not mapper.dispatches and not mapper.ignores_leaf:
            fix = dispatch_fix(source, call, test, mapper, flax)
            if (
                fix is not None
                and not flax.starts_from(VARIABLE_STATE_IS_VARIABLE)
                and VARIABLE_STATE not in test.names
            ):
                fix = _for_old_releases(source, call, mapper, fix)
            yield Finding("NNX112", MESSAGE, source.range(call.is_leaf), fix)


def _for_old_releases(source: ParsedSource, call: TreeCall, mapper: Mapper, fix: Fix) -> Fix | None:
    """Return the fix as unsafe; ``None`` if the mapper may return or store its leaf.

    Below 0.11 the predicate did not stop at the VariableStates of state, which such a mapper would now share.
    """
    if hands_on_leaf(source, mapper) or len(call.trees) > 1 or call.more_trees:
        return None
    return replace(fix, applicability=Applicability.UNSAFE)


def _stops_at_variable(test: LeafTest) -> bool:
    return any(VARIABLE in found.names and not found.is_exact for found in test.tests)


EXAMPLES = (
    Example(
        title="A mapper that unwraps",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, nnx.Variable))
""",
        marked=("lambda x: isinstance(x, nnx.Variable)",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.value if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        },
        applicability=Applicability.SAFE,
        floor="0.11",
    ),
    Example(
        title="A function that rebuilds the wrapper",
        source="""\
import jax
from flax import nnx


def halve(variable):
    return variable.replace(variable.value / 2)


def convert(state):
    return jax.tree.map(
        halve,
        state,
        is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.variablelib.VariableState)),
    )
""",
        marked=("lambda x: isinstance(x, (nnx.Variable, nnx.variablelib.VariableState))",),
        fixed={
            "portable": """\
import jax
from flax import nnx


def halve(variable):
    return variable.replace(variable.value / 2)


def convert(state):
    return jax.tree.map(
        lambda v: (
            halve(v)
            if isinstance(v, (nnx.Variable, nnx.variablelib.VariableState))
            else v
        ),
        state,
        is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.variablelib.VariableState)),
    )
""",
        },
        applicability=Applicability.SAFE,
    ),
)

RULE = Rule(
    CODES["NNX112"],
    "`is_leaf` stops at Variable, but the mapper takes every leaf",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=DISPATCH_RESTS_ON,
)
