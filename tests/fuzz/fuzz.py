"""Feeds mutated inputs to everything that reads what others wrote, for as many minutes as it is told to.

``python tests/fuzz/fuzz.py --minutes 10``; ``nox -s fuzz -- --minutes 30`` does so in an environment of its own. What
is found is shrunk and printed, and the run fails. Put the input into ``tests/fuzz/corpus`` with its mending.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from targets import check_cell, check_file, check_gitignore, check_names, check_project

from flake8_nnx_treemap.rules.catalogue import every_rule

SECONDS_FOR_ONE = 20
"""Of CPU: an input is a few kilobytes, for which an analysis takes hundredths of a second."""
ROUND = 200
TESTS = Path(__file__).resolve().parents[1]


# Inputs: what the rules' examples and cases hold, cut, doubled, spliced and sprinkled with what code is made of.

PROGRAMS = sorted(
    {example.source for rule in every_rule() for example in rule.examples}
    | {
        block
        for path in sorted((TESTS / "rules").glob("NNX*.md"))
        for block in re.findall(r"```python[^\n]*\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    }
)
TOKENS = (
    *(
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        ".",
        "=",
        ":=",
        "*",
        "**",
        "@",
        "->",
        "|",
        "\\\n",
        ";",
        "\n",
        "\r",
        "\r\n",
        "\t",
    ),
    *(
        "\f",
        "\0",
        "é",
        "字",
        "\u202e",
        "\ufeff",
        "'",
        '"',
        "'''",
        '"""',
        "#",
        "# noqa",
        "# noqa: NNX101",
        "f'{",
        "}'",
        "\\",
    ),
    *(
        "lambda x: ",
        "def f(x):\n    ",
        "class A(nnx.Module):\n    ",
        "if x:\n    ",
        "else:\n",
        "try:\n    ",
        "except E:\n",
    ),
    *(
        "with a as b:\n    ",
        "for x in y:\n    ",
        "async ",
        "await ",
        "yield ",
        "return ",
        "del ",
        "global s\n",
        "import jax\n",
    ),
    *(
        "from flax import nnx\n",
        "from .a import *\n",
        "nnx.VariableState",
        "nnx.Param",
        "nnx.state(m)",
        "isinstance(x, ",
    ),
    *(
        "jax.tree.map(",
        "jax.tree_map(",
        "jax.tree.leaves(",
        "is_leaf=",
        ".value",
        ".type",
        "[...]",
        "type(x) is ",
        " or ",
        " and ",
    ),
    *(
        "not ",
        " if x else ",
        "match x:\n    case ",
        "functools.partial(",
        "!ls\n",
        "%time\n",
        "?",
        "[" * 40,
        "(" * 40,
        "-" * 40,
    ),
)
TEXT = st.one_of(st.sampled_from(PROGRAMS), st.sampled_from(TOKENS), st.text(max_size=8))
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(("cut", "double", "insert", "splice", "repeat", "indent")),
        st.floats(0, 1, exclude_max=True),
        st.floats(0, 0.3),
        TEXT,
    ),
    max_size=6,
)


def mutated(text: str, mutations: list[tuple[str, float, float, str]]) -> str:
    for how, where, length, other in mutations:
        start = int(where * (len(text) + 1))
        end = min(len(text), start + int(length * len(text)))
        text = (text[:start] + _instead_of(text[start:end], how, other) + text[end:])[:20_000]
    return text


def _instead_of(part: str, how: str, other: str) -> str:
    if how == "cut":
        return ""
    if how == "double":
        return part + part
    if how == "insert":
        return other[:40] + part
    if how == "splice":
        return other
    return part * 9 if how == "repeat" else part.replace("\n", "\n    ")


CODE = st.builds(mutated, st.sampled_from(PROGRAMS), MUTATIONS)
CODINGS = (
    "",
    "# coding: latin-1\n",
    "# coding: mac_arabic\n",
    "# coding: shift_jis\n",
    "\ufeff",
    "# -*- coding: utf-7 -*-\n",
)


def as_file(code: str, coding: str, junk: bytes) -> bytes:
    return (coding + code).encode("utf-8", "surrogatepass") + junk


def as_notebook(cells: list[str], is_list: bool, indent: int | None, escapes: bool) -> bytes:
    sources: list[object] = [cell.splitlines(keepends=True) if is_list else cell for cell in cells]
    made = [
        {"cell_type": "code", "source": one, "metadata": {}, "outputs": [], "execution_count": None} for one in sources
    ]
    content = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=indent, ensure_ascii=escapes).encode("utf-8", "surrogatepass")


def as_markdown(blocks: list[str], indent: str, fence: str) -> bytes:
    shown = (f"{fence}python\n{block}\n{fence}\n".replace("\n", f"\n{indent}") for block in blocks)
    return ("# Title\n\n" + "\n".join(shown)).encode("utf-8", "surrogatepass")


TOML = """\
[project]
dependencies = ["flax>=0.10", "jax"]
[tool.nnx-treemap]
select = ["NNX1"]
target-flax = "0.12"
cache-dir = "x"
exclude = ["a"]
max-file-size = 10
[tool.nnx-treemap.per-file-ignores]
"a*" = ["NNX101"]
"""
LOCK = '[[package]]\nname = "flax"\nversion = "0.10.4"\n'
PROJECT = st.one_of(
    st.tuples(st.just("pyproject.toml"), st.builds(mutated, st.just(TOML), MUTATIONS)),
    st.tuples(st.just("uv.lock"), st.builds(mutated, st.just(LOCK), MUTATIONS)),
    st.tuples(
        st.just("requirements.txt"), st.builds(mutated, st.just("-r other.txt\nflax[all]>=0.10 ; a\n"), MUTATIONS)
    ),
    st.tuples(
        st.just("setup.cfg"),
        st.builds(mutated, st.just("[options]\ninstall_requires =\n    flax~=0.10.2\n"), MUTATIONS),
    ),
)
CELLS = st.lists(CODE, min_size=1, max_size=4)
GLOB = st.text(st.sampled_from("ab*?[]!-/\\#. \n^:é\0"), max_size=60)

TARGETS: dict[str, tuple[Callable[..., None], tuple[st.SearchStrategy[object], ...]]] = {
    "programs": (
        lambda data: check_file("a.py", data),
        (st.builds(as_file, CODE, st.sampled_from(CODINGS), st.binary(max_size=3)),),
    ),
    "notebooks": (
        lambda data: check_file("a.ipynb", data),
        (st.builds(as_notebook, CELLS, st.booleans(), st.sampled_from((None, 1)), st.booleans()),),
    ),
    "markdown": (
        lambda data: check_file("a.md", data),
        (st.builds(as_markdown, CELLS, st.sampled_from(("", "  ")), st.sampled_from(("```", "~~~~"))),),
    ),
    "cells": (check_cell, (CODE,)),
    "gitignore": (check_gitignore, (GLOB, GLOB)),
    "names": (check_names, (st.text(min_size=1, max_size=20), st.text(max_size=20))),
    "projects": (lambda project: check_project(project[0], project[1].encode("utf-8", "surrogatepass")), (PROJECT,)),
}


class TooSlowError(Exception):
    """An input took longer than any should."""


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise TooSlowError


def fuzz(name: str, number: int) -> int:
    """One round of a target.

    Args:
        name: the target.
        number: which round: the same inputs for the same number.

    Returns:
        How many inputs there were.
    """
    check, strategies = TARGETS[name]
    count = 0

    @seed(number)
    @settings(
        max_examples=ROUND, deadline=None, database=None, derandomize=False, print_blob=False,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
    )  # fmt: skip
    @given(st.tuples(*strategies))
    def one(arguments: tuple[object, ...]) -> None:
        nonlocal count
        count += 1
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_FOR_ONE)
        try:
            check(*arguments)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    one()
    return count


def main() -> int:
    """Fuzz until the time is up; 1 if anything was found."""
    parser = argparse.ArgumentParser(description="Feed mutated inputs to everything that reads what others wrote.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first round; default: the time")
    parser.add_argument("--only", choices=sorted(TARGETS), action="append", help="a target, instead of all")
    options = parser.parse_args()
    signal.signal(signal.SIGVTALRM, _too_slow)
    until, number = time.monotonic() + 60 * options.minutes, options.seed
    counts, found = dict.fromkeys(options.only or TARGETS, 0), dict.fromkeys(options.only or TARGETS, 0)
    while time.monotonic() < until:
        for name in counts:
            if time.monotonic() >= until:
                break
            try:
                counts[name] += fuzz(name, number)
            except Exception:
                found[name] += 1
                print(f"--- {name}, --seed {number}", flush=True)
                traceback.print_exc(file=sys.stdout)
        number += 1
    for name, count in counts.items():
        print(f"{name:10} {count:8} inputs, {found[name]} findings")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
