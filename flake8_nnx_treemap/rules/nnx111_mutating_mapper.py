"""A mapper writes to the Variable that it is given: from Flax 0.11 on, into the model.

## What it does

Finds mappers that assign to their leaf (`v.value = …`, `v[...] = …`) or call what changes it (`v.set_value(…)`,
`v.set_metadata(…)`, `v.copy_from(…)`), in calls whose `is_leaf` stops at wrappers. Opt-in.

The rule is silent

* where the wrappers of the tree are known to be new: gradients, or what a map without `is_leaf`, `nnx.eval_shape` or
  `jax.device_put` returned;
* where nobody uses the result and the mapper returns nothing: such a call is there to write, as an optimizer, an
  average or an accumulator does;
* where the tree is an attribute of an object that is not known to be a model's.

## Why it is wrong

Readers expect a map to make something new. From 0.11 on, `nnx.state` and `nnx.split` hand out the model's own
Variables, and a mapper that writes to its leaf changes the model behind the tree.

## What Flax does

* **0.10.0–0.10.7**: writes to leaves of `nnx.state` change the state alone; writes to live Variables change the model.
* **0.11.0 and later**: both change the model.

## Fix safety

There is no fix: whether the model is meant to change, only the author knows.

`v.replace(…)` makes a new Variable.

## References

* <https://flax.readthedocs.io/en/latest/migrating/nnx_010_to_nnx_011.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.calls.mappers import Mapper, mapper_of
from flake8_nnx_treemap.analysis.calls.predicates import leaf_test_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.code.nodes import access_path, is_none, nodes_below, start_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.names import VARIABLE_CHANGING_METHODS, WRAPPERS, FlaxRange
from flake8_nnx_treemap.rules.advice import is_kept_by_object, wrappers_are_new
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rule import Example, Finding, FixAvailability, Rule

MESSAGE = "the mapper writes to the Variable, from Flax 0.11 on the model's own: return a new one with replace()"


_Write = ast.Call | ast.Attribute | ast.Subscript
_WRITES: tuple[type[_Write], ...] = (ast.Call, ast.Attribute, ast.Subscript)


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each write of a mapper to its leaf."""
    for call in tree_calls_of(source):
        if call.mapper is None or call.is_leaf is None or wrappers_are_new(source, call.trees):
            continue
        test = leaf_test_of(source, call.is_leaf, takes_path=call.takes_path)
        mapper = mapper_of(source, call.mapper, call.function.leaf_position)
        if isinstance(test, Unknown) or isinstance(mapper, Unknown) or not test.names & WRAPPERS:
            continue
        if _is_there_to_write(source, call, mapper) or is_kept_by_object(source, call.trees):
            continue
        for node in nodes_below(mapper.function.body, *_WRITES):
            written = _written(node, mapper.leaf)
            if written is not None and source.bindings.is_parameter(mapper.leaf.partition("[")[0], start_of(written)):
                yield Finding("NNX111", MESSAGE, source.range(written))


def _is_there_to_write(source: ParsedSource, call: TreeCall, mapper: Mapper) -> bool:
    """Tell whether a call is a statement of its own, and its mapper returns nothing."""
    writes = (isinstance(one, ast.Call) and _written(one, mapper.leaf) is not None for one in mapper.results)
    returns_nothing = all(map(is_none, mapper.results)) or all(writes)
    return isinstance(source.ast_parent(call.node), ast.Expr) and returns_nothing


def _written(node: _Write, leaf: str) -> ast.expr | None:
    """Return the attribute, item or method of the leaf that a node writes with; ``None`` if it does not write to it."""
    if isinstance(node, ast.Call):
        is_change = isinstance(node.func, ast.Attribute) and node.func.attr in VARIABLE_CHANGING_METHODS
        return node.func if is_change and access_path(node.func.value) == leaf else None  # type: ignore[attr-defined]
    return node if isinstance(node.ctx, ast.Store) and access_path(node.value) == leaf else None


EXAMPLES = (
    Example(
        title="Written in place",
        source="""\
import jax
from flax import nnx


def doubled(v):
    v.value = v.value * 2
    return v.replace(v.value)


def convert(state):
    return jax.tree.map(doubled, state, is_leaf=lambda x: isinstance(x, nnx.Variable))
""",
        marked=("v.value",),
    ),
    Example(
        title="Metadata, in a lambda",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: (v.set_metadata(seen=True), v.copy())[1],
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        marked=("v.set_metadata",),
    ),
)

RULE = Rule(
    CODES["NNX111"], "A mapper writes to the Variable that it is given", check, __doc__, EXAMPLES, FixAvailability.NEVER
)
