"""Finds the code that changes the Variables of a model in place: steps of training, updates, assignments."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import class_of_self
from flake8_nnx_treemap.analysis.calls.handovers import Handover, handover_of
from flake8_nnx_treemap.analysis.code.nodes import Place, dotted_name, own_nodes, start_of, walk
from flake8_nnx_treemap.analysis.names.scopes import FUNCTIONS, Binding, BindingKind, Scope
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.optimizers import constructions_of
from flake8_nnx_treemap.analysis.values.provenance import attribute_values, member_of_nnx
from flake8_nnx_treemap.names import OPTIMIZERS

_TRAINS = frozenset(
    {"train", "trains", "training", "fit", "step", "steps", "update", "updates", "optimize", "optimise", "learn"}
    | {"epoch", "epochs", "backward", "perturb", "descend", "pretrain", "finetune"}
)
"""Words in the names of functions and methods that change a model, where their bodies are not seen."""

_IS_MODEL = frozenset(
    {"model", "net", "network", "module", "teacher", "student", "actor", "critic", "generator", "discriminator"}
    | {"policy", "ema", "encoder", "decoder"}
)
"""Last words of the names of models."""

_FOLLOWS = frozenset({"ema", "teacher", "target", "frozen", "reference", "ref", "average", "averaged", "slow"})
"""Words in the names of models that a training leaves alone, unless it is given them."""

_OPTIMIZER = re.compile("optim|^opt$|^opt_|_opt$")

_DATA = frozenset(
    {"batch", "batches", "data", "dataset", "input", "inputs", "label", "labels", "target", "targets", "x", "xs", "y"}
    | {"ys", "key", "rng", "rngs", "seed", "loader", "iterator", "config", "cfg", "args", "metrics", "epoch", "i", "n"}
)
"""Words in the names of arguments that are no models."""

_COPIES = frozenset(
    {
        "jax.jit",
        "jax.pmap",
        "jax.vmap",
        "jax.grad",
        "jax.value_and_grad",
        "jax.checkpoint",
        "jax.remat",
        "jax.shard_map",
    }
    | {"jax.experimental.shard_map.shard_map", "jax.experimental.pjit.pjit"}
)
"""Transformations whose functions get new Modules: what they do to these is lost with them."""

_MAXIMUM_STEPS = 4
"""How many calls are followed into functions of the file."""

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
            self._is_replaced_by(call, apart, set())
            for call in _calls_and_stores(self.source, body)[0]
            if start <= start_of(call) < end
        )

    def _is_replaced_by(self, call: ast.Call, apart: frozenset[ast.AST], seen: set[ast.AST]) -> bool:
        """Tell whether a method of ``self`` sets the attribute, itself or through another method."""
        handover = handover_of(self.source, call) if isinstance(call.func, ast.Attribute) else None
        if handover is None or handover.definition in seen:
            return False
        seen.add(handover.definition)
        if self.is_replaced_in([handover.definition], apart):
            return True
        return any(
            self._is_replaced_by(inner, apart, seen) for inner in _calls_and_stores(self.source, handover.definition)[0]
        )

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


def trainings_of(source: ParsedSource, body: ast.AST, model: Model) -> Sequence[ast.AST]:
    """Return the calls and assignments in a function or module that may change a model in place.

    Args:
        source: the file.
        body: the function or module; functions in it are left out.
        model: the model, as it is called there.
    """
    return _trainings(source, body, model.parts, model.bindings, model.owner, _MAXIMUM_STEPS)


@remembered
def _trainings(
    source: ParsedSource,
    body: ast.AST,
    parts: tuple[str, ...],
    bindings: tuple[Binding, ...],
    owner: Scope | None,
    steps: int,
) -> Sequence[ast.AST]:
    search = _Search(source, body, Model(source, parts, bindings, owner), steps)
    calls, stores = _calls_and_stores(source, body)
    found: list[ast.AST] = [one for one in calls if search.trains(one)]
    found += [one for one in stores if search.sets(one)]
    return sorted(found, key=start_of)


@remembered
def _calls_and_stores(
    source: ParsedSource, body: ast.AST
) -> tuple[Sequence[ast.Call], Sequence[ast.Attribute | ast.Subscript]]:
    """Return what a function or module calls, and the attributes and items that it sets."""
    nodes = [*own_nodes(body)]
    stores = [
        one for one in nodes if isinstance(one, (ast.Attribute, ast.Subscript)) and isinstance(one.ctx, ast.Store)
    ]
    return [one for one in nodes if isinstance(one, ast.Call)], stores


class _Search:
    """A search for what changes one model in one function or module."""

    def __init__(self, source: ParsedSource, body: ast.AST, model: Model, steps: int) -> None:
        self._source = source
        self._body = body
        self._model = model
        self._steps = steps
        self._holders = frozenset(_holders(source, body, model))

    def sets(self, node: ast.Attribute | ast.Subscript) -> bool:
        """Tell whether an assignment sets the value of a Variable of the model: ``.value`` or an index."""
        if isinstance(node, ast.Attribute) and node.attr not in ("value", "raw_value"):
            return False  # Another Variable, or none at all, takes the place of this one.
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        ):
            return False
        inner = node.value
        while isinstance(inner, (ast.Attribute, ast.Subscript)) and not self._model.is_meant_by(inner):
            inner = inner.value
        return isinstance(inner, (ast.Name, ast.Attribute)) and self._model.is_meant_by(inner)

    def trains(self, call: ast.Call) -> bool:
        """Tell whether a call may change the model."""
        names = self._source.bindings.names_of(call.func)
        if names and all(map(_is_of_library, names)):
            is_update = {member_of_nnx(name) for name in names} == {"update"}
            return is_update and bool(call.args) and self._model.is_meant_by(call.args[0])
        path = dotted_name(call.func)
        if path is None or path[-1][:1].isupper():
            return False  # A class, or what another call has made.
        last = path[-1].lower().lstrip("_")
        if _LEAVES_ALONE.search(last):
            return False
        if path[: len(self._model.parts)] == self._model.parts and len(path) > len(self._model.parts):
            is_mode = last == "train" and path[:-1] == self._model.parts  # ``model.train()`` turns dropout on.
            return not is_mode and (last == "set_value" or _is_training(path[-1]))
        if isinstance(call.func, ast.Attribute) and last == "update" and _OPTIMIZER.search(path[-2]):
            return self._updates(call, call.func.value)
        if _runs_on_a_copy(self._source, call.func):
            return False
        handover = _body_called(self._source, call)
        if handover is not None:
            return self._steps > 0 and self._is_trained_by(handover)
        if isinstance(call.func, ast.Attribute) and is_model_name(call.func.value):
            return False  # An average that follows the model: ``ema.update(model, 0.9)``.
        if isinstance(call.func, ast.Attribute) and last == "update" and self._is_all_that_is_given(call):
            return False  # Something that looks at the model, and has no data to train it with.
        return _is_training(path[-1]) and (self._is_handed_over(call) or self._is_beside(path))

    def _updates(self, call: ast.Call, optimizer: ast.expr) -> bool:
        """Tell whether the update of an optimizer is one of the model: it is given the model, or was made with it."""
        if any(self._model.is_meant_by(one) for one in _arguments(call)):
            return True
        names_another = len(call.args) > 1 or any(one.arg == "model" for one in call.keywords)
        return not names_another and self._is_optimizer_of(optimizer)

    def _is_optimizer_of(self, node: ast.expr) -> bool:
        """Tell whether an optimizer is the model's, or of unknown origin where no other model is in sight."""
        made = [one for one in _values_of(self._source, node) if isinstance(one, ast.Call)]
        if any(self._is_alike(argument) for one in made for argument in _arguments(one)):
            return True
        if any(
            _is_member(self._source, one.func, OPTIMIZERS) or any(map(is_model_name, _arguments(one))) for one in made
        ):
            return False
        return _models_in(self._source, self._body) <= {self._model.parts[-1]}

    def _is_alike(self, node: ast.expr) -> bool:
        parts = dotted_name(node)
        return parts is not None and (parts[-1] == self._model.parts[-1] or self._model.is_meant_by(node))

    def _is_trained_by(self, handover: Handover) -> bool:
        """Tell whether a function of the file changes the model, which it is given, or which it knows by itself."""
        definition = handover.definition
        inner = [self._model.in_method(definition) if self._model.is_of_self else self._model]
        place = start_of(definition.body[0])
        gets_a_model = any(is_model_name(one) for one in handover.given.values())
        for name, argument in handover.given.items():
            if self._model.is_meant_by(argument) or (not gets_a_model and self._holds(argument)):
                inner.append(Model(self._source, (name,), self._source.bindings.bindings_of(name, place), None))
        bodies = [
            definition,
            *(one for one in walk(definition) if isinstance(one, FUNCTIONS) and one is not definition),
        ]
        return any(
            _trainings(self._source, body, one.parts, one.bindings, one.owner, self._steps - 1)
            for one in inner
            for body in bodies
        )

    def _holds(self, node: ast.expr) -> bool:
        """Tell whether an argument is something that was made with the model, or its optimizer."""
        parts = dotted_name(node)
        if parts is None:
            return False
        return (len(parts) == 1 and parts[0] in self._holders) or (
            bool(_OPTIMIZER.search(parts[-1])) and self._is_optimizer_of(node)
        )

    def _is_handed_over(self, call: ast.Call) -> bool:
        """Tell whether a function gets the model before any other one, or else only what holds it."""
        given = _arguments(call)
        first = next((one for one in given if self._model.is_meant_by(one) or is_model_name(one)), None)
        if first is not None:
            return self._model.is_meant_by(first)
        for one in given:
            if self._holds(one):
                return True
            if isinstance(one, ast.Name) and _DATA.isdisjoint(_words(one.id)):
                return False  # It may be another model.
        return False

    def _is_all_that_is_given(self, call: ast.Call) -> bool:
        given = _arguments(call)
        return len(given) == 1 and self._model.is_meant_by(given[0])

    def _is_beside(self, path: tuple[str, ...]) -> bool:
        """Tell whether a method belongs to what holds the model, or to the object whose attribute the model is."""
        if len(path) == 2 and path[0] in self._holders:
            return True
        is_followed = not _FOLLOWS.isdisjoint(_words(self._model.parts[-1]))
        return len(self._model.parts) > 1 and path[0] == self._model.parts[0] and len(path) > 1 and not is_followed


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.split(r"_+|(?<=[a-z])(?=[A-Z])|\d+", name) if word]


def _is_training(name: str) -> bool:
    return not _TRAINS.isdisjoint(_words(name))


def is_model_name(node: ast.expr) -> bool:
    """Tell whether an expression is called as a model is."""
    parts = dotted_name(node)
    return parts is not None and _is_model_word(parts[-1])


def _is_model_word(name: str) -> bool:
    words = _words(name)
    return bool(words) and words[-1] in _IS_MODEL and not name[:1].isupper()


@remembered
def _models_in(source: ParsedSource, body: ast.AST) -> frozenset[str]:
    """Return the last parts of the names of all models in a function or module, by how they are called."""
    found: set[str] = set()
    for node in own_nodes(body):
        name = getattr(node, "id", getattr(node, "attr", getattr(node, "arg", None)))
        if isinstance(node, (ast.Name, ast.Attribute, ast.arg)) and isinstance(name, str) and _is_model_word(name):
            around = source.ast_parent(node)
            if not isinstance(around, ast.Call) or around.func is not node:
                found.add(name)
    return frozenset(found)


def _values_of(source: ParsedSource, node: ast.expr) -> Sequence[ast.expr]:
    """Return what is assigned to a name, or to an attribute of ``self``."""
    if isinstance(node, ast.Attribute):
        return attribute_values(source, node)
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if isinstance(node, ast.Name) else ()
    return [one.value for one in bindings if one.kind is BindingKind.ASSIGNMENT and one.value is not None]


def _runs_on_a_copy(source: ParsedSource, function: ast.expr) -> bool:
    """Tell whether a transformation of JAX itself runs a function of the file: it hands copies of Modules over."""
    bindings = source.bindings.bindings_of(function.id, start_of(function)) if isinstance(function, ast.Name) else ()
    for one in bindings:
        made = [one.value] if one.kind is BindingKind.ASSIGNMENT else getattr(one.node, "decorator_list", ())
        for maker in made:
            called = maker.func if isinstance(maker, ast.Call) else maker
            given = maker.args[:1] if isinstance(maker, ast.Call) else []  # ``functools.partial(jax.jit, …)``
            names = [source.bindings.names_of(part) for part in (called, *given) if part is not None]
            if not _COPIES.isdisjoint(name for found in names for name in found):
                return True
    return False


def _body_called(source: ParsedSource, call: ast.Call) -> Handover | None:
    """Return the function of the file that a call runs, also if NNX or JAX has transformed it."""
    handover = handover_of(source, call)
    if handover is None or not isinstance(call.func, ast.Name):
        return handover
    makers = [one.func for one in _values_of(source, call.func) if isinstance(one, ast.Call)]
    names = [name for one in makers for name in source.bindings.names_of(one) or {""}]
    return handover if all(map(_is_of_library, names)) else None


def _holders(source: ParsedSource, body: ast.AST, model: Model) -> Iterator[str]:
    """Yield the names of the objects that a function makes with the model: ``trainer = Trainer(model)``."""
    for call in _calls_and_stores(source, body)[0]:
        statement = source.ast_parent(call)
        made = dotted_name(call.func)
        if isinstance(statement, ast.Assign) and statement.value is call and made is not None:
            is_class = made[-1][:1].isupper()
            if is_class and any(model.is_meant_by(one) for one in _arguments(call)):
                yield from (target.id for target in statement.targets if isinstance(target, ast.Name))


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _is_of_library(name: str) -> bool:
    package, _, rest = name.partition(".")
    return rest in dir(builtins) if package == "builtins" else name.startswith(_LIBRARIES)


# Which part of the state is trained


def is_trained_part(source: ParsedSource, model: Model, filters: Sequence[ast.expr], index: int) -> bool:
    """Tell whether one of the parts into which filters take a state apart may be changed by training.

    Args:
        source: the file.
        model: the model.
        filters: the filters that its state was taken with; none for all of it.
        index: the position of the part.
    """
    if not filters or not 0 <= index < len(filters):
        return True
    made = constructions_of(source)
    own = [one for one in made if (dotted_name(one.model) or ("",))[-1] == model.parts[-1]] or made
    trained = [one.wrt for one in own]
    chosen, texts = filters[index], {ast.dump(one) for one in trained if one is not None}
    if ast.dump(chosen) in texts:
        return True
    if not trained or any(one is None or _is_member(source, one, {"Param"}) for one in trained):
        return _is_broad(source, chosen)
    return _is_rest(chosen) and texts.isdisjoint(map(ast.dump, filters[:index]))


def _is_rest(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (..., True)


def _is_member(source: ParsedSource, node: ast.expr, members: AbstractSet[str]) -> bool:
    names = source.bindings.names_of(node)
    return bool(names) and all(member_of_nnx(name) in members for name in names)


def _is_broad(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether a filter takes the Variables that each step of training changes."""
    if isinstance(node, (ast.Tuple, ast.List)):
        return any(_is_broad(source, one) for one in node.elts)
    if isinstance(node, ast.Call):
        return _is_member(source, node.func, {"Any", "OfType"}) and any(_is_broad(source, one) for one in node.args)
    return _is_rest(node) or _is_member(source, node, {"Param", "BatchStat", "Variable"})
