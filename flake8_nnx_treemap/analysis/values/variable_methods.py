"""Finds the attributes that the methods of a file's own Variable classes set on ``self``."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.class_references import class_name
from flake8_nnx_treemap.analysis.code.nodes import start_of
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, Scope, ScopeKind, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.names import WRAPPERS

MAXIMUM_STEPS = 8
"""How many classes of the file are followed from one to its bases."""

_HAVE_NO_ROOM = WRAPPERS | {"typing.Generic", "typing_extensions.Generic", "abc.ABC", "builtins.object"}
"""Classes whose instances have no ``__dict__``, as any other base would add one."""

_OPEN = frozenset({"__setattr__", "__slots__", "__dict__"})
"""Names in the body of a class that may make room for attributes."""

_NO_INSTANCE = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


@dataclass(frozen=True, slots=True, eq=False)
class OwnAttribute:
    """An assignment to ``self.name`` in a method of a Variable class, which has no room for such an attribute.

    ``is_of_flax`` is true if the class inherits from a class of Flax directly, so that ``super().__init__`` is Flax's.
    ``is_hidden`` is true if a class has a value of this name, which reads of the attribute find first.
    """

    node: ast.Attribute
    method: ast.FunctionDef
    is_of_flax: bool
    is_hidden: bool


def own_attributes(source: ParsedSource, name: str) -> Iterator[OwnAttribute]:
    """Yield the assignments to an attribute of ``self`` in Variable classes without room for it.

    Args:
        source: the file.
        name: the attribute.

    Yields:
        One for each place. A class whose bases are not all known is left out: one of them may have room. So is one
        that defines a property, a slot or another descriptor of this name.
    """
    for node in source.bindings.set_attributes.get(name, ()) if _has_variable_classes(source) else ():
        method, owner = _method_around(source, node)
        ancestry = None if owner is None else _ancestry(source, owner, MAXIMUM_STEPS)
        members = [found for one in ancestry or () for found in _members(source, one).get(name, ())]
        if method is not None and ancestry is not None and all(map(_is_mere_value, members)):
            is_hidden = any(found.value is not None for found in members)
            yield OwnAttribute(node, method, len(ancestry) == 1, is_hidden)


@remembered
def _has_variable_classes(source: ParsedSource) -> bool:
    """Tell whether the file defines a class whose instances are Variables without room for attributes."""
    classes = (one.node for one in source.bindings.statements if isinstance(one.node, ast.ClassDef))
    return any(_ancestry(source, one, MAXIMUM_STEPS) is not None for one in classes)


def _method_around(
    source: ParsedSource, node: ast.Attribute
) -> tuple[ast.FunctionDef, ast.ClassDef] | tuple[None, None]:
    """Return the method whose ``self`` an attribute is set on, and its class."""
    owner = node.value
    bindings = source.bindings.bindings_of(owner.id, start_of(owner)) if isinstance(owner, ast.Name) else ()
    scope = class_of_method(bindings)
    method = bindings[0].scope.node if scope is not None else None
    if scope is None or not isinstance(method, ast.FunctionDef) or not isinstance(scope.node, ast.ClassDef):
        return None, None
    is_plain = not method.decorator_list and method.name not in _NO_INSTANCE
    return (method, scope.node) if is_plain else (None, None)


@remembered
def _ancestry(source: ParsedSource, definition: ast.ClassDef, steps: int) -> tuple[ast.ClassDef, ...] | None:
    """Return a class and its bases in this file; ``None`` if it may be no Variable, or have room for attributes."""
    is_plain = not definition.keywords and all(_keeps_class(source, one) for one in definition.decorator_list)
    if not steps or not is_plain or not definition.bases or not _OPEN.isdisjoint(_members(source, definition)):
        return None
    found: list[ast.ClassDef] = [definition]
    is_variable = False
    for base in definition.bases:
        whole = base.value if isinstance(base, ast.Subscript) else base
        name = class_name(source, whole)
        is_variable = is_variable or name in WRAPPERS
        if name in _HAVE_NO_ROOM:
            continue
        inherited = _class_named(source, whole)
        further = None if inherited is None else _ancestry(source, inherited, steps - 1)
        if further is None:
            return None
        found += further
        is_variable = True
    return tuple(found) if is_variable else None


def _keeps_class(source: ParsedSource, decorator: ast.expr) -> bool:
    """Tell whether a decorator registers a class and returns it, as those of Flax and JAX do."""
    names = source.bindings.names_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return bool(names) and all(name.startswith(("flax.nnx.", "jax.tree_util.")) for name in names)


def _class_named(source: ParsedSource, base: ast.expr) -> ast.ClassDef | None:
    bindings = source.bindings.bindings_of(base.id, start_of(base)) if isinstance(base, ast.Name) else ()
    node = bindings[0].node if len(bindings) == 1 and bindings[0].kind is BindingKind.CLASS else None
    return node if isinstance(node, ast.ClassDef) else None


def _members(source: ParsedSource, definition: ast.ClassDef) -> Mapping[str, list[Binding]]:
    """Return what is bound in the body of a class, by name."""
    scope = _scopes_of_classes(source).get(definition)
    return {} if scope is None else source.bindings.names_in(scope)


@remembered
def _scopes_of_classes(source: ParsedSource) -> dict[ast.AST, Scope]:
    scopes = (bound[0].scope for _, bound in source.bindings.all_bound())
    return {scope.node: scope for scope in scopes if scope.kind is ScopeKind.CLASS}


def _is_mere_value(binding: Binding) -> bool:
    """Tell whether a member of a class is a declaration or a constant, and no descriptor that can be set."""
    is_plain = binding.kind is BindingKind.ASSIGNMENT and not binding.path
    return is_plain and (binding.value is None or isinstance(binding.value, ast.Constant))
