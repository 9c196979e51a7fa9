"""From Flax 0.11 on, the state of a model is no copy: state that was kept changes with the training.

## What it does

Finds state that is kept while its model is trained, and then put back into it: `best = nnx.state(model)`, or the state
of `nnx.split(model)`, where the model is trained in between, and `nnx.update(model, best)` or
`model = nnx.merge(graphdef, best)` follows. It finds the same where the state is an attribute of `self`, where it is in
a dict, and where a function of the file takes it or puts it back; and where it is the start of a moving average over
the states of the model.

It is silent where anything else is assigned to the same name, where parts of the state are set, where the name of the
model comes to mean another one, where nothing is seen that would train the model, and in code that asks for the
release. A function trains the model that it is given if its body does, by the update of an optimizer, by `nnx.update`
or by an assignment to a value; where its body is in another file, if its name says so (`train_step`, `fit`, `update`)
and no other model comes first. A step under `jax.jit` or another transformation of JAX itself trains a copy. An
optimizer trains the model that it was made with or is given, so the state of an average, a teacher or an adversary is
left alone; and so is a part of the state that is not trained, such as `nnx.state(model, nnx.Cache)`, or all but what
`wrt` names.

## Why it is wrong

`nnx.state` and `nnx.split` hand out the model's own Variables. Each step of training writes into them, and so into the
state that was kept. In the end the best state is the last one, and putting it back changes nothing. No error or warning
tells you.

## What Flax does

* **0.10.0–0.10.7**: both hand out new VariableStates with the arrays of that moment. The state stays as it was, unless
  the training donates its arrays, which are deleted then.
* **0.11.0 and later**: both hand out the Variables themselves.

| kept by | 0.10.0–0.10.7 | 0.11.0 and later |
|---|---|---|
| `nnx.state(model)`, `nnx.split(model)`, `copy.copy(state)`, `nnx.merge(*nnx.split(model))` | a copy | **no copy** |
| `jax.tree.map(jnp.copy, nnx.state(model))`, `copy.deepcopy(state)`, `jax.device_get(state)` | a copy | a copy |
| `nnx.clone(model)`, `nnx.to_pure_dict(state)`, `jax.tree.map(lambda x: x, state)` | a copy, unless donated | a copy, unless donated |

## Fix safety

The fix is unsafe because it changes what the code computes, on purpose: the state that is put back is another one.

It writes `jax.tree.map(jnp.copy, …)` around the call, as the file spells the two; a graph definition has no leaves and
comes back as it is. It raises where a Variable holds text or another object that is no array, and makes arrays of
numbers. There is no fix where `jax` means something else in the file.

## References

* <https://flax.readthedocs.io/en/latest/migrating/nnx_010_to_nnx_011.html>
"""

from __future__ import annotations

from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.nodes import start_of
from flake8_nnx_treemap.analysis.names.jax_spelling import import_of_jax, spelling_of_jax
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource
from flake8_nnx_treemap.analysis.values.snapshots import Snapshot, snapshots_of
from flake8_nnx_treemap.names import VARIABLE_STATE_IS_VARIABLE, FlaxRange
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

MESSAGE = "this state is no copy{}: training the model changes it; keep {}(…))"


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each state that is kept as if it were a copy of its model's."""
    since = "" if flax.starts_from(VARIABLE_STATE_IS_VARIABLE) else " from Flax 0.11 on"
    for kept in snapshots_of(source):
        found = _copying(source, kept)
        before = "jax.tree.map(jnp.copy, " if found is None else found[0]
        message = MESSAGE.format(since, f"{before}{source.text_of(kept.taken.func)}")
        yield Finding("NNX113", message, source.range(kept.taken.func), _fix(source, kept))


def _copying(source: ParsedSource, kept: Snapshot) -> tuple[str, tuple[Edit, ...]] | None:
    """Return what to write before the call, and the import that this needs; ``None`` if the file leaves no way."""
    place = start_of(kept.taken)
    mapping = spelling_of_jax(source, ("jax.tree.map", "jax.tree_util.tree_map"), place)
    copying = spelling_of_jax(source, ("jax.numpy.copy",), place)
    if mapping is not None and copying is not None:
        return f"{mapping}({copying}, ", ()
    added = import_of_jax(source, place)
    return None if added is None else (f"{mapping or 'jax.tree.map'}({copying or 'jax.numpy.copy'}, ", (added,))


def _fix(source: ParsedSource, kept: Snapshot) -> Fix | None:
    found = _copying(source, kept)
    if found is None:
        return None
    before, imports = found
    taken = source.range(kept.taken)
    steps = [source.insert(taken.start, before), source.insert(taken.end, ")"), *imports]
    return make_fix(Applicability.UNSAFE, "Keep a copy", steps)


EXAMPLES = (
    Example(
        title="The best state is put back at the end",
        source="""\
import jax
import jax.numpy as jnp
from flax import nnx


@nnx.jit
def train_step(model):
    nnx.update(model, jax.tree.map(lambda x: x + 1.0, nnx.state(model)))


class Model(nnx.Module):
    def __init__(self):
        self.weight = nnx.Param(jnp.zeros(2))


def weight_of(model):
    return jax.tree.leaves(nnx.state(model))[0].tolist()


def result():
    model = Model()
    best, best_loss = None, float("inf")
    for _ in range(4):
        train_step(model)
        loss = abs(weight_of(model)[0] - 2.0)
        if loss < best_loss:
            best, best_loss = nnx.state(model), loss
    nnx.update(model, best)
    return weight_of(model)
""",
        marked=("nnx.state",),
        fixed={
            "portable": """\
import jax
import jax.numpy as jnp
from flax import nnx


@nnx.jit
def train_step(model):
    nnx.update(model, jax.tree.map(lambda x: x + 1.0, nnx.state(model)))


class Model(nnx.Module):
    def __init__(self):
        self.weight = nnx.Param(jnp.zeros(2))


def weight_of(model):
    return jax.tree.leaves(nnx.state(model))[0].tolist()


def result():
    model = Model()
    best, best_loss = None, float("inf")
    for _ in range(4):
        train_step(model)
        loss = abs(weight_of(model)[0] - 2.0)
        if loss < best_loss:
            best, best_loss = jax.tree.map(jnp.copy, nnx.state(model)), loss
    nnx.update(model, best)
    return weight_of(model)
""",
        },
        applicability=Applicability.UNSAFE,
        trees=(),
        result=[2.0, 2.0],
    ),
    Example(
        title="Split off before the training, merged after it",
        source="""\
import jax.numpy as jnp
import optax
from flax import nnx


def fit(model, optimizer):
    for _ in range(3):
        optimizer.update(nnx.grad(lambda model: jnp.sum(model.weight[...]))(model))


class Model(nnx.Module):
    def __init__(self):
        self.weight = nnx.Param(jnp.ones(2))


def result():
    model = Model()
    kind = getattr(nnx, "ModelAndOptimizer", nnx.Optimizer)
    optimizer = kind(model, optax.sgd(0.5))
    graphdef, start = nnx.split(model)
    fit(model, optimizer)
    model = nnx.merge(graphdef, start)
    return model.weight[...].tolist()
""",
        marked=("nnx.split",),
        fixed={
            "portable": """\
import jax
import jax.numpy as jnp
import optax
from flax import nnx


def fit(model, optimizer):
    for _ in range(3):
        optimizer.update(nnx.grad(lambda model: jnp.sum(model.weight[...]))(model))


class Model(nnx.Module):
    def __init__(self):
        self.weight = nnx.Param(jnp.ones(2))


def result():
    model = Model()
    kind = getattr(nnx, "ModelAndOptimizer", nnx.Optimizer)
    optimizer = kind(model, optax.sgd(0.5))
    graphdef, start = jax.tree.map(jnp.copy, nnx.split(model))
    fit(model, optimizer)
    model = nnx.merge(graphdef, start)
    return model.weight[...].tolist()
""",
        },
        applicability=Applicability.UNSAFE,
        trees=(),
        result=[1.0, 1.0],
    ),
    Example(
        title="The start of a moving average",
        source="""\
import jax
import jax.numpy as jnp
from flax import nnx


class Model(nnx.Module):
    def __init__(self):
        self.weight = nnx.Param(jnp.zeros(2))


def train_step(model):
    nnx.update(model, jax.tree.map(lambda x: x + 1.0, nnx.state(model)))


def result():
    model = Model()
    average = nnx.state(model, nnx.Param)
    for _ in range(2):
        train_step(model)
        average = jax.tree.map(lambda old, new: 0.5 * old + 0.5 * new, average, nnx.state(model, nnx.Param))
    return jax.tree.leaves(average)[0].tolist()
""",
        marked=("nnx.state",),
        fixed={
            "portable": """\
import jax
import jax.numpy as jnp
from flax import nnx


class Model(nnx.Module):
    def __init__(self):
        self.weight = nnx.Param(jnp.zeros(2))


def train_step(model):
    nnx.update(model, jax.tree.map(lambda x: x + 1.0, nnx.state(model)))


def result():
    model = Model()
    average = jax.tree.map(jnp.copy, nnx.state(model, nnx.Param))
    for _ in range(2):
        train_step(model)
        average = jax.tree.map(lambda old, new: 0.5 * old + 0.5 * new, average, nnx.state(model, nnx.Param))
    return jax.tree.leaves(average)[0].tolist()
""",
        },
        applicability=Applicability.UNSAFE,
        trees=(),
        result=[1.25, 1.25],
    ),
)

RULE = Rule(
    CODES["NNX113"],
    "State that is kept while its model is trained is no copy",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
)
