"""`is_leaf` stops at one kind of wrapper, and the mapper is made for another.

## What it does

Finds calls whose predicate tests NNX types alone, and whose mapper is made for other types:

* `is_leaf` stops only at `Param` or another subclass, and the mapper reads `.value` or the like from every leaf. Any
  other Variable is then entered, and the mapper fails on its array. The rule is silent where the tree cannot hold other
  Variables: state that was filtered to the subclass, or the state of a layer of Flax, a Sequential, or a class of the
  file that has nothing but Params.
* `is_leaf` stops only at one of `Variable` and `VariableState`, and the mapper tests for the other or for both. This
  counts below 0.11, where they are two classes. The rule is silent where the tree is known to hold only the class at
  which `is_leaf` stops: what `nnx.state`, `nnx.split` and `nnx.grad` return holds `VariableState`s there.
* The mapper tests only for subclasses at which `is_leaf` never stops.

## Why it is wrong

JAX goes into a wrapper at which `is_leaf` does not stop, and hands the array inside to the mapper. The mapper raises
there, or its branch for that wrapper never runs and no error or warning tells you.

## What Flax does

* **0.10.0–0.10.7**: `isinstance(x, nnx.Variable)` is false for leaves of `nnx.state`, and
  `isinstance(x, nnx.VariableState)` for live Variables.
* **0.11.0 and later**: the two classes are one; subclasses still differ.

## Fix safety

The fix is unsafe because it changes what the call computes, on purpose: the mapper now runs where it did not.

The fix makes both tests ask for every wrapper. There is no fix where a test is not written in the call itself. There is
none for two different subclasses either, since only the author knows which one is meant.

## References

* <https://github.com/google/flax/issues/4762>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.calls.mappers import Mapper, mapper_of
from flake8_nnx_treemap.analysis.calls.predicates import LeafTest, TypeTest, leaf_test_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.analysis.values.param_modules import may_hold_only_params
from flake8_nnx_treemap.analysis.values.provenance import Origin, TreeKind, origin_of
from flake8_nnx_treemap.names import (
    BASE_CLASSES,
    VARIABLE,
    VARIABLE_BASES,
    VARIABLE_ONLY_ATTRIBUTES,
    VARIABLE_STATE,
    VARIABLE_STATE_IS_VARIABLE,
    VARIABLE_SUBCLASSES,
    WRAPPERS,
    FlaxRange,
)
from flake8_nnx_treemap.rules.advice import classes_to_stop_at
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import make_fix, wrapper_types
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule
from flake8_nnx_treemap.rules.steps import Replace

READS = "is_leaf stops at {} alone, but the mapper reads {!r} from every leaf: stop at {}"
ASKS = "the mapper asks for {}, but is_leaf stops at {} alone: stop at every type that the mapper asks for"

_PARAM = "flax.nnx.Param"
_CLASS_BELOW_0_11 = {
    TreeKind.STATE: VARIABLE_STATE,
    TreeKind.GRADIENTS: VARIABLE_STATE,
    TreeKind.VARIABLES: VARIABLE,
}
"""The only class of wrapper that each kind of tree holds on Flax 0.10.6 and 0.10.7."""


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each call whose predicate and mapper are made for different wrappers."""
    for call in tree_calls_of(source):
        if call.mapper is None or call.is_leaf is None or call.more_trees:
            continue
        test = leaf_test_of(source, call.is_leaf, takes_path=call.takes_path)
        mapper = mapper_of(source, call.mapper, call.function.leaf_position)
        if isinstance(test, Unknown) or isinstance(mapper, Unknown) or any(one.is_exact for one in test.tests):
            continue
        if test.stops_only_at_wrappers:
            message = _message(source, call, test, mapper, flax)
            if message is not None:
                yield Finding("NNX107", message, source.range(call.is_leaf), _fix(source, call, test, mapper, flax))


def _message(source: ParsedSource, call: TreeCall, test: LeafTest, mapper: Mapper, flax: FlaxRange) -> str | None:
    stops = _names(test.names)
    if not mapper.dispatches:
        read = sorted(mapper.always_reads & VARIABLE_ONLY_ATTRIBUTES)
        is_narrow = bool(read) and test.names <= VARIABLE_SUBCLASSES and _holds_others(source, call, test.names, flax)
        return READS.format(stops, read[0], classes_to_stop_at(source, call.node, flax)) if is_narrow else None
    tests = [found.test for found in mapper.dispatches if found.of_first]
    asked = frozenset(name for one in tests if one is not None for name in one.names)
    is_read = all(one is not None and one.types and not one.is_exact for one in tests)
    if not is_read or not asked or not asked <= WRAPPERS or len(tests) != len(mapper.dispatches):
        return None
    is_met = not _never_meet(asked, test.names, flax) or _holds_only(source, call, asked & test.names)
    return None if is_met else ASKS.format(_names(asked), stops)


def _names(names: frozenset[str]) -> str:
    return " or ".join(sorted(name.rpartition(".")[2] for name in names))


def _holds_others(source: ParsedSource, call: TreeCall, stops: frozenset[str], flax: FlaxRange) -> bool:
    """Tell whether a tree is known to hold other wrappers than those at which a predicate stops."""
    origin = origin_of(source, call.trees[0]) if call.trees else Unknown("no tree")
    if not isinstance(origin, Origin) or origin.kind is not TreeKind.STATE or origin.filters is None:
        return False
    if not origin.filters:
        taken = origin.made_by
        module = taken.args[0] if isinstance(taken, ast.Call) and taken.args else None
        is_of_params = module is not None and may_hold_only_params(source, module, flax)
        return _nearest(_PARAM, stops) is None or not is_of_params
    return any(_nearest(name, stops) is None for name in origin.filters)


def _holds_only(source: ParsedSource, call: TreeCall, met: frozenset[str]) -> bool:
    """Tell whether a tree is known to hold, below 0.11, only the one class that predicate and mapper both test for."""
    origin = origin_of(source, call.trees[0]) if call.trees else Unknown("no tree")
    return isinstance(origin, Origin) and _CLASS_BELOW_0_11.get(origin.kind) in met


def _nearest(name: str, wanted: frozenset[str]) -> str | None:
    """Return the wanted class that a Variable class is or inherits from; ``None`` if there is none."""
    found: str | None = name
    while found is not None and found not in wanted:
        found = VARIABLE_BASES.get(found)
    return found


def _never_meet(asked: frozenset[str], stops: frozenset[str], flax: FlaxRange) -> bool:
    """Tell whether the mapper tests for a wrapper class at which the predicate does not stop."""
    if asked <= VARIABLE_SUBCLASSES and stops <= VARIABLE_SUBCLASSES:
        return not any(_nearest(one, stops) or any(_nearest(stop, asked) for stop in stops) for one in asked)
    if flax.starts_from(VARIABLE_STATE_IS_VARIABLE) or not stops <= BASE_CLASSES or len(stops) != 1:
        return False
    if stops == {VARIABLE_STATE}:
        return VARIABLE in asked or asked <= VARIABLE_SUBCLASSES
    return VARIABLE_STATE in asked


def _fix(source: ParsedSource, call: TreeCall, test: LeafTest, mapper: Mapper, flax: FlaxRange) -> Fix | None:
    asked = [found.test for found in mapper.dispatches if found.test is not None]
    if mapper.dispatches and not {name for one in asked for name in one.names} & BASE_CLASSES:
        return None
    types = wrapper_types(source, call.node, flax)
    if types is None or not test.is_inline or len(test.tests) != 1 or call.partial is not None:
        return None
    widened = [test.tests[0]]
    if any(not _asks_for_both(one) for one in asked):
        if not mapper.is_inline or len(asked) != 1:
            return None
        widened += asked
    steps = [Replace(one.container, types.text, with_parentheses=True) for one in widened]
    return make_fix(Applicability.UNSAFE, "Stop at every wrapper", [*steps, *types.edits])


def _asks_for_both(test: TypeTest) -> bool:
    return test.names >= BASE_CLASSES


EXAMPLES = (
    Example(
        title="The mapper asks for the one, `is_leaf` for the other",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.replace(v.value) if isinstance(v, nnx.Variable) else v,
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
            v.replace(v.value)
            if isinstance(v, (nnx.Variable, nnx.variablelib.VariableState))
            else v
        ),
        state,
        is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.variablelib.VariableState)),
    )
""",
        },
        applicability=Applicability.UNSAFE,
    ),
    Example(
        title="The mapper knows both classes, `is_leaf` one",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.value if isinstance(v, (nnx.Variable, nnx.VariableState)) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        marked=("lambda x: isinstance(x, nnx.Variable)",),
        fixed={
            "portable": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.value if isinstance(v, (nnx.Variable, nnx.VariableState)) else v,
        state,
        is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.variablelib.VariableState)),
    )
""",
        },
        applicability=Applicability.UNSAFE,
    ),
    Example(
        title="Two subclasses that never meet",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.replace(v.value) if isinstance(v, nnx.BatchStat) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Param),
    )
""",
        marked=("lambda x: isinstance(x, nnx.Param)",),
    ),
)

RULE = Rule(
    CODES["NNX107"],
    "`is_leaf` stops at one kind of wrapper, and the mapper is made for another",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
)
