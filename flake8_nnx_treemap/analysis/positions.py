"""Where LibCST nodes stand, in a text and below each other: what two of its providers tell, at a third of the price.

``MetadataWrapper.resolve`` visits the whole tree before it generates code once more, splits every token at line ends
and builds three objects for each node, white space included. Offsets need none of that.
"""

from __future__ import annotations

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
    """Record where a statement of a module and everything below it stand; blanks are left out.

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
    statement._codegen(offsets)
    return offsets.calls


class _Offsets(CodegenState):
    """Counts the characters of the code that LibCST generates, which are those it parsed."""

    __slots__ = ("_around", "_starts", "calls", "offset", "parents", "spans")

    def __init__(self, module: cst.Module, offset: int, spans: Spans, parents: Parents) -> None:
        super().__init__(default_indent=module.default_indent, default_newline=module.default_newline)
        self.offset = offset
        self.spans = spans
        self.parents = parents
        self.calls: list[cst.Call] = []
        self._starts: list[int] = []
        self._around: list[cst.CSTNode] = []

    def add_indent_tokens(self) -> None:
        self.offset += sum(map(len, self.indent_tokens))

    def add_token(self, value: str) -> None:
        self.offset += len(value)

    def before_codegen(self, node: cst.CSTNode) -> None:
        if type(node) is cst.SimpleWhitespace:  # Every second node is one, and nobody asks where.
            return
        self._starts.append(self.offset)
        if self._around:
            self.parents[id(node)] = self._around[-1]
        self._around.append(node)

    def after_codegen(self, node: cst.CSTNode) -> None:
        if type(node) is cst.SimpleWhitespace:
            return
        if type(node) is cst.Call:
            self.calls.append(node)
        self._around.pop()
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
