"""A Variable's metadata can no longer be set as an attribute from Flax 0.12.1 on.

## What it does

Finds assignments such as `v.sharding = …` to what is a Variable for certain, in code that runs on Flax 0.12.1 or later:
a name that `isinstance` has tested, the leaf of a mapper whose `is_leaf` stops at Variables, `nnx.Param(…)` and names
set to it; and `self` in the methods of a class that inherits from Variables alone. Private names are metadata as well.

It is silent on a name for which a class of the same file that is or may be a Variable defines a property or an
attribute: it can be set. A subclass in another file that does so is not seen.

It is silent in code that is ready for several releases: in a `try` that handles `AttributeError` or any error, and in a
choice whose test asks for the release, by `hasattr(v, "set_metadata")`, `flax.__version__` and the like.

## Why it is wrong

Up to 0.12.0, setting an attribute that a Variable does not define set its metadata. From 0.12.1 on, it raises.

## What Flax does

* **0.10.0–0.12.0**: sets the metadata. What state holds has `set_metadata` from 0.12.0 on.
* **0.12.1–0.12.8**: `AttributeError: Cannot set attribute`.

## Fix safety

The fix is safe on what is a Variable for certain: the original raises.

It writes `v.set_metadata(name=…)`. It is unsafe for `self.name.attribute = …`, since
code elsewhere may set `self.name` to something else, and for the parameter of a function that only the calls in this
file tell of, since others may call it with something else. It is unsafe where a class of Variables has a base with room for
attributes. There is no fix for an assignment of several names at once, for
`+=` and its like, nor while a release below 0.12.1 is to be supported.

For `self.name = name` in the `__init__` of a subclass one text is right on all releases, and it is the fix on each of them: the keyword is
handed to `super().__init__(…)`, which keeps it as metadata. It is unsafe, as is any fix in a class's own methods: a subclass
elsewhere may have a place for the attribute. It is made where a parameter or a constant is set, at the top level of a method that has
called Flax's own `__init__` before, and where no keyword that Flax reads itself is concerned, such as `sharding`.

## References

* <https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/variables.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.nodes import start_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.old_state import is_no_variable, is_only_for_old_state
from flake8_nnx_treemap.analysis.values.provenance import TreeKind, kind_of_self
from flake8_nnx_treemap.analysis.values.variable_methods import OwnAttribute, own_attributes
from flake8_nnx_treemap.analysis.values.wrappers import wrapper_attributes
from flake8_nnx_treemap.names import METADATA_NEEDS_METHOD, VARIABLE_ONLY_ATTRIBUTES, VARIABLE_SLOTS, FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.initializing import hand_over_keyword
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import assignment_as_call, make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

MESSAGE = "setting metadata as an attribute raises AttributeError from Flax 0.12.1 on: use set_metadata({}=..)"

INITIALIZE = (
    "setting metadata as an attribute raises AttributeError from Flax 0.12.1 on: hand {0}=.. to super().__init__"
)


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each assignment to an attribute of a Variable that is metadata."""
    for name in sorted(source.bindings.set_attributes):
        if name.startswith("__") or name in VARIABLE_SLOTS or name in VARIABLE_ONLY_ATTRIBUTES or name == "type":
            continue
        for node in wrapper_attributes(source, name, ast.Store, of_self=False):
            is_own = isinstance(node.value, ast.Name) and kind_of_self(source, node.value) is TreeKind.VARIABLES
            if not is_own and not _is_ready(source, node):
                fix = _fix(source, node) if flax.starts_from(METADATA_NEEDS_METHOD) else None
                yield Finding("NNX205", MESSAGE.format(name), source.range(node), fix)
        for own in own_attributes(source, name):
            if not _is_ready(source, own.node):
                yield _of_own(source, own, flax)


def _is_ready(source: ParsedSource, node: ast.Attribute) -> bool:
    """Tell whether the error is handled, or the assignment is to state of releases on which it works."""
    place = start_of(node)
    is_old = is_no_variable(source, node.value) or is_only_for_old_state(source, place)
    return is_old or source.expects_attribute_error_at(place)


def _of_own(source: ParsedSource, own: OwnAttribute, flax: FlaxRange) -> Finding:
    """Return the finding for ``self.name = …`` in a Variable class: the keyword belongs into ``super().__init__(..)``."""
    name = own.node.attr
    steps = None if own.is_hidden else hand_over_keyword(source, own)
    if steps is not None:
        fix = make_fix(Applicability.UNSAFE, "Hand it to super().__init__", steps)
        return Finding("NNX205", INITIALIZE.format(name), source.range(own.node), fix)
    is_method_known = flax.starts_from(METADATA_NEEDS_METHOD) and not own.is_hidden
    return Finding(
        "NNX205", MESSAGE.format(name), source.range(own.node), _fix(source, own.node) if is_method_known else None
    )


def _fix(source: ParsedSource, node: ast.Attribute) -> Fix | None:
    step = assignment_as_call(source, node, f"set_metadata({node.attr}=")
    applicability = safety.safe_if(
        safety.owner_is_a_variable(source, node.value),
        safety.variables_have_no_such_member(source, node.attr, "set_metadata", "__slots__", "__dict__"),
        safety.nothing_sees_the_error(source, node, AttributeError),
        safety.names_are_bound_in_the_open(source),
    )
    return make_fix(applicability, "Use set_metadata", [step])


EXAMPLES = (
    Example(
        title="In a mapper that copies",
        source="""\
import jax
from flax import nnx


def tagged(leaf):
    if isinstance(leaf, nnx.Variable):
        leaf = leaf.copy()
        assert isinstance(leaf, nnx.Variable)
        leaf.origin = "a file"
    return leaf


def convert(state):
    return jax.tree.map(tagged, state, is_leaf=lambda x: isinstance(x, nnx.Variable))
""",
        marked=("leaf.origin",),
        fixed={
            "0.12.1": """\
import jax
from flax import nnx


def tagged(leaf):
    if isinstance(leaf, nnx.Variable):
        leaf = leaf.copy()
        assert isinstance(leaf, nnx.Variable)
        leaf.set_metadata(origin="a file")
    return leaf


def convert(state):
    return jax.tree.map(tagged, state, is_leaf=lambda x: isinstance(x, nnx.Variable))
""",
        },
        applicability=Applicability.SAFE,
        floor="0.12.1",
    ),
    Example(
        title="A Variable that was just made",
        source="""\
import jax
from flax import nnx


def convert(state):
    scale = nnx.Param(2.0)
    scale.origin = "here"
    return jax.tree.map(lambda x: [x, scale.origin == "here"], state)
""",
        marked=("scale.origin",),
        fixed={
            "0.12.1": """\
import jax
from flax import nnx


def convert(state):
    scale = nnx.Param(2.0)
    scale.set_metadata(origin="here")
    return jax.tree.map(lambda x: [x, scale.origin == "here"], state)
""",
        },
        applicability=Applicability.SAFE,
        floor="0.12.1",
    ),
    Example(
        title="A subclass that keeps something of its own: one text is right on every release",
        source="""\
import jax
from flax import nnx


class Tagged(nnx.Variable):
    def __init__(self, value, tag, **metadata):
        super().__init__(value, **metadata)
        self.tag = tag


def convert(state):
    scale = Tagged(2.0, "scale")
    return jax.tree.map(lambda x: [x, scale.tag == "scale"], state)
""",
        marked=("self.tag",),
        fixed={
            "portable": """\
import jax
from flax import nnx


class Tagged(nnx.Variable):
    def __init__(self, value, tag, **metadata):
        super().__init__(value, tag=tag, **metadata)


def convert(state):
    scale = Tagged(2.0, "scale")
    return jax.tree.map(lambda x: [x, scale.tag == "scale"], state)
""",
        },
        applicability=Applicability.UNSAFE,
    ),
)

RULE = Rule(
    CODES["NNX205"],
    "A Variable's metadata cannot be set as an attribute",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.owner_is_a_variable,
        safety.variables_have_no_such_member,
        safety.nothing_sees_the_error,
        safety.names_are_bound_in_the_open,
    ),
)
