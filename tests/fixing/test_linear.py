"""Four times as much of anything costs four times as much: a count of what Python runs, the same every time."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

import flake8_nnx_treemap
from flake8_nnx_treemap import LintSettings, fix_source, lint_source
from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.project.magics import covered
from flake8_nnx_treemap.project.runner import FileReport, Task, process_text
from flake8_nnx_treemap.rules.catalogue import CODES

EVERYTHING = LintSettings(frozenset(CODES), (0, 12, 7), unsafe_fixes=True)
PACKAGE = str(Path(flake8_nnx_treemap.__file__).parent)
HEADER = "import jax\nimport optax\nfrom flax import nnx\nfrom contextlib import suppress\n\n"
CALL = "jax.tree.map(lambda v: v.value * {0}, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))"
FEW = 13
"""More than the steps that anything is followed through."""


def repeated(line: str, before: str = "", after: str = "") -> Callable[[int], str]:
    """A shape: the same line so many times, numbered."""
    return lambda count: HEADER + before + "".join(line.format(number) for number in range(count)) + after


def chained(line: str, before: str, after: str = "") -> Callable[[int], str]:
    """A shape: the same line so many times, with its number and the next."""
    return lambda count: HEADER + before + "".join(line.format(one, one + 1) for one in range(count)) + after


SHAPES = {
    "assignments to one name": repeated(f"state = {CALL}\n"),
    "assignments in a loop": repeated(f"        state = {CALL}\n", "def f(state):\n    for _ in range(3):\n"),
    "assignments to a global name": repeated(
        f"state = {CALL}\n", "def f():\n    global state\n    state = nnx.state(m)\n\n"
    ),
    "calls in one list": repeated(f"    {CALL},\n", "found = [\n", "]\n"),
    "calls on one line": repeated(f"{CALL}; ", "", "pass\n"),
    "calls behind letters that take two bytes": repeated("'é', " + CALL + ", ", "found = (", ")\n"),
    "functions": repeated(f"def f{{0}}(state):\n    return {CALL}\n\n\n"),
    "one mapper": repeated("jax.tree.map(g, s{0}, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n", "g = f\n"),
    "one predicate": repeated(
        "jax.tree.map(lambda v: v.value, s{0}, is_leaf=p)\n", "def p(x):\n    return isinstance(x, nnx.VariableState)\n"
    ),
    "methods": repeated(
        "    def f{0}(self, v):\n        return v.value\n\n"
        "    def g{0}(self, s):\n"
        "        return jax.tree.map(self.f{0}, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n\n",
        "class A:\n",
    ),
    "loops over leaves in one function": repeated(
        "    for leaf in jax.tree.leaves(s, is_leaf=lambda x: isinstance(x, nnx.Variable)):\n"
        "        if isinstance(leaf, nnx.Variable):\n"
        "            total += leaf.value * {0}\n",
        "def f(m):\n    total, s = 0, nnx.state(m)\n",
    ),
    "loops over items of a state": repeated(
        "    for path, leaf in nnx.to_flat_state(s):\n        total += leaf.value * {0}\n",
        "def f(m):\n    total, s = 0, nnx.state(m)\n",
    ),
    "loops over leaves": repeated(
        "for leaf in jax.tree.leaves(nnx.state(m{0})):\n"
        "    if isinstance(leaf, nnx.Param):\n        print(leaf.value)\n"
    ),
    "readers of one list": repeated(
        "print([x for x in leaves if isinstance(x, nnx.Variable)])\n", "leaves = jax.tree.leaves(nnx.state(m))\n"
    ),
    "branches": repeated(
        "    elif isinstance(x, nnx.Variable):\n        return {0}\n"
        "    elif isinstance(x, nnx.VariableState):\n        return {0}\n",
        "def f(x):\n    if x is None:\n        return None\n",
    ),
    "questions about the release": repeated(
        "def f{0}(x):\n    new = hasattr(jax, 'tree')\n    return jax.tree_map if new else nnx.pure\n\n\n"
        "class C{0}(B):\n    value = f{0}\n\n\nB = C{0}\njax.tree_map\n",
        "B = nnx.Param\n",
    ),
    "attributes that hold a Variable": repeated(
        "        self.w{0} = nnx.Param({0})\n        self.w{0}.value = 1\n",
        "class M(nnx.Module):\n    def __init__(self):\n",
    ),
    "containers in attributes": repeated(
        "        self.layers{0} = [nnx.Linear({0}, 2, rngs=r)]\n        self.layers{0}[0].kernel.value = 1\n",
        "class M(nnx.Module):\n    def __init__(self, r):\n",
    ),
    "what is put into one list": repeated(
        "        self.layers.append(nnx.Linear({0}, 2, rngs=r))\n        print(self.layers[{0}].bias.value)\n",
        "class M(nnx.Module):\n    def __init__(self, r):\n        self.layers = []\n",
    ),
    "sums of a list": repeated(
        "layers += [nnx.Linear({0}, 2, rngs=r)]\nprint(layers[0].kernel.value)\n", "layers = []\n"
    ),
    "classes that inherit": repeated(
        "class M{0}(B):\n    def __init__(self, r):\n        self.w = nnx.Param({0})\n"
        "    def f(self):\n        return self.w.value\n\n\nB = M{0}\n",
        "class B(nnx.Module): ...\n",
    ),
    "classes under one": repeated(
        "class M{0}(B):\n    def f(self):\n        return self.w.value\n\n\n",
        "class B(nnx.Module):\n    def __init__(self, r):\n        self.w = nnx.Param(0)\n\n\n",
    ),
    "tested Modules": repeated("for m in modules:\n    if isinstance(m, nnx.Linear):\n        print(m.kernel.value)\n"),
    "annotations": repeated(
        "def f{0}(x: nnx.VariableState | None, y: 'nnx.VariableState') -> nnx.VariableState: ...\n"
    ),
    "comments": repeated(f"a = {CALL}  # noqa: E501\n"),
    "masks": repeated(
        "mask{0} = jax.tree.map(lambda x: x.ndim > 1, nnx.state(m, nnx.Param))\n"
        "nnx.Optimizer(m, optax.adamw(1.0, mask=mask{0}))\n"
    ),
    "masks of one object": repeated(
        "        self.m{0} = jax.tree.map(lambda x: x.ndim > 1, nnx.state(m))\n"
        "        nnx.Optimizer(m, make(1.0, self.m{0}))\n        self.kept = self.m{0}\n",
        "def make(lr, mask):\n    return optax.adamw(lr, mask=mask)\n\n\nclass T:\n    def __init__(self, m):\n",
    ),
    "readers of one mask": repeated(
        "nnx.Optimizer(m, optax.adamw({0}.0, mask=mask))\n",
        "mask = jax.tree.map(lambda x: x.ndim > 1, nnx.state(m, nnx.Param))\n",
    ),
    "subclasses of Variable": repeated(
        "class V{0}(B):\n    def __init__(self, value, tag):\n        super().__init__(value, tag=tag)\n"
        "        self.tag = tag\n\n\nclass W{0}(nnx.Param):\n    def rename(self, tag):\n        self.tag = tag\n\n\n",
        "class B(nnx.Variable):\n    pass\n\n\n",
    ),
    "metadata of one subclass": repeated(
        "    def f{0}(self, tag):\n        self.a{0} = tag\n\n", "class V(nnx.Variable):\n"
    ),
    "cases": repeated(
        "        case nnx.Param() | nnx.BatchStat() if flag:\n            return {0}\n",
        "def f(x):\n    match x:\n",
        "    return x\n\n\njax.tree.map(f, nnx.state(m))\n",
    ),
    "comparisons of types": repeated(
        "isinstance(s[{0}], nnx.Param) or type(s['k{0}']) is nnx.VariableState\n", "s = {}\n"
    ),
    "handlers": repeated(f"with suppress(AttributeError):\n    {CALL}\n"),
    "aliases": repeated(
        "t{0} = jax.tree.map\nt{0}(lambda v: v.value, s, is_leaf=lambda x: type(x) is nnx.VariableState)\n"
    ),
    "aliases of aliases of a predicate": chained(
        "p{1} = p{0}\njax.tree.map(lambda v: v.value, s, is_leaf=p{1})\n",
        "def p0(x):\n    return isinstance(x, nnx.VariableState)\n",
    ),
    "aliases of aliases of a mapper": chained(
        "g{1} = g{0}\njax.tree.map(g{1}, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n",
        "def g0(v):\n    return v.value\n",
    ),
    "aliases of aliases of a leaf": chained(
        "    v{1} = v{0}\n    print(v{1}.value)\n",
        "def g(v0):\n",
        "\n\njax.tree.map(g, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n",
    ),
    "predicates that call each other": chained(
        "def p{1}(x):\n    return p{0}(x) or p{0}(x)\n\n\njax.tree.map(lambda v: v.value, s, is_leaf=p{1})\n",
        "def p0(x):\n    return isinstance(x, nnx.VariableState)\n\n\n",
    ),
    "tests in one function": repeated("    if isinstance(x, nnx.Variable):\n        print(x.value)\n", "def f(x):\n"),
    "classes in one test": repeated("nnx.VariableState, ", "isinstance(x, (", "))\n"),
    "constructors in one list": repeated("nnx.VariableState(nnx.Param, {0}), ", "found = [", "]\n"),
    "types in one annotation": repeated("nnx.VariableState, ", "x: tuple[", "None]\n"),
}


def steps(run: Callable[[], object]) -> int:
    """How many instructions of Python's own machine run in this package."""
    count = 0

    def step(frame: FrameType, event: str, argument: object) -> object:
        nonlocal count
        count += event == "opcode"
        return step

    def enter(frame: FrameType, event: str, argument: object) -> object:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return step

    # Python 3.12 tells of instructions only if some frame asked for them before the tracing begins.
    sys._getframe().f_trace_opcodes = True
    previous = sys.gettrace()
    sys.settrace(enter)
    try:
        run()
    finally:
        sys.settrace(previous)
    return count


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("work", [lint_source, fix_source], ids=["analysis", "fixing"])
def test_four_times_as_much_costs_four_times_as_much(work: Callable[..., object], shape: Callable[[int], str]) -> None:
    assert lint_source(shape(FEW), settings=LintSettings(frozenset(CODES), (0, 12, 7)))
    # The first count has imports in it, and Python 3.13 leaves out steps of code that it has traced but a few times.
    few = max([steps(lambda: work(shape(FEW), settings=EVERYTHING)) for _ in range(4)][1:])
    many = steps(lambda: work(shape(4 * FEW), settings=EVERYTHING))
    assert 0 < many <= 4.6 * few


LONG: dict[str, tuple[Callable[[int], str], int]] = {
    "calls in one list": (SHAPES["calls in one list"], 200),
    "calls on one line": (SHAPES["calls on one line"], 200),
    "calls behind letters that take two bytes": (SHAPES["calls behind letters that take two bytes"], 200),
    "names on lines of their own": (repeated("nnx.VariableState\n"), 3200),
    "names on one line": (repeated("nnx.VariableState, ", "x = (", ")\n"), 1600),
    "tests in one function": (SHAPES["tests in one function"], 800),
    "accesses": (repeated("        print(v.value)\n", "def f(v):\n    if isinstance(v, nnx.Variable):\n"), 1600),
    "annotations": (SHAPES["annotations"], 800),
}
"""What is done in C is not counted above, and takes long in long texts alone."""


@pytest.mark.parametrize(("shape", "count"), LONG.values(), ids=LONG.keys())
def test_four_times_as_much_takes_about_four_times_as_long(shape: Callable[[int], str], count: int) -> None:
    few, many = shape(count), shape(4 * count)
    lint_source(few, settings=EVERYTHING)  # Imports what it needs.
    for _ in range(3):  # Another process may get in the way of one measurement.
        factor = seconds(lambda: lint_source(many, settings=EVERYTHING)) / min(
            seconds(lambda: lint_source(few, settings=EVERYTHING)) for _ in range(3)
        )
        if factor < 6:
            return
    pytest.fail(f"{factor:.1f} times as long")


def seconds(run: Callable[[], object]) -> float:
    """How long something keeps the processor busy."""
    gc.collect()
    started = time.process_time()
    run()
    return time.process_time() - started


def notebook(sources: list[object]) -> str:
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in sources
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


LINE = CALL.format(1) + "\n"
NOTEBOOKS: dict[str, Callable[[int], str]] = {
    "findings in one cell": lambda count: notebook([HEADER + LINE * count]),
    "findings in one cell that is a list": lambda count: notebook([[HEADER, *[LINE] * count]]),
    "cells": lambda count: notebook([HEADER, *[LINE] * count]),
    "cells that are lists": lambda count: notebook([HEADER, *[[LINE]] * count]),
    "renames in one cell": lambda count: notebook([HEADER + "jax.tree_map(f, s)\n" * count]),
    "magics": lambda count: notebook([HEADER + LINE + "!ls\nx = !ls\n" * count]),
}


def fixed(text: str) -> FileReport:
    overrides = Overrides(select=("ALL",), is_isolated=True, target_flax="0.12.7", unsafe_fixes=True)
    report, _ = process_text(text, "book.ipynb", Task(overrides, fixes=True))
    assert report.fixed
    assert report.error is None
    return report


@pytest.mark.parametrize("shape", NOTEBOOKS.values(), ids=NOTEBOOKS.keys())
def test_four_times_as_much_in_a_notebook(shape: Callable[[int], str]) -> None:
    few = max([steps(lambda: fixed(shape(FEW))) for _ in range(4)][1:])
    assert 0 < steps(lambda: fixed(shape(4 * FEW))) <= 4.6 * few


@pytest.mark.parametrize(
    "line",
    [
        "{0}x!", "\t{0}%", "y = {0}?x", "x{0}?y", "[{0}] = 1 !", "y = 1 #!\n'a{1}", "y = 1 #!\n'{2}", 'z = !\n"{2}',
        "!\n'''{2}", "!{3}", "?{0}\\",
    ],
)  # fmt: skip
def test_no_line_of_a_cell_takes_long(line: str) -> None:
    text = line.format(" " * 200_000, "\\'a" * 50_000, "\\'''" * 50_000, "\\\n" * 50_000) + "\n"
    started = time.process_time()
    program = covered(text)
    assert time.process_time() - started < 2
    assert program is not None
    assert len(program) == len(text)
