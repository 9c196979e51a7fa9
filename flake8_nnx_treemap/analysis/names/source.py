"""A source text with its ``ast`` and the bindings of its names."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from flake8_nnx_treemap.analysis.code.nodes import Place, child_nodes, end_of, start_of, words_below
from flake8_nnx_treemap.analysis.code.regions import Region, is_within
from flake8_nnx_treemap.analysis.code.text import Edit as Edit
from flake8_nnx_treemap.analysis.code.text import Position as Position
from flake8_nnx_treemap.analysis.code.text import Range as Range
from flake8_nnx_treemap.analysis.code.text import SourceText, parse_module
from flake8_nnx_treemap.analysis.code.text import remembered as remembered
from flake8_nnx_treemap.analysis.names.bindings import Bindings
from flake8_nnx_treemap.analysis.names.scopes import Block, Host


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that could not be found, and why; rules report nothing where they need it, ``--verbose`` shows it."""

    reason: str


class Modules(Protocol):
    """The other modules of a file's project."""

    def __call__(self, name: str, /) -> tuple[ParsedSource, str] | None:
        """Find the module that defines a qualified name, and the name in that module."""

    def import_from_here(self, name: str, /) -> bool:
        """Tell whether one of them imports a name from the file."""

    def importing(self, name: str, /) -> Iterator[ParsedSource]:
        """Yield those of them that may import a name from the file, or from another one that exports it again."""

    def give_bases_to(self, text: str, /) -> bool:
        """Tell whether a class in the file's text inherits from one of NNX, perhaps by way of one of them."""

    def define_class_without(self, words: Sequence[str], name: str, /) -> bool:
        """Tell, by its text alone, whether one of them defines a class of a name and has none of some words in it."""

    def may_define_modules(self, text: str, /) -> bool:
        """Tell whether a class in the file's text may be of Modules, as far as that is known without parsing others."""


class ParsedSource(SourceText):
    """A source text with its ``ast``, the parents of its nodes, and the bindings of its names."""

    def __init__(
        self,
        text: str,
        filename: str = "<stdin>",
        modules: Modules | None = None,
        bindings: Bindings | None = None,
    ) -> None:
        """Parse a source text.

        Args:
            text: the whole source.
            filename: the name that messages use.
            modules: finds other modules of the project; without it, what they define is unknown.
            bindings: the bindings of its names, if the caller has them already.

        Raises:
            SourceError: the text is not Python.
        """
        super().__init__(text, filename)
        self.modules = modules
        self.bindings = Bindings(parse_module(text)) if bindings is None else bindings
        self.tree = self.bindings.tree
        self._ast_parents: dict[ast.AST, ast.AST] = {}
        self._with_parents: set[ast.stmt] = set()
        """The statements whose own nodes have their parents recorded."""

    @remembered
    def ast_nodes(self) -> list[ast.AST]:
        """Return every ``ast`` node of the file, level by level."""
        return self._nodes_with_parents(self.tree)

    def ast_parent(self, node: ast.AST) -> ast.AST | None:
        """Return the parent of a node of this file's ``ast``."""
        if node not in self._ast_parents and node is not self.tree:
            self._learn_parents_around(node)
        return self._ast_parents.get(node)

    def _learn_parents_around(self, node: ast.AST) -> None:
        """Record the parents in the statement that holds a node, and in those around it until the node is found."""
        statement = self.bindings.statement_at(start_of(node)) if hasattr(node, "lineno") else None
        while statement is not None and node not in self._ast_parents:
            if statement.node not in self._with_parents:
                self._learn_parents_in(statement.node)
                self._ast_parents[statement.node] = statement.parent
            around = getattr(statement.parent, "pattern", statement.parent)  # A case has no place, but its pattern has.
            statement = None if around is self.tree else self.bindings.statement_at(start_of(around))
        if node not in self._ast_parents:  # Some nodes have no place, or a wrong one in f-strings before Python 3.12.
            self.ast_nodes()

    def _learn_parents_in(self, statement: ast.stmt) -> None:
        """Record the parents of the nodes in a statement, but not of those in statements within it."""
        self._with_parents.add(statement)
        nodes: list[ast.AST] = [statement]
        for node in nodes:
            if children := child_nodes(node):
                self._ast_parents.update(dict.fromkeys(children, node))
                if isinstance(node, ast.expr):  # Most are, and hold no statements.
                    nodes += children
                else:
                    nodes += [child for child in children if not isinstance(child, ast.stmt)]

    def adopt(self, root: ast.expr, parent: ast.AST) -> None:
        """Record a string as the parent of an expression that was parsed from it."""
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

    def expects_attribute_error_at(self, place: Place) -> bool:
        """Tell whether code at a place may handle an ``AttributeError``, by ``except``, ``suppress`` or ``raises``."""
        return self.expects_error_at(place, _CATCHES_ATTRIBUTE_ERROR)

    def expects_error_at(self, place: Place, errors: frozenset[str]) -> bool:
        """Tell whether code at a place handles one of some errors, by ``except``, ``suppress`` or ``raises``."""
        block = self.bindings.block_at(place)
        around = block.ancestors() if block else ()
        if any(one.is_try_body and self._expects_error(one, errors) for one in around):
            return True
        return is_within(place, self._expecting_blocks(errors))

    @remembered
    def _expects_error(self, block: Block, errors: frozenset[str]) -> bool:
        """Tell whether a handler of a ``try`` may handle one of some errors of its body."""
        return any(_catches(handler, errors) for handler in getattr(block.owner, "handlers", ()))

    @remembered
    def _expecting_blocks(self, errors: frozenset[str]) -> list[Region]:
        """Return the extents of ``with suppress(error)``, ``with pytest.raises(error)`` and the like for some errors.

        They are sorted, without those that are in another one.
        """
        found: list[Region] = []
        for node in (one.node for one in self.bindings.statements):
            if not isinstance(node, (ast.With, ast.AsyncWith)) or (found and start_of(node) < found[-1][1]):
                continue
            if any(_names_error(item.context_expr, errors) for item in node.items):
                found.append((start_of(node), end_of(node)))
        return found


def host_of(source: ParsedSource, node: ast.AST) -> Host:
    """Return the simple statement that holds a node, or the whole expression in the header of a compound one."""
    found: Host | None = None
    around: ast.AST | None = node
    while around is not None:
        if isinstance(around, ast.expr):
            # What is starred is an expression by itself; with its star, as in ``class A(*bases)``, it is none.
            found = found if found is not None and isinstance(around, ast.Starred) else around
        elif isinstance(around, ast.stmt):
            is_compound = hasattr(around, "body") or isinstance(around, ast.Match)
            return around if found is None or not is_compound else found
        around = source.ast_parent(around)
    assert found is not None, "every expression is in a statement"
    return found


_CATCHES_ATTRIBUTE_ERROR = frozenset({"AttributeError", "Exception", "BaseException"})


def _catches(handler: ast.ExceptHandler, errors: frozenset[str]) -> bool:
    """Tell whether a handler is for some errors; a handler of everything is where ``BaseException`` is among them."""
    return "BaseException" in errors if handler.type is None else _names_error(handler.type, errors)


def _names_error(node: ast.AST, errors: frozenset[str]) -> bool:
    return not errors.isdisjoint(words_below(node))
