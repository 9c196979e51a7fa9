"""Where trees come from: through names, unpacking, attributes, annotations and functions."""

from __future__ import annotations

import ast

import pytest

from flake8_nnx_treemap.analysis.calls.tree_calls import tree_calls_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.analysis.values.provenance import Origin, TreeKind, origin_of

PARAM = ("flax.nnx.Param",)
BATCH_STAT = ("flax.nnx.BatchStat",)
HEADER = """\
from __future__ import annotations
import functools
import jax
import optax
from typing import Optional, TYPE_CHECKING
from flax import nnx
import flax.nnx as fnnx
from flax.nnx import State
"""


def origin_in(body: str) -> Origin | Unknown:
    """The origin of the one argument of ``tree.leaves`` in a source."""
    source = ParsedSource(HEADER + body)
    (call,) = [found for found in tree_calls_of(source) if found.function.name == "jax.tree.leaves"]
    return origin_of(source, call.trees[0])


KNOWN = [
    ("jax.tree.leaves(nnx.state(m))", TreeKind.STATE, ()),
    ("jax.tree.leaves((nnx.state(m)))", TreeKind.STATE, ()),
    ("jax.tree.leaves(nnx.state(m, nnx.Param))", TreeKind.STATE, PARAM),
    ("jax.tree.leaves(nnx.state(m, ...))", TreeKind.STATE, ()),
    ("jax.tree.leaves(nnx.state(m, kind))", TreeKind.STATE, None),
    ("jax.tree.leaves(nnx.state(m, nnx.Param, nnx.BatchStat))", TreeKind.STATE, (*PARAM, *BATCH_STAT)),
    ("def _f(x, s): jax.tree.leaves(s)\n_f(1, nnx.state(m))\n_f(2, s=nnx.state(n))", TreeKind.STATE, ()),
    ("f = lambda s: jax.tree.leaves(s)\nf(nnx.state(m))", TreeKind.STATE, ()),
    (
        "class T:\n  def f(self, s): jax.tree.leaves(s)\n  def g(self): self.f(nnx.state(m))\nT().f(nnx.state(m))",
        TreeKind.STATE,
        (),
    ),
    (
        "class T:\n  def s(self): return nnx.state(self.m)\n  def g(self): jax.tree.leaves(self.s())",
        TreeKind.STATE,
        (),
    ),
    ("jax.tree.leaves(nnx.state(m, (nnx.Param, nnx.BatchStat)))", TreeKind.STATE, (*PARAM, *BATCH_STAT)),
    ("jax.tree.leaves(nnx.state(m, nnx.Any(nnx.Param, 'x')))", TreeKind.STATE, None),
    ("jax.tree.leaves(nnx.state(m, nnx.All(nnx.PathContains('x'), nnx.Param)))", TreeKind.STATE, PARAM),
    ("p, rest = nnx.state(m, nnx.Param, ...)\njax.tree.leaves(p)", TreeKind.STATE, PARAM),
    ("p, rest = nnx.state(m, nnx.Param, ...)\njax.tree.leaves(rest)", TreeKind.STATE, None),
    ("jax.tree.leaves(nnx.state(m, nnx.Param, nnx.BatchStat)[1])", TreeKind.STATE, BATCH_STAT),
    ("_, s = nnx.split(m)\njax.tree.leaves(s)", TreeKind.STATE, ()),
    ("g, s = fnnx.split(m, nnx.Param)\njax.tree.leaves(s)", TreeKind.STATE, PARAM),
    ("g, p, b = nnx.split(m, nnx.Param, nnx.BatchStat)\njax.tree.leaves(b)", TreeKind.STATE, BATCH_STAT),
    ("jax.tree.leaves(nnx.split(m)[1])", TreeKind.STATE, ()),
    ("jax.tree.leaves(nnx.split(m)[-1])", TreeKind.STATE, ()),
    ("jax.tree.leaves(nnx.pop(m, nnx.Intermediate))", TreeKind.STATE, ("flax.nnx.Intermediate",)),
    ("jax.tree.leaves(nnx.variables(m))", TreeKind.VARIABLES, ()),
    ("jax.tree.leaves({'a': nnx.Param(1.0)})", TreeKind.VARIABLES, PARAM),
    ("jax.tree.leaves([nnx.Param(1.0), nnx.BatchStat(0.0)])", TreeKind.VARIABLES, None),
    ("jax.tree.leaves(nnx.State({'a': nnx.Param(x), 'b': x}))", TreeKind.STATE, None),
    ("jax.tree.leaves(nnx.State(flat))", TreeKind.STATE, None),
    ("jax.tree.leaves(nnx.State({'a': jax.numpy.ones(2), 'b': 1}))", TreeKind.PURE, None),
    ("jax.tree.leaves([1, 'a'])", TreeKind.PURE, None),
    ("jax.tree.leaves(nnx.state(m)['layer'])", TreeKind.STATE, ()),
    ("jax.tree.leaves(nnx.state(m).filter(nnx.Param))", TreeKind.STATE, PARAM),
    ("jax.tree.leaves(nnx.filter_state(s, nnx.Param))", TreeKind.STATE, PARAM),
    ("a, b = nnx.split_state(s, nnx.Param, ...)\njax.tree.leaves(a)", TreeKind.STATE, PARAM),
    ("s = None\ns = nnx.state(m) if m else None\njax.tree.leaves(s)", TreeKind.STATE, ()),
    ("if m:\n  s = nnx.state(m)\nelse:\n  s = nnx.state(m, nnx.Param)\njax.tree.leaves(s)", TreeKind.STATE, None),
    ("jax.tree.leaves(jax.tree.map(f, nnx.state(m)))", TreeKind.STATE, ()),
    ("jax.tree.leaves(jax.tree.map(lambda v: v.replace(0), nnx.state(m), is_leaf=g))", TreeKind.STATE, ()),
    ("jax.tree.leaves((s := nnx.state(m)))", TreeKind.STATE, ()),
    ("for s in (nnx.state(m), nnx.state(n)):\n  jax.tree.leaves(s)", TreeKind.STATE, ()),
    ("x = [jax.tree.leaves(nnx.state(m, c)) for c in cols]", TreeKind.STATE, None),
    ("jax.tree.leaves(jax.device_put(nnx.state(m)))", TreeKind.STATE, ()),
    ("def f(s: nnx.State): jax.tree.leaves(s)", TreeKind.STATE, None),
    ("def f(s: 'nnx.State'): jax.tree.leaves(s)", TreeKind.STATE, None),
    ("def f(s: 'State | None' = None): jax.tree.leaves(s)", TreeKind.STATE, None),
    ("def f(s: Optional[State]): jax.tree.leaves(s)", TreeKind.STATE, None),
    ("def f(s: fnnx.statelib.State): jax.tree.leaves(s)", TreeKind.STATE, None),
    ("s: nnx.State = load()\njax.tree.leaves(s)", TreeKind.STATE, None),
    ("def load() -> State: return x\njax.tree.leaves(load())", TreeKind.STATE, None),
    ("def load(m) -> tuple[nnx.GraphDef, State]: ...\n_, s = load(m)\njax.tree.leaves(s)", TreeKind.STATE, None),
    ("def load(m): return nnx.state(m, nnx.Param)\njax.tree.leaves(load(m))", TreeKind.STATE, PARAM),
    ("@nnx.jit\ndef load(m): return nnx.state(m)\njax.tree.leaves(load(m))", TreeKind.STATE, ()),
    ("@functools.partial(jax.jit)\ndef f(m): return nnx.state(m)\njax.tree.leaves(f(m))", TreeKind.STATE, ()),
    ("class A(nnx.Module): pass\ndef f(m: A): jax.tree.leaves(m)", TreeKind.MODULE, None),
    ("class A(nnx.Module): pass\nclass B(A): pass\njax.tree.leaves(B())", TreeKind.MODULE, ()),
    ("jax.tree.leaves(nnx.Linear(1, 2, rngs=r))", TreeKind.MODULE, ()),
    ("jax.tree.leaves(nnx.merge(g, s))", TreeKind.MODULE, None),
    ("def f(m):\n  nnx.update(m, s)\n  jax.tree.leaves(m)", TreeKind.MODULE, ()),
    ("def f(o: nnx.Optimizer): jax.tree.leaves(o.opt_state)", TreeKind.OPTIMIZER_STATE, ()),
    ("o = nnx.Optimizer(m, tx)\njax.tree.leaves(o.opt_state)", TreeKind.OPTIMIZER_STATE, ()),
    ("o = nnx.Optimizer(m, tx)\njax.tree.leaves(o)", TreeKind.OPTIMIZER, ()),
    ("jax.tree.leaves(nnx.eval_shape(lambda: nnx.Linear(1, 2)))", TreeKind.MODULE, ()),
    ("jax.tree.leaves(nnx.eval_shape(make))", TreeKind.STATE, None),
    ("g, s = nnx.eval_shape(lambda: nnx.split(make()))\njax.tree.leaves(s)", TreeKind.STATE, ()),
    ("g = nnx.grad(loss)(model, x)\njax.tree.leaves(g)", TreeKind.GRADIENTS, PARAM),
    ("f = nnx.value_and_grad(loss)\nl, g = f(model, x)\njax.tree.leaves(g)", TreeKind.GRADIENTS, PARAM),
    ("f = nnx.value_and_grad(loss, has_aux=True)\n(l, a), g = f(m)\njax.tree.leaves(g)", TreeKind.GRADIENTS, PARAM),
    ("g, aux = nnx.grad(loss, has_aux=True)(m)\njax.tree.leaves(g)", TreeKind.GRADIENTS, PARAM),
    ("g, h = nnx.grad(loss, argnums=(0, 1))(m, nnx.state(n))\njax.tree.leaves(h)", TreeKind.GRADIENTS, ()),
    ("g = nnx.grad(loss, argnums=nnx.DiffState(0, f))(m)\njax.tree.leaves(g)", TreeKind.GRADIENTS, None),
    ("@nnx.value_and_grad\ndef loss(m): ...\nl, g = loss(m)\njax.tree.leaves(g)", TreeKind.GRADIENTS, PARAM),
    ("g = jax.grad(loss)(nnx.state(m))\njax.tree.leaves(g)", TreeKind.GRADIENTS, ()),
    (
        "class T:\n  def __init__(self, m):\n    self.g, self.s = nnx.split(m)\n  def f(self): jax.tree.leaves(self.s)",
        TreeKind.STATE,
        (),
    ),
    ("class T:\n  s: nnx.State\n  def f(self): jax.tree.leaves(self.s)", TreeKind.STATE, None),
    (
        "class T:\n  def __init__(s, m): s.o = nnx.Optimizer(m, tx)\n  def f(self): jax.tree.leaves(self.o.opt_state)",
        TreeKind.OPTIMIZER_STATE,
        (),
    ),
    ("def f(m):\n  s = nnx.state(m)\n  def g(): jax.tree.leaves(s)", TreeKind.STATE, ()),
    ("jax.tree.leaves(nnx.to_pure_dict(nnx.state(m)))", TreeKind.PURE, None),
    ("jax.tree.leaves(nnx.pure(s))", TreeKind.PURE, None),
    ("s = nnx.state(m)\ns = nnx.as_pure(s)\njax.tree.leaves(s)", TreeKind.PURE, None),
    ("jax.tree.leaves(nnx.state(m).to_pure_dict())", TreeKind.PURE, None),
    ("jax.tree.leaves(jax.tree.map(lambda v: v.value, nnx.state(m), is_leaf=g))", TreeKind.PURE, None),
]


@pytest.mark.parametrize(("body", "kind", "filters"), KNOWN, ids=[case[0] for case in KNOWN])
def test_known_origins(body: str, kind: TreeKind, filters: tuple[str, ...] | None) -> None:
    found = origin_in(body)
    assert isinstance(found, Origin), found
    assert (found.kind, found.filters) == (kind, filters)
    assert found.holds_wrappers == (kind is not TreeKind.PURE)
    assert isinstance(found.made_by, ast.expr)


UNKNOWN = [
    "jax.tree.leaves(nnx.State({'a': x}))",
    "jax.tree.leaves({'a': 1, 'b': x})",
    "jax.tree.leaves(x)",
    "def f(state): jax.tree.leaves(state)",
    "def f(*s: nnx.State): jax.tree.leaves(s)",
    "def f(**s: nnx.State): jax.tree.leaves(s)",
    "def f(s: 'not python ('): jax.tree.leaves(s)",
    "def f(s: nnx.State | dict): jax.tree.leaves(s)",
    "class State: pass\ndef f(s: State): jax.tree.leaves(s)",
    "def f(nnx): jax.tree.leaves(nnx.state(m))",
    "g, s = nnx.split(m)\njax.tree.leaves(g)",
    "g, *s = nnx.split(m)\njax.tree.leaves(s)",
    "jax.tree.leaves(nnx.split(m))",
    "l, g = nnx.value_and_grad(loss)(m)\njax.tree.leaves(l)",
    "jax.tree.leaves(nnx.value_and_grad(loss)(m))",
    "g = jax.grad(loss)(params)\njax.tree.leaves(g)",
    "(l, a), g = nnx.value_and_grad(loss, has_aux=True)(m)\njax.tree.leaves(a)",
    "jax.tree.leaves(jax.tree.map(f, nnx.state(m), is_leaf=g))",
    "def f(s): jax.tree.leaves(s)\nf(nnx.state(m))\nf([1])",
    "def f(s): jax.tree.leaves(s)\nf(nnx.state(m))\nmap(f, states)",
    "def f(s): jax.tree.leaves(s)\nf(*[nnx.state(m)])",
    "def f(s=None): jax.tree.leaves(s)\nf(nnx.state(m))\nf()",
    "@wrapped\ndef f(s): jax.tree.leaves(s)\nf(nnx.state(m))",
    "class T:\n  def f(self, s): jax.tree.leaves(s)\n  def g(self): self.f(nnx.state(m))\nt.f(1)",
    "jax.tree.leaves(jax.tree.map(f, nnx.state(m), **kwargs))",
    "if c:\n  s = nnx.state(m)\nelse:\n  s = nnx.to_pure_dict(t)\njax.tree.leaves(s)",
    "s = nnx.state(m)\nif c:\n  s = load()\njax.tree.leaves(s)",
    "s = nnx.state(m)\nfor _ in r:\n  jax.tree.leaves(s)\n  s = step(s)",
    "class T:\n  def __init__(self): self.s = load()\n  def f(self): jax.tree.leaves(self.s)",
    "def f(t): jax.tree.leaves(t.opt_state)",
    "s = s1 = 1\ndef f():\n  global s\n  s = nnx.state(m)\njax.tree.leaves(s)",
    "def f(m): return g(m)\ndef g(m): return f(m)\njax.tree.leaves(f(m))",
    "s = jax.tree.map(f, s)\njax.tree.leaves(s)",
    "def gen(m): yield nnx.state(m)\njax.tree.leaves(gen(m))",
    "@wrapped\ndef load(m): return nnx.state(m)\njax.tree.leaves(load(m))",
]


@pytest.mark.parametrize("body", UNKNOWN)
def test_unknown_stays_unknown(body: str) -> None:
    assert isinstance(origin_in(body), Unknown)


def test_what_is_only_likely() -> None:
    for body in (
        "g = nnx.grad(loss)(x)\njax.tree.leaves(g)",
        "jax.tree.leaves(nnx.eval_shape(make))",
        "jax.tree.leaves(nnx.State(flat))",
        "nnx.pure(x)\ndef f(s: nnx.State): jax.tree.leaves(s)",
    ):
        found = origin_in(body)
        assert isinstance(found, Origin)
        assert not found.is_certain


def test_what_a_map_made() -> None:
    for body in (
        "jax.tree.leaves(jax.tree.map(f, nnx.state(m)))",
        "s = nnx.state(m)\njax.tree.leaves(s or jax.tree.map(f, s))",
    ):
        found = origin_in(body)
        assert isinstance(found, Origin)
        assert found.is_mapped


def test_what_other_files_may_call_with_something_else() -> None:
    for body, is_open in (
        ("def f(s): jax.tree.leaves(s)\nf(nnx.state(m))", True),
        ("def _f(s): jax.tree.leaves(s)\n_f(nnx.state(m))", True),
        ("def f(s): _g(s)\ndef _g(s): jax.tree.leaves(s)\nf(nnx.state(m))", True),
        ("def f():\n  def g(s): jax.tree.leaves(s)\n  g(nnx.state(m))", False),
    ):
        found = origin_in(body)
        assert isinstance(found, Origin), body
        assert found.is_open is is_open, body
