"""Positions, ranges and edits are exact, whatever the text looks like."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_nnx_treemap.analysis.calls.tree_calls import tree_calls_of
from flake8_nnx_treemap.analysis.code.text import Range, SourceError, parse_module
from flake8_nnx_treemap.analysis.names.bindings import Bindings
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.fixing.edits import apply_edits

PIECES = ["\n", "\r\n", "\r", "x = 1", "'é𝄞'", "#\f", " ", "\u2028", "# ü"]


@given(st.lists(st.sampled_from(PIECES)).map("".join), st.data())
def test_position_and_offset_are_inverse(text: str, data: st.DataObject) -> None:
    source = ParsedSource(text, bindings=Bindings(parse_module("")))
    offset = data.draw(st.integers(0, len(text)))
    assert source.offset(source.position(offset)) == offset


@given(st.text("ab#\n", max_size=8), st.text("ab#\n", max_size=8))
def test_replace_touches_only_what_differs(old: str, new: str) -> None:
    source = ParsedSource(old, bindings=Bindings(parse_module("")))
    edit = source.replace(Range(source.position(0), source.position(len(old))), new)
    assert apply_edits(old, [edit]) == new
    replaced = source.text_in(edit.range)
    assert not (replaced and edit.content and replaced[0] == edit.content[0])
    assert not (replaced and edit.content and replaced[-1] == edit.content[-1])


@pytest.mark.parametrize(
    "text",
    [
        "import jax\nx = 'é𝄞', jax.tree.map(f, 'ü', is_leaf=g)\n",
        "import jax\r\nif 1:\r\n\tx = jax.tree.map(f, [\r\n1], is_leaf=g)\r\n",
        "import jax\nfor x in (\njax.tree.map(f, s, is_leaf=g)\n): pass\n",
        "import jax\nx = 1; y = jax.tree.map(f, s, is_leaf=g)\n",
        "import jax\n\x0cy = jax.tree.map(f, s, is_leaf=g)\n",
        "import jax\ndef f(a=jax.tree.map(f, s, is_leaf=g)): pass\n",
        "import jax\n@(jax.tree.map(f, s, is_leaf=g))\ndef f(): pass\n",
        "import jax\nx = '''\n\n''', jax.tree.map(f, '''\n ''', is_leaf=g)",
        "import jax\nx = \\\n  jax.tree.map(f, s, is_leaf=g)",
        "import jax\nwith (yield) as x, jax.tree.map(f, s, is_leaf=g): pass",
        "import jax\nmatch x:\n  case 1 if jax.tree.map(f, s, is_leaf=g): pass",
        "import jax\nclass A(x=jax.tree.map(f, s, is_leaf=g)): pass",
        "import jax\nx = f'{jax.tree.map(f, s, is_leaf=g)}'",
    ],
)
def test_ranges_are_where_the_text_is(text: str) -> None:
    source = ParsedSource(text)
    (call,) = tree_calls_of(source)
    assert source.text_of(call.node).startswith("jax.tree.map(f, ")
    assert source.text_of(call.node).endswith("is_leaf=g)")
    assert source.text_of(call.callee) == "jax.tree.map"
    assert call.is_leaf is not None
    assert source.text_of(call.is_leaf) == "g"


@pytest.mark.parametrize("text", ["x = (", "\0", "(" * 10_000, "\ufeff x", "def f(:\n", "'\\N{no}'"])
def test_what_is_not_python_is_one_error(text: str) -> None:
    with pytest.raises(SourceError):
        ParsedSource(text)


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="the standard parser gives up first")
def test_a_long_chain_of_operators_is_read() -> None:
    text = "import jax\nx = " + "+".join(["jax.tree.map(f, s, is_leaf=g)"] * 20_000)
    assert len(tree_calls_of(ParsedSource(text))) == 20_000


def test_what_the_standard_parser_refuses_is_one_error() -> None:
    if sys.version_info >= (3, 11):
        with pytest.raises(SourceError, match="cannot be parsed: nested too deeply"):
            ParsedSource("x = " + "+".join(["f(s)"] * 20_000))
