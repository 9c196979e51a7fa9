"""What each name means at each place of a file, read off the standard ``ast`` in one pass.

Scopes, imports, assignments, parameters, and which of several assignments reaches a use. Also where calls of tree
functions stand, so that LibCST need parse only the statements that hold one. No LibCST here, and no opinions.
"""

from __future__ import annotations

import ast
import enum
import functools
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from flake8_nnx_treemap.analysis.code.nodes import child_nodes, walk
from flake8_nnx_treemap.analysis.names.reaching_definitions import BindingsOfName

Place = tuple[int, int]
"""A row (from 1) and a column (from 0, in UTF-8 bytes), as ``ast`` counts them."""


class BindingKind(enum.Enum):
    """How a name came to mean something."""

    IMPORT = "import"
    ASSIGNMENT = "assignment"
    ITERATION = "iteration"
    FUNCTION = "function"
    CLASS = "class"
    PARAMETER = "parameter"
    OTHER = "other"


class ScopeKind(enum.Enum):
    """What opened a scope."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    LAMBDA = "lambda"
    COMPREHENSION = "comprehension"


@dataclass(slots=True, eq=False)  # Not frozen, here and below: thousands are made, and that takes thrice as long.
class Block:
    """A list of statements that run one after the other; ``owner`` is the statement it belongs to."""

    parent: Block | None = None
    owner: ast.AST | None = None
    is_loop: bool = False
    is_try_body: bool = False

    @property
    def is_tried(self) -> bool:
        """Whether it stands in what some ``try`` tries, whatever is handled."""
        return any(around.is_try_body for around in self.ancestors())

    def ancestors(self) -> Iterator[Block]:
        """This block and those around it, innermost first."""
        block: Block | None = self
        while block is not None:
            yield block
            block = block.parent


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """One scope of names; ``outside`` maps names declared ``global`` or ``nonlocal`` to where they live."""

    kind: ScopeKind
    node: ast.AST
    parent: Scope | None
    outside: dict[str, Scope] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Binding:
    """One place where a name gets a meaning.

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
"""What LibCST is given to parse: a simple statement, or one whole expression in a compound statement's header."""


@dataclass(slots=True, eq=False)
class _Statement:
    node: ast.stmt
    start: Place
    scope: Scope
    block: Block


@dataclass(frozen=True, slots=True, eq=False)
class _ExpressionScope:
    """A lambda or comprehension: names from ``start`` to ``end``, but not in the ``hole``, are looked up in it."""

    scope: Scope
    start: Place
    end: Place
    hole: tuple[Place, Place] | None


class NameUse(NamedTuple):
    """A call, or a name or attribute chain, with the host that holds it."""

    node: ast.expr
    host: Host


_use = functools.partial(tuple.__new__, NameUse)
"""``NameUse(*parts)``, for half the price: a file has thousands."""


class Reads(NamedTuple):
    """Places where a name is read, with their numbers, and the bindings that may be in force at each of them."""

    bindings: tuple[Binding, ...]
    nodes: list[tuple[int, ast.Name]]


def start_of(node: ast.AST) -> Place:
    """Where a node starts, decorators included."""
    decorators = getattr(node, "decorator_list", None)
    if decorators:
        # The "@" stands before the decorator's expression, on the same line or an earlier one.
        return (decorators[0].lineno, 0)
    return (node.lineno, node.col_offset)  # type: ignore[attr-defined]


def end_of(node: ast.AST) -> Place:
    """Where a node ends."""
    return (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]


def dotted_name(node: ast.AST) -> tuple[str, ...] | None:
    """The parts of ``a.b.c``, or ``None`` if the expression is anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return tuple(reversed(parts))


class Bindings:
    """Answers what a name means at a place of one file."""

    def __init__(self, tree: ast.Module) -> None:
        collector = _Collector()
        collector.collect(tree)
        self.tree = tree
        self.module = collector.module
        self.calls: Mapping[str, list[NameUse]] = dict(collector.calls)
        self.attributes: Mapping[str, list[NameUse]] = dict(collector.attributes)
        self.statements = sorted(collector.statements, key=attrgetter("start"))
        self._starts = [statement.start for statement in self.statements]
        self._expression_scopes = sorted(collector.expression_scopes, key=lambda found: found.start)
        self._expression_starts = [found.start for found in self._expression_scopes]
        self._scopes_around = _indices_around(self._expression_scopes)
        self._expressions: dict[ast.stmt, dict[tuple[Place, Place], ast.expr]] = {}
        self._names_in = collector.names
        self._every_binding: dict[tuple[Scope, str], tuple[Binding, ...]] = {}
        self._sorted_bindings: dict[tuple[Scope, str], BindingsOfName] = {}
        self._reaching: dict[tuple[str, Place], tuple[Binding, ...]] = {}
        self._reads: dict[str, tuple[Reads, ...]] = {}
        self._names: dict[tuple[tuple[str, ...], Place, int], frozenset[str]] = {}

    def names_in(self, scope: Scope) -> Mapping[str, list[Binding]]:
        """What the names that live in a scope are bound to."""
        return self._names_in.get(scope, {})

    def all_bound(self) -> Iterator[tuple[str, list[Binding]]]:
        """Each name of each scope, and what it is bound to there."""
        for names in self._names_in.values():
            yield from names.items()

    def is_bound_once(self, binding: Binding) -> bool:
        """Whether a name never means anything but one binding, which nothing but its own scope makes."""
        return len(self.names_in(binding.scope).get(binding.name, ())) == 1 and not self.is_shared(binding.name)

    @functools.cached_property
    def _shared(self) -> frozenset[str]:
        """The names that some function declares global or nonlocal."""
        found = (one.node.names for one in self.statements if isinstance(one.node, (ast.Global, ast.Nonlocal)))
        return frozenset(name for names in found for name in names)

    def is_shared(self, name: str) -> bool:
        """Whether some function declares a name global or nonlocal: any call may then give it another meaning."""
        return name in self._shared

    def is_written(self, name: str) -> bool:
        """Whether a name stands anywhere by itself, not as an attribute."""
        return name in self._written

    @functools.cached_property
    def _written(self) -> frozenset[str]:
        uses = self.attributes.items()
        return frozenset(name for name, found in uses if any(isinstance(use.node, ast.Name) for use in found))

    def scope_at(self, place: Place) -> Scope:
        """The scope in which a name written at ``place`` is looked up."""
        statement = self._statement_at(place)
        if statement is None:
            return self.module
        # Of the lambdas and comprehensions around a place, the one that starts last is the innermost.
        first = (statement.start[0], -1)
        index = bisect_right(self._expression_starts, place) - 1
        while index >= 0 and self._expression_starts[index] > first:
            found = self._expression_scopes[index]
            in_hole = found.hole is not None and found.hole[0] <= place < found.hole[1]
            if place < found.end and not in_hole:
                return found.scope
            index = self._scopes_around[index]
        return statement.scope

    def block_at(self, place: Place) -> Block | None:
        """The block of the statement that holds ``place``."""
        statement = self._statement_at(place)
        return None if statement is None else statement.block

    def expression_at(self, start: Place, end: Place) -> ast.expr | None:
        """The outermost expression that spans exactly these places."""
        statement = self._statement_at(start)
        if statement is None:
            return None
        if statement.node not in self._expressions:
            self._expressions[statement.node] = _expressions_by_place(statement.node)
        return self._expressions[statement.node].get((start, end))

    def _statement_at(self, place: Place) -> _Statement | None:
        # The statement that started last is the innermost one: expressions stand in simple statements and headers.
        index = bisect_right(self._starts, place)
        return self.statements[index - 1] if index else None

    def bindings_of(self, name: str, place: Place) -> tuple[Binding, ...]:
        """The bindings of ``name`` that may be in force at ``place``; empty for builtins and unknown names."""
        if (name, place) not in self._reaching:
            self._reaching[name, place] = self._bindings_of(name, place)
        return self._reaching[name, place]

    def reads_of(self, name: str) -> tuple[Reads, ...]:
        """Every place where a name is read, those together that have the very same bindings."""
        if name not in self._reads:
            found: dict[int, Reads] = {}
            for index, use in enumerate(self.attributes.get(name, ())):
                if isinstance(use.node, ast.Name) and isinstance(use.node.ctx, ast.Load):
                    bindings = self.bindings_of(name, start_of(use.node))
                    reads = found.setdefault(id(bindings), Reads(bindings, []))  # The tuples stay: see _reaching.
                    reads.nodes.append((index, use.node))
            self._reads[name] = tuple(found.values())
        return self._reads[name]

    def _bindings_of(self, name: str, place: Place) -> tuple[Binding, ...]:
        first_scope = scope = self.scope_at(place)
        while True:
            home = scope.outside.get(name, scope)
            visible = scope.kind is not ScopeKind.CLASS or scope is first_scope
            bindings = self.names_in(home).get(name) if visible else None
            if bindings:
                block = self.block_at(place)
                if len(bindings) == 1 or home is not first_scope or block is None:
                    if (home, name) not in self._every_binding:
                        self._every_binding[home, name] = tuple(bindings)
                    return self._every_binding[home, name]
                if (home, name) not in self._sorted_bindings:
                    self._sorted_bindings[home, name] = BindingsOfName(bindings)
                return self._sorted_bindings[home, name].reaching(place, block)
            if scope.parent is None:
                return ()
            scope = scope.parent

    def qualified_names(self, parts: tuple[str, ...], place: Place, depth: int = 8) -> frozenset[str]:
        """What ``a.b.c`` at ``place`` may stand for, in terms of imports.

        Args:
            parts: the names between the dots.
            place: where the expression starts.
            depth: how many assignments such as ``tmap = jax.tree.map`` are followed.

        Returns:
            Dotted names; several when alternatives are imported in branches. Empty as soon as one alternative is
            not an import. A name that is bound nowhere is taken for a builtin: ``builtins.isinstance``.
        """
        question = (parts, place, depth)
        if question not in self._names:
            self._names[question] = self._qualified_names(parts, place, depth)
        return self._names[question]

    def names_of(self, node: ast.AST, depth: int = 8) -> frozenset[str]:
        """The same of an expression where it stands; empty if it is no name and no chain of attributes of one."""
        parts = dotted_name(node)
        return frozenset() if parts is None else self.qualified_names(parts, start_of(node), depth)

    def _qualified_names(self, parts: tuple[str, ...], place: Place, depth: int) -> frozenset[str]:
        bindings = _without_fallback(self.bindings_of(parts[0], place))
        if not bindings:
            return frozenset({".".join(("builtins", *parts))})
        names: set[str] = set()
        for binding in bindings:
            found = self._qualified_names_of_binding(binding, depth)
            if not found:
                return frozenset()
            names.update(".".join((name, *parts[1:])) for name in found)
        return frozenset(names)

    def _qualified_names_of_binding(self, binding: Binding, depth: int) -> frozenset[str]:
        if binding.qualified_name is not None:
            return frozenset({binding.qualified_name})
        if binding.kind is not BindingKind.ASSIGNMENT or binding.value is None or binding.path or not depth:
            return frozenset()
        parts = dotted_name(binding.value)
        if parts is None:
            return frozenset()
        return self.qualified_names(parts, start_of(binding.value), depth - 1)


def _without_fallback(bindings: tuple[Binding, ...]) -> tuple[Binding, ...]:
    """Drop ``nnx = None`` where an import stands beside it: the idiom for an optional dependency."""
    if not any(binding.kind is BindingKind.IMPORT for binding in bindings):
        return bindings
    return tuple(
        binding
        for binding in bindings
        if not (isinstance(binding.value, ast.Constant) and binding.value.value is None and not binding.path)
    )


def _indices_around(scopes: Sequence[_ExpressionScope]) -> list[int]:
    """For each scope, sorted by start, the index of the next one before it that may end after it; -1 if none does."""
    around: list[int] = []
    open_: list[int] = []
    for index, scope in enumerate(scopes):
        while open_ and scopes[open_[-1]].end <= scope.start:
            open_.pop()
        around.append(open_[-1] if open_ else -1)
        open_.append(index)
    return around


def _expressions_by_place(statement: ast.stmt) -> dict[tuple[Place, Place], ast.expr]:
    """The expressions of a statement by start and end, the outermost of those that span the same.

    Before Python 3.12 some parts of f-strings claim to stand elsewhere; what is not within what is around it is none.
    """
    found: dict[tuple[Place, Place], ast.expr] = {}
    pending: list[tuple[ast.AST, Place, Place]] = [(statement, (0, 0), (sys.maxsize, 0))]
    while pending:
        node, low, high = pending.pop()
        if isinstance(node, ast.expr):
            start, end = start_of(node), end_of(node)
            if low <= start and end <= high:
                found.setdefault((start, end), node)
            low, high = max(low, start), min(high, end)
        pending += [(child, low, high) for child in child_nodes(node) if not isinstance(child, ast.stmt)]
    return found


def class_of_method(bindings: Sequence[Binding]) -> Scope | None:
    """The class whose method's first parameter a name is, going by the name's bindings."""
    if len(bindings) != 1 or bindings[0].kind is not BindingKind.PARAMETER:
        return None
    method = bindings[0].scope
    if method.parent is None or method.parent.kind is not ScopeKind.CLASS:
        return None
    if not isinstance(method.node, _FUNCTIONS):
        return None
    arguments = [*method.node.args.posonlyargs, *method.node.args.args]
    is_first = bool(arguments) and arguments[0] is bindings[0].node
    return method.parent if is_first else None


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SIMPLE = frozenset(
    {ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Delete, ast.Pass}
    | {ast.Break, ast.Continue, getattr(ast, "TypeAlias", ast.Pass)}
)
_COMPREHENSIONS = frozenset({ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp})
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_BLOCK_FIELDS = ("body", "orelse", "finalbody")


class _Collector:
    """Walks a module with its own stack, since a chain of a thousand operators nests a thousand nodes deep."""

    def __init__(self) -> None:
        self.calls: defaultdict[str, list[NameUse]] = defaultdict(list)
        self.attributes: defaultdict[str, list[NameUse]] = defaultdict(list)
        self.statements: list[_Statement] = []
        self.expression_scopes: list[_ExpressionScope] = []
        self.names: dict[Scope, dict[str, list[Binding]]] = {}
        """Beside the scopes and not in them: a scope and its bindings in a circle would be left to the collector."""

    def collect(self, tree: ast.Module) -> None:
        self.module = Scope(ScopeKind.MODULE, tree, None)
        self._pending: list[tuple[list[ast.stmt], Scope, Block]] = [(tree.body, self.module, Block())]
        while self._pending:
            body, scope, block = self._pending.pop()
            for statement in body:
                self._statement(statement, scope, block)

    # Statements

    def _statement(self, node: ast.stmt, scope: Scope, block: Block) -> None:
        self.statements.append(_Statement(node, start_of(node), scope, block))
        if type(node) in _SIMPLE:  # Most are.
            self._bind_simple(node, scope, block)
            for child in child_nodes(node):
                self._expression(child, scope, block, node)
        elif isinstance(node, _FUNCTIONS):
            self._function(node, scope, block)
        elif isinstance(node, ast.ClassDef):
            self._class(node, scope, block)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node, scope, block)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            for name in node.names:
                scope.outside[name] = self._outside(name, scope, isinstance(node, ast.Global))
        else:
            self._compound(node, scope, block)

    def _outside(self, name: str, scope: Scope, is_global: bool) -> Scope:
        if is_global or scope.parent is None:
            return self.module
        found = scope.parent
        while found.parent is not None and (found.kind is ScopeKind.CLASS or name not in self.names.get(found, ())):
            found = found.parent
        return found

    def _bind_simple(self, node: ast.stmt, scope: Scope, block: Block) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._target(target, node.value, (), node, scope, block)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:  # "x: T" alone declares a type and binds nothing.
                self._target(node.target, node.value, (), node, scope, block)
        elif isinstance(node, ast.AugAssign):
            self._target(node.target, None, (), node, scope, block, BindingKind.OTHER)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._target(target, None, (), node, scope, block, BindingKind.OTHER)
        elif hasattr(node, "type_params"):  # ``type X = ..``, from Python 3.12 on.
            self._target(node.name, None, (), node, scope, block, BindingKind.OTHER)  # type: ignore[attr-defined]

    def _compound(self, node: ast.stmt, scope: Scope, block: Block) -> None:
        if isinstance(node, (ast.For, ast.AsyncFor)):
            inner = Block(block, node, is_loop=True)
            self._target(node.target, node.iter, (), node, scope, inner, BindingKind.ITERATION)
        for name in _BLOCK_FIELDS:
            body = getattr(node, name, None)
            if body:
                self._pending.append((body, scope, self._inner_block(node, name, block)))
        for child in child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(child, scope, block, child)
            elif isinstance(child, ast.withitem):
                self._with_item(child, node, scope, block)
            elif isinstance(child, ast.ExceptHandler):
                self._handler(child, scope, block)
            elif isinstance(child, ast.match_case):
                self._case(child, scope, Block(block, child))

    def _with_item(self, item: ast.withitem, node: ast.stmt, scope: Scope, block: Block) -> None:
        self._expression(item.context_expr, scope, block, item.context_expr)
        if item.optional_vars is not None:
            self._target(item.optional_vars, None, (), node, scope, block, BindingKind.OTHER)

    def _handler(self, handler: ast.ExceptHandler, scope: Scope, block: Block) -> None:
        inner = Block(block, handler)
        if handler.name:
            self._bind(handler.name, BindingKind.OTHER, handler, scope, inner, start_of(handler))
        if handler.type is not None:
            self._expression(handler.type, scope, block, handler.type)
        self._pending.append((handler.body, scope, inner))

    @staticmethod
    def _inner_block(node: ast.stmt, name: str, block: Block) -> Block:
        if isinstance(node, (ast.With, ast.AsyncWith)):
            return block  # What a with statement's body binds is in force after it.
        is_try = isinstance(node, ast.Try) or type(node).__name__ == "TryStar"
        return Block(
            block,
            node,
            is_loop=isinstance(node, _LOOPS) and name == "body",
            is_try_body=is_try and name == "body",
        )

    def _case(self, case: ast.match_case, scope: Scope, block: Block) -> None:
        for pattern in walk(case.pattern):
            name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
            if isinstance(name, str):
                self._bind(name, BindingKind.OTHER, pattern, scope, block, start_of(pattern))
            elif isinstance(pattern, (ast.Attribute, ast.Name)):
                name = pattern.attr if isinstance(pattern, ast.Attribute) else pattern.id
                self.attributes[name].append(NameUse(pattern, pattern))
        if case.guard is not None:
            self._expression(case.guard, scope, block, case.guard)
        self._pending.append((case.body, scope, block))

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope, block: Block) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                bound = alias.asname or alias.name.partition(".")[0]
                qualified = alias.name if alias.asname else bound
            else:
                bound = alias.asname or alias.name
                qualified = "." * node.level + ".".join(filter(None, (node.module, alias.name)))
            if bound != "*":
                self._bind(bound, BindingKind.IMPORT, node, scope, block, start_of(node), qualified_name=qualified)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, block: Block) -> None:
        # Decorators, defaults and bases are evaluated before the name is bound.
        self._bind(node.name, BindingKind.FUNCTION, node, scope, block, start_of(node.body[0]))
        inner = Scope(ScopeKind.FUNCTION, node, scope)
        body = Block(None, node)
        self._parameters(node.args, inner, body)
        self._type_parameters(node, inner, body)
        headers = [*node.decorator_list, *self._defaults(node.args), *self._annotations(node)]
        for expression in headers:
            self._expression(expression, scope, block, expression)
        self._pending.append((node.body, inner, body))

    def _class(self, node: ast.ClassDef, scope: Scope, block: Block) -> None:
        self._bind(node.name, BindingKind.CLASS, node, scope, block, start_of(node.body[0]))
        inner = Scope(ScopeKind.CLASS, node, scope)
        body = Block(None, node)
        self._type_parameters(node, inner, body)
        for expression in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self._expression(expression, scope, block, expression)
        self._pending.append((node.body, inner, body))

    def _type_parameters(self, node: ast.AST, scope: Scope, block: Block) -> None:
        for parameter in getattr(node, "type_params", ()):
            self._bind(parameter.name, BindingKind.OTHER, parameter, scope, block, start_of(parameter))

    @staticmethod
    def _defaults(arguments: ast.arguments) -> list[ast.expr]:
        return [default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None]

    @staticmethod
    def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
        found = [argument.annotation for argument in _arguments(node.args)]
        return [annotation for annotation in (*found, node.returns) if annotation is not None]

    def _parameters(self, arguments: ast.arguments, scope: Scope, block: Block) -> None:
        for argument in _arguments(arguments):
            self._bind(argument.arg, BindingKind.PARAMETER, argument, scope, block, start_of(argument))

    # Expressions

    def _expression(self, root: ast.AST, scope: Scope, block: Block, host: Host) -> None:
        pending: list[tuple[ast.AST, Scope]] = [(root, scope)]
        for whole, inside in pending:  # Lambdas and comprehensions follow, each with a scope of its own.
            stack = [whole]
            while stack:
                node = stack.pop()
                kind = type(node)  # Far cheaper than ``isinstance``, and most of what is looked at are these four.
                if kind is ast.Name:
                    self.attributes[node.id].append(_use((node, host)))  # type: ignore[attr-defined]
                elif kind is ast.Attribute:
                    self.attributes[node.attr].append(_use((node, host)))  # type: ignore[attr-defined]
                    stack.append(node.value)  # type: ignore[attr-defined]
                elif kind is ast.Call:
                    self._call(node, host, stack)  # type: ignore[arg-type]
                elif kind is ast.Lambda or kind in _COMPREHENSIONS:
                    pending += self._inner(node, inside, block)  # type: ignore[arg-type]
                elif kind is not ast.Constant:
                    if kind is ast.NamedExpr:
                        self._walrus(node, inside, block)  # type: ignore[arg-type]
                    stack += child_nodes(node)

    def _call(self, node: ast.Call, host: Host, stack: list[ast.AST]) -> None:
        function = node.func
        if isinstance(function, (ast.Attribute, ast.Name)):
            name = function.attr if isinstance(function, ast.Attribute) else function.id
            self.calls[name].append(_use((node, host)))
        stack.append(function)
        stack += node.args
        stack += [keyword.value for keyword in node.keywords]

    def _inner(self, node: ast.expr, scope: Scope, block: Block) -> Iterator[tuple[ast.AST, Scope]]:
        """The parts of what has a scope of its own, each with the scope that it stands in."""
        if not isinstance(node, ast.Lambda):
            yield from self._comprehension(node, scope, block)  # type: ignore[arg-type]
            return
        inner = self._expression_scope(ScopeKind.LAMBDA, node, scope, node.body, None)
        self._parameters(node.args, inner, block)
        yield node.body, inner
        for default in self._defaults(node.args):
            yield default, scope

    def _expression_scope(
        self, kind: ScopeKind, node: ast.expr, scope: Scope, span: ast.AST, hole: ast.AST | None
    ) -> Scope:
        inner = Scope(kind, node, scope)
        without = None if hole is None else (start_of(hole), end_of(hole))
        self.expression_scopes.append(_ExpressionScope(inner, start_of(span), end_of(span), without))
        return inner

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, scope: Scope, block: Block
    ) -> Iterator[tuple[ast.AST, Scope]]:
        first = node.generators[0]
        inner = self._expression_scope(ScopeKind.COMPREHENSION, node, scope, node, first.iter)
        yield first.iter, scope
        for generator in node.generators:
            self._target(generator.target, generator.iter, (), generator, inner, block, BindingKind.ITERATION)
            if generator is not first:
                yield generator.iter, inner
            for condition in generator.ifs:
                yield condition, inner
        for name in ("elt", "key", "value"):
            if hasattr(node, name):
                yield getattr(node, name), inner

    def _walrus(self, node: ast.NamedExpr, scope: Scope, block: Block) -> None:
        while scope.kind is ScopeKind.COMPREHENSION and scope.parent is not None:
            scope = scope.parent
        # Whether the expression is evaluated at all is not known here, so it never counts as certain.
        self._target(node.target, node.value, (), node, scope, Block(block, node))

    # Targets

    def _target(
        self,
        target: ast.expr,
        value: ast.expr | None,
        path: tuple[int | None, ...],
        node: ast.AST,
        scope: Scope,
        block: Block,
        kind: BindingKind = BindingKind.ASSIGNMENT,
    ) -> None:
        if isinstance(target, ast.Name):
            # A name is in force after its statement: the value is evaluated first.
            place = end_of(target) if kind is BindingKind.ITERATION or value is None else end_of(value)
            self._bind(target.id, kind, node, scope, block, max(place, end_of(target)), value=value, path=path)
        elif isinstance(target, (ast.Tuple, ast.List)):
            starred = False
            for index, element in enumerate(target.elts):
                starred = starred or isinstance(element, ast.Starred)
                inner = element.value if isinstance(element, ast.Starred) else element
                self._target(inner, value, (*path, None if starred else index), node, scope, block, kind)

    def _bind(
        self,
        name: str,
        kind: BindingKind,
        node: ast.AST,
        scope: Scope,
        block: Block,
        place: Place,
        *,
        qualified_name: str | None = None,
        value: ast.expr | None = None,
        path: tuple[int | None, ...] = (),
    ) -> None:
        home = scope.outside.get(name, scope)
        binding = Binding(name, kind, node, home, block, place, qualified_name, value, path)
        self.names.setdefault(home, {}).setdefault(name, []).append(binding)


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    starred = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]
