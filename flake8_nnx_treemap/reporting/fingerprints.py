"""Fingerprints, by which services recognise a finding in the next run although its line has moved."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator

from flake8_nnx_treemap.analysis.code.text import LINE_END
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.rules.rule import Finding

Fingerprint = Callable[..., str]


def fingerprints() -> Fingerprint:
    """A function that gives each identity a fingerprint, the same in every run; equal ones of a run are told apart."""
    seen: Counter[tuple[str, ...]] = Counter()

    def fingerprint(*identity: str) -> str:
        seen[identity] += 1
        text = "\0".join((*identity, str(seen[identity])))
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

    return fingerprint


def identified(report: FileReport, path: str, fingerprint: Fingerprint) -> Iterator[tuple[Finding, str]]:
    """Each finding of a file with its fingerprint, which rests on the text of its line.

    Args:
        report: the file's report.
        path: the name that the file goes by.
        fingerprint: what ``fingerprints`` gave.
    """
    lines = LINE_END.split(report.text or "")
    for finding in report.findings:
        row = finding.range.start.row
        yield finding, fingerprint(path, finding.code, lines[row - 1].strip() if row <= len(lines) else "")
