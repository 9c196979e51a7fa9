"""`.value` of a Variable warns from Flax 0.12.1 on; `get_value()` and `set_value(…)` do not.

## What it does

Finds reads and writes of `.value` and `.raw_value` of Variables, in code for Flax 0.12.1 and later: a name that
`isinstance` has tested, the leaf of a mapper or loop whose `is_leaf` stops at Variables, `nnx.Param(…)` and what a
Variable class of the project makes, names and attributes that are set to nothing else, and the parameter of a function
that this file gives nothing else to. So are the values of a flat state (`for path, v in nnx.to_flat_state(state)`), and
`self` in a Variable class. A `case nnx.Param():` of `match` is a test as `isinstance` is. In a mapper of several trees, the
leaf of a further tree counts beside the Variable of the first, where its tree is known to hold Variables, or where the mapper
reads the value of both.

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
in a choice whose test asks for the release, by `hasattr(x, "get_value")`, `flax.__version__` and the like.

## Why it is wrong

Each access warns, once for each place in the code, and code run with `-W error` stops there. The warning advises
`variable[...]`, which is right for arrays alone. It fails on a float, a list, a dict, `None` and a `ShapeDtypeStruct`.
And it succeeds on a raw array, where `.value` would have shown the mistake.

## What Flax does

* **0.10.0–0.12.0**: silent; `get_value()` does not exist. The rule is silent while you support them.
* **0.12.1–0.12.8**: `DeprecationWarning`; `.value` does nothing but call `get_value()`, or `set_value(…)`.

## Fix safety

The fix is safe on what is a Variable for certain: the attribute calls the method that the fix writes.

It is unsafe for `self.name.value` and for what is taken from attributes, since code elsewhere may set them to something else,
and for the parameter of a public function that only the calls in this file tell of: another file may call it with an `Enum`.
It is unsafe, too, for what only a name tells, for items of state, and for Variable classes of the project, of which a subclass
may override `value`. A function is public if its name has no leading underscore and it stands in no other function. There is
no fix for `+=` and its like, for an assignment of several names at once, for `del`, and in f-strings.

A statement is not converted by halves: if it also reads or sets `.value` of something that may be a Variable and cannot be
converted safely, the fixes of all others in it are unsafe as well. Members of an `Enum` and properties of `self` do not count.

## References

* <https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/variables.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace

from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.scopes import Host
from flake8_nnx_treemap.analysis.names.source import ParsedSource, host_of
from flake8_nnx_treemap.analysis.values.doubt import may_be_variable
from flake8_nnx_treemap.analysis.values.wrappers import is_format_part, wrapper_attributes
from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import assignment_as_call, make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule
from flake8_nnx_treemap.rules.steps import Step

_NAMES = ("value", "raw_value")

MESSAGE = "'.{}' of a Variable is deprecated since Flax 0.12.1: use {}"


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each access to the value of a Variable as an attribute."""
    accesses = [
        node
        for name in _NAMES
        for node in (*wrapper_attributes(source, name), *wrapper_attributes(source, name, ast.Store))
    ]
    fixes = {node: _fix(source, node) for node in accesses}
    halved = _statements_with_others(source, fixes) if fixes else frozenset()
    for node, fix in fixes.items():
        method = f"get_{node.attr}()" if isinstance(node.ctx, ast.Load) else f"set_{node.attr}(..)"
        if fix is not None and host_of(source, node) in halved:
            fix = replace(fix, applicability=Applicability.UNSAFE)
        yield Finding("NNX206", MESSAGE.format(node.attr, method), source.range(node), fix)


def _statements_with_others(source: ParsedSource, fixes: Mapping[ast.Attribute, Fix | None]) -> frozenset[Host]:
    """Return the statements with an access that no safe fix converts: of a Variable, or of what may be one."""
    statements = {host_of(source, node) for node in fixes}
    others = (
        node
        for node in (use for name in _NAMES for use in source.bindings.attributes.get(name, ()))
        if isinstance(node, ast.Attribute) and node not in fixes and host_of(source, node) in statements
    )
    left = [node for node in others if may_be_variable(source, node.value)]
    left += [node for node, fix in fixes.items() if fix is None or fix.applicability is not Applicability.SAFE]
    return frozenset(host_of(source, node) for node in left)


def _fix(source: ParsedSource, node: ast.Attribute) -> Fix | None:
    if is_format_part(source, node):
        return None
    step: Step | None
    if isinstance(node.ctx, ast.Load):
        end = source.range(node).end
        name = Range(source.position(source.offset(end) - len(node.attr)), end)
        # A ligature, as in "ﬁle", is several letters in the ``ast``.
        step = source.replace(name, f"get_{node.attr}()") if source.text_in(name) == node.attr else None
    else:
        step = assignment_as_call(source, node, f"set_{node.attr}(")
    applicability = safety.safe_if(
        safety.owner_is_a_variable(source, node.value),
        safety.names_are_bound_in_the_open(source),
    )
    return make_fix(applicability, "Use the method", [step])


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
        safety.names_are_bound_in_the_open,
    ),
)
