"""JAX no longer has `jax.tree_map` and the other tree functions at its top level.

## What it does

Finds `jax.tree_map`, `jax.tree_leaves`, `jax.tree_flatten` and the other tree functions that JAX once had at its top
level, used or imported, in files that use NNX.

It is silent where the file defines the function itself, and in code that is ready for several releases: in a `try` that
handles `AttributeError` or `ImportError`, and where a test asks for the release, as `hasattr(jax, "tree")` and
`jax.__version__` do.

## Why it is wrong

JAX deprecated these names in 0.4.26 and removed them in 0.6.0. Flax 0.10.7 and later require JAX 0.6.0 or later. After
that upgrade, the code raises `AttributeError`, or `ImportError` at the import.

## What Flax does

* **0.10.0–0.10.6**: runs with a JAX that has the names. From JAX 0.4.26 on, each use warns.
* **0.10.7 and later**: requires JAX 0.6.0 or later, which does not have the names.

## Fix safety

The fix is safe: it writes other names of the same functions, which JAX has had since 0.4.25.

It writes `jax.tree.map` and so on where the function is called, and elsewhere, where code may compare it, the function
that it was another name of, `jax.tree_util.tree_map`. An import is rewritten to `jax.tree_util` if it brings nothing
else; otherwise it is reported only. The fix is unsafe where the file replaces what it writes. The rule is silent where the
file sets the function itself.

## References

* <https://docs.jax.dev/en/latest/changelog.html>: JAX 0.4.25, 0.4.26 and 0.6.0
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.nodes import start_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.replacements import is_replaced
from flake8_nnx_treemap.names import REMOVED_TREE_FUNCTIONS, FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

MESSAGE = "{} was removed in JAX 0.6.0: use {}"
FIX_MESSAGE = "Use the function that JAX has kept"


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report uses of removed functions by their full name, and imports of them."""
    for name in sorted(REMOVED_TREE_FUNCTIONS.keys() & source.bindings.attributes.keys()):
        for use in source.bindings.attributes[name]:
            is_attribute = isinstance(use, ast.Attribute) and isinstance(use.ctx, ast.Load)
            if is_attribute and source.bindings.names_of(use, depth=0) == {f"jax.{name}"}:
                if not safety.members_are_themselves(source, name) and is_replaced(source, name):
                    break  # The file sets ``jax.tree_map`` itself.
                yield _use(source, use, name)
    for statement in source.bindings.statements:
        node = statement.node
        if not isinstance(node, ast.ImportFrom) or node.module != "jax" or node.level or statement.block.is_tried:
            continue
        for alias in node.names:
            if alias.name not in REMOVED_TREE_FUNCTIONS:
                continue
            if safety.members_are_themselves(source, alias.name) or not is_replaced(source, alias.name):
                yield _import(source, node, alias)


def _use(source: ParsedSource, node: ast.expr, name: str) -> Finding:
    range_ = source.range(node)
    kept = (
        f"tree.{REMOVED_TREE_FUNCTIONS[name]}"
        if safety.function_is_called_where_it_is_named(source, node)
        else f"tree_util.{name}"
    )
    text = source.text_in(range_)
    fix = None
    if text.endswith(name):  # Not where a ligature stands for two letters of it.
        edit = source.replace(range_, text[: -len(name)] + kept)
        applicability = safety.safe_if(
            safety.members_are_themselves(source, name, *kept.split(".")),
            safety.imported_files_replace_nothing(source, name),
            safety.names_are_bound_in_the_open(source),
            safety.nothing_sees_the_error(source, node, AttributeError),
        )
        fix = make_fix(applicability, FIX_MESSAGE, [edit])
    return Finding("NNX208", MESSAGE.format(f"jax.{name}", f"jax.{kept}"), range_, fix)


def _import(source: ParsedSource, node: ast.ImportFrom, alias: ast.alias) -> Finding:
    message = MESSAGE.format(f"jax.{alias.name}", f"jax.tree_util.{alias.name}")
    return Finding("NNX208", message, source.range(alias), _moved_import(source, node))


def _moved_import(source: ParsedSource, node: ast.ImportFrom) -> Fix | None:
    """Return the fix that imports from ``jax.tree_util`` instead, if all names of the statement are there."""
    start = source.position_of_place(start_of(node))
    line = source.line(start.row)[start.column - 1 :]
    if not line.startswith("from jax import") or any(alias.name not in REMOVED_TREE_FUNCTIONS for alias in node.names):
        return None
    after_module = source.position(source.offset(start) + len("from jax"))
    names = [alias.name for alias in node.names]
    applicability = safety.safe_if(
        safety.members_are_themselves(source, "tree_util", *names),
        safety.imported_files_replace_nothing(source, *names),
        safety.nothing_sees_the_error(source, node, ImportError),
    )
    return make_fix(applicability, FIX_MESSAGE, [source.insert(after_module, ".tree_util")])


EXAMPLES = (
    Example(
        title="A map by its old name",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree_map(lambda x: [x, x], state)
""",
        marked=("jax.tree_map",),
        fixed={
            "portable": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda x: [x, x], state)
""",
        },
        applicability=Applicability.SAFE,
    ),
    Example(
        title="An import of it",
        source="""\
from flax import nnx
from jax import tree_leaves, tree_map


def convert(state):
    return tree_map(lambda x: [x, x], state), len(tree_leaves(state))
""",
        marked=("tree_leaves", "tree_map"),
        fixed={
            "portable": """\
from flax import nnx
from jax.tree_util import tree_leaves, tree_map


def convert(state):
    return tree_map(lambda x: [x, x], state), len(tree_leaves(state))
""",
        },
        applicability=Applicability.SAFE,
        trees=("state", "split", "grad"),
    ),
)

RULE = Rule(
    CODES["NNX208"],
    "`jax.tree_map` and the other tree functions of `jax` itself are gone",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.members_are_themselves,
        safety.imported_files_replace_nothing,
        safety.names_are_bound_in_the_open,
        safety.nothing_sees_the_error,
    ),
)
