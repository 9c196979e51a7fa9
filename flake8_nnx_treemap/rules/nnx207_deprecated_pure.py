"""`nnx.pure` is called `nnx.as_pure` from Flax 0.12.7 on.

## What it does

Finds `nnx.pure` and imports of it in code for Flax 0.12.7 and later.

It is silent in code that is ready for several releases: in a `try` that handles `AttributeError` or `ImportError`, and
in a choice whose test asks for the release, by `hasattr(nnx, "as_pure")`, `flax.__version__` and the like.

## Why it is wrong

The function was renamed; the old name warns, and code run with `-W error` stops there.

## What Flax does

* **0.10.7–0.12.6**: `nnx.pure` only. The rule is silent while you support them.
* **0.12.7, 0.12.8**: `nnx.as_pure`; `nnx.pure` does the same and warns.

## Fix safety

The fix is safe where the function is called: the old name calls the new one.

It is unsafe elsewhere, since the two are not one object: code may compare them, or read their names.
There is no fix for a name that other files may import from this one or that a string may mention as code, nor where
`as_pure` means something else in the file, nor in an f-string.

## References

* <https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/index.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from flake8_nnx_treemap.analysis.code.nodes import end_of
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.format_parts import is_format_part
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource
from flake8_nnx_treemap.names import RENAMED_IN_NNX, FlaxRange, Renaming
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.renaming import attribute_uses, imports_of, renamed_import, unless_guarded
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, FixAvailability, Rule

MESSAGE = "nnx.{} is deprecated since Flax {}: use {}"


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each use and each import of a name that Flax has replaced by another."""
    for renaming in RENAMED_IN_NNX:
        if flax.starts_from(renaming.since) and renaming.old in source.text:
            yield from _check_name(source, renaming)


def _check_name(source: ParsedSource, renaming: Renaming) -> Iterator[Finding]:
    release = ".".join(map(str, renaming.since))
    message, fix_message = MESSAGE.format(renaming.old, release, renaming.new), f"Use {renaming.new}"

    def renamed(node: ast.expr) -> list[Edit]:
        end = source.position_of_place(end_of(node))
        return [source.replace(Range(source.position(source.offset(end) - len(renaming.old)), end), renaming.new)]

    def applicability(uses: Iterable[ast.expr]) -> Applicability:
        return safety.safe_if(
            safety.members_are_themselves(source, renaming.old, renaming.new),
            safety.names_are_bound_in_the_open(source),
            safety.warnings_are_not_watched(source),
            all(safety.function_is_called_where_it_is_named(source, use) for use in uses),
        )

    for use in attribute_uses(source, renaming.qualified_name):
        fix = None if is_format_part(source, use) else make_fix(applicability([use]), fix_message, renamed(use))
        yield Finding("NNX207", message, source.range(use), fix)
    for imported in imports_of(source, renaming.qualified_name):
        edits = renamed_import(source, imported, renaming.new, renamed)
        uses = (one for one in source.bindings.attributes.get(imported.bound, ()) if isinstance(one, ast.Name))
        fix = None if edits is None else make_fix(applicability(uses), fix_message, edits)
        yield Finding("NNX207", message, source.range(imported.alias), fix)


EXAMPLES = (
    Example(
        title="A call",
        source="""\
from flax import nnx


def convert(state):
    return nnx.pure(state)
""",
        marked=("nnx.pure",),
        fixed={
            "0.12.7": """\
from flax import nnx


def convert(state):
    return nnx.as_pure(state)
""",
        },
        applicability=Applicability.SAFE,
        floor="0.12.7",
        trees=("state", "split", "grad"),
    ),
    Example(
        title="An import",
        source="""\
from flax.nnx import pure, state as state_of


def convert(state):
    return pure(state), state_of is not None
""",
        marked=("pure",),
        fixed={
            "0.12.7": """\
from flax.nnx import as_pure, state as state_of


def convert(state):
    return as_pure(state), state_of is not None
""",
        },
        applicability=Applicability.SAFE,
        floor="0.12.7",
        trees=("state", "split", "grad"),
    ),
)

RULE = Rule(
    CODES["NNX207"],
    "`nnx.pure` is called `nnx.as_pure` now",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.name_is_seen_by_nobody_else,
        safety.members_are_themselves,
        safety.names_are_bound_in_the_open,
        safety.warnings_are_not_watched,
        safety.function_is_called_where_it_is_named,
    ),
)
