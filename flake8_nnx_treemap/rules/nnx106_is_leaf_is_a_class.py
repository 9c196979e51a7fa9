"""`is_leaf` is an NNX class, which JAX calls instead of asking whether a node is an instance of it.

## What it does

Finds `is_leaf=nnx.Variable` and the same with other classes of Variables, also the project's own: a class in the place
of a predicate. Also finds predicates that construct a Variable out of each node instead of testing the node.

## Why it is wrong

JAX calls `is_leaf(node)` and expects a bool. Calling a class makes an instance: a `Variable` around the whole tree.
That is no bool, so JAX raises before it maps a single leaf.

## What Flax does

* **0.10.0–0.10.7**: `is_leaf=nnx.VariableState` raises `TypeError`, since its constructor wants a type and a value;
  `is_leaf=nnx.Variable`, `nnx.Param` and the others raise `ValueError`.
* **0.11.0 and later**: all of them raise `ValueError`.

## Fix safety

The fix is safe: the original raised for every tree, an empty one included.

The fix writes `lambda x: isinstance(x, …)` with the class, and with a parameter for the path where `is_leaf_takes_path`
is true. It is unsafe where a predicate wraps the construction in `bool(…)`, since such a call may have returned, and for
a class of the project, which may do something else when it is called. There is no fix where a lambda would not see the
class, as in the body of another class.

## References

* `jax.tree.map`: <https://docs.jax.dev/en/latest/_autosummary/jax.tree.map.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.calls.class_references import class_name
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall, tree_calls_of
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, is_name, start_of
from flake8_nnx_treemap.analysis.names.scopes import ScopeKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.variable_classes import is_own_variable_class
from flake8_nnx_treemap.names import WRAPPERS, FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule
from flake8_nnx_treemap.rules.steps import Replace
from flake8_nnx_treemap.rules.stopping import parameter_for, stopping_at

MESSAGE = "is_leaf is called with each node and must return a bool: write isinstance({1}, {0}), not {0} itself"
FIX_MESSAGE = "Test with isinstance"


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each `is_leaf` that is a wrapper class, or a lambda that makes an instance of one."""
    for call in tree_calls_of(source):
        expression = call.is_leaf
        if expression is None:
            continue
        is_of_flax = class_name(source, expression) in WRAPPERS
        if is_of_flax or _is_own_class(source, expression):
            name = source.text_of(expression)
            step = Replace(expression, stopping_at(name, takes_path=call.takes_path))
            fix = _fix(source, call, name, step, is_of_flax) if _can_be_in_a_lambda(source, expression) else None
        elif isinstance(expression, ast.Lambda) and (made := _constructed(source, expression, call)) is not None:
            name, body = source.text_of(made), expression.body
            parameter = expression.args.args[-1].arg
            is_whole = isinstance(body, ast.Call) and body.func is made
            fix = _fix(source, call, name, Replace(body, f"isinstance({parameter}, {name})"), is_whole)
        else:
            continue
        yield Finding("NNX106", MESSAGE.format(name, parameter_for(name)), source.range(expression), fix)


def _is_own_class(source: ParsedSource, expression: ast.expr) -> bool:
    """Tell whether an expression names a Variable class of the project; functions, whose names differ, cost nothing."""
    parts = dotted_name(expression) or ("_",)
    return not parts[-1][0].islower() and parts[-1][0] != "_" and is_own_variable_class(source, expression)


def _fix(source: ParsedSource, call: TreeCall, name: str, step: Replace, always_raised: bool = True) -> Fix | None:
    if call.takes_path is None or not safety.builtin_is_itself(source, "isinstance", step.node):
        return None
    applicability = safety.safe_if(
        always_raised,
        safety.nothing_sees_the_error(source, call.node, Exception),
        safety.members_are_themselves(source, call.function.basename, name.rpartition(".")[2]),
        safety.names_are_bound_in_the_open(source),
    )
    return make_fix(applicability, FIX_MESSAGE, [step])


def _can_be_in_a_lambda(source: ParsedSource, expression: ast.expr) -> bool:
    """Tell whether a lambda sees the name of a class, as it does not where that is bound in the body of a class."""
    parts = dotted_name(expression) or ("",)
    bindings = source.bindings.bindings_of(parts[0], start_of(expression))
    return all(binding.scope.kind is not ScopeKind.CLASS for binding in bindings)


def _constructed(source: ParsedSource, predicate: ast.Lambda, call: TreeCall) -> ast.expr | None:
    """Return the wrapper class in ``lambda x: Param(x)`` or ``lambda x: bool(Param(x))``; ``None`` otherwise."""
    body, parameters = predicate.body, predicate.args.args
    if isinstance(body, ast.Call) and class_name(source, body.func) == "builtins.bool" and len(body.args) == 1:
        body = body.args[0]
    if (
        not isinstance(body, ast.Call)
        or len(parameters) != 1 + bool(call.takes_path)
        or class_name(source, body.func) not in WRAPPERS
    ):
        return None
    is_plain = len(body.args) == 1 and not body.keywords and is_name(body.args[0], parameters[-1].arg)
    return body.func if is_plain else None


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
    CODES["NNX106"],
    "`is_leaf` is an NNX class, not a predicate",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.nothing_sees_the_error,
        safety.members_are_themselves,
        safety.names_are_bound_in_the_open,
    ),
)
