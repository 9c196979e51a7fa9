"""Of two branches for `Variable` and `VariableState`, one is dead from Flax 0.11 on.

## What it does

Finds an `if` and `elif`, a conditional expression, or `if`s one after the other that each return, which treat the same
thing differently as a `Variable` and as a `VariableState`; two functions that `functools.singledispatch` registers for
them; and a dictionary with both as keys.

## Why it is wrong

From 0.11 on, the two names mean one class. The first branch is always taken, the second never. Of two registrations or
two equal keys, the last one wins. Code that unwrapped leaves of state in one branch and left live Variables alone in
the other now does the same to all of them, and no error or warning tells you.

## What Flax does

* **0.10.0–0.10.7**: two classes, two branches. Branches that do the same are right there, and left alone while these
  releases are to be supported. So is a second branch that calls `to_variable()` or `VariableState(…)`, which are for
  these releases only.
* **0.11.0 and later**: one class; the second branch is dead.

## Fix safety

The fix is safe where both branches do the same: from Flax 0.11 on the second is never taken.

The fix makes one branch of the two. Where they differ, there is no fix: only the author knows which one is meant.

## References

* <https://flax.readthedocs.io/en/latest/migrating/nnx_010_to_nnx_011.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.class_references import class_names
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, end_of, nodes_below, start_of
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource
from flake8_nnx_treemap.analysis.names.spelling import spelling_of
from flake8_nnx_treemap.analysis.values.narrowing import never_goes_on, statements_after, type_test
from flake8_nnx_treemap.names import BASE_CLASSES, VARIABLE_STATE, VARIABLE_STATE_IS_VARIABLE, FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import MEMBERS, make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

DEAD = "Variable and VariableState are one class from Flax 0.11 on: this branch is never taken there"
LAST_WINS = "Variable and VariableState are one class from Flax 0.11 on: this replaces the entry for the other there"

_OLD = frozenset({VARIABLE_STATE})


@dataclass(frozen=True, slots=True, eq=False)
class _Branch:
    """One branch of an ``if`` chain: a test of a name's type, and the code that runs if it passes."""

    test: ast.Call
    name: str
    types: frozenset[str]
    body: Sequence[ast.AST]
    owner: ast.If | ast.IfExp


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each branch, registration or key for Variable that follows one for VariableState, or the reverse."""
    for statement in source.bindings.statements:
        if isinstance(statement.node, ast.If):
            yield from _check_pair(source, statement.node, flax)
    for choice in source.bindings.expressions(ast.IfExp):
        yield from _check_pair(source, choice, flax)
    for display in source.bindings.expressions(ast.Dict):
        yield from _check_keys(source, [key for key in display.keys if key is not None])
    yield from _check_registrations(source)


def _check_pair(source: ParsedSource, node: ast.If | ast.IfExp, flax: FlaxRange) -> Iterator[Finding]:
    first = _branch(source, node)
    if first is None or not first.types & BASE_CLASSES:
        return
    for later in _later_branches(source, first):
        is_dead = later.types <= BASE_CLASSES and not later.types & first.types
        if is_dead:
            is_portable = _do_the_same(first, later) or _converts_old_state(source, later)
            if is_portable and not flax.starts_from(VARIABLE_STATE_IS_VARIABLE):
                return  # While there are two classes, this is how to ask for both.
            fix = _merged(source, first, later)
            yield Finding("NNX109", DEAD, source.range(later.test), fix, related=(source.range(first.test),))
            return


def _branch(source: ParsedSource, node: ast.AST | None) -> _Branch | None:
    if not isinstance(node, (ast.If, ast.IfExp)) or not isinstance(node.test, ast.Call):
        return None
    test = type_test(source, node.test)
    if test is None or not test[1]:
        return None
    body = node.body if isinstance(node.body, list) else [node.body]
    return _Branch(node.test, test[0], test[1], body, node)


def _later_branches(source: ParsedSource, first: _Branch) -> Iterator[_Branch]:
    """Yield the branches that test the same name after a branch, and only if that branch was not taken."""
    owner: ast.AST | None = first.owner
    while owner is not None:
        owner = _next(source, owner)
        found = _branch(source, owner)
        if found is not None and found.name == first.name:
            yield found


def _next(source: ParsedSource, owner: ast.AST) -> ast.AST | None:
    if isinstance(owner, ast.IfExp):
        return owner.orelse if isinstance(owner.orelse, ast.IfExp) else None
    assert isinstance(owner, ast.If)
    if owner.orelse:
        return owner.orelse[0] if len(owner.orelse) == 1 and isinstance(owner.orelse[0], ast.If) else None
    following = statements_after(source, owner)
    is_chain = never_goes_on(source, owner.body) and following and isinstance(following[0], ast.If)
    return following[0] if is_chain else None


def _merged(source: ParsedSource, first: _Branch, later: _Branch) -> Fix | None:
    """Return the fix that merges two branches into one for both classes, if they are neighbours with equal bodies."""
    if (
        not _do_the_same(first, later)
        or _next(source, first.owner) is not later.owner
        or first.types | later.types != BASE_CLASSES
    ):
        return None
    spelling = spelling_of(source, "Variable", start_of(first.test))
    dropped = _dropped(source, first, later)
    if spelling is None or dropped is None or not safety.name_is_bound_for_certain(spelling):
        return None
    edit = source.replace(source.range(first.test.args[1]), spelling.text)
    applicability = safety.safe_if(
        safety.names_are_bound_in_the_open(source), safety.members_are_themselves(source, *MEMBERS)
    )
    return make_fix(applicability, "Make one branch of the two", [*spelling.edits, edit, dropped])


def _do_the_same(first: _Branch, later: _Branch) -> bool:
    return [ast.dump(node) for node in first.body] == [ast.dump(node) for node in later.body]


def _converts_old_state(source: ParsedSource, later: _Branch) -> bool:
    """Tell whether a branch for VariableState calls what only an old one has, and so is dead from 0.11 on by intent."""
    if later.types != _OLD:
        return False
    calls = nodes_below(later.body, ast.Call)
    return any(_is_to_variable(call) or class_names(source, call.func, 0) == _OLD for call in calls)


def _is_to_variable(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "to_variable"


def _dropped(source: ParsedSource, first: _Branch, later: _Branch) -> Edit | None:
    if isinstance(later.owner, ast.If):
        start, end = end_of(first.body[-1]), end_of(later.body[-1])
        range_ = Range(source.position_of_place(start), source.position_of_place(end))
        is_elif = source.text_in(range_).lstrip().startswith("elif")
        return source.replace(range_, "") if is_elif or not later.owner.orelse else None
    start, end = start_of(later.owner), start_of(later.owner.orelse)
    range_ = Range(source.position_of_place(start), source.position_of_place(end))
    return None if "(" in source.text_in(range_).rpartition("else")[2] else source.replace(range_, "")


# Keys and registrations


def _check_keys(source: ParsedSource, keys: Sequence[ast.expr]) -> Iterator[Finding]:
    """Report the later of two keys, one for Variable and one for VariableState."""
    seen: dict[str, Range] = {}
    for key in keys:
        types = class_names(source, key, 0) if dotted_name(key) is not None else None
        if types is not None and len(types) == 1 and types <= BASE_CLASSES:
            if seen and not types & seen.keys():
                yield Finding("NNX109", LAST_WINS, source.range(key), related=tuple(seen.values()))
            seen |= dict.fromkeys(types, source.range(key))


def _check_registrations(source: ParsedSource) -> Iterator[Finding]:
    """Report the later of two registrations, ``@function.register(nnx.Variable)`` and the same for VariableState."""
    registered: dict[tuple[str, ...], list[ast.expr]] = {}
    for call in source.bindings.calls.get("register", ()):
        owner = dotted_name(call.func.value) if isinstance(call.func, ast.Attribute) else None
        if owner is not None and call.args:
            registered.setdefault(owner, []).append(call.args[0])
    for types in registered.values():
        yield from _check_keys(source, sorted(types, key=start_of))


EXAMPLES = (
    Example(
        title="Two branches that do the same",
        source="""\
import jax
from flax import nnx


def value_of(leaf):
    if isinstance(leaf, nnx.VariableState):
        return leaf.value
    elif isinstance(leaf, nnx.Variable):
        return leaf.value
    return leaf


def convert(state):
    return jax.tree.map(value_of, state, is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.VariableState)))
""",
        marked=("isinstance(leaf, nnx.Variable)",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def value_of(leaf):
    if isinstance(leaf, nnx.Variable):
        return leaf.value
    return leaf


def convert(state):
    return jax.tree.map(value_of, state, is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.VariableState)))
""",
        },
        applicability=Applicability.SAFE,
        floor="0.11",
    ),
    Example(
        title="One `if` after the other",
        source="""\
import jax
from flax import nnx


def value_of(leaf):
    if isinstance(leaf, nnx.Variable):
        return leaf.value

    if isinstance(leaf, nnx.VariableState):
        return leaf.value

    return leaf


def convert(state):
    return jax.tree.map(value_of, state, is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.VariableState)))
""",
        marked=("isinstance(leaf, nnx.VariableState)",),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def value_of(leaf):
    if isinstance(leaf, nnx.Variable):
        return leaf.value

    return leaf


def convert(state):
    return jax.tree.map(value_of, state, is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.VariableState)))
""",
        },
        applicability=Applicability.SAFE,
        floor="0.11",
    ),
    Example(
        title="Two branches that differ: reported, not rewritten",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda x: x.value if isinstance(x, nnx.VariableState) else [x.value] if isinstance(x, nnx.Variable) else x,
        state,
        is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.VariableState)),
    )
""",
        marked=("isinstance(x, nnx.Variable)",),
    ),
)

RULE = Rule(
    CODES["NNX109"],
    "Of two branches for `Variable` and `VariableState`, one is dead",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.name_is_bound_for_certain,
        safety.names_are_bound_in_the_open,
        safety.members_are_themselves,
    ),
)
