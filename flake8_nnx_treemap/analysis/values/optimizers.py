"""Finds where a file makes an ``nnx.Optimizer``, and with which arguments it calls its ``update``."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import class_of_self
from flake8_nnx_treemap.analysis.calls.handovers import handover_of
from flake8_nnx_treemap.analysis.code.nodes import is_name, keyword_arguments, start_of
from flake8_nnx_treemap.analysis.names.scopes import FUNCTIONS, Scope
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.names.uses import Use, reads_by_meaning, returned_by, uses_of
from flake8_nnx_treemap.analysis.values.provenance import attribute_values, member_of_nnx
from flake8_nnx_treemap.names import OPTIMIZERS


@dataclass(frozen=True, slots=True, eq=False)
class Construction:
    """A call of ``nnx.Optimizer`` or ``nnx.ModelAndOptimizer`` whose arguments can all be seen.

    ``wrt`` is the filter of the trained Variables, ``None`` where it is not given.
    """

    call: ast.Call
    is_plain: bool
    """Whether it is an ``nnx.Optimizer``, for certain."""
    model: ast.expr
    wrt: ast.expr | None
    wrt_is_by_position: bool


@remembered
def constructions_of(source: ParsedSource) -> tuple[Construction, ...]:
    """Return the optimizers that a file makes; none where it sets ``nnx.Optimizer`` to something else."""
    if not source.bindings.set_attributes.keys().isdisjoint(OPTIMIZERS):
        return ()
    bound = (binding for _, found in source.bindings.all_bound() for binding in found)
    names = {one.name for one in bound if member_of_nnx(one.qualified_name or "") in OPTIMIZERS}
    calls = [call for name in sorted(OPTIMIZERS | names) for call in source.bindings.calls.get(name, ())]
    made = [_construction(source, call, call.func, call.args) for call in calls]
    made += [_construction_by_subclass(source, call) for call in source.bindings.calls.get("__init__", ())]
    return tuple(sorted((one for one in made if one is not None), key=lambda one: start_of(one.call)))


def _construction(
    source: ParsedSource, call: ast.Call, made_of: ast.expr, args: Sequence[ast.expr]
) -> Construction | None:
    """Return what a call makes of a class, with arguments given by position and the call's keywords."""
    members = {member_of_nnx(name) or "" for name in source.bindings.names_of(made_of)}
    if not members or not OPTIMIZERS.issuperset(members):
        return None
    if any(isinstance(one, ast.Starred) for one in args) or any(one.arg is None for one in call.keywords):
        return None
    given = dict(zip(("model", "tx", "wrt"), args, strict=False)) | keyword_arguments(call)
    if len(args) > 3 or "model" not in given or "tx" not in given:
        return None
    return Construction(call, members == {"Optimizer"}, given["model"], given.get("wrt"), len(args) == 3)


def _construction_by_subclass(source: ParsedSource, call: ast.Call) -> Construction | None:
    """Return what ``super().__init__(model, tx)`` makes in a class whose only base is an optimizer."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    if not isinstance(owner, ast.Call):
        return _construction(source, call, owner, call.args[1:])
    around = source.bindings.scope_at(start_of(call)).parent
    bases = around.node.bases if around is not None and isinstance(around.node, ast.ClassDef) else []
    is_super = is_name(owner.func, "super") and len(bases) == 1
    return _construction(source, call, bases[0], call.args) if is_super else None


# What is done with one


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """A call of an optimizer's ``update``. ``is_certain`` is false if the call may be of another one as well."""

    call: ast.Call
    is_certain: bool

    @property
    def positional(self) -> int | None:
        """How many arguments are given by position; ``None`` if that, or which ones they are, cannot be seen."""
        names = {keyword.arg for keyword in self.call.keywords}
        if any(isinstance(one, ast.Starred) for one in self.call.args) or names & {None, "grads", "model"}:
            return None
        return len(self.call.args)

    @property
    def lacks_model(self) -> bool:
        """Whether the gradients are given, by position or by keyword, and nothing that may be the model."""
        names = {keyword.arg for keyword in self.call.keywords}
        return self.positional == 1 or (not self.call.args and "grads" in names and names.isdisjoint({"model", None}))


@dataclass(frozen=True, slots=True, eq=False)
class Career:
    """What a file does with an optimizer. ``is_complete`` is false if code that is not seen may do more with it."""

    updates: tuple[Update, ...]
    is_complete: bool
    gives_model: bool
    """Whether its attribute ``model`` is read."""


@remembered
def career_of(source: ParsedSource, call: ast.Call) -> Career:
    """Return what a file does with what a call makes, also in functions and methods that it is handed to."""
    search = _Search(source)
    search.follow(call, is_certain=True)
    return Career(tuple(search.updates), search.is_complete, search.gives_model)


_DO_NOT_UPDATE = frozenset({"isinstance", "len", "print", "repr", "type", "id", "hasattr", "getattr", "callable"})
_NNX_DOES_NOT_UPDATE = frozenset({"display", "state", "update", "iter_graph", "variables", "tabulate"})

_LIMIT = 200
"""How many expressions are looked at for one optimizer."""


class _Search:
    """A search for the uses of an object, through names, attributes of ``self``, parameters and results."""

    def __init__(self, source: ParsedSource) -> None:
        self.updates: list[Update] = []
        self.is_complete = True
        self.gives_model = False
        self._source = source
        self._seen: set[ast.AST] = set()

    def follow(self, node: ast.expr, *, is_certain: bool) -> None:
        """Look at everything that is done with the value of an expression."""
        if node in self._seen:
            return
        if len(self._seen) >= _LIMIT:
            self.is_complete = False
            return
        self._seen.add(node)
        for use in uses_of(self._source, node):
            self._use(use, is_certain=is_certain and _is_only_meaning(self._source, use.node))

    def _use(self, use: Use, *, is_certain: bool) -> None:
        parent = use.parent
        if use.path or isinstance(parent, ast.Expr):
            self.is_complete = self.is_complete and not use.path
        elif isinstance(parent, ast.Attribute):
            self._attribute(parent, is_certain=is_certain)
        elif isinstance(parent, ast.keyword):
            self._handed(self._source.ast_parent(parent), use.node, is_certain=is_certain)
        elif isinstance(parent, ast.Call):
            self._handed(parent, use.node, is_certain=is_certain)
        elif isinstance(parent, ast.Return):
            self._returned(use, is_certain=is_certain)
        elif isinstance(parent, (ast.Assign, ast.AnnAssign)):
            self._stored(parent, is_certain=is_certain)
        elif not isinstance(parent, ast.Compare):
            self.is_complete = False

    def _attribute(self, node: ast.Attribute, *, is_certain: bool) -> None:
        call = self._source.ast_parent(node)
        self.gives_model = self.gives_model or node.attr == "model"
        if node.attr == "update":
            if isinstance(call, ast.Call) and call.func is node:
                self.updates.append(Update(call, is_certain))
            else:
                self.is_complete = False

    def _handed(self, call: ast.AST | None, node: ast.expr, *, is_certain: bool) -> None:
        handover = handover_of(self._source, call) if isinstance(call, ast.Call) and call.func is not node else None
        if handover is not None:
            alone = is_certain and _is_called_once(self._source, handover.definition)
            for parameter in handover.parameters_for(node):
                for reads in reads_by_meaning(self._source, parameter.arg).get(parameter, ()):
                    for _, name in reads.nodes:
                        self.follow(name, is_certain=alone)
        elif not isinstance(call, ast.Call) or not self._is_harmless(call):
            self.is_complete = False

    def _is_harmless(self, call: ast.Call) -> bool:
        names = self._source.bindings.names_of(call.func)
        return bool(names) and all(
            member_of_nnx(name) in _NNX_DOES_NOT_UPDATE or name.removeprefix("builtins.") in _DO_NOT_UPDATE
            for name in names
        )

    def _returned(self, use: Use, *, is_certain: bool) -> None:
        calls = returned_by(self._source, use)
        self.is_complete = self.is_complete and bool(calls)
        for call in calls:
            self.follow(call, is_certain=is_certain)

    def _stored(self, statement: ast.Assign | ast.AnnAssign, *, is_certain: bool) -> None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            scope = class_of_self(self._source, target.value) if isinstance(target, ast.Attribute) else None
            if isinstance(target, ast.Attribute) and scope is not None:
                only = is_certain and len(attribute_values(self._source, target)) == 1
                for node in _reads_of_attribute(self._source, scope, target.attr):
                    self.follow(node, is_certain=only)
            elif not isinstance(target, ast.Name):
                self.is_complete = False


def _is_only_meaning(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression has one meaning: a name may be bound in several ways."""
    return not isinstance(node, ast.Name) or len(source.bindings.bindings_of(node.id, start_of(node))) == 1


@remembered
def _is_called_once(source: ParsedSource, definition: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    handovers = (handover_of(source, call) for call in source.bindings.calls.get(definition.name, ()))
    return sum(one is None or one.definition is definition for one in handovers) == 1


def _reads_of_attribute(source: ParsedSource, scope: Scope, name: str) -> Iterator[ast.Attribute]:
    """Yield each read of ``self.name`` in the methods of a class."""
    for node in source.bindings.attributes.get(name, ()):
        is_read = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
        if isinstance(node, ast.Attribute) and is_read and class_of_self(source, node.value) is scope:
            yield node


def enclosing_function(source: ParsedSource, node: ast.AST) -> ast.AST:
    """Return the innermost function around a node; the module if there is none."""
    around = source.ast_parent(node)
    while around is not None and not isinstance(around, (*FUNCTIONS, ast.Lambda)):
        around = source.ast_parent(around)
    return source.tree if around is None else around
