"""What a rule finds in a program, it is asked for however the program is spelled: blanks, comments, lines."""

from __future__ import annotations

import ast
import io
import random
import tokenize
from collections.abc import Iterator

import pytest
from cases import HERE, Case, cases_in

from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.gate import may_hold_findings, may_hold_findings_text
from flake8_nnx_treemap.names import NEWEST_RANGE, PORTABLE_RANGE
from flake8_nnx_treemap.rules.catalogue import CODES, may_find_in, rule_named
from flake8_nnx_treemap.rules.rule import Rule
from flake8_nnx_treemap.rules.settings import LintSettings

OUTSIDE = ("  ", "\t", " \f ", " \\\n ", "\\\n", "\\\n \\\n\t")
INSIDE = ("\n ", "\n\n ", " # a) b\n", " # (x\n", "# c = 1\n # nnx.x, # y\n", " # '\n", '\n# "\n')
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
LAYOUT |= {getattr(tokenize, name, tokenize.NL) for name in ("FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END")}
OF_STATEMENTS = {"NNX205"}
"""Rules that are about whole statements, whose targets are looked for on one line."""


def respelled(text: str, chance: random.Random) -> str:
    """The same program with other blanks between its words."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    parts, last, depth, strings = [], 0, 0, 0
    before: tokenize.TokenInfo | None = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        gap, word = text[last:start], text[start:end]
        name = tokenize.tok_name[token.type]
        strings += (name == "FSTRING_START") - (name == "FSTRING_END")
        is_free = before is not None and not strings and not {before.type, token.type} & LAYOUT and "\n" not in gap
        if is_free and before is not None and before.type != tokenize.NUMBER and chance.random() < 0.3:
            gap = chance.choice(OUTSIDE + INSIDE * 2 if depth else OUTSIDE)
        depth += (word in "([{") - (word in ")]}") if token.type == tokenize.OP and not strings else 0
        parts += [gap, word]
        last, before = end, token
    return "".join([*parts, text[last:]])


def programs(code: str) -> Iterator[str]:
    for number, case in enumerate(_cases_with(code)):
        for seed in (2 * number, 2 * number + 1):
            text = respelled(case.text, random.Random(seed))
            try:
                ast.parse(text)
            except SyntaxError:  # A comment in an f-string, which older releases take for a string.
                continue
            yield text.replace("\n", "\r\n") if seed % 5 == 0 else text


def _cases_with(code: str) -> list[Case]:
    return [case for case in cases_in(HERE / f"{code}.md") if any(one == code for _, one in case.expected)]


def finds(rule: Rule, source: ParsedSource) -> bool:
    return any(any(rule.check(source, flax)) for flax in (NEWEST_RANGE, PORTABLE_RANGE))


@pytest.mark.parametrize("code", sorted(CODES.keys() - OF_STATEMENTS - {"NNX901"}))
def test_a_rule_is_asked_however_a_program_is_spelled(code: str) -> None:
    rule, count = rule_named(code), 0
    for text in programs(code):
        if not finds(rule, ParsedSource(text)):
            continue
        count += 1
        data = text.encode()
        assert may_hold_findings(data), text
        assert may_hold_findings_text(text), text
        assert rule.entry.may_find(text), text
        settings = [LintSettings(frozenset({code}), flax) for flax in (NEWEST_RANGE, PORTABLE_RANGE)]
        assert may_find_in(data, settings, is_program=True, defines_modules=lambda: True) or not any(
            rule.entry.applies_to(one.flax_range) for one in settings
        ), text
    assert count >= 5
