"""A `# noqa` names a rule of this plugin that reports nothing there.

## What it does

Finds codes such as `NNX101` in `# noqa` comments that suppress nothing: the rule reports nothing on that line, or there
is no such rule. A bare `# noqa` and the codes of other tools are left alone.

## Why it is wrong

The comment has no use any more, and it would hide the next finding on that line, which may be a real one.

## What Flax does

Nothing: the rule is about comments. Whether another rule reports something on the line is decided for the Flax releases
that the project supports, even if that rule is not selected in this run.

## Fix safety

The fix is safe: no code changes.

The fix removes the code, and the comment if nothing else is left of it. Other codes, other comments and reasons stay.

## References

* <https://flake8.pycqa.org/en/stable/user/violations.html>: what `# noqa` means
* <https://docs.astral.sh/ruff/settings/#lint_external>: `lint.external = ["NNX"]` keeps ruff's RUF100 from removing the
  codes that are used
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.analysis.code.noqa import NoqaLine, is_switched_off, listed_codes, noqa_lines
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Position, Range, remembered
from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.rules.catalogue import CODES, rules_about_code
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

CODE = "NNX901"
MESSAGE = "# noqa: {} suppresses nothing here"
FIX_MESSAGE = "Remove the codes that suppress nothing"

_OURS = re.compile(r"NNX[0-9]+")
_LISTED = re.compile(r"([A-Za-z]+[0-9]+)([,\s]*)")


def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each ``# noqa`` comment that names rules which report nothing on its lines."""
    if "noqa" not in source.text.lower() or is_switched_off(source):
        return
    for line in dict.fromkeys(noqa_lines(source).values()):
        match = line.match()
        if match is None or line.comment is None or match.start() < line.comment:
            continue
        ours = [code for code in listed_codes(match) if _OURS.fullmatch(code) and not CODE.startswith(code)]
        unused = [code for code in ours if not _is_used(source, flax, line, code)]
        if unused:
            range_ = _range(source, line, match.start(), match.end() - _blanks_at_end(match[0]))
            yield Finding(CODE, MESSAGE.format(", ".join(unused)), range_, _fix(source, line, match, unused))


def _is_used(source: ParsedSource, flax: FlaxRange, line: NoqaLine, code: str) -> bool:
    """Tell whether a rule with this code or prefix reports something on the rows that a ``# noqa`` comment covers."""
    return any(line.first_row <= row <= line.last_row for row in _rows(source, flax, code))


@remembered
def _rows(source: ParsedSource, flax: FlaxRange, code: str) -> frozenset[int]:
    """Return the rows on which the rules with this code or prefix report something."""
    rules = [rule for rule in rules_about_code() if rule.code.startswith(code) and rule.entry.applies_to(flax)]
    return frozenset(finding.range.start.row for rule in rules for finding in rule.check(source, flax))


def _fix(source: ParsedSource, line: NoqaLine, match: re.Match[str], unused: Sequence[str]) -> Fix:
    listed = _LISTED.findall(match["codes"])
    kept = [(code, separator) for code, separator in listed if code not in unused]
    start, end = match.start(), match.end()
    rest = line.text[end:]
    if kept:
        start = match.start("codes")
        content = "".join(code + separator for code, separator in kept[:-1]) + kept[-1][0] + listed[-1][1]
    elif not rest.strip():
        start, content = len(line.text[:start].rstrip()), ""
        start = max(start, len(line.text) - len(source.line(line.last_row)))
    else:
        content = "" if rest.startswith("#") else "# "
    edit = source.replace(_range(source, line, start, end), content)
    return Fix(Applicability.SAFE, FIX_MESSAGE, (edit,))


def _range(source: ParsedSource, line: NoqaLine, start: int, end: int) -> Range:
    """Return the range in the file of offsets in the text of a logical line's last row."""
    before = len(line.text) - len(source.line(line.last_row))
    return Range(Position(line.last_row, start - before + 1), Position(line.last_row, end - before + 1))


def _blanks_at_end(text: str) -> int:
    return len(text) - len(text.rstrip(", \t"))


EXAMPLES = (
    Example(
        title="The call was repaired, the comment stayed",
        source="""\
import jax
from flax import nnx

STOP = (nnx.Variable, nnx.variablelib.VariableState)


def convert(tree):
    return jax.tree.map(
        lambda x: x.get_value() if isinstance(x, STOP) else x,
        tree,
        is_leaf=lambda x: isinstance(x, STOP),  # noqa: NNX101
    )
""",
        marked=("# noqa: NNX101",),
        fixed={
            "portable": """\
import jax
from flax import nnx

STOP = (nnx.Variable, nnx.variablelib.VariableState)


def convert(tree):
    return jax.tree.map(
        lambda x: x.get_value() if isinstance(x, STOP) else x,
        tree,
        is_leaf=lambda x: isinstance(x, STOP),
    )
""",
        },
        applicability=Applicability.SAFE,
    ),
    Example(
        title="Other codes and reasons stay",
        source="""\
import jax
from flax import nnx


def convert(tree):
    return jax.tree.map(lambda x: x, tree)  # noqa: E501, NNX101 the names are long
""",
        marked=("# noqa: E501, NNX101",),
        fixed={
            "portable": """\
import jax
from flax import nnx


def convert(tree):
    return jax.tree.map(lambda x: x, tree)  # noqa: E501 the names are long
""",
        },
        applicability=Applicability.SAFE,
    ),
)

RULE = Rule(
    CODES["NNX901"],
    "A `# noqa` names a rule of ours that has nothing to say there",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.ALWAYS,
)
