"""A mask or a tree of labels for optax comes back wrapped in Variables.

## What it does

Finds maps without `is_leaf`, over a tree that is known to be of NNX, whose results are given to optax as a mask or as
labels: to `mask=`, `optax.masked`, `optax.multi_transform`, `optax.add_decayed_weights` and others, also through
`optax.inject_hyperparams` or a `functools.partial`. The rule follows results through names, attributes of `self` and
functions, in files that have an `nnx.Optimizer`. A file without one counts as well if another file of the project gives an
`nnx.Optimizer` the transformation that a function of this file returns; and a function that is named after masks or
labels is followed to the files that call it.

A function that is itself given to optax is left alone, since `nnx.Optimizer` calls it with plain arrays.

## Why it is wrong

Without `is_leaf`, JAX rebuilds each wrapper around what the mapper returns. The mask then holds `Param(True)`, not
`True`. `nnx.Optimizer` takes the arrays out of their Variables before it calls optax, so the mask does not match them.

## What Flax does

* **0.10.0–0.10.7**: wrapped, as are the trees that `nnx.Optimizer` gives to optax: they fit.
* **0.11.0 and later**: `nnx.Optimizer` gives plain arrays to optax, and a wrapped mask raises `ValueError` there.

A plain mask works on every release, with `nnx.Optimizer` and with optax alone. Shardings are no masks: JAX accepts a
tree of `Param(NamedSharding(…))` for a tree of Params, as we measured, and so does this rule.

## Fix safety

The fix is unsafe because it changes the result, on purpose: the mask is another tree.

The fix adds an `is_leaf` that stops at Variables. It is for Flax 0.11 and later, where a Variable behaves like its
array. There is no fix below 0.11, nor where the result is also used for something else. With `is_leaf` a key path ends
at the Variable and not inside it, so a map with paths is rewritten only if it asks for nothing but `"bias" in str(path)`.

## References

* <https://github.com/jax-ml/jax/issues/31256>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.calls.mappers import Mapper, mapper_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.code.nodes import nodes_below
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.analysis.values.masks import gives_wrappers_to_optax, may_be_mask, uses_as_mask
from flake8_nnx_treemap.analysis.values.provenance import TREES_OF_WRAPPERS, origin_of
from flake8_nnx_treemap.names import VARIABLE_STATE_IS_VARIABLE, FlaxRange, TreeFunctionKind
from flake8_nnx_treemap.rules.advice import classes_to_stop_at
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import make_fix, wrapper_types
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule
from flake8_nnx_treemap.rules.stopping import stop_step, stopping_at

MESSAGE = "this mask comes back wrapped, as Param(True): add is_leaf={}"

_MAPS = (TreeFunctionKind.MAP, TreeFunctionKind.MAP_WITH_PATH)


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each map without `is_leaf` over known wrappers that makes a mask or labels for optax."""
    candidates = [
        call
        for call in tree_calls_of(source)
        if call.function.kind in _MAPS and call.is_leaf is None and call.trees and may_be_mask(source, call.node)
    ]
    if not candidates or gives_wrappers_to_optax(source):
        return  # Where optax is given the Variables themselves, a mask of them fits.
    for call in (one for one in candidates if one.is_complete):
        origin = origin_of(source, call.trees[0])
        if call.mapper is None or isinstance(origin, Unknown) or origin.kind not in TREES_OF_WRAPPERS:
            continue
        uses = uses_as_mask(source, call.node) if origin.is_certain else None
        if uses is not None and uses.is_given:
            mapper = mapper_of(source, call.mapper, call.function.leaf_position)
            message = MESSAGE.format(
                stopping_at(classes_to_stop_at(source, call.node, flax), takes_path=call.takes_path)
            )
            is_alone = not uses.has_others and not origin.is_mapped
            fix = _fix(source, call, mapper, flax) if is_alone else None
            yield Finding("NNX108", message, source.range(call.callee), fix)


def _fix(source: ParsedSource, call: TreeCall, mapper: Mapper | Unknown, flax: FlaxRange) -> Fix | None:
    is_plain = call.partial is None and not call.more_trees
    if (
        not is_plain
        or len(call.trees) != 1
        or not flax.starts_from(VARIABLE_STATE_IS_VARIABLE)
        or isinstance(mapper, Unknown)
    ):
        return None
    types = wrapper_types(source, call.node, flax)
    if types is None or not all(_has_no_identity(result) for result in mapper.results):
        return None
    if call.function.kind is TreeFunctionKind.MAP_WITH_PATH and not _only_looks_into_path(source, mapper):
        return None
    stopping = stop_step(call, types.text)
    return make_fix(Applicability.UNSAFE, "Stop the traversal at Variables", [stopping, *types.edits])


def _only_looks_into_path(source: ParsedSource, mapper: Mapper) -> bool:
    """Tell whether a mapper uses its key path for nothing but ``"bias" in str(path)``, if at all.

    Without ``is_leaf`` a path ends with a key for what is inside the Variable, which ``path[-1]`` and ``len(path)`` see.
    """
    path = mapper.function.parameter_at(0)
    return path is not None and all(
        _is_looked_into(source, node) for node in nodes_below(mapper.function.body, ast.Name) if node.id == path
    )


def _is_looked_into(source: ParsedSource, path: ast.Name) -> bool:
    text = source.ast_parent(path)
    if not isinstance(text, ast.Call) or not source.bindings.names_of(text.func) <= _TEXTS or len(text.args) != 1:
        return False
    test = source.ast_parent(text)
    is_test = isinstance(test, ast.Compare) and len(test.ops) == 1 and test.comparators == [text]
    if not isinstance(test, ast.Compare) or not is_test or not isinstance(test.ops[0], (ast.In, ast.NotIn)):
        return False
    word = test.left
    return (
        isinstance(word, ast.Constant)
        and isinstance(word.value, str)
        and word.value.isidentifier()
        and (word.value not in "GetAttrKey(name='value')")
    )


_TEXTS = frozenset({"builtins.str", "builtins.repr", "jax.tree_util.keystr"})


def _has_no_identity(result: ast.expr) -> bool:
    """Tell whether a result cannot be the leaf itself, which would put the model's Variable into the mask."""
    return not isinstance(result, (ast.Name, ast.Subscript, ast.NamedExpr))


EXAMPLES = (
    Example(
        title="Labels for optax",
        source="""\
import jax
import optax
from flax import nnx


def make(model: nnx.Module, transformation) -> nnx.Optimizer:
    return nnx.Optimizer(model, transformation, wrt=nnx.Param)


def convert(state: nnx.State):
    labels = jax.tree.map(lambda x: "trained", state)
    optimizer = optax.multi_transform({"trained": optax.adam(1e-3), "frozen": optax.set_to_zero()}, labels)
    return [optimizer is not None]
""",
        marked=("jax.tree.map",),
        fixed={
            "0.11": """\
import jax
import optax
from flax import nnx


def make(model: nnx.Module, transformation) -> nnx.Optimizer:
    return nnx.Optimizer(model, transformation, wrt=nnx.Param)


def convert(state: nnx.State):
    labels = jax.tree.map(
        lambda x: "trained", state, is_leaf=lambda x: isinstance(x, nnx.Variable)
    )
    optimizer = optax.multi_transform({"trained": optax.adam(1e-3), "frozen": optax.set_to_zero()}, labels)
    return [optimizer is not None]
""",
        },
        applicability=Applicability.UNSAFE,
    ),
    Example(
        title="A mask that a function makes",
        source="""\
import jax
import optax
from flax import nnx


def decayed(state: nnx.State):
    # Everything is.
    return jax.tree.map(
        lambda _: True,
        state,
    )


def make(model: nnx.Module, transformation) -> nnx.Optimizer:
    return nnx.Optimizer(model, transformation, wrt=nnx.Param)


def convert(state):
    optimizer = optax.adamw(1e-3, mask=decayed(state))
    return [optimizer is not None]
""",
        marked=("jax.tree.map",),
        fixed={
            "0.11": """\
import jax
import optax
from flax import nnx


def decayed(state: nnx.State):
    # Everything is.
    return jax.tree.map(
        lambda _: True,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )


def make(model: nnx.Module, transformation) -> nnx.Optimizer:
    return nnx.Optimizer(model, transformation, wrt=nnx.Param)


def convert(state):
    optimizer = optax.adamw(1e-3, mask=decayed(state))
    return [optimizer is not None]
""",
        },
        applicability=Applicability.UNSAFE,
    ),
)

RULE = Rule(
    CODES["NNX108"],
    "A mask or a tree of labels comes back wrapped in Variables",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
)
