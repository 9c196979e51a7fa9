"""Reads the cases of a rule: Markdown whose Python blocks state their findings and rewrites.

A block ``python`` is a file; a comment ``# error: [NNX101]`` on a line says that this rule reports something there,
and nothing else is reported. Blocks ``python safe`` and ``python unsafe`` after it hold the whole file after
``nnx-fix``, and ``nnx-fix --unsafe-fixes``. ``flax=0.11`` behind any of them sets the lowest Flax release, and
``flax=0.10.2..0.10.7`` the highest as well. A block with findings
and no rewrite behind it says that none is offered. Rewrites are laid out for lines of 88 characters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flake8_nnx_treemap.names import PORTABLE_RANGE, FlaxRange

HERE = Path(__file__).parent

_BLOCK = re.compile(r"^```python(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_MARK = re.compile(r"# error: ((?:\[NNX\d+\] ?)+)")


@dataclass(frozen=True)
class Rewrite:
    kind: str
    flax: FlaxRange
    text: str


@dataclass
class Case:
    code: str
    title: str
    flax: FlaxRange
    text: str
    rewrites: list[Rewrite] = field(default_factory=list)

    @property
    def expected(self) -> Counter[tuple[int, str]]:
        marks: Counter[tuple[int, str]] = Counter()
        for row, line in enumerate(self.text.split("\n"), 1):
            for found in _MARK.findall(line):
                marks.update((row, code) for code in re.findall(r"NNX\d+", found))
        return marks


def range_named(name: str) -> FlaxRange:
    if name == "portable":
        return PORTABLE_RANGE
    lowest, _, highest = name.partition("..")
    return FlaxRange(_release(lowest), _release(highest) if highest else None)


def _release(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split("."))


def cases_in(path: Path) -> list[Case]:
    text = path.read_text(encoding="utf-8")
    titles = [(match.start(), match[1]) for match in _HEADING.finditer(text)]
    cases: list[Case] = []
    for block in _BLOCK.finditer(text):
        words = block["info"].split()
        floors = [range_named(word.partition("=")[2]) for word in words if word.startswith("flax=")]
        kinds = [word for word in words if word in ("safe", "unsafe")]
        title = [title for start, title in titles if start < block.start()][-1]
        if kinds:
            cases[-1].rewrites.append(Rewrite(kinds[0], floors[0] if floors else cases[-1].flax, block["body"]))
        else:
            cases.append(Case(path.stem, title, floors[0] if floors else PORTABLE_RANGE, block["body"]))
    return cases


def all_cases() -> Iterator[Case]:
    for path in sorted(HERE.glob("NNX*.md")):
        yield from cases_in(path)
