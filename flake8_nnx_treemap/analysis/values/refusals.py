"""Finds code that new releases of Flax never reach, or old ones: it raises, exits or is skipped on them before."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.analysis.code.nodes import dotted_name, end_of, is_name, start_of, walk, words_below
from flake8_nnx_treemap.analysis.code.regions import Region, is_within, outermost
from flake8_nnx_treemap.analysis.code.text import Position
from flake8_nnx_treemap.analysis.names.imported import definition_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.narrowing import never_goes_on, statements_after
from flake8_nnx_treemap.analysis.values.release_flags import returned_alone
from flake8_nnx_treemap.analysis.values.version_checks import version_questions
from flake8_nnx_treemap.flax_names import (
    NNX,
    measured_releases,
    names_of_some_releases,
    names_that_went,
    releases_with,
)
from flake8_nnx_treemap.names import FlaxRelease

_ENDS = frozenset({"exit", "_exit", "quit", "skip", "skipTest", "xfail"})
"""Functions that do not return: those of ``sys``, of pytest and of a ``TestCase``."""

_SKIPS = {"skipif": True, "skipIf": True, "xfail": True, "skipUnless": False}
"""The outcome of the condition with which a decorator keeps a test from running, or from having to pass."""

_OTHER_LIBRARIES = frozenset({"jax", "jaxlib", "sys"})
_VERSION = re.compile(r"v?(\d{1,4}(?:\.\d{1,6}){1,2})\.?")
_REQUIRES = re.compile(r"(?i)require|ensure|check|at_?least|min(?:imum)?_?version")
"""Names of functions that raise below a version."""
_REQUIREMENT = re.compile(r"flax\s*>=?\s*(\d{1,4}(?:\.\d{1,6}){1,2})")
_STEPS = 12
"""How many names, functions and operators are followed from a test to the comparison with a version."""

_Verdict = tuple[FlaxRelease, bool]
"""The release from which on a test has another outcome than before, and that outcome."""


def is_refused(source: ParsedSource, position: Position, since: FlaxRelease) -> bool:
    """Tell whether the code at a position is only reached on releases before one.

    Args:
        source: the file.
        position: where an old name is used.
        since: the first release that does not have it.

    Returns:
        True behind ``assert flax.__version__ < "0.11"``, behind an ``if`` that raises, exits or skips a test from such
        a release on, and in tests with a ``skipif`` of that condition.
    """
    return is_within(source.place_at(position), _refused_regions(source, since))


def is_required(source: ParsedSource, position: Position, since: FlaxRelease) -> bool:
    """Tell whether the code at a position is only reached from a release on.

    Args:
        source: the file.
        position: where a new name is used.
        since: the first release that has it.

    Returns:
        True behind ``assert flax.__version__ >= "0.12"``, behind an ``if`` that raises, exits or skips a test below
        such a release, behind ``pytest.importorskip("flax", minversion="0.12")``, and in tests with a ``skipif`` of
        that condition.
    """
    return is_within(source.place_at(position), _required_regions(source, since))


@remembered
def _refused_regions(source: ParsedSource, since: FlaxRelease) -> list[Region]:
    """Return the regions that are not reached from a release on, sorted, without those that are within another one."""
    latest = (*since, 0, 0)[:3]  # As long as the longest one written, since (0, 11) < (0, 11, 0).
    return outermost(region for region, (first, is_refused) in _refusals(source) if is_refused and first <= latest)


@remembered
def _required_regions(source: ParsedSource, since: FlaxRelease) -> list[Region]:
    """Return the regions that are not reached below a release, sorted, without those that are within another one."""
    return outermost(
        region
        for region, (first, is_refused) in _refusals(source)
        if not is_refused and (*first, 0, 0)[:3] >= (*since, 0, 0)[:3]
    )


@remembered
def _refusals(source: ParsedSource) -> tuple[tuple[Region, _Verdict], ...]:
    """Return the regions that some releases do not reach.

    Each comes with a release, and with whether those from it on do not reach the region, or those below it.
    """
    called = source.bindings.calls
    if not (_question_ids(source) or "importorskip" in called or any(map(_REQUIRES.search, called))):
        return ()
    found: list[tuple[Region, _Verdict]] = []
    for node in (statement.node for statement in source.bindings.statements):
        regions = [(start_of(node), end_of(node))]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            refusals = [*_skipped_by(source, node.decorator_list)]
        else:
            refusals = [*_refused_by(source, node)]
            following = statements_after(source, node) if refusals else ()
            regions = [(start_of(following[0]), end_of(following[-1]))] if following else []
        found += ((region, refusal) for refusal in refusals for region in regions)
    return tuple(found)


def _refused_by(source: ParsedSource, node: ast.stmt) -> Iterator[_Verdict]:
    """Yield which releases do not reach what follows a statement."""
    if isinstance(node, ast.Assign) and any(is_name(target, "pytestmark") for target in node.targets):
        marks = node.value.elts if isinstance(node.value, (ast.List, ast.Tuple)) else [node.value]
        yield from _skipped_by(source, marks)
    if isinstance(node, (ast.Expr, ast.Assign)):
        yield from _skipped_below(source, node.value)
    if isinstance(node, ast.Expr):
        yield from _required_by_call(source, node.value)
    verdict = _verdict(source, node.test, _STEPS) if isinstance(node, (ast.If, ast.Assert)) else None
    if verdict is None:
        return
    first, outcome = verdict
    if isinstance(node, ast.Assert):
        yield first, not outcome
    elif isinstance(node, ast.If):
        for branch, is_refused in ((node.body, outcome), (node.orelse, not outcome)):
            if branch and _ends(source, branch):
                yield first, is_refused


def _ends(source: ParsedSource, branch: Sequence[ast.stmt]) -> bool:
    last = branch[-1]
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        return (dotted_name(last.value.func) or ("",))[-1] in _ENDS
    return never_goes_on(source, branch)


def _skipped_by(source: ParsedSource, marks: Sequence[ast.expr]) -> Iterator[_Verdict]:
    """Yield on which releases decorators, or pytest's marks, skip a test."""
    for mark in marks:
        call = _value_of(source, mark) if isinstance(mark, ast.Name) else mark
        if not isinstance(call, ast.Call) or not call.args:
            continue
        wanted = _SKIPS.get((dotted_name(call.func) or ("",))[-1])
        verdict = None if wanted is None else _verdict(source, call.args[0], _STEPS)
        if verdict is not None:
            yield verdict[0], verdict[1] is wanted


def _skipped_below(source: ParsedSource, value: ast.expr) -> Iterator[_Verdict]:
    """Yield the release of ``pytest.importorskip("flax", minversion="0.12")``, below which nothing after it runs."""
    if not isinstance(value, ast.Call) or source.bindings.names_of(value.func) != {"pytest.importorskip"}:
        return
    module = value.args[0] if value.args else None
    if not isinstance(module, ast.Constant) or module.value not in ("flax", "flax.nnx"):
        return
    release = _latest_in([*value.args[1:2], *(one.value for one in value.keywords if one.arg == "minversion")])
    if release is not None:
        yield release, False


def _required_by_call(source: ParsedSource, call: ast.expr) -> Iterator[_Verdict]:
    """Yield the release of ``require_version("flax>=0.12")`` or ``require_flax(0, 12)``, which raise below it."""
    name = (dotted_name(call.func) or ("",))[-1] if isinstance(call, ast.Call) else ""
    if not isinstance(call, ast.Call) or not _REQUIRES.search(name):
        return
    texts = [one.value for one in walk(call) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    written = [found[1] for text in texts if (found := _REQUIREMENT.match(text)) is not None]
    if written:
        yield tuple(map(int, written[0].split("."))), False
        return
    release = _latest_in(call.args) or _numbers(call.args)
    if release is not None and (
        "flax" in name or any("flax" in text for text in texts) or _compares(source, call.func)
    ):
        yield release, False


def _compares(source: ParsedSource, function: ast.expr) -> bool:
    """Tell whether a function of the file raises, and looks at the version of Flax."""
    bindings = source.bindings.bindings_of(function.id, start_of(function)) if isinstance(function, ast.Name) else ()
    definition = bindings[0].node if len(bindings) == 1 else None
    if not isinstance(definition, ast.FunctionDef):
        return False
    nodes = [*walk(definition)]
    asked = any(id(node) in _question_ids(source) and _is_of_flax(source, node) for node in nodes)
    return asked and any(isinstance(one, ast.Raise) for one in nodes)


# Comparisons with a version


def _verdict(source: ParsedSource, test: ast.expr, steps: int) -> _Verdict | None:
    """Return from which release on a test has which outcome, if it compares the version of Flax."""
    if not steps:
        return None
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        verdict = _verdict(source, test.operand, steps - 1)
        return None if verdict is None else (verdict[0], not verdict[1])
    if isinstance(test, ast.BoolOp):
        verdicts = (_verdict(source, part, steps - 1) for part in test.values)
        return next((one for one in verdicts if one and one[1] is isinstance(test.op, ast.Or)), None)
    if isinstance(test, ast.Compare):
        return _compared(source, test)
    if isinstance(test, ast.NamedExpr):
        return _verdict(source, test.value, steps - 1)
    if isinstance(test, ast.Call) and is_name(test.func, "hasattr"):
        return _asked_for_name(source, test)
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "startswith":
        latest = _latest_in(test.args) if _is_of_flax(source, test.func.value) else None
        return None if latest is None else (_after(latest), False)
    asked = test.func if isinstance(test, ast.Call) else test
    meant = _value_of(source, asked)
    if meant is None:
        elsewhere = definition_elsewhere(source, source.bindings.names_of(asked))
        return None if elsewhere is None else _verdict_of(*elsewhere, steps - 1)
    return _verdict(source, meant, steps - 1)


def _verdict_of(home: ParsedSource, binding: Binding, steps: int) -> _Verdict | None:
    """Return what the value of a name says, or a function that another file of the project defines."""
    value = returned_alone(binding.node) if isinstance(binding.node, ast.FunctionDef) else binding.value
    return None if value is None or binding.path else _verdict(home, value, steps)


def _asked_for_name(source: ParsedSource, test: ast.Call) -> _Verdict | None:
    """Return from which release on ``hasattr(nnx, "List")`` is true, or false, if it changes once."""
    if len(test.args) != 2 or not isinstance(test.args[1], ast.Constant):
        return None
    name = test.args[1].value
    if source.bindings.names_of(test.args[0]) != {NNX} or name not in names_of_some_releases() | names_that_went():
        return None
    spans = releases_with(str(name))
    if len(spans) != 1:
        return None
    (span,) = spans
    if span.last is None:
        return span.first, True
    return (_after(span.last), False) if span.first == measured_releases()[0] else None


def _compared(source: ParsedSource, test: ast.Compare) -> _Verdict | None:
    if len(test.ops) != 1:
        return None
    left, right, operator = test.left, test.comparators[0], test.ops[0]
    is_left = _is_of_flax(source, left)
    if is_left is _is_of_flax(source, right):
        return None
    release = _latest_in([right if is_left else left])
    if release is None:
        return None
    is_cut = any(isinstance(node, ast.Slice) for node in walk(left if is_left else right))
    following = _after(release if is_cut else (*release, 0)[:3])
    if isinstance(operator, (ast.Eq, ast.In, ast.NotEq, ast.NotIn)):
        return following, isinstance(operator, (ast.NotEq, ast.NotIn))
    is_strict = isinstance(operator, (ast.Lt, ast.Gt))
    is_greater = isinstance(operator, (ast.Gt, ast.GtE)) is is_left
    if not isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        return None
    # "version > 0.10.7" and "version <= 0.10.7" turn behind that release, the others at it.
    return (following if is_strict is is_greater else release), is_greater


def _is_of_flax(source: ParsedSource, side: ast.AST) -> bool:
    """Tell whether one side of a comparison is made from the version of Flax."""
    ids = _question_ids(source)
    return any(id(node) in ids for node in walk(side)) and _OTHER_LIBRARIES.isdisjoint(words_below(side))


def _latest_in(sides: Sequence[ast.expr]) -> FlaxRelease | None:
    return max((release for side in sides for release in _releases_in(side)), default=None)


def _releases_in(side: ast.expr) -> Iterator[FlaxRelease]:
    """Yield the versions written as text or as tuples: ``"0.11"``, ``Version("0.11.0")``, ``(0, 11)``."""
    for node in walk(side):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            written = _VERSION.fullmatch(node.value)
            if written:
                yield tuple(map(int, written[1].split(".")))
        elif isinstance(node, ast.Tuple):
            numbers = [one.value for one in node.elts if isinstance(one, ast.Constant)]
            whole = tuple(number for number in numbers if type(number) is int)
            if 1 < len(whole) == len(node.elts):
                yield whole


def _numbers(given: Sequence[ast.expr]) -> FlaxRelease | None:
    """Return the release that is given as numbers, ``(0, 12)`` as in ``at_least(0, 12)``."""
    found = tuple(one.value for one in given if isinstance(one, ast.Constant) and type(one.value) is int)
    return found if 1 < len(found) == len(given) else None


def _after(release: FlaxRelease) -> FlaxRelease:
    return (*release[:-1], release[-1] + 1)


@remembered
def _question_ids(source: ParsedSource) -> frozenset[int]:
    return frozenset(map(id, version_questions(source)))


def _value_of(source: ParsedSource, name: ast.expr) -> ast.expr | None:
    """Return the one expression that a name is assigned, or that the function of that name returns."""
    bindings = source.bindings.bindings_of(name.id, start_of(name)) if isinstance(name, ast.Name) else ()
    if len(bindings) != 1 or bindings[0].path:
        return None
    definition = bindings[0].node
    if isinstance(definition, ast.FunctionDef):
        return returned_alone(definition)
    return bindings[0].value if bindings[0].kind is BindingKind.ASSIGNMENT else None
