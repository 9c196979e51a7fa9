"""Reads single ``ast`` nodes, without context: their children, names, arguments and places."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TypeVar

Place = tuple[int, int]
"""A row (from 1) and a column (from 0, in UTF-8 bytes), as ``ast`` counts them."""

Definition = ast.Lambda | ast.FunctionDef
"""The definition of a function whose body can be read."""

Code = Sequence[ast.AST]
"""Statements, or the one expression that a lambda or a comprehension evaluates."""

_Node = TypeVar("_Node", bound=ast.AST)

_HOLD_NO_NODES = frozenset(
    {"arg", "asname", "attr", "conversion", "ctx", "id", "is_async", "kind", "level", "module", "op", "ops", "simple"}
    | {"type_comment", "type_ignores"}
)
_MIXED_LISTS = frozenset({"keys", "kw_defaults", "kwd_attrs", "names"})
"""The fields that are lists and may hold ``None`` or strings: ``{**rest}``, ``def f(*, a)``, ``global a``."""


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The names of the fields that may hold nodes, for each type of node."""

    def __missing__(self, node_type: type[ast.AST]) -> tuple[str, ...]:
        names = () if node_type is ast.Constant else node_type._fields
        found = self[node_type] = tuple(name for name in names if name not in _HOLD_NO_NODES)
        return found


_FIELDS = _Fields()


def child_nodes(node: ast.AST) -> list[ast.AST]:
    """Return the children of a node, in the order of ``ast.iter_child_nodes``, without operators and contexts."""
    found: list[ast.AST] = []
    for name in _FIELDS[type(node)]:
        value = getattr(node, name, None)
        if value is None:
            continue
        if type(value) is list:
            if value:
                found += [one for one in value if isinstance(one, ast.AST)] if name in _MIXED_LISTS else value
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def walk(root: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all nodes below it, level by level, as ``ast.walk`` does."""
    pending = [root]
    for node in pending:
        yield node
        pending += child_nodes(node)


def nodes_below(code: Code, *types: type[_Node]) -> Iterator[_Node]:
    """Yield the nodes of some types in a piece of code, parents before their children."""
    pending = [*reversed(code)]
    while pending:
        node = pending.pop()
        if type(node) in types:
            yield node  # type: ignore[misc]
        pending += reversed(child_nodes(node))


def words_below(root: ast.AST) -> frozenset[str]:
    """Return all names and attribute names in a piece of code."""
    words = (getattr(node, "attr", getattr(node, "id", None)) for node in walk(root))
    return frozenset(word for word in words if word is not None)


def own_nodes(root: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below a node in source order, but not those inside functions and classes below it."""
    pending = [*reversed(child_nodes(root))]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            pending += reversed(child_nodes(node))


def operands(node: ast.expr, *operators: type[ast.operator]) -> list[ast.expr]:
    """Return the operands of ``a | b | c``, without recursion: a thousand of them nest a thousand levels deep."""
    found: list[ast.expr] = []
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, ast.BinOp) and isinstance(current.op, operators):
            pending += [current.right, current.left]
        else:
            found.append(current)
    return found


def depth_exceeds(root: ast.AST, limit: int) -> bool:
    """Tell whether nodes below a root are nested deeper than a limit."""
    level = [root]
    for _ in range(limit):
        level = [child for node in level for child in child_nodes(node)]
        if not level:
            return False
    return True


# Places


def start_of(node: ast.AST) -> Place:
    """Return where a node starts, decorators included."""
    decorators = getattr(node, "decorator_list", None)
    if decorators:
        # The "@" comes before the decorator's expression, on the same line or an earlier one.
        return (decorators[0].lineno, 0)
    return (node.lineno, node.col_offset)  # type: ignore[attr-defined]


def end_of(node: ast.AST) -> Place:
    """Return where a node ends."""
    return (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]


# Names


def dotted_name(node: ast.AST) -> tuple[str, ...] | None:
    """Return the parts of ``a.b.c``, or ``None`` if the expression is anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return tuple(reversed(parts))


def access_path(node: ast.AST) -> str | None:
    """Return ``x``, ``args[0]`` or ``pair[1][0]`` for such an expression, or ``None`` if it is anything else."""
    indices = ""
    while isinstance(node, ast.Subscript):
        index = node.slice
        if not isinstance(index, ast.Constant) or type(index.value) is not int:
            return None
        indices = f"[{index.value}]{indices}"
        node = node.value
    return node.id + indices if isinstance(node, ast.Name) else None


def is_name(node: ast.AST | None, name: str) -> bool:
    """Tell whether a node is just this name."""
    return isinstance(node, ast.Name) and node.id == name


def is_none(node: ast.AST | None) -> bool:
    """Tell whether a node is the constant ``None``."""
    return isinstance(node, ast.Constant) and node.value is None


def is_constant(node: ast.AST | None, *values: object) -> bool:
    """Tell whether a node is one of the constants ``None``, ``True``, ``False`` or ``...``."""
    return isinstance(node, ast.Constant) and any(node.value is value for value in values)


# Functions and calls


def is_none_test(node: ast.expr) -> bool:
    """Tell whether an expression compares something with ``None``."""
    is_equal = isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Is, ast.Eq))
    return is_equal and isinstance(node, ast.Compare) and is_none(node.comparators[0])


def body_of(definition: Definition) -> Code:
    """Return the statements of a function, or the expression of a lambda as a list of one."""
    return definition.body if isinstance(definition.body, list) else [definition.body]


def without_docstring(statements: Code) -> Code:
    """Return statements without those that are only a string."""
    return [found for found in statements if not (isinstance(found, ast.Expr) and _is_string(found.value))]


def _is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))


def defaults_of(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Yield the parameters that may have a default, each with that, or with ``None``."""
    positional = [*arguments.posonlyargs, *arguments.args]
    yield from zip(reversed(positional), reversed(arguments.defaults), strict=False)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def positional_arguments(call: ast.Call) -> list[ast.expr] | None:
    """Return the positional arguments of a call, or ``None`` if their number is unknown because one is starred."""
    is_starred = any(isinstance(given, ast.Starred) for given in call.args)
    return None if is_starred or any(keyword.arg is None for keyword in call.keywords) else call.args


def keyword_arguments(call: ast.Call) -> dict[str, ast.expr]:
    """Return the keyword arguments of a call by name, without ``**`` ones."""
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}


def subscript_keys(node: ast.Subscript) -> Sequence[ast.expr]:
    """Return the indices of a subscript: two for ``x[a, b]``."""
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
