"""Defines scopes, blocks, bindings and reads of names."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from flake8_nnx_treemap.analysis.code.nodes import Place

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class BindingKind(enum.Enum):
    """What kind of code binds a name."""

    IMPORT = "import"
    ASSIGNMENT = "assignment"
    ITERATION = "iteration"
    FUNCTION = "function"
    CLASS = "class"
    PARAMETER = "parameter"
    OTHER = "other"


class ScopeKind(enum.Enum):
    """What kind of code opens a scope."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    LAMBDA = "lambda"
    COMPREHENSION = "comprehension"
    TYPE_PARAMETERS = "type parameters"
    """Of a class or a ``type`` statement, from Python 3.12 on."""


@dataclass(slots=True, eq=False)  # Not frozen, here and below: making thousands of frozen ones takes thrice as long.
class Block:
    """A list of statements that run one after the other; ``owner`` is the statement it belongs to.

    ``may_end_early`` is true for the body of a ``with`` that may swallow an error.
    """

    parent: Block | None = None
    owner: ast.AST | None = None
    is_loop: bool = False
    is_try_body: bool = False
    may_end_early: bool = False

    @property
    def is_tried(self) -> bool:
        """Whether the block is in the body of a ``try``, whatever its handlers are."""
        return any(around.is_try_body for around in self.ancestors())

    def ancestors(self) -> Iterator[Block]:
        """Yield this block and those around it, innermost first."""
        block: Block | None = self
        while block is not None:
            yield block
            block = block.parent


@dataclass(slots=True, eq=False)
class Scope:
    """One scope of names; ``outside`` maps names declared ``global`` or ``nonlocal`` to the scopes they belong to."""

    kind: ScopeKind
    node: ast.AST
    parent: Scope | None
    outside: dict[str, Scope] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Binding:
    """One place where a name is bound.

    ``value`` is the expression assigned or iterated over, ``path`` the indices that unpacking applies to it (``None``
    for a starred target). ``qualified_name`` is set for imports.
    """

    name: str
    kind: BindingKind
    node: ast.AST
    scope: Scope
    block: Block
    place: Place
    qualified_name: str | None = None
    value: ast.expr | None = None
    path: tuple[int | None, ...] = ()


Host = ast.expr | ast.stmt
"""The code that LibCST parses: a simple statement, or one whole expression in a compound statement's header."""


@dataclass(slots=True, eq=False)
class Statement:
    """A statement, with its scope, its block, and the node in whose body it is."""

    node: ast.stmt
    start: Place
    scope: Scope
    block: Block
    parent: ast.AST


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionScope:
    """The scope of a lambda or comprehension, from ``start`` to ``end`` without the ``hole``, its first iterable."""

    scope: Scope
    start: Place
    end: Place
    hole: tuple[Place, Place] | None


class Reads(NamedTuple):
    """The reads of a name that the same bindings may reach; each read has its number in source order."""

    bindings: tuple[Binding, ...]
    nodes: list[tuple[int, ast.Name]]


def class_of_method(bindings: Sequence[Binding]) -> Scope | None:
    """Return the class whose instance a name is as a method's first parameter, as ``self`` is; else ``None``."""
    if len(bindings) != 1 or bindings[0].kind is not BindingKind.PARAMETER:
        return None
    method = bindings[0].scope
    if method.parent is None or method.parent.kind is not ScopeKind.CLASS:
        return None
    if not isinstance(method.node, FUNCTIONS):
        return None
    arguments = [*method.node.args.posonlyargs, *method.node.args.args]
    is_first = bool(arguments) and arguments[0] is bindings[0].node
    return method.parent if is_first else None
