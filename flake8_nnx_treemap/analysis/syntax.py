"""Small questions about LibCST nodes that need no context: children, dotted names, arguments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import libcst as cst

_PUNCTUATION = (
    "whitespace",
    "lpar",
    "rpar",
    "lbracket",
    "rbracket",
    "comma",
    "semicolon",
    "leading",
    "trailing",
    "dot",
)


def _concrete_types(node_type: type[cst.CSTNode]) -> frozenset[type]:
    return frozenset({node_type}).union(*map(_concrete_types, node_type.__subclasses__()))


_OPERATORS = (cst.BaseBinaryOp, cst.BaseBooleanOp, cst.BaseUnaryOp, cst.BaseCompOp, cst.BaseAugOp)
_NODE_TYPES = _concrete_types(cst.CSTNode).difference(  # type: ignore[type-abstract]
    {cst.AssignEqual, cst.Colon}, *map(_concrete_types, _OPERATORS)
)
"""LibCST's node classes are abstract base classes, for which ``isinstance`` is ten times as slow as a look-up."""


_HOLD_NO_NODES = frozenset({cst.Name, cst.Integer, cst.Float, cst.Imaginary, cst.SimpleString})
"""More than half of all nodes, white space and punctuation left out."""


class _Fields(dict[type[cst.CSTNode], tuple[str, ...]]):
    """The fields of a type of node that may hold nodes with a meaning."""

    def __missing__(self, node_type: type[cst.CSTNode]) -> tuple[str, ...]:
        names = () if node_type in _HOLD_NO_NODES else tuple(node_type.__dataclass_fields__)
        found = self[node_type] = tuple(name for name in names if not name.startswith(_PUNCTUATION))
        return found


_FIELDS = _Fields()

_Node = TypeVar("_Node", bound=cst.CSTNode)


def children_of(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The parts of a node in source order as its class lists them, without white space, punctuation and operators.

    ``CSTNode.children`` gives the same and more, but rebuilds the node to do so.
    """
    children: list[cst.CSTNode] = []
    for name in _FIELDS[type(node)]:
        value = getattr(node, name)
        kind = type(value)
        if kind in _NODE_TYPES:
            children.append(value)
        elif kind is list or kind is tuple:
            children += [element for element in value if type(element) in _NODE_TYPES]
    return children


def nodes_below(node: cst.CSTNode, *types: type[_Node]) -> Iterator[_Node]:
    """A node and everything below it, if of one of some concrete types, in source order.

    To ask ``isinstance`` of every node costs three times as much: LibCST's classes are abstract base classes.
    """
    pending = [node]
    while pending:
        current = pending.pop()
        if type(current) in types:
            yield current  # type: ignore[misc]
        if _FIELDS[type(current)]:
            pending += reversed(children_of(current))


def dotted_parts(node: cst.CSTNode) -> tuple[str, ...] | None:
    """The parts of ``a.b.c``, or ``None`` if the node is anything else."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return None
    parts.append(node.value)
    return tuple(reversed(parts))


def is_name(node: cst.CSTNode | None, name: str) -> bool:
    """Whether a node is just this name."""
    return isinstance(node, cst.Name) and node.value == name


def positional_arguments(call: cst.Call) -> list[cst.BaseExpression] | None:
    """The positional arguments of a call, or ``None`` if one is starred and so their number is unknown."""
    if any(argument.star for argument in call.args):
        return None
    return [argument.value for argument in call.args if argument.keyword is None]


def keyword_arguments(call: cst.Call) -> dict[str, cst.BaseExpression]:
    """The keyword arguments of a call by name, without ``**`` ones."""
    return {argument.keyword.value: argument.value for argument in call.args if argument.keyword is not None}


def statements_of(body: cst.BaseSuite) -> Iterator[cst.BaseCompoundStatement | cst.BaseSmallStatement]:
    """The statements of a suite, those that share a line one after the other."""
    for line in body.body:
        if isinstance(line, cst.SimpleStatementLine):
            yield from line.body
        elif isinstance(line, (cst.BaseCompoundStatement, cst.BaseSmallStatement)):
            yield line


def is_docstring(statement: cst.CSTNode) -> bool:
    """Whether a statement is a string that stands alone."""
    return isinstance(statement, cst.Expr) and isinstance(statement.value, (cst.SimpleString, cst.ConcatenatedString))
