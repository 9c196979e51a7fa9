"""Follows what a call hands over into the parameters of a function of the same file, also through ``nnx.jit``."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import PARTIAL, binding_of, class_of_self
from flake8_nnx_treemap.analysis.names.scopes import FUNCTIONS, BindingKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown

_STEPS = 4
"""How many aliases and transformations are followed: ``step = nnx.jit(train_step)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Handover:
    """A call of a function of the file, and the arguments by the names of the parameters that get them."""

    definition: ast.FunctionDef | ast.AsyncFunctionDef
    given: Mapping[str, ast.expr]

    def parameters_for(self, argument: ast.expr) -> list[ast.arg]:
        """Return the parameters that get an argument."""
        arguments = self.definition.args
        found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        return [one for one in found if self.given.get(one.arg) is argument]


def handover_of(source: ParsedSource, call: ast.Call) -> Handover | None:
    """Return what a call hands over to which parameter.

    A decorator, or a call such as ``nnx.jit(step)``, is taken to run the function with the arguments that it is given.

    Args:
        source: the file.
        call: the call.

    Returns:
        The handover; ``None`` if the file does not define the function, or an argument is starred.
    """
    found = _definition_called(source, call.func, _STEPS)
    if found is None or any(isinstance(one, ast.Starred) for one in call.args):
        return None
    definition, bound = found
    names = [one.arg for one in (*definition.args.posonlyargs, *definition.args.args)][bound:]
    if len(call.args) > len(names) or any(keyword.arg is None for keyword in call.keywords):
        return None
    given = dict(zip(names, call.args, strict=False))
    return Handover(definition, {**given, **{one.arg: one.value for one in call.keywords if one.arg is not None}})


_Definition = tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]
"""A function, and how many of its leading parameters are given already, as ``self`` is."""


def _definition_called(source: ParsedSource, function: ast.expr, steps: int) -> _Definition | None:
    if isinstance(function, ast.Attribute):
        scope = class_of_self(source, function.value)
        methods = [] if scope is None else source.bindings.names_in(scope).get(function.attr, [])
        if len(methods) != 1 or not isinstance(methods[0].node, FUNCTIONS):
            return None
        is_static = any(
            isinstance(one, ast.Name) and one.id == "staticmethod" for one in methods[0].node.decorator_list
        )
        return methods[0].node, 0 if is_static else 1
    binding = binding_of(source, function) if isinstance(function, ast.Name) else None
    if binding is None or isinstance(binding, Unknown) or not steps:
        return None
    if binding.kind is BindingKind.FUNCTION and isinstance(binding.node, FUNCTIONS):
        return binding.node, 0
    made = binding.value
    if binding.kind is not BindingKind.ASSIGNMENT or not isinstance(made, ast.Call) or binding.path or not made.args:
        return None
    if PARTIAL in source.bindings.names_of(made.func):
        return None  # It has some of the arguments already.
    return _definition_called(source, made.args[0], steps - 1)
