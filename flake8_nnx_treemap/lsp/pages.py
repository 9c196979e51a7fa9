"""What a hover shows: what can be done about a finding, and its rule's page."""

from __future__ import annotations

import re

from flake8_nnx_treemap.reporting.pages import page_body
from flake8_nnx_treemap.rules.catalogue import rule_named
from flake8_nnx_treemap.rules.rule import Finding


def hover_text(finding: Finding) -> str:
    """What can be done about a finding, and the rule's page; editors show its message above that by themselves."""
    rule = rule_named(finding.code)
    parts = [f"**[{rule.code} {rule.slug}]({rule.url})**"]
    if finding.fix is not None:
        parts.append(f"*Fix ({finding.fix.applicability.value}):* {finding.fix.message}")
    return "\n\n".join([*parts, "---", _with_small_headings(page_body(rule))])


def _with_small_headings(text: str) -> str:
    """Markdown whose headings are lines in bold: in a window beside the pointer, others are as tall as three lines."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    parts[::2] = [re.sub(r"^#+ (.*)$", r"**\1**", part, flags=re.MULTILINE) for part in parts[::2]]
    return "".join(parts)
