"""Turns the steps of fixes into minimal text edits, with the concrete trees of their statements."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import libcst as cst

from flake8_nnx_treemap.analysis.code.nodes import end_of
from flake8_nnx_treemap.analysis.code.text import LINE_END, Edit, Range
from flake8_nnx_treemap.analysis.names.scopes import Host
from flake8_nnx_treemap.analysis.names.source import ParsedSource, host_of
from flake8_nnx_treemap.codemod.fitting import fitted
from flake8_nnx_treemap.codemod.layout import Style
from flake8_nnx_treemap.codemod.spotter import Spots, spot
from flake8_nnx_treemap.codemod.statements import parse_statements, possible_comments
from flake8_nnx_treemap.rules.rule import Finding, Fix
from flake8_nnx_treemap.rules.steps import AddKeyword, AssignByCall, Described, Enclose, Replace, Step, subject_of

TOGETHER = 256
"""How many findings' statements are parsed at once, or more if they share one: thousands of trees take a gigabyte."""


def with_edits(
    source: ParsedSource, findings: Iterable[Finding], wanted: Callable[[Fix], bool], style: Style
) -> list[Finding]:
    """Return findings, with the steps of their fixes turned into edits.

    Args:
        source: the file.
        findings: its findings, whose fixes are described in steps.
        wanted: tells which fixes to turn into edits; the others keep their steps.
        style: how the file is formatted.

    Returns:
        The findings in the same order. A fix is dropped if it would lose a comment, or if LibCST does not parse its
        statement.
    """
    return [one for batch in _batches(source, findings, wanted) for one in _with_edits(source, batch, wanted, style)]


def _batches(
    source: ParsedSource, findings: Iterable[Finding], wanted: Callable[[Fix], bool]
) -> Iterator[Sequence[Finding]]:
    """Yield findings in batches that share no statement with the next one, so that none is parsed for each batch."""
    batch: list[Finding] = []
    hosts: set[Host] = set()
    for one in findings:
        own = {host_of(source, subject_of(step)) for step in _steps(one, wanted) if not isinstance(step, Edit)}
        if len(batch) >= TOGETHER and not own <= hosts:
            yield batch
            batch, hosts = [], set()
        batch.append(one)
        hosts |= own
    yield batch


def _steps(one: Finding, wanted: Callable[[Fix], bool]) -> Sequence[Step]:
    fix = one.fix
    if fix is None or not wanted(fix):
        return ()
    return (*fix.steps, *(fix.together.steps if fix.together else ()))


def _with_edits(
    source: ParsedSource, found: Sequence[Finding], wanted: Callable[[Fix], bool], style: Style
) -> Sequence[Finding]:
    steps = [step for one in found for step in _steps(one, wanted)]
    if not steps:
        return found
    spots = _spots(source, steps)

    def written(one: Finding) -> Finding:
        if one.fix is None or not one.fix.steps or not wanted(one.fix):
            return one
        return replace(one, fix=_written(source, one.fix, spots, style))

    return [*map(written, found)]


def _spots(source: ParsedSource, steps: Sequence[Step]) -> Spots:
    """Return the expressions that steps rewrite, and the comments around them, in the concrete trees."""
    described = (step for step in steps if not isinstance(step, Edit))
    return spot(source, parse_statements(source, (host_of(source, subject_of(step)) for step in described)))


def _written(source: ParsedSource, fix: Fix, spots: Spots, style: Style) -> Fix | None:
    edits = _all_edits(source, fix.steps, spots, style)
    if edits is None:
        return None
    together = fix.together
    if together is not None:
        shared = _all_edits(source, together.steps, spots, style)
        together = None if shared is None else replace(together, edits=shared, steps=())
    return replace(fix, edits=edits, steps=(), together=together)


def _all_edits(source: ParsedSource, steps: Sequence[Step], spots: Spots, style: Style) -> tuple[Edit, ...] | None:
    """Return the edits of all steps; ``None`` if there are none, or one would drop a comment or cannot be made."""
    edits: list[Edit] = []
    for step in steps:
        written = [step] if isinstance(step, Edit) else _edits_of(source, step, spots)
        is_parsed = not isinstance(step, Edit) and host_of(source, subject_of(step)) in spots.nodes
        if written is None or any(_drops_comment(source, edit, spots, is_parsed=is_parsed) for edit in written):
            return None
        edits += [edit for edit in written if edit.content or edit.range.start != edit.range.end]
    return tuple(fitted(source, sorted(set(edits)), style)) if edits else None


def _drops_comment(source: ParsedSource, edit: Edit, spots: Spots, *, is_parsed: bool) -> bool:
    """Tell whether an edit replaces a comment, and what it writes does not hold that comment as well."""
    start, end = edit.range
    if "#" not in source.text_in(edit.range):
        return False
    inside = {place: text for place, text in spots.comments.items() if start <= place < end}
    if not is_parsed:
        inside.update(possible_comments(source, edit.range))
    content = edit.content
    if any(place.row == end.row for place in inside):  # The edit ends in that comment, and the rest of it stays.
        content += source.line(end.row)[end.column - 1 :]
    lines = LINE_END.split(content)
    for comment in sorted(inside.values(), key=len, reverse=True):
        kept = next((line for line in lines if line.endswith(comment)), None)
        if kept is None:
            return True
        lines.remove(kept)
    return False


def _edits_of(source: ParsedSource, step: Described, spots: Spots) -> list[Edit] | None:
    """Return the edits of one step; ``None`` if the concrete tree does not hold the step's expression."""
    if isinstance(step, AddKeyword):
        return _keyword(source, step, spots)
    if isinstance(step, AssignByCall):
        return _call_for_assignment(source, step, spots)
    own = source.range(step.node)
    if isinstance(step, Replace) and not step.with_parentheses:
        return [source.replace(own, step.content)]
    if isinstance(step, Enclose):
        return [source.insert(own.start, step.before), source.insert(own.end, step.after)]
    found = spots.expression(step.node)
    if found is None:
        return None
    if isinstance(step, Replace):
        return [source.replace(found.outer, step.content)]
    if step.is_swallowed and not found.is_in_parentheses:
        return [source.insert(own.start, "("), source.insert(own.end, f"){step.content}")]
    return [source.insert(found.outer.end, step.content)]


def _keyword(source: ParsedSource, step: AddKeyword, spots: Spots) -> list[Edit] | None:
    given: list[ast.expr | ast.keyword] = [*step.call.args, *step.call.keywords]
    last = max(given, key=end_of, default=None)
    value = last.value if isinstance(last, ast.keyword) else last
    if value is not None and end_of(value) == end_of(step.call):
        own = source.range(value)  # A generator as the only argument: the call's parentheses become its own.
        return [source.insert(own.start, "("), source.insert(own.end, f", {step.content})")]
    found = None if value is None else spots.expression(value)
    if found is None or last is None:
        return None
    start = source.range(last).start
    separator = ", "
    if found.outer.start.row > source.range(step.call.func).end.row:
        start = min(start, found.outer.start)
        before = source.line(start.row)[: start.column - 1]
        separator = ", " if before.strip() else f",{source.newline}{before}"
    return [source.insert(found.outer.end, separator + step.content)]


def _call_for_assignment(source: ParsedSource, step: AssignByCall, spots: Spots) -> list[Edit] | None:
    target, value = spots.expression(step.target), spots.expression(step.value)
    if target is None or value is None or target.is_in_parentheses:
        return None
    # As an argument, a bare tuple would be several, and a bare "yield" or ":=" a syntax error.
    is_bare = isinstance(value.concrete, _NEED_PARENTHESES) and not value.is_in_parentheses
    opening, closing = ("(", "))") if is_bare else ("", ")")
    name = source.position(source.offset(target.outer.end) - len(step.target.attr))
    return [
        source.replace(Range(name, value.outer.start), step.method + opening),
        source.insert(value.outer.end, closing),
    ]


_NEED_PARENTHESES = (cst.Tuple, cst.Yield, cst.NamedExpr)
