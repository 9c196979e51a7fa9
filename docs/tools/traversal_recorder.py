"""Runs programs on the installed JAX and Flax, and records what their first tree call does with each node of its tree.

Reads a list of jobs as JSON from standard input, writes their records to standard output. Needs JAX, Flax and
``flake8_nnx_treemap.names``, nothing else; ``measure.py`` starts it once a release.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import json
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from flake8_nnx_treemap.names import TREE_FUNCTIONS, TreeFunction, TreeFunctionKind

PROGRAM = "<program>"
"""The file name under which programs run: only their own tree calls are recorded, not those of the libraries."""

# The trees that are drawn: small, and one of each sort


class Dense(nnx.Module):
    """A model whose state has the two leaves that everyone knows."""

    def __init__(self) -> None:
        """Make the two Params."""
        self.bias = nnx.Param(jnp.zeros(3))
        self.kernel = nnx.Param(jnp.ones((2, 3)))


@dataclass(frozen=True)
class Subject:
    """A tree, and the model whose state it is, if there is one."""

    tree: Any
    model: Any = None


def state_of_a_model() -> Subject:
    """Give what ``nnx.state`` gives: VariableStates, Params from 0.11 on."""
    model = Dense()
    return Subject(nnx.state(model), model)


def live_and_raw() -> Subject:
    """Give a State made by hand: a live Param beside an array."""
    return Subject(nnx.State({"kernel": nnx.Param(jnp.ones(3)), "step": jnp.array(0)}))


def live_only() -> Subject:
    """Give the State of google/flax#4762."""
    return Subject(nnx.State({"param1": nnx.Param(jnp.array(10.0))}))


TREES: dict[str, Callable[[], Subject]] = {"state": state_of_a_model, "live": live_only, "mixed": live_and_raw}


# What happens in one tree call


@dataclass
class Events:
    """What JAX asked and handed over, in order, in the first tree call of a program."""

    asked: list[tuple[Any, bool | None]] = field(default_factory=list)
    """Each node JAX asked about, and the answer; ``None`` if the answer was no bool, or no answer came."""
    handed: list[str] = field(default_factory=list)
    has_mapper: bool = False
    has_is_leaf: bool = False
    is_finished: bool = False


@dataclass(frozen=True)
class Node:
    """One node of the tree: how deep, under which key, of which class, how it was met, and what became of it."""

    depth: int
    key: str
    kind: str
    met: str
    end: str


class Recorder:
    """Stands in for JAX's tree functions while a program runs."""

    def __init__(self) -> None:
        """Start with nothing recorded."""
        self.events: Events | None = None
        self._replaced: list[tuple[Any, str, Any, bool]] = []

    def __enter__(self) -> Recorder:
        """Put the recording functions in place."""
        for name, function in TREE_FUNCTIONS.items():
            module_name, _, attribute = name.rpartition(".")
            try:
                module = importlib.import_module(module_name)
                original = getattr(module, attribute)
            except (ImportError, AttributeError):
                continue
            self._replaced.append((module, attribute, original, attribute in vars(module)))
            setattr(module, attribute, self._recording(original, function))
        return self

    def __exit__(self, *_: object) -> None:
        """Put the originals back."""
        for module, attribute, original, was_plain in self._replaced:
            if was_plain:
                setattr(module, attribute, original)
            else:  # "jax.tree_map" comes, with a warning, from the module's "__getattr__".
                delattr(module, attribute)

    def _recording(self, original: Callable[..., Any], function: TreeFunction) -> Callable[..., Any]:
        @functools.wraps(original)
        def record(*arguments: Any, **options: Any) -> Any:
            if self.events is not None or sys._getframe(1).f_code.co_filename != PROGRAM:
                return original(*arguments, **options)
            self.events = events = Events(has_mapper=function.mapper is not None)
            bound = list(arguments)
            is_leaf = _given(function, bound, options)
            events.has_is_leaf = is_leaf is not None
            options["is_leaf"] = _asking(events, is_leaf)
            _record_mapper(events, function, bound, options)
            try:
                return original(*bound, **options)
            finally:
                events.is_finished = True

        return record


def _given(function: TreeFunction, arguments: list[Any], options: dict[str, Any]) -> Callable[[Any], bool] | None:
    position = function.is_leaf_position
    if position is not None and len(arguments) > position:
        given: Callable[[Any], bool] | None = arguments.pop(position)
        return given
    return options.get("is_leaf")


def _asking(events: Events, is_leaf: Callable[[Any], bool] | None) -> Callable[[Any], bool]:
    def ask(node: Any) -> bool:
        if events.is_finished:
            return False if is_leaf is None else is_leaf(node)
        events.asked.append((node, None))
        answer = False if is_leaf is None else is_leaf(node)
        if isinstance(answer, bool):
            events.asked[-1] = (node, answer)
        return answer

    return ask


def _record_mapper(events: Events, function: TreeFunction, arguments: list[Any], options: dict[str, Any]) -> None:
    if function.mapper is None:
        return
    index = function.parameters.index(function.mapper)
    mapper = arguments[index] if len(arguments) > index else options[function.mapper]

    def run(*leaves: Any, **more: Any) -> Any:
        leaf = leaves[function.leaf_position]
        try:
            result = mapper(*leaves, **more)
        except Exception as error:
            events.handed.append(type(error).__name__)
            raise
        events.handed.append("as it is" if result is leaf else "mapped")
        return result

    if function.kind is TreeFunctionKind.REDUCE:
        events.has_mapper = False
    elif len(arguments) > index:
        arguments[index] = run
    else:
        options[function.mapper] = run


# From events to nodes


def nodes_of(events: Events) -> list[Node]:
    """Lay the events out as the tree they happened in, as far as JAX got."""
    nodes: list[Node] = []
    with contextlib.suppress(StopIteration):
        _walk(events, iter(events.asked), iter(events.handed), nodes)
    return nodes


def _walk(
    events: Events,
    asked: Iterator[tuple[Any, bool | None]],
    handed: Iterator[str],
    nodes: list[Node],
    key: str = "",
    depth: int = 0,
) -> None:
    node, answer = next(asked)
    children = [] if answer else children_of(node)
    if answer is None:
        met, end = "is_leaf fails", ""
    elif children or (not answer and _holds_nothing(node)):
        met, end = "wrapper entered" if is_wrapper(node) else "entered", ""
    else:
        met = "stopped at" if answer else "refused" if events.has_is_leaf else "leaf"
        end = next(handed, "not reached") if events.has_mapper else "given"
    nodes.append(Node(depth, key, kind_of(node), met, end))
    for child in children:
        _walk(events, asked, handed, nodes, child, depth + 1)


def children_of(node: Any) -> list[str]:
    """Give the keys of what JAX finds one level down; nothing for a leaf."""
    found, _ = jax.tree_util.tree_flatten_with_path(node, is_leaf=lambda inner: inner is not node)
    return [_key(path[-1]) for path, _ in found if path]


def _holds_nothing(node: Any) -> bool:
    return jax.tree_util.tree_structure(node).num_leaves == 0


def _key(key: Any) -> str:
    for attribute in ("key", "name", "idx"):
        if hasattr(key, attribute):
            value = getattr(key, attribute)
            return f".{value}" if attribute == "name" else f"[{value!r}]"
    return str(key)


def is_wrapper(node: Any) -> bool:
    """Whether something is a Variable or, below 0.11, a VariableState."""
    return isinstance(node, (nnx.Variable, nnx.variablelib.VariableState))


def kind_of(node: Any) -> str:
    """Name a node's class as people know it."""
    return "Array" if isinstance(node, jax.Array) else type(node).__name__


# What a program gives back


def value_of(wrapper: Any) -> Any:
    """Read a wrapper on any Flax."""
    return wrapper.get_value() if hasattr(wrapper, "get_value") else wrapper.value


def described(result: Any, arguments: list[Subject]) -> str:
    """Say what sort of leaves a result has, and which of them are the input's own wrappers."""
    own = {id(leaf) for one in arguments for leaf in _wrappers_in(one.tree)}
    leaves = jax.tree_util.tree_leaves(result, is_leaf=is_wrapper)
    return ", ".join(dict.fromkeys(_leaf_words(leaf, id(leaf) in own) for leaf in leaves))


def _wrappers_in(tree: Any) -> list[Any]:
    return [leaf for leaf in jax.tree_util.tree_leaves(tree, is_leaf=is_wrapper) if is_wrapper(leaf)]


def _leaf_words(leaf: Any, is_own: bool) -> str:
    if not is_wrapper(leaf):
        return _value_words(leaf)
    words = f"{kind_of(leaf)}({_value_words(value_of(leaf))})"
    return f"the input's own {words}" if is_own else words


def _value_words(value: Any) -> str:
    return repr(value) if isinstance(value, (bool, int, float, str)) else kind_of(value)


def _contents(model: Any) -> list[Any]:
    """What a model holds: to tell whether a program has written into it."""
    if model is None:
        return []
    leaves = jax.tree_util.tree_leaves(nnx.state(model))
    return [(leaf.shape, leaf.tolist()) if isinstance(leaf, jax.Array) else leaf for leaf in leaves]


# One program


def run(source: str, tree: str) -> dict[str, Any]:
    """Run one program on one tree; without a tree, a program by itself, in which no tree call is looked at."""
    recorder = Recorder()
    with warnings.catch_warnings(record=True) as caught, recorder if tree else contextlib.nullcontext():
        warnings.simplefilter("always")
        end, gives = _outcome(source, tree)
    warned = any(one.filename == PROGRAM and issubclass(one.category, DeprecationWarning) for one in caught)
    nodes = nodes_of(recorder.events) if recorder.events else []
    return {"end": end, "gives": gives, "warns": warned, "nodes": [list(vars(node).values()) for node in nodes]}


def _outcome(source: str, tree: str) -> tuple[str, str]:
    try:
        namespace = types.ModuleType("program").__dict__
        exec(compile(source, PROGRAM, "exec"), namespace)
        convert = namespace["convert" if tree else "result"]
        parameters = inspect.signature(convert).parameters.values()
        needed = sum(parameter.default is parameter.empty for parameter in parameters)
        subjects = [TREES[tree]() for _ in range(needed)]
        before = [_contents(subject.model) for subject in subjects]
        result = convert(*(subject.tree for subject in subjects))
        gives = described(result, subjects)
        wrote = before != [_contents(subject.model) for subject in subjects]
    except Exception as error:
        lines = str(error).splitlines() or [""]
        text = re.sub(r"\bjaxlib\.[\w.]*\.(?=ArrayImpl)", "", lines[0])
        return f"{type(error).__name__}: {text}", ""
    return "returned", f"{gives}; writes into the model" if wrote else gives


def main() -> None:
    """Run all jobs."""
    jobs = json.load(sys.stdin)
    json.dump([run(job["source"], job["tree"]) for job in jobs], sys.stdout)


if __name__ == "__main__":
    main()
