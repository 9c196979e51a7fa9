"""The steps of a fix: what to write at which node. The codemod turns them into text edits with the concrete tree."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.code.text import Edit


@dataclass(frozen=True, slots=True, eq=False)
class Replace:
    """A replacement of an expression by other code, together with the parentheses around it if so marked."""

    node: ast.expr
    content: str
    with_parentheses: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Append:
    """Code to add after an expression and the parentheses around it.

    If the code would become a part of the expression (``is_swallowed``), as with a lambda, that gets parentheses first.
    """

    node: ast.expr
    content: str
    is_swallowed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Enclose:
    """Code to add before and after an expression."""

    node: ast.expr
    before: str
    after: str


@dataclass(frozen=True, slots=True, eq=False)
class AddKeyword:
    """An argument to add at the end of a call, on its own line if the other arguments have one each."""

    call: ast.Call
    content: str


@dataclass(frozen=True, slots=True, eq=False)
class AssignByCall:
    """A replacement of ``owner.attribute = value`` by ``owner.method(value)``; ``method`` is text such as ``set(``."""

    target: ast.Attribute
    value: ast.expr
    method: str


Described = Replace | Append | Enclose | AddKeyword | AssignByCall
"""The steps that need the concrete tree to become edits."""

Step = Described | Edit
"""One piece of a rewrite. What needs no concrete tree, such as a name or a line of an import, is an edit already."""


def subject_of(step: Described) -> ast.expr:
    """Return the expression whose statement a step changes."""
    if isinstance(step, AssignByCall):
        return step.target
    return step.call if isinstance(step, AddKeyword) else step.node
