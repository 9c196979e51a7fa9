"""How often each rule was broken."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.rules.catalogue import rule_named


def render_statistics(name: str, reports: Sequence[FileReport]) -> str:
    """Count what is left, most frequent rule first.

    Args:
        name: ``json``, or a format for people.
        reports: the files that have something to say.
    """
    counts = Counter(finding.code for report in reports for finding in report.findings)
    fixable = Counter(one.code for report in reports for one in report.findings if report.is_fixable(one))
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    if name == "json":
        entries = [
            {"code": code, "name": rule_named(code).slug, "count": count, "fixable": fixable[code]}
            for code, count in rows
        ]
        return json.dumps(entries, indent=2) + "\n"
    width = max((len(str(count)) for _, count in rows), default=0)
    return "".join(
        f"{count:{width}}  {code}  {'[*]' if fixable[code] else '[ ]'} {rule_named(code).slug}\n"
        for code, count in rows
    )
