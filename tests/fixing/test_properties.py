"""What holds for every fix of every rule, on programs put together at random from the pieces that people write."""

from __future__ import annotations

import ast
import io
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_nnx_treemap import fix_source, lint_source
from flake8_nnx_treemap.analysis.code.text import SourceError
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.fixing.edits import apply_edits
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.settings import LintSettings

IMPORTS = [
    "import jax\nfrom flax import nnx\n",
    "import jax\nfrom flax import nnx as nn, struct\nnnx = nn\n",
    "import jax, flax.nnx as nnx\n",
    "import jax\nimport flax\nnnx = flax.nnx\n",
    "import jax\nfrom flax import nnx\nfrom flax.nnx import VariableState as VS, Param\n",
    "import jax\nfrom flax import nnx\nfrom flax.nnx import (\n    Param,  # trained\n    VariableState,\n)\n",
]
CALLEES = ["jax.tree.map", "jax.tree_util.tree_map", "jax.tree.map_with_path"]
MAPPERS = [
    "lambda v: v.value",
    "lambda p, v: v.value",
    "lambda v: v.value if flag else 0",
    "lambda v, s=2: (v.set_metadata(k=s), v)[1]",
    "lambda *vs: vs[0].value",
    "(lambda v: (v.value))",
    "f",
    "self.f",
    "functools.partial(f, 1)",
    "lambda v: v.value if isinstance(v, nnx.VariableState) else v",
    "lambda v: v.replace(\n    v.value,  # the array\n  )",
    "str",
]
PREDICATES = [
    "lambda x: isinstance(x, nnx.VariableState)",
    "lambda x: isinstance(x, (nnx.VariableState))",
    "lambda x: isinstance(x, (nnx.Variable, nnx.VariableState))",
    "lambda x: isinstance(x, nnx.VariableState) or x is None",
    "lambda x: isinstance(x, nnx.VariableState) and x.type is nnx.Param",
    "lambda x: isinstance(x, nnx.VariableState | jax.Array)",
    "lambda x: isinstance(\n  x,\n  nnx.VariableState,  # stop here\n)",
    "lambda x: type(x) is nnx.VariableState",
    "nnx.Variable",
    "is_wrapper",
]
DEFINITIONS = """
def f(v, scale=1):
    return v.replace(v.value * scale)
def is_wrapper(x): return isinstance(x, nnx.VariableState)
"""
LAYOUTS = [
    "r = {callee}({mapper}, {trees}, is_leaf={predicate})\n",
    "def run(self, state):\n\treturn {callee}({mapper}, {trees}, is_leaf={predicate},)\n",
    "if 1:\n  r = {callee}(\n      {mapper},\n      {trees},  # the state\n      is_leaf={predicate},\n  )\n",
    "r = '''é𝄞\n''', {callee}({mapper}, {trees}, is_leaf={predicate}); s = 1  # done\n",
    "class A:\n    r = [{callee}({mapper}, t, is_leaf={predicate}) for t in ({trees},)]\n",
]
TREES = ["state", "nnx.state(model)", "state, other", "state, *others", "{'a': state}"]
FLOORS = [(0, 10, 0), (0, 11), (0, 12, 1), (0, 12, 7)]


@st.composite
def programs(draw: st.DrawFn) -> str:
    calls = draw(st.lists(st.tuples(*map(st.sampled_from, (LAYOUTS, CALLEES, MAPPERS, TREES, PREDICATES))), max_size=3))
    parts = [draw(st.sampled_from(IMPORTS)), "import functools\n", DEFINITIONS]
    for layout, callee, mapper, trees, predicate in calls:
        parts.append(layout.format(callee=callee, mapper=mapper, trees=trees, predicate=predicate))
    text = "".join(parts).replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return text if draw(st.booleans()) else text.rstrip("\r\n")


settings = st.builds(LintSettings, st.just(frozenset(CODES)), st.sampled_from(FLOORS), st.just(True))


@given(programs(), settings)
def test_fixes_converge_and_parse(text: str, chosen: LintSettings) -> None:
    result = fix_source(text, settings=chosen)
    ast.parse(result.text)
    again = fix_source(result.text, settings=chosen)
    assert again.text == result.text
    assert again.fixed == ()
    assert not any(finding.fix for finding in result.remaining)


@given(programs(), settings)
def test_comments_and_line_ends_survive(text: str, chosen: LintSettings) -> None:
    fixed = fix_source(text, settings=chosen).text
    assert comments_in(fixed) == comments_in(text)
    assert fixed.count("\r\n") == fixed.count("\n") or "\r" not in fixed
    assert ("\r" in fixed) == ("\r" in text)
    assert fixed.endswith("\n") == text.endswith("\n")


@given(programs(), settings)
def test_one_fix_touches_its_own_edits_and_nothing_else(text: str, chosen: LintSettings) -> None:
    source = ParsedSource(text)
    for finding in lint_source(text, settings=chosen):
        assert source.text_in(finding.range)
        if finding.fix is None:
            continue
        edits = sorted(finding.fix.edits)
        assert tuple(edits) == finding.fix.edits
        fixed, kept, done = apply_edits(text, edits), [], 0
        for edit in edits:
            kept.append(text[done : source.offset(edit.range.start)])
            done = source.offset(edit.range.end)
        position = 0
        for piece in (*kept, text[done:]):
            position = fixed.index(piece, position) + len(piece)
        ast.parse(fixed)


@given(programs(), st.data())
def test_broken_text_is_an_error_and_nothing_worse(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    broken = text[:start] + data.draw(st.text("()[]{}'\"\\#:,\n\t\0 \f=.é", max_size=4)) + text[start + 1 :]
    try:
        found = lint_source(broken)
    except SourceError:
        return
    assert all(finding.range.start < finding.range.end for finding in found)


@pytest.mark.parametrize("row", [1, 2, 3])
def test_what_is_suppressed_is_not_rewritten(row: int) -> None:
    lines = [
        "import jax; from flax import nnx",
        "r = jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))",
        "q = jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))",
    ]
    lines[row - 1] += "  # noqa: NNX"
    fixed = fix_source("\n".join(lines), settings=LintSettings(line_length=1000)).text.split("\n")
    assert [before == after for before, after in zip(lines, fixed, strict=True)] == [
        True,
        row == 2,
        row == 3,
    ]


def comments_in(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text, newline="").readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]
