"""NNX901 takes out what suppresses nothing: no finding appears, no code changes, and nothing is left to take out."""

from __future__ import annotations

import ast
import re

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flake8_nnx_treemap import fix_source, lint_source
from flake8_nnx_treemap.rules.settings import LintSettings

HEAD = "import jax\nfrom flax import nnx\n"
OTHERS = LintSettings(frozenset({"NNX101", "NNX208"}))
UNUSED = LintSettings(frozenset({"NNX901"}))

statements = st.sampled_from(
    [
        "jax.tree_map(abs, 1)",
        "jax.tree.map(lambda x: x.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))",
        "x = 1",
        "x = '''\n'''",
        "x = '# noqa: NNX101'",
        "x = jax.tree_map(abs, 1), '''\n'''",
        "x = \\\n  jax.tree_map(abs, 1)",
        "",
    ]
)
codes = st.sampled_from(["NNX101", "NNX208", "NNX1", "NNX2", "NNX999", "E501", "W291", "NNX901", "nnx101", "NNX"])
separators = st.sampled_from([", ", ",", " ", ",  "])
comments = st.builds(
    lambda before, separator, listed, after: f"{before}{separator.join(listed)}{after}",
    st.sampled_from(["  # noqa: ", "  # noqa:", " # type: ignore  # noqa: ", "# NOQA: ", "  # noqa", "  # "]),
    separators,
    st.lists(codes, max_size=3),
    st.sampled_from(["", " ", " because", "  # pragma: no cover", ","]),
)
lines = st.tuples(statements, st.just("") | comments).map("".join)


@given(st.lists(lines, min_size=1, max_size=4), st.sampled_from(["\n", "\r\n"]))
@hypothesis_settings(max_examples=300, deadline=None)
def test_taking_out_what_is_unused_changes_no_finding(drawn: list[str], newline: str) -> None:
    text = (HEAD + "\n".join(drawn) + "\n").replace("\n", newline)
    result = fix_source(text, settings=UNUSED)
    assert result.remaining == ()
    assert ast.dump(ast.parse(result.text)) == ast.dump(ast.parse(text))
    places = [[(one.code, one.range) for one in lint_source(each, settings=OTHERS)] for each in (text, result.text)]
    assert places[0] == places[1]
    for pattern in (r"[EW]\d+", "because", "pragma", "type: ignore", r"NNX901"):
        assert len(re.findall(pattern, result.text)) == len(re.findall(pattern, text))
