"""Findings as a client shows them. A diagnostic carries its fix, so that nothing has to be looked for again."""

from __future__ import annotations

from typing import Any

from lsprotocol import types

from flake8_nnx_treemap.lsp.analyst import Analysis
from flake8_nnx_treemap.lsp.documents import Source
from flake8_nnx_treemap.reporting.severity import severity_of
from flake8_nnx_treemap.rules.catalogue import Kind, rule_named
from flake8_nnx_treemap.rules.rule import Finding, Fix, Rule

NAME = "nnx-treemap"
"""The ``source`` of our diagnostics."""

By = dict[str, list[types.Diagnostic]]


def diagnostics_of(analysis: Analysis) -> By:
    """All findings of a source by the document that they are in; a document without any has an empty list."""
    found: By = {part.document.uri: [] for part in analysis.source.parts}
    for finding in analysis.findings:
        place = analysis.source.locate(finding.range)
        if place is not None:
            found[place[0].uri].append(diagnostic_of(analysis.source, finding, place[1]))
    return found


def diagnostic_of(source: Source, finding: Finding, range_: types.Range) -> types.Diagnostic:
    """One finding, with what a code action needs in ``data``."""
    rule = rule_named(finding.code)
    return types.Diagnostic(
        range=range_,
        message="\n".join((finding.message, *finding.notes)),
        severity=_SEVERITIES[severity_of(finding.code)],
        code=finding.code,
        code_description=types.CodeDescription(href=rule.url),
        source=NAME,
        tags=tags_of(rule) or None,
        data={"digest": source.digest, "fix": _fix_data(source, finding.fix)},
    )


_SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}


def tags_of(rule: Rule) -> list[types.DiagnosticTag]:
    """Editors strike through what is deprecated."""
    return [types.DiagnosticTag.Deprecated] if rule.entry.kind is Kind.DEPRECATION else []


def _fix_data(source: Source, fix: Fix | None) -> dict[str, Any] | None:
    """A fix as JSON: ``edits`` holds ``[uri, line, character, line, character, text]`` as the client counts."""
    edits = source.text_edits(fix.edits) if fix is not None else None
    if fix is None or edits is None:
        return None
    flat = [[uri, *_numbers(edit.range), edit.new_text] for uri, found in edits.items() for edit in found]
    return {"title": fix.message, "applicability": fix.applicability.value, "edits": flat}


def _numbers(range_: types.Range) -> tuple[int, int, int, int]:
    return (range_.start.line, range_.start.character, range_.end.line, range_.end.character)


def fix_edits(data: dict[str, Any]) -> dict[str, list[types.TextEdit]]:
    """The edits of a diagnostic's fix, as ``_fix_data`` wrote them."""
    found: dict[str, list[types.TextEdit]] = {}
    for uri, *numbers, text in data["edits"]:
        start, end = types.Position(*numbers[:2]), types.Position(*numbers[2:])
        found.setdefault(uri, []).append(types.TextEdit(types.Range(start, end), text))
    return found
