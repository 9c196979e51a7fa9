"""Which classes an expression names, as the second argument of ``isinstance`` does: one, a tuple, a union."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from flake8_nnx_treemap.analysis.calls.functions import value_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.syntax import dotted_parts
from flake8_nnx_treemap.names import canonical

_TUPLE_MAKERS = frozenset({"typing.Union", "typing.Optional", "builtins.tuple"})


@dataclass(frozen=True, slots=True, eq=False)
class TypeReference:
    """One class named in a test.

    ``name`` is its canonical name, such as ``flax.nnx.VariableState``, ``None`` if that cannot be told; ``node`` is
    where it is written; ``is_local`` is false when that is in a constant defined elsewhere.
    """

    name: str | None
    node: cst.BaseExpression
    is_local: bool = True


def types_of(
    source: ParsedSource, expression: cst.BaseExpression, *, is_local: bool = True
) -> tuple[TypeReference, ...]:
    """The classes that an expression names, in order; one that cannot be told is listed without a name."""
    return tuple(_types(source, expression, is_local, 4))


def type_name(source: ParsedSource, expression: cst.BaseExpression) -> str | None:
    """The canonical name of a class named by an expression, if every way the name was bound agrees."""
    names = {canonical(name) for name in source.qualified_names(expression)}
    return names.pop() if len(names) == 1 else None


def _types(source: ParsedSource, node: cst.BaseExpression, is_local: bool, depth: int) -> Iterator[TypeReference]:
    if isinstance(node, (cst.Tuple, cst.List, cst.Set)):
        for element in node.elements:
            yield from _types(source, element.value, is_local, depth)
    elif isinstance(node, cst.BinaryOperation) and isinstance(node.operator, (cst.BitOr, cst.Add)):
        yield from _types(source, node.left, is_local, depth)
        yield from _types(source, node.right, is_local, depth)
    elif isinstance(node, cst.Subscript) and type_name(source, node.value) in _TUPLE_MAKERS:
        for part in node.slice:
            if isinstance(part.slice, cst.Index):
                yield from _types(source, part.slice.value, is_local, depth)
    elif dotted_parts(node) is not None:
        name = type_name(source, node)
        constant = value_of(source, node) if name is None and depth and isinstance(node, cst.Name) else None
        if constant is None or isinstance(constant, Unknown):
            yield TypeReference(name, node, is_local)
        else:
            yield from _types_of_constant(source, constant, depth - 1)
    else:
        yield TypeReference(None, node, is_local)


@remembered
def _types_of_constant(source: ParsedSource, constant: cst.BaseExpression, depth: int) -> tuple[TypeReference, ...]:
    """The classes in what a name was set to: found once for all tests that name it."""
    return tuple(_types(source, constant, False, depth))
