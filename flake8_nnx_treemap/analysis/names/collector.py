"""Collects the scopes, bindings and uses of names of a module in one pass over its ``ast``."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.managers import may_swallow
from flake8_nnx_treemap.analysis.code.nodes import Place, child_nodes, dotted_name, end_of, start_of, walk
from flake8_nnx_treemap.analysis.names.scopes import (
    FUNCTIONS,
    Binding,
    BindingKind,
    Block,
    ExpressionScope,
    Scope,
    ScopeKind,
    Statement,
)

_SIMPLE = frozenset(
    {ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Delete, ast.Pass}
    | {ast.Break, ast.Continue, getattr(ast, "TypeAlias", ast.Pass)}
)
_BIND_NOTHING = frozenset({ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Pass, ast.Break, ast.Continue})
_COMPREHENSIONS = frozenset({ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp})
_LISTED = frozenset({ast.Compare, ast.Dict, ast.IfExp, ast.NamedExpr, ast.Subscript})
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_BLOCK_FIELDS = ("body", "orelse", "finalbody")


class Collector:
    """A walk over a module, with its own stack, as a chain of a thousand operators nests a thousand levels deep."""

    def __init__(self) -> None:
        self.calls: defaultdict[str, list[ast.Call]] = defaultdict(list)
        self.attributes: defaultdict[str, list[ast.Name | ast.Attribute]] = defaultdict(list)
        self.set_attributes: defaultdict[str, list[ast.Attribute]] = defaultdict(list)
        self.listed: dict[type[ast.AST], list[ast.AST]] = {kind: [] for kind in _LISTED}
        self.statements: list[Statement] = []
        self.expression_scopes: list[ExpressionScope] = []
        self.names: defaultdict[Scope, defaultdict[str, list[Binding]]] = defaultdict(lambda: defaultdict(list))
        """Kept apart from the scopes: a reference circle of scope and bindings would need the garbage collector."""

    def collect(self, tree: ast.Module) -> None:
        """Record the scopes, statements, bindings and uses of a module in this object's attributes."""
        self.module = Scope(ScopeKind.MODULE, tree, None)
        self._pending: list[tuple[list[ast.stmt], Scope, Block, ast.AST]] = [(tree.body, self.module, Block(), tree)]
        while self._pending:
            body, scope, block, parent = self._pending.pop()
            for statement in body:
                self._statement(statement, scope, block, parent)

    # Statements

    def _statement(self, node: ast.stmt, scope: Scope, block: Block, parent: ast.AST) -> None:
        if type(node) in _SIMPLE:  # Most statements are.
            self.statements.append(Statement(node, (node.lineno, node.col_offset), scope, block, parent))
            self._simple(node, scope, block)
            return
        self.statements.append(Statement(node, start_of(node), scope, block, parent))
        if isinstance(node, FUNCTIONS):
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

    def _simple(self, node: ast.stmt, scope: Scope, block: Block) -> None:
        if type(node) not in _BIND_NOTHING:
            self._bind_simple(node, scope, block)
        children = [node.value] if type(node) is ast.Expr else child_nodes(node)
        for child in children:
            if type(child) is ast.Name:
                self.attributes[child.id].append(child)
            elif type(child) is not ast.Constant:
                self._expression(child, scope, block)

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
            self._type_parameters(node, Scope(ScopeKind.TYPE_PARAMETERS, node, scope), block)

    def _compound(self, node: ast.stmt, scope: Scope, block: Block) -> None:
        for name in _BLOCK_FIELDS:
            body = getattr(node, name, None)
            if body:
                inner = self._inner_block(node, name, scope, block)
                self._pending.append((body, scope, inner, node))
                if name == "body" and isinstance(node, (ast.For, ast.AsyncFor)):  # Its body runs with what it binds.
                    self._target(node.target, node.iter, (), node, scope, inner, BindingKind.ITERATION)
        for child in child_nodes(node):
            if isinstance(child, ast.stmt):
                continue
            if isinstance(child, ast.expr):
                self._expression(child, scope, block)
            elif isinstance(child, ast.withitem):
                self._with_item(child, node, scope, block)
            elif isinstance(child, ast.ExceptHandler):
                self._handler(child, scope, block)
            elif isinstance(child, ast.match_case):
                self._case(child, scope, Block(block, child))

    def _with_item(self, item: ast.withitem, node: ast.stmt, scope: Scope, block: Block) -> None:
        self._expression(item.context_expr, scope, block)
        if item.optional_vars is not None:
            self._expression(item.optional_vars, scope, block)
            self._target(item.optional_vars, None, (), node, scope, block, BindingKind.OTHER)

    def _handler(self, handler: ast.ExceptHandler, scope: Scope, block: Block) -> None:
        inner = Block(block, handler)
        if handler.name:
            self._bind(handler.name, BindingKind.OTHER, handler, scope, inner, start_of(handler))
        if handler.type is not None:
            self._expression(handler.type, scope, block)
        self._pending.append((handler.body, scope, inner, handler))

    def _inner_block(self, node: ast.stmt, name: str, scope: Scope, block: Block) -> Block:
        if isinstance(node, (ast.With, ast.AsyncWith)):
            # What the body binds reaches the code after it, unless an error may have ended the body early.
            swallows = any(self._may_swallow(item.context_expr, scope) for item in node.items)
            return Block(block, node, may_end_early=True) if swallows else block
        is_try = isinstance(node, ast.Try) or type(node).__name__ == "TryStar"
        return Block(
            block,
            node,
            is_loop=isinstance(node, _LOOPS) and name == "body",
            is_try_body=is_try and name == "body",
        )

    def _may_swallow(self, manager: ast.expr, scope: Scope | None) -> bool:
        """Tell whether a manager may swallow an error: one that the file defines may, whatever its name is."""
        parts = dotted_name(manager.func if isinstance(manager, ast.Call) else manager)
        if parts is None or may_swallow(manager):
            return True
        while scope is not None:
            for binding in self.names[scope].get(parts[0], ()):
                if binding.kind in (BindingKind.CLASS, BindingKind.FUNCTION):
                    return True
                if len(parts) == 1 and binding.value is not None and may_swallow(binding.value):
                    return True
            scope = scope.parent
        return False

    def _case(self, case: ast.match_case, scope: Scope, block: Block) -> None:
        for pattern in walk(case.pattern):
            name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
            if isinstance(name, str):
                self._bind(name, BindingKind.OTHER, pattern, scope, block, start_of(pattern))
            elif isinstance(pattern, (ast.Attribute, ast.Name)):
                name = pattern.attr if isinstance(pattern, ast.Attribute) else pattern.id
                self.attributes[name].append(pattern)
        if case.guard is not None:
            self._expression(case.guard, scope, block)
        self._pending.append((case.body, scope, block, case))

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
        if getattr(node, "type_params", ()):
            self._type_parameters(node, inner, body)
        for expression in (*node.decorator_list, *self._defaults(node.args), *annotations_of(node)):
            self._expression(expression, scope, block)
        self._pending.append((node.body, inner, body, node))

    def _class(self, node: ast.ClassDef, scope: Scope, block: Block) -> None:
        self._bind(node.name, BindingKind.CLASS, node, scope, block, start_of(node.body[0]))
        # Methods see the type parameters of their class, but not the names that its body binds.
        around = Scope(ScopeKind.TYPE_PARAMETERS, node, scope) if getattr(node, "type_params", ()) else scope
        inner = Scope(ScopeKind.CLASS, node, around)
        body = Block(None, node)
        self._type_parameters(node, around, body)
        for expression in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self._expression(expression, scope, block)
        self._pending.append((node.body, inner, body, node))

    def _type_parameters(self, node: ast.AST, scope: Scope, block: Block) -> None:
        for parameter in getattr(node, "type_params", ()):
            self._bind(parameter.name, BindingKind.OTHER, parameter, scope, block, start_of(parameter))
            for value in child_nodes(parameter):  # Its bound, or constraints, and from Python 3.13 on its default.
                self._expression(value, scope, block)

    @staticmethod
    def _defaults(arguments: ast.arguments) -> list[ast.expr]:
        return [default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None]

    def _parameters(self, arguments: ast.arguments, scope: Scope, block: Block) -> None:
        for argument in _arguments(arguments):
            self._bind(argument.arg, BindingKind.PARAMETER, argument, scope, block, start_of(argument))

    # Expressions

    def _expression(self, root: ast.AST, scope: Scope, block: Block) -> None:
        attributes = self.attributes
        pending: list[tuple[ast.AST, Scope]] = [(root, scope)]
        for whole, inside in pending:  # Grows by lambdas and comprehensions, with their own scopes.
            stack = [whole]
            while stack:
                node = stack.pop()
                kind = type(node)  # Far cheaper than ``isinstance``; most nodes are of these four types.
                if kind is ast.Name:
                    attributes[node.id].append(node)  # type: ignore[arg-type,attr-defined]
                elif kind is ast.Attribute:
                    attributes[node.attr].append(node)  # type: ignore[arg-type,attr-defined]
                    if type(node.ctx) is ast.Store:  # type: ignore[attr-defined]
                        self.set_attributes[node.attr].append(node)  # type: ignore[arg-type,attr-defined]
                    stack.append(node.value)  # type: ignore[attr-defined]
                elif kind is ast.Call:
                    self._call(node, stack)  # type: ignore[arg-type]
                elif kind is ast.Lambda or kind in _COMPREHENSIONS:
                    pending += self._inner(node, inside, block)  # type: ignore[arg-type]
                elif kind is not ast.Constant:
                    if kind in _LISTED:
                        self._list(node, inside, block)
                    stack += child_nodes(node)

    def _list(self, node: ast.AST, scope: Scope, block: Block) -> None:
        if isinstance(node, ast.NamedExpr):
            self._walrus(node, scope, block)
        self.listed[type(node)].append(node)

    def _call(self, node: ast.Call, stack: list[ast.AST]) -> None:
        function = node.func
        if isinstance(function, ast.Attribute):
            self.calls[function.attr].append(node)
        elif isinstance(function, ast.Name):
            self.calls[function.id].append(node)
        stack.append(function)
        stack += node.args
        if node.keywords:
            stack += [keyword.value for keyword in node.keywords]

    def _inner(self, node: ast.expr, scope: Scope, block: Block) -> Iterator[tuple[ast.AST, Scope]]:
        """Yield the parts of a lambda or comprehension, each with the scope in which it is evaluated."""
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
        self.expression_scopes.append(ExpressionScope(inner, start_of(span), end_of(span), without))
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
        # A block of its own, as the expression may not be evaluated at all.
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
            # The name is bound after its value, which is evaluated first.
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
        home = scope.outside.get(name, scope) if scope.outside else scope
        self.names[home][name].append(Binding(name, kind, node, home, block, place, qualified_name, value, path))


def annotations_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    """Return the annotations of a function's parameters and of what it returns."""
    found = [argument.annotation for argument in _arguments(node.args)]
    return [annotation for annotation in (*found, node.returns) if annotation is not None]


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    starred = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]
