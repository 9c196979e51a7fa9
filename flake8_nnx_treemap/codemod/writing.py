"""Writes the fixes that rules describe: from steps to minimal text edits, by the concrete tree of their statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import libcst as cst

from flake8_nnx_treemap.analysis.code.text import Edit, Range
from flake8_nnx_treemap.analysis.names.source import ParsedSource, host_of
from flake8_nnx_treemap.codemod.spotter import Spot, Spots, spot
from flake8_nnx_treemap.codemod.statements import parse_statements
from flake8_nnx_treemap.rules.rule import Finding, Fix
from flake8_nnx_treemap.rules.steps import AddKeyword, Append, AssignByCall, Described, Replace, Step, subjects_of


def with_edits(source: ParsedSource, findings: Iterable[Finding], wanted: Callable[[Fix], bool]) -> list[Finding]:
    """Write the fixes of findings.

    Args:
        source: the file.
        findings: its findings, whose fixes are described in steps.
        wanted: tells which fixes to write; the others keep their steps.

    Returns:
        The findings in the same order. A fix that cannot be written without losing a comment, or whose statement
        LibCST does not parse, is taken away.
    """
    found = [*findings]
    steps = [step for one in found if one.fix is not None and wanted(one.fix) for step in one.fix.steps]
    if not steps:
        return found
    spots = _spots(source, steps)

    def written(one: Finding) -> Finding:
        is_described = one.fix is not None and bool(one.fix.steps) and wanted(one.fix)
        return replace(one, fix=_written(source, one.fix, spots)) if one.fix is not None and is_described else one

    return [*map(written, found)]


def _spots(source: ParsedSource, steps: Sequence[Step]) -> Spots:
    """Find the expressions that steps are about, and the comments around them, in their statements."""
    nodes = [node for step in steps if not isinstance(step, Edit) for node in subjects_of(step)]
    wanted = {source.range(node) for node in nodes}
    found = Spots()
    for statements in parse_statements(source, (host_of(source, node) for node in nodes)):
        spot(statements, wanted, found)
    return found


def _written(source: ParsedSource, fix: Fix, spots: Spots) -> Fix | None:
    edits: list[Edit] = []
    for step in fix.steps:
        if isinstance(step, Edit):
            # Its statement is not parsed, so that any "#" is taken for a comment, also one in a string.
            is_lossy = "#" in source.text_in(step.range) and "#" not in step.content
            written: list[Edit] | None = None if is_lossy else [step]
        else:
            written = _edits_of(source, step, spots)
        if written is None or any(_drops_comment(edit, spots.comments) for edit in written):
            return None
        edits += [edit for edit in written if edit.content or edit.range.start != edit.range.end]
    return replace(fix, edits=tuple(sorted(set(edits))), steps=()) if edits else None


def _drops_comment(edit: Edit, comments: Iterable[Range]) -> bool:
    inside = (one for one in comments if edit.range.start <= one.start and one.end <= edit.range.end)
    return "#" not in edit.content and any(inside)


def _edits_of(source: ParsedSource, step: Described, spots: Spots) -> list[Edit] | None:
    own = source.range(subjects_of(step)[0])
    found = spots.expressions.get(own)
    if found is None:
        return None
    if isinstance(step, AssignByCall):
        return _call_for_assignment(source, step, found, spots)
    if isinstance(step, AddKeyword):
        return _keyword(source, step, found)
    if isinstance(step, Replace):
        return [source.replace(found.outer if step.with_parentheses else own, step.content)]
    if isinstance(step, Append):
        if step.is_swallowed and not found.is_in_parentheses:
            return [source.insert(own.start, "("), source.insert(own.end, f"){step.content}")]
        return [source.insert(found.outer.end, step.content)]
    if found.is_in_parentheses:
        return None
    return [source.insert(own.start, step.before), source.insert(own.end, step.after)]


def _keyword(source: ParsedSource, step: AddKeyword, call: Spot) -> list[Edit] | None:
    if not call.arguments:
        return None
    argument, value = call.arguments[-1]
    separator = ", "
    if argument.start.row > source.range(step.call.func).end.row:
        before = source.line(argument.start.row)[: argument.start.column - 1]
        separator = ", " if before.strip() else f",{source.newline}{before}"
    return [source.insert(value.end, separator + step.content)]


def _call_for_assignment(source: ParsedSource, step: AssignByCall, target: Spot, spots: Spots) -> list[Edit] | None:
    value = spots.expressions.get(source.range(step.value))
    if value is None or target.is_in_parentheses:
        return None
    # A bare tuple would be several arguments; a bare "yield" or ":=" is none.
    is_bare = isinstance(value.node, _NEED_PARENTHESES) and not value.is_in_parentheses
    opening, closing = ("(", "))") if is_bare else ("", ")")
    name = source.position(source.offset(target.outer.end) - len(step.target.attr))
    return [
        source.replace(Range(name, value.outer.start), step.method + opening),
        source.insert(value.outer.end, closing),
    ]


_NEED_PARENTHESES = (cst.Tuple, cst.Yield, cst.NamedExpr)
