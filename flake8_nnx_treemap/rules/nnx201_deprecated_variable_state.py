"""`VariableState` is only another name of `Variable` from Flax 0.11 on, and warns.

## What it does

Finds every use of `nnx.VariableState` in code for Flax 0.11 and later: imports, `isinstance`, annotations, also those
written as strings or below `TYPE_CHECKING`, and arguments such as those of `nnx.split`. `nnx.variablelib.VariableState`
counts too: it never warns, and only a linter finds it.

It is silent in code that is ready for several releases: in a `try` that handles `AttributeError` or `ImportError`, and
in a choice whose test asks for the release, by `hasattr(nnx, "as_pure")`, `flax.__version__` and the like.
`hasattr(nnx, "VariableState")` is no such test: the name exists on every release, and asking for it warns.

## Why it is wrong

Flax 0.11 made the two classes one and kept the old name as an alias. A test of both is a test of one, written twice.
From 0.12.1 on, each access warns, and code run with `-W error` stops there.

## What Flax does

* **0.10.0–0.10.7**: two classes. The rule is silent while you support them.
* **0.11.0–0.12.0**: `VariableState is Variable`, silently.
* **0.12.1–0.12.8**: the same, with a `DeprecationWarning` at each access of `nnx.VariableState`, at an import of it,
  and at `hasattr(nnx, "VariableState")`.

## Fix safety

The fix is safe: it writes the class's own name.

Where `Variable` is already listed beside the old name, in the second argument of `isinstance`, in filters or in unions,
the fix does not write it twice.

It is unsafe where the file replaces one of the two names, as mocks do, and where it reads annotations as they are written.

There is no fix

* for a name that other code may see: files that import it from this one (also through `__init__.py`, `__all__` or
  `import VariableState as VariableState`), strings that may be code, such as doctests and arguments of `eval`, and a
  class that imports it in its body;
* where `Variable` means something else in the file;
* in an f-string.

NNX202 is about calls of the class.

## References

* <https://flax.readthedocs.io/en/latest/migrating/nnx_010_to_nnx_011.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from flake8_nnx_treemap.analysis.calls.class_references import class_names
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, end_of, operands, start_of
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.format_parts import is_format_part
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource, remembered
from flake8_nnx_treemap.names import NNX_MODULES, VARIABLE, VARIABLE_STATE, FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.renaming import (
    attribute_uses,
    imports_of,
    renamed_import,
    unless_guarded,
    without,
)
from flake8_nnx_treemap.rules.rewriting import MEMBERS, make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

MESSAGE = "VariableState is another name of Variable since Flax 0.11: use Variable"
FIX_MESSAGE = "Use Variable"
_OLD, _NEW = "VariableState", "Variable"
_VARIABLE, _STATE, _UNION = frozenset({VARIABLE}), frozenset({VARIABLE_STATE}), frozenset({"typing.Union"})


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each `nnx.VariableState` that is not called, and each import of it."""
    for use in attribute_uses(source, VARIABLE_STATE):
        if not _is_called(source, use):
            edits = None if is_format_part(source, use) else _renamed(source, use)
            yield Finding("NNX201", MESSAGE, source.range(use), _fix(source, edits))
    for imported in imports_of(source, VARIABLE_STATE):
        edits = renamed_import(source, imported, _NEW, lambda use: _renamed(source, use))
        yield Finding("NNX201", MESSAGE, source.range(imported.alias), _fix(source, edits))
    yield from _asked_for_by_name(source)


def _fix(source: ParsedSource, edits: Sequence[Edit] | None) -> Fix | None:
    applicability = safety.safe_if(
        safety.members_are_themselves(source, *MEMBERS),
        safety.names_are_bound_in_the_open(source),
        safety.warnings_are_not_watched(source),
        safety.annotations_are_not_read(source),
    )
    return None if edits is None else make_fix(applicability, FIX_MESSAGE, edits)


def _is_called(source: ParsedSource, node: ast.expr) -> bool:
    parent = source.ast_parent(node)
    return isinstance(parent, ast.Call) and parent.func is node


def _asked_for_by_name(source: ParsedSource) -> Iterator[Finding]:
    """Report each ``hasattr(nnx, "VariableState")`` and ``getattr(nnx, …)``, which warn like any access."""
    for name in ("hasattr", "getattr"):
        for call in source.bindings.calls.get(name, ()):
            given = call.args
            if len(given) < 2 or not isinstance(given[1], ast.Constant) or given[1].value != _OLD:
                continue
            names = source.bindings.names_of(given[0])
            if names and names <= set(NNX_MODULES):
                yield Finding("NNX201", MESSAGE, source.range(given[1]))


# One use


def _renamed(source: ParsedSource, node: ast.expr) -> list[Edit] | None:
    """Return the edits that write `Variable` for one use, or drop the use from a tuple or union that has it already."""
    if _is_called(source, node):
        return None
    group = _group_of(source, node)
    if group is None or group.has_parentheses:
        return [_new_name(source, node)]
    stays = (group.new or group.old or group.elements)[0]
    if len(group.elements) == len(group.new) + len(group.old) > 1:
        text = source.text_of(stays) if group.new else _new_text(source, stays)
        return [_only(source, node, text)]
    return [_new_name(source, node)] if stays is node else [without(source, group.elements, node)]


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """The classes of a tuple or a union: all of them, those that are `Variable`, those that are `VariableState`."""

    elements: Sequence[ast.expr]
    new: Sequence[ast.expr]
    old: Sequence[ast.expr]
    has_parentheses: bool


def _group_of(source: ParsedSource, node: ast.expr) -> _Group | None:
    """Return the tuple or union of classes that a use is in; ``None`` if it is in none."""
    top: ast.AST = node
    while isinstance(parent := source.ast_parent(top), ast.BinOp) and isinstance(parent.op, ast.BitOr):
        top = parent
    if isinstance(top, ast.BinOp):
        return _group(source, top)
    return _group(source, parent) if isinstance(parent, ast.Tuple) and _is_of_types(source, parent) else None


@remembered
def _group(source: ParsedSource, whole: ast.Tuple | ast.BinOp) -> _Group:
    elements = whole.elts if isinstance(whole, ast.Tuple) else operands(whole, ast.BitOr)
    names = [class_names(source, element) for element in elements]
    new = [element for element, found in zip(elements, names, strict=True) if found == _VARIABLE]
    old = [element for element, found in zip(elements, names, strict=True) if found == _STATE]
    has_parentheses = any("(" in text or ")" in text for text in _between(source, elements))
    return _Group(elements, new, old, has_parentheses)


def _between(source: ParsedSource, elements: Sequence[ast.expr]) -> Iterator[str]:
    """Yield the texts between and around elements, where parentheses of single elements show."""
    if not elements:
        return
    ranges = [source.range(element) for element in elements]
    yield from (source.text_in(Range(one.end, other.start)) for one, other in pairwise(ranges))
    whole = source.range(source.ast_parent(elements[0]) or elements[0])
    yield source.text_in(Range(whole.start, ranges[0].start)).removeprefix("(")
    if whole.end > ranges[-1].end:
        yield source.text_in(Range(ranges[-1].end, whole.end)).removesuffix(")")


_FILTERED_BY = frozenset({"split", "state", "pop", "filter_state", "split_state", "iter_graph"})
"""Functions that take filters and keep none of them, other than ``DiffState`` and ``Optimizer``: who reads the tuple
that these keep sees how many classes are in it."""


_TESTS = frozenset({"builtins.isinstance", "builtins.issubclass"})


def _is_of_types(source: ParsedSource, node: ast.Tuple) -> bool:
    """Tell whether a tuple means "one of these": an argument of `isinstance`, `in`, `Union`, or a filter of NNX."""
    parent = source.ast_parent(node)
    if isinstance(parent, ast.Compare):
        return isinstance(parent.ops[-1], (ast.In, ast.NotIn)) and parent.comparators[-1] is node
    if isinstance(parent, ast.Subscript):
        return class_names(source, parent.value, 0) == _UNION
    if not isinstance(parent, ast.Call) or node not in parent.args:
        return False
    names = class_names(source, parent.func, 0) or frozenset()
    return bool(names) and all(name in _TESTS or _is_filtering(name) for name in names)


def _is_filtering(name: str) -> bool:
    return name.startswith("flax.nnx.") and name.rpartition(".")[2] in _FILTERED_BY


def _only(source: ParsedSource, node: ast.expr, text: str) -> Edit:
    """Return the edit that replaces a tuple or union by the one class left of it; after `in` it stays a tuple."""
    whole = source.ast_parent(node)
    assert isinstance(whole, (ast.Tuple, ast.BinOp))
    around = source.ast_parent(whole)
    if isinstance(around, ast.Compare):
        text = f"({text},)"
    return source.replace(source.range(whole), text)


def _new_text(source: ParsedSource, node: ast.expr) -> str:
    """Return the new name as text: `nnx.Variable` for `nnx.VariableState` and `nnx.variablelib.VariableState`."""
    text = source.text_of(node)[: -len(_OLD)]
    parts = dotted_name(node) or ()
    if parts[-2:-1] == ("variablelib",) and text.endswith(".variablelib."):
        module = source.bindings.qualified_names(parts[:-2], start_of(node), depth=0)
        text = text[: -len("variablelib.")] if module and module <= set(NNX_MODULES) else text
    return text + _NEW


def _new_name(source: ParsedSource, node: ast.expr) -> Edit:
    end = source.position_of_place(end_of(node))
    start = source.position_of_place(start_of(node))
    if not source.text_in(Range(start, end)).endswith(_OLD):  # A dotted name may be split over lines.
        start = source.position(source.offset(end) - len(_OLD))
        return source.replace(Range(start, end), _NEW)
    return source.replace(Range(start, end), _new_text(source, node))


EXAMPLES = (
    Example(
        title="A test of both",
        source="""\
import jax
from flax import nnx


def is_variable(x):
    return isinstance(x, (nnx.Variable, nnx.VariableState))


def convert(state):
    return jax.tree.map(lambda v: v.replace(v.value) if is_variable(v) else v, state, is_leaf=is_variable)
""",
        marked=("nnx.VariableState",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def is_variable(x):
    return isinstance(x, nnx.Variable)


def convert(state):
    return jax.tree.map(lambda v: v.replace(v.value) if is_variable(v) else v, state, is_leaf=is_variable)
""",
        },
        applicability=Applicability.SAFE,
        floor="0.11",
    ),
    Example(
        title="An import, and what uses it",
        source="""\
import jax
from flax.nnx import Param, VariableState


def values(state: "dict[str, VariableState | Param]"):
    return jax.tree.leaves(state, is_leaf=lambda x: isinstance(x, VariableState))


def convert(state):
    return [leaf.value for leaf in values(state) if isinstance(leaf, VariableState)]
""",
        marked=("VariableState",),
        fixed={
            "0.11": """\
import jax
from flax.nnx import Param, Variable


def values(state: "dict[str, Variable | Param]"):
    return jax.tree.leaves(state, is_leaf=lambda x: isinstance(x, Variable))


def convert(state):
    return [leaf.value for leaf in values(state) if isinstance(leaf, Variable)]
""",
        },
        applicability=Applicability.SAFE,
        floor="0.11",
    ),
)

RULE = Rule(
    CODES["NNX201"],
    "`VariableState` is only another name of `Variable`",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.name_is_seen_by_nobody_else,
        safety.members_are_themselves,
        safety.names_are_bound_in_the_open,
        safety.warnings_are_not_watched,
        safety.annotations_are_not_read,
    ),
)
