"""Finds flagged calls in the concrete trees of their statements, with a LibCST visitor."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

import libcst as cst

from flake8_nnx_treemap.analysis.code.nodes import end_of, nodes_below, start_of
from flake8_nnx_treemap.analysis.code.text import Position, Range
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.codemod.statements import ConcreteStatement

_SPOTTED: dict[type[ast.expr], type[cst.CSTNode]] = {
    ast.Call: cst.Call,
    ast.Compare: cst.Comparison,
    ast.Lambda: cst.Lambda,
}
"""The types of nodes that correspond one to one; all that is rewritten is one of these, or directly in one."""

_HOLD_NONE = frozenset(
    {cst.Name, cst.Integer, cst.Float, cst.SimpleString, cst.SimpleWhitespace, cst.ParenthesizedWhitespace}
    | {cst.Dot, cst.Comma, cst.Colon, cst.AssignEqual, cst.LeftParen, cst.RightParen, cst.TrailingWhitespace}
)
"""Nodes without wanted ones inside."""

_PUNCTUATION = ("whitespace", "lpar", "rpar", "lbra", "rbra", "comma", "equal", "dot", "colon", "semicolon", "operator")


class _Fields(dict[type[cst.CSTNode], tuple[str, ...]]):
    """The names of the fields that may hold expressions, for each type of node, in the order of the source."""

    def __missing__(self, kind: type[cst.CSTNode]) -> tuple[str, ...]:
        found = self[kind] = tuple(one.name for one in fields(kind) if not one.name.startswith(_PUNCTUATION))
        return found


_FIELDS = _Fields()
_FIELDS[cst.IfExp] = ("body", "test", "orelse")
_FIELDS[cst.Parameters] = ("posonly_params", "params", "star_arg", "kwonly_params", "star_kwarg")


class Spotter(cst.CSTVisitor):
    """A visitor that collects the calls, lambdas and comparisons of a statement, in source order, outer ones first."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[cst.CSTNode] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Record a call, lambda or comparison; tell whether the children of a node are to be visited."""
        kind = type(node)
        if kind is cst.Call or kind is cst.Comparison or kind is cst.Lambda:
            self.found.append(node)
            return True
        return kind not in _HOLD_NONE and not _is_plain(node)


def visit(root: cst.CSTNode, visitor: cst.CSTVisitor) -> None:
    """Let a visitor see a node and those below it, in source order.

    ``root.visit(visitor)`` builds every node anew, which takes several times as long.
    """
    pending = [root]
    while pending:
        node = pending.pop()
        if visitor.on_visit(node):
            below: list[cst.CSTNode] = []
            for name in _FIELDS[type(node)]:
                value = getattr(node, name)
                if isinstance(value, cst.CSTNode):
                    below.append(value)
                elif isinstance(value, (tuple, list)):
                    below += [one for one in value if isinstance(one, cst.CSTNode)]
            pending += reversed(below)


def _is_plain(node: cst.CSTNode) -> bool:
    """Tell whether a node is ``a.b.c``, or parameters without defaults."""
    if isinstance(node, cst.Attribute):
        while isinstance(node, cst.Attribute):
            node = node.value
        return isinstance(node, cst.Name)
    if isinstance(node, cst.Parameters):
        parameters = (*node.posonly_params, *node.params, *node.kwonly_params)
        return all(parameter.default is None for parameter in parameters)
    return False


@dataclass(frozen=True, slots=True)
class Spots:
    """The concrete nodes of calls, lambdas, comparisons and hosts, and the comments around them."""

    source: ParsedSource
    nodes: dict[ast.AST, tuple[cst.CSTNode, cst.Module]] = field(default_factory=dict)
    comments: dict[Position, str] = field(default_factory=dict)
    """By where it starts, the text of each comment."""

    def expression(self, node: ast.expr) -> Spot | None:
        """Return an expression in both trees, if it is a spotted node or directly in one; else ``None``."""
        parent = self.source.ast_parent(node)
        name = parent.arg if isinstance(parent, ast.keyword) else None
        owner = self.source.ast_parent(parent) if isinstance(parent, ast.keyword) else parent
        whole, module = self.nodes.get(node) or self.nodes.get(owner or node) or (None, None)
        if whole is None or module is None:
            return None
        found = whole if node in self.nodes else _part(whole, owner, node, name)
        return Spot(self.source, node, found, module) if isinstance(found, cst.BaseExpression) else None


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """An expression in both trees: the ``ast`` says where it is, the concrete tree which parentheses are around it."""

    source: ParsedSource
    node: ast.expr
    concrete: cst.BaseExpression
    module: cst.Module

    @property
    def is_in_parentheses(self) -> bool:
        """Whether parentheses are around it: a tuple's own count as well."""
        return bool(self.concrete.lpar)

    @property
    def outer(self) -> Range:
        """The range in the file, with all parentheses around the expression."""
        start, end = self.source.offsets_of(self.node)
        left, right = self.concrete.lpar, self.concrete.rpar
        if isinstance(self.node, (ast.Tuple, ast.GeneratorExp)):  # In ``ast``, these include the innermost pair.
            left, right = left[:-1], right[1:]
        start -= sum(len(self.module.code_for_node(parenthesis)) for parenthesis in left)
        end += sum(len(self.module.code_for_node(parenthesis)) for parenthesis in right)
        return Range(self.source.position(start), self.source.position(end))


def _part(whole: cst.CSTNode, owner: ast.AST | None, node: ast.expr, name: str | None) -> cst.CSTNode | None:
    """Return the concrete node of an expression directly in a call, a lambda, a comparison or an assignment."""
    if isinstance(whole, cst.Call) and isinstance(owner, ast.Call):
        named = [given.value for given in whole.args if given.keyword is not None and given.keyword.value == name]
        placed = [given.value for given in whole.args if given.keyword is None and given.star != "**"]
        return named[0] if named else placed[owner.args.index(node)] if node in owner.args else None
    if isinstance(whole, cst.Lambda):
        return whole.body
    if isinstance(whole, cst.Comparison) and isinstance(owner, ast.Compare):
        return whole.left if node is owner.left else whole.comparisons[owner.comparators.index(node)].comparator
    if isinstance(whole, cst.Assign) and isinstance(owner, ast.Assign):
        return whole.value if node is owner.value else whole.targets[owner.targets.index(node)].target
    return None


def spot(source: ParsedSource, statements: Iterable[ConcreteStatement]) -> Spots:
    """Return the concrete node of each call, lambda and comparison of the ``ast`` in some statements.

    Args:
        source: the file.
        statements: its statements, as LibCST has parsed them.

    Returns:
        The nodes; none of a statement in which the two trees do not have the same ones.
    """
    spots = Spots(source)
    for statement in statements:
        visitor, host = Spotter(), statement.fragment.host
        visit(statement.node, visitor)
        ours = sorted(nodes_below([host], *_SPOTTED), key=lambda node: (start_of(node), *(-at for at in end_of(node))))
        if [_SPOTTED[type(node)] for node in ours] == [*map(type, visitor.found)]:
            pairs = zip(ours, visitor.found, strict=True)
            spots.nodes.update((node, (found, statement.module)) for node, found in pairs)
        spots.nodes.setdefault(host, (statement.node, statement.module))
        spots.comments.update(statement.fragment.comments(source))
    return spots
