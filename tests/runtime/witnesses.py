"""Data: for each rule a program that shows why it is right to object, with what the program does on each Flax.

The last line of a program is its result; AE, TE, VE, DW and the epochs are as in ``facts.py``. The remedy is what
the rule asks for instead, and does the right thing on every release that it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facts import outcome_since, since
from installed import FlaxRelease

PRELUDE = """\
model = nnx.Linear(2, 1, rngs=nnx.Rngs(0))
T = (nnx.Variable, nnx.variablelib.VariableState)
class Model(nnx.Module):
    def __init__(self):
        self.linear = nnx.Linear(2, 1, rngs=nnx.Rngs(0))
        self.norm = nnx.BatchNorm(1, rngs=nnx.Rngs(0))
"""
"""What every program starts with, after the imports."""


@dataclass(frozen=True)
class Program:
    """Statements and an answer. ``expected`` says what comes out, and since which release of Flax, or of JAX."""

    text: str
    expected: Mapping[str, str]
    of_jax: bool = False

    def expected_on(self, release: FlaxRelease) -> str:
        """What comes out on a release."""
        return outcome_since(self.expected, release)


@dataclass(frozen=True)
class Witness:
    """Why a rule objects, and what it asks for instead."""

    code: str
    claim: str
    wrong: Program
    right: Program


def _program(text: str, **expected: str) -> Program:
    return Program(text, since(expected))


_VALUES_OF = "lambda x: x.value if isinstance(x, T) else x"
_STOP = "is_leaf=lambda x: isinstance(x, T)"
_IS_VS = "is_leaf=lambda x: isinstance(x, nnx.VariableState)"

_DOT = (
    "def dot(x, y, dimensions, precision=None{}): return jax.lax.dot_general(x, y, dimensions)\n"
    "nnx.Linear(2, 3, dot_general=dot, rngs=nnx.Rngs(0))(jnp.ones((1, 2))).shape"
)

WITNESSES = (
    Witness(
        "NNX101",
        "A live Variable is mapped although is_leaf says no, or raises: the same line, by release (google/flax#4762).",
        _program(
            "state = nnx.State({'param1': nnx.Param(10.0)})\n"
            f"jax.tree.map(lambda v: v.value, state, {_IS_VS})['param1']",
            E1="10.0",
            E2="AE",
            E3="10.0",
            E4="10.0 + DW",
        ),
        _program(
            f"state = nnx.State({{'param1': nnx.Param(10.0)}})\njax.tree.map({_VALUES_OF}, state, {_STOP})['param1']",
            E1="10.0",
            E4="10.0 + DW",
        ),
    ),
    Witness(
        "NNX101",
        "A leaf that is no wrapper reaches the mapper on every release: is_leaf filters nothing.",
        _program(
            f"jax.tree.map(lambda v: v.value, {{'p': nnx.Param(1.0), 'raw': 2.0}}, {_IS_VS})['raw']",
            E1="AE",
        ),
        _program(
            f"jax.tree.map({_VALUES_OF}, {{'p': nnx.Param(1.0), 'raw': 2.0}}, {_STOP})['raw']",
            E1="2.0",
            E4="2.0 + DW",
        ),
    ),
    Witness(
        "NNX102",
        "Freezing all parameters by a dispatch without is_leaf freezes none, silently.",
        _program(
            "done = jax.tree.map(lambda x: x.replace(x.value * 0) if isinstance(x, T) else x, nnx.state(model))\n"
            "all(not x.any() for x in jax.tree.leaves(done))",
            E1="no",
        ),
        _program(
            "zero = lambda x: x.replace(x.value * 0) if isinstance(x, T) else x\n"
            f"done = jax.tree.map(zero, nnx.state(model), {_STOP})\n"
            "all(not x.any() for x in jax.tree.leaves(done))",
            E1="yes",
            E4="yes + DW",
        ),
    ),
    Witness(
        "NNX102",
        "A check that raises on bad parameters never runs.",
        _program(
            "def check(x):\n    if isinstance(x, nnx.Param): raise ValueError\n"
            "jax.tree.map(check, nnx.state(model))\n"
            "'passed'",
            E1="passed",
        ),
        _program(
            "def check(x):\n    if isinstance(x, T): raise ValueError\n"
            f"jax.tree.map(check, nnx.state(model), {_STOP})\n"
            "'passed'",
            E1="VE",
        ),
    ),
    Witness(
        "NNX103",
        "An L2 penalty over the leaves that are Variables is zero, and so is its gradient.",
        _program(
            "float(sum(jnp.sum(x.value ** 2) for x in jax.tree.leaves(nnx.state(model)) if isinstance(x, T)))",
            E1="0.0",
        ),
        _program(
            f"leaves = jax.tree.leaves(nnx.state(model), {_STOP})\n"
            "float(sum(jnp.sum(x.value ** 2) for x in leaves if isinstance(x, T))) > 0",
            E1="yes",
            E4="yes + DW",
        ),
    ),
    Witness(
        "NNX104",
        "Without is_leaf the mapper is given arrays, which have no value.",
        _program("jax.tree.map(lambda v: v.value, nnx.state(model))", E1="AE"),
        _program(f"len(jax.tree.map(lambda v: v.value, nnx.state(model), {_STOP}))", E1="2", E4="2 + DW"),
    ),
    Witness(
        "NNX105",
        "An exact test of VariableState stops matching when Param takes its place in 0.11.",
        _program(
            "done = jax.tree.map(lambda x: 0 if type(x) is nnx.variablelib.VariableState else x, nnx.state(model), "
            f"{_STOP})\n"
            "sum(x == 0 if isinstance(x, int) else 0 for x in jax.tree.leaves(done))",
            E1="2",
            E3="0",
        ),
        _program(
            f"done = jax.tree.map(lambda x: 0 if isinstance(x, T) else x, nnx.state(model), {_STOP})\n"
            "sum(x == 0 if isinstance(x, int) else 0 for x in jax.tree.leaves(done))",
            E1="2",
        ),
    ),
    Witness(
        "NNX106",
        "A class as is_leaf is called with each node: it wraps the tree, and the truth of that is no bool.",
        _program("jax.tree.map(lambda v: v.value, nnx.state(model), is_leaf=nnx.Variable)", E1="VE"),
        _program(f"len(jax.tree.map(lambda v: v.value, nnx.state(model), {_STOP}))", E1="2", E4="2 + DW"),
    ),
    Witness(
        "NNX106",
        "The same with VariableState fails for want of an argument below 0.11.",
        _program("jax.tree.map(lambda v: v.value, nnx.state(model), is_leaf=nnx.VariableState)", E1="TE", E3="VE"),
        _program(f"len(jax.tree.map(lambda v: v.value, nnx.state(model), {_STOP}))", E1="2", E4="2 + DW"),
    ),
    Witness(
        "NNX107",
        "Stopping at Param alone, the mapper meets the arrays inside of batch statistics.",
        _program(
            "jax.tree.map(lambda v: v.value, nnx.state(Model()), is_leaf=lambda x: isinstance(x, nnx.Param))",
            E1="AE",
        ),
        _program(f"len(jax.tree.map(lambda v: v.value, nnx.state(Model()), {_STOP}))", E1="2", E4="2 + DW"),
    ),
    Witness(
        "NNX108",
        "A mask made without is_leaf comes back wrapped: no leaf of it is a plain bool.",
        _program(
            "mask = jax.tree.map(lambda x: x.ndim > 1, nnx.state(model))\n"
            f"sum(isinstance(x, bool) for x in jax.tree.leaves(mask, {_STOP}))",
            E1="0",
        ),
        _program(
            f"mask = jax.tree.map(lambda x: x.value.ndim > 1, nnx.state(model), {_STOP})\n"
            f"sum(isinstance(x, bool) for x in jax.tree.leaves(mask, {_STOP}))",
            E1="2",
            E4="2 + DW",
        ),
    ),
    Witness(
        "NNX109",
        "Of two branches for Variable and VariableState the second is dead from 0.11 on: another one is taken.",
        _program(
            "branch = lambda x: 'first' if isinstance(x, nnx.Variable) else 'second'\n"
            f"' '.join(jax.tree.leaves(jax.tree.map(branch, nnx.state(model), {_STOP})))",
            E1="second second",
            E3="first first",
        ),
        _program(
            "branch = lambda x: 'wrapper' if isinstance(x, T) else 'other'\n"
            f"' '.join(jax.tree.leaves(jax.tree.map(branch, nnx.state(model), {_STOP})))",
            E1="wrapper wrapper",
        ),
    ),
    Witness(
        "NNX110",
        "A copy made by returning the wrapper changes with the model from 0.11 on.",
        _program(
            f"kept = jax.tree.map(lambda x: x, nnx.state(model), {_STOP})\n"
            "nnx.update(model, jax.tree.map(lambda x: x * 0 + 7, nnx.state(model)))\n"
            "all(bool((x == 7).all()) for x in jax.tree.leaves(kept))",
            E1="no",
            E3="yes",
        ),
        _program(
            f"kept = jax.tree.map(lambda x: x.copy() if isinstance(x, T) else x, nnx.state(model), {_STOP})\n"
            "nnx.update(model, jax.tree.map(lambda x: x * 0 + 7, nnx.state(model)))\n"
            "all(bool((x == 7).all()) for x in jax.tree.leaves(kept))",
            E1="no",
        ),
    ),
    Witness(
        "NNX111",
        "A mapper that assigns to what it is given writes into the model from 0.11 on.",
        _program(
            f"jax.tree.map(lambda x: setattr(x, 'value', x.value * 0 + 7), nnx.state(model), {_STOP})\n"
            "bool((model.kernel[...] == 7).all())",
            E1="no",
            E3="yes",
            E4="yes + DW",
        ),
        _program(
            f"jax.tree.map(lambda x: x.replace(x.value * 0 + 7), nnx.state(model), {_STOP})\n"
            "bool((model.kernel[...] == 7).all())",
            E1="no",
            E4="no + DW",
        ),
    ),
    Witness(
        "NNX112",
        "is_leaf on Variable filters as little as on VariableState: an array beside the wrappers raises.",
        _program(
            "tree = {'p': nnx.Param(1.0), 'raw': jnp.ones(2)}\n"
            "len(jax.tree.map(lambda v: v.value, tree, is_leaf=lambda x: isinstance(x, nnx.Variable)))",
            E1="AE",
        ),
        _program(
            f"tree = {{'p': nnx.Param(1.0), 'raw': jnp.ones(2)}}\nlen(jax.tree.map({_VALUES_OF}, tree, {_STOP}))",
            E1="2",
            E4="2 + DW",
        ),
    ),
    Witness(
        "NNX113",
        "State that is kept while the model changes is the model's own from 0.11 on.",
        _program(
            "kept = nnx.state(model)\n"
            "nnx.update(model, jax.tree.map(lambda x: x * 0 + 7, nnx.state(model)))\n"
            "nnx.update(model, kept)\n"
            "float(jax.tree.leaves(nnx.state(model))[0].sum())",
            E1="0.0",
            E3="7.0",
        ),
        _program(
            "kept = jax.tree.map(jnp.copy, nnx.state(model))\n"
            "nnx.update(model, jax.tree.map(lambda x: x * 0 + 7, nnx.state(model)))\n"
            "nnx.update(model, kept)\n"
            "float(jax.tree.leaves(nnx.state(model))[0].sum())",
            E1="0.0",
        ),
    ),
    Witness(
        "NNX113",
        "What was split off is the model's own as well, and a graph definition has no leaves to copy.",
        _program(
            "graphdef, kept = nnx.split(model)\n"
            "nnx.update(model, jax.tree.map(lambda x: x * 0 + 7, nnx.state(model)))\n"
            "float(jax.tree.leaves(nnx.state(nnx.merge(graphdef, kept)))[0].sum())",
            E1="0.0",
            E3="7.0",
        ),
        _program(
            "graphdef, kept = jax.tree.map(jnp.copy, nnx.split(model))\n"
            "nnx.update(model, jax.tree.map(lambda x: x * 0 + 7, nnx.state(model)))\n"
            "float(jax.tree.leaves(nnx.state(nnx.merge(graphdef, kept)))[0].sum())",
            E1="0.0",
        ),
    ),
    Witness(
        "NNX201",
        "Each use of the name warns from 0.12.1 on.",
        _program("isinstance(nnx.state(model)['kernel'], nnx.VariableState)", E1="yes", E4="yes + DW"),
        _program("isinstance(nnx.state(model)['kernel'], nnx.Variable)", E1="no", E3="yes"),
    ),
    Witness(
        "NNX202",
        "The constructor forgets the type from 0.11 on: what is built is a plain Variable.",
        _program(
            "made = nnx.variablelib.VariableState(type=nnx.Param, value=1.0)\ntype(made) is nnx.Variable",
            E1="no",
            E3="yes",
        ),
        _program("isinstance(nnx.Param(1.0), nnx.Param)", E1="yes"),
    ),
    Witness(
        "NNX202",
        "Its positional form raises from 0.11 on.",
        _program("type(nnx.variablelib.VariableState(nnx.Param, 1.0)).__name__", E1="VariableState", E3="TE"),
        _program("type(nnx.Param(1.0)).__name__", E1="Param"),
    ),
    Witness(
        "NNX203",
        "A leaf of state is the Variable from 0.11 on, and has no to_variable.",
        _program("type(nnx.state(model)['kernel'].to_variable()).__name__", E1="Param", E3="AE"),
        _program("type(nnx.state(model)['kernel']).__name__", E1="VariableState", E3="Param"),
    ),
    Witness(
        "NNX204",
        "The attribute warns on 0.11 and 0.12.0; later it does not warn.",
        _program("nnx.state(model)['kernel'].type.__name__", E1="Param", E3="Param + DW", E4="Param"),
        _program("type(nnx.state(model)['kernel']).__name__", E1="VariableState", E3="Param"),
    ),
    Witness(
        "NNX205",
        "Metadata can no longer be set by attribute from 0.12.1 on.",
        _program("leaf = nnx.state(model)['kernel']\nleaf.note = 1\nleaf.note", E1="1", E4="AE"),
        _program(
            "leaf = nnx.state(model)['kernel']\nleaf.set_metadata(note=1)\nleaf.get_metadata()['note']",
            E1="AE",
            v0_12_0="1",
        ),
    ),
    Witness(
        "NNX206",
        "Reading and writing the value by attribute warns from 0.12.1 on.",
        _program("leaf = nnx.state(model)['bias']\nleaf.value = leaf.value\n'done'", E1="done", E4="done + DW"),
        _program("leaf = nnx.state(model)['bias']\nleaf.set_value(leaf.get_value())\n'done'", E1="AE", E4="done"),
    ),
    Witness(
        "NNX206",
        "Indexing is no substitute: a value that is no array raises.",
        _program("nnx.Param(1.0)[...]", E1="TE"),
        _program("nnx.Param(1.0).get_value()", E1="AE", E4="1.0"),
    ),
    Witness(
        "NNX207",
        "nnx.pure warns from 0.12.7 on.",
        _program("type(nnx.pure(nnx.state(model))).__name__", E1="AE", E2="State", v0_12_7="State + DW"),
        _program("type(nnx.as_pure(nnx.state(model))).__name__", E1="AE", v0_12_7="State"),
    ),
    Witness(
        "NNX208",
        "JAX has no jax.tree_map from 0.6.0 on.",
        Program("jax.tree_map(lambda x: x + 1, [1])", {"0.4.26": "[2] + DW", "0.6": "AE"}, of_jax=True),
        Program("jax.tree.map(lambda x: x + 1, [1])", {"0.4.25": "[2]"}, of_jax=True),
    ),
    Witness(
        "NNX209",
        "An optimizer is told what it trains, by keyword, from 0.11 on.",
        _program("type(nnx.Optimizer(model, optax.sgd(0.1))).__name__", E1="Optimizer", E3="TE"),
        _program("type(nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.Param)).__name__", E1="Optimizer"),
    ),
    Witness(
        "NNX209",
        "An optimizer is given the model with the gradients from 0.11 on; what takes them alone has another name.",
        _program(
            "optimizer = nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.Param)\n"
            "optimizer.update(nnx.state(model, nnx.Param))\n"
            "'done'",
            E1="done",
            E3="TE",
        ),
        _program(
            "optimizer = nnx.ModelAndOptimizer(model, optax.sgd(0.1))\n"
            "optimizer.update(nnx.state(model, nnx.Param))\n"
            "'done'",
            E1="AE",
            E3="done",
        ),
    ),
    Witness(
        "NNX210",
        "A list of Modules is no attribute of a Module from 0.12 on, unless it is marked as data.",
        _program(
            "class Stack(nnx.Module):\n"
            "    def __init__(self): self.layers = [nnx.Linear(2, 1, rngs=nnx.Rngs(0))]\n"
            "len(Stack().layers)",
            E1="1",
            v0_12_0="VE",
        ),
        _program(
            "class Stack(nnx.Module):\n"
            "    def __init__(self): self.layers = nnx.data([nnx.Linear(2, 1, rngs=nnx.Rngs(0))])\n"
            "len(Stack().layers)",
            E1="AE",
            E3="1",
        ),
    ),
    Witness(
        "NNX211",
        "The methods of State warn, and the functions of the same job do not.",
        _program("sorted(nnx.state(model).to_pure_dict())", E1="['bias', 'kernel']", v0_10_4="['bias', 'kernel'] + DW"),
        _program("sorted(nnx.to_pure_dict(nnx.state(model)))", E1="AE", v0_10_4="['bias', 'kernel']"),
    ),
    Witness(
        "NNX212",
        "Reading sharding_names warns from 0.12.4 on, and the names are under another key.",
        _program(
            "made = nnx.Param(1.0, sharding_names=('a',), eager_sharding=False)\nmade.sharding_names",
            E1="('a',)",
            v0_12_4="('a',) + DW",
        ),
        _program(
            "made = nnx.Param(1.0, out_sharding=('a',), eager_sharding=False)\nmade.get_metadata()['out_sharding']",
            E1="('a',)",
        ),
    ),
    Witness(
        "NNX213",
        "A name that came later is missing on releases below.",
        _program("nnx.List([1])[0]", E1="AE", v0_12_0="1"),
        _program("[1][0]", E1="1"),
    ),
    Witness(
        "NNX214",
        "A name that was removed is missing from then on.",
        _program("nnx.with_sharding_constraint is None", E1="no", v0_11_2="AE"),
        _program("jax.lax.with_sharding_constraint is None", E1="no"),
    ),
    Witness(
        "NNX215",
        "Layers give out_sharding to the functions that are handed to them.",
        _program(_DOT.format(""), E1="(1, 3)", v0_12_2="TE"),
        _program(_DOT.format(", out_sharding=None"), E1="(1, 3)"),
    ),
)
