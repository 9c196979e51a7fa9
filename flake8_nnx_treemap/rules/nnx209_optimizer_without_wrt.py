"""`nnx.Optimizer` has to be told what it trains, and its `update` wants the model, from Flax 0.11 on.

## What it does

Finds `nnx.Optimizer(model, tx)` without the keyword `wrt`, in code that runs on Flax 0.11 or later, whatever else it
runs on, also as `super().__init__(model, tx)` in a class whose only base it is; and `optimizer.update(grads)` or
`update(grads=grads)` without the model, where the optimizer is for certain an `nnx.Optimizer` that this file makes with
`wrt`.

It is silent on `nnx.ModelAndOptimizer`, under whatever name, and on the `update` of subclasses; where arguments are starred; in code
that is ready for several releases, which handles the `TypeError`, asks for the release, or makes the same optimizer in
the other way as well; where a test wants the error; and where the file sets `nnx.Optimizer` or its `__init__`, or puts a
mock in its place.

## Why it is wrong

Up to Flax 0.10 an optimizer held the model, and trained its Params unless told otherwise. From 0.11 on it holds
neither: `wrt` has no default, and `update` takes the model and the gradients. The old behaviour is now
`nnx.ModelAndOptimizer`.

## What Flax does

| | 0.10.0–0.10.7 | 0.11.0 and later |
|---|---|---|
| `nnx.Optimizer(model, tx)`, `nnx.Optimizer(model, tx, nnx.Param)` | works | `TypeError` |
| `nnx.Optimizer(model, tx, wrt=nnx.Param)` | works | works |
| `update(grads)`, `update(grads=grads)` of an `nnx.Optimizer` | works | `TypeError` |
| `update(model, grads)`, `update(model, grads=grads)` of an `nnx.Optimizer` | `TypeError` | works |
| `nnx.ModelAndOptimizer(model, tx)`, and its `update(grads)` | does not exist | works, with the old results |

No single text works on both sides. Code that must run on both needs a test for the release.

## Fix safety

The fix is safe where this file shows everything that is done with the optimizer: the original raises.

It looks at the calls of the optimizer's `update` first, also in functions that it is handed to, and as an attribute of `self`. Where all of
them give the gradients alone, it writes `nnx.ModelAndOptimizer`, with which everything else stays as it is. Where all of them give the model as
well, it adds `wrt=nnx.Param`. To an `update` without it, it adds the model that the optimizer was made for.

It is unsafe where the optimizer is handed to code that this file does not hold, and for the `update` of an attribute or of
the parameter of a function that other files can call, which other code may set or call with another optimizer. There is no fix where calls differ or none is
seen, where the new optimizer would lack the attribute `model` that is read, where any error is handled, nor while a release below
0.11 is to be supported.

## References

* <https://flax.readthedocs.io/en/latest/migrating/nnx_010_to_nnx_011.html>
* <https://github.com/google/flax/issues/4842>
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from flake8_nnx_treemap.analysis.calls.functions import class_of_self
from flake8_nnx_treemap.analysis.calls.handovers import handover_of
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, end_of, is_name, start_of
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.format_parts import is_format_part
from flake8_nnx_treemap.analysis.names.scopes import Binding, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.names.spelling import Spelling, spelling_of
from flake8_nnx_treemap.analysis.values.optimizers import (
    Career,
    Construction,
    Update,
    career_of,
    constructions_of,
    enclosing_function,
)
from flake8_nnx_treemap.analysis.values.provenance import member_of_nnx
from flake8_nnx_treemap.names import OPTIMIZER_NEEDS_WRT, FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.absence import asks_for
from flake8_nnx_treemap.rules.advice import spelled
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule
from flake8_nnx_treemap.rules.steps import AddKeyword, Step

WITHOUT_WRT = "{} without wrt raises TypeError{}"
BY_POSITION = "{} takes wrt by keyword only, else it raises TypeError{}"
WITHOUT_MODEL = "update(grads) of an nnx.Optimizer raises TypeError{}: it takes the model and the gradients"
_SINCE = " from Flax 0.11 on"
_MEMBERS = ("Optimizer", "ModelAndOptimizer", "Param", "update")
_TYPE_ERROR = frozenset({"TypeError"})
_ANY_ERROR = frozenset({"TypeError", "Exception", "BaseException"})


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each nnx.Optimizer made without wrt, and each update without the model of those made with it."""
    for made in () if _is_replaced(source) else constructions_of(source):
        if not made.is_plain or is_format_part(source, made.call) or _is_handled(source, made.call):
            continue
        if made.wrt is None or made.wrt_is_by_position:
            if not _is_made_otherwise_too(source, made):
                yield _construction(source, made, flax)
        else:
            yield from _updates(source, made, flax)


def _is_replaced(source: ParsedSource) -> bool:
    """Tell whether the file puts something in the place of ``nnx.Optimizer``, as mocks do, or of its constructor."""
    stores = (one for one in source.bindings.attributes.get("__init__", ()) if isinstance(one.ctx, ast.Store))
    owners = (source.bindings.names_of(one.value) for one in stores if isinstance(one, ast.Attribute))
    return asks_for(source, "Optimizer") or any({*map(member_of_nnx, found)} == {"Optimizer"} for found in owners)


def _is_handled(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether code is for some releases alone: a ``TypeError`` is handled there, or it is what an error leads to."""
    if source.expects_error_at(start_of(node), _TYPE_ERROR):
        return True
    around: ast.AST | None = node
    while around is not None and not isinstance(around, ast.ExceptHandler):
        around = source.ast_parent(around)
    return around is not None


def _is_made_otherwise_too(source: ParsedSource, made: Construction) -> bool:
    """Tell whether the function makes an optimizer for the same model in the new way as well, as in another branch."""
    function, model = enclosing_function(source, made.call), ast.dump(made.model)
    return any(
        (not other.is_plain or (other.wrt is not None and not other.wrt_is_by_position))
        and ast.dump(other.model) == model
        and enclosing_function(source, other.call) is function
        for other in constructions_of(source)
    )


# Constructions


def _construction(source: ParsedSource, made: Construction, flax: FlaxRange) -> Finding:
    is_new = flax.starts_from(OPTIMIZER_NEEDS_WRT)
    name = spelled(source, "Optimizer", made.call.func)
    message = (BY_POSITION if made.wrt_is_by_position else WITHOUT_WRT).format(name, "" if is_new else _SINCE)
    career = career_of(source, made.call)
    gives = {update.positional for update in career.updates}
    param = spelled(source, "Param", made.call)
    if gives == {2}:
        message += f": write wrt={param}"
    elif made.wrt_is_by_position:
        message += f": write wrt={source.text_of(made.wrt) if made.wrt else param}"
    else:
        both = spelled(source, "ModelAndOptimizer", made.call.func)
        message += f": use {both}, or wrt={param} and update(model, grads)"
        message += "" if is_new else "; both need Flax 0.11"
    return Finding(
        "NNX209", message, source.range(made.call.func), _construction_fix(source, made, career) if is_new else None
    )


def _construction_fix(source: ParsedSource, made: Construction, career: Career) -> Fix | None:
    if source.expects_error_at(start_of(made.call), _ANY_ERROR):
        return None
    gives = {update.positional for update in career.updates} or _given_elsewhere(source, career)
    function = made.call.func
    if gives == {1}:
        spelling = _spelling_of_both(source, function)
        steps = [*_in_place_of(source, function, spelling), *_keyword(source, made)]
        return _fix(source, made.call, career, spelling, steps, "Use nnx.ModelAndOptimizer")
    if gives == {2} and not career.gives_model:
        is_given = made.wrt_is_by_position and made.wrt is not None
        spelling = None if is_given else spelling_of(source, "Param", start_of(made.call))
        steps = [*_keyword(source, made)] if is_given else [*_param(made.call, spelling)]
        return _fix(source, made.call, career, spelling, steps, "Say what is trained")
    return None


def _fix(
    source: ParsedSource,
    call: ast.Call,
    career: Career,
    spelling: Spelling | None,
    steps: Iterable[Step | None],
    message: str,
) -> Fix | None:
    applicability = safety.safe_if(
        safety.every_update_is_seen(career),
        safety.nothing_sees_the_error(source, call, TypeError),
        spelling is None or safety.name_is_bound_for_certain(spelling),
        safety.names_are_bound_in_the_open(source),
        safety.members_are_themselves(source, *_MEMBERS),
    )
    return make_fix(applicability, message, steps)


def _given_elsewhere(source: ParsedSource, career: Career) -> set[int | None]:
    """Return how many arguments the file's optimizers are given, going by their names, if more than it shows is done."""
    if career.is_complete:
        return set()
    found: set[int | None] = set()
    for call in source.bindings.calls.get("update", ()):
        parts = dotted_name(call.func)
        if parts is not None and len(parts) > 1 and "opt" in parts[-2].lower():
            found.add(Update(call, is_certain=False).positional)
    return found if found == {1} else set()


def _spelling_of_both(source: ParsedSource, function: ast.expr) -> Spelling | None:
    """Return how to write ``nnx.ModelAndOptimizer`` where ``nnx.Optimizer`` is written."""
    if not isinstance(function, ast.Attribute):
        return spelling_of(source, "ModelAndOptimizer", start_of(function))
    text = source.text_in(source.range(function))
    module = text.removesuffix(".Optimizer")
    return None if module == text else Spelling(f"{module}.ModelAndOptimizer")  # The module is there already.


def _in_place_of(source: ParsedSource, node: ast.expr, spelling: Spelling | None) -> Iterator[Step | None]:
    if spelling is None:
        yield None
    else:
        yield source.replace(source.range(node), spelling.text)
        yield from spelling.edits


def _keyword(source: ParsedSource, made: Construction) -> Iterable[Step | None]:
    """Return the step that gives ``wrt`` by keyword, where it is given by position."""
    if not made.wrt_is_by_position or made.wrt is None:
        return ()
    return (_before(source, made.call.args[1], ",", made.wrt, "wrt="),)


def _param(call: ast.Call, spelling: Spelling | None) -> Iterator[Step | None]:
    if spelling is None:
        yield None
    else:
        yield AddKeyword(call, f"wrt={spelling.text}")
        yield from spelling.edits


def _before(
    source: ParsedSource, node: ast.expr, separator: str, argument: ast.expr | ast.keyword, text: str
) -> Step | None:
    """Return the step that inserts text before an argument and the parentheses around it.

    Args:
        source: the file.
        node: what precedes the argument.
        separator: what is between the two: a comma, or the parenthesis that opens a call's arguments.
        argument: the argument.
        text: what to insert.

    Returns:
        The step; ``None`` for a generator that shares the parentheses of the call.
    """
    start = source.offset(source.position_of_place(end_of(node)))
    end = source.position_of_place(start_of(argument))
    between = source.text_in(Range(source.position(start), end))
    code = re.sub(r"#.*", lambda comment: " " * len(comment[0]), between)
    if separator not in code:
        return None
    parenthesis = code.find("(", code.index(separator) + 1)
    return source.insert(source.position(start + parenthesis) if parenthesis >= 0 else end, text)


# Updates


def _updates(source: ParsedSource, made: Construction, flax: FlaxRange) -> Iterator[Finding]:
    career = career_of(source, made.call)
    for update in career.updates:
        call = update.call
        if not update.is_certain or not update.lacks_model or _is_handled(source, call):
            continue
        if any(_has_same_owner(source, call, other.call) and other.positional == 2 for other in career.updates):
            continue  # Code for both sides of 0.11.
        is_new = flax.starts_from(OPTIMIZER_NEEDS_WRT)
        message = WITHOUT_MODEL.format("" if is_new else _SINCE)
        fix = _update_fix(source, made, call) if is_new else None
        yield Finding("NNX209", message, source.range(call.func), fix)


def _has_same_owner(source: ParsedSource, one: ast.Call, other: ast.Call) -> bool:
    return ast.dump(one.func) == ast.dump(other.func) and enclosing_function(source, one) is enclosing_function(
        source, other
    )


def _update_fix(source: ParsedSource, made: Construction, call: ast.Call) -> Fix | None:
    """Return the fix that hands over the model, where some name means the model there as well."""
    model = None if source.expects_error_at(start_of(call), _ANY_ERROR) else _model_at(source, made.model, call)
    if model is None:
        return None
    assert isinstance(call.func, ast.Attribute)
    applicability = safety.safe_if(
        safety.optimizer_is_known_to_all(source, call.func.value),
        safety.nothing_sees_the_error(source, call, TypeError),
        safety.names_are_bound_in_the_open(source),
        safety.members_are_themselves(source, *_MEMBERS),
    )
    grads = call.args[0] if call.args else call.keywords[0]
    step = _before(source, call.func, "(", grads, f"{model}, ")
    return make_fix(applicability, "Give the model as well", [step])


def _model_at(source: ParsedSource, model: ast.expr, call: ast.Call) -> str | None:
    """Return what means the model where a call is: the same name, a parameter that gets it, or ``self.model``."""
    parts = dotted_name(model)
    place = start_of(call)
    if parts is None:
        return None
    if len(parts) == 2 and isinstance(model, ast.Attribute):
        owner = (dotted_name(call.func) or ("",))[0]
        scope = class_of_self(source, model.value)
        is_own = scope is not None and class_of_method(source.bindings.bindings_of(owner, place)) is scope
        return f"{owner}.{parts[1]}" if is_own else None
    meant = source.bindings.bindings_of(parts[0], start_of(model))
    if len(parts) > 1 or len(meant) != 1:
        return None
    if source.bindings.bindings_of(parts[0], place) == meant:
        return parts[0]
    return _parameter_for(source, meant, parts[0], call)


def _parameter_for(source: ParsedSource, meant: tuple[Binding, ...], name: str, call: ast.Call) -> str | None:
    """Return the parameter of the function around a call that all calls of the function give a name to."""
    function = enclosing_function(source, call)
    calls = source.bindings.calls.get(getattr(function, "name", ""), ())
    found: set[str | None] = set()
    for handover in (handover_of(source, one) for one in calls):
        if handover is not None and handover.definition is function:
            given = [key for key, value in handover.given.items() if _means(source, value, name, meant)]
            found.add(given[0] if len(given) == 1 else None)
    (only,) = found if len(found) == 1 else (None,)
    return only if only is not None and source.bindings.is_parameter(only, start_of(call)) else None


def _means(source: ParsedSource, value: ast.expr, name: str, meant: tuple[Binding, ...]) -> bool:
    return is_name(value, name) and source.bindings.bindings_of(name, start_of(value)) == meant


EXAMPLES = (
    Example(
        title="An optimizer that trains all Params",
        source="""\
import jax.numpy as jnp
import optax
from flax import nnx


def train(optimizer, x):
    grads = nnx.grad(lambda model: jnp.mean(model(x) ** 2))(optimizer.model)
    optimizer.update(grads)


def result():
    model = nnx.Linear(2, 1, kernel_init=nnx.initializers.ones, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.sgd(0.25))
    train(optimizer, jnp.ones((1, 2)))
    return model.kernel[...].tolist()
""",
        marked=("nnx.Optimizer",),
        fixed={
            "0.11": """\
import jax.numpy as jnp
import optax
from flax import nnx


def train(optimizer, x):
    grads = nnx.grad(lambda model: jnp.mean(model(x) ** 2))(optimizer.model)
    optimizer.update(grads)


def result():
    model = nnx.Linear(2, 1, kernel_init=nnx.initializers.ones, rngs=nnx.Rngs(0))
    optimizer = nnx.ModelAndOptimizer(model, optax.sgd(0.25))
    train(optimizer, jnp.ones((1, 2)))
    return model.kernel[...].tolist()
""",
        },
        applicability=Applicability.SAFE,
        trees=(),
        result=[[0.0], [0.0]],
    ),
    Example(
        title="Updates that give the model already",
        source="""\
import jax.numpy as jnp
import optax
from flax import nnx


class Trainer:
    def __init__(self, model):
        self.model = model
        self.optimizer = nnx.Optimizer(model, tx=optax.sgd(0.25))

    def train(self, x):
        grads = nnx.grad(lambda model: jnp.mean(model(x) ** 2))(self.model)
        self.optimizer.update(self.model, grads)


def result():
    trainer = Trainer(nnx.Linear(2, 1, kernel_init=nnx.initializers.ones, rngs=nnx.Rngs(0)))
    trainer.train(jnp.ones((1, 2)))
    return trainer.model.kernel[...].tolist()
""",
        marked=("nnx.Optimizer",),
        fixed={
            "0.11": """\
import jax.numpy as jnp
import optax
from flax import nnx


class Trainer:
    def __init__(self, model):
        self.model = model
        self.optimizer = nnx.Optimizer(model, tx=optax.sgd(0.25), wrt=nnx.Param)

    def train(self, x):
        grads = nnx.grad(lambda model: jnp.mean(model(x) ** 2))(self.model)
        self.optimizer.update(self.model, grads)


def result():
    trainer = Trainer(nnx.Linear(2, 1, kernel_init=nnx.initializers.ones, rngs=nnx.Rngs(0)))
    trainer.train(jnp.ones((1, 2)))
    return trainer.model.kernel[...].tolist()
""",
        },
        applicability=Applicability.SAFE,
        trees=(),
        result=[[0.0], [0.0]],
    ),
    Example(
        title="An update without the model",
        source="""\
import jax.numpy as jnp
import optax
from flax import nnx


@nnx.jit
def _train(model, optimizer, x):
    grads = nnx.grad(lambda model: jnp.mean(model(x) ** 2))(model)
    optimizer.update(grads)


def result():
    linear = nnx.Linear(2, 1, kernel_init=nnx.initializers.ones, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(linear, optax.sgd(0.25), wrt=nnx.Param)
    _train(linear, optimizer, jnp.ones((1, 2)))
    return linear.kernel[...].tolist()
""",
        marked=("optimizer.update",),
        fixed={
            "0.11": """\
import jax.numpy as jnp
import optax
from flax import nnx


@nnx.jit
def _train(model, optimizer, x):
    grads = nnx.grad(lambda model: jnp.mean(model(x) ** 2))(model)
    optimizer.update(model, grads)


def result():
    linear = nnx.Linear(2, 1, kernel_init=nnx.initializers.ones, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(linear, optax.sgd(0.25), wrt=nnx.Param)
    _train(linear, optimizer, jnp.ones((1, 2)))
    return linear.kernel[...].tolist()
""",
        },
        applicability=Applicability.SAFE,
        trees=(),
        result=[[0.0], [0.0]],
    ),
    Example(
        title="For old and new releases: reported, not rewritten",
        source="""\
import jax.numpy as jnp
import optax
from flax import nnx


def result():
    model = nnx.Linear(2, 1, kernel_init=nnx.initializers.ones, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.sgd(0.25))
    optimizer.update(nnx.grad(lambda model: jnp.sum(model.kernel[...]))(model))
    if optimizer.model is not model:
        optimizer.update(model, {})
    return model.kernel[...].tolist()
""",
        marked=("nnx.Optimizer",),
        trees=(),
    ),
)

RULE = Rule(
    CODES["NNX209"],
    "`nnx.Optimizer` wants `wrt`, and its `update` the model",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.every_update_is_seen,
        safety.optimizer_is_known_to_all,
        safety.nothing_sees_the_error,
        safety.name_is_bound_for_certain,
        safety.names_are_bound_in_the_open,
        safety.members_are_themselves,
    ),
)
