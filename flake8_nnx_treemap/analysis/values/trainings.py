"""Finds the code that changes the Variables of a model in place: steps of training, updates, assignments."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import class_of_self
from flake8_nnx_treemap.analysis.calls.handovers import handover_of
from flake8_nnx_treemap.analysis.code.nodes import Place, dotted_name, own_nodes, start_of, words_below
from flake8_nnx_treemap.analysis.names.scopes import FUNCTIONS, Binding, BindingKind, Scope
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.provenance import member_of_nnx

_TRAINS = re.compile(r"train|fit(?!ness)|step|optim|learn|epoch|backward|updat|descent|descend|perturb")
"""Names of functions and methods that change a model which they hold already."""

_LEAVES_ALONE = re.compile(
    r"^(eval|valid|val_|val$|test|predict|infer|sampl|generat|save|log|print|plot|count|summar|display|tabul|is_|has_)"
    r"|^(get|len|id|repr|str|type|vars|check|assert|num_|size|view|show|export|metric|forward|score|make|create|build)"
    r"|loss|accuracy|eval|valid|predict|checkpoint|ckpt|save|num_params|param_count|optimizer$"
)
"""Names of functions that change no model which they are given."""

_LIBRARIES = ("flax.", "jax.", "numpy.", "optax.", "copy.", "orbax.", "functools.", "tqdm.", "typing.")


def body_around(source: ParsedSource, node: ast.AST) -> ast.AST:
    """Return the innermost function, class or lambda around a node, or the module."""
    around = source.ast_parent(node)
    while around is not None and not isinstance(around, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
        around = source.ast_parent(around)
    return source.tree if around is None else around


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A model by its name, ``model`` or ``self.model``, with the bindings of the name's first part."""

    source: ParsedSource
    parts: tuple[str, ...]
    bindings: tuple[Binding, ...]
    owner: Scope | None
    """The class whose instance the first part is, if it is ``self``."""

    @classmethod
    def of(cls, source: ParsedSource, node: ast.expr) -> Model | None:
        """Return the model that an expression names; ``None`` if it is no dotted name."""
        parts = dotted_name(node)
        if parts is None:
            return None
        bindings = source.bindings.bindings_of(parts[0], start_of(node))
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        owner = class_of_self(source, root) if len(parts) > 1 else None
        return cls(source, parts, bindings, owner) if bindings else None

    @property
    def is_of_self(self) -> bool:
        """Whether it is an attribute of ``self``."""
        return self.owner is not None and len(self.parts) == 2

    def in_method(self, method: ast.AST) -> Model:
        """Return the same attribute of ``self`` in another method of the class."""
        arguments = getattr(method, "args", None)
        name = arguments.args[0].arg if arguments is not None and arguments.args else self.parts[0]
        place = start_of(method.body[0]) if isinstance(method, FUNCTIONS) else (0, 0)
        bindings = self.source.bindings.bindings_of(name, place)
        return Model(self.source, (name, *self.parts[1:]), bindings, self.owner)

    def is_spelled_as(self, node: ast.expr) -> bool:
        """Tell whether an expression, perhaps a target, is written as the model is."""
        return dotted_name(node) == self.parts

    def is_meant_by(self, node: ast.expr) -> bool:
        """Tell whether an expression means the same model."""
        parts = dotted_name(node)
        if parts is None or len(parts) != len(self.parts) or parts[1:] != self.parts[1:]:
            return False
        found = self.source.bindings.bindings_of(parts[0], start_of(node))
        if self.is_of_self:
            root = node.value if isinstance(node, ast.Attribute) else node
            return class_of_self(self.source, root) is self.owner
        return parts[0] == self.parts[0] and any(one in self.bindings for one in found)

    def is_rebound(self, body: ast.AST, start: Place, end: Place, apart: frozenset[ast.AST]) -> bool:
        """Tell whether the name may mean another model after some code of a function or module.

        Args:
            body: the function or module.
            start: where the code starts.
            end: where it ends.
            apart: assignments that do not count.
        """
        stores = _stores(self.source, body)
        for length in range(len(self.parts)):
            for node in stores.get(self.parts[: length + 1], ()):
                if start <= start_of(node) < end and self.source.ast_parent(node) not in apart:
                    return True
        return self.is_of_self and any(
            self._is_replaced_by(call, apart, set()) for call in _calls(body) if start <= start_of(call) < end
        )

    def _is_replaced_by(self, call: ast.Call, apart: frozenset[ast.AST], seen: set[ast.AST]) -> bool:
        """Tell whether a method of ``self`` sets the attribute, itself or through another method."""
        handover = handover_of(self.source, call) if isinstance(call.func, ast.Attribute) else None
        if handover is None or handover.definition in seen:
            return False
        seen.add(handover.definition)
        if self.is_replaced_in([handover.definition], apart):
            return True
        return any(self._is_replaced_by(inner, apart, seen) for inner in _calls(handover.definition))

    def is_replaced_in(self, methods: Iterable[ast.AST], apart: frozenset[ast.AST]) -> bool:
        """Tell whether methods other than ``__init__`` set the attribute of ``self``."""
        return any(
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and node.attr == self.parts[-1]
            and class_of_self(self.source, node.value) is self.owner
            and self.source.ast_parent(node) not in apart
            for method in methods
            if getattr(method, "name", "") not in ("__init__", "setup", "__post_init__")
            for node in own_nodes(method)
        )


@remembered
def _stores(source: ParsedSource, body: ast.AST) -> dict[tuple[str, ...], list[ast.expr]]:
    """Return the names and attributes that a function or module sets, by their parts."""
    found: dict[tuple[str, ...], list[ast.expr]] = {}
    for node in own_nodes(body):
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            parts = dotted_name(node)
            if parts is not None:
                found.setdefault(parts, []).append(node)
    return found


def _calls(body: ast.AST) -> Iterator[ast.Call]:
    return (node for node in own_nodes(body) if isinstance(node, ast.Call))


def trainings_of(source: ParsedSource, body: ast.AST, model: Model) -> Sequence[ast.AST]:
    """Return the calls and assignments in a function or module that may change a model in place.

    Args:
        source: the file.
        body: the function or module; functions in it are left out.
        model: the model, as it is called there.
    """
    return _trainings(source, body, model.parts, model.bindings, model.owner)


@remembered
def _trainings(
    source: ParsedSource, body: ast.AST, parts: tuple[str, ...], bindings: tuple[Binding, ...], owner: Scope | None
) -> Sequence[ast.AST]:
    model = Model(source, parts, bindings, owner)
    holders = frozenset(_holders(source, body, model))
    found: list[ast.AST] = []
    for node in own_nodes(body):
        if isinstance(node, ast.Call) and _trains(source, node, model, holders):
            found.append(node)
        elif isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
            inner = node.value
            while isinstance(inner, (ast.Attribute, ast.Subscript)) and not model.is_meant_by(inner):
                inner = inner.value
            if isinstance(inner, (ast.Name, ast.Attribute)) and model.is_meant_by(inner):
                found.append(node)
    return found


def _holders(source: ParsedSource, body: ast.AST, model: Model) -> Iterator[str]:
    """Yield the names of what a function makes with the model, and of optimizers."""
    for node in own_nodes(body):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if any(model.is_meant_by(one) for one in _arguments(node.value)) and not _takes_state(source, node.value):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        yield target.id
        elif isinstance(node, ast.Name) and re.search("optimi[sz]er|^opt$", node.id):
            yield node.id


def _takes_state(source: ParsedSource, call: ast.Call) -> bool:
    return any(member_of_nnx(name) in ("state", "split", "clone") for name in source.bindings.names_of(call.func))


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _trains(source: ParsedSource, call: ast.Call, model: Model, holders: frozenset[str]) -> bool:
    names = source.bindings.names_of(call.func)
    given = _arguments(call)
    has_model = any(model.is_meant_by(one) for one in given)
    if names and all(map(_is_of_library, names)):
        is_update = {member_of_nnx(name) for name in names} == {"update"}
        return is_update and bool(call.args) and model.is_meant_by(call.args[0])
    path = dotted_name(call.func)
    if path is None or path[-1][:1].isupper():
        return False  # A class, or what another call has made.
    last = path[-1].lower().lstrip("_")
    if _LEAVES_ALONE.search(last):
        return False
    if has_model or any(isinstance(one, ast.Name) and one.id in holders for one in given):
        return True
    if len(path) > 1:
        is_mode = last == "train" and path[:-1] == model.parts  # ``model.train()`` turns dropout on.
        return bool(_TRAINS.search(last)) and not is_mode and _is_of_holder(path, model, holders)
    return bool(_TRAINS.search(last)) and _is_closure_over(source, call, model)


def _is_of_library(name: str) -> bool:
    package, _, rest = name.partition(".")
    return rest in dir(builtins) if package == "builtins" else name.startswith(_LIBRARIES)


def _is_of_holder(path: tuple[str, ...], model: Model, holders: frozenset[str]) -> bool:
    """Tell whether a method belongs to the model, to what holds it, or to an attribute beside it."""
    if path[-2] in holders or path[: len(model.parts)] == model.parts:
        return True
    return len(model.parts) > 1 and path[0] == model.parts[0]


def _is_closure_over(source: ParsedSource, call: ast.Call, model: Model) -> bool:
    """Tell whether a function of the file reads the model, or an optimizer, without being given it."""
    found = source.bindings.bindings_of(call.func.id, start_of(call)) if isinstance(call.func, ast.Name) else ()
    definitions = [one.node for one in found if one.kind is BindingKind.FUNCTION]
    words = frozenset().union(*map(words_below, definitions)) if definitions else frozenset()
    return model.parts[0] in words or any(re.search("optimi[sz]er", word) for word in words)
