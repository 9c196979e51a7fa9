"""Rules for people who ask for them: prose, an example before and after, and the drawing of its tree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TextIO

from flake8_nnx_treemap.reporting.prose import prose_of
from flake8_nnx_treemap.reporting.severity import severity_of
from flake8_nnx_treemap.reporting.traversals import text_drawing
from flake8_nnx_treemap.rules.rule import Example, Rule


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of an explanation: prose in Markdown, a program, or a drawing."""

    text: str
    kind: Literal["prose", "program", "drawing"] = "prose"


def explanation(rule: Rule) -> str:
    """Everything there is to say about a rule, as text."""
    parts = [_indented(part.text) if part.kind == "program" else part.text for part in _parts(rule)]
    return "\n\n".join([f"{rule.code} {rule.slug}", *parts])


def print_rendered(rules: Iterable[Rule], stream: TextIO) -> bool:
    """Print explanations as a terminal shows Markdown best.

    Args:
        rules: what to explain.
        stream: the terminal.

    Returns:
        Whether it was done; it takes ``rich``, of the extra ``progress``.
    """
    try:
        from rich.console import Console, Group
        from rich.markdown import Markdown
        from rich.padding import Padding
        from rich.syntax import Syntax
        from rich.text import Text
    except ImportError:
        return False
    console = Console(file=stream, force_terminal=True)
    for rule in rules:
        shown = [
            Markdown(part.text)
            if part.kind == "prose"
            else Padding(
                Syntax(part.text, "python", theme="ansi_dark", background_color="default", word_wrap=True), (0, 0, 0, 4)
            )
            if part.kind == "program"
            else Text(part.text, no_wrap=True)
            for part in _parts(rule)
        ]
        console.print(Group(Markdown(f"# {rule.code} {rule.slug}"), *(one for part in shown for one in ("", part)), ""))
    return True


def _parts(rule: Rule) -> Iterator[_Part]:
    yield _Part(prose_of(rule))
    if rule.examples:
        yield from _before_and_after(rule.examples[0])
    drawing = text_drawing(rule.code)
    if drawing:
        yield _Part(drawing, "drawing")
    yield _Part(rule.url)


def _before_and_after(example: Example) -> Iterator[_Part]:
    yield _Part("## Example")
    yield _Part(example.source.strip(), "program")
    for floor, source in example.fixed.items():
        yield _Part(f"Fixed for {'every Flax' if floor == 'portable' else f'Flax {floor} and later'}:")
        yield _Part(source.strip(), "program")


def _indented(source: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in source.splitlines())


def rules_as_json(rules: Iterable[Rule]) -> str:
    """What there is to know about rules, but for the prose."""
    return json.dumps(list(map(_entry, rules)), indent=2, ensure_ascii=False)


def explanations_as_json(rules: Iterable[Rule]) -> str:
    """The same with the prose, in Markdown, and the examples."""
    return json.dumps([{**_entry(rule), **_explanation(rule)} for rule in rules], indent=2, ensure_ascii=False)


def _entry(rule: Rule) -> dict[str, object]:
    return {
        "code": rule.code,
        "name": rule.slug,
        "summary": rule.summary,
        "fix": rule.fix.value,
        "on_by_default": rule.on_by_default,
        "since": ".".join(map(str, rule.since)),
        "url": rule.url,
    }


def _explanation(rule: Rule) -> dict[str, object]:
    return {
        "kind": rule.entry.kind.value,
        "severity": severity_of(rule.code),
        "explanation": prose_of(rule),
        "examples": [
            {"title": example.title, "source": example.source, "fixed": dict(example.fixed)}
            for example in rule.examples
        ],
    }
