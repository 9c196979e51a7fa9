"""Fixes in code that LibCST parses only with more spaces, and fixes that would lose one comment of several."""

from __future__ import annotations

import pytest

from flake8_nnx_treemap import LintSettings, fix_source, lint_source

HEAD = "import jax\nfrom flax import nnx\n\n\ndef convert(state: nnx.State, a):\n    "
CALL = "jax.tree.map(lambda v: v.value, state)"
FIXED = (
    "jax.tree.map(lambda v: v.value if isinstance(v, nnx.Variable) else v, state,"
    " is_leaf=lambda x: isinstance(x, nnx.Variable))"
)
SETTINGS = LintSettings(frozenset({"NNX104", "NNX106"}), (0, 12), unsafe_fixes=True, line_length=200)


@pytest.mark.parametrize(
    "statement",
    [
        "return({} if a else state)",
        "return(lambda: {})",
        "yield(lambda: {})",
        "raise(a if a else state)from {}",
        "assert(lambda: {})",
        "x = not(lambda: a)or {}",
        "x = (a if a else state)in {}",
        "x = a in((lambda: {}))",
        "x = [i for i in(lambda: {})if(a)]",
        "if(lambda: a)in {}: pass",
        "for i in(lambda: {}), a: pass",
        "x = 'in(', (lambda: {})if(lambda: a)else(lambda: a)  # not(a)",
        "return(lambda: (  # in(a)\n        {}\n    ))",
    ],
)
def test_nothing_but_parentheses_between_words(statement: str) -> None:
    text = HEAD + statement.format(CALL) + "\n"
    assert fix_source(text, settings=SETTINGS).text == HEAD + statement.format(FIXED) + "\n"


def test_such_a_statement_does_not_stop_the_fix_of_another() -> None:
    text = f"{HEAD}x = {CALL}\n    return(a if a else {CALL})\n"
    assert fix_source(text, settings=SETTINGS).text == text.replace(CALL, FIXED)


def test_a_comment_that_is_kept_does_not_hide_one_that_is_lost() -> None:
    predicate = "lambda q: nnx  # one\n        .Variable(q  # {}\n        )"
    for other in ("two", "one", "one # one"):
        text = f"{HEAD}return jax.tree.leaves(state, is_leaf={predicate.format(other)})\n"
        (found,) = lint_source(text, settings=SETTINGS)
        assert found.fix is None
        assert fix_source(text, settings=SETTINGS).text == text


def test_a_comment_that_is_kept_alone() -> None:
    text = f"{HEAD}return jax.tree.leaves(state, is_leaf=lambda q: nnx  # one\n        .Variable(q))\n"
    fixed = fix_source(text, settings=SETTINGS).text
    assert fixed != text
    assert fixed.count("# one\n") == 1
