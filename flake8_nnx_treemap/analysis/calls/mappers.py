"""Reads what a mapper does with its leaf: how it tests its type, and which attributes it always reads."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from flake8_nnx_treemap.analysis.calls.class_references import class_name, classes_of
from flake8_nnx_treemap.analysis.calls.functions import SINGLE_DISPATCH, Function, function_of
from flake8_nnx_treemap.analysis.calls.predicates import (
    LeafTest,
    Subjects,
    TypeTest,
    leaf_test_of,
    type_test_of,
    typed_subject,
)
from flake8_nnx_treemap.analysis.code.nodes import (
    Code,
    Definition,
    access_path,
    body_of,
    child_nodes,
    is_name,
    nodes_below,
    own_nodes,
    positional_arguments,
    subscript_keys,
    without_docstring,
    words_below,
)
from flake8_nnx_treemap.analysis.names.scopes import ScopeKind
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered

HELPER_DEPTH = 2
"""How many calls deep helpers are read to which the leaf is passed."""

_TRIES: Final = (ast.Try, getattr(ast, "TryStar", ast.Try))  # From Python 3.11 on.


@dataclass(frozen=True, slots=True, eq=False)
class Dispatch:
    """One place where a mapper branches on the leaf's type or attributes.

    ``test`` is set if it names classes; otherwise it tests for an attribute, or for something unknown. ``elsewhere`` is
    the predicate of another file that it calls, as in ``is_param(x)``, if that is nothing but type tests.
    ``of_first`` is false if it tests the leaf of a further tree, which may be a wrapper without ``is_leaf``.
    ``is_negated`` is true of ``type(x) is not C``, which holds for all leaves but those of the class.
    """

    node: ast.AST
    test: TypeTest | None = None
    attribute: str | None = None
    of_first: bool = True
    is_negated: bool = False
    elsewhere: LeafTest | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Mapper:
    """A mapper whose definition is in the project.

    ``leaf`` is how the function spells the leaf of the first tree: a parameter's name, or ``args[0]``; ``others`` are
    the parameters for leaves of further trees. ``always_reads`` are the attributes that it reads from the leaf on every
    path to a result. ``ignores_leaf`` is true if it never uses the leaf, as in ``lambda _: replicated``; ``results``
    are the expressions that it may return.
    """

    expression: ast.expr
    function: Function
    leaf: str
    others: tuple[str, ...]
    dispatches: tuple[Dispatch, ...]
    always_reads: frozenset[str]
    ignores_leaf: bool
    results: tuple[ast.expr, ...]

    @property
    def is_inline(self) -> bool:
        """Whether the mapper is a lambda written in the call itself."""
        return self.function.definition is self.expression

    @property
    def is_identity(self) -> bool:
        """Whether the mapper does nothing but return its leaf."""
        statements = without_docstring(self.function.body)
        first = statements[0] if len(statements) == 1 else None
        returned = first.value if isinstance(first, ast.Return) else first
        return returned is not None and access_path(returned) == self.leaf


def mapper_of(
    source: ParsedSource, expression: ast.expr, leaf_position: int, *, across_files: bool = False
) -> Mapper | Unknown:
    """Return what a mapper does with its leaf.

    Args:
        source: the file.
        expression: the function passed to a tree function.
        leaf_position: which positional argument is the leaf: 1 after a key path, else 0.
        across_files: whether to read mappers of other files, too; their nodes belong to ``function.home``.

    Returns:
        The mapper, or why it cannot be read.
    """
    mapper = _mapper_of(source, expression, leaf_position, across_files=False)
    is_elsewhere = isinstance(mapper, Unknown) and across_files
    return _mapper_of(source, expression, leaf_position, across_files=True) if is_elsewhere else mapper


@remembered
def _mapper_of(
    source: ParsedSource, expression: ast.expr, leaf_position: int, *, across_files: bool
) -> Mapper | Unknown:
    function = function_of(source, expression, across_files=across_files)
    if isinstance(function, Unknown):
        return function
    leaf = function.parameter_at(leaf_position)
    if leaf is None:
        return Unknown("the mapper has no parameter for the leaf")
    others = tuple(name for name in function.required[leaf_position:] if name != leaf)
    home = function.home or source
    read = _reading_of(home, function.definition, function.decorators, (leaf, *others), function.overridable)
    return Mapper(
        expression,
        function,
        leaf,
        others,
        read.dispatches,
        read.always_reads,
        read.ignores_leaf,
        read.results,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """What a function does with a leaf, as in ``Mapper``; remembered for a function that many calls map."""

    dispatches: tuple[Dispatch, ...]
    always_reads: frozenset[str]
    ignores_leaf: bool
    results: tuple[ast.expr, ...]


@remembered
def _reading_of(
    source: ParsedSource,
    definition: Definition,
    decorators: tuple[str, ...],
    leaves: tuple[str, ...],
    overridable: bool,
) -> _Reading:
    # With several trees, a mapper may test the leaf of any of them.
    dispatches = tuple(
        replace(found, of_first=name == leaves[0])
        for name in leaves
        for found in _dispatches(source, definition, decorators, name, HELPER_DEPTH)
    )
    reads = _always_read(source, definition, decorators, leaves[0], HELPER_DEPTH, overridable)
    ignores_leaf = not _mentions(body_of(definition), leaves[0])
    return _Reading(dispatches, reads, ignores_leaf, tuple(_results(definition)))


# Dispatch


@remembered
def _dispatches(
    source: ParsedSource,
    definition: Definition,
    decorators: tuple[str, ...],
    leaf: str,
    depth: int,
) -> tuple[Dispatch, ...]:
    by_decorator = () if SINGLE_DISPATCH.isdisjoint(decorators) else (Dispatch(definition),)
    return (*by_decorator, *dispatches_in(source, body_of(definition), leaf, depth))


_MAY_DISPATCH: Final = (
    *(ast.Call, ast.Compare, ast.Subscript, ast.Match, ast.Try, ast.With),
    *(ast.IfExp, ast.If, ast.While, ast.comprehension, ast.Assert, ast.BoolOp, ast.match_case),
)
"""The types of nodes that ``_dispatch_at`` and ``_conditions_at`` read."""


def dispatches_in(source: ParsedSource, code: Code, leaf: str, depth: int = HELPER_DEPTH) -> Iterator[Dispatch]:
    """Yield every place where a piece of code branches on a leaf's type or attributes.

    Args:
        source: the file.
        code: the body of a function or of a loop, or a comprehension.
        leaf: how the code spells the leaf: a name, or ``pair[1]``.
        depth: how many calls deep helpers are read to which the leaf is passed.
    """
    names = _aliases(code, leaf)
    for node in nodes_below(code, *_MAY_DISPATCH):
        yield from _dispatch_at(source, node, names)
        if isinstance(node, ast.Call) and depth:
            yield from _dispatches_of_helper(source, node, names, depth)
        for condition in _conditions_at(node):
            yield from _unknown_tests(source, condition, names, depth)


def _aliases(code: Code, leaf: str) -> frozenset[str]:
    """Return the leaf's name and the names to which the leaf is assigned."""
    names = {leaf}
    assignments: tuple[type[ast.Assign | ast.NamedExpr], ...] = (ast.Assign, ast.NamedExpr)
    for node in nodes_below(code, *assignments):
        value = access_path(node.value)
        if value in names:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.update(target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.Assign) and f"{value}[0]" in names:
            first = node.targets[0]
            if isinstance(first, (ast.Tuple, ast.List)) and first.elts:
                names.add(access_path(first.elts[0]) or leaf)
    return frozenset(names)


def _dispatch_at(source: ParsedSource, node: ast.AST, leaf: Subjects) -> Iterator[Dispatch]:
    if isinstance(node, (ast.Call, ast.Compare)):
        test = type_test_of(source, node, leaf)
        if test is not None:
            yield Dispatch(node, test)
        elif isinstance(node, ast.Compare):
            if (denied := _denied_type_test(source, node, leaf)) is not None:
                yield Dispatch(node, denied, is_negated=True)
            elif _compares_type(node, leaf):
                yield Dispatch(node)
        else:
            yield from _attribute_test(source, node, leaf)
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            if any(typed_subject(argument, leaf) is not None for argument in given):
                yield Dispatch(node)
    elif isinstance(node, ast.Match):
        yield from _tests_of_cases(source, node, leaf)
    elif _chooses_by_type(node, leaf):
        yield Dispatch(node)


_OPPOSITES: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.IsNot: ast.Is,
    ast.NotEq: ast.Eq,
    ast.NotIn: ast.In,
}


def _denied_type_test(source: ParsedSource, node: ast.Compare, leaf: Subjects) -> TypeTest | None:
    """Return the type test of which a comparison is the opposite: ``type(x) is C`` for ``type(x) is not C``."""
    opposite = _OPPOSITES.get(type(node.ops[0])) if len(node.ops) == 1 else None
    if opposite is None:
        return None
    test = type_test_of(source, ast.copy_location(ast.Compare(node.left, [opposite()], node.comparators), node), leaf)
    return None if test is None else replace(test, node=node)


def _tests_of_cases(source: ParsedSource, node: ast.Match, leaf: Subjects) -> Iterator[Dispatch]:
    """Yield a dispatch for each class in the patterns of ``match leaf`` or ``match type(leaf)``."""
    is_exact = (subject := typed_subject(node.subject, leaf)) is not None
    subject = access_path(node.subject) if subject is None else subject
    if subject is None or (not is_exact and subject not in leaf):
        return
    for pattern in nodes_below([case.pattern for case in node.cases], ast.MatchClass, ast.MatchValue):
        named = _class_named(pattern, is_exact=is_exact)
        if named is not None and _is_at_top(source, pattern):
            yield Dispatch(pattern, TypeTest(named, subject, named, classes_of(source, named), is_exact=is_exact))
        elif named is not None or isinstance(pattern, ast.MatchClass):
            yield Dispatch(pattern)


def _class_named(pattern: ast.pattern, *, is_exact: bool) -> ast.expr | None:
    """Return the class that a pattern asks a leaf for, or the one that it compares with a leaf's type."""
    if is_exact:
        return pattern.value if isinstance(pattern, ast.MatchValue) else None
    return pattern.cls if isinstance(pattern, ast.MatchClass) else None


def _is_at_top(source: ParsedSource, pattern: ast.AST) -> bool:
    """Tell whether a pattern is matched with the subject itself: ``case C()``, ``C() | D()``, ``C() as name``."""
    around = source.ast_parent(pattern)
    while isinstance(around, (ast.MatchOr, ast.MatchAs)):
        around = source.ast_parent(around)
    return isinstance(around, ast.match_case)


def _chooses_by_type(node: ast.AST, leaf: Subjects) -> bool:
    """Tell whether a node is ``TABLE[type(leaf)]``, or a ``try`` that branches on the leaf."""
    if isinstance(node, ast.Subscript):
        return any(typed_subject(key, leaf) is not None for key in subscript_keys(node))
    if isinstance(node, ast.Try):
        return any(_mentions(node.body, name) for name in leaf) and _catches_missing_attribute(node)
    return isinstance(node, ast.With) and any(
        "suppress" in word for item in node.items for word in words_below(item.context_expr)
    )


def _compares_type(node: ast.Compare, leaf: Subjects) -> bool:
    for side in (node.left, *node.comparators):
        while isinstance(side, ast.Attribute) and side.attr != "__class__":
            side = side.value
        if typed_subject(side, leaf) is not None:
            return True
    return False


def _attribute_test(source: ParsedSource, call: ast.Call, leaf: Subjects) -> Iterator[Dispatch]:
    arguments = positional_arguments(call)
    if not arguments or access_path(arguments[0]) not in leaf:
        return
    name = class_name(source, call.func)
    if (name == "builtins.hasattr" and len(arguments) == 2) or (name == "builtins.getattr" and len(arguments) == 3):
        attribute = arguments[1].value if isinstance(arguments[1], ast.Constant) else None
        yield Dispatch(call, attribute=attribute if isinstance(attribute, str) else None)


def _conditions_at(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the conditions in a node: tests of ``if``, ``while``, ``assert``, operands of ``and`` or ``or``, guards."""
    if isinstance(node, (ast.IfExp, ast.If, ast.While, ast.Assert)):
        yield node.test
    elif isinstance(node, ast.comprehension):
        yield from node.ifs
    elif isinstance(node, ast.BoolOp):
        yield from node.values[:-1]
    elif isinstance(node, ast.match_case) and node.guard is not None:
        yield node.guard


def _unknown_tests(source: ParsedSource, condition: ast.expr, names: Subjects, depth: int) -> Iterator[Dispatch]:
    """Yield the calls in a condition that get the leaf itself and cannot be read: they may test its type."""
    for node in nodes_below([condition], ast.Call):
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        handed = names & {access_path(argument) for argument in given}
        if handed and not _is_read_elsewhere(source, node, handed, depth):
            yield Dispatch(node, elsewhere=_imported_predicate(source, node))


def _imported_predicate(source: ParsedSource, call: ast.Call) -> LeafTest | None:
    """Return the predicate that a call asks of its only argument, if another file of the project defines it."""
    if len(call.args) != 1 or call.keywords or source.modules is None:
        return None
    found = leaf_test_of(source, call.func, across_files=True)
    is_known = isinstance(found, LeafTest) and found.function.home is not None and found.is_only_tests
    return found if is_known and isinstance(found, LeafTest) else None


def _is_read_elsewhere(source: ParsedSource, call: ast.Call, leaf: Subjects, depth: int) -> bool:
    """Tell whether ``_dispatch_at`` or ``_dispatches_of_helper`` already reads a call, or what a ``type(x)`` is in."""
    if typed_subject(call, leaf) is not None and isinstance(source.ast_parent(call), (ast.Compare, ast.Call)):
        return True
    if type_test_of(source, call, leaf) is not None or any(_attribute_test(source, call, leaf)):
        return True
    return depth > 0 and any(helpers_of(source, call, leaf))


def _dispatches_of_helper(source: ParsedSource, call: ast.Call, names: Subjects, depth: int) -> Iterator[Dispatch]:
    for helper, parameter in helpers_of(source, call, names):
        yield from _dispatches(source, helper.definition, helper.decorators, parameter, depth - 1)


def helpers_of(source: ParsedSource, call: ast.Call, names: Subjects) -> Iterator[tuple[Function, str]]:
    """Yield the function to which a call passes the leaf, once for each parameter that gets it.

    Args:
        source: the file.
        call: a call.
        names: how the code around the call spells the leaf.
    """
    positions = [index for index, argument in enumerate(call.args) if access_path(argument) in names]
    keywords = [keyword for keyword in call.keywords if access_path(keyword.value) in names]
    if not positions and not keywords:
        return
    helper = function_of(source, call.func)
    if isinstance(helper, Unknown):
        return
    for position in positions if positional_arguments(call) is not None else ():
        parameter = helper.parameter_at(position)
        if parameter is not None:
            yield helper, parameter
    yield from ((helper, keyword.arg) for keyword in keywords if keyword.arg is not None)


def _mentions(code: Code, leaf: str) -> bool:
    root = leaf.partition("[")[0]
    return any(found.id == root for found in nodes_below(code, ast.Name))


def _catches_missing_attribute(node: ast.Try) -> bool:
    caught = {"AttributeError", "TypeError", "Exception", "BaseException", "ValueError"}
    types = [handler.type for handler in node.handlers]
    return any(one is None or not caught.isdisjoint(words_below(one)) for one in types)


def _is_generator(definition: Definition) -> bool:
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in own_nodes(definition))


# What is always read

_REBINDERS: Final = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For, ast.AsyncFor, ast.withitem, ast.Delete),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.alias, ast.ExceptHandler),
    *(ast.MatchAs, ast.MatchStar, ast.MatchMapping),
)
"""The types of nodes that may rebind a name."""


def _names_bound_by(node: ast.AST) -> Iterator[str | None]:
    """Yield the names in a node's targets: those that it binds, and also ``x`` in ``x.a = …``."""
    if isinstance(node, ast.Assign):
        targets: list[ast.expr] = node.targets
    elif isinstance(node, ast.Delete):
        targets = node.targets
    elif isinstance(node, ast.withitem):
        targets = [node.optional_vars] if node.optional_vars is not None else []
    else:
        target = getattr(node, "target", None)
        targets = [] if target is None else [target]
    yield from (found.id for found in nodes_below(targets, ast.Name))
    yield from (getattr(node, field, None) for field in ("name", "rest", "asname"))


_EVERYTHING: Final = None
"""The set of all attributes: what code reads on a path that raises, which never gets to a result."""

_Reads = frozenset[str] | None


@remembered
def _always_read(
    source: ParsedSource,
    definition: Definition,
    decorators: tuple[str, ...],
    leaf: str,
    depth: int,
    overridable: bool | None,
) -> frozenset[str]:
    """Return what a function always reads; with ``None`` for ``overridable``, as if no other file overrode a method."""
    if overridable is None and _has_namesake(source, definition):
        return frozenset()
    if overridable or _is_generator(definition) or not SINGLE_DISPATCH.isdisjoint(decorators):
        return frozenset()  # Another function may run instead, or the body may run later.
    return _always_read_in(source, body_of(definition), leaf, depth, trusts_methods=overridable is None)


def reads_unless_overridden(source: ParsedSource, mapper: Mapper, leaf: str | None = None) -> frozenset[str]:
    """Return the attributes that a mapper reads on every path, unless a subclass in another file overrides a method.

    Args:
        source: the file with the call.
        mapper: its mapper.
        leaf: the parameter for the leaf of another tree; by default, what is read from the first tree's is returned.
    """
    function = mapper.function
    home = function.home or source
    reads = _always_read(home, function.definition, function.decorators, leaf or mapper.leaf, HELPER_DEPTH, None)
    return mapper.always_reads | reads if leaf is None else reads


def _has_namesake(source: ParsedSource, definition: Definition) -> bool:
    """Tell whether several classes of a file define a method of the same name: one may override the other."""
    return isinstance(definition, ast.FunctionDef) and _classes_by_member(source)[definition.name] > 1


@remembered
def _classes_by_member(source: ParsedSource) -> Counter[str]:
    """Return in how many classes of a file each name is bound."""
    bound = source.bindings.all_bound()
    return Counter(name for name, bindings in bound if bindings[0].scope.kind is ScopeKind.CLASS)


def always_read_in(source: ParsedSource, code: Code, leaf: str, depth: int = HELPER_DEPTH) -> frozenset[str]:
    """Return the attributes that code reads from a leaf on every path; for the arguments see ``dispatches_in``."""
    return _always_read_in(source, code, leaf, depth, trusts_methods=False)


def _always_read_in(source: ParsedSource, code: Code, leaf: str, depth: int, *, trusts_methods: bool) -> frozenset[str]:
    certain = _CertainReads(source, leaf, depth, trusts_methods)
    if source.bindings.is_shared(certain.root):
        return frozenset()  # A function inside may rebind it.
    reads, _ = certain.of_block(code)
    return frozenset() if reads is _EVERYTHING else reads


def _results(definition: Definition) -> Iterator[ast.expr]:
    if isinstance(definition, ast.Lambda):
        yield definition.body
    else:
        yield from (node.value for node in _returns_below(definition.body) if node.value is not None)


@dataclass(frozen=True, slots=True)
class _CertainReads:
    """A reading of code for the attributes of the leaf that it reads on every path.

    With ``trusts_methods``, a method is what its class here defines, as if no subclass overrode it. One other name for
    the leaf is followed in each block, unless ``leaf`` is such a name itself.
    """

    source: ParsedSource
    leaf: str
    depth: int
    trusts_methods: bool
    is_alias: bool = False

    @property
    def root(self) -> str:
        """The name in the leaf's spelling: ``args`` of ``args[0]``."""
        return self.leaf.partition("[")[0]

    def of_block(self, statements: Code) -> tuple[_Reads, bool]:
        """Return what a list of statements always reads, and whether control can go on after it."""
        reads: frozenset[str] = frozenset()
        is_followed = self.is_alias
        for index, statement in enumerate(statements, 1):
            if self._rebinds_leaf_midway(statement):
                return reads, True
            if not is_followed and (alias := self._alias_of_leaf(statement)) is not None:
                is_followed = True
                reads |= replace(self, leaf=alias, is_alias=True).of_block(statements[index:])[0] or frozenset()
            found, goes_on = self.of_statement(statement)
            if found is _EVERYTHING:
                return _EVERYTHING, False
            reads |= found
            if not goes_on:
                return reads, False
            if self._rebinds_leaf(statement):
                return reads, True
        return reads, True

    def _alias_of_leaf(self, statement: ast.AST) -> str | None:
        """Return the name to which a statement assigns the leaf, as in ``x = leaf``."""
        if not isinstance(statement, ast.Assign) or access_path(statement.value) != self.leaf:
            return None
        target = statement.targets[0]
        is_plain = isinstance(target, ast.Name) and not self.source.bindings.is_shared(target.id)
        return target.id if is_plain and isinstance(target, ast.Name) else None

    def _rebinds_leaf_midway(self, statement: ast.AST) -> bool:
        """Tell whether a ``:=`` in a statement rebinds the leaf, so that what is read after it is no longer known."""
        if not self.source.bindings.expressions(ast.NamedExpr):
            return False
        return any(is_name(node.target, self.root) for node in nodes_below([statement], ast.NamedExpr))

    def of_statement(self, node: ast.AST) -> tuple[_Reads, bool]:
        if isinstance(node, ast.Raise):
            return _EVERYTHING, False
        if isinstance(node, ast.Return):
            return (self.of_expression(node.value) if node.value else frozenset()), False
        if isinstance(node, ast.If):
            return self._of_if(node)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, *_TRIES, ast.Match)):
            return frozenset(), not _may_return(node)
        if isinstance(node, (ast.For, ast.AsyncFor)):
            return self.of_expression(node.iter), not _may_return(node)
        if isinstance(node, ast.While):
            return self.of_expression(node.test), not _may_return(node)
        if isinstance(node, (ast.With, ast.AsyncWith)):
            # The first manager may rebind the leaf, or swallow the error that the second one raises.
            return self.of_expression(node.items[0].context_expr), not _may_return(node)
        if isinstance(node, (ast.Break, ast.Continue)):
            return frozenset(), False
        if isinstance(node, ast.Assert):
            return frozenset(), True  # "python -O" skips it.
        return self.of_expression(node), True

    def _of_if(self, node: ast.If) -> tuple[_Reads, bool]:
        then, then_goes_on = self.of_block(node.body)
        otherwise, else_goes_on = self.of_block(node.orelse)
        tested = self.of_expression(node.test)
        common = _common(then, otherwise)
        if common is _EVERYTHING:
            return _EVERYTHING, False
        # What follows is not read on the path of a branch that returns early.
        leaves_early = (not then_goes_on and then is not _EVERYTHING) or (
            not else_goes_on and otherwise is not _EVERYTHING
        )
        return tested | common, not leaves_early and (then_goes_on or else_goes_on)

    def _rebinds_leaf(self, statement: ast.AST) -> bool:
        return any(self.root in _names_bound_by(node) for node in nodes_below([statement], *_REBINDERS))

    def of_expression(self, node: ast.AST) -> frozenset[str]:
        if type(node) is ast.Name:  # Most nodes are names; the tests below take time.
            return frozenset()
        if isinstance(node, ast.Attribute) and access_path(node.value) == self.leaf:
            return frozenset({node.attr})
        if isinstance(node, ast.IfExp):
            branches = self.of_expression(node.body) & self.of_expression(node.orelse)
            return self.of_expression(node.test) | branches
        if isinstance(node, ast.BoolOp):
            return self.of_expression(node.values[0])
        if isinstance(node, ast.Compare):
            return self.of_expression(node.left) | self.of_expression(node.comparators[0])
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
            # "v.value = x" reads nothing, and a raw JAX array accepts it silently.
            return self.of_expression(node.value) if node.value is not None else frozenset()
        if isinstance(node, _RUN_LATER_OR_NEVER):
            return frozenset()
        if isinstance(node, ast.Call):
            return self._of_call(node)
        return frozenset().union(*map(self.of_expression, child_nodes(node)))

    def _of_call(self, node: ast.Call) -> frozenset[str]:
        reads: frozenset[str] = frozenset()
        for helper, parameter in helpers_of(self.source, node, {self.leaf}) if self.depth else ():
            function = (helper.definition, helper.decorators)
            overridable = None if self.trusts_methods else helper.overridable
            reads |= _always_read(self.source, *function, parameter, self.depth - 1, overridable)
        # ``str.replace`` takes two arguments, a Variable's takes one.
        is_of_text = isinstance(node.func, ast.Attribute) and node.func.attr == "replace" and len(node.args) > 1
        parts = [*node.args, *node.keywords] if is_of_text else child_nodes(node)
        return reads.union(*map(self.of_expression, parts))


_RUN_LATER_OR_NEVER = (
    *(ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Await, ast.Delete),
    *(ast.arguments, ast.Import, ast.ImportFrom),
)


def _common(first: _Reads, second: _Reads) -> _Reads:
    """Return the attributes that are read on both of two paths."""
    if first is None:
        return second
    return first if second is None else first & second


def _may_return(node: ast.AST) -> bool:
    return any(isinstance(found, (ast.Return, ast.Break, ast.Continue)) for found in own_nodes(node))


# The plainest dispatch


@dataclass(frozen=True, slots=True, eq=False)
class Guarded:
    """A mapper that is ``result if isinstance(leaf, types) else leaf``, in one of its usual forms.

    ``test`` is ``None`` if it tests for an attribute instead: ``hasattr(leaf, "value")``, ``getattr(leaf, "value",
    leaf)``. ``results`` are the expressions that it may return for a leaf that passes.
    """

    test: TypeTest | None
    results: tuple[ast.expr, ...]


_NO_PLAIN_TEST = Unknown("the mapper is no plain test of the leaf's type")


def guarded_result_of(source: ParsedSource, mapper: Mapper) -> Guarded | Unknown:
    """Return the type test and the results of a mapper that returns all leaves unchanged that fail one test.

    Args:
        source: the file.
        mapper: a mapper.

    Returns:
        The test, and what the mapper returns if it passes; unknown for a mapper of any other form.
    """
    return _guarded_result_of(source, mapper.function.definition, mapper.leaf)


@remembered
def _guarded_result_of(source: ParsedSource, definition: Definition, leaf: str) -> Guarded | Unknown:
    if isinstance(definition, ast.Lambda):
        return _guarded(source, leaf, definition.body)
    statements = without_docstring(definition.body)
    if len(statements) == 1 and isinstance(statements[0], ast.Return) and statements[0].value is not None:
        return _guarded(source, leaf, statements[0].value)
    if not statements or not isinstance(statements[0], ast.If):
        return Unknown("the mapper does not start with a test")
    first = statements[0]
    otherwise: Code = first.orelse or statements[1:]
    is_whole = not first.orelse or len(statements) == 1
    test, is_denied = without_not(first.test)
    mapped, kept = (otherwise, first.body) if is_denied else (first.body, otherwise)
    found = _guard(source, test, leaf)
    if not is_whole or isinstance(found, Unknown) or not _returns_only(kept, leaf):
        return _NO_PLAIN_TEST
    return Guarded(found, tuple(node.value for node in _returns_below(mapped) if node.value is not None))


def _guarded(source: ParsedSource, leaf: str, body: ast.expr) -> Guarded | Unknown:
    if isinstance(body, ast.IfExp):
        test, is_denied = without_not(body.test)
        mapped, kept = (body.orelse, body.body) if is_denied else (body.body, body.orelse)
        found = _guard(source, test, leaf)
        if not isinstance(found, Unknown) and access_path(kept) == leaf:
            return Guarded(found, (mapped,))
    elif isinstance(body, ast.Call) and any(_attribute_test(source, body, {leaf})):
        return Guarded(None, (body,)) if access_path(body.args[-1]) == leaf else _NO_PLAIN_TEST
    return _NO_PLAIN_TEST


def _guard(source: ParsedSource, test: ast.expr, leaf: str) -> TypeTest | Unknown | None:
    """Return the type test that an expression is; ``None`` if it tests for an attribute."""
    found = type_test_of(source, test, {leaf})
    if found is None and not (isinstance(test, ast.Call) and any(_attribute_test(source, test, {leaf}))):
        return Unknown("no test of the leaf's type")
    return found


def without_not(test: ast.expr) -> tuple[ast.expr, bool]:
    """Return a test without a ``not`` before it, and whether there was one."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand, True
    return test, False


def _returns_only(statements: Code, leaf: str) -> bool:
    return len(statements) == 1 and isinstance(statements[0], ast.Return) and is_name(statements[0].value, leaf)


def _returns_below(statements: Code) -> Iterator[ast.Return]:
    for statement in statements:
        if isinstance(statement, ast.Return):
            yield statement
        elif not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield from (node for node in own_nodes(statement) if isinstance(node, ast.Return))
