"""What a rule says is to be written where. How it is written, the codemod finds out from the concrete tree."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.code.text import Edit


@dataclass(frozen=True, slots=True, eq=False)
class Replace:
    """Write other code in place of an expression, or of the expression and the parentheses around it."""

    node: ast.expr
    content: str
    with_parentheses: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Append:
    """Write code behind an expression and the parentheses around it.

    An expression that would swallow the code, such as a lambda, gets parentheses if it has none.
    """

    node: ast.expr
    content: str
    is_swallowed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Enclose:
    """Write code before and behind an expression."""

    node: ast.expr
    before: str
    after: str


@dataclass(frozen=True, slots=True, eq=False)
class AddKeyword:
    """Add a last keyword argument to a call, on a line of its own where the other arguments have theirs."""

    call: ast.Call
    content: str


@dataclass(frozen=True, slots=True, eq=False)
class AssignByCall:
    """Write ``owner.method(value)`` for ``owner.attribute = value``; ``method`` goes up to its argument."""

    target: ast.Attribute
    value: ast.expr
    method: str


Described = Replace | Append | Enclose | AddKeyword | AssignByCall
"""What is written by the concrete tree."""

Step = Described | Edit
"""One piece of a rewrite. An edit is for what needs no concrete tree: a name, or a row of an import."""


def subjects_of(step: Described) -> tuple[ast.expr, ...]:
    """Return the expressions that a step is about, the first of which says in what statement it is."""
    if isinstance(step, AssignByCall):
        return step.target, step.value
    return (step.call if isinstance(step, AddKeyword) else step.node,)
