"""The methods of `nnx.State` warn from Flax 0.10.4 on; functions of `nnx` do the same.

## What it does

Finds calls of `to_pure_dict`, `replace_by_pure_dict`, `flat_state` and `from_flat_path`, which State alone has, in
files that use NNX, and of `map`, `filter`, `split` and `merge` on an object that is a State for certain: the result of
`nnx.state`, `nnx.split`, `nnx.grad` and the like, what is annotated `nnx.State`, or a name that `isinstance` has found
to be one. `nnx.State.merge(…)` and `nnx.State.from_flat_path(…)` count, too.

It is silent on what the file annotates with a class of another package, or makes by calling one; on what is named as
settings, environments and simulators are; where the file defines a method of that name itself, or a subclass of State
does; and in code that is ready for several releases: in a `try` that handles `AttributeError` or `ImportError`, and in a
choice whose test asks for the release, by `hasattr(nnx, "to_pure_dict")`, `flax.__version__` and the like. So it is
where a test wants the warning, or is marked to ignore it.

## Why it is wrong

Flax has moved these jobs to functions, which take a State and a plain dict alike. Each call of a method warns, and code
run with `-W error` stops there.

## What Flax does

Measured on each release from 0.10.4 on, with 16 kinds of State (of models, of lists, empty, abstract, of gradients,
with hooks, with integers as keys, …): results, the identity of leaves, what is changed in place, and errors are the
same.

| method | function |
| --- | --- |
| `s.to_pure_dict()`, `s.to_pure_dict(f)` | `nnx.to_pure_dict(s)`, `nnx.to_pure_dict(s, f)` |
| `s.replace_by_pure_dict(d)` | `nnx.replace_by_pure_dict(s, d)` |
| `s.flat_state()` | `nnx.to_flat_state(s)` |
| `nnx.State.from_flat_path(x)` | `nnx.from_flat_state(x)` |
| `s.map(f)` | `nnx.map_state(f, s)` |
| `s.filter(A)`, `s.filter(A, B)` | `nnx.filter_state(s, A)`, `nnx.filter_state(s, A, B)` |
| `s.split(A, ...)` | `nnx.split_state(s, A, ...)` |
| `nnx.State.merge(a, b)`, `s.merge(a, b)` | `nnx.merge_state(a, b)`: `merge` never looks at `s` |

* **0.10.0–0.10.3**: the methods only. The rule is silent while they are to be supported.
* **0.10.4–0.12.8**: both; the methods warn.

## Fix safety

The fix is safe on what is a State for certain: the function does what the method does.

It is unsafe

* on an attribute such as `self.state`, which other code may set to something else;
* on an item of a state, such as `state["kernel"]`, and on the state of a Variable: either may be a Variable, which has the
  methods of its value;
* on an object that is a State only by the name of the method, or by the calls of a function in this file;
* where `map` is called on the result of one call and gets the result of another: the function evaluates its arguments in
  the other order;
* for `s.from_flat_path(x)`, which makes an object of the subclass if `s` is of a subclass of State.

There is no fix for `nnx.State.map(s, f)`, for arguments of `map` that are unpacked, and where this file has no name for the
function.

## References

* <https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/state.html>
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TypeGuard

from flake8_nnx_treemap.analysis.code.nodes import dotted_name, start_of, walk
from flake8_nnx_treemap.analysis.names.format_parts import is_format_part
from flake8_nnx_treemap.analysis.names.scopes import BindingKind, ScopeKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.names.spelling import spelling_of
from flake8_nnx_treemap.analysis.values.contents import contents_of
from flake8_nnx_treemap.analysis.values.other_classes import is_of_other_class
from flake8_nnx_treemap.analysis.values.provenance import Origin, TreeKind, attribute_values, member_of_nnx, origin_of
from flake8_nnx_treemap.analysis.values.tested_states import is_made_state, is_tested_state
from flake8_nnx_treemap.names import NNX_MODULES, STATE_FUNCTIONS, FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.advice import spelled
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.method_calls import name_range, with_owner_first, with_owner_last, without_owner
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule
from flake8_nnx_treemap.rules.steps import Step

MESSAGE = "State.{}() is deprecated since Flax 0.10.4: use {}({})"
_OF_STATE_ALONE = frozenset({"to_pure_dict", "replace_by_pure_dict", "flat_state", "from_flat_path"})
_OF_THE_CLASS = frozenset({"merge", "from_flat_path"})
_STATES = (TreeKind.STATE, TreeKind.GRADIENTS)
_ARGUMENTS = {
    **dict.fromkeys(("to_pure_dict", "flat_state"), "state"),
    **dict.fromkeys(("filter", "split", "replace_by_pure_dict"), "state, .."),
    "map": "f, state",
    "merge": "first, second",
    "from_flat_path": "flat_state",
}


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each call of a method of State that has become a function."""
    for method, function in STATE_FUNCTIONS.items():
        if method in _overridden(source):
            continue
        for call in source.bindings.calls.get(method, ()):
            if not isinstance(call.func, ast.Attribute) or is_format_part(source, call):
                continue
            named = source.bindings.names_of(call.func)
            if named:
                is_of_state = {member_of_nnx(name) for name in named} == {f"State.{method}"}
                fix = _fix_of_class(source, call, function) if is_of_state else None
            else:
                is_of_state = _is_state(source, call.func)
                fix = _fix(source, call, call.func, function) if is_of_state else None
            if is_of_state:
                message = MESSAGE.format(method, spelled(source, function, call), _ARGUMENTS[method])
                yield Finding("NNX211", message, name_range(source, call.func), fix)


# Whose method it is


def _is_state(source: ParsedSource, method: ast.Attribute) -> bool:
    origin = origin_of(source, method.value)
    if (isinstance(origin, Origin) and origin.kind in _STATES) or is_tested_state(source, method.value):
        return True
    if is_made_state(source, method.value):
        return True
    if method.attr not in _OF_STATE_ALONE or not _uses_nnx(source) or _defines(source, method.attr):
        return False
    return not _is_something_else(source, method.value)


def _is_something_else(source: ParsedSource, owner: ast.expr) -> bool:
    """Tell whether an owner is named as environments and settings are, or is known to be no State."""
    if contents_of(source, owner).things:
        return True
    values = attribute_values(source, owner) if isinstance(owner, ast.Attribute) else _values_of(source, owner)
    return any(_is_named_otherwise(value) or is_of_other_class(source, value) for value in (owner, *values))


def _is_named_otherwise(owner: ast.expr) -> bool:
    names = [name.lower() for name in _names_along(owner)]
    if not _NAMES_OF_NO_STATES.isdisjoint(names):
        return True
    return not _ARE_NO_STATES.isdisjoint(word for name in names for word in name.split("_"))


def _names_along(node: ast.expr) -> Iterator[str]:
    """Yield the names from an attribute, an item or the result of a call down to what has it: not those of arguments."""
    inner: ast.expr | None = node
    while inner is not None:
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
        inner = inner.func if isinstance(inner, ast.Call) else getattr(inner, "value", None)


def _values_of(source: ParsedSource, owner: ast.expr) -> list[ast.expr]:
    """Return what is assigned to a name, and whose method made that: ``env`` of ``env.reset()``."""
    bindings = source.bindings.bindings_of(owner.id, start_of(owner)) if isinstance(owner, ast.Name) else ()
    values = [one.value for one in bindings if one.kind is BindingKind.ASSIGNMENT and one.value is not None]
    return [found for one in values for found in (one, *_owner_of_called(one))]


def _owner_of_called(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        yield value.func.value


_ARE_NO_STATES = frozenset(
    {"cfg", "config", "configs", "dataset", "ds", "env", "environment", "envs", "game", "hparams", "obs", "options"}
    | {"physics", "settings", "sim", "simulation", "simulator"}
)
"""Words in names of what has such methods in reinforcement learning, simulation, configuration and data: no States."""

_NAMES_OF_NO_STATES = frozenset({"args", "info"})
"""Whole names of such things: a ``call_args`` of a mock may hold anything."""


@remembered
def _uses_nnx(source: ParsedSource) -> bool:
    names = [one.qualified_name or "" for _, bound in source.bindings.all_bound() for one in bound]
    if any(name == module or name.startswith(f"{module}.") for name in names for module in NNX_MODULES):
        return True
    return "flax" in names and "nnx" in source.bindings.attributes


@remembered
def _defines(source: ParsedSource, name: str) -> bool:
    """Tell whether a class or function of the file has the name, or something sets it: ``Box.flat_state = …``."""
    uses = [use for use in source.bindings.attributes.get(name, ()) if isinstance(use, ast.Attribute)]
    if any(isinstance(use.ctx, ast.Store) for use in uses):
        return True
    bound = [one for other, bindings in source.bindings.all_bound() if other == name for one in bindings]
    return any(one.kind is BindingKind.FUNCTION or one.scope.kind is ScopeKind.CLASS for one in bound)


@remembered
def _overridden(source: ParsedSource) -> frozenset[str]:
    """Return the names that classes of a file with subclasses of State define: their methods may do anything."""
    classes = [one.node for one in source.bindings.statements if isinstance(one.node, ast.ClassDef)]
    bases = [base.value if isinstance(base, ast.Subscript) else base for one in classes for base in one.bases]
    is_derived = any(member_of_nnx(name) == "State" for base in bases for name in source.bindings.names_of(base))
    is_made = any(len(call.args) == 3 for call in source.bindings.calls.get("type", ()))
    if not (is_derived or is_made):
        return frozenset()
    texts = (str(one.value) for call in source.bindings.calls.get("type", ()) for one in walk(call) if _is_text(one))
    bound = source.bindings.all_bound()
    return frozenset(name for name, found in bound if any(one.scope.kind is ScopeKind.CLASS for one in found)) | {
        *texts
    }


def _is_text(node: ast.AST) -> TypeGuard[ast.Constant]:
    """Tell whether a node is a string."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


# The fix


def _fix_of_class(source: ParsedSource, call: ast.Call, function: str) -> Fix | None:
    assert isinstance(call.func, ast.Attribute)
    if call.func.attr == "map":
        return None
    return _made(source, call, function, True, lambda text: without_owner(source, call, text))


def _fix(source: ParsedSource, call: ast.Call, method: ast.Attribute, function: str) -> Fix | None:
    is_certain = safety.owner_is_a_state(source, method.value)
    if method.attr in _OF_THE_CLASS:
        parts = dotted_name(method.value)
        if parts is None or parts[-1][:1].isupper() or not call.args:
            return None  # A subclass of State makes one of its own class.
        is_certain = is_certain and method.attr == "merge"
        return _made(source, call, function, is_certain, lambda text: without_owner(source, call, text))
    if method.attr != "map":
        return _made(source, call, function, is_certain, lambda text: with_owner_first(source, call, text))
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if len(given) != 1 or isinstance(given[0], ast.Starred) or any(keyword.arg != "f" for keyword in call.keywords):
        return None
    if any(isinstance(node, ast.NamedExpr) for node in walk(call)):
        return None  # The other argument may be what it binds.
    is_certain = is_certain and safety.evaluation_order_does_not_matter(source, method.value, given[0])
    name = "state" if call.keywords else ""
    return _made(source, call, function, is_certain, lambda text: with_owner_last(source, call, text, name))


def _made(
    source: ParsedSource,
    call: ast.Call,
    function: str,
    is_certain: bool,
    write: Callable[[str], list[Step] | None],
) -> Fix | None:
    spelling = spelling_of(source, function, start_of(call))
    steps = None if spelling is None else write(spelling.text)
    if spelling is None or steps is None:
        return None
    assert isinstance(call.func, ast.Attribute)
    applicability = safety.safe_if(
        is_certain,
        safety.name_is_bound_for_certain(spelling),
        safety.names_are_bound_in_the_open(source),
        safety.warnings_are_not_watched(source),
        safety.members_are_themselves(source, call.func.attr, function),
        safety.imported_states_have_no_such_method(source, call.func.attr),
    )
    return make_fix(applicability, "Use the function", [*steps, *spelling.edits])


EXAMPLES = (
    Example(
        title="Plain values, and flat ones",
        source="""\
from flax import nnx


def result():
    state = nnx.state(nnx.Linear(2, 3, use_bias=False, rngs=nnx.Rngs(0)))
    return sorted(state.to_pure_dict()), [path for path, _ in state.flat_state()]
""",
        marked=("to_pure_dict", "flat_state"),
        fixed={
            "0.10.4": """\
from flax import nnx


def result():
    state = nnx.state(nnx.Linear(2, 3, use_bias=False, rngs=nnx.Rngs(0)))
    return sorted(nnx.to_pure_dict(state)), [path for path, _ in nnx.to_flat_state(state)]
""",
        },
        applicability=Applicability.SAFE,
        floor="0.10.4",
        trees=(),
        result=(["kernel"], [("kernel",)]),
    ),
    Example(
        title="A map, after a filter",
        source="""\
import jax.numpy as jnp
from flax import nnx


def result():
    model = nnx.BatchNorm(2, rngs=nnx.Rngs(0))
    params = nnx.state(model).filter(nnx.Param)
    ones = params.map(lambda path, leaf: leaf.replace(jnp.ones(2)))
    return {name: array.tolist() for name, array in nnx.to_pure_dict(ones).items()}
""",
        marked=("filter", "map"),
        fixed={
            "0.10.4": """\
import jax.numpy as jnp
from flax import nnx


def result():
    model = nnx.BatchNorm(2, rngs=nnx.Rngs(0))
    params = nnx.filter_state(nnx.state(model), nnx.Param)
    ones = nnx.map_state(lambda path, leaf: leaf.replace(jnp.ones(2)), params)
    return {name: array.tolist() for name, array in nnx.to_pure_dict(ones).items()}
""",
        },
        applicability=Applicability.SAFE,
        floor="0.10.4",
        trees=(),
        result={"bias": [1.0, 1.0], "scale": [1.0, 1.0]},
    ),
    Example(
        title="A method of the class",
        source="""\
from flax import nnx


def result():
    _, params, rest = nnx.split(nnx.BatchNorm(2, rngs=nnx.Rngs(0)), nnx.Param, ...)
    return sorted(nnx.State.merge(params, rest))
""",
        marked=("merge",),
        fixed={
            "0.10.4": """\
from flax import nnx


def result():
    _, params, rest = nnx.split(nnx.BatchNorm(2, rngs=nnx.Rngs(0)), nnx.Param, ...)
    return sorted(nnx.merge_state(params, rest))
""",
        },
        applicability=Applicability.SAFE,
        floor="0.10.4",
        trees=(),
        result=["bias", "mean", "scale", "var"],
    ),
)

RULE = Rule(
    CODES["NNX211"],
    "A method of `nnx.State` warns: use the function",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.owner_is_a_state,
        safety.evaluation_order_does_not_matter,
        safety.name_is_bound_for_certain,
        safety.names_are_bound_in_the_open,
        safety.warnings_are_not_watched,
        safety.members_are_themselves,
        safety.imported_states_have_no_such_method,
    ),
)
