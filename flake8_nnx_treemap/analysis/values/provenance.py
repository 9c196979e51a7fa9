"""Finds where a tree comes from: NNX state, live Variables, gradients, an optimizer, a Module, or plain values.

It reads the standard ``ast`` and its bindings: local names, unpacking, attributes set in the same class, annotations,
and functions of this file. The names of Flax are data in ``names``.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from flake8_nnx_treemap.analysis.calls.arguments import arguments_of
from flake8_nnx_treemap.analysis.calls.functions import function_of
from flake8_nnx_treemap.analysis.code.nodes import (
    Place,
    dotted_name,
    is_name,
    is_none,
    operands,
    own_nodes,
    start_of,
    walk,
)
from flake8_nnx_treemap.analysis.code.text import parse_expression
from flake8_nnx_treemap.analysis.names.imported import definition_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.names import (
    MODULES,
    NNX_SUBMODULES,
    OPTIMIZERS,
    TREE_FUNCTIONS,
    WRAPPERS,
    TreeFunctionKind,
    canonical,
)

MAXIMUM_STEPS = 12
"""The number of names, calls and attributes that are followed from an expression to what made it."""


class TreeKind(enum.Enum):
    """What a tree is, and what its leaves are in."""

    STATE = "state"
    """What ``nnx.state``, ``split`` and ``pop`` return, or ``nnx.State`` itself."""
    VARIABLES = "variables"
    """Live Variables: ``nnx.Param(..)`` in a container, ``nnx.variables``."""
    GRADIENTS = "gradients"
    OPTIMIZER = "optimizer"
    OPTIMIZER_STATE = "optimizer state"
    MODULE = "module"
    """A Module: a pytree from 0.11 on, one opaque leaf before."""
    PURE = "pure"
    """Plain values: numbers, NumPy arrays, results of ``nnx.to_pure_dict``, ``nnx.pure`` or a map that unwraps."""


TREES_OF_WRAPPERS = (TreeKind.STATE, TreeKind.GRADIENTS, TreeKind.VARIABLES)
"""The kinds of trees with wrappers at which ``is_leaf`` can stop, on every release."""


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where a tree comes from.

    ``made_by`` is the expression that shows it: a call, or an annotation. ``filters`` are the canonical names of the
    Variable types by which state was filtered: empty if nothing was filtered out, ``None`` if they are unknown.
    ``is_certain`` is false if the origin is only likely, as for the gradient with respect to an unknown argument.
    ``is_open`` is true if the tree is the parameter of a function that other files may call with something else.
    ``is_mapped`` is true if a map has put its results, which may be anything, into the wrappers; ``is_new`` if the
    wrappers are new objects that no model holds, as those that a map without ``is_leaf`` rebuilds. ``is_item`` is true
    if it is an item of a state, which may be a single wrapper.
    """

    kind: TreeKind
    made_by: ast.expr
    filters: tuple[str, ...] | None = None
    is_certain: bool = True
    is_open: bool = False
    is_mapped: bool = False
    is_new: bool = False
    is_item: bool = False

    @property
    def holds_wrappers(self) -> bool:
        """Whether the tree's values are in Variables or VariableStates."""
        return self.kind is not TreeKind.PURE


_Path = tuple[int | None, ...]
"""The indices that unpacking and subscripts apply to a result, outermost first."""

_Result = Origin | Unknown

_UNSEEN = Unknown("made in a way that is not known here")
_NEITHER_SET_NOR_DECLARED = Unknown("an attribute that its class does not set")


@remembered
def origin_of(source: ParsedSource, tree: ast.expr) -> Origin | Unknown:
    """Return where a tree comes from.

    Args:
        source: the file.
        tree: the expression, such as the argument of a tree function.

    Returns:
        The origin, or why it is unknown.
    """
    return _Tracer(source, MAXIMUM_STEPS).trace(tree, ())


def holds_only_wrappers(source: ParsedSource, trees: Sequence[ast.expr]) -> bool:
    """Tell whether every leaf of the first tree is known to be in a wrapper, whoever calls the code."""
    origin = origin_of(source, trees[0]) if trees else _UNSEEN
    if isinstance(origin, Unknown) or origin.is_open:
        return False
    return origin.kind not in (TreeKind.PURE, TreeKind.MODULE)


# Functions by what they do with a tree

_TAKES_STATE = {"state": TreeKind.STATE, "pop": TreeKind.STATE, "variables": TreeKind.VARIABLES}
"""Functions such as ``nnx.state(node, *filters)``: they return one tree, or one per filter if there are several."""

_UNWRAPS = frozenset({"to_pure_dict", "pure", "as_pure"})

_REBUILDS = frozenset(
    {
        "flax.nnx.clone",
        "copy.deepcopy",
        "jax.device_put",
        "jax.lax.stop_gradient",
        "jax.lax.with_sharding_constraint",
        "optax.apply_updates",
        "optax.tree_utils.tree_zeros_like",
        "optax.tree_utils.tree_ones_like",
    }
)
"""Functions whose result has new wrappers, of the types in their first argument (0.10.6 to 0.12.8)."""

_KEEPS_FIRST = _REBUILDS | {
    "flax.nnx.merge_state",
    "flax.nnx.State.merge",
    "flax.nnx.with_vars",
    "flax.nnx.vars_as",
    "copy.copy",
    "jax.block_until_ready",
}
"""Functions whose result has the wrappers of their first argument, or new ones of the same types."""

_RUNS_AS_IT_IS = frozenset(
    {"flax.nnx.jit", "flax.nnx.remat", "flax.nnx.eval_shape", "jax.jit", "jax.eval_shape", "jax.checkpoint"}
)
"""Transformations that return a function with the same results as their argument."""

_MAKES_ARRAYS = ("jax.numpy.", "jax.random.", "numpy.")
"""Modules whose functions return no wrappers."""

_GRADIENTS = frozenset({"flax.nnx.grad", "flax.nnx.value_and_grad", "jax.grad", "jax.value_and_grad"})

_KEEPS_WRAPPER = frozenset({"replace", "copy"})
"""Methods of a wrapper that return a wrapper."""

_OPTIONAL = frozenset({"typing.Optional", "typing.Annotated", "typing.Final", "typing.ClassVar"})
_UNIONS = frozenset({"typing.Optional", "typing.Union"})
_TUPLES = frozenset({"builtins.tuple", "typing.Tuple"})


@remembered
def _answers(source: ParsedSource) -> dict[tuple[object, ...], _Result]:
    """Return the cache of the tracers' results, by node, path and number of steps left.

    Each alternative may have several again, such as ``if test: state = f(state)`` many times in one loop. Without the
    cache, a file of fifty lines would be followed along billions of paths.
    """
    return {}


class _Tracer:
    """A search for what made an expression, of a bounded number of steps."""

    def __init__(self, source: ParsedSource, steps: int) -> None:
        self._source = source
        self._steps = steps
        self._answers = _answers(source)

    def trace(self, node: ast.expr, path: _Path) -> _Result:
        """Return the origin of the part of an expression's value at the indices ``path``."""
        if self._steps <= 0:
            return Unknown("made in too many steps")
        question = (node, path, self._steps)
        if question not in self._answers:
            self._steps -= 1
            try:
                self._answers[question] = self._trace(node, path)
            finally:
                self._steps += 1
        return self._answers[question]

    def _trace(self, node: ast.expr, path: _Path) -> _Result:
        if isinstance(node, ast.Name):
            return self._of_name(node, path)
        if isinstance(node, ast.Call):
            return self._of_call(node, path)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node, path)
        if isinstance(node, ast.Subscript):
            return self._of_subscript(node, path)
        if isinstance(node, ast.NamedExpr):
            return self.trace(node.value, path)
        if isinstance(node, ast.IfExp):
            return _agreed(self.trace(branch, path) for branch in (node.body, node.orelse) if not is_none(branch))
        if isinstance(node, ast.BoolOp):
            return _agreed(self.trace(value, path) for value in node.values if not is_none(value))
        return self._of_display(node, path)

    # Names

    def _of_name(self, node: ast.Name, path: _Path) -> _Result:
        bindings = self._source.bindings.bindings_of(node.id, start_of(node))
        question = (id(bindings), path, self._steps)  # Uses that the same bindings reach share one tuple of them.
        if question not in self._answers:
            self._answers[question] = self._of_bindings(bindings, path)
        return self._answers[question]

    def _of_bindings(self, bindings: Sequence[Binding], path: _Path) -> _Result:
        result = _agreed(self._of_binding(found, path) for found in bindings if not _binds_none(found))
        if isinstance(result, Unknown) and not path and len(bindings) == 1:
            return self._by_use(bindings[0]) or result
        return result

    def _of_binding(self, binding: Binding, path: _Path) -> _Result:
        if binding.kind is BindingKind.PARAMETER:
            assert isinstance(binding.node, ast.arg)
            if _is_starred(binding):
                return _UNSEEN
            declared = self._of_annotation(binding.node.annotation, path)
            return self._passed(binding, path) if isinstance(declared, Unknown) else declared
        if binding.value is None:
            return _UNSEEN
        if binding.kind is BindingKind.ITERATION:
            return self._of_element(binding.value, (*binding.path, *path))
        if binding.kind is not BindingKind.ASSIGNMENT:
            return _UNSEEN
        result = self.trace(binding.value, (*binding.path, *path))
        if isinstance(result, Unknown) and isinstance(binding.node, ast.AnnAssign):
            return self._of_annotation(binding.node.annotation, path)
        return result

    def _passed(self, parameter: Binding, path: _Path) -> _Result:
        """Return the origin of what all calls in this file pass to a parameter."""
        passed = arguments_of(self._source, parameter)
        if passed is None:
            return _UNSEEN
        values = (one.value for one in passed.given)
        found = _agreed(_UNSEEN if value is None else self.trace(value, path) for value in values)
        return found if isinstance(found, Unknown) else replace(found, is_open=found.is_open or passed.is_public)

    def _of_element(self, iterated: ast.expr, path: _Path) -> _Result:
        if isinstance(iterated, (ast.Tuple, ast.List)) and iterated.elts:
            return _agreed(self.trace(element, path) for element in iterated.elts)
        return _UNSEEN

    def _by_use(self, binding: Binding) -> Origin | None:
        """Return the origin of a parameter that is passed to ``nnx.state`` or the like: probably a Module."""
        if binding.kind is not BindingKind.PARAMETER or _is_starred(binding):
            return None
        call = _handed_to_flax(self._source).get(binding)
        return None if call is None else Origin(TreeKind.MODULE, call, (), is_certain=False)

    # Displays

    def _of_display(self, node: ast.expr, path: _Path) -> _Result:
        if isinstance(node, (ast.Tuple, ast.List)):
            return self._of_sequence(node.elts, path)
        if isinstance(node, ast.Dict) and not path:
            return self._together(node.values)
        return Origin(TreeKind.PURE, node) if isinstance(node, ast.Constant) and not path else _UNSEEN

    def _of_sequence(self, elements: Sequence[ast.expr], path: _Path) -> _Result:
        if not path:
            return self._together(elements)
        index = path[0]
        if index is None or not -len(elements) <= index < len(elements):
            return _UNSEEN
        if any(isinstance(element, ast.Starred) for element in elements):
            return _UNSEEN
        return self.trace(elements[index], path[1:])

    def _together(self, elements: Sequence[ast.expr | None]) -> _Result:
        """Return the origin that all parts of a container have."""
        return _agreed(_UNSEEN if element is None else self.trace(element, ()) for element in elements)

    # Attributes and subscripts

    def _of_attribute(self, node: ast.Attribute, path: _Path) -> _Result:
        if isinstance(node.value, ast.Name):
            found = self._of_self_attribute(node, path)
            if found is not None:
                return found
        owner = self.trace(node.value, ())
        if isinstance(owner, Unknown):
            return owner
        if owner.kind is TreeKind.OPTIMIZER and not path:
            if node.attr == "opt_state":
                return replace(owner, kind=TreeKind.OPTIMIZER_STATE)
            if node.attr == "model":
                return Origin(TreeKind.MODULE, node, ())
        return Unknown(f"{node.attr!r} of something that is no optimizer")

    def _of_self_attribute(self, node: ast.Attribute, path: _Path) -> _Result | None:
        assert isinstance(node.value, ast.Name)
        scope = class_of_method(self._source.bindings.bindings_of(node.value.id, start_of(node.value)))
        if scope is None or not isinstance(scope.node, ast.ClassDef):
            return None
        question = (scope.node, node.attr, path, self._steps)
        if question not in self._answers:
            self._answers[question] = self._of_attribute_of_class(scope.node, node.attr, path)
        found = self._answers[question]
        return None if found is _NEITHER_SET_NOR_DECLARED else found

    def _of_attribute_of_class(self, node: ast.ClassDef, attribute: str, path: _Path) -> _Result:
        """Return the origin of what the methods of a class assign to an attribute, else of its annotation."""
        set_here = [found for found in _attributes_set(self._source, node).get(attribute, []) if not is_none(found[0])]
        found = _agreed(self.trace(value, (*inner, *path)) for value, inner in set_here)
        if not isinstance(found, Unknown):
            return found
        declared = _attributes_declared(self._source, node).get(attribute)
        if declared:
            return _agreed(self._of_annotation(annotation, path) for annotation in declared)
        return found if set_here else _NEITHER_SET_NOR_DECLARED

    def _of_subscript(self, node: ast.Subscript, path: _Path) -> _Result:
        index = _constant_index(node.slice)
        if index is not None:
            result = self.trace(node.value, (index, *path))
            if not isinstance(result, Unknown):
                return result
        if isinstance(node.slice, ast.Slice):
            return _UNSEEN
        owner = self.trace(node.value, ())
        if isinstance(owner, Origin) and owner.kind in (TreeKind.STATE, TreeKind.GRADIENTS) and not path:
            return replace(owner, is_item=True)  # It is state, or one wrapper.
        return _UNSEEN

    # Calls

    def _of_call(self, node: ast.Call, path: _Path) -> _Result:
        function = node.func
        names = self._names(function)
        if len(names) == 1:
            (name,) = names
            found = self._of_known_call(node, name, path) or self._of_call_elsewhere(node, names, path)
            if found is not None:
                return found
        if isinstance(function, ast.Attribute):
            found = self._of_method(node, function, path)
            if found is not None:
                return found
        if isinstance(function, ast.Call):
            return self._of_call_of_made(node, function, path)
        if isinstance(function, ast.Name):
            return self._of_local_call(node, function, path)
        return _UNSEEN

    def _of_known_call(self, node: ast.Call, name: str, path: _Path) -> _Result | None:
        tree_function = TREE_FUNCTIONS.get(name)
        if tree_function is not None:
            return self._of_tree_call(node, tree_function.kind, path)
        if name in _KEEPS_FIRST and not path:
            found = self.trace(node.args[0], ()) if node.args else _UNSEEN
            return _rebuilt(found) if name in _REBUILDS else found
        if name in ("flax.nnx.eval_shape", "jax.eval_shape"):
            return _rebuilt(self._of_evaluated_shape(node, name, path))
        if name.startswith(_MAKES_ARRAYS):
            return Origin(TreeKind.PURE, node)
        member = member_of_nnx(name)
        return None if member is None else self._of_nnx_call(node, member, path)

    def _of_nnx_call(self, node: ast.Call, member: str, path: _Path) -> _Result | None:
        if member in _TAKES_STATE:
            return self._taken(node, _TAKES_STATE[member], 1, path)
        if member in ("filter_state", "split_state"):
            return self._filtered_state(node, path)
        if member == "split":
            if not path or path[0] in (0, None):
                return Unknown("a graph definition, with or without state")
            return self._split_off(node, path)
        if member == "get_abstract_model":
            return Origin(TreeKind.STATE, node) if path == (1,) else _UNSEEN
        if path:
            return None
        if member == "State":
            return self._state_of(node)
        if member in _UNWRAPS or member == "merge":
            return Origin(TreeKind.PURE if member in _UNWRAPS else TreeKind.MODULE, node)
        return _instance_of(member, node)

    def _state_of(self, node: ast.Call) -> _Result:
        """Return the origin of ``nnx.State({..})``, which holds wrappers only if its argument does."""
        given = node.args[0] if len(node.args) == 1 else None
        found = _UNSEEN if given is None else self.trace(given, ())
        if isinstance(found, Origin):
            return found
        if isinstance(given, ast.Dict):
            parts = [self.trace(value, ()) for value in given.values]
            if not any(isinstance(part, Origin) and part.holds_wrappers for part in parts):
                return _UNSEEN
        return Origin(TreeKind.STATE, node, is_certain=isinstance(given, ast.Dict))

    def _taken(self, node: ast.Call, kind: TreeKind, skipped: int, path: _Path) -> _Result:
        """Return the origin of state taken by filters: one tree for one filter or none, else a tuple of trees."""
        filters = node.args[skipped:]
        if any(isinstance(given, ast.Starred) for given in node.args):
            return Unknown("taken by filters that are not seen")
        if len(filters) < 2:
            named = self._filter(filters[0]) if filters else ()
            return Unknown("a part of state") if path else Origin(kind, node, named)
        if not path:  # Several states are a tree, too.
            return Origin(kind, node, self._any_of([self._filter(one) for one in filters]))
        if len(path) != 1 or path[0] is None or not -len(filters) <= path[0] < len(filters):
            return Unknown("several states")
        return Origin(kind, node, self._filter_after(filters, path[0]))

    def _split_off(self, node: ast.Call, path: _Path) -> _Result:
        filters = node.args[1:]
        index = path[0]
        assert index is not None
        if len(path) > 1:
            return _UNSEEN
        if any(isinstance(given, ast.Starred) for given in node.args):
            return Origin(TreeKind.STATE, node) if index > 0 else _UNSEEN
        count = max(len(filters), 1)
        if not -count <= index <= count:
            return _UNSEEN
        index = index - 1 if index > 0 else index
        return Origin(TreeKind.STATE, node, self._filter_after(filters, index) if filters else ())

    def _filtered_state(self, node: ast.Call, path: _Path) -> _Result:
        whole = self.trace(node.args[0], ()) if node.args else _UNSEEN
        if isinstance(whole, Unknown):
            whole = Origin(TreeKind.STATE, node)
        taken = self._taken(node, whole.kind, 1, path)
        return _as_made(taken, whole)

    def _filter_after(self, filters: Sequence[ast.expr], index: int) -> tuple[str, ...] | None:
        """Return the types of one of several filters; ``None`` for ``...``, which gets what the others leave."""
        named = self._filter(filters[index])
        return None if named == () and len(filters) > 1 else named

    def _filter(self, node: ast.expr) -> tuple[str, ...] | None:
        """Return the types that a filter names; empty if it accepts everything, ``None`` if they are unknown."""
        if isinstance(node, ast.Constant):
            return () if node.value is ... or node.value is True else None
        if isinstance(node, (ast.Tuple, ast.List)):
            return self._any_of([self._filter(element) for element in node.elts])
        if isinstance(node, ast.Call):
            members = self._members(node.func)
            parts = [self._filter(argument) for argument in node.args]
            if members == {"Any"}:
                return self._any_of(parts)
            if members == {"All"}:
                return next((part for part in parts if part), None)
            return self._filter(node.args[0]) if members == {"OfType"} and len(node.args) == 1 else None
        names = {canonical(name) for name in self._names(node)}
        return tuple(names) if len(names) == 1 and names <= WRAPPERS else None

    @staticmethod
    def _any_of(parts: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
        found: list[str] = []
        for part in parts:
            if not part:
                return part
            found += part
        return tuple(found) or None

    def _of_evaluated_shape(self, node: ast.Call, name: str, path: _Path) -> _Result:
        found = self._returned_by(node.args[0], path) if node.args else _UNSEEN
        if isinstance(found, Unknown) and name.startswith("flax.") and not path:
            return Origin(TreeKind.STATE, node, is_certain=False)
        return found

    def _of_tree_call(self, node: ast.Call, kind: TreeFunctionKind, path: _Path) -> _Result:
        if kind not in (TreeFunctionKind.MAP, TreeFunctionKind.MAP_WITH_PATH) or path or len(node.args) < 2:
            return _UNSEEN
        tree = self.trace(node.args[1], ())
        if isinstance(tree, Unknown) or tree.kind is TreeKind.PURE:
            return tree
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if None in keywords:
            return _UNSEEN
        is_leaf = keywords.get("is_leaf")
        if is_leaf is None or is_none(is_leaf):
            # Without is_leaf, JAX puts a wrapper around each result. A live Variable is a leaf before 0.10.7.
            is_certain = tree.is_certain and tree.kind is not TreeKind.VARIABLES
            return _rebuilt(replace(tree, is_certain=is_certain, is_mapped=True))
        return self._mapped(node, tree, 1 if kind is TreeFunctionKind.MAP_WITH_PATH else 0)

    @staticmethod
    def _mapped(node: ast.Call, tree: Origin, position: int) -> _Result:
        """Return the origin of a map's result if ``is_leaf`` is given: wrappers, plain values, or unknown."""
        mapper = node.args[0]
        if not isinstance(mapper, ast.Lambda) or len(mapper.args.args) <= position:
            return Unknown("mapped by a function that may unwrap")
        leaf = mapper.args.args[position].arg
        results = list(_branches(mapper.body))
        if all(_is_access(result, leaf, _KEEPS_WRAPPER) for result in results):
            return _rebuilt(replace(tree, is_mapped=True))
        if all(_is_access(result, leaf, _KEEPS_WRAPPER) or is_name(result, leaf) for result in results):
            return replace(tree, is_mapped=True)
        if any(_is_access(result, leaf, {"value", "raw_value", "get_value", "get_raw_value"}) for result in results):
            return Origin(TreeKind.PURE, node)
        return Unknown("mapped by a function that may unwrap")

    def _of_method(self, node: ast.Call, function: ast.Attribute, path: _Path) -> _Result | None:
        """Return the origin of a method's result, as in ``state.filter(nnx.Param)``, ``state.to_pure_dict()``."""
        if function.attr not in ("filter", "split", "to_pure_dict", "merge"):
            is_set = function.attr in self._source.bindings.set_attributes
            made = attribute_values(self._source, function) if is_set else ()
            if len(made) == 1 and isinstance(made[0], ast.Call):  # ``self.grad_fn = nnx.grad(loss)``
                found = self._of_call_of_made(node, made[0], path)
                return found if isinstance(found, Unknown) else replace(found, is_open=True)
            return self._returned_by_own_method(function, path)
        owner = self.trace(function.value, ())
        if isinstance(owner, Unknown) or owner.kind not in (TreeKind.STATE, TreeKind.GRADIENTS):
            return None
        if function.attr == "to_pure_dict":
            return Origin(TreeKind.PURE, node)
        if function.attr == "merge":
            return None if path else Origin(owner.kind, node)
        taken = self._taken(node, owner.kind, 0, path)
        return _as_made(taken, owner)

    def _returned_by_own_method(self, name: ast.Attribute, path: _Path) -> _Result | None:
        """Return the origin of what ``self.method(..)`` returns, unless a subclass overrides it."""
        function = function_of(self._source, name)
        if isinstance(function, Unknown) or not isinstance(function.definition, ast.FunctionDef):
            return None
        found = self._returned_by_definition(function.definition, path)
        return found if isinstance(found, Unknown) else replace(found, is_open=True)

    # Functions

    def _of_call_of_made(self, node: ast.Call, maker: ast.Call, path: _Path) -> _Result:
        """Return the origin of ``nnx.grad(loss)(model)``, ``nnx.jit(f)(x)`` and the like."""
        names = self._names(maker.func)
        if len(names) != 1:
            return _UNSEEN
        name = f"flax.nnx.{member_of_nnx(next(iter(names)))}" if member_of_nnx(next(iter(names))) else next(iter(names))
        if name in _GRADIENTS:
            return self._gradient(node, maker, name, path)
        if name in _RUNS_AS_IT_IS and maker.args:
            return self._returned_by(maker.args[0], path)
        return _UNSEEN

    def _gradient(self, node: ast.Call, maker: ast.Call, name: str, path: _Path) -> _Result:
        keywords = {keyword.arg: keyword.value for keyword in maker.keywords}
        if None in keywords:
            return _UNSEEN
        has_value = name.endswith("value_and_grad")
        aux = keywords.get("has_aux")
        has_aux = aux is not None and not (isinstance(aux, ast.Constant) and not aux.value)
        if has_value or has_aux:
            if not path or path[0] != (1 if has_value else 0):
                return Unknown("a value beside gradients")
            path = path[1:]
        argnums = maker.args[1] if len(maker.args) > 1 else keywords.get("argnums")
        # A gradient with respect to a Module is one of its Params, unless nnx.DiffState selects others.
        is_filtered = argnums is not None and any(isinstance(found, ast.Call) for found in walk(argnums))
        taken = None if is_filtered else ("flax.nnx.Param",)
        argument = self._differentiated(node, argnums, path)
        if isinstance(argument, Unknown):
            return argument
        origin = self.trace(argument, ())
        if isinstance(origin, Origin):
            if not origin.holds_wrappers:
                return origin
            filters = origin.filters if origin.kind is not TreeKind.MODULE else taken
            return replace(origin, kind=TreeKind.GRADIENTS, filters=filters, made_by=node)
        if not name.startswith("flax."):
            return origin
        return Origin(TreeKind.GRADIENTS, node, taken, is_certain=False)

    @staticmethod
    def _differentiated(node: ast.Call, argnums: ast.expr | None, path: _Path) -> ast.expr | Unknown:
        """Return the argument of a call with respect to which a gradient is taken."""
        index: int | None = 0
        if argnums is not None:
            if isinstance(argnums, ast.Call):
                argnums = argnums.args[0] if argnums.args else argnums  # nnx.DiffState(0, filter)
            if isinstance(argnums, (ast.Tuple, ast.List)):
                if len(path) != 1 or path[0] is None or not -len(argnums.elts) <= path[0] < len(argnums.elts):
                    return Unknown("gradients by several arguments")
                argnums, path = argnums.elts[path[0]], ()
                if isinstance(argnums, ast.Call):
                    argnums = argnums.args[0] if argnums.args else argnums
            index = _constant_index(argnums)
        starred = any(isinstance(given, ast.Starred) for given in node.args)
        if path or index is None or starred or not 0 <= index < len(node.args):
            return Unknown("a gradient by an argument that is not seen")
        return node.args[index]

    def _of_local_call(self, node: ast.Call, function: ast.Name, path: _Path) -> _Result:
        bindings = self._source.bindings.bindings_of(function.id, start_of(function))
        if len(bindings) != 1:
            return _UNSEEN
        binding = bindings[0]
        if binding.kind is BindingKind.CLASS:
            return self._of_class(binding, node, path)
        if binding.kind is BindingKind.ASSIGNMENT and isinstance(binding.value, ast.Call) and not binding.path:
            return self._of_call_of_made(node, binding.value, path)
        if binding.kind is BindingKind.FUNCTION and isinstance(binding.node, ast.FunctionDef):
            makers = [found for found in binding.node.decorator_list if self._is_gradient(found)]
            if makers:
                return self._decorated_gradient(node, binding.node, path)
            return self._returned_by(function, path)
        return _UNSEEN

    def _is_gradient(self, decorator: ast.expr) -> bool:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        return bool(self._members(called) & {"grad", "value_and_grad"})

    def _decorated_gradient(self, node: ast.Call, function: ast.FunctionDef, path: _Path) -> _Result:
        """Return the origin of a call of a function decorated with ``@nnx.value_and_grad`` or ``@nnx.grad``."""
        if len(function.decorator_list) != 1 or isinstance(function.decorator_list[0], ast.Call):
            return _UNSEEN
        decorator = function.decorator_list[0]
        (member,) = self._members(decorator)
        maker = ast.Call(decorator, [], [])
        return self._gradient(node, ast.copy_location(maker, decorator), f"flax.nnx.{member}", path)

    def _of_call_elsewhere(self, node: ast.Call, names: frozenset[str], path: _Path) -> _Result | None:
        """Return the origin of a call of a class or function that is defined in another file of the project."""
        defined = definition_elsewhere(self._source, names)
        if defined is None:
            return None
        home, binding = defined
        found = _Tracer(home, self._steps).made_by_call_of(binding, node.func, path)
        return found if isinstance(found, Unknown) else replace(found, made_by=node.func, is_open=True)

    def made_by_call_of(self, binding: Binding, name: ast.expr, path: _Path) -> _Result:
        """Return the origin of what a call of a class or function of this file makes, which ``name`` mentions."""
        if binding.kind is BindingKind.CLASS:
            kind = _kind_of_class(self._source, binding, MAXIMUM_STEPS)
            return _UNSEEN if kind is None or path else Origin(kind, name, ())
        if not isinstance(binding.node, ast.FunctionDef):
            return _UNSEEN
        question = (binding.node, path, self._steps)
        if question not in self._answers:
            self._answers[question] = self._returned_by_definition(binding.node, path)
        return self._answers[question]

    def _of_class(self, binding: Binding, node: ast.Call, path: _Path) -> _Result:
        kind = _kind_of_class(self._source, binding, MAXIMUM_STEPS)
        return Origin(kind, node, ()) if kind is not None and not path else _UNSEEN

    def _returned_by(self, function: ast.expr, path: _Path) -> _Result:
        """Return the origin of what a function of this file returns."""
        if self._steps <= 0:
            return Unknown("made in too many steps")
        if isinstance(function, ast.Lambda):
            return self.trace(function.body, path)
        if isinstance(function, ast.Call) and self._names(function.func) == {"functools.partial"} and function.args:
            return self._returned_by(function.args[0], path)
        if not isinstance(function, ast.Name):
            return _UNSEEN
        bindings = self._source.bindings.bindings_of(function.id, start_of(function))
        return self.made_by_call_of(bindings[0], function, path) if len(bindings) == 1 else _UNSEEN

    def _returned_by_definition(self, function: ast.FunctionDef, path: _Path) -> _Result:
        if not self._is_plain(function):
            return _UNSEEN
        returned = (found.value for found in _returns_of(function) if found.value is not None)
        found = _agreed(self.trace(value, path) for value in returned if not is_none(value))
        return self._of_annotation(function.returns, path) if isinstance(found, Unknown) else found

    def _is_plain(self, function: ast.FunctionDef) -> bool:
        """Tell whether a call of a function returns what its ``return`` statements do: no generator or decorator."""
        if any(isinstance(found, (ast.Yield, ast.YieldFrom)) for found in own_nodes(function)):
            return False
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            names = {canonical(name) for name in self._names(called)}
            if names == {"functools.partial"} and isinstance(decorator, ast.Call) and decorator.args:
                names = {canonical(name) for name in self._names(decorator.args[0])}
            if not names or not names <= _RUNS_AS_IT_IS | {"builtins.staticmethod", "functools.cache"}:
                return False
        return True

    # Annotations

    def _of_annotation(self, node: ast.expr | None, path: _Path, place: Place | None = None) -> _Result:
        if node is None:
            return Unknown("a parameter without annotation")
        place = place or start_of(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            quoted = parse_expression(node.value.strip())
            if quoted is None:
                return _UNSEEN
            result = self._of_annotation(quoted, path, place)
            return result if isinstance(result, Unknown) else replace(result, made_by=node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            sides = (side for side in operands(node, ast.BitOr) if not is_none(side))
            return _agreed(self._of_annotation(side, path, place) for side in sides)
        if isinstance(node, ast.Subscript):
            return self._of_generic(node, path, place)
        parts = dotted_name(node)
        return _UNSEEN if parts is None or path else self._of_type(node, parts, place)

    def _of_generic(self, node: ast.Subscript, path: _Path, place: Place) -> _Result:
        parts = dotted_name(node.value)
        names = self._source.bindings.qualified_names(parts, place) if parts else frozenset()
        arguments = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        if names & _UNIONS:
            return _agreed(self._of_annotation(found, path, place) for found in arguments if not is_none(found))
        if names & _OPTIONAL:
            return self._of_annotation(arguments[0], path, place)
        if names & _TUPLES and path and path[0] is not None and -len(arguments) <= path[0] < len(arguments):
            is_open = isinstance(arguments[-1], ast.Constant) and arguments[-1].value is ...
            return self._of_annotation(arguments[0 if is_open else path[0]], path[1:], place)
        return _UNSEEN if parts is None or path else self._of_type(node, parts, place)

    def _of_type(self, node: ast.expr, parts: tuple[str, ...], place: Place) -> _Result:
        found: list[_Result] = []
        for name in self._source.bindings.qualified_names(parts, place):
            member = member_of_nnx(name)
            named = self._annotated_state(node) if member == "State" else _instance_of(member, node)
            found.append(named or _UNSEEN)
        if not found or found == [_UNSEEN]:
            found = self._instance_of_class_elsewhere(node, parts, place) or found
        if len(parts) == 1 and not found:
            for binding in self._source.bindings.bindings_of(parts[0], place):
                kind = _kind_of_class(self._source, binding, MAXIMUM_STEPS)
                found.append(Origin(kind, node) if kind is not None else _UNSEEN)
        return _agreed(found)

    def _instance_of_class_elsewhere(self, node: ast.expr, parts: tuple[str, ...], place: Place) -> list[_Result]:
        defined = definition_elsewhere(self._source, self._source.bindings.qualified_names(parts, place))
        kind = None if defined is None else _kind_of_class(*defined, MAXIMUM_STEPS)
        return [] if kind is None else [Origin(kind, node, is_open=True)]

    def _annotated_state(self, node: ast.expr) -> Origin:
        """Return the origin of a value annotated ``nnx.State``; ``nnx.as_pure`` returns one of plain arrays, too."""
        return Origin(TreeKind.STATE, node, is_certain=self._source.bindings.calls.keys().isdisjoint(_UNWRAPS))

    # Names of Flax

    def _names(self, node: ast.expr) -> frozenset[str]:
        return self._source.bindings.names_of(node)

    def _members(self, node: ast.expr) -> set[str | None]:
        return _members(self._source, node)


def _members(source: ParsedSource, node: ast.expr) -> set[str | None]:
    return {member_of_nnx(name) for name in source.bindings.names_of(node)}


def member_of_nnx(name: str) -> str | None:
    """Return the name of a member of NNX without its modules: ``State`` for ``flax.nnx.statelib.State``."""
    parts = canonical(name).split(".")
    if parts[:2] != ["flax", "nnx"]:
        return None
    rest = parts[2:]
    while len(rest) > 1 and rest[0] in NNX_SUBMODULES:
        rest = rest[1:]
    return ".".join(rest) or None


def _instance_of(member: str | None, node: ast.expr) -> Origin | None:
    """Return the origin of an instance of an NNX class; ``None`` for other members."""
    if member in OPTIMIZERS:
        return Origin(TreeKind.OPTIMIZER, node, ())
    if member in MODULES:
        return Origin(TreeKind.MODULE, node, ())
    if f"flax.nnx.{member}" in WRAPPERS:
        return Origin(TreeKind.VARIABLES, node, (f"flax.nnx.{member}",))
    return None


def kind_of_instances(source: ParsedSource, named: ast.expr) -> TreeKind | None:
    """Return the kind of the instances of a class of the project, by its bases.

    Args:
        source: the file.
        named: an expression that names the class.

    Returns:
        The kind; ``None`` for classes of Flax itself, for anything else, and where it is unknown.
    """
    node = named.value if isinstance(named, ast.Subscript) else named
    elsewhere = definition_elsewhere(source, source.bindings.names_of(node))
    if elsewhere is not None:
        return _kind_of_class(*elsewhere, MAXIMUM_STEPS)
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if isinstance(node, ast.Name) else ()
    return _kind_of_class(source, bindings[0], MAXIMUM_STEPS) if len(bindings) == 1 else None


def kind_of_self(source: ParsedSource, name: ast.Name) -> TreeKind | None:
    """Return the kind of the instances of the class in whose method a name is ``self``."""
    reaching = source.bindings.bindings_of(name.id, start_of(name))
    scope = class_of_method(reaching)
    if scope is None or not isinstance(scope.node, ast.ClassDef) or scope.parent is None:
        return None
    decorators = getattr(reaching[0].scope.node, "decorator_list", [])
    if any(is_name(one, "staticmethod") or is_name(one, "classmethod") for one in decorators):
        return None
    bindings = source.bindings.names_in(scope.parent).get(scope.node.name, [])
    found = next((one for one in bindings if one.node is scope.node), None)
    return None if found is None else _kind_of_class(source, found, MAXIMUM_STEPS)


@remembered
def _kind_of_class(source: ParsedSource, binding: Binding, steps: int) -> TreeKind | None:
    """Return the kind of the instances of a class of this file, by its bases; ``None`` if it is unknown."""
    if binding.kind is not BindingKind.CLASS or not isinstance(binding.node, ast.ClassDef) or not steps:
        return None
    if any(keyword.arg == "pytree" for keyword in binding.node.keywords):
        return None  # With ``pytree=False`` it is one opaque leaf.
    kinds = (_kind_of_base(source, binding, base, steps) for base in binding.node.bases)
    return next((kind for kind in kinds if kind is not None), None)


def _kind_of_base(source: ParsedSource, derived: Binding, base: ast.expr, steps: int) -> TreeKind | None:
    parts = dotted_name(base.value if isinstance(base, ast.Subscript) else base)
    if parts is None:
        return None
    names = source.bindings.qualified_names(parts, start_of(base))
    for name in names:
        instance = _instance_of(member_of_nnx(name), base)
        if instance is not None:
            return instance.kind
    elsewhere = definition_elsewhere(source, names)
    if elsewhere is not None:
        return _kind_of_class(*elsewhere, steps - 1)
    here = source.bindings.bindings_of(parts[0], start_of(base)) if len(parts) == 1 and not names else ()
    kinds = (_kind_of_class(source, found, steps - 1) for found in here if found is not derived)
    return next((kind for kind in kinds if kind is not None), None)


def attribute_values(source: ParsedSource, node: ast.Attribute) -> tuple[ast.expr, ...]:
    """Return all values but ``None`` that the methods of a class assign to ``self.name``; empty if one is unpacked."""
    if not isinstance(node.value, ast.Name):
        return ()
    scope = class_of_method(source.bindings.bindings_of(node.value.id, start_of(node.value)))
    if scope is None or not isinstance(scope.node, ast.ClassDef):
        return ()
    found = [
        (value, path) for value, path in _attributes_set(source, scope.node).get(node.attr, []) if not is_none(value)
    ]
    return () if any(path for _, path in found) else tuple(value for value, _ in found)


@remembered
def _handed_to_flax(source: ParsedSource) -> dict[Binding, ast.Call]:
    """Return the bindings whose names are passed to ``nnx.state`` and the like, each with the first such call."""
    found: dict[Binding, ast.Call] = {}
    for name in ("state", "split", "update", "pop", "variables"):
        for call in source.bindings.calls.get(name, ()):
            given = call.args[0] if call.args else None
            if isinstance(given, ast.Name) and _members(source, call.func) == {name}:
                bindings = source.bindings.bindings_of(given.id, start_of(given))
                if len(bindings) == 1:
                    found.setdefault(bindings[0], call)
    return found


@remembered
def _attributes_set(source: ParsedSource, node: ast.ClassDef) -> dict[str, list[tuple[ast.expr, _Path]]]:
    """Return, by attribute, the values that the methods of a class assign to attributes of ``self``."""
    found: dict[str, list[tuple[ast.expr, _Path]]] = {}
    for method in node.body:
        if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)) and method.args.args:
            owner = method.args.args[0].arg
            for target, value, path in _assignments(method):
                if isinstance(target, ast.Attribute) and is_name(target.value, owner):
                    found.setdefault(target.attr, []).append((value, path))
    return found


@remembered
def _attributes_declared(source: ParsedSource, node: ast.ClassDef) -> dict[str, list[ast.expr]]:
    """Return, by name, the annotations of names and attributes in a class and its methods."""
    found: dict[str, list[ast.expr]] = {}
    for statement in walk(node):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, (ast.Name, ast.Attribute)):
            target = statement.target
            name = target.id if isinstance(target, ast.Name) else target.attr
            found.setdefault(name, []).append(statement.annotation)
    return found


def _assignments(root: ast.AST) -> Iterator[tuple[ast.expr, ast.expr, _Path]]:
    for node in walk(root):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _unpacked(target, node.value, ())
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield node.target, node.value, ()


def _unpacked(target: ast.expr, value: ast.expr, path: _Path) -> Iterator[tuple[ast.expr, ast.expr, _Path]]:
    if isinstance(target, (ast.Tuple, ast.List)):
        starred = False
        for index, element in enumerate(target.elts):
            starred = starred or isinstance(element, ast.Starred)
            yield from _unpacked(element, value, (*path, None if starred else index))
    else:
        yield target, value, path


def _agreed(results: Iterable[_Result]) -> _Result:
    """Return the origin that all alternatives have; its filters are unknown if theirs differ."""
    found: Origin | None = None
    for result in results:
        if isinstance(result, Unknown):
            return result
        if found is None:
            found = result
        elif found.kind is not result.kind:
            return Unknown("made in several ways")
        else:
            found = replace(
                found,
                filters=found.filters if found.filters == result.filters else None,
                is_certain=found.is_certain and result.is_certain,
                is_open=found.is_open or result.is_open,
                is_mapped=found.is_mapped or result.is_mapped,
                is_new=found.is_new and result.is_new,
                is_item=found.is_item or result.is_item,
            )
    return _UNSEEN if found is None else found


def _rebuilt(found: _Result) -> _Result:
    """Return the origin of a tree rebuilt with new wrappers; those of a Module belong to it, even if it is new."""
    if isinstance(found, Unknown) or found.kind is TreeKind.MODULE:
        return found
    return replace(found, is_new=True)


def _as_made(part: _Result, whole: Origin) -> _Result:
    """Return the origin of a part of a tree, with ``is_new`` and ``is_mapped`` of the whole tree."""
    return part if isinstance(part, Unknown) else replace(part, is_new=whole.is_new, is_mapped=whole.is_mapped)


def _branches(node: ast.expr) -> Iterator[ast.expr]:
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, ast.IfExp):
            pending += [current.orelse, current.body]
        else:
            yield current


def _is_access(node: ast.expr, leaf: str, attributes: Iterable[str]) -> bool:
    """Tell whether an expression is ``leaf.attribute`` or ``leaf.attribute(..)``."""
    found = node.func if isinstance(node, ast.Call) else node
    return isinstance(found, ast.Attribute) and found.attr in attributes and is_name(found.value, leaf)


def _binds_none(binding: Binding) -> bool:
    return binding.kind is BindingKind.ASSIGNMENT and binding.value is not None and is_none(binding.value)


def _is_starred(binding: Binding) -> bool:
    arguments = getattr(binding.scope.node, "args", None)
    return isinstance(arguments, ast.arguments) and binding.node in (arguments.vararg, arguments.kwarg)


def _constant_index(node: ast.expr) -> int | None:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if type(value) is int else None


def _returns_of(function: ast.FunctionDef) -> Iterator[ast.Return]:
    for node in own_nodes(function):
        if isinstance(node, ast.Return):
            yield node
