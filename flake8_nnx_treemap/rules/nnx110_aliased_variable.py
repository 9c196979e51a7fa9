"""A mapper hands back the Variable that it was given: from Flax 0.11 on, the model's own.

## What it does

Finds mappers that return a wrapper as it is, in calls whose `is_leaf` stops at wrappers: `lambda x: x`, or a mapper
that tests for some wrappers and returns the others. The rule is off by default.

It is silent where nothing shares the model's own Variables:

* nobody uses the result;
* the wrappers of the tree are known to be new: gradients, or what a map without `is_leaf`, `nnx.eval_shape` or
  `jax.device_put` returned;
* the tree is an attribute of `self` that is not known to be a model's, such as an accumulator.

It is silent as well on mappers under `functools.singledispatch`, which may handle wrappers elsewhere, and on
`lambda x: x` over a tree of unknown origin, where it copies the containers.

## Why it is wrong

From 0.11 on, `nnx.state` and `nnx.split` hand out the model's own Variables. Without `is_leaf`, JAX rebuilds them, and
the result is a copy. With `is_leaf`, a mapper that returns its leaf puts the model's own Variable into the result.
Training then changes the result as well.

## What Flax does

* **0.10.0–0.10.7**: the leaves of `nnx.state` are new `VariableState`s. Live Variables are shared.
* **0.11.0 and later**: a Variable that the mapper returns as it is, is shared with the model.

## Fix safety

The fix is unsafe because it changes what the code computes, on purpose: the result no longer changes along with the
model.

The fix writes `.copy()`. There is no fix where the leaf may be something that has no such method.

## References

* <https://flax.readthedocs.io/en/latest/migrating/nnx_010_to_nnx_011.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.calls.functions import SINGLE_DISPATCH
from flake8_nnx_treemap.analysis.calls.mappers import Mapper, mapper_of
from flake8_nnx_treemap.analysis.calls.predicates import LeafTest, leaf_test_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.code.nodes import end_of, start_of, walk
from flake8_nnx_treemap.analysis.code.regions import Region
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.names.uses import names_bound_by
from flake8_nnx_treemap.analysis.values.narrowing import (
    covers,
    regions_beyond_cases,
    regions_where,
    type_test,
    types_matched,
)
from flake8_nnx_treemap.analysis.values.provenance import holds_only_wrappers, origin_of
from flake8_nnx_treemap.analysis.values.things import ARRAY_CLASSES
from flake8_nnx_treemap.analysis.values.wrappers import is_wrapper
from flake8_nnx_treemap.names import WRAPPERS, FlaxRange, TreeFunctionKind
from flake8_nnx_treemap.rules.advice import is_kept_by_object, wrappers_are_new
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, FixAvailability, Rule

MESSAGE = "the Variable itself is returned, from Flax 0.11 on the model's own: return {}.copy()"

_NO_WRAPPERS = ARRAY_CLASSES | {f"builtins.{name}" for name in ("int", "float", "bool", "complex", "str", "bytes")}

_MAPS = (TreeFunctionKind.MAP, TreeFunctionKind.MAP_WITH_PATH)


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each place where a mapper returns a wrapper unchanged."""
    for call in tree_calls_of(source):
        if call.mapper is None or call.is_leaf is None or call.function.kind not in _MAPS:
            continue
        if wrappers_are_new(source, call.trees) or is_kept_by_object(source, call.trees) or _is_discarded(source, call):
            continue
        test = leaf_test_of(source, call.is_leaf, takes_path=call.takes_path)
        mapper = mapper_of(source, call.mapper, call.function.leaf_position)
        if isinstance(test, Unknown) or isinstance(mapper, Unknown) or not test.names & WRAPPERS:
            continue
        if not SINGLE_DISPATCH.isdisjoint(mapper.function.decorators):
            continue  # A function registered here or elsewhere is called for the wrappers.
        if mapper.is_identity and isinstance(origin_of(source, call.trees[0]) if call.trees else None, Unknown):
            continue  # It copies the containers of whatever it is given.
        for leaf in _returned(source, mapper):
            if not _cannot_be_wrapper(source, mapper, leaf, test):
                is_certain = is_wrapper(source, leaf) and (
                    bool(mapper.dispatches) or holds_only_wrappers(source, call.trees)
                )
                edits = [source.insert(source.position_of_place(end_of(leaf)), ".copy()")]
                fix = make_fix(Applicability.UNSAFE, "Copy the Variable", edits) if is_certain else None
                yield Finding("NNX110", MESSAGE.format(leaf.id), source.range(leaf), fix)


def _is_discarded(source: ParsedSource, call: TreeCall) -> bool:
    """Tell whether a call is a statement of its own, whose result nobody uses."""
    return isinstance(source.ast_parent(call.node), ast.Expr)


def _returned(source: ParsedSource, mapper: Mapper) -> Iterator[ast.Name]:
    """Yield each place where a mapper returns its leaf."""
    results = [*mapper.results]
    while results:
        result = results.pop(0)
        if isinstance(result, ast.IfExp):
            results += [result.body, result.orelse]
        elif (
            isinstance(result, ast.Name)
            and result.id == mapper.leaf
            and source.bindings.is_parameter(result.id, start_of(result))
        ):
            yield result


def _cannot_be_wrapper(source: ParsedSource, mapper: Mapper, leaf: ast.Name, test: LeafTest) -> bool:
    """Tell whether, where a mapper returns its leaf, its type tests exclude all wrappers at which ``is_leaf`` stops."""
    place = start_of(leaf)
    sent = _all_sent_away(source, mapper.function.definition, leaf.id)
    away = frozenset[str]().union(*(types for types, (start, end) in sent if start <= place < end))
    return covers(away, test.names & WRAPPERS)


@remembered
def _all_sent_away(source: ParsedSource, definition: ast.AST, leaf: str) -> tuple[tuple[frozenset[str], Region], ...]:
    """Return the classes that a mapper's type tests exclude, each time with the region of code without them."""
    return tuple(one for node in walk(definition) for one in _sent_away(source, node, leaf))


def _sent_away(source: ParsedSource, node: ast.AST, leaf: str) -> Iterator[tuple[frozenset[str], Region]]:
    """Yield the classes that a test of the leaf excludes, and each region of code that leaves of them do not reach."""
    if isinstance(node, ast.Match) and isinstance(node.subject, ast.Name) and node.subject.id == leaf:
        yield from regions_beyond_cases(source, node)
        for case in node.cases:
            if _are_no_wrappers(types_matched(source, case.pattern)):
                yield WRAPPERS, (start_of(case.body[0]), end_of(case.body[-1]))
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Name) and node.args[0].id == leaf:
        types = _asked_for(source, node)
        for answer in _answers(source, node) if types else ():
            yield from ((types, region) for region in regions_where(source, answer, False))
            if _are_no_wrappers(types):
                yield from ((WRAPPERS, region) for region in regions_where(source, answer, True))


def _are_no_wrappers(types: frozenset[str] | None) -> bool:
    """Tell whether nothing that is of one of some classes is a Variable."""
    return types is not None and bool(types) and types <= _NO_WRAPPERS


def _answers(source: ParsedSource, question: ast.Call) -> Iterator[ast.expr]:
    """Yield the expressions with a test's result: the call itself, and the names bound to it and to nothing else."""
    yield question
    parent = source.ast_parent(question)
    if isinstance(parent, ast.NamedExpr):
        yield parent
    target = parent.targets[0] if isinstance(parent, ast.Assign) else getattr(parent, "target", None)
    if isinstance(target, ast.Name) and isinstance(parent, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
        for name in names_bound_by(source, target.id, question):
            if len(source.bindings.bindings_of(name.id, start_of(name))) == 1:
                yield name


def _asked_for(source: ParsedSource, call: ast.Call) -> frozenset[str]:
    """Return the classes that a call tests the leaf for; all wrappers for ``hasattr`` and functions of this file."""
    name = getattr(call.func, "attr", getattr(call.func, "id", None))
    if isinstance(call.func, ast.Name) and name == "isinstance":
        found = type_test(source, call)
        return found[1] if found is not None else frozenset()
    is_question = name in ("isinstance", "hasattr") or name in source.bindings.names_in(source.bindings.module)
    return WRAPPERS if is_question else frozenset()


EXAMPLES = (
    Example(
        title="The new tree shares its Variables with the old one",
        source="""\
import jax
from flax import nnx


def is_variable(x):
    return isinstance(x, (nnx.Variable, nnx.variablelib.VariableState))


def convert(state):
    return jax.tree.map(
        lambda v: v if is_variable(v) else [v], state, is_leaf=is_variable
    )
""",
        marked=("v",),
        fixed={
            "portable": """\
import jax
from flax import nnx


def is_variable(x):
    return isinstance(x, (nnx.Variable, nnx.variablelib.VariableState))


def convert(state):
    return jax.tree.map(
        lambda v: v.copy() if is_variable(v) else [v], state, is_leaf=is_variable
    )
""",
        },
        applicability=Applicability.UNSAFE,
        trees=("state", "split"),
    ),
    Example(
        title="What is no Param is the model's own: reported, not rewritten",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.replace(v.value) if isinstance(v, nnx.Param) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        marked=("v",),
    ),
)

RULE = Rule(
    CODES["NNX110"],
    "A mapper returns the Variable that it was given",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
)
