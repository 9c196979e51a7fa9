"""Where LibCST nodes stand, in a text and below each other: what two of its providers tell, at a tenth of the price.

``MetadataWrapper.resolve`` visits the whole tree before it generates code once more, splits every token at line ends
and builds three objects for each node, white space included. Offsets need none of that: it is enough to count the
characters of the code that LibCST would generate, which are those it parsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

import libcst as cst
from libcst._nodes.internal import CodegenState

Span = tuple[int, int]
"""Offsets at which a node starts, and ends."""

Spans = dict[int, Span]
"""By the node's ``id``, since LibCST's nodes are hashed by a function in Python: they must all be kept alive."""

Parents = dict[int, cst.CSTNode]
"""The node around each, by the same."""


def record_spans(
    statement: cst.CSTNode, module: cst.Module, offset: int, spans: Spans, parents: Parents | None = None
) -> list[cst.Call]:
    """Record where a statement of a module and everything below it with a meaning stand.

    Args:
        statement: one of the module's statements.
        module: what was parsed.
        offset: where the statement's first character stands.
        spans: filled with the span of each node, by its ``id``, its own parentheses and outer white space left out.
        parents: filled with the node around each node below the statement.

    Returns:
        The calls in the statement, which it passes on its way.
    """
    offsets = _Offsets(module, offset, spans, {} if parents is None else parents)
    offsets.pass_over(statement)
    return offsets.calls


_Layout = tuple[tuple[str | int, ...], tuple[str | int, ...]]
"""What a node is made of, in order: fields, and lengths of what its type alone says, such as ``lambda``. The node's
span is that of the first tuple; the second stands behind it."""

_PUNCTUATION: dict[type[cst.CSTNode], tuple[str | int, ...]] = {
    cst.Dot: ("whitespace_before", 1, "whitespace_after"),
    cst.Comma: ("whitespace_before", 1, "whitespace_after"),
    cst.Colon: ("whitespace_before", 1, "whitespace_after"),
    cst.AssignEqual: ("whitespace_before", 1, "whitespace_after"),
    cst.Semicolon: ("whitespace_before", 1, "whitespace_after"),
}
"""Nobody asks where these stand."""

_PARENTHESIZED: dict[type[cst.CSTNode], tuple[str | int, ...]] = {
    cst.Name: ("value",),
    cst.Integer: ("value",),
    cst.Float: ("value",),
    cst.SimpleString: ("value",),
    cst.Attribute: ("value", "dot", "attr"),
    cst.Call: ("func", "whitespace_after_func", 1, "whitespace_before_args", "args", 1),
    cst.Lambda: (6, "whitespace_after_lambda", "params", "colon", "body"),
    cst.BinaryOperation: ("left", "operator", "right"),
    cst.BooleanOperation: ("left", "operator", "right"),
    cst.UnaryOperation: ("operator", "expression"),
    cst.Comparison: ("left", "comparisons"),
    cst.Tuple: ("elements",),
    cst.IfExp: (
        *("body", "whitespace_before_if", 2, "whitespace_after_if", "test"),
        *("whitespace_before_else", 4, "whitespace_after_else", "orelse"),
    ),
    cst.Subscript: ("value", "whitespace_after_value", "lbracket", "slice", "rbracket"),
}

_OTHERS: dict[type[cst.CSTNode], _Layout] = {
    cst.Arg: (("star", "whitespace_after_star", "keyword", "equal", "value"), ("comma", "whitespace_after_arg")),
    cst.Element: (("value",), ("comma",)),
    cst.SubscriptElement: (("slice",), ("comma",)),
    cst.Index: (("star", "whitespace_after_star", "value"), ()),
    cst.ComparisonTarget: (("operator", "comparator"), ()),
    cst.Param: (
        ("star", "whitespace_after_star", "name"),
        ("annotation", "equal", "default", "comma", "whitespace_after_param"),
    ),
    cst.Parameters: (
        ("posonly_params", "posonly_ind", "params", "star_arg", "kwonly_params", "star_kwarg"),
        (),
    ),
    cst.Return: ((6, "whitespace_after_return", "value"), ("semicolon",)),
    cst.Expr: (("value",), ("semicolon",)),
    cst.Assign: (("targets", "value"), ("semicolon",)),
    cst.AssignTarget: (("target",), ("whitespace_before_equal", 1, "whitespace_after_equal")),
}

_LAYOUTS: dict[type[cst.CSTNode], _Layout] = {
    **{node_type: (parts, ()) for node_type, parts in _PARENTHESIZED.items()},
    **_OTHERS,
}
"""The nodes that most code around a call is made of; for all others, LibCST generates the code."""


class _Offsets(CodegenState):
    """Counts the characters of the code that LibCST generates."""

    __slots__ = ("_around", "_starts", "calls", "offset", "parents", "spans")

    def __init__(self, module: cst.Module, offset: int, spans: Spans, parents: Parents) -> None:
        super().__init__(default_indent=module.default_indent, default_newline=module.default_newline)
        self.offset = offset
        self.spans = spans
        self.parents = parents
        self.calls: list[cst.Call] = []
        self._starts: list[int] = []
        self._around: list[cst.CSTNode] = []

    def pass_over(self, node: cst.CSTNode) -> None:
        """Count a node's characters."""
        kind = type(node)
        layout = _LAYOUTS.get(kind)
        if layout is not None:
            self._enter(node)
            parenthesized = kind in _PARENTHESIZED
            if parenthesized:
                self._pass_over_all(node.lpar)  # type: ignore[attr-defined]
            start = self.offset
            self._pass_over_parts(node, layout[0])
            self.spans[id(node)] = (start, self.offset)
            if parenthesized:
                self._pass_over_all(node.rpar)  # type: ignore[attr-defined]
            self._pass_over_parts(node, layout[1])
            self._leave(node)
        elif kind in _PUNCTUATION:
            self._pass_over_parts(node, _PUNCTUATION[kind])
        elif kind is cst.SimpleStatementLine:
            self._pass_over_line(node)  # type: ignore[arg-type]
        else:
            node._codegen(self)

    def _pass_over_parts(self, node: cst.CSTNode, parts: tuple[str | int, ...]) -> None:
        for part in parts:
            if type(part) is int:
                self.offset += part
                continue
            value = getattr(node, part)  # type: ignore[arg-type]
            kind = type(value)
            if kind is cst.SimpleWhitespace:
                self.offset += len(value.value)
            elif kind is str:
                self.offset += len(value)
            elif kind is tuple or kind is list:
                self._pass_over_all(value)
            elif value is not None and kind is not cst.MaybeSentinel:
                self.pass_over(value)

    def _pass_over_all(self, nodes: Sequence[cst.CSTNode]) -> None:
        for node in nodes:
            self.pass_over(node)

    def _pass_over_line(self, node: cst.SimpleStatementLine) -> None:
        self._enter(node)
        self._generate(node.leading_lines)
        self.add_indent_tokens()
        start = self.offset
        self._pass_over_all(node.body)
        self.spans[id(node)] = (start, self.spans[id(node.body[-1])][1])
        self._generate([node.trailing_whitespace])
        self._leave(node)

    def _generate(self, nodes: Sequence[cst.CSTNode]) -> None:
        for node in nodes:
            node._codegen(self)

    def _enter(self, node: cst.CSTNode) -> None:
        if self._around:
            self.parents[id(node)] = self._around[-1]
        self._around.append(node)

    def _leave(self, node: cst.CSTNode) -> None:
        self._around.pop()
        if type(node) is cst.Call:
            self.calls.append(node)

    # What LibCST calls

    def add_indent_tokens(self) -> None:
        self.offset += sum(map(len, self.indent_tokens))

    def add_token(self, value: str) -> None:
        self.offset += len(value)

    def before_codegen(self, node: cst.CSTNode) -> None:
        if type(node) is cst.SimpleWhitespace:  # Every second node is one, and nobody asks where.
            return
        self._starts.append(self.offset)
        self._enter(node)

    def after_codegen(self, node: cst.CSTNode) -> None:
        if type(node) is cst.SimpleWhitespace:
            return
        self._leave(node)
        start = self._starts.pop()
        # A syntactic position, recorded below, is the better one.
        self.spans.setdefault(id(node), (start, self.offset))

    def record_syntactic_position(  # type: ignore[override]  # A generator is what makes LibCST's slow.
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> _Recording:
        return _Recording(self, node, start_node, end_node)


class _Recording:
    """The ``with`` block in which LibCST generates a node without its parentheses and outer white space."""

    __slots__ = ("_end_node", "_node", "_start", "_start_node", "_state")

    def __init__(
        self, state: _Offsets, node: cst.CSTNode, start_node: cst.CSTNode | None, end_node: cst.CSTNode | None
    ) -> None:
        self._state = state
        self._node = node
        self._start_node = start_node
        self._end_node = end_node

    def __enter__(self) -> None:
        self._start = self._state.offset

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        spans = self._state.spans
        start = self._start if self._start_node is None else spans[id(self._start_node)][0]
        end = self._state.offset if self._end_node is None else spans[id(self._end_node)][1]
        spans[id(self._node)] = (start, end)
