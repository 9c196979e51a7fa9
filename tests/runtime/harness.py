"""Runs programs on the installed Flax, and notes all that they do. ``contract.py`` compares what was noted.

A program is a module that defines ``convert(tree)`` or ``convert(tree, other)``, or ``result()`` if it needs no tree.
Each run gets inputs of its own, built anew. What is observed: whether it returned or raised; the result's structure,
types, values and metadata; which wrappers of the result *are* wrappers of the input; what became of the input and of
the model behind it; and what the mapper did with each leaf it was given.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import flax
import jax
import jax.numpy as jnp
from describe import Description, Identities, describe
from flax import nnx
from flax.nnx import variablelib
from installed import (
    STOPS_ABOVE_LIVE_VARIABLES,
    VARIABLE,
    is_wrapper,
    raw_value_of,
)

PROGRAM = "<program>"
"""The file name under which programs run: tells their calls and warnings from those of the libraries."""


@dataclass(frozen=True)
class Subject:
    """What a program is run on: the trees, and the model whose state they are, if any."""

    arguments: tuple[Any, ...]
    owner: Any = None


Build = Callable[[], Subject]
Convert = Callable[..., Any]


def nothing() -> Subject:
    """The inputs of a program by itself."""
    return Subject(())


def load(source: str) -> Convert:
    """Execute a program and give its ``convert``, or the ``result`` of a program by itself."""
    module = types.ModuleType("program")
    # A program must not inherit how this file writes its annotations.
    exec(compile(source, PROGRAM, "exec", dont_inherit=True), module.__dict__)
    convert = module.__dict__["convert" if "convert" in module.__dict__ else "result"]
    assert callable(convert)
    return convert  # type: ignore[no-any-return]


# What the mapper does


@dataclass(frozen=True)
class LeafCall:
    """One call of a mapper: what kind of leaf it got, and what became of it."""

    is_wrapper: bool
    identity: str | None
    passed_through: bool
    """The very leaf came back, untouched."""
    raised: bool = False
    is_only_handed_on: bool = False
    """The very leaf came back, untouched, alone or beside the leaves of the other trees: nothing was asked of it."""

    @property
    def is_mapped(self) -> bool:
        return not self.passed_through


class Recorder:
    """Notes what the mappers of a program do, by standing in for JAX's mapping functions while it runs."""

    def __init__(self, identities: Identities) -> None:
        self.calls: list[LeafCall] = []
        self._identities = identities

    def mapper(self, function: Convert, position: int) -> Convert:
        def recorded(*arguments: Any) -> Any:
            leaf = arguments[position]
            before = _fingerprint(leaf)
            try:
                result = function(*arguments)
            except Exception:
                self._note(leaf, passed_through=False, raised=True)
                raise
            is_untouched = before == _fingerprint(leaf)
            passed_through = result is leaf and is_untouched
            beside_others = type(result) is list and list(map(id, result)) == list(map(id, arguments[position:]))
            self._note(leaf, passed_through, is_only_handed_on=passed_through or (beside_others and is_untouched))
            return result

        return recorded

    def _note(
        self, leaf: object, passed_through: bool, *, raised: bool = False, is_only_handed_on: bool = False
    ) -> None:
        identity = self._identities.of(leaf)
        self.calls.append(LeafCall(is_wrapper(leaf), identity, passed_through, raised, is_only_handed_on))


def _fingerprint(leaf: object) -> object:
    """What changes when a mapper writes into a wrapper: the value it holds, and its metadata."""
    if not is_wrapper(leaf):
        return None
    metadata = leaf.get_metadata()  # type: ignore[attr-defined]
    return id(raw_value_of(leaf)), sorted((name, id(value)) for name, value in metadata.items())


_MAPPING_FUNCTIONS: tuple[tuple[types.ModuleType, str, int], ...] = (
    (jax.tree, "map", 0),
    (jax.tree, "map_with_path", 1),
    (jax.tree_util, "tree_map", 0),
    (jax.tree_util, "tree_map_with_path", 1),
    (jax, "tree_map", 0),
)


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Let a recorder see every mapper that a program gives to JAX; calls by the libraries themselves are left alone."""
    replaced: list[tuple[types.ModuleType, str, bool, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found = [(module, name, position) for module, name, position in _MAPPING_FUNCTIONS if hasattr(module, name)]
        functions = [getattr(module, name) for module, name, _ in found]
    for (module, name, position), function in zip(found, functions, strict=True):
        replaced.append((module, name, name in vars(module), function))
        setattr(module, name, _recorded(function, position, recorder))
    try:
        yield
    finally:
        for module, name, was_plain, function in replaced:
            if was_plain:
                setattr(module, name, function)
            else:
                delattr(module, name)  # ``jax.tree_map`` comes from the module's ``__getattr__``.


def _recorded(function: Convert, position: int, recorder: Recorder) -> Convert:
    def call(*arguments: Any, **keywords: Any) -> Any:
        if sys._getframe(1).f_code.co_filename != PROGRAM:
            return function(*arguments, **keywords)
        if "f" in keywords:
            keywords["f"] = recorder.mapper(keywords["f"], position)
        elif arguments:
            arguments = (recorder.mapper(arguments[0], position), *arguments[1:])
        return function(*arguments, **keywords)

    return call


# One run


@dataclass(frozen=True)
class Observation:
    """What one run of one program did."""

    transform: str
    error: str | None
    """The name of the exception's type, or ``None`` if the program returned."""
    result: Description
    effects: Description
    """The inputs and the model, after the run."""
    calls: tuple[LeafCall, ...]
    wrappers: int
    """How many wrappers the first tree holds, as JAX sees it."""
    gone_into: frozenset[str]
    """The live Variables that JAX goes into on Flax 0.10.7, where ``is_leaf`` on VariableState does not stop it."""
    passed_over: frozenset[str]
    """Those of them that hold no array: no mapper was ever shown anything of theirs."""
    detail: str = ""
    warnings: tuple[str, ...] = ()
    """What Flax deprecates of that which the program does."""

    @property
    def returned(self) -> bool:
        return self.error is None

    @property
    def is_cut_short(self) -> bool:
        """Whether a mapper raised, and the program went on."""
        return self.returned and any(call.raised for call in self.calls)

    @property
    def mapped(self) -> int:
        """How many wrappers reached a branch that did something with them."""
        return sum(call.is_wrapper and call.is_mapped for call in self.calls)

    @property
    def aliases(self) -> frozenset[str]:
        """Which wrappers of the input are in the result."""
        found = (entry[-1] for entry in self.result.values() if len(entry) > 1)
        return frozenset(name for name in found if isinstance(name, str) and name.startswith(("input", "model")))


def wrapper_count(tree: object) -> int:
    """How many wrappers a tree holds where JAX can reach them."""
    return sum(map(is_wrapper, jax.tree_util.tree_leaves(tree, is_leaf=is_wrapper)))


@dataclass(frozen=True)
class Transform:
    """A way to run a program: as it is, or under one of JAX's or Flax's transformations.

    ``prepare`` makes the arguments fit (a further axis for ``vmap``); ``wrap`` turns ``convert`` into what is called.
    """

    name: str
    wrap: Callable[[Convert], Convert]
    prepare: Callable[[Any], Any] = field(default=lambda tree: tree)
    builds_inside: bool = False
    """The inputs are built under the transformation, so that even what is no JAX type gets there. Models are left out:
    to initialize them there takes long, and their states are JAX types."""


def _total(result: object) -> jax.Array:
    """The sum of the floating-point numbers in a result: something to differentiate."""
    leaves = jax.tree_util.tree_leaves(result, is_leaf=is_wrapper)
    values = [raw_value_of(leaf) if is_wrapper(leaf) else leaf for leaf in leaves]
    numbers = [x for x in jax.tree_util.tree_leaves(values) if isinstance(x, (jax.Array, float))]
    floats = [jnp.sum(x) for x in map(jnp.asarray, numbers) if jnp.issubdtype(x.dtype, jnp.floating)]
    return sum(floats, jnp.float32(0))


def _gradient(convert: Convert) -> Convert:
    return jax.grad(lambda *trees: _total(convert(*trees)), allow_int=True)


def _stacked(tree: Any) -> Any:
    return jax.tree_util.tree_map(lambda x: jnp.stack([x, x]), tree)


EAGER = Transform("eager", lambda convert: convert)
JIT = Transform("jax.jit", jax.jit)
GRAD = Transform("jax.grad", _gradient)
VMAP = Transform("jax.vmap", jax.vmap, _stacked)
NNX_JIT = Transform("nnx.jit", lambda convert: nnx.jit(convert))
BUILT_UNDER_JIT = Transform("built under jax.jit", jax.jit, builds_inside=True)
TRANSFORMS = (EAGER, JIT, GRAD, VMAP, NNX_JIT, BUILT_UNDER_JIT)


class NotApplicable(Exception):  # noqa: N818 - says that there is nothing to run, not that something failed
    """The inputs cannot be made fit for a transformation, whatever the program."""


@contextmanager
def names_of_variables_kept() -> Iterator[None]:
    """Forget the names that a program registers for its classes of Variables: it may be run once more."""
    registered = variablelib.VariableTypeCache
    before = dict(registered)
    try:
        yield
    finally:
        registered.clear()
        registered.update(before)


def observe(source: str, build: Build, transform: Transform = EAGER) -> Observation:
    """Run a program once, on inputs built for this run.

    Raises:
        NotApplicable: the transformation cannot take these inputs.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        subject = build()
    with warnings.catch_warnings(record=True) as caught, names_of_variables_kept():
        warnings.simplefilter("always")
        run = _run(source, build, subject, transform)
    return replace(run, warnings=tuple(str(one.message) for one in caught if is_about_program(one)))


_FLAX = str(Path(flax.__file__).parent)


def is_about_program(warning: warnings.WarningMessage) -> bool:
    """Whether Flax deprecates something that a program does.

    Such a warning is laid at the program's door, or at that of a Flax file where Flax counts the stack wrong, as it
    does for ``x.value = v``.
    """
    deprecates = issubclass(warning.category, DeprecationWarning)
    return deprecates and (warning.filename == PROGRAM or warning.filename.startswith(_FLAX))


def _run(source: str, build: Build, subject: Subject, transform: Transform) -> Observation:
    identities = Identities()
    recorder = Recorder(identities)
    with recording(recorder):
        error, detail, convert = _outcome(lambda: load(source))
        if error is not None:  # An import that this Flax or JAX refuses.
            return Observation(transform.name, error, {}, {}, (), 0, frozenset(), frozenset(), detail)
        arity = len(inspect.signature(convert).parameters)
        if transform.builds_inside and subject.owner is not None:
            raise NotApplicable(f"{transform.name}: the tree comes from a model")
        arguments = _prepared(subject.arguments[:arity], transform)
        _describe_inputs(arguments, subject.owner, identities)

        handed: list[tuple[Any, ...]] = []

        def entered(*trees: Any) -> Any:
            # Under a transformation the trees are rebuilt: they keep the names of what they stand for.
            describe(trees, identities, "input")
            handed.append(trees)
            return convert(*trees)

        if transform.builds_inside:
            error, detail, result = _outcome(transform.wrap(lambda: entered(*build().arguments[:arity])))
        else:
            error, detail, result = _outcome(lambda: transform.wrap(entered)(*arguments))
    return Observation(
        transform=transform.name,
        error=error,
        result=describe(result, identities.copy()),
        effects={} if transform.builds_inside else _describe_inputs(arguments, subject.owner, identities.copy()),
        calls=tuple(recorder.calls),
        wrappers=wrapper_count(handed[0][0]) if handed and handed[0] else 0,
        gone_into=_gone_into(handed, identities, lambda value: True),
        passed_over=_gone_into(handed, identities, lambda value: not jax.tree_util.tree_leaves(value)),
        detail=detail,
    )


def _describe_inputs(arguments: tuple[Any, ...], owner: object, identities: Identities) -> Description:
    return {**describe(arguments, identities, "input"), **describe(owner, identities, "model")}


def _prepared(arguments: tuple[Any, ...], transform: Transform) -> tuple[Any, ...]:
    try:
        return tuple(transform.prepare(argument) for argument in arguments)
    except (TypeError, ValueError) as error:
        raise NotApplicable(f"{transform.name}: {error}") from error


def _outcome(run: Callable[[], Any]) -> tuple[str | None, str, Any]:
    try:
        return None, "", run()
    except Exception as error:
        lines = str(error).strip().split("\n")
        return type(error).__name__, re.sub(r"0x[0-9a-f]+", "0x…", lines[0])[:200], None


def _gone_into(handed: list[Any], identities: Identities, is_wanted: Callable[[Any], bool]) -> frozenset[str]:
    """Live Variables with a certain kind of value, where Flax is such that JAX goes into them."""
    if not STOPS_ABOVE_LIVE_VARIABLES:
        return frozenset()
    leaves = jax.tree_util.tree_leaves(handed, is_leaf=is_wrapper)
    live = [leaf for leaf in leaves if isinstance(leaf, VARIABLE)]
    return frozenset(str(identities.of(leaf)) for leaf in live if is_wanted(raw_value_of(leaf)))
