"""Finds what the calls in a file pass to a parameter of one of its functions."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import class_of_self
from flake8_nnx_treemap.analysis.code.nodes import start_of
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, Scope, ScopeKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    """What one mention of a function passes to a parameter.

    ``value`` is ``None`` where that is not seen: the mention is no plain call, or the call leaves the parameter out.
    """

    mention: ast.Name | ast.Attribute
    value: ast.expr | None


@dataclass(frozen=True, slots=True, eq=False)
class Arguments:
    """What all mentions of a function in its file pass to one parameter.

    ``position`` is the parameter's place among those that a call can give, and behind all others where it is given by
    keyword alone. ``is_public`` is true if other files may call the function as well, because it is not defined inside
    another one. A leading underscore does not count.
    """

    position: int
    is_public: bool
    given: tuple[Argument, ...]


@remembered
def arguments_of(source: ParsedSource, parameter: Binding) -> Arguments | None:
    """Return what a file passes to a parameter of a function or method.

    Args:
        source: the file.
        parameter: the binding of the parameter.

    Returns:
        One argument for each mention of the function; ``None`` for ``*args``, where a decorator may change what is
        passed, and for a function without a name.
    """
    function = parameter.scope.node
    if parameter.kind is not BindingKind.PARAMETER or getattr(function, "decorator_list", []):
        return None
    arguments = getattr(function, "args", None)
    name = _name_of(source, function)
    if not isinstance(arguments, ast.arguments) or not name:
        return None
    names = [found.arg for found in (*arguments.posonlyargs, *arguments.args)]
    is_by_keyword = parameter.node in arguments.kwonlyargs
    if parameter.node in (arguments.vararg, arguments.kwarg) or not (is_by_keyword or parameter.name in names):
        return None
    owner = _class_around(parameter.scope)
    position = sys.maxsize if is_by_keyword else names.index(parameter.name)
    mentions: list[ast.Name | ast.Attribute] = [*_mentions_of(source, function, name)]
    if owner is not None and not mentions:  # A class body calls its functions without ``self``.
        mentions = [*_mentions_of_method(source, owner, name)]
        position -= 1
    if position < 0:
        return None
    given = tuple(Argument(one, _given_by(source, one, parameter.name, position)) for one in mentions)
    is_global = source.bindings.is_shared(name)
    return Arguments(position, is_global or is_public(parameter.scope), given)


def _name_of(source: ParsedSource, function: ast.AST) -> str:
    """Return the name of a function, or the one to which a lambda is assigned; empty if there is none."""
    if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return function.name
    around = source.ast_parent(function)
    target = around.targets[0] if isinstance(around, ast.Assign) and around.value is function else None
    return target.id if isinstance(target, ast.Name) else ""


def _class_around(function: Scope) -> Scope | None:
    around = function.parent
    is_method = around is not None and around.kind is ScopeKind.CLASS and function.kind is ScopeKind.FUNCTION
    return around if is_method else None


def is_public(function: Scope) -> bool:
    """Tell whether other files may call a function: it is a method, or in no other function."""
    return function.parent is None or function.parent.kind not in (ScopeKind.FUNCTION, ScopeKind.LAMBDA)


def _mentions_of(source: ParsedSource, function: ast.AST, name: str) -> Iterator[ast.Name]:
    for node in source.bindings.attributes.get(name, ()):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            bindings = source.bindings.bindings_of(name, start_of(node))
            if any(function in (found.node, found.value) for found in bindings):
                yield node


def _mentions_of_method(source: ParsedSource, owner: Scope, name: str) -> Iterator[ast.Name | ast.Attribute]:
    """Yield each use of an attribute with a method's name, whatever object has it, unless that is of another class."""
    for node in source.bindings.attributes.get(name, ()):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            of = class_of_self(source, node.value)
            if of is None or of is owner:
                yield node


def _given_by(source: ParsedSource, mention: ast.expr, name: str, position: int) -> ast.expr | None:
    call = source.ast_parent(mention)
    if not isinstance(call, ast.Call) or call.func is not mention:
        return None
    if any(isinstance(one, ast.Starred) for one in call.args[: position + 1]):
        return None
    named = [one.value for one in call.keywords if one.arg == name]
    return call.args[position] if position < len(call.args) else next(iter(named), None)
