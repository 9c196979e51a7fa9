"""A rule as Markdown, for the hover and for *Explain*."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from flake8_nnx_treemap.reporting.traversals import text_drawing
from flake8_nnx_treemap.rules.catalogue import rule_named
from flake8_nnx_treemap.rules.rule import Finding, Rule


def hover_text(finding: Finding) -> str:
    """What can be done about a finding, and the rule's page; editors show its message above that by themselves."""
    rule = rule_named(finding.code)
    parts = [f"**[{rule.code} {rule.slug}]({rule.url})**"]
    if finding.fix is not None:
        parts.append(f"*Fix ({finding.fix.applicability.value}):* {finding.fix.message}")
    return "\n\n".join([*parts, "---", _with_small_headings(_body(rule))])


@cache
def page(code: str) -> str:
    """A rule's page: before and after, what JAX does, why."""
    rule = rule_named(code)
    return f"# [{rule.code} {rule.slug}]({rule.url})\n\n{_body(rule)}"


def _with_small_headings(text: str) -> str:
    """Markdown whose headings are lines in bold: in a window beside the pointer, others are as tall as three lines."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    parts[::2] = [re.sub(r"^#+ (.*)$", r"**\1**", part, flags=re.MULTILINE) for part in parts[::2]]
    return "".join(parts)


def _body(rule: Rule) -> str:
    parts = [rule.summary, *_example(rule)]
    drawing = text_drawing(rule.code)
    if drawing:
        parts += ["## What JAX does", _fence("text", drawing)]
    return "\n\n".join([*parts, rule.documentation.strip()]) + "\n"


def _example(rule: Rule) -> Iterator[str]:
    for example in rule.examples[:1]:
        yield "## Before"
        yield _fence("python", example.source)
        for floor, fixed in list(example.fixed.items())[-1:]:
            yield "## After" if floor == "portable" else f"## After, for Flax ≥ {floor}"
            yield _fence("python", fixed)


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```"
