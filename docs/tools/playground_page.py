"""What the page calls in the browser: one function, from a text to findings and a diff, as JSON."""

from __future__ import annotations

import ast
import difflib
import json

from flake8_nnx_treemap import fix_source, lint_source
from flake8_nnx_treemap.analysis.code.text import SourceError
from flake8_nnx_treemap.names import PORTABLE
from flake8_nnx_treemap.rules.catalogue import rule_named
from flake8_nnx_treemap.rules.rule import Finding
from flake8_nnx_treemap.rules.settings import LintSettings

_TOO_NEW = ("Match", "TryStar", "TypeAlias", "TypeVar", "ParamSpec", "TypeVarTuple", "TemplateStr")


def examine(text: str, floor: str, unsafe_fixes: bool) -> str:
    """Lint and fix one text."""
    target = PORTABLE if floor == "portable" else tuple(map(int, floor.split(".")))
    settings = LintSettings(None, target, unsafe_fixes)
    try:
        found = lint_source(text, settings=settings)
        fixed = fix_source(text, settings=settings).text
    except SourceError as error:
        return json.dumps({"error": error.message, "row": error.row})
    diff = difflib.unified_diff(text.splitlines(), fixed.splitlines(), "before", "after", lineterm="", n=2)
    return json.dumps(
        {
            "findings": [_entry(finding) for finding in found],
            "diff": list(diff),
            "fixed": fixed,
            "note": _note(text),
        }
    )


def _entry(finding: Finding) -> dict[str, object]:
    rule = rule_named(finding.code)
    return {
        "row": finding.range.start.row,
        "column": finding.range.start.column,
        "code": finding.code,
        "message": finding.message,
        "page": f"rules/{rule.code}-{rule.slug}/",
        "fix": finding.fix.applicability.value if finding.fix else "none",
    }


def _note(text: str) -> str:
    new = [name for name in _TOO_NEW if hasattr(ast, name)]
    if any(type(node).__name__ in new for node in ast.walk(ast.parse(text))):
        return "This text has syntax newer than Python 3.8. Functions that use it are not seen here; nnx-fix sees them."
    return ""
