"""`VariableState(type=T, value=v)` builds a plain `Variable` from Flax 0.11 on, not a `T`.

## What it does

Finds calls of `nnx.VariableState` in code that runs on Flax 0.11 or later, whatever else it runs on.

It is silent in code that is ready for several releases: in a `try` that handles `AttributeError` or `ImportError`, and
in a choice whose test asks for the release, by `hasattr(nnx.Variable, "get_value")`, `flax.__version__`,
`nnx.VariableState is nnx.Variable` and the like. It is silent where a `TypeError` is handled that the call would raise,
and where `isinstance(x, nnx.Variable)` is known to be false and the call makes one VariableState of another.

## Why it is wrong

Up to 0.10, a `VariableState` stored the type of its Variable. From 0.11 on, the name means `Variable`, and `type=` is
metadata like any other keyword. The result is no `T`, so `nnx.state(…, T)` and `nnx.filter_state(…, T)` do not find it.
No error or warning tells you, except where the type is a positional argument.

## What Flax does

* **0.10.0–0.10.7**: builds the state of a `T`.
* **0.11.0 and later**: `VariableState(type=T, value=v)` is a plain `Variable` with metadata `type`;
  `VariableState(T, v)` is a `TypeError`.

## Fix safety

The fix is unsafe because it changes the result, on purpose: the result has another class.

The fix writes `T(v)`. There is no fix where the type or the value is not visible, nor while you support a release below
0.11: no single text is right on all of them.

## References

* <https://flax.readthedocs.io/en/latest/migrating/nnx_010_to_nnx_011.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.nodes import dotted_name, nodes_below, start_of
from flake8_nnx_treemap.analysis.names.format_parts import is_format_part
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.old_state import is_no_variable, is_only_for_old_state
from flake8_nnx_treemap.names import VARIABLE_STATE, VARIABLE_STATE_IS_VARIABLE, FlaxRange, canonical
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

CRASHES = "VariableState(type, value) raises TypeError from Flax 0.11 on: call the Variable's own type"
IS_PLAIN = "VariableState(..) builds a plain Variable from Flax 0.11 on: call the Variable's own type"

_RAISED = frozenset({"TypeError"})

_OF_STATE = frozenset({"type", "value", "raw_value"})
"""What a VariableState is read for, to make another one like it."""


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each call of `VariableState`."""
    names = _names_of_class(source)
    for call in (call for name in names for call in source.bindings.calls.get(name, ())):
        if _builds_state(source, call) and not is_format_part(source, call) and not _is_for_old_state(source, call):
            fix = _fix(source, call) if flax.starts_from(VARIABLE_STATE_IS_VARIABLE) else None
            message = CRASHES if len(call.args) > 1 else IS_PLAIN
            if message is CRASHES and source.expects_error_at(start_of(call), _RAISED):
                continue
            yield Finding("NNX202", message, source.range(call.func), fix)


def _names_of_class(source: ParsedSource) -> set[str]:
    """Return the names that may mean the class: its own, and those that an import or an assignment of a name binds."""
    calls = source.bindings.calls
    bound = source.bindings.all_bound()
    return {name for name, found in bound if name in calls and any(map(_may_bind_class, found))} | {"VariableState"}


def _may_bind_class(binding: Binding) -> bool:
    if binding.kind is BindingKind.IMPORT:
        return (binding.qualified_name or "").endswith("VariableState")
    return binding.kind is BindingKind.ASSIGNMENT and isinstance(binding.value, (ast.Name, ast.Attribute))


def _builds_state(source: ParsedSource, call: ast.Call) -> bool:
    parts = dotted_name(call.func)
    if parts is None:
        return False
    names = source.bindings.qualified_names(parts, start_of(call.func))
    return bool(names) and {canonical(name) for name in names} == {VARIABLE_STATE}


def _is_for_old_state(source: ParsedSource, call: ast.Call) -> bool:
    """Tell whether a call makes one VariableState of another, where no Variable gets to."""
    if is_only_for_old_state(source, start_of(call)):
        return True
    given = [*call.args, *call.keywords]
    read = (node for node in nodes_below(given, ast.Attribute) if node.attr in _OF_STATE)
    return any(is_no_variable(source, node.value) for node in read)


def _fix(source: ParsedSource, call: ast.Call) -> Fix | None:
    given: dict[str | None, ast.expr] = {"type": call.args[0]} if call.args else {}
    given |= {"value": call.args[1]} if len(call.args) > 1 else {}
    given |= {keyword.arg: keyword.value for keyword in call.keywords}
    is_clear = not any(isinstance(argument, ast.Starred) for argument in call.args) and None not in given
    if not is_clear or not {"type", "value"} <= given.keys() or len(call.args) > 2:
        return None
    type_, value = given.pop("type"), given.pop("value")
    called = _on_one_line(source, type_)
    if called is None or isinstance(value, ast.GeneratorExp):
        return None
    metadata = [f"{name}={_as_argument(source, one)}" for name, one in given.items()]
    new = f"{called}({', '.join([_as_argument(source, value), *metadata])})"
    return make_fix(Applicability.UNSAFE, "Call the Variable's own type", [source.replace(source.range(call), new)])


def _on_one_line(source: ParsedSource, type_: ast.expr) -> str | None:
    """Return a class as text, for behind it there is no parenthesis around it any more that lets it go over lines."""
    parts = dotted_name(type_)
    if parts is not None:
        return ".".join(parts)
    is_asked = isinstance(type_, ast.Call) and dotted_name(type_.func) == ("type",)
    if not is_asked or not isinstance(type_, ast.Call) or len(type_.args) != 1 or type_.keywords:
        return None
    return f"type({_as_argument(source, type_.args[0])})"


def _as_argument(source: ParsedSource, value: ast.expr) -> str:
    """Return an expression as text that is one argument; the parentheses around it are not part of its node."""
    text = source.text_of(value)
    return f"({text})" if isinstance(value, (ast.NamedExpr, ast.Yield, ast.YieldFrom)) else text


EXAMPLES = (
    Example(
        title="State built by hand",
        source="""\
import jax
from flax import nnx


def convert(state):
    return [nnx.VariableState(type=nnx.Param, value=leaf) for leaf in jax.tree.leaves(state)]
""",
        marked=("nnx.VariableState",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    return [nnx.Param(leaf) for leaf in jax.tree.leaves(state)]
""",
        },
        applicability=Applicability.UNSAFE,
        floor="0.11",
        trees=("state", "split", "grad"),
    ),
    Example(
        title="Positional arguments, and metadata",
        source="""\
import jax
from flax.nnx import BatchStat, VariableState


def convert(state):
    return [VariableState(BatchStat, leaf, origin="a file") for leaf in jax.tree.leaves(state)]
""",
        marked=("VariableState",),
        fixed={
            "0.11": """\
import jax
from flax.nnx import BatchStat, VariableState


def convert(state):
    return [BatchStat(leaf, origin="a file") for leaf in jax.tree.leaves(state)]
""",
        },
        applicability=Applicability.UNSAFE,
        floor="0.11",
        trees=("state", "split", "grad"),
    ),
)

RULE = Rule(
    CODES["NNX202"],
    "`VariableState(type=T, value=v)` builds a plain `Variable`, not a `T`",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
)
