"""The code reads from each leaf what only a Variable has, but without `is_leaf` JAX goes into Variables.

## What it does

Finds calls of `jax.tree.map`, loops over `jax.tree.leaves`, and similar functions without `is_leaf`, over a tree that
is known to be of NNX, which read `.value`, `.get_value()`, `.replace(…)` or another member of `Variable` from every
leaf, or from every leaf of a further tree that is known as well.

A tree is known where the file shows what made it: `nnx.state`, `nnx.split`, `nnx.grad`, an optimizer's `opt_state`, a
parameter annotated `nnx.State`, through names, unpacking and attributes. Trees of other origin are left alone.

## Why it is wrong

A wrapper is a node of the tree, not a leaf. Without `is_leaf`, JAX goes into it and hands over the array inside, which
has no such attribute.

## What Flax does

* **0.10.0–0.10.6**: `AttributeError` over `nnx.state`, `nnx.split` and gradients; a live `Variable` is an opaque leaf
  and works.
* **0.10.7 and later**: `AttributeError` over every tree.

## Fix safety

The fix is safe where the code only reads the Variable: the original raised at the first array, and a live `Variable`
before 0.10.7 is mapped as before.

The fix adds an `is_leaf` that stops at wrappers, and makes a mapper dispatch on them.

It is unsafe

* where the code writes to the Variable or passes it on, since from 0.11 on state holds the model's own Variables;
* where another file makes the tree, or may pass another tree to the function.

There is no fix

* where the code expects the error, or where a release that you support lacks the member;
* where a mapper may return the Variable itself, or is a method, which a subclass may override;
* where a mapper reads the member from the leaves of a further tree alone;
* where the code uses a list of leaves for more than the loop, or where the call cannot be rewritten in place.

Two exceptions are known. If no Variable of the tree holds an array (`nnx.Param(None)`), the original returned from
0.10.7 on without reading anything. If each Variable holds an object of your own that has the member, the original read
that member. A map may have put such objects into a tree, so the rule leaves mapped trees alone.

## References

* <https://github.com/google/flax/issues/4762>
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from flake8_nnx_treemap.analysis.calls.leaf_loops import leaf_loops_of
from flake8_nnx_treemap.analysis.calls.mappers import Mapper, mapper_of, reads_unless_overridden
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.code.nodes import Code, start_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.analysis.values.provenance import Origin, TreeKind, origin_of
from flake8_nnx_treemap.flax_names import releases_without
from flake8_nnx_treemap.names import VARIABLE_ONLY_ATTRIBUTES, FlaxRange, TreeFunctionKind
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.advice import classes_to_stop_at, makes_leaves_of_variables
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import (
    MEMBERS,
    dispatching_mapper,
    make_fix,
    may_be_the_leaf,
    wrapper_types,
)
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule
from flake8_nnx_treemap.rules.steps import Step
from flake8_nnx_treemap.rules.stopping import stop_step, stopping_at

MESSAGE = "{!r} is read from what is inside the Variable: add is_leaf={}"

_OF_WRAPPERS = {TreeKind.STATE, TreeKind.VARIABLES, TreeKind.GRADIENTS, TreeKind.OPTIMIZER_STATE}
"""The kinds of trees of wrappers; not a Module: one opaque leaf below 0.11, it may well have an attribute ``value``."""


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each call without `is_leaf` over known wrappers that reads a wrapper's member from every leaf."""
    for call in tree_calls_of(source):
        if call.is_leaf is not None or not call.is_complete or call.more_trees or not call.trees:
            continue
        if call.mapper is None:
            yield from _check_leaves(source, call, flax)
            continue
        mapper = mapper_of(source, call.mapper, call.function.leaf_position, across_files=True)
        if isinstance(mapper, Unknown) or mapper.dispatches:
            continue
        read = sorted(reads_unless_overridden(source, mapper) & VARIABLE_ONLY_ATTRIBUTES)
        fix = None
        if read and _is_of_wrappers(source, call.trees[0]):
            fix = _fix_of_map(source, call, mapper, flax) if _is_on_every_release(read, flax) else None
        else:
            read = _read_from_others(source, call, mapper)
        if read:
            yield Finding("NNX104", _message(source, call, read[0], flax), source.range(call.callee), fix)


def _read_from_others(source: ParsedSource, call: TreeCall, mapper: Mapper) -> list[str]:
    """Return what a mapper reads from the leaves of a further tree, which are arrays where those of the first are."""
    for tree, name in zip(call.trees[1:], mapper.others, strict=False):
        read = sorted(reads_unless_overridden(source, mapper, name) & VARIABLE_ONLY_ATTRIBUTES)
        if read and _is_of_wrappers(source, tree) and _is_of_wrappers(source, call.trees[0]):
            return read
    return []


def _check_leaves(source: ParsedSource, call: TreeCall, flax: FlaxRange) -> Iterator[Finding]:
    leaves = leaf_loops_of(source, call)
    if isinstance(leaves, Unknown):
        return
    for loop in leaves.loops:
        read = sorted(loop.always_reads & VARIABLE_ONLY_ATTRIBUTES)
        if read and not loop.dispatches and _is_of_wrappers(source, call.trees[0]):
            is_alone = len(leaves.loops) == 1 and not leaves.has_other_uses
            is_planned = source.expects_attribute_error_at(start_of(loop.node))
            is_there = _is_on_every_release(read, flax)
            is_open = is_alone and is_there and not is_planned
            fix = _fix(source, call, loop.bodies, loop.leaf, [], read, flax) if is_open else None
            yield Finding("NNX104", _message(source, call, read[0], flax), source.range(call.callee), fix)
            return


def _is_on_every_release(members: Sequence[str], flax: FlaxRange) -> bool:
    """Tell whether what state holds has some members on every release of a range."""
    lacking = (releases_without(name, flax.lowest, flax.highest, "state leaf") for name in members)
    return not any(lacking)


def _message(source: ParsedSource, call: TreeCall, read: str, flax: FlaxRange) -> str:
    types = classes_to_stop_at(source, call.node, flax)
    return MESSAGE.format(read, stopping_at(types, takes_path=call.takes_path))


def _is_of_wrappers(source: ParsedSource, tree: ast.expr) -> bool:
    """Tell whether a tree's leaves are arrays in wrappers: no Hijax Variables, and no results of a mapper."""
    origin = origin_of(source, tree)
    is_known = isinstance(origin, Origin) and origin.kind in _OF_WRAPPERS and not origin.is_mapped
    return is_known and not makes_leaves_of_variables(source)


def _fix_of_map(source: ParsedSource, call: TreeCall, mapper: Mapper, flax: FlaxRange) -> Fix | None:
    types = wrapper_types(source, call.node, flax)
    if types is None or call.function.kind is TreeFunctionKind.REDUCE or mapper.function.home is not None:
        return None
    if mapper.always_reads.isdisjoint(VARIABLE_ONLY_ATTRIBUTES):
        return None  # It is read by a method, which a subclass elsewhere may override.
    mapping = dispatching_mapper(source, call, mapper, types, flax)
    if mapping is None or any(map(may_be_the_leaf, mapper.results)) or not _only_reads_others(source, call, mapper):
        return None
    return _fix(source, call, (mapper.function.body,), mapper.leaf, mapping, mapper.always_reads, flax)


def _fix(
    source: ParsedSource,
    call: TreeCall,
    bodies: Sequence[Code],
    leaf: str,
    mapping: Sequence[Step],
    reads: Collection[str],
    flax: FlaxRange,
) -> Fix | None:
    types = wrapper_types(source, call.node, flax)
    if types is None or call.partial is not None or source.expects_attribute_error_at(start_of(call.node)):
        return None
    applicability = safety.safe_if(
        safety.tree_is_known_to_all(source, call.trees[0]),
        all(safety.leaf_is_only_read(source, body, leaf) for body in bodies),
        safety.other_objects_lack_it(source, VARIABLE_ONLY_ATTRIBUTES.intersection(reads)),
        safety.nothing_sees_the_error(source, call.node, Exception),
        safety.names_are_bound_in_the_open(source),
        safety.members_are_themselves(source, *MEMBERS, call.function.basename),
    )
    stopping = stop_step(call, types.text)
    return make_fix(applicability, "Stop the traversal at Variables", [*mapping, stopping, *types.edits])


def _only_reads_others(source: ParsedSource, call: TreeCall, mapper: Mapper) -> bool:
    """Tell whether a mapper only reads attributes of the other trees' leaves: ``is_leaf`` makes those wrappers, too."""
    if len(call.trees) == 1:
        return True
    first = call.function.leaf_position
    parameters = mapper.function.definition.args.args
    others = [parameter.arg for parameter in parameters[first + 1 : first + len(call.trees)]]
    if "[" in mapper.leaf:  # ``args[0]``: the other trees' leaves are in ``args`` as well.
        others.append(mapper.leaf)
    return all(safety.leaf_is_only_read(source, mapper.function.body, name) for name in others)


EXAMPLES = (
    Example(
        title="A mapper that unwraps",
        source="""\
import jax
from flax import nnx


def convert(state: nnx.State):
    return jax.tree.map(lambda v: v.value, state)
""",
        marked=("jax.tree.map",),
        fixed={
            "portable": """\
import jax
from flax import nnx


def convert(state: nnx.State):
    return jax.tree.map(
        lambda v: (
            v.value
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


def convert(state: nnx.State):
    return jax.tree.map(
        lambda v: v.value if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        },
        applicability=Applicability.SAFE,
    ),
    Example(
        title="A function defined elsewhere, over a key path",
        source="""\
import jax
from flax import nnx


def halved(path, variable):
    return variable.replace(variable.value / 2)


def convert(state: "nnx.State"):
    return jax.tree_util.tree_map_with_path(halved, state)
""",
        marked=("jax.tree_util.tree_map_with_path",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def halved(path, variable):
    return variable.replace(variable.value / 2)


def convert(state: "nnx.State"):
    return jax.tree_util.tree_map_with_path(
        lambda path, v: halved(path, v) if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        },
        applicability=Applicability.SAFE,
    ),
    Example(
        title="The error is expected: reported, not rewritten",
        source="""\
import jax
from flax import nnx


def convert(state: nnx.State):
    try:
        return jax.tree.map(lambda v: v.value, state)
    except AttributeError:
        return state
""",
        marked=("jax.tree.map",),
        trees=("state", "split"),
    ),
)

RULE = Rule(
    CODES["NNX104"],
    "The code reads from each leaf what only a Variable has, but without `is_leaf` JAX goes into Variables",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.tree_is_known_to_all,
        safety.nothing_sees_the_error,
        safety.leaf_is_only_read,
        safety.other_objects_lack_it,
        safety.name_is_bound_for_certain,
        safety.builtin_is_itself,
        safety.names_are_bound_in_the_open,
        safety.members_are_themselves,
    ),
)
