"""A name of `nnx` that newer releases of Flax no longer have.

## What it does

Finds `nnx.with_sharding_constraint`, `nnx.Scan`, `nnx.eval_mode` and every other public name of `nnx`, used or
imported, that the newest supported Flax does not have and an older one had. We measured which release has which names.

It is silent in code that is ready for several releases: in a `try` that handles the error, in a choice whose test asks
for the release, behind an `if` that raises from such a release on, and for names that the file asks for by
`hasattr(nnx, "Scan")` anywhere. It is silent as well below `TYPE_CHECKING`, and in annotations that are never
evaluated.

## Why it is wrong

Using the name raises `AttributeError` on those releases, and importing it raises `ImportError`.

## What Flax does

| name | there in Flax | in its place |
| --- | --- | --- |
| `with_sharding_constraint` | 0.10.0–0.11.1 | `jax.lax.with_sharding_constraint`, which raises without a mesh where the old one did nothing |
| `register_variable_name_type_pair` | 0.10.0–0.10.3 | `register_variable_name` |
| `Jit`, `Pmap`, `Remat`, `Scan`, `Vmap` | 0.10.0–0.10.5 | `jit`, `pmap`, `remat`, `scan`, `vmap`, which take functions |
| `fork`, `ForkStates` | 0.10.0–0.10.7 | nothing that gives the same |
| `MutableArray`, `mutable_array`, `mutable`, `freeze`, `is_mutable_array` | 0.10.7–0.11.0 | nothing that gives the same |
| `is_data_type` | 0.11.0–0.11.2 | nothing that gives the same |
| `ArrayRef`, `array_ref`, `is_array_ref`, `to_refs`, `to_arrays`, `use_refs`, `using_refs` | 0.11.1–0.12.0 | nothing that gives the same |
| `as_hijax_vars`, `as_pytree_vars`, `use_hijax`, … | 0.12.1, 0.12.2 | nothing that gives the same |
| `train_mode`, `eval_mode`, `set_mode`, `set_mode_info` | 0.12.1–0.12.3 | `view`, `view_info`: `view` raises on attributes that nothing has |

## Fix safety

The fix is safe where every supported release lacks the name: the original always raises there.

There are two of them:

* `jax.lax.with_sharding_constraint`: safe from Flax 0.11.2 on. It is unsafe while an older release is to be supported, which
  returns its argument where no mesh is set; and it is written only where the file imports `jax` or `jax.lax`.
* `nnx.register_variable_name`: from Flax 0.10.4 on; below, it is missing, and nothing is written.

Both are unsafe where other code may see the error. There is no fix where `except Exception` would handle it, nor for an
import that others share.

## References

* <https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/index.html>
* <https://docs.jax.dev/en/latest/_autosummary/jax.lax.with_sharding_constraint.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.nodes import Place, start_of
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource
from flake8_nnx_treemap.analysis.names.spelling import Spelling, can_be_used
from flake8_nnx_treemap.analysis.values.refusals import is_refused
from flake8_nnx_treemap.flax_names import NNX, names_that_went
from flake8_nnx_treemap.names import INSTEAD_OF_REMOVED, FlaxRange, release_text
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.absence import Absence, Mention, absence_of, mentions, spans_text
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.method_calls import name_range
from flake8_nnx_treemap.rules.renaming import imports_of, renamed_import
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

REMOVED = "nnx.{} was removed in Flax {}"
SHORT_LIVED = "nnx.{} is only in Flax {}"
NOTHING = "write code without it, or ask hasattr(nnx, {!r}) first"
FIX_MESSAGE = "Use what has taken its place"

_CONSTRAINT = "with_sharding_constraint"
_REGISTER, _REGISTER_NOW = "register_variable_name_type_pair", "register_variable_name"


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each name that the newest release of the range no longer has."""
    for mention in mentions(source, names_that_went()):
        absence = absence_of(mention.name, flax)
        if absence is None or not absence.is_over or is_refused(source, mention.range.start, absence.went):
            continue
        yield Finding("NNX214", _message(mention.name, absence), mention.range, _fix(source, mention, absence, flax))


def _message(name: str, absence: Absence) -> str:
    is_old = len(absence.spans) == 1 and absence.spans[0].first == (0, 10, 0)
    message = (
        REMOVED.format(name, release_text(absence.went))
        if is_old
        else SHORT_LIVED.format(name, spans_text(absence.spans))
    )
    return f"{message}: {f'use {INSTEAD_OF_REMOVED[name]}' if name in INSTEAD_OF_REMOVED else NOTHING.format(name)}"


def _fix(source: ParsedSource, mention: Mention, absence: Absence, flax: FlaxRange) -> Fix | None:
    spelling = None
    if mention.name == _CONSTRAINT and isinstance(mention.node, ast.Attribute):
        spelling = _spelling_of_lax(source, start_of(mention.node))
        edits = None if spelling is None else [source.replace(mention.range, spelling.text)]
    elif mention.name == _CONSTRAINT:
        edits = _imported_from_lax(source, mention)
    elif mention.name == _REGISTER and flax.starts_from(absence.went):
        edits = _registered(source, mention)
    else:
        return None
    applicability = safety.safe_if(
        safety.no_release_runs_the_original(flax, absence.went),
        safety.nothing_sees_the_error(source, mention.statement or mention.node, AttributeError, ImportError),
        spelling is None or safety.name_is_bound_for_certain(spelling),
        safety.names_are_bound_in_the_open(source),
        safety.members_are_themselves(source, mention.name, _REGISTER_NOW, "lax"),
        safety.imported_files_replace_nothing(source, mention.name),
    )
    return None if edits is None else make_fix(applicability, FIX_MESSAGE, edits)


def _spelling_of_lax(source: ParsedSource, place: Place) -> Spelling | None:
    """Return how the file can spell the function of ``jax.lax`` at a place."""
    for name, full in (("jax", "jax"), ("lax", "jax.lax")):
        if source.bindings.qualified_names((name,), place) == {full}:
            text = f"{name}.lax" if name == "jax" else name
            return Spelling(f"{text}.{_CONSTRAINT}", is_certain=can_be_used(source, name, place))
    return None


def _imported_from_lax(source: ParsedSource, mention: Mention) -> list[Edit] | None:
    """Return the edits that import the function from ``jax.lax``."""
    start = source.position_of_place(start_of(mention.statement)) if mention.statement is not None else None
    written = f"from {NNX} import"
    if start is None or mention.statement is None or len(mention.statement.names) > 1:
        return None
    if not source.line(start.row)[start.column - 1 :].startswith(written):
        return None
    end = source.position(source.offset(start) + len(written))
    return [source.replace(Range(start, end), "from jax.lax import")]


def _registered(source: ParsedSource, mention: Mention) -> list[Edit] | None:
    def renamed(node: ast.expr) -> list[Edit]:
        place = name_range(source, node) if isinstance(node, ast.Attribute) else source.range(node)
        return [source.replace(place, _REGISTER_NOW)]

    if isinstance(mention.node, ast.Attribute):
        return renamed(mention.node)
    for imported in imports_of(source, f"{NNX}.{_REGISTER}"):
        if imported.alias is mention.node:
            return renamed_import(source, imported, _REGISTER_NOW, renamed)
    return None


EXAMPLES = (
    Example(
        title="A constraint on how an array is sharded",
        source="""\
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

MESH = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("data",))
SHARDING = jax.sharding.NamedSharding(MESH, jax.sharding.PartitionSpec("data"))


def result():
    return nnx.with_sharding_constraint(jnp.ones(2), SHARDING).tolist()
""",
        marked=("nnx.with_sharding_constraint",),
        fixed={
            "0.11.2": """\
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

MESH = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("data",))
SHARDING = jax.sharding.NamedSharding(MESH, jax.sharding.PartitionSpec("data"))


def result():
    return jax.lax.with_sharding_constraint(jnp.ones(2), SHARDING).tolist()
""",
        },
        applicability=Applicability.SAFE,
        floor="0.11.2",
        trees=(),
        result=[1.0, 1.0],
    ),
    Example(
        title="A name for a collection of Variables",
        source="""\
from flax import nnx
from flax.nnx import register_variable_name_type_pair


class Count(nnx.Variable):
    pass


def result():
    register_variable_name_type_pair("counts of this example", Count)
    return nnx.variable_name_from_type(Count)
""",
        marked=("register_variable_name_type_pair",),
        fixed={
            "0.10.4": """\
from flax import nnx
from flax.nnx import register_variable_name


class Count(nnx.Variable):
    pass


def result():
    register_variable_name("counts of this example", Count)
    return nnx.variable_name_from_type(Count)
""",
        },
        applicability=Applicability.SAFE,
        floor="0.10.4",
        trees=(),
        result="counts of this example",
    ),
)

RULE = Rule(
    CODES["NNX214"],
    "A name that newer releases of Flax no longer have",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.no_release_runs_the_original,
        safety.nothing_sees_the_error,
        safety.name_is_bound_for_certain,
        safety.name_is_seen_by_nobody_else,
        safety.names_are_bound_in_the_open,
        safety.members_are_themselves,
        safety.imported_files_replace_nothing,
    ),
)
