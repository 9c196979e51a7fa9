"""Rules for people who ask for them: prose, an example before and after, and the drawing of its tree."""

from __future__ import annotations

import json
from collections.abc import Iterable

from flake8_nnx_treemap.reporting.traversals import text_drawing
from flake8_nnx_treemap.rules.rule import Example, Rule


def explanation(rule: Rule) -> str:
    """Everything there is to say about a rule, as text."""
    parts = [f"{rule.code} {rule.slug}", rule.documentation.strip()]
    if rule.examples:
        parts.append(_before_and_after(rule.examples[0]))
    parts += [text_drawing(rule.code) or "", rule.url]
    return "\n\n".join(part for part in parts if part)


def _before_and_after(example: Example) -> str:
    parts = ["## Example", _indented(example.source)]
    for floor, source in example.fixed.items():
        parts += [f"Fixed for {'every Flax' if floor == 'portable' else f'Flax {floor} and later'}:", _indented(source)]
    return "\n\n".join(parts)


def _indented(source: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in source.strip().splitlines())


def rules_as_json(rules: Iterable[Rule]) -> str:
    """What there is to know about rules, but for the prose."""
    entries = [
        {
            "code": rule.code,
            "name": rule.slug,
            "summary": rule.summary,
            "fix": rule.fix.value,
            "on_by_default": rule.on_by_default,
            "since": ".".join(map(str, rule.since)),
            "url": rule.url,
        }
        for rule in rules
    ]
    return json.dumps(entries, indent=2, ensure_ascii=False)
