"""`is_leaf` is an NNX class, which JAX calls instead of asking whether a node is an instance of it.

## What it does

Finds `is_leaf=nnx.Variable` and its kin: a class where a predicate is wanted, and predicates that construct a Variable
out of each node instead of testing it.

## Why it is wrong

JAX calls `is_leaf(node)` and wants a bool. Calling a class makes an instance: a `Variable` around the whole tree. That is
no bool, and the call raises before a single leaf is mapped.

## What Flax does

* **0.10.0–0.10.7**: `is_leaf=nnx.VariableState` raises `TypeError`, since its constructor wants a type and a value;
  `is_leaf=nnx.Variable`, `nnx.Param` and the others raise `ValueError`.
* **0.11.0 and later**: all of them raise `ValueError`.

## Fix safety

The fix writes `lambda x: isinstance(x, …)` around the class. It is safe: the original raised for every tree, an empty one
included. Where a predicate wraps the construction in `bool(…)`, it may have returned, so that fix is unsafe.

## References

* `jax.tree.map`: <https://docs.jax.dev/en/latest/_autosummary/jax.tree.map.html>
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from flake8_nnx_treemap.analysis.calls.class_references import type_name
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.syntax import dotted_parts, is_name, positional_arguments
from flake8_nnx_treemap.names import WRAPPERS, FlaxRelease
from flake8_nnx_treemap.rules.calls import calls_for
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, FixAvailability, Rule

MESSAGE = "is_leaf is called with each node and must return a bool: write isinstance(x, {0}), not {0} itself"
FIX_MESSAGE = "Test with isinstance"


def check(source: ParsedSource, floor: FlaxRelease) -> Iterator[Finding]:
    """Report each `is_leaf` that is a wrapper class, or a lambda that makes an instance of one."""
    for call in calls_for(source, "NNX106"):
        expression = call.is_leaf
        if expression is None:
            continue
        if _is_wrapper_class(source, expression):
            name, parameter = source.text_of(expression), "x"
            replaced, applicability = expression, Applicability.SAFE
            if (dotted_parts(expression) or ("x",))[0] == parameter:
                parameter = "node"
            content = f"lambda {parameter}: isinstance({parameter}, {name})"
        elif isinstance(expression, cst.Lambda) and (made := _constructed(source, expression)) is not None:
            name, parameter = source.text_of(made), expression.params.params[0].name.value
            replaced, content = expression.body, f"isinstance({parameter}, {name})"
            applicability = Applicability.SAFE if _is_call_of(expression.body, made) else Applicability.UNSAFE
        else:
            continue
        block = source.bindings.block_at(source.place_of(call.node))
        if block is not None and block.is_tried:
            applicability = Applicability.UNSAFE  # Perhaps for the error that this raises.
        fix = make_fix(source, applicability, FIX_MESSAGE, [source.replace(source.range(replaced), content)])
        yield Finding("NNX106", MESSAGE.format(name), source.range(expression), fix)


def _is_wrapper_class(source: ParsedSource, expression: cst.BaseExpression) -> bool:
    return type_name(source, expression) in WRAPPERS


def _constructed(source: ParsedSource, predicate: cst.Lambda) -> cst.BaseExpression | None:
    """The class that a predicate makes an instance of, and nothing more, perhaps within ``bool(…)``."""
    body, params = predicate.body, predicate.params.params
    if isinstance(body, cst.Call) and type_name(source, body.func) == "builtins.bool" and len(body.args) == 1:
        body = body.args[0].value
    if not isinstance(body, cst.Call) or len(params) != 1 or not _is_wrapper_class(source, body.func):
        return None
    arguments = positional_arguments(body)
    is_plain = arguments is not None and len(body.args) == len(arguments) == 1
    return body.func if is_plain and is_name(body.args[0].value, params[0].name.value) else None


def _is_call_of(body: cst.BaseExpression, function: cst.BaseExpression) -> bool:
    return isinstance(body, cst.Call) and body.func is function


EXAMPLES = (
    Example(
        title="A class where a predicate is wanted",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.replace(v.value * 2) if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=nnx.Variable,
    )
""",
        marked=("nnx.Variable",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.replace(v.value * 2) if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        },
        applicability=Applicability.SAFE,
        floor="0.11",
    ),
    Example(
        title="A predicate that makes a Variable of each node",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.value if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda node: nnx.Variable(node),
    )
""",
        marked=("lambda node: nnx.Variable(node)",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.value if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda node: isinstance(node, nnx.Variable),
    )
""",
        },
        applicability=Applicability.SAFE,
        floor="0.11",
    ),
)

RULE = Rule(
    entry=CODES["NNX106"],
    summary="`is_leaf` is an NNX class, not a predicate",
    check=check,
    documentation=__doc__,
    examples=EXAMPLES,
    fix=FixAvailability.ALWAYS,
)
