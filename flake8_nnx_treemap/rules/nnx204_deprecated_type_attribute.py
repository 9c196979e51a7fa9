"""`.type` of a Variable is `type(…)` from Flax 0.11 on.

## What it does

Finds reads of `.type` from what is a Variable for certain, in code for Flax 0.11 and later: a name that `isinstance`
has tested, the leaf of a mapper whose `is_leaf` stops at Variables, `nnx.Param(…)` and names set to it.

It is silent where a class of the same file that is or may be a Variable defines a `type` of its own. A subclass in
another file that does so is not seen.

It is silent in code that is ready for several releases: in a `try` that handles `AttributeError` or `ImportError`, and
in a choice whose test asks for the release, by `hasattr(nnx.Variable, "get_value")`, `flax.__version__` and the like.

## Why it is wrong

A `VariableState` stored the type of its Variable. A Variable is an instance of its type like any object. Flax keeps the
attribute for old code.

## What Flax does

* **0.10.0–0.10.7**: the Variable's type; `type(…)` is `VariableState`. The rule is silent while you support them.
* **0.11.0–0.12.0**: the same as `type(…)`, with a `DeprecationWarning`.
* **0.12.1–0.12.8**: the same, silently.

## Fix safety

The fix is safe on what is a Variable for certain: the attribute returns nothing but `type(…)`.

It is unsafe for `self.name.type`, since code elsewhere may
set such an attribute to something else, and for the parameter of a function that only the calls in this file tell of,
since others may call it with something else. There is no fix where `type` is another name in the file, or in an
f-string.

## References

* <https://flax.readthedocs.io/en/latest/migrating/nnx_010_to_nnx_011.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.text import Edit, Range
from flake8_nnx_treemap.analysis.names.format_parts import is_format_part
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.wrappers import wrapper_attributes
from flake8_nnx_treemap.names import WRAPPERS, FlaxRange, canonical
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

MESSAGE = "'.type' of a Variable is deprecated since Flax 0.11: use type({})"
KEPT = "'.type' of a Variable is kept for old code alone: use type({})"

_SILENT_SINCE = (0, 12, 1)
"""The release from which on the attribute no longer warns."""


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each read of `.type` from a Variable."""
    for node in wrapper_attributes(source, "type"):
        if isinstance(node.ctx, ast.Load):
            owner = " ".join(source.text_of(node.value).split())
            message = (KEPT if flax.starts_from(_SILENT_SINCE) else MESSAGE).format(owner)
            yield Finding("NNX204", message, source.range(node), _fix(source, node))


def _fix(source: ParsedSource, node: ast.Attribute) -> Fix | None:
    if is_format_part(source, node) or not safety.builtin_is_itself(source, "type", node):
        return None
    range_ = source.range(node)
    owner = source.range(node.value)
    if source.offset(owner.start) != source.offset(range_.start):
        return None  # The owner is in parentheses.
    text = f"type({source.text_in(owner)})"
    applicability = safety.safe_if(
        safety.owner_is_a_variable(source, node.value),
        safety.variables_have_no_such_member(source, "type"),
        safety.names_are_bound_in_the_open(source),
        safety.warnings_are_not_watched(source),
    )
    return make_fix(applicability, "Ask for the type", [source.replace(range_, text), *_identity(source, node)])


def _identity(source: ParsedSource, node: ast.Attribute) -> Iterator[Edit]:
    """Yield the edit that compares with a class of Flax by ``is``, as formatters and linters want types compared."""
    comparison = source.ast_parent(node)
    if not isinstance(comparison, ast.Compare) or len(comparison.ops) != 1:
        return
    operator = _IDENTITIES.get(type(comparison.ops[0]))
    sides = (comparison.left, comparison.comparators[0])
    others = (source.bindings.names_of(one) for one in sides if one is not node)
    if operator is None or not any(found and all(canonical(one) in WRAPPERS for one in found) for found in others):
        return
    between = Range(source.range(sides[0]).end, source.range(sides[1]).start)
    written = source.text_in(between)
    if written.strip() in ("==", "!=") and "\n" not in written:
        yield source.replace(between, f" {operator} ")


_IDENTITIES: dict[type[ast.cmpop], str] = {ast.Eq: "is", ast.NotEq: "is not"}
"""Classes of Flax are equal if they are one."""


EXAMPLES = (
    Example(
        title="Variables by their type",
        source="""\
import jax
from flax import nnx


def convert(state):
    leaves = jax.tree.leaves(state, is_leaf=lambda x: isinstance(x, nnx.Variable))
    return [leaf.type(leaf.value) for leaf in leaves if isinstance(leaf, nnx.Variable)]
""",
        marked=("leaf.type",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    leaves = jax.tree.leaves(state, is_leaf=lambda x: isinstance(x, nnx.Variable))
    return [type(leaf)(leaf.value) for leaf in leaves if isinstance(leaf, nnx.Variable)]
""",
        },
        applicability=Applicability.SAFE,
        floor="0.11",
    ),
    Example(
        title="In a mapper",
        source="""\
import jax
from flax import nnx


def doubled(leaf):
    if not isinstance(leaf, nnx.Variable):
        return leaf
    return leaf.type(leaf.value)


def convert(state):
    return jax.tree.map(doubled, state, is_leaf=lambda x: isinstance(x, nnx.Variable))
""",
        marked=("leaf.type",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def doubled(leaf):
    if not isinstance(leaf, nnx.Variable):
        return leaf
    return type(leaf)(leaf.value)


def convert(state):
    return jax.tree.map(doubled, state, is_leaf=lambda x: isinstance(x, nnx.Variable))
""",
        },
        applicability=Applicability.SAFE,
        floor="0.11",
    ),
)

RULE = Rule(
    CODES["NNX204"],
    "`.type` of a Variable is `type(…)`",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.owner_is_a_variable,
        safety.variables_have_no_such_member,
        safety.builtin_is_itself,
        safety.names_are_bound_in_the_open,
        safety.warnings_are_not_watched,
    ),
)
