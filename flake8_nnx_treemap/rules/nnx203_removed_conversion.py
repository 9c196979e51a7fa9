"""`.to_variable()` is gone from Flax 0.11 on: state holds Variables already.

## What it does

Finds calls of `.to_variable()` without arguments in code that runs on Flax 0.11 or later, whatever else it runs on.

It is silent in code that is ready for several releases: in a `try` that handles `AttributeError` or `ImportError`, and
in a choice whose test asks for the release, by `hasattr(x, "to_variable")`, `flax.__version__` and the like. It is
silent as well where `isinstance(x, nnx.Variable)` is known to be false, since no leaf of state gets there from 0.11 on;
on objects that the file annotates with a class of another package, or makes by calling one; and where the file defines
such a method itself.

## Why it is wrong

The method belonged to the class `VariableState`. Flax 0.11 removed that class, and the method with it.

## What Flax does

* **0.10.0–0.10.7**: makes a new `Variable` of a `VariableState`.
* **0.11.0 and later**: `AttributeError`.

## Fix safety

The fix is safe on what is a Variable for certain: the original raises.

The fix writes `.copy()`, which makes a new Variable as `.to_variable()` did. The leaf itself would be the model's own.

A Variable for certain is a name that `isinstance` has tested or that is annotated so, the leaf of a mapper whose
`is_leaf` stops at Variables, or an element of `nnx.state(…)`. The fix is unsafe on anything else, which may have a
method of that name, on the parameter of a function if only the calls in this file show what it is, and where the file has
metadata or a class of Variables with that name, or with a `__getattr__`.

There is no fix where `except Exception` would handle the error, nor while you support a release below 0.11, where a
copy of a VariableState is no Variable. In such code, write
`x.to_variable() if hasattr(x, "to_variable") else x.copy()`, which is right on all releases.

## References

* <https://flax.readthedocs.io/en/latest/migrating/nnx_010_to_nnx_011.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.nodes import end_of, start_of
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.format_parts import is_format_part
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.names.spelling import names_of_flax
from flake8_nnx_treemap.analysis.values.old_state import is_no_variable, is_only_for_old_state
from flake8_nnx_treemap.analysis.values.other_classes import is_of_other_class
from flake8_nnx_treemap.analysis.values.provenance import Origin, TreeKind, origin_of
from flake8_nnx_treemap.names import VARIABLE_STATE_IS_VARIABLE, FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

MESSAGE = "to_variable() raises AttributeError from Flax 0.11 on: state holds Variables; use copy() for a new one"
_METHOD = "to_variable"


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each `.to_variable()` in a file that imports Flax and defines no such method itself."""
    if not names_of_flax(source) or _defines_it(source):
        return
    for call in source.bindings.calls.get(_METHOD, ()):
        if not isinstance(call.func, ast.Attribute) or call.args or call.keywords or is_format_part(source, call):
            continue
        if source.bindings.names_of(call.func):
            continue  # A module's function, ``module.to_variable()``.
        if is_no_variable(source, call.func.value) or is_only_for_old_state(source, start_of(call)):
            continue
        if is_of_other_class(source, call.func.value):
            continue
        end = source.position_of_place(end_of(call.func))
        name = Range(source.position(source.offset(end) - len(_METHOD)), end)
        # Below 0.11 a copy of a VariableState is no Variable.
        fix = _fix(source, call, name) if flax.starts_from(VARIABLE_STATE_IS_VARIABLE) else None
        yield Finding("NNX203", MESSAGE, name, fix)


def _defines_it(source: ParsedSource) -> bool:
    """Tell whether a class or function defines the method, or something sets it: ``Box.to_variable = convert``."""
    if any(isinstance(use.ctx, ast.Store) for use in source.bindings.attributes.get(_METHOD, ())):
        return True
    scopes = {statement.scope for statement in source.bindings.statements}
    return any(_METHOD in source.bindings.names_in(scope) for scope in scopes)


def _fix(source: ParsedSource, call: ast.Call, name: Range) -> Fix | None:
    if source.expects_attribute_error_at(start_of(call)):
        return None
    assert isinstance(call.func, ast.Attribute)
    owner = call.func.value
    applicability = safety.safe_if(
        _is_item_of_state(source, owner) or safety.owner_is_a_variable(source, owner),
        safety.variables_have_no_such_member(source, _METHOD, "copy"),
        safety.other_objects_lack_it(source, (_METHOD,)),
        safety.imported_files_replace_nothing(source, _METHOD),
        safety.nothing_sees_the_error(source, call, AttributeError),
        safety.names_are_bound_in_the_open(source),
    )
    return make_fix(applicability, "Copy the Variable", [source.replace(name, "copy")])


def _is_item_of_state(source: ParsedSource, owner: ast.expr) -> bool:
    """Tell whether an expression is an item of ``nnx.state(model)``."""
    whole = owner
    while isinstance(whole, ast.Subscript):
        whole = whole.value
    origin = origin_of(source, whole) if isinstance(whole, ast.Call) and whole is not owner else None
    is_state = isinstance(origin, Origin) and origin.kind is TreeKind.STATE and origin.is_certain
    return is_state and isinstance(origin, Origin) and origin.made_by is whole


EXAMPLES = (
    Example(
        title="State made into Variables",
        source="""\
import jax
from flax import nnx


def convert(state):
    is_variable = lambda x: isinstance(x, nnx.Variable)
    return jax.tree.map(
        lambda v: v.to_variable() if is_variable(v) else v, state, is_leaf=is_variable
    )
""",
        marked=("to_variable",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    is_variable = lambda x: isinstance(x, nnx.Variable)
    return jax.tree.map(
        lambda v: v.copy() if is_variable(v) else v, state, is_leaf=is_variable
    )
""",
        },
        applicability=Applicability.SAFE,
        floor="0.11",
    ),
    Example(
        title="Any error is handled: reported, not rewritten",
        source="""\
import jax
from flax import nnx


def variable_of(leaf):
    try:
        return leaf.to_variable()
    except Exception:
        return leaf


def convert(state):
    return jax.tree.map(variable_of, state)
""",
        marked=("to_variable",),
        floor="0.11",
    ),
)

RULE = Rule(
    CODES["NNX203"],
    "`.to_variable()` is gone: state holds Variables already",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.owner_is_a_variable,
        safety.variables_have_no_such_member,
        safety.other_objects_lack_it,
        safety.imported_files_replace_nothing,
        safety.nothing_sees_the_error,
        safety.names_are_bound_in_the_open,
    ),
)
