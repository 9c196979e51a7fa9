"""What the configuration says of fixes: which rules' fixes count as safe, and which as unsafe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from flake8_nnx_treemap.rules.rule import Applicability, Finding
from flake8_nnx_treemap.rules.settings import LintSettings


def as_configured(findings: Iterable[Finding], settings: LintSettings) -> list[Finding]:
    """The findings, each fix as safe as the settings say its rule's fixes are; unsafe wins, as in ruff."""
    if not (settings.extend_safe_fixes or settings.extend_unsafe_fixes):
        return list(findings)
    return [_as_configured(finding, settings) for finding in findings]


def _as_configured(finding: Finding, settings: LintSettings) -> Finding:
    if finding.fix is None:
        return finding
    if finding.code in settings.extend_unsafe_fixes:
        return replace(finding, fix=replace(finding.fix, applicability=Applicability.UNSAFE))
    if finding.code in settings.extend_safe_fixes:
        return replace(finding, fix=replace(finding.fix, applicability=Applicability.SAFE))
    return finding
