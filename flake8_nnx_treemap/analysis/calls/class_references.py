"""Finds the classes that an expression names, such as the second argument of ``isinstance``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import value_of
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, operands, subscript_keys
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.names import canonical

_TUPLE_MAKERS = frozenset({"typing.Union", "typing.Optional", "builtins.tuple"})

MAXIMUM_STEPS = 4
"""The number of constants, such as ``TYPES = (nnx.Param,)``, that are followed from a name to its classes."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassReference:
    """One class named in a test.

    ``name`` is its canonical name, such as ``flax.nnx.VariableState``, or ``None`` if it is unknown; ``node`` is the
    expression that names it; ``is_local`` is false if that is in a constant defined elsewhere.
    """

    name: str | None
    node: ast.expr
    is_local: bool = True


@remembered
def classes_of(source: ParsedSource, expression: ast.expr, steps: int = MAXIMUM_STEPS) -> tuple[ClassReference, ...]:
    """Return the classes that an expression names, in order; an unknown one is listed without a name."""
    return tuple(_classes(source, expression, True, steps))


def class_name(source: ParsedSource, expression: ast.AST) -> str | None:
    """Return the canonical name of the class or function that an expression names, if all its bindings agree."""
    names = {canonical(name) for name in source.bindings.names_of(expression)}
    return names.pop() if len(names) == 1 else None


def class_names(source: ParsedSource, expression: ast.expr, steps: int = MAXIMUM_STEPS) -> frozenset[str] | None:
    """Return the canonical names of the classes that an expression names, or ``None`` if one is unknown."""
    names = {found.name for found in classes_of(source, expression, steps)}
    return None if None in names else frozenset(name for name in names if name is not None)


def _classes(source: ParsedSource, node: ast.expr, is_local: bool, steps: int) -> Iterator[ClassReference]:
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        for element in node.elts:
            yield from _classes(source, element, is_local, steps)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitOr, ast.Add)):
        for operand in operands(node, ast.BitOr, ast.Add):
            yield from _classes(source, operand, is_local, steps)
    elif isinstance(node, ast.Subscript) and class_name(source, node.value) in _TUPLE_MAKERS:
        for key in subscript_keys(node):
            yield from _classes(source, key, is_local, steps)
    elif dotted_name(node) is None:
        yield ClassReference(None, node, is_local)
    else:
        name = class_name(source, node)
        constant = value_of(source, node) if name is None and steps and isinstance(node, ast.Name) else None
        if constant is None or isinstance(constant, Unknown):
            yield ClassReference(name, node, is_local)
        else:
            yield from _classes_of_constant(source, constant, steps - 1)


@remembered
def _classes_of_constant(source: ParsedSource, constant: ast.expr, steps: int) -> tuple[ClassReference, ...]:
    """Return the classes in a constant's value; remembered for all tests that name the constant."""
    return tuple(_classes(source, constant, False, steps))
