"""`.value` of a Variable warns from Flax 0.12.1 on; `get_value()` and `set_value(…)` do not.

## What it does

Finds reads and writes of `.value` and `.raw_value` of Variables, in code for Flax 0.12.1 and later: a name that
`isinstance` has tested, the leaf of a mapper or loop whose `is_leaf` stops at Variables, `nnx.Param(…)` and what a
Variable class of the project makes, names and attributes that are set to nothing else, and the parameter of a function
that this file gives nothing else to. So are attributes that `isinstance` has tested, what a pattern of `match` captures,
what `nnx.map_state` hands over, the values of a flat state (`for path, v in nnx.to_flat_state(state)`), items of state
(`state["layer"]["scale"].value`) unless something in it may be called `value`, and `self` in a Variable class.

Flax's own layers call their Variables `kernel`, `bias`, `embedding`, `lora_a` and `lora_b`. The rule takes attributes
of these names for Variables, whatever object has them, unless the file sets one to something else, or imports Linen,
Keras or TensorFlow, whose layers have them as well. It does the same with `scale` of an object that is called a norm,
and with `step` of an optimizer.

The rule follows attributes through Modules: `self.linear.kernel.value`, `model.layers[0].attention.query.bias.value`. Which
attributes Flax's own layers have is measured. Those of other classes are what their methods, helpers, base classes and
annotations set, in containers and loops over these as well, also where another file of the project defines the class.

In f-strings it finds them from Python 3.12 on, where the parser tells where they are.

It is silent where a class of the same file that is or may be a Variable defines a `value` of its own: `get_value()`
would not call it. A subclass in another file that overrides `value` is not seen.

It is silent in code that is ready for several releases: in a `try` that handles `AttributeError` or `ImportError`, and
in a choice whose test asks for the release, by `hasattr(x, "get_value")`, `flax.__version__` and the like; in functions
that only such choices name; and where a test wants the warning, as by `pytest.warns(DeprecationWarning)`, or is marked to
ignore it.

## Why it is wrong

Each access warns, once for each place in the code, and code run with `-W error` stops there. The warning advises
`variable[...]`, which is right for arrays alone. It fails on a float, a list, a dict, `None` and a `ShapeDtypeStruct`.
And it succeeds on a raw array, where `.value` would have shown the mistake.

## What Flax does

* **0.10.0–0.12.0**: silent; `get_value()` does not exist. The rule is silent while you support them.
* **0.12.1–0.12.8**: `DeprecationWarning`; `.value` does nothing but call `get_value()`, or `set_value(…)`.

## Fix safety

The fix is safe on what is a Variable for certain: the attribute calls the method that the fix writes.

It is unsafe

* for `self.name.value`, for what is read from attributes, and for a variable of the module that a function reads: other code
  may set them to something else;
* for a parameter that is a Variable only by the calls in this file: another file may call the function with an `Enum`. A
  function inside another function is called by this file alone, so its parameters count;
* for the leaves of a mapper over an unknown tree, for items of state, and for what only its name says to be a Variable;
* for Variable classes of your own: a subclass, or a base class in another file, may override `value`.

If a statement reads or writes several values, a run with safe fixes converts all of them or none. So each of its fixes is
unsafe if one of them is, if one value has no fix, or if it is unknown what one of the values belongs to.

There is no fix for `+=` and other augmented assignments, for an assignment of several names at once, for `del`, and in f-strings.

## References

* <https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/variables.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.names.format_parts import is_format_part
from flake8_nnx_treemap.analysis.names.source import ParsedSource, host_of, remembered
from flake8_nnx_treemap.analysis.values.doubt import may_be_variable
from flake8_nnx_treemap.analysis.values.other_classes import is_of_other_class
from flake8_nnx_treemap.analysis.values.wrappers import wrapper_attributes
from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import (
    VALUE_MEMBERS,
    assignment_as_call,
    make_fix,
    value_by_method,
    values_are_read_by_flax,
)
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule
from flake8_nnx_treemap.rules.steps import Step

MESSAGE = "'.{}' of a Variable is deprecated since Flax 0.12.1: use {}"


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each access to the value of a Variable as an attribute."""
    for name in VALUE_MEMBERS:
        for node in (*wrapper_attributes(source, name), *wrapper_attributes(source, name, ast.Store)):
            method = f"get_{name}()" if isinstance(node.ctx, ast.Load) else f"set_{name}(..)"
            yield Finding("NNX206", MESSAGE.format(name, method), source.range(node), _fix(source, node))


def _fix(source: ParsedSource, node: ast.Attribute) -> Fix | None:
    step = _step(source, node)
    if step is None:
        return None
    applicability = safety.safe_if(
        safety.owner_is_a_variable(source, node.value),
        values_are_read_by_flax(source, node.attr),
        safety.names_are_bound_in_the_open(source),
        safety.warnings_are_not_watched(source),
    )
    if applicability is Applicability.SAFE and not _is_converted_whole(source, host_of(source, node)):
        applicability = Applicability.UNSAFE
    return make_fix(applicability, "Use the method", [step])


def _step(source: ParsedSource, node: ast.Attribute) -> Step | None:
    if isinstance(node.ctx, ast.Load):
        return value_by_method(source, node)
    return None if is_format_part(source, node) else assignment_as_call(source, node, f"set_{node.attr}(")


@remembered
def _is_converted_whole(source: ParsedSource, host: ast.AST) -> bool:
    """Tell whether safe fixes convert all values that a statement reads or writes, so that it is not left mixed."""
    return all(
        is_of_other_class(source, node.value)
        or not may_be_variable(source, node.value)
        or (safety.owner_is_a_variable(source, node.value) and _step(source, node) is not None)
        for node in _accesses_by_host(source)[host]
    )


@remembered
def _accesses_by_host(source: ParsedSource) -> dict[ast.AST, list[ast.Attribute]]:
    """Return the reads and writes of values of any object, by the statement, or the head of one, that they are in."""
    found: dict[ast.AST, list[ast.Attribute]] = {}
    for name in VALUE_MEMBERS:
        for node in source.bindings.attributes.get(name, ()):
            if isinstance(node, ast.Attribute):
                found.setdefault(host_of(source, node), []).append(node)
    return found


EXAMPLES = (
    Example(
        title="In a mapper",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.replace(v.value) if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        marked=("v.value",),
        fixed={
            "0.12.1": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.replace(v.get_value()) if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        },
        applicability=Applicability.SAFE,
        floor="0.12.1",
    ),
    Example(
        title="The attributes of a Module and of its layers",
        source="""\
import jax.numpy as jnp
from flax import nnx


class Model(nnx.Module):
    def __init__(self, rngs):
        self.linear = nnx.Linear(2, 2, rngs=rngs)
        self.scale = self.create_param((2,))

    def create_param(self, shape):
        return nnx.Param(jnp.ones(shape))

    def __call__(self, x):
        return x @ self.linear.kernel.value * self.scale.value


def result():
    return list(Model(nnx.Rngs(0))(jnp.ones((3, 2))).shape)
""",
        marked=("self.linear.kernel.value", "self.scale.value"),
        fixed={
            "0.12.1": """\
import jax.numpy as jnp
from flax import nnx


class Model(nnx.Module):
    def __init__(self, rngs):
        self.linear = nnx.Linear(2, 2, rngs=rngs)
        self.scale = self.create_param((2,))

    def create_param(self, shape):
        return nnx.Param(jnp.ones(shape))

    def __call__(self, x):
        return x @ self.linear.kernel.get_value() * self.scale.get_value()


def result():
    return list(Model(nnx.Rngs(0))(jnp.ones((3, 2))).shape)
""",
        },
        applicability=Applicability.UNSAFE,
        floor="0.12.1",
        trees=(),
        result=[3, 2],
    ),
    Example(
        title="Written as well as read",
        source="""\
import jax
from flax import nnx


def convert(state):
    counter = nnx.Variable([0])
    counter.value = [counter.raw_value[0] + 1]
    return jax.tree.map(lambda x: [x, counter.get_value()[0]], state)
""",
        marked=("counter.value", "counter.raw_value"),
        fixed={
            "0.12.1": """\
import jax
from flax import nnx


def convert(state):
    counter = nnx.Variable([0])
    counter.set_value([counter.get_raw_value()[0] + 1])
    return jax.tree.map(lambda x: [x, counter.get_value()[0]], state)
""",
        },
        applicability=Applicability.SAFE,
        floor="0.12.1",
    ),
)

RULE = Rule(
    CODES["NNX206"],
    "`.value` of a Variable warns: use `get_value()` and `set_value(…)`",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.owner_is_a_variable,
        safety.variables_have_no_such_member,
        safety.names_are_bound_in_the_open,
        safety.warnings_are_not_watched,
    ),
)
