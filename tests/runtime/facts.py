"""Data: what Flax does with wrappers, fact by fact, and since which release. ``epochs.py`` measures and compares it.

``E1`` … ``E4`` are the first releases of the epochs (``installed.py``); a change within one is keyed by its release, as
in ``v0_12_7``. AE, TE, VE: Attribute-, Type-, ValueError; DW: with a DeprecationWarning; NOOP: returns, and nothing
was mapped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from installed import EPOCHS, FlaxRelease, release_named


def outcome_since(expected: Mapping[str, str], release: FlaxRelease) -> str:
    """What the newest release says that is not above this one."""
    return expected[max((name for name in expected if release_named(name) <= release), key=release_named)]


@dataclass(frozen=True)
class Fact:
    """One thing that Flax does.

    ``program`` is measured: an expression over ``tree`` for each of ``trees``, or else statements and a last
    expression. ``expected`` says what comes out, and from which release on.
    """

    text: str
    program: str
    expected: Mapping[str, str]
    trees: tuple[str, ...] = ()

    def expected_on(self, release: FlaxRelease) -> str:
        """What is expected of a release."""
        return outcome_since(self.expected, release)


@dataclass(frozen=True)
class Table:
    """A table of the page."""

    title: str
    says: str
    facts: tuple[Fact, ...]


_FIRST = {epoch.name: ".".join(map(str, epoch.first)) for epoch in EPOCHS}


def since(expected: Mapping[str, str]) -> Mapping[str, str]:
    """``{"E3": …, "v0_12_7": …}`` with releases for keys."""
    return {_FIRST.get(name) or name.removeprefix("v").replace("_", "."): word for name, word in expected.items()}


def _call(trees: tuple[str, ...], mapper: str, is_leaf: str = "", **expected: str) -> Fact:
    expression = f"jax.tree.map({mapper}, tree{is_leaf and ', is_leaf='}{is_leaf})"
    text = f"`jax.tree.map({mapper}, tree{is_leaf and ', is_leaf='}{is_leaf})`"
    for full, short in _SHORTHAND:
        text = text.replace(full, short)
    return Fact(text, expression, since(expected), trees)


def _asks(text: str, program: str, **expected: str) -> Fact:
    return Fact(text, program, since(expected))


STATES = ("state", "split", "grad", "normalized", "lora", "embed", "attention")
LIVE = ("live", "live metadata", "variables", "opt_state")
MIXED = ("mixed", "optax init")

_BOTH = "(nnx.Variable, nnx.variablelib.VariableState)"
_BOTH_WARNING = "(nnx.Variable, nnx.VariableState)"
_SHORTHAND = (
    (_BOTH, "BOTH"),
    ("nnx.VariableState", "VS"),
    ("nnx.Variable", "V"),
)

_VALUE = "lambda x: x.value"
_IS_VS = "lambda x: isinstance(x, nnx.VariableState)"
_IS_V = "lambda x: isinstance(x, nnx.Variable)"
_IS_BOTH = f"lambda x: isinstance(x, {_BOTH})"
_ON_VS = "lambda x: x.replace(1) if isinstance(x, nnx.VariableState) else x"
_ON_V = "lambda x: x.replace(1) if isinstance(x, nnx.Variable) else x"
_ON_BOTH = f"lambda x: x.replace(1) if isinstance(x, {_BOTH}) else x"
_ON_BOTH_WARNING = f"lambda x: x.replace(1) if isinstance(x, {_BOTH_WARNING}) else x"
_ON_EXACT = "lambda x: x.replace(1) if type(x) is nnx.VariableState else x"

_CLASSES = (
    _asks("`VS is V`", "nnx.variablelib.VariableState is nnx.Variable", E1="no", E3="yes"),
    _asks("V is a pytree node", "jax.tree.structure(nnx.Param(1.0)) != jax.tree.structure(0)", E1="no", E2="yes"),
    _asks(
        "VS is a pytree node",
        "jax.tree.structure(nnx.variablelib.VariableState(type=nnx.Param, value=1.0)) != jax.tree.structure(0)",
        E1="yes",
    ),
    _asks(
        "a Module is a pytree node",
        "jax.tree.structure(nnx.Linear(1, 1, rngs=nnx.Rngs(0))) != jax.tree.structure(0)",
        E1="no",
        E3="yes",
    ),
    _asks(
        "a leaf of `nnx.state(model)` is a",
        "type(nnx.state(nnx.Linear(1, 1, rngs=nnx.Rngs(0)))['kernel']).__name__",
        E1="VariableState",
        E3="Param",
    ),
    _asks(
        "… of `nnx.grad(f)(model)`",
        "type(nnx.grad(lambda m: m(jnp.ones((1, 1))).sum())(nnx.Linear(1, 1, rngs=nnx.Rngs(0)))['kernel']).__name__",
        E1="VariableState",
        E3="Param",
    ),
    _asks(
        "leaves of `nnx.state(model)` are the model's own",
        "m = nnx.Linear(1, 1, rngs=nnx.Rngs(0))\nnnx.state(m)['kernel'] is m.kernel",
        E1="no",
        E3="yes",
    ),
    _asks(
        "… of `nnx.split(model)`",
        "m = nnx.Linear(1, 1, rngs=nnx.Rngs(0))\nnnx.split(m)[1]['kernel'] is m.kernel",
        E1="no",
        E3="yes",
    ),
)

_NAMES = (
    _asks("`nnx.VariableState`", "nnx.VariableState\nNone", E1="ok", E4="ok + DW"),
    _asks("`nnx.variablelib.VariableState`", "nnx.variablelib.VariableState\nNone", E1="ok"),
    _asks("`from flax.nnx import VariableState`", "from flax.nnx import VariableState\nNone", E1="ok", E4="ok + DW"),
    _asks('`hasattr(nnx, "VariableState")`', 'hasattr(nnx, "VariableState")', E1="yes", E4="yes + DW"),
    _asks("`import flax.experimental.nnx`", "import flax.experimental.nnx\nNone", E1="ok"),
)

_STATE_TREES = (
    _call(STATES, _VALUE, _IS_VS, E1="ok", E4="ok + DW"),
    _call(STATES, _VALUE, _IS_V, E1="AE", E3="ok", E4="ok + DW"),
    _call(STATES, _VALUE, _IS_BOTH, E1="ok", E4="ok + DW"),
    _call(STATES, _VALUE, E1="AE"),
    _call(STATES, _ON_VS, E1="NOOP", E4="NOOP + DW"),
    _call(STATES, _ON_V, E1="NOOP"),
    _call(STATES, _ON_BOTH, E1="NOOP"),
    _call(STATES, _ON_VS, _IS_VS, E1="ok", E4="ok + DW"),
    _call(STATES, _ON_BOTH, _IS_BOTH, E1="ok"),
    _call(STATES, _ON_BOTH_WARNING, _IS_BOTH, E1="ok", E4="ok + DW"),
    _call(STATES, _ON_V, _IS_V, E1="NOOP", E3="ok"),
    _call(STATES, _ON_EXACT, _IS_VS, E1="ok", E3="NOOP", E4="NOOP + DW"),
    _call(STATES, _VALUE, "lambda x: type(x) is nnx.VariableState", E1="ok", E3="AE"),
    _call(STATES, _VALUE, "nnx.VariableState", E1="TE", E3="VE"),
    _call(STATES, _VALUE, "nnx.Variable", E1="VE"),
)

_LIVE_TREES = (
    _call(LIVE, _VALUE, _IS_VS, E1="ok", E2="AE", E3="ok", E4="ok + DW"),
    _call(LIVE, _VALUE, _IS_BOTH, E1="ok", E4="ok + DW"),
    _call(LIVE, _ON_VS, _IS_VS, E1="NOOP", E3="ok", E4="ok + DW"),
    _call(LIVE, _ON_V, E1="ok", E2="NOOP"),
    _call(LIVE, _ON_V, _IS_V, E1="ok"),
    _call(LIVE, _ON_BOTH, _IS_BOTH, E1="ok"),
    _call(("live metadata", "variables"), "lambda x: x[...]", _IS_VS, E1="ok", E2="NOOP", E3="ok", E4="ok + DW"),
)

_MIXED_TREES = (
    _call(MIXED, _VALUE, _IS_VS, E1="AE"),
    _call(MIXED, _VALUE, _IS_BOTH, E1="AE"),
    _call(MIXED, _ON_BOTH, _IS_BOTH, E1="ok"),
)

_LEAF = "m = nnx.Linear(1, 1, rngs=nnx.Rngs(0))\nx = nnx.state(m)['kernel']\n"

_ACCESSORS = (
    _asks("`x.value`", _LEAF + "x.value\nNone", E1="ok", E4="ok + DW"),
    _asks("`x.value = v`", _LEAF + "x.value = 1\nNone", E1="ok", E4="ok + DW"),
    _asks("`x.raw_value`", _LEAF + "x.raw_value\nNone", E1="AE", E2="ok", E4="ok + DW"),
    _asks("`x[...]`", _LEAF + "x[...]\nNone", E1="TE", E2="ok"),
    _asks("`x.get_value()`", _LEAF + "x.get_value()\nNone", E1="AE", E4="ok"),
    _asks("`x.set_value(v)`", _LEAF + "x.set_value(1)\nNone", E1="AE", E4="ok"),
    _asks("`x.get_raw_value()`", _LEAF + "x.get_raw_value()\nNone", E1="AE", E4="ok"),
    _asks("`x.get_metadata()`", _LEAF + "x.get_metadata()\nNone", E1="ok"),
    _asks("`x.set_metadata(k=1)`", _LEAF + "x.set_metadata(k=1)\nNone", E1="AE", v0_12_0="ok"),
    _asks("`x.type`", _LEAF + "x.type\nNone", E1="ok", E3="ok + DW", E4="ok"),
    _asks("`x.replace(v)`", _LEAF + "x.replace(1)\nNone", E1="ok"),
    _asks("`x.replace(value=v)`", _LEAF + "x.replace(value=1)\nNone", E1="ok"),
    _asks("`x.copy()`", _LEAF + "x.copy()\nNone", E1="ok"),
    _asks("`x.to_variable()`", _LEAF + "x.to_variable()\nNone", E1="ok", E3="AE"),
    _asks("`x.to_state()`", _LEAF + "x.to_state()\nNone", E1="AE", E3="ok"),
    _asks("`x.name = metadata`", _LEAF + "x.name = 1\nNone", E1="ok", E4="AE"),
    _asks("`hash(x)`", _LEAF + "hash(x)\nNone", E1="ok", E4="TE"),
    _asks("`x == x` is a bool", _LEAF + "isinstance(x == x, bool)", E1="yes", E4="no"),
)

_VALUES = tuple(
    _asks(f"`nnx.Param({value})[...]`", f"nnx.Param({value})[...]\nNone", E1=outcome)
    for value, outcome in {
        "jnp.ones(2)": "ok",
        "1.0": "TE",
        "[1.0]": "TE",
        "{}": "KeyError",
        "None": "TE",
        "'text'": "TE",
        "jax.ShapeDtypeStruct((2,), jnp.float32)": "TE",
    }.items()
)

_MODEL = "m = nnx.Linear(2, 1, rngs=nnx.Rngs(0))\n"

_CONSEQUENCES = (
    _asks(
        "identity mapper, `is_leaf` on wrappers: hands out the model's own Variables",
        _MODEL + f"t = jax.tree.map(lambda x: x, nnx.state(m), is_leaf={_IS_BOTH})\nt['kernel'] is m.kernel",
        E1="no",
        E3="yes",
    ),
    _asks(
        "identity mapper, no `is_leaf`: hands out the model's own Variables",
        _MODEL + "t = jax.tree.map(lambda x: x, nnx.state(m))\nt['kernel'] is m.kernel",
        E1="no",
    ),
    _asks(
        "a mapper that writes `x.value` over `nnx.state(m)` writes into the model",
        _MODEL
        + f"jax.tree.map(lambda x: setattr(x, 'value', x.value * 0 + 7), nnx.state(m), is_leaf={_IS_BOTH})\n"
        + "float(m.kernel[0, 0]) == 7",
        E1="no",
        E3="yes",
        E4="yes + DW",
    ),
    _asks(
        "a mapper that calls `x.set_metadata` over `nnx.state(m)` writes into the model",
        _MODEL
        + f"jax.tree.map(lambda x: x.set_metadata(k=1), nnx.state(m), is_leaf={_IS_BOTH})\n"
        + "hasattr(m.kernel, 'k')",
        E1="AE",
        v0_12_0="yes",
    ),
    _asks(
        "`if isinstance(x, V): A elif isinstance(x, VS): B` over `nnx.state(m)` takes",
        _MODEL + "x = nnx.state(m)['kernel']\n'A' if isinstance(x, nnx.Variable) else 'B'",
        E1="B",
        E3="A",
    ),
    _asks(
        "`VS(type=nnx.Param, value=1)` builds a",
        "type(nnx.variablelib.VariableState(type=nnx.Param, value=1)).__name__",
        E1="VariableState",
        E3="Variable",
    ),
    _asks("`VS(nnx.Param, 1)`", "nnx.variablelib.VariableState(nnx.Param, 1)\nNone", E1="ok", E3="TE"),
    _asks(
        "leaves of `State({'p': VS(nnx.Param, None)})`",
        "make = nnx.variablelib.VariableState\n"
        "p = make(nnx.Param, None) if make is not nnx.Variable else nnx.Param(None)\n"
        "len(jax.tree.leaves(nnx.State({'p': p})))",
        E1="0",
    ),
    _asks(
        "leaves of `State({'p': nnx.Param(None)})`",
        "len(jax.tree.leaves(nnx.State({'p': nnx.Param(None)})))",
        E1="1",
        E2="0",
    ),
    _asks(
        "leaves of `State({'p': nnx.Param([1.0, 2.0])})`",
        "len(jax.tree.leaves(nnx.State({'p': nnx.Param([1.0, 2.0])})))",
        E1="1",
        E2="2",
    ),
    _asks(
        "a key path into `nnx.state(m)`",
        _MODEL + "jax.tree_util.keystr(jax.tree_util.tree_flatten_with_path(nnx.state(m))[0][0][0])",
        E1="['bias'].value",
    ),
    _asks(
        "a mask `jax.tree.map(lambda x: x.ndim > 1, nnx.state(m))` holds",
        _MODEL + "type(jax.tree.map(lambda x: x.ndim > 1, nnx.state(m))['kernel']).__name__",
        E1="VariableState",
        E3="Param",
    ),
    _asks(
        "the same mask, `is_leaf` on wrappers, `x.value.ndim`, holds",
        _MODEL + f"type(jax.tree.map(lambda x: x.value.ndim > 1, nnx.state(m), is_leaf={_IS_BOTH})['kernel']).__name__",
        E1="bool",
        E4="bool + DW",
    ),
    _asks(
        "wrappers among `jax.tree.leaves(nnx.state(m))`",
        _MODEL + f"sum(isinstance(x, {_BOTH}) for x in jax.tree.leaves(nnx.state(m)))",
        E1="0",
    ),
    _asks(
        "`optimizer.update` with a State of plain arrays",
        _MODEL
        + "import inspect\n"
        + "o = nnx.Optimizer(m, optax.sgd(0.1), wrt=nnx.Param)\n"
        + "g = nnx.State({'bias': jnp.ones(1), 'kernel': jnp.ones((2, 1))})\n"
        + "o.update(m, g) if 'model' in inspect.signature(o.update).parameters else o.update(g)\nNone",
        E1="VE",
        E3="ok",
        E4="VE",
    ),
)

_PRESENT = tuple(
    _asks(f"`nnx.{name}`", f"nnx.{name}\nNone", **expected)
    for name, expected in {
        "to_pure_dict": {"E1": "AE", "v0_10_4": "ok"},
        "map_state": {"E1": "AE", "v0_10_4": "ok"},
        "filter_state": {"E1": "AE", "v0_10_4": "ok"},
        "to_flat_state": {"E1": "AE", "v0_10_4": "ok"},
        "pure": {"E1": "AE", "E2": "ok"},
        "as_pure": {"E1": "AE", "v0_12_7": "ok"},
        "map": {"E1": "AE", "v0_12_6": "ok"},
        "recursive_map": {"E1": "AE", "E4": "ok"},
        "vars_as": {"E1": "AE", "v0_12_3": "ok"},
        "with_vars": {"E1": "AE", "v0_12_8": "ok"},
    }.items()
)

_HELPERS = (
    *_PRESENT,
    _asks("`nnx.pure(state)`", _MODEL + "nnx.pure(nnx.state(m))\nNone", E1="AE", E2="ok", v0_12_7="ok + DW"),
    _asks("`state.flat_state()`", _MODEL + "nnx.state(m).flat_state()\nNone", E1="ok", v0_10_4="ok + DW"),
    _asks("`state.filter(nnx.Param)`", _MODEL + "nnx.state(m).filter(nnx.Param)\nNone", E1="ok", v0_10_4="ok + DW"),
)

TABLES = (
    Table("Classes", "What a wrapper is, and whether JAX goes into it.", _CLASSES),
    Table("Names", "Which spelling warns. `nnx.variablelib.VariableState` never does.", _NAMES),
    Table(
        "Trees of state",
        f"Over {', '.join(f'`{name}`' for name in STATES[:3])} and the states of six kinds of models: all agree.",
        _STATE_TREES,
    ),
    Table(
        "Trees of live Variables",
        "The State of google/flax#4762, a dict with a Param in it, `nnx.variables(model)`, `optimizer.opt_state`.",
        _LIVE_TREES,
    ),
    Table("Trees that hold arrays beside wrappers", "A dict of both, and what `optax` makes of a state.", _MIXED_TREES),
    Table("Accessors", "On `x = nnx.state(model)['kernel']`.", _ACCESSORS),
    Table("Indexing a live Variable", "Why `.value` is not rewritten to `[...]`.", _VALUES),
    Table("Consequences", "What a fix must know.", _CONSEQUENCES),
    Table("Helpers", "What NNX offers instead of a tree function.", _HELPERS),
)
