"""`type(x) is nnx.VariableState` is false for every leaf of state from Flax 0.11 on.

## What it does

Finds tests of the exact type in predicates and mappers, where the type is `VariableState` or `Variable`:
`type(x) is …`, `==`, `in (…)`, `type(x).__name__ == "VariableState"`, `x.__class__`, and a table such as
`HANDLERS[type(x)]`. A test for exactly `VariableState` is found anywhere in a file, also in
`self.assertIs(type(x), …)`. It is left alone if the code asks which release runs, or if `isinstance(x, nnx.Variable)`
or `type(x) is nnx.Param` is tested along with it: in the same `or` or `any([…])`, or in a branch before or after it.

A plain `nnx.Variable(…)` does have this exact type, so a test for `Variable` may be meant for these alone. The rule is
silent on such a test in a file that makes one itself, and for a table that has subclasses such as `nnx.Param` as keys
beside `nnx.Variable`.

## Why it is wrong

From 0.11 on, state holds `Param`, `BatchStat` and other subclasses of `Variable`, and `VariableState` is another name
of `Variable`. A `Param` is an instance of `Variable`, but its exact type is `Param`, so the test does not hold. A
mapper then silently does nothing, and a predicate lets JAX go into the Variables.

## What Flax does

* **0.10.0–0.10.7**: holds for leaves of `nnx.state` (`VariableState`), for no live Variable such as a `Param`.
* **0.11.0 and later**: holds for no leaf but a plain `nnx.Variable(…)`.

## Fix safety

The fix is unsafe: from 0.11 on the code behind the test runs, as it did up to 0.10.

The fix writes `isinstance`. There is no fix for a table, nor where the right class is not certain.

## References

* <https://flax.readthedocs.io/en/latest/migrating/nnx_010_to_nnx_011.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.analysis.calls.class_references import class_name, class_names, classes_of
from flake8_nnx_treemap.analysis.calls.functions import value_of
from flake8_nnx_treemap.analysis.calls.leaf_functions import leaf_functions_of
from flake8_nnx_treemap.analysis.calls.predicates import TypeTest, type_test_of, typed_expression, typed_subject
from flake8_nnx_treemap.analysis.calls.tree_calls import tree_calls_of
from flake8_nnx_treemap.analysis.code.nodes import (
    access_path,
    body_of,
    is_name,
    nodes_below,
    start_of,
    subscript_keys,
    walk,
)
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.old_state import is_no_variable_at, leaves_variables_to_isinstance
from flake8_nnx_treemap.analysis.values.version_checks import is_chosen_by_release
from flake8_nnx_treemap.names import (
    BASE_CLASSES,
    VARIABLE,
    VARIABLE_ONLY_ATTRIBUTES,
    VARIABLE_STATE,
    VARIABLE_SUBCLASSES,
    FlaxRange,
)
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rewriting import make_fix, wrapper_types
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule
from flake8_nnx_treemap.rules.steps import Replace

MESSAGE = "from Flax 0.11 on neither a Param nor any other subclass of Variable has exactly this type: use isinstance"
_PLAIN, _OLD = frozenset({VARIABLE}), frozenset({VARIABLE_STATE})
_OPERATORS = {ast.Is: True, ast.Eq: True, ast.In: True, ast.IsNot: False, ast.NotEq: False, ast.NotIn: False}
"""The operators of comparisons with a class, and whether they are true of that class."""


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each comparison of a leaf's exact type, each table of exact types, and `type(x) is VariableState` anywhere."""
    reported: set[ast.AST] = set()
    for function in leaf_functions_of(source, tree_calls_of(source)):
        for node in nodes_below(body_of(function.definition), ast.Compare, ast.Subscript, ast.Call):
            if isinstance(node, ast.Compare):
                holds = _tests_exact_type(source, node, function.leaf)
                if holds is not None and not _is_portable(source, node, function.leaf, holds=holds):
                    reported.add(node)
                    fix = _fix(source, node, function.leaf, flax, holds=holds)
                    yield Finding("NNX105", MESSAGE, source.range(node), fix)
            elif isinstance(node, (ast.Subscript, ast.Call)) and _chooses_from_table(source, node, function.leaf):
                yield Finding("NNX105", MESSAGE, source.range(node))
    if "VariableState" in source.text:
        yield from _check_elsewhere(source, flax, reported)


def _check_elsewhere(source: ParsedSource, flax: FlaxRange, reported: set[ast.AST]) -> Iterator[Finding]:
    """Report comparisons outside predicates and mappers; there a test for exactly ``Variable`` may be meant."""
    for node in source.bindings.expressions(ast.Compare):
        if node in reported:
            continue
        holds, asked = _asks_for_old_state(source, node)
        if holds is None or asked is None or _is_portable_elsewhere(source, node, asked, holds=holds):
            continue
        fix = _fix(source, node, source.text_of(asked), flax, holds=holds)
        yield Finding("NNX105", MESSAGE, source.range(node), fix)
    for name in _ASSERTIONS & source.bindings.calls.keys():
        for call in source.bindings.calls[name]:
            if _asserts_old_state(source, call):
                yield Finding("NNX105", MESSAGE, source.range(call))
    for statement in source.bindings.statements:
        if isinstance(statement.node, ast.Match):
            yield from (Finding("NNX105", MESSAGE, source.range(one)) for one in _cases(source, statement.node))


def _cases(source: ParsedSource, node: ast.Match) -> Sequence[ast.expr]:
    """Return the patterns of ``match type(x)`` that are exactly VariableState, if no others are of Variables."""
    asked = typed_expression(node.subject)
    values = [one.value for one in nodes_below([case.pattern for case in node.cases], ast.MatchValue)]
    names = [class_names(source, value) or frozenset() for value in values]
    if asked is None or any(name & (VARIABLE_SUBCLASSES | _PLAIN) for name in names):
        return ()
    path = access_path(asked)
    is_ready = path is not None and is_no_variable_at(source, path, start_of(node))
    if is_ready or is_chosen_by_release(source, source.range(node).start):
        return ()
    return [value for value, name in zip(values, names, strict=True) if name == _OLD]


_ASSERTIONS = frozenset({"assertIs", "assertEqual"})
"""Methods of ``unittest.TestCase`` that compare their first two arguments."""


def _asserts_old_state(source: ParsedSource, call: ast.Call) -> bool:
    sides = call.args[:2]
    asked = [side for side in sides if typed_expression(side) is not None]
    others = [side for side in sides if side not in asked]
    is_asked = len(asked) == len(others) == 1 and class_names(source, others[0]) == _OLD
    return is_asked and not is_chosen_by_release(source, source.range(call).start)


def _asks_for_old_state(source: ParsedSource, node: ast.Compare) -> tuple[bool | None, ast.expr | None]:
    """Return whether ``type(x) is C`` or its opposite is asked, and ``x``, if ``C`` is exactly VariableState."""
    operator, right = node.ops[0], node.comparators[0]
    holds = _OPERATORS.get(type(operator)) if len(node.ops) == 1 else None
    is_ordered = isinstance(operator, (ast.In, ast.NotIn))
    for side, other in [(node.left, right)] if is_ordered else [(node.left, right), (right, node.left)]:
        is_by_name = isinstance(side, ast.Attribute) and side.attr in ("__name__", "__qualname__")
        asked = typed_expression(side.value if is_by_name and isinstance(side, ast.Attribute) else side)
        if asked is not None and (_is_wrapper_name(other) if is_by_name else class_names(source, other) == _OLD):
            return holds, asked
    return None, None


def _is_portable_elsewhere(source: ParsedSource, node: ast.Compare, asked: ast.expr, *, holds: bool) -> bool:
    path = access_path(asked)
    if path is not None:
        return _is_portable(source, node, path, holds=holds)
    # Of ``self.x`` or ``state["x"]`` it is not known whether it is the same thing in two places.
    same = ast.dump(asked)
    if same in _asked_of_instances(source) or is_chosen_by_release(source, source.range(node).start):
        return True
    others = (other for other in _alternatives(source, node) if other is not node)
    return any(type(below) is type(asked) and ast.dump(below) == same for other in others for below in walk(other))


@remembered
def _asked_of_instances(source: ParsedSource) -> frozenset[str]:
    """Return what a file asks ``isinstance`` about, as text."""
    return frozenset(ast.dump(call.args[0]) for call in source.bindings.calls.get("isinstance", ()) if call.args)


def _is_beside_isinstance(source: ParsedSource, node: ast.Compare, subject: str) -> bool:
    """Tell whether a test that Variables pass is beside a comparison: ``isinstance(x, nnx.Variable) or`` and the like."""
    others = _alternatives(source, node)
    tests = [type_test_of(source, other, {subject}) for other in others]
    return any(test is not None and _adds_variables(test) for test in tests) or any(
        _asks_for_member(other, subject) for other in others
    )


def _asks_for_member(node: ast.expr, subject: str) -> bool:
    """Tell whether ``hasattr`` asks for what Variables have."""
    if not (isinstance(node, ast.Call) and is_name(node.func, "hasattr") and len(node.args) == 2):
        return False
    owner, name = node.args
    is_member = isinstance(name, ast.Constant) and name.value in VARIABLE_ONLY_ATTRIBUTES
    return is_member and access_path(owner) == subject


def _adds_variables(test: TypeTest) -> bool:
    return bool(test.names & VARIABLE_SUBCLASSES) if test.is_exact else VARIABLE in test.names


def _alternatives(source: ParsedSource, node: ast.expr) -> Sequence[ast.expr]:
    """Return the operands of the ``or`` or ``|`` around a test, or the items of ``any([..])`` around it."""
    parent = source.ast_parent(node)
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.BitOr):
        return [parent.left, parent.right, *_alternatives(source, parent)]
    if isinstance(parent, ast.BoolOp):
        return [*parent.values, *_alternatives(source, parent)] if isinstance(parent.op, ast.Or) else ()
    call = source.ast_parent(parent) if isinstance(parent, (ast.List, ast.Tuple, ast.Set)) else None
    if isinstance(call, ast.Call) and isinstance(parent, (ast.List, ast.Tuple, ast.Set)):
        return parent.elts if class_name(source, call.func) == "builtins.any" else ()
    return ()


def _is_for_old_state(source: ParsedSource, node: ast.Compare, subject: str, *, holds: bool) -> bool:
    """Tell whether a test for exactly VariableState is for old releases, or Variables are asked for before or after it."""
    sides = (node.left, node.comparators[0])
    if not any(class_names(source, side) == _OLD or _is_wrapper_name(side) for side in sides):
        return False
    if is_chosen_by_release(source, source.range(node).start) or is_no_variable_at(source, subject, start_of(node)):
        return True
    return leaves_variables_to_isinstance(source, node, subject, holds=holds)


def _is_portable(source: ParsedSource, node: ast.Compare, subject: str, *, holds: bool) -> bool:
    """Tell whether a comparison only adds the old class to what other tests say of Variables."""
    return _is_beside_isinstance(source, node, subject) or _is_for_old_state(source, node, subject, holds=holds)


def _tests_exact_type(source: ParsedSource, node: ast.Compare, leaf: str) -> bool | None:
    """Tell whether ``type(leaf) is C`` or its opposite holds for a wrapper class; ``None`` for other comparisons."""
    operator, right = node.ops[0], node.comparators[0]
    holds = _OPERATORS.get(type(operator))
    if len(node.ops) != 1 or holds is None:
        return None
    sides = (
        [(node.left, right)] if isinstance(operator, (ast.In, ast.NotIn)) else [(node.left, right), (right, node.left)]
    )
    for side, other in sides:
        if typed_subject(side, {leaf}) is not None and _names_wrapper_class(source, other):
            return holds
        if _is_name_of_type(side, leaf) and _is_wrapper_name(other):
            return holds
    return None


def _is_name_of_type(node: ast.expr, leaf: str) -> bool:
    is_name = isinstance(node, ast.Attribute) and node.attr in ("__name__", "__qualname__")
    return is_name and isinstance(node, ast.Attribute) and typed_subject(node.value, {leaf}) is not None


def _names_wrapper_class(source: ParsedSource, node: ast.expr) -> bool:
    names = {found.name for found in classes_of(source, node)}
    is_meant = names == _PLAIN and _makes_plain_variables(source)
    return bool(names) and names <= BASE_CLASSES and not is_meant


@remembered
def _makes_plain_variables(source: ParsedSource) -> bool:
    """Tell whether a file calls ``nnx.Variable(..)`` itself, so that it may well test for exactly that class."""
    calls = (call for calls in source.bindings.calls.values() for call in calls)
    return any(class_names(source, call.func, 0) == _PLAIN for call in calls)


def _is_wrapper_name(node: ast.expr) -> bool:
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return bool(node.elts) and all(map(_is_wrapper_name, node.elts))
    return isinstance(node, ast.Constant) and node.value == "VariableState"


def _chooses_from_table(source: ParsedSource, node: ast.Subscript | ast.Call, leaf: str) -> bool:
    if isinstance(node, ast.Subscript):
        table, keys = node.value, subscript_keys(node)
    elif isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        table, keys = node.func.value, node.args[:1]
    else:
        return False
    if all(typed_subject(key, {leaf}) is None for key in keys):
        return False
    value = value_of(source, table) if isinstance(table, ast.Name) else table
    if not isinstance(value, ast.Dict):
        return False
    keyed = {found.name for key in value.keys if key is not None for found in classes_of(source, key)}
    if VARIABLE_STATE in keyed:
        return True
    return VARIABLE in keyed and not keyed & VARIABLE_SUBCLASSES and not _makes_plain_variables(source)


def _fix(source: ParsedSource, node: ast.Compare, leaf: str, flax: FlaxRange, *, holds: bool) -> Fix | None:
    types = wrapper_types(source, node, flax)
    if types is None:
        return None
    text = f"{'' if holds else 'not '}isinstance({leaf}, {types.text})"
    return make_fix(Applicability.UNSAFE, "Use isinstance", [Replace(node, text), *types.edits])


EXAMPLES = (
    Example(
        title="A mapper that does nothing from 0.11 on",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.replace(v.value) if type(v) is nnx.VariableState else v,
        state,
        is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.VariableState)),
    )
""",
        marked=("type(v) is nnx.VariableState",),
        fixed={
            "portable": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: (
            v.replace(v.value)
            if isinstance(v, (nnx.Variable, nnx.variablelib.VariableState))
            else v
        ),
        state,
        is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.VariableState)),
    )
""",
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.replace(v.value) if isinstance(v, nnx.Variable) else v,
        state,
        is_leaf=lambda x: isinstance(x, (nnx.Variable, nnx.VariableState)),
    )
""",
        },
        applicability=Applicability.UNSAFE,
    ),
    Example(
        title="A predicate that stops nowhere from 0.11 on",
        source="""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: [v.value],
        state,
        is_leaf=lambda x: type(x).__name__ == "VariableState",
    )
""",
        marked=('type(x).__name__ == "VariableState"',),
        fixed={
            "0.11": """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: [v.value],
        state,
        is_leaf=lambda x: isinstance(x, nnx.Variable),
    )
""",
        },
        applicability=Applicability.UNSAFE,
    ),
)

RULE = Rule(
    CODES["NNX105"],
    "A predicate or mapper tests for exactly `VariableState` or `Variable`",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
)
