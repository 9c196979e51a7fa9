"""Applies text edits, and chooses fixes that can be made together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import replace

from flake8_nnx_treemap.analysis.code.text import Edit, Position, Range, line_starts
from flake8_nnx_treemap.rules.rule import RENAMES, Finding, Fix, is_wanted


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return a text after edits that do not overlap; equal ones, such as the same import added twice, are made once.

    Args:
        text: the text that the edits' ranges refer to.
        edits: the edits, in any order.

    Returns:
        The new text; everything outside the edits is unchanged.
    """
    starts = line_starts(text)

    def offset(position: Position) -> int:
        return starts[position.row - 1] + position.column - 1

    parts, done = [], 0
    for edit in sorted(set(edits)):
        parts += [text[done : offset(edit.range.start)], edit.content]
        done = offset(edit.range.end)
    return "".join([*parts, text[done:]])


def compatible(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings whose fixes can be made at once, in order of position.

    A fix is chosen with all its edits or not at all. Two fixes may have an equal edit; apart from that they must not
    touch. Where they do, the repair of a call is chosen before a rename: after the rename, the bug would look like
    correct code.
    """
    chosen: list[Finding] = []
    taken: list[Edit] = []  # Sorted, and no two of them touch, so a new edit can only collide with its neighbours.
    for finding in sorted(findings, key=lambda found: (found.code >= RENAMES, found.sort_key)):
        if finding.fix is None:
            continue
        places = [(bisect_left(taken, edit), edit) for edit in finding.fix.edits]
        new = [(place, edit) for place, edit in places if taken[place : place + 1] != [edit]]
        if not any(_collide(edit, other) for place, edit in new for other in taken[max(place - 1, 0) : place + 1]):
            chosen.append(finding)
            for _, edit in new:
                insort(taken, edit)
    return sorted(chosen, key=lambda found: found.sort_key)


def compatible_together(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings whose fixes can be made at once, where every use of some definition is among them.

    The fixes of these uses are those that change the definition.

    Args:
        findings: the findings whose fixes are wanted.

    Returns:
        The findings, in order of position; none if no definition has all its uses among them, or if one of those uses
        cannot be fixed together with the others.
    """
    uses: dict[Range, list[Finding]] = {}
    for found in findings:
        if found.fix is not None and found.fix.together is not None:
            uses.setdefault(found.fix.together.definition, []).append(found)
    shared: list[Finding] = []
    for group in uses.values():
        fixes = [replace(one.fix, edits=one.fix.together.edits) for one in group if one.fix and one.fix.together]
        if len(fixes) == fixes[0].together.uses if fixes[0].together else False:
            shared += [replace(one, fix=fix) for one, fix in zip(group, fixes, strict=True)]
    if not shared:
        return []
    keys = {found.sort_key for found in shared}
    chosen = compatible([*shared, *(found for found in findings if found.sort_key not in keys)])
    return chosen if keys <= {found.sort_key for found in chosen} else []


def _collide(edit: Edit, other: Edit) -> bool:
    first, second = sorted((edit.range, other.range))
    return second.start <= first.end  # Adjacent edits may both change the same name in an import.


def without_hiding_renames(findings: Sequence[Finding], *, unsafe_fixes: bool) -> list[Finding]:
    """Return findings, without the fixes that rename VariableState inside a finding that is not fixed.

    ``elif isinstance(x, nnx.VariableState)`` after a branch for ``nnx.Variable`` is a bug that only the author can
    resolve; with ``nnx.Variable`` in both, no rule would find it any more.
    """
    staying = [
        found for found in findings if found.code < RENAMES and not is_wanted(found.fix, unsafe_fixes=unsafe_fixes)
    ]
    held = _merged(range_ for found in staying for range_ in (found.range, *found.related))
    starts = [range_.start for range_ in held]

    def touches(edit: Edit) -> bool:
        before = bisect_right(starts, edit.range.end) - 1
        return before >= 0 and edit.range.start <= held[before].end

    return [
        replace(found, fix=None, notes=(*found.notes, _WAITS))
        if found.code in _HIDING and found.fix is not None and any(map(touches, _written_or_described(found.fix)))
        else found
        for found in findings
    ]


def _written_or_described(fix: Fix) -> list[Edit]:
    return [step for step in fix.edits or fix.steps if isinstance(step, Edit)]


_HIDING = frozenset({"NNX201", "NNX202"})
_WAITS = "its fix waits until another finding in the same place is resolved"


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """Return ranges merged so that none overlap, sorted."""
    merged: list[Range] = []
    for range_ in sorted(ranges):
        if merged and range_.start <= merged[-1].end:
            range_ = Range(merged[-1].start, max(range_.end, merged.pop().end))
        merged.append(range_)
    return merged
