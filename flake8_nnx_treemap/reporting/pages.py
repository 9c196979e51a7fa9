"""A rule's page as Markdown, for editors and for services that show it beside a finding."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from flake8_nnx_treemap.reporting.prose import prose_of
from flake8_nnx_treemap.reporting.traversals import text_drawing
from flake8_nnx_treemap.rules.catalogue import rule_named
from flake8_nnx_treemap.rules.rule import Rule


@cache
def page(code: str) -> str:
    """A rule's page: before and after, what JAX does, why."""
    rule = rule_named(code)
    return f"# [{rule.code} {rule.slug}]({rule.url})\n\n{page_body(rule)}"


def page_body(rule: Rule) -> str:
    """The same without its heading."""
    parts = [rule.summary, *_example(rule)]
    drawing = text_drawing(rule.code)
    if drawing:
        parts += ["## What JAX does", _fence("text", drawing)]
    return "\n\n".join([*parts, prose_of(rule)]) + "\n"


def _example(rule: Rule) -> Iterator[str]:
    for example in rule.examples[:1]:
        yield "## Before"
        yield _fence("python", example.source)
        for floor, fixed in list(example.fixed.items())[-1:]:
            yield "## After" if floor == "portable" else f"## After, for Flax ≥ {floor}"
            yield _fence("python", fixed)


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text.strip()}\n```"
