"""Finds state that is kept while its model is trained, and goes back into it: state that is meant as a copy."""

from __future__ import annotations

import ast
import enum
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import class_of_self
from flake8_nnx_treemap.analysis.calls.handovers import handover_of
from flake8_nnx_treemap.analysis.code.nodes import (
    dotted_name,
    end_of,
    is_none,
    own_nodes,
    start_of,
    walk,
    words_below,
)
from flake8_nnx_treemap.analysis.names.scopes import FUNCTIONS, Block, Scope
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.narrowing import statements_after
from flake8_nnx_treemap.analysis.values.provenance import member_of_nnx
from flake8_nnx_treemap.analysis.values.trainings import Model, body_around, is_trained_part, trainings_of
from flake8_nnx_treemap.names import TREE_FUNCTIONS, TreeFunctionKind


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """State that is kept while its model is trained.

    ``taken`` is the call that gives it: ``nnx.state``, ``nnx.split``, or a function of the file that returns it.
    ``used`` is the call that puts it back, or mixes it with the state of the trained model.
    """

    taken: ast.Call
    used: ast.Call


class _What(enum.Enum):
    """What is assigned to a name."""

    STATE = "state"
    """The state of a model, as it is."""
    NOTHING = "nothing"
    MIXED = "mixed"
    """A map over what the name held and the state of the same model."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, eq=False)
class _Value:
    what: _What
    node: ast.expr
    statement: ast.stmt
    call: ast.Call | None = None
    model: ast.expr | None = None
    path: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where state is kept: a name of a scope or an attribute of ``self``, or what either holds under a key."""

    scope: Scope
    name: str
    is_attribute: bool
    key: str | None = None


_Use = tuple[ast.Call, ast.expr | None]
"""A call that gets what was kept, and the model that it puts it into or mixes it with; ``None`` if it makes one."""


@remembered
def snapshots_of(source: ParsedSource) -> tuple[Snapshot, ...]:
    """Return the state that a file keeps while it trains the model, each with where it goes back."""
    slots = dict.fromkeys(slot for call in _calls_for_state(source) for slot in _slots_of(source, call))
    found = [one for slot in slots for one in _Kept(source, slot).snapshots()]
    return tuple(sorted(found, key=lambda one: start_of(one.taken)))


def _calls_for_state(source: ParsedSource) -> Iterator[ast.Call]:
    for name in ("state", "split", "variables"):
        for call in source.bindings.calls.get(name, ()):
            if _member(source, call) == name:
                yield call
    for definition in _helpers(source):
        yield from source.bindings.calls.get(definition.name, ())


@remembered
def _helpers(source: ParsedSource) -> tuple[ast.FunctionDef, ...]:
    """Return the functions that do nothing but return the state of a parameter."""
    found = []
    for name in ("state", "split", "variables"):
        for call in (one for one in source.bindings.calls.get(name, ()) if _member(source, one) == name):
            statement = source.ast_parent(call)
            function = source.ast_parent(statement) if isinstance(statement, ast.Return) else None
            if isinstance(function, ast.FunctionDef):
                found.append(function)
    return tuple(dict.fromkeys(found))


def _member(source: ParsedSource, call: ast.Call) -> str | None:
    members = {member_of_nnx(name) for name in source.bindings.names_of(call.func)}
    return members.pop() if len(members) == 1 else None


# Where it is kept


def _slots_of(source: ParsedSource, call: ast.Call) -> Iterator[_Slot]:
    node: ast.AST = call
    key: str | None = None
    parent = source.ast_parent(node)
    while isinstance(parent, (ast.Tuple, ast.List, ast.Dict, ast.Call, ast.IfExp)):
        if isinstance(parent, ast.Dict):
            key = next((_text(k) for k, value in zip(parent.keys, parent.values, strict=True) if value is node), None)
            if key is None:
                return
        elif isinstance(parent, ast.Call) and not _is_shallow_copy(source, parent):
            return
        node, parent = parent, source.ast_parent(parent)
    if isinstance(parent, (ast.Assign, ast.AnnAssign)) and parent.value is node:
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        for target in targets:
            for one in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                yield from _slot_of_target(source, one, key)


def _slot_of_target(source: ParsedSource, target: ast.expr, key: str | None) -> Iterator[_Slot]:
    if isinstance(target, ast.Subscript) and key is None:
        key = _text(target.slice)
        if key is None:
            return
        target = target.value
    if isinstance(target, ast.Name):
        scope = source.bindings.scope_at(start_of(target))
        yield _Slot(scope.outside.get(target.id, scope), target.id, False, key)
    elif isinstance(target, ast.Attribute):
        owner = class_of_self(source, target.value)
        if owner is not None:
            yield _Slot(owner, target.attr, True, key)


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


@remembered
def _assignments(source: ParsedSource) -> dict[str, list[ast.stmt]]:
    """Return the statements that bind a name or an attribute, or set an item of it, by that name."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in source.bindings.statements:
        for name in dict.fromkeys(_names_set(statement.node)):
            found.setdefault(name, []).append(statement.node)
    return found


@remembered
def _assignments_by_scope(source: ParsedSource, name: str) -> Mapping[Scope, Sequence[ast.stmt]]:
    """Return the statements that bind a name, by the scope that the name belongs to there."""
    found: dict[Scope, list[ast.stmt]] = {}
    for statement in _assignments(source).get(name, ()):
        scope = source.bindings.scope_at(start_of(statement))
        found.setdefault(scope.outside.get(name, scope), []).append(statement)
    return found


@remembered
def _reads_by_scope(source: ParsedSource, name: str) -> Mapping[Scope, Sequence[ast.Name]]:
    """Return the places that read a name, by the scopes that what it means there belongs to."""
    found: dict[Scope, list[ast.Name]] = {}
    for node in source.bindings.attributes.get(name, ()):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            scopes = dict.fromkeys(one.scope for one in source.bindings.bindings_of(name, start_of(node)))
            for scope in scopes:
                found.setdefault(scope, []).append(node)
    return found


def _names_set(node: ast.stmt) -> Iterator[str]:
    pending: list[ast.expr] = [*getattr(node, "targets", ())]
    pending += [target for target in [getattr(node, "target", None)] if target is not None]
    pending += [item.optional_vars for item in getattr(node, "items", ()) if item.optional_vars is not None]
    while pending:
        target = pending.pop()
        if isinstance(target, (ast.Tuple, ast.List)):
            pending += target.elts
        elif isinstance(target, (ast.Subscript, ast.Starred)):
            pending.append(target.value)
        elif isinstance(target, (ast.Name, ast.Attribute)):
            yield target.id if isinstance(target, ast.Name) else target.attr


def _is_shallow_copy(source: ParsedSource, call: ast.Call) -> bool:
    return len(call.args) == 1 and source.bindings.names_of(call.func) == {"copy.copy"}


# What is kept there, and what becomes of it

_READS = frozenset({"items", "keys", "values", "get", "filter", "flat_state", "to_pure_dict", "raw_mapping", "split"})
"""Attributes of state that do not change it."""

_TAKES_AND_LEAVES = frozenset({"save", "dump", "write", "log", "print", "put", "checkpoint", "ckpt", "len", "store"})
"""Words in the names of functions that do not change what they are given."""


class _Kept:
    """All that a file does with one slot."""

    def __init__(self, source: ParsedSource, slot: _Slot) -> None:
        self._source = source
        self._slot = slot
        self._reads = [*self._all_reads()]

    def snapshots(self) -> Iterator[Snapshot]:
        values = self._values()
        states = [one for one in values if one.what is _What.STATE]
        if not states or any(one.what is _What.OTHER for one in values):
            return
        reads = self._reads
        if any(self._is_written(node) for node in reads):
            return  # The state itself is changed, as loaders of weights do.
        is_handed_on = any(self._is_handed_on(node) for node in reads)
        returns = [used for node in reads for used in self._restored(node)]
        mixes = [one for one in values if one.what is _What.MIXED]
        mixed = [(one.call, one.model) for one in mixes if one.call is not None]
        back, into = self._by_state(returns), self._by_state(mixed)
        for state in states:
            found = back(state)
            used = next((one for one in found if self._is_trained_before(state, one, is_handed_on=is_handed_on)), None)
            if used is None and not returns:
                used = next((one for one in into(state) if self._is_trained_before(state, one, is_mix=True)), None)
            if used is not None and state.call is not None:
                yield Snapshot(state.call, used[0])

    # Assignments

    def _values(self) -> list[_Value]:
        """Return all that is assigned to the slot."""
        found: list[_Value] = []
        for node in self._assignments():
            if isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if node.value is not None:
                    found += [one for target in targets for one in self._assigned(target, node.value, (), node)]
            elif isinstance(node, (ast.AugAssign, ast.For, ast.AsyncFor)) and self._is_slot(node.target):
                found.append(_Value(_What.OTHER, node.target, node))
            elif isinstance(node, (ast.With, ast.AsyncWith)):
                bound = [item.optional_vars for item in node.items if item.optional_vars is not None]
                found += [_Value(_What.OTHER, one, node) for one in bound if self._is_slot(one)]
        if not self._slot.is_attribute:
            bound_here = self._source.bindings.names_in(self._slot.scope).get(self._slot.name, ())
            known = frozenset(self._assignments())
            if any(self._statement_of(one.node) not in known for one in bound_here):
                return []  # A parameter, an import, a walrus: what it holds is not known.
        return found

    def _assignments(self) -> Sequence[ast.stmt]:
        """Return the statements that may assign to the slot."""
        if self._slot.is_attribute or self._slot.key is not None:
            return _assignments(self._source).get(self._slot.name, ())
        return _assignments_by_scope(self._source, self._slot.name).get(self._slot.scope, ())

    def _statement_of(self, node: ast.AST) -> ast.AST | None:
        around: ast.AST | None = node
        while around is not None and not isinstance(around, ast.stmt):
            around = self._source.ast_parent(around)
        return around

    def _assigned(
        self, target: ast.expr, value: ast.expr, path: tuple[int, ...], statement: ast.stmt
    ) -> Iterator[_Value]:
        if isinstance(target, (ast.Tuple, ast.List)):
            for index, element in enumerate(target.elts):
                if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                    yield from self._assigned(element, value.elts[index], path, statement)
                else:
                    yield from self._assigned(element, value, (*path, index), statement)
        elif isinstance(target, ast.Starred):
            if self._is_slot(target.value):
                yield _Value(_What.OTHER, value, statement)
        elif isinstance(target, ast.Subscript):
            yield from self._item(target, value, path, statement)
        elif self._is_slot(target):
            yield from self._whole(value, path, statement)

    def _item(
        self, target: ast.Subscript, value: ast.expr, path: tuple[int, ...], statement: ast.stmt
    ) -> Iterator[_Value]:
        """Return what an assignment to an item of a dict puts into the slot."""
        key = _text(target.slice)
        if self._slot.key is not None and self._is_slot(target.value):
            if key == self._slot.key:
                yield self._read(value, path, statement)
            elif key is None:
                yield _Value(_What.OTHER, value, statement)

    def _whole(self, value: ast.expr, path: tuple[int, ...], statement: ast.stmt) -> Iterator[_Value]:
        """Return what an assignment to the whole name or attribute puts into the slot."""
        if self._slot.key is None:
            yield self._read(value, path, statement)
        elif isinstance(value, ast.Dict) and not path:
            parts = {_text(key): part for key, part in zip(value.keys, value.values, strict=True)}
            if None in parts:
                yield _Value(_What.OTHER, value, statement)
            elif self._slot.key in parts:
                yield self._read(parts[self._slot.key], (), statement)
        elif not is_none(value):
            yield _Value(_What.OTHER, value, statement)

    def _is_slot(self, node: ast.expr) -> bool:
        if self._slot.is_attribute:
            return (
                isinstance(node, ast.Attribute)
                and node.attr == self._slot.name
                and class_of_self(self._source, node.value) is self._slot.scope
            )
        if not isinstance(node, ast.Name) or node.id != self._slot.name:
            return False
        bindings = self._source.bindings
        scope = bindings.scope_at(start_of(node))
        if isinstance(node.ctx, ast.Store):
            return scope.outside.get(node.id, scope) is self._slot.scope
        reaching = bindings.bindings_of(node.id, start_of(node))
        return any(one.scope is self._slot.scope for one in reaching)

    def _read(self, value: ast.expr, path: tuple[int, ...], statement: ast.stmt) -> _Value:
        if is_none(value):
            return _Value(_What.NOTHING, value, statement)
        if isinstance(value, ast.IfExp) and (is_none(value.body) or is_none(value.orelse)):
            value = value.orelse if is_none(value.body) else value.body
        call, model = _state_taken(self._source, value, path)
        if call is not None:
            return _Value(_What.STATE, value, statement, call, model, path)
        mixed = self._mixed(value) if isinstance(value, ast.Call) and not path else None
        if mixed is not None and isinstance(value, ast.Call):
            return _Value(_What.MIXED, value, statement, value, mixed)
        return _Value(_What.OTHER, value, statement)

    def _mixed(self, call: ast.Call) -> ast.expr | None:
        """Return the model in ``tree.map(mix, kept, nnx.state(model))``, or ``optax.incremental_update`` of the two."""
        names = self._source.bindings.names_of(call.func)
        functions = [TREE_FUNCTIONS.get(name) for name in names]
        is_map = bool(functions) and all(one is not None and one.kind is TreeFunctionKind.MAP for one in functions)
        if not is_map and names != {"optax.incremental_update"}:
            return None
        trees = call.args[1:] if is_map else call.args[:2]
        if not any(self._is_slot(tree) for tree in trees):
            return None
        for tree in trees:
            taken, model = _state_taken(self._source, tree, ())
            if taken is not None:
                return model
        return None

    # Uses

    def _all_reads(self) -> Iterator[ast.expr]:
        """Yield each place where what is kept is read."""
        name = self._slot.name
        if self._slot.is_attribute:
            places: Sequence[ast.expr] = self._source.bindings.attributes.get(name, ())
        else:
            places = _reads_by_scope(self._source, name).get(self._slot.scope, ())
        for node in places:
            if isinstance(getattr(node, "ctx", None), ast.Load) and self._is_slot(node):
                if self._slot.key is None:
                    yield node
                else:
                    yield from self._under_key(node)

    def _under_key(self, node: ast.expr) -> Iterator[ast.expr]:
        parent = self._source.ast_parent(node)
        if isinstance(parent, ast.Subscript) and parent.value is node:
            key = _text(parent.slice)
            if key == self._slot.key and isinstance(parent.ctx, ast.Load):
                yield parent
            elif key is None:
                yield node
        elif not _is_tested(parent):
            yield node

    def _is_written(self, node: ast.expr) -> bool:
        """Tell whether a part of what is kept is assigned, deleted, or changed by a method."""
        part: ast.AST = node
        parent = self._source.ast_parent(part)
        while isinstance(parent, (ast.Attribute, ast.Subscript)) and parent.value is part:
            if not isinstance(parent.ctx, ast.Load):
                return True
            around = self._source.ast_parent(parent)
            if isinstance(parent, ast.Attribute) and isinstance(around, ast.Call) and around.func is parent:
                return parent.attr not in _READS
            part, parent = parent, around
        return isinstance(parent, ast.AugAssign) and parent.target is part

    def _is_handed_on(self, node: ast.expr) -> bool:
        """Tell whether what is kept gets to code that may change it."""
        parent = self._source.ast_parent(node)
        if isinstance(parent, ast.keyword):
            parent = self._source.ast_parent(parent)
        if isinstance(parent, ast.Call):
            if any(self._restored(node)) or _is_of_library(self._source, parent):
                return False
            last = (dotted_name(parent.func) or ("",))[-1].lower()
            return not any(word in last for word in _TAKES_AND_LEAVES)
        if isinstance(parent, ast.Attribute):
            return True
        return isinstance(parent, (ast.Assign, ast.AnnAssign, ast.For, ast.comprehension))

    def _restored(self, node: ast.expr) -> Iterator[_Use]:
        """Yield the call that puts what is kept back, with its model; none for a merge, which makes one."""
        call = self._source.ast_parent(node)
        if not isinstance(call, ast.Call) or node not in call.args:
            return
        member = _member(self._source, call)
        if member in ("update", "merge") and node in call.args[1:]:
            yield call, call.args[0] if member == "update" else None
            return
        handover = handover_of(self._source, call)
        if handover is None:
            return
        for parameter in handover.parameters_for(node):
            model = _restores_parameter(self._source, handover.definition, parameter.arg)
            if model is not None and model in handover.given:
                yield call, handover.given[model]

    # Between the two

    def _is_trained_before(
        self, state: _Value, used: _Use, *, is_mix: bool = False, is_handed_on: bool = False
    ) -> bool:
        call, target = used
        if state.model is None or state.call is None:
            return False
        model = Model.of(self._source, state.model)
        if model is None or (target is not None and not model.is_meant_by(target)):
            return False
        if not is_trained_part(self._source, model, *_filters_of(self._source, state.call, state.path)):
            return False
        there, here = body_around(self._source, call), body_around(self._source, state.call)
        if there is not here:
            return self._is_trained_elsewhere(model, here, there, is_merge=target is None)
        way = _Way(self._source, here, state, call, self._merges)
        is_back = target is not None or self._is_assigned_to(call, model)
        if way.is_straight:
            return is_back and not is_handed_on and way.trains_between(model, is_mix=is_mix)
        return (is_back or way.keeps_the_best) and way.trains_in_loop(model)

    def _is_assigned_to(self, call: ast.Call, model: Model) -> bool:
        """Tell whether a merged model takes the place of the one whose state was kept."""
        parent = self._source.ast_parent(call)
        targets = parent.targets if isinstance(parent, ast.Assign) else []
        return any(model.is_spelled_as(target) for target in targets)

    @functools.cached_property
    def _merges(self) -> frozenset[ast.AST]:
        """Return the statements that assign what is merged of the kept state."""
        calls = [call for node in self._reads for call, model in self._restored(node) if model is None]
        parents = (self._source.ast_parent(call) for call in calls)
        return frozenset(one for one in parents if one is not None)

    def _by_state(self, uses: Sequence[_Use]) -> Callable[[_Value], Sequence[_Use]]:
        """Return what gives the uses that may get what one assignment has kept, going by the bindings of the name."""
        if self._slot.is_attribute or self._slot.key is not None:
            return lambda _: uses
        found: dict[ast.AST | None, list[_Use]] = {}
        for use in uses:
            reaching = self._source.bindings.bindings_of(self._slot.name, start_of(use[0]))
            for statement in dict.fromkeys(self._statement_of(one.node) for one in reaching):
                found.setdefault(statement, []).append(use)
        return lambda state: found.get(state.statement, ())

    def _is_trained_elsewhere(self, model: Model, here: ast.AST, there: ast.AST, *, is_merge: bool) -> bool:
        """Tell whether one method keeps the state of ``self.model``, another puts it back, and the class trains it."""
        if not self._slot.is_attribute or not model.is_of_self or is_merge:
            return False
        owner = self._slot.scope.node
        methods = [one for one in getattr(owner, "body", ()) if isinstance(one, FUNCTIONS)]
        if here not in methods or there not in methods or model.is_replaced_in(methods, self._merges):
            return False
        return any(trainings_of(self._source, method, model.in_method(method)) for method in methods)


def _is_tested(parent: ast.AST | None) -> bool:
    return isinstance(parent, (ast.Compare, ast.If, ast.While, ast.IfExp, ast.BoolOp, ast.UnaryOp, ast.Assert))


_LIBRARIES = ("flax.", "jax.", "numpy.", "optax.", "builtins.", "copy.", "pickle.", "orbax.")


def _is_of_library(source: ParsedSource, call: ast.Call) -> bool:
    names = source.bindings.names_of(call.func)
    if not names or not all(name.startswith(_LIBRARIES) for name in names):
        return False
    return _member(source, call) not in ("to_flat_state", "iter_graph", "pop", "map_state")


def _state_taken(
    source: ParsedSource, value: ast.expr, path: tuple[int, ...]
) -> tuple[ast.Call | None, ast.expr | None]:
    """Return the call that takes the state of a model, and that model; twice ``None`` for anything else."""
    if not isinstance(value, ast.Call) or not value.args or any(isinstance(one, ast.Starred) for one in value.args):
        return None, None
    if _is_shallow_copy(source, value) and not path:
        return _state_taken(source, value.args[0], path)
    member = _member(source, value)
    if member in ("state", "variables"):
        is_whole = (path == ()) if len(value.args) < 3 else len(path) == 1
        return (value, value.args[0]) if is_whole else (None, None)
    if member == "split":
        return (value, value.args[0]) if len(path) == 1 and path[0] > 0 else (None, None)
    handover = handover_of(source, value)
    if handover is None or handover.definition not in _helpers(source) or len(handover.definition.body) > 2:
        return None, None
    last = handover.definition.body[-1]
    inner = last.value if isinstance(last, ast.Return) else None
    _, model = _state_taken(source, inner, path) if inner is not None else (None, None)
    return (value, handover.given.get(model.id)) if isinstance(model, ast.Name) else (None, None)


def _filters_of(source: ParsedSource, call: ast.Call, path: tuple[int, ...]) -> tuple[Sequence[ast.expr], int]:
    """Return the filters with which state is taken, and which of them is for a part; none where a function takes it."""
    member = _member(source, call)
    if member not in ("state", "variables", "split"):
        return (), 0
    position = path[0] if path else 0
    return call.args[1:], position - 1 if member == "split" else position


def _restores_parameter(source: ParsedSource, definition: ast.AST, state: str) -> str | None:
    """Return the parameter that a function updates with another of its parameters."""
    for node in own_nodes(definition):
        if isinstance(node, ast.Call) and len(node.args) == 2 and _member(source, node) == "update":
            model, given = node.args
            if isinstance(model, ast.Name) and isinstance(given, ast.Name) and given.id == state:
                return model.id
    return None


# The way from one place to another

_IS_BETTER = re.compile("best|better|improv")


class _Way:
    """How a run gets from where state is taken to where it goes back, within one function or module."""

    def __init__(
        self,
        source: ParsedSource,
        body: ast.AST,
        state: _Value,
        used: ast.Call,
        merges: frozenset[ast.AST],
    ) -> None:
        self._source = source
        self._body = body
        self._statement = state.statement
        self._used = used
        self._merges = merges
        self._start, self._end = end_of(state.statement), start_of(used)
        bindings = source.bindings
        self._block = bindings.block_at(start_of(state.statement))
        self._used_block = bindings.block_at(self._end)

    @property
    def is_straight(self) -> bool:
        """Whether the state is always taken before it goes back, without a loop between."""
        around = self._used_block.ancestors() if self._used_block else ()
        return self._start <= self._end and any(block is self._block for block in around)

    @property
    def keeps_the_best(self) -> bool:
        """Whether the state is taken where something is better than before, going by what is compared and by names."""
        tests = [one.test for one in _around(self._source, self._statement, self._body) if isinstance(one, ast.If)]
        return any(_IS_BETTER.search(" ".join(words_below(test))) for test in tests) or any(
            isinstance(operator, (ast.Lt, ast.LtE, ast.Gt, ast.GtE))
            for test in tests
            for node in walk(test)
            if isinstance(node, ast.Compare)
            for operator in node.ops
        )

    def trains_between(self, model: Model, *, is_mix: bool) -> bool:
        """Tell whether the model may be trained between the two, and stays the same."""
        end = self._end
        if not is_mix:  # A loop around the second place, which the first one is not in, trains for the next round.
            loops = [one.owner for one in (self._used_block.ancestors() if self._used_block else ()) if one.is_loop]
            end = max([end, *(end_of(one) for one in loops if one is not None and start_of(one) >= self._start)])
        if model.is_rebound(self._body, self._start, end, self._merges):
            return False
        return any(
            self._start <= start_of(one) < end
            and (start_of(one) > self._end or not _are_exclusive(self._source, one, self._used))
            for one in trainings_of(self._source, self._body, model)
            if one is not self._used
        )

    def trains_in_loop(self, model: Model) -> bool:
        """Tell whether the state is taken in a round of a loop that trains the model, and goes back later."""
        if self._block is None:
            return False
        for loop in self._block.ancestors():
            owner = loop.owner
            if not loop.is_loop or owner is None or owner not in _around(self._source, self._statement, self._body):
                continue
            if self._leaves(loop) or self._end < start_of(owner):
                continue
            if model.is_rebound(self._body, start_of(owner), end_of(owner), self._merges):
                return False
            if self._end > end_of(owner) and model.is_rebound(self._body, end_of(owner), self._end, self._merges):
                return False
            inside = (one for one in trainings_of(self._source, self._body, model) if one is not self._used)
            if any(start_of(owner) <= start_of(one) < end_of(owner) for one in inside):
                return True
        return False

    def _leaves(self, loop: Block) -> bool:
        """Tell whether a run always leaves a loop after the state was taken."""
        statement: ast.AST | None = self._statement
        while isinstance(statement, ast.stmt) and statement is not loop.owner:
            after: Sequence[ast.stmt] = statements_after(self._source, statement)
            if after and isinstance(after[-1], (ast.Break, ast.Return, ast.Raise)):
                return True
            statement = self._source.ast_parent(statement)
            while statement is not None and not isinstance(statement, ast.stmt):
                statement = self._source.ast_parent(statement)
        return False


def _around(source: ParsedSource, node: ast.AST, body: ast.AST) -> Mapping[ast.AST, None]:
    """Return the nodes around one, up to the function or module that holds it."""
    found: dict[ast.AST, None] = {}
    around = source.ast_parent(node)
    while around is not None and around is not body:
        found[around] = None
        around = source.ast_parent(around)
    return found


def _are_exclusive(source: ParsedSource, one: ast.AST, other: ast.AST) -> bool:
    """Tell whether two nodes are in different branches of one ``if``."""
    ancestors = _around(source, other, source.tree)
    node: ast.AST = one
    around = source.ast_parent(node)
    while around is not None:
        if isinstance(around, ast.If) and around in ancestors:
            is_first = _is_in(node, around.body)
            return any(_is_in(part, around.body) != is_first for part in (*ancestors, other) if _is_child(part, around))
        node, around = around, source.ast_parent(around)
    return False


def _is_in(node: ast.AST, statements: Sequence[ast.stmt]) -> bool:
    return any(node is one for one in statements)


def _is_child(node: ast.AST, parent: ast.If) -> bool:
    return _is_in(node, parent.body) or _is_in(node, parent.orelse)
