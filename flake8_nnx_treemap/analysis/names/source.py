"""One source text, seen three ways: as text, as ``ast`` bindings, and as LibCST of just the statements that matter.

LibCST needs ten times as long for a module as the standard ``ast``, and its native parser overflows the stack on an
expression nested a few thousand deep. So it is given only statements that hold a candidate, and the definitions they
refer to, and each only after its depth is known. It is imported when the first is parsed: to import it takes longer
than to see, on the ``ast``, that most files hold nothing for it.
"""

from __future__ import annotations

import ast
import functools
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from flake8_nnx_treemap.analysis.code.nodes import child_nodes, words_below
from flake8_nnx_treemap.analysis.code.text import LINE_END, WideCharacters, line_starts
from flake8_nnx_treemap.analysis.code.text import Edit as Edit
from flake8_nnx_treemap.analysis.code.text import Position as Position
from flake8_nnx_treemap.analysis.code.text import Range as Range
from flake8_nnx_treemap.analysis.code.text import SourceError as SourceError
from flake8_nnx_treemap.analysis.code.text import parse_module as parse_module
from flake8_nnx_treemap.analysis.names.bindings import Binding, Bindings, Block, Host, Place, end_of, start_of

if TYPE_CHECKING:
    import libcst as cst

    from flake8_nnx_treemap.analysis.fragments import Fragment
    from flake8_nnx_treemap.analysis.positions import Parents, Spans

MAXIMUM_DEPTH = 150
"""Deepest nesting of ``ast`` nodes given to LibCST, whose Python side recurses about five frames for each."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be read off the source, and why; rules stay silent on it, ``--verbose`` shows it."""

    reason: str


Modules = Callable[[str], "tuple[ParsedSource, str] | None"]
"""Finds the module of this project that a qualified name leads into, with the name that it has there."""


_Asked = ParamSpec("_Asked")
_Fact = TypeVar("_Fact")
_UNANSWERED = object()


def remembered(
    compute: Callable[Concatenate[ParsedSource, _Asked], _Fact],
) -> Callable[Concatenate[ParsedSource, _Asked], _Fact]:
    """Let a function of a source compute its answer once for the same question.

    Args:
        compute: the function; its other arguments must be hashable, as nodes are, by identity.
    """

    @functools.wraps(compute)
    def answer(source: ParsedSource, /, *args: _Asked.args, **kwargs: _Asked.kwargs) -> _Fact:
        question = (compute, args, *kwargs.items()) if kwargs else (compute, args)
        found = source.memory.get(question, _UNANSWERED)
        if found is _UNANSWERED:
            found = source.memory[question] = compute(source, *args, **kwargs)
        return found  # type: ignore[return-value]

    return answer


class ParsedSource:
    """A source text and the answers to what its parts mean."""

    def __init__(
        self,
        text: str,
        filename: str = "<stdin>",
        modules: Modules | None = None,
        bindings: Bindings | None = None,
    ) -> None:
        """Read a source.

        Args:
            text: the whole source.
            filename: the name that messages use.
            modules: finds other modules of the project; without it, what they define is not seen.
            bindings: what its names mean, if the caller knows it already.

        Raises:
            SourceError: the text is not Python.
        """
        self.text = text
        self.filename = filename
        self.modules = modules
        self.bindings = Bindings(parse_module(text)) if bindings is None else bindings
        self.tree = self.bindings.tree
        self.memory: dict[object, object] = {}
        """What ``remembered`` functions have answered."""
        self._is_ascii = text.isascii()
        self._wide: dict[int, WideCharacters | None] = {}
        """What rows hold beyond ASCII, if anything."""
        self._parsed: dict[ast.AST, cst.CSTNode | Unknown] = {}
        self._hosts: dict[int, ast.AST] = {}
        self._calls: dict[ast.AST, list[cst.Call]] = {}
        self._spans: Spans = {}
        self._parents: Parents = {}
        self._places: dict[int, Place] = {}
        self._alive: list[cst.Module] = []
        """What was parsed: the tables above and below find a node by its ``id``, which must not become another's."""
        self._ast_parents: dict[ast.AST, ast.AST] = {}
        self._expressions: dict[int, ast.expr | None] = {}

    # Text

    @functools.cached_property
    def _line_starts(self) -> list[int]:
        return line_starts(self.text)

    def line(self, row: int) -> str:
        """The text of a row, counted from 1, without its line end."""
        start = self._line_starts[row - 1]
        end = self._line_starts[row] if row < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def lines(self) -> Iterator[str]:
        """Every row's text, without line ends."""
        return map(self.line, range(1, len(self._line_starts) + 1))

    @property
    def newline(self) -> str:
        """The line end that the file uses first."""
        match = LINE_END.search(self.text)
        return match.group() if match else "\n"

    def offset(self, position: Position) -> int:
        """Where a position stands in the text."""
        return self._line_starts[position.row - 1] + position.column - 1

    def position(self, offset: int) -> Position:
        """The position of an offset in the text."""
        row = bisect_right(self._line_starts, offset)
        return Position(row, offset - self._line_starts[row - 1] + 1)

    def position_of_place(self, place: Place) -> Position:
        """An ``ast`` place (UTF-8 columns) as a position (code points)."""
        row, column = place
        wide = self._wide_characters(row)
        return Position(row, 1 + (column if wide is None else wide.characters_before(column)))

    def place_at(self, position: Position) -> Place:
        """A position as an ``ast`` place."""
        wide = self._wide_characters(position.row)
        column = position.column - 1
        return (position.row, column if wide is None else wide.bytes_before(column))

    def place_of(self, node: cst.CSTNode) -> Place:
        """Where a LibCST node starts, as ``ast`` counts."""
        place = self._places.get(id(node))
        if place is None:
            place = self._places[id(node)] = self.place_at(self.position(self._spans[id(node)][0]))
        return place

    def places_of(self, node: cst.CSTNode) -> tuple[Place, Place]:
        """Where a LibCST node starts and ends, as ``ast`` counts."""
        range_ = self.range(node)
        return self.place_at(range_.start), self.place_at(range_.end)

    # LibCST

    def parse(self, nodes: Iterable[Host]) -> None:
        """Parse statements and expressions with LibCST, all in one go, so that ``cst_of`` finds them done."""
        from flake8_nnx_treemap.analysis.fragments import Fragment

        wanted = [node for node in dict.fromkeys(nodes) if node not in self._parsed]
        fragments = []
        for node in wanted:
            fragment = Fragment.cut(self, node)
            # Each level takes a character at least, so most need not be measured.
            if len(fragment.text) > MAXIMUM_DEPTH and _depth_exceeds(node, MAXIMUM_DEPTH):
                self._parsed[node] = Unknown("nested too deeply")
            else:
                fragments.append(fragment)
        if fragments and not self._take(fragments):
            for fragment in fragments:
                if not self._take([fragment]):
                    self._parsed[fragment.node] = Unknown("LibCST does not parse it")

    def _take(self, fragments: Sequence[Fragment]) -> bool:
        from flake8_nnx_treemap.analysis.fragments import parse_fragments

        module = parse_fragments(fragments, self._parsed, self._calls, self._spans, self._parents)
        if module is not None:
            self._alive.append(module)
            self._hosts.update((id(self._parsed[fragment.node]), fragment.node) for fragment in fragments)
        return module is not None

    def cst_of(self, node: Host) -> cst.CSTNode | Unknown:
        """The LibCST node of an ``ast`` statement or expression."""
        if node not in self._parsed:
            self.parse([node])
        return self._parsed[node]

    def calls_below(self, node: Host) -> Sequence[cst.Call]:
        """The LibCST nodes of the calls in an ``ast`` statement or expression; none if LibCST does not parse it."""
        self.cst_of(node)
        return self._calls.get(node, ())

    def ast_of(self, node: cst.BaseExpression) -> ast.expr | None:
        """The ``ast`` expression of a LibCST one; ``ast`` counts the parentheses of a tuple, and no others."""
        if id(node) not in self._expressions:
            self._expressions[id(node)] = self._ast_of(node)
        return self._expressions[id(node)]

    def _ast_of(self, node: cst.BaseExpression) -> ast.expr | None:
        import libcst as cst

        ranges = [self.range(node), self.outer_range(node)]
        for range_ in reversed(ranges) if isinstance(node, (cst.Tuple, cst.GeneratorExp)) else ranges:
            found = self.bindings.expression_at(self.place_at(range_.start), self.place_at(range_.end))
            if found is not None:
                return found
        return None

    def definition_of(self, node: cst.Lambda | cst.FunctionDef) -> ast.Lambda | ast.FunctionDef | None:
        """The ``ast`` definition of a function that ``cst_of`` was asked for, or of a lambda anywhere."""
        import libcst as cst

        if isinstance(node, cst.Lambda):
            found: ast.AST | None = self.ast_of(node)
        else:
            found = self._hosts.get(id(node))
        return found if isinstance(found, (ast.Lambda, ast.FunctionDef)) else None

    @remembered
    def ast_nodes(self) -> list[ast.AST]:
        """Every ``ast`` node of the file, level by level."""
        return self._nodes_with_parents(self.tree)

    def ast_parent(self, node: ast.AST) -> ast.AST | None:
        """The ``ast`` node around a node of this file's tree."""
        if node not in self._ast_parents and node is not self.tree:
            self._learn_parents_around(node)
        return self._ast_parents.get(node)

    def _learn_parents_around(self, node: ast.AST) -> None:
        """Go through the statement of the module that a node stands in; most are never asked about."""
        row = getattr(node, "lineno", 0)
        index = bisect_right(self.tree.body, row, key=lambda statement: start_of(statement)[0])
        if index and self.tree.body[index - 1] not in self._ast_parents:
            self._nodes_with_parents(self.tree.body[index - 1])
            self._ast_parents[self.tree.body[index - 1]] = self.tree
        if node not in self._ast_parents:  # Some have no place; and in f-strings, before Python 3.12, a wrong one.
            self.ast_nodes()

    def adopt(self, root: ast.expr, parent: ast.AST) -> None:
        """Let ``ast_parent`` lead from an expression that was read out of a string to the string."""
        self.ast_nodes()
        self._nodes_with_parents(root)
        self._ast_parents[root] = parent

    def _nodes_with_parents(self, root: ast.AST) -> list[ast.AST]:
        nodes = [root]
        for node in nodes:
            if children := child_nodes(node):
                self._ast_parents.update(dict.fromkeys(children, node))
                nodes += children
        return nodes

    def _wide_characters(self, row: int) -> WideCharacters | None:
        if self._is_ascii:
            return None
        if row not in self._wide:
            line = self.line(row)
            self._wide[row] = None if line.isascii() else WideCharacters(line)
        return self._wide[row]

    def range(self, node: cst.CSTNode) -> Range:
        """Where a LibCST node stands in the file, its own parentheses not counted."""
        start, end = self._spans[id(node)]
        return Range(self.position(start), self.position(end))

    def outer_range(self, node: cst.BaseExpression) -> Range:
        """Where an expression stands in the file, with the parentheses around it."""
        if not node.lpar:
            return self.range(node)
        return Range(self.position(self._spans[id(node.lpar[0])][0]), self.position(self._spans[id(node.rpar[-1])][1]))

    def text_of(self, node: cst.CSTNode) -> str:
        """The text of a LibCST node as it stands in the file."""
        start, end = self._spans[id(node)]
        return self.text[start:end]

    def text_in(self, range_: Range) -> str:
        """The text of a range."""
        return self.text[self.offset(range_.start) : self.offset(range_.end)]

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The LibCST node around a node, within the statement or expression that was parsed."""
        return self._parents.get(id(node))

    # Meaning

    def bindings_of(self, name: cst.Name) -> tuple[Binding, ...]:
        """The bindings that may be in force where a name is used."""
        return self.bindings.bindings_of(name.value, self.place_of(name))

    def qualified_names(self, node: cst.BaseExpression) -> frozenset[str]:
        """What a name or attribute chain may stand for; empty for everything else. See ``Bindings.qualified_names``."""
        from flake8_nnx_treemap.analysis.syntax import dotted_parts

        parts = dotted_parts(node)
        if parts is None:
            return frozenset()
        return self.bindings.qualified_names(parts, self.place_of(node))

    def expects_missing_attribute(self, node: cst.CSTNode) -> bool:
        """Whether a node stands in a ``try`` or ``with`` that may handle ``AttributeError``: raising is planned."""
        return self.expects_attribute_error_at(self.place_of(node))

    def expects_attribute_error_at(self, place: Place) -> bool:
        """The same, of a place."""
        block = self.bindings.block_at(place)
        around = block.ancestors() if block else ()
        if any(one.is_try_body and self._expects_attribute_error(one) for one in around):
            return True
        blocks = self._expecting_blocks()
        before = bisect_right(blocks, place, key=itemgetter(0)) - 1
        return before >= 0 and place < blocks[before][1]

    @remembered
    def _expects_attribute_error(self, block: Block) -> bool:
        """Whether a handler of a block that a ``try`` guards may handle ``AttributeError``."""
        return any(map(_catches_attribute_error, getattr(block.owner, "handlers", ())))

    @remembered
    def _expecting_blocks(self) -> list[tuple[Place, Place]]:
        """Where ``with suppress(AttributeError)``, ``with pytest.raises(AttributeError)`` and their like reach.

        Sorted, and without those that stand in another one.
        """
        found: list[tuple[Place, Place]] = []
        for node in (one.node for one in self.bindings.statements):
            if not isinstance(node, (ast.With, ast.AsyncWith)) or (found and start_of(node) < found[-1][1]):
                continue
            if any(map(_names_attribute_error, (item.context_expr for item in node.items))):
                found.append((start_of(node), end_of(node)))
        return found

    # Edits

    def replace(self, range_: Range, content: str) -> Edit:
        """Replace a range, touching only the characters that differ."""
        old = self.text_in(range_)
        start = 0
        while start < min(len(old), len(content)) and old[start] == content[start]:
            start += 1
        end = 0
        while end < min(len(old), len(content)) - start and old[-1 - end] == content[-1 - end]:
            end += 1
        offset = self.offset(range_.start)
        trimmed = Range(self.position(offset + start), self.position(offset + len(old) - end))
        return Edit(trimmed, content[start : len(content) - end])

    def insert(self, position: Position, content: str) -> Edit:
        """Insert text at a position."""
        return Edit(Range(position, position), content)


_CATCHES_ATTRIBUTE_ERROR = frozenset({"AttributeError", "Exception", "BaseException"})


def _catches_attribute_error(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or _names_attribute_error(handler.type)


def _names_attribute_error(node: ast.AST) -> bool:
    return not _CATCHES_ATTRIBUTE_ERROR.isdisjoint(words_below(node))


def _depth_exceeds(root: ast.AST, limit: int) -> bool:
    level = [root]
    for _ in range(limit):
        level = [child for node in level for child in child_nodes(node)]
        if not level:
            return False
    return True
