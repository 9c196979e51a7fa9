"""What a rule reports is searched for before a text is parsed: where nothing is found, nothing may be wrong."""

from __future__ import annotations

import pytest

from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.names import METADATA_NEEDS_METHOD, FlaxRange
from flake8_nnx_treemap.rules.catalogue import CODES, may_find_in, rule_named
from flake8_nnx_treemap.rules.settings import LintSettings

HEADS = (
    *("", "if p: ", "if p == 1: x = 2; ", "if f(a,\n     b): ", "if a and \\\n  b: ", "if {1:\n  2}: ", "if(p):"),
    *("with f(): ", "with f() as g: ", "with p: ", "while p: ", "for i in p: ", "for i in p: pass\nelse: "),
    *("try: pass\nexcept E as e: ", "try: pass\nexcept: ", "try: pass\nfinally: ", "if p: pass\nelse: "),
    *("def f(): ", "def f(a: int = 1) -> int: ", "async def f(a: b.c = d): ", "def f(\n  a: b.c = d) -> None: "),
    *("class C: ", "class C(B): ", "match p:\n  case A(b=1): ", "match p:\n  case {'a': 1} if b: "),
    *("x = [1]; ", "x: int = {1: 2}; ", "'''\n'''; ", "if p: # why\n  ", "if p:\r\n\t", "\r", "\f"),
)
ASSIGNMENTS = (
    *("p.tag = 1", "p.tag=1", "p . tag\t= 1", "p._tag = 1", "p.tag: int = 1", "p.tag: a.b[int] = 1", "p.größe = 1"),
    *("(p).tag = 1", "(p.tag) = 1", "p.\\\ntag = 1", "p\\\n.tag \\\n= 1", "(p\n .tag) = 1", "p.tag = x = 1"),
    *("x = p.tag = 1", "x = y.z = p.tag = 1", "self.x = p.tag = 1", "self.x, p.tag = a", "p.tag, self.x = a"),
    *("p.tag, x = a", "x, p.tag = a", "*x, p.tag = a", "p.tag, *x = a", "p.tag, = a", "d['a=b'], p.tag = a"),
    *("f(a=1).b, p.tag = a", "p.tag, d[1:2] = a", "p.tag, (x, y) = a", "(x, p.tag) = a"),
    *("[x, p.tag] = a", "[x, [p.tag]] = a", "(\n  x,\n  p.tag,\n) = a", "p.tag += 1", "p.tag <<= 1", "p.tag **= 1"),
    *("p.tag //= 1", "p.tag @= 1", "for p.tag in a: pass", "for i, p.tag in a: pass", "for p.tag, i in a: pass"),
    *("with a as p.tag: pass", "with a as (p.tag, x): pass"),
)
CLASSES = (
    *("class T(nnx.Param):", "class T (flax.nnx.Param):", "class \\\n T(nnx.Param):", "class T(  # (a)\n nnx.Param):"),
    *("class T((nnx.Param)):", "class Größe(nnx.Param):"),
    *("class T(Param):", "class T(P):", "class T(Q):", "class T(R):"),
)
NAMES = """\
import flax
from flax import nnx
{}
"""
ALIASES = {
    "class T(Param):": "from flax.nnx import Param",
    "class T(P):": "from flax.nnx import Param as P",
    "class T(Q):": "Q = nnx.Param",
    "class T(R):": "R = S = flax.nnx.Param  # a base",
}


def is_compound(assignment: str) -> bool:
    return assignment.startswith(("for", "with"))


def sets_metadata(text: str) -> bool:
    """Tell whether NNX205 finds something; fail if it does, and text and bytes are not let through to it."""
    found = any(rule_named("NNX205").check(ParsedSource(text), FlaxRange(METADATA_NEEDS_METHOD)))
    settings = LintSettings(frozenset({"NNX205"}), METADATA_NEEDS_METHOD)
    assert not found or CODES["NNX205"].may_find(text)
    assert not found or may_find_in(text.encode(), [settings], is_program=True, defines_modules=lambda: True)
    return found


@pytest.mark.parametrize("head", HEADS)
def test_each_way_to_set_an_attribute_is_searched_for(head: str) -> None:
    ends = head.endswith(("\n  ", "\t", "\r", "\f")) or not head
    for assignment in ASSIGNMENTS:
        if ends or not is_compound(assignment):
            assert sets_metadata(f"from flax import nnx\np = nnx.Param(1.0)\n{head}{assignment}\n"), assignment


@pytest.mark.parametrize("head", CLASSES)
def test_each_way_to_name_a_base_is_searched_for(head: str) -> None:
    for assignment in ("self.tag = 1", "self._tag += 1", "x = self.tag = 1"):
        names = NAMES.format(ALIASES.get(head, ""))
        assert sets_metadata(f"{names}\n\n{head}\n    def method(self):\n        {assignment}\n"), assignment


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "NNX210",
            "class Größe(nnx.Module):\n    def __init__(self, rngs):\n        self.x = [nnx.Param(1.0)]\n",
        ),
        ("NNX205", "class Größe(nnx.Param):\n    def zählen(self):\n        self.anzahl = 1\n"),
        ("NNX205", "größe = nnx.Param(1.0)\ngröße.maß = größe\n"),
        ("NNX104", "import jax as größe\nbäume = größe.tree\nbäume.map(lambda x: x.value, nnx.state(model))\n"),
        ("NNX208", "import jax as größe\ngröße.tree_map(abs, nnx.state(model))\n"),
        ("NNX215", "größe = nnx.Linear(1, 1, dot_general=lambda x, y, z, precision: x, rngs=rngs)\n"),
    ],
)
def test_names_beyond_ascii_are_searched_for_in_bytes(code: str, text: str) -> None:
    program = f"from flax import nnx\n{text}"
    flax = FlaxRange((0, 12, 7))
    assert any(rule_named(code).check(ParsedSource(program), flax))
    assert may_find_in(
        program.encode(), [LintSettings(frozenset({code}), flax)], is_program=True, defines_modules=lambda: True
    )
