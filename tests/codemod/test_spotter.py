"""The order in which a visitor sees the nodes of a statement is that of LibCST's own visit."""

from __future__ import annotations

import libcst as cst
import pytest

from flake8_nnx_treemap.codemod.spotter import Spotter, visit


@pytest.mark.parametrize(
    "statement",
    [
        "x = f(a) if g(b) else h(c)",
        "f = lambda a=g(1), /, b=g(2), *c, d=g(3), **e: g(a) < h(b) < i(c)",
        "x = [f(a) for a in g(b) if h(a) for b in i(a)]",
        "x = {f(a): g(b) for a in h(c)}, {f(a): g(b), **h(c)}, {f(a), *g(b)}",
        "x[f(a):g(b):h(c), i(d)].y: f(z) = g(w)",
        "f(a)[g(b)] = h(c).d = (yield i(e))",
        "assert f(a) and g(b) or not h(c), i(d)",
        "raise f(a) from g(b)",
        "del f(a).b, g(c)[h(d)]",
        "x = f'{g(a):{h(b)}}' 'c' f'{i(d)!r}'",
        "x += (y := f(a)) @ g(b) + -h(c)",
        "f(*g(a), b=h(c), **i(d))(j(e))",
    ],
)
def test_nodes_are_seen_in_source_order(statement: str) -> None:
    node = cst.parse_statement(statement)
    ours, theirs = Spotter(), Spotter()
    visit(node, ours)
    node.visit(theirs)
    assert len(ours.found) >= 2
    assert all(one is other for one, other in zip(ours.found, theirs.found, strict=True))
