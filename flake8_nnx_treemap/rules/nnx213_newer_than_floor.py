"""A name of `nnx` that the lowest Flax of the project does not have.

## What it does

Finds `nnx.List`, `nnx.ModelAndOptimizer`, `nnx.as_pure` and every other public name of `nnx`, used or imported, that a
release lacks which the project says it supports, and that later ones have; and `get_value()`, `set_value(…)`,
`set_metadata(…)` and similar methods on an object that is a Variable for certain. We measured which release has which
names.

It reports only where the lowest Flax is stated: by `target-flax`, or by a requirement, a lock file or an environment of
the project. Where a release is only assumed, or happens to be installed, it is silent. So it is in code that is ready
for several releases: in a `try` that handles the error, in a choice whose test asks for the release, behind an `if`
that raises below such a release, behind `require_version("flax>=0.12")` and the like, and for names that the file asks
for by `hasattr(nnx, "List")` anywhere. It is silent as well below `TYPE_CHECKING`, and in annotations that are never
evaluated.

## Why it is wrong

Your tests run on a newer Flax, so they pass. A user who installs the oldest Flax that the project admits gets an
`AttributeError`, or an `ImportError` at the import.

## What Flax does

Some of the names. The rule knows all of them.

| name | there in Flax |
| --- | --- |
| `nnx.to_flat_state`, `nnx.to_pure_dict`, `nnx.map_state`, `nnx.shard_map` | 0.10.4 and later |
| `nnx.pure` | 0.10.7 and later |
| `nnx.ModelAndOptimizer`, `nnx.data`, `nnx.fork_rngs` | 0.11.0 and later |
| `nnx.Pytree` | 0.11.1 and later |
| `nnx.List`, `nnx.is_data`, `nnx.PReLU` | 0.12.0 and later |
| `nnx.Dict` | 0.10.0–0.10.7, then 0.12.0 and later |
| `nnx.iter_modules`, `x.get_value()`, `x.set_value(…)` | 0.12.1 and later |
| `nnx.view` | 0.12.4 and later |
| `nnx.map`, `nnx.capture` | 0.12.6 and later |
| `nnx.as_pure`, `nnx.with_rngs` | 0.12.7 and later |

## Fix safety

There is no fix.

The message names the release from which on the name is there: raise the project's lowest Flax to it, or ask for the name
before it is used.

## References

* <https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/index.html>
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.refusals import is_required
from flake8_nnx_treemap.analysis.values.wrappers import wrapper_attributes
from flake8_nnx_treemap.flax_names import Span, names_of_some_releases
from flake8_nnx_treemap.names import NEW_VARIABLE_METHODS, FlaxRange, release_text
from flake8_nnx_treemap.rules.absence import Absence, absence_of, asks_for, is_handled, mentions, spans_text
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rule import Example, Finding, FixAvailability, Rule

NEW = "{} came with Flax {}, and this code is for {}"
MISSING = "{} is missing from Flax {}, and this code is for {}"
ADVICE = ": raise the lowest Flax to {}"


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each name that a release of the range lacks, and that a later one has."""
    for mention in mentions(source, names_of_some_releases()):
        absence = absence_of(mention.name, flax)
        if absence is not None and not absence.is_over:
            finding = Finding("NNX213", _message(f"nnx.{mention.name}", absence, flax), mention.range)
            if not is_required(source, finding.range.start, absence.comes):
                yield finding
    yield from _methods(source, flax)


def _methods(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each method of a Variable that no kind of Variable has in a release of the range."""
    for name in (one for one in NEW_VARIABLE_METHODS if one in source.bindings.attributes):
        found = [absence_of(name, flax, owner) for owner in ("Variable", "state leaf")]
        absence = min((one for one in found if one is not None), key=lambda one: one.comes, default=None)
        if absence is None or None in found or asks_for(source, name):
            continue
        for node in wrapper_attributes(source, name):
            range_ = source.range(node)
            if not is_handled(source, node) and not is_required(source, range_.start, absence.comes):
                yield Finding("NNX213", _message(f"{name}() of a Variable", absence, flax), range_)


def _message(name: str, absence: Absence, flax: FlaxRange) -> str:
    had_before = [span for span in absence.spans if span.last is not None and span.last >= flax.lowest]
    if any(span.first < absence.comes for span in had_before):
        gaps = Span(absence.missing[0], absence.missing[-1])
        message = MISSING.format(name, spans_text((gaps,)), flax)
    else:
        message = NEW.format(name, release_text(absence.comes), flax)
    is_in_range = flax.highest is None or absence.comes <= flax.highest
    return message + ADVICE.format(release_text(absence.comes)) if is_in_range else message


EXAMPLES = (
    Example(
        title="A container of layers, in a project that admits Flax 0.11",
        source="""\
from flax import nnx


class Blocks(nnx.Module):
    def __init__(self, rngs):
        self.layers = nnx.List([nnx.Linear(2, 2, rngs=rngs) for _ in range(2)])


def result():
    return len(Blocks(nnx.Rngs(0)).layers)
""",
        marked=("nnx.List",),
        floor="0.11",
        trees=(),
        result=2,
    ),
    Example(
        title="The value of a Variable, in a project that admits Flax 0.12.0",
        source="""\
import jax.numpy as jnp
from flax import nnx


def result():
    weight = nnx.Param(jnp.ones(2))
    return weight.get_value().tolist()
""",
        marked=("weight.get_value",),
        floor="0.12.0",
        trees=(),
        result=[1.0, 1.0],
    ),
)

RULE = Rule(
    CODES["NNX213"],
    "A name that the lowest supported Flax does not have",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.NEVER,
)
