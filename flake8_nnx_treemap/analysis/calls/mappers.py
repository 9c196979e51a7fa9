"""What a mapper does with the leaf it is given: whether it looks at its type, and what it reads from it for certain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import libcst as cst

from flake8_nnx_treemap.analysis.calls.class_references import type_name
from flake8_nnx_treemap.analysis.calls.functions import SINGLE_DISPATCH, Function, function_of
from flake8_nnx_treemap.analysis.calls.predicates import TypeTest, is_type_of, type_test_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.syntax import (
    children_of,
    is_docstring,
    is_name,
    nodes_below,
    positional_arguments,
    statements_of,
)

HELPER_DEPTH = 2
"""How many calls deep a helper that is handed the leaf is read."""


@dataclass(frozen=True, slots=True, eq=False)
class Dispatch:
    """One place where a mapper's way depends on what kind of thing the leaf is.

    ``test`` is set where classes are named; otherwise the mapper asks for attributes, or asks something unknown.
    ``of_first`` is false if it asks this of a leaf of a further tree: that may be a wrapper without ``is_leaf``.
    """

    node: cst.CSTNode
    test: TypeTest | None = None
    attribute: str | None = None
    of_first: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Mapper:
    """A mapper whose definition is in this file.

    ``leaf`` is how the function knows the leaf of the first tree: a parameter's name, or ``args[0]``. ``always_reads``
    are the attributes that it reads from the leaf on every way to a result. ``ignores_leaf`` holds if it never looks
    at the leaf at all, as ``lambda _: replicated`` does. ``results`` are the expressions that it may return.
    """

    expression: cst.BaseExpression
    function: Function
    leaf: str
    dispatches: tuple[Dispatch, ...]
    always_reads: frozenset[str]
    ignores_leaf: bool
    results: tuple[cst.BaseExpression, ...]

    @property
    def is_inline(self) -> bool:
        """Whether the mapper is a lambda written in the call itself."""
        return self.function.definition is self.expression


def mapper_of(
    source: ParsedSource, expression: cst.BaseExpression, leaf_position: int, *, across_files: bool = False
) -> Mapper | Unknown:
    """Read a mapper.

    Args:
        source: the file.
        expression: the function given to a tree function.
        leaf_position: which positional argument is the leaf: 1 after a key path, else 0.
        across_files: whether a mapper of another file will do, whose nodes belong to ``function.home``.

    Returns:
        What the mapper does, or why that cannot be seen here.
    """
    mapper = _mapper_of(source, expression, leaf_position, across_files=False)
    is_elsewhere = isinstance(mapper, Unknown) and across_files
    return _mapper_of(source, expression, leaf_position, across_files=True) if is_elsewhere else mapper


@remembered
def _mapper_of(
    source: ParsedSource, expression: cst.BaseExpression, leaf_position: int, *, across_files: bool
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
    return Mapper(expression, function, leaf, read.dispatches, read.always_reads, read.ignores_leaf, read.results)


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """What a function does with a leaf, as ``Mapper`` tells it: found once for a function that many calls map."""

    dispatches: tuple[Dispatch, ...]
    always_reads: frozenset[str]
    ignores_leaf: bool
    results: tuple[cst.BaseExpression, ...]


@remembered
def _reading_of(
    source: ParsedSource,
    definition: cst.Lambda | cst.FunctionDef,
    decorators: tuple[str, ...],
    leaves: tuple[str, ...],
    overridable: bool,
) -> _Reading:
    # With several trees, a mapper may tell them apart by any of the leaves that it is given together.
    dispatches = tuple(
        replace(found, of_first=name == leaves[0])
        for name in leaves
        for found in _dispatches(source, definition, decorators, name, HELPER_DEPTH)
    )
    reads = _always_read(source, definition, decorators, leaves[0], HELPER_DEPTH, overridable)
    return _Reading(dispatches, reads, not _mentions(definition.body, leaves[0]), tuple(_results(definition.body)))


# Dispatch


@remembered
def _dispatches(
    source: ParsedSource,
    definition: cst.Lambda | cst.FunctionDef,
    decorators: tuple[str, ...],
    leaf: str,
    depth: int,
) -> tuple[Dispatch, ...]:
    by_decorator = () if SINGLE_DISPATCH.isdisjoint(decorators) else (Dispatch(definition),)
    return (*by_decorator, *dispatches_in(source, definition.body, leaf, depth))


_MAY_DISPATCH: Final = (
    *(cst.Call, cst.Comparison, cst.Subscript, cst.Match, cst.Try, cst.With),
    *(cst.IfExp, cst.If, cst.While, cst.CompIf, cst.Assert, cst.BooleanOperation, cst.MatchCase),
)
"""What ``_dispatch_at`` and ``_conditions_at`` look at."""


def dispatches_in(source: ParsedSource, body: cst.CSTNode, leaf: str, depth: int = HELPER_DEPTH) -> Iterator[Dispatch]:
    """Every place in a body of code whose way depends on what kind of thing a leaf is.

    Args:
        source: the file.
        body: a function's body, a loop's, a comprehension.
        leaf: how the body knows the leaf: a name, or ``pair[1]``.
        depth: how many calls deep helpers that are handed the leaf are read.
    """
    names = _aliases(source, body, leaf)
    for node in nodes_below(body, *_MAY_DISPATCH):
        for name in names:
            yield from _dispatch_at(source, node, name)
        if isinstance(node, cst.Call) and depth:
            yield from _dispatches_of_helper(source, node, names, depth)
        for condition in _conditions_at(node):
            yield from _unknown_tests(source, condition, names, depth)


def _aliases(source: ParsedSource, body: cst.CSTNode, leaf: str) -> frozenset[str]:
    """The leaf's name and others that a plain assignment gives it."""
    names = {leaf}
    kinds: tuple[type[cst.Assign | cst.NamedExpr], ...] = (cst.Assign, cst.NamedExpr)
    for node in nodes_below(body, *kinds):
        if isinstance(node, cst.NamedExpr):
            if source.text_of(node.value) in names:
                names.add(source.text_of(node.target))
        elif source.text_of(node.value) in names:
            targets = [target.target for target in node.targets]
            names.update(target.value for target in targets if isinstance(target, cst.Name))
        elif f"{source.text_of(node.value)}[0]" in names:
            first = node.targets[0].target
            if isinstance(first, cst.Tuple) and first.elements:
                names.add(source.text_of(first.elements[0].value))
    return frozenset(names)


def _dispatch_at(source: ParsedSource, node: cst.CSTNode, leaf: str) -> Iterator[Dispatch]:
    if isinstance(node, (cst.Call, cst.Comparison)):
        test = type_test_of(source, node, leaf)
        if test is not None:
            yield Dispatch(node, test)
        elif isinstance(node, cst.Comparison):
            if _compares_type(source, node, leaf):
                yield Dispatch(node)
        else:
            yield from _attribute_test(source, node, leaf)
            if any(is_type_of(source, argument.value, leaf) for argument in node.args):
                yield Dispatch(node)
    elif _chooses_by_type(source, node, leaf):
        yield Dispatch(node)


def _chooses_by_type(source: ParsedSource, node: cst.CSTNode, leaf: str) -> bool:
    """Whether ``TABLE[type(leaf)]``, a ``match`` with classes or a ``try`` decides what becomes of the leaf."""
    if isinstance(node, cst.Subscript):
        indices = [part.slice.value for part in node.slice if isinstance(part.slice, cst.Index)]
        return any(is_type_of(source, index, leaf) for index in indices)
    if isinstance(node, cst.Match):
        classes = any(nodes_below(node, cst.MatchClass))
        return classes and source.text_of(node.subject) == leaf
    if isinstance(node, cst.Try):
        return _mentions(node.body, leaf) and _catches_missing_attribute(node)
    return isinstance(node, cst.With) and any("suppress" in source.text_of(item.item) for item in node.items)


def _compares_type(source: ParsedSource, node: cst.Comparison, leaf: str) -> bool:
    sides = [node.left, *(target.comparator for target in node.comparisons)]
    for side in sides:
        while isinstance(side, cst.Attribute) and side.attr.value != "__class__":
            side = side.value
        if is_type_of(source, side, leaf):
            return True
    return False


def _attribute_test(source: ParsedSource, call: cst.Call, leaf: str) -> Iterator[Dispatch]:
    arguments = positional_arguments(call)
    if not arguments or source.text_of(arguments[0]) != leaf:
        return
    name = type_name(source, call.func)
    if (name == "builtins.hasattr" and len(arguments) == 2) or (name == "builtins.getattr" and len(arguments) == 3):
        attribute = arguments[1].evaluated_value if isinstance(arguments[1], cst.SimpleString) else None
        yield Dispatch(call, attribute=attribute if isinstance(attribute, str) else None)


def _conditions_at(node: cst.CSTNode) -> Iterator[cst.BaseExpression]:
    """The expressions directly in a node that decide which way it goes on."""
    if isinstance(node, (cst.IfExp, cst.If, cst.While, cst.CompIf, cst.Assert)):
        yield node.test
    elif isinstance(node, cst.BooleanOperation):
        yield node.left
    elif isinstance(node, cst.MatchCase) and node.guard is not None:
        yield node.guard


def _unknown_tests(
    source: ParsedSource, condition: cst.BaseExpression, names: frozenset[str], depth: int
) -> Iterator[Dispatch]:
    """Calls that are handed the leaf itself, decide, and cannot be read: they may well ask for its type."""
    for node in nodes_below(condition, cst.Call):
        handed = [name for name in names if any(source.text_of(argument.value) == name for argument in node.args)]
        is_read = any(_is_read_elsewhere(source, node, name, depth) for name in handed)
        if handed and not is_read:
            yield Dispatch(node)


def _is_read_elsewhere(source: ParsedSource, call: cst.Call, leaf: str, depth: int) -> bool:
    """Whether ``_dispatch_at`` or ``_dispatches_of_helper`` says what there is to say about a call."""
    if type_test_of(source, call, leaf) is not None or any(_attribute_test(source, call, leaf)):
        return True
    return depth > 0 and any(helpers_of(source, call, frozenset({leaf})))


def _dispatches_of_helper(
    source: ParsedSource, call: cst.Call, names: frozenset[str], depth: int
) -> Iterator[Dispatch]:
    for helper, parameter in helpers_of(source, call, names):
        yield from _dispatches(source, helper.definition, helper.decorators, parameter, depth - 1)


def helpers_of(source: ParsedSource, call: cst.Call, names: frozenset[str]) -> Iterator[tuple[Function, str]]:
    """The function in this file that a call hands the leaf to, with the name it has there.

    Args:
        source: the file.
        call: a call.
        names: how the leaf is known where the call stands.
    """
    handed = [source.text_of(argument.value) in names and not argument.star for argument in call.args]
    if not any(handed):
        return
    helper = function_of(source, call.func)
    if isinstance(helper, Unknown):
        return
    is_countable = positional_arguments(call) is not None
    for position, (argument, is_leaf) in enumerate(zip(call.args, handed, strict=True)):
        if not is_leaf:
            continue
        if argument.keyword is not None:
            yield helper, argument.keyword.value
        elif is_countable and (parameter := helper.parameter_at(position)) is not None:
            yield helper, parameter


def _mentions(node: cst.CSTNode, leaf: str) -> bool:
    return any(found.value == leaf.partition("[")[0] for found in nodes_below(node, cst.Name))


def _catches_missing_attribute(node: cst.Try) -> bool:
    caught = {"AttributeError", "TypeError", "Exception", "BaseException", "ValueError"}
    for handler in node.handlers:
        if handler.type is None or any(found.value in caught for found in nodes_below(handler.type, cst.Name)):
            return True
    return False


def _is_generator(definition: cst.Lambda | cst.FunctionDef) -> bool:
    return any(isinstance(node, cst.Yield) for node in _own_nodes(definition.body))


def _own_nodes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and what is below it, nested functions left out."""
    yield node
    for child in children_of(node):
        if type(child) not in _NEW_SCOPES:
            yield from _own_nodes(child)


_NEW_SCOPES = frozenset({cst.FunctionDef, cst.Lambda, cst.ClassDef})


# What is read for certain

_HAVE_A_TARGET: Final = (cst.AssignTarget, cst.AnnAssign, cst.AugAssign, cst.NamedExpr, cst.For)
_HAVE_A_NAME: Final = (cst.FunctionDef, cst.ClassDef, cst.AsName)
_REBINDERS: Final = (
    *_HAVE_A_TARGET,
    *_HAVE_A_NAME,
    *(cst.Del, cst.ImportAlias, cst.MatchAs, cst.MatchStar, cst.MatchMapping),
)
"""What may give a name another meaning."""


def _bound_by(node: cst.CSTNode) -> cst.CSTNode:
    """The part of a rebinder that names what it binds: the whole of a pattern or an import, to be sure."""
    if isinstance(node, _HAVE_A_NAME):
        return node.name
    return node.target if isinstance(node, _HAVE_A_TARGET) else node


_EVERYTHING: Final = None
"""What is read on a way that never returns: whatever one asks for. Stands for the set of all attributes."""

_Reads = frozenset[str] | None


@remembered
def _always_read(
    source: ParsedSource,
    definition: cst.Lambda | cst.FunctionDef,
    decorators: tuple[str, ...],
    leaf: str,
    depth: int,
    overridable: bool,
) -> frozenset[str]:
    if overridable or _is_generator(definition) or not SINGLE_DISPATCH.isdisjoint(decorators):
        return frozenset()  # What runs may be another function, or run later.
    return always_read_in(source, definition.body, leaf, depth)


def always_read_in(
    source: ParsedSource, body: cst.BaseExpression | cst.BaseSuite, leaf: str, depth: int = HELPER_DEPTH
) -> frozenset[str]:
    """The attributes that a body of code reads from a leaf whichever way it goes; see ``dispatches_in``."""
    reader = _CertainReads(source, leaf, depth)
    if isinstance(body, cst.BaseExpression):
        return reader.of_expression(body)
    reads, _ = reader.of_block(list(statements_of(body)))
    return frozenset() if reads is _EVERYTHING else reads


def _results(body: cst.BaseExpression | cst.BaseSuite) -> Iterator[cst.BaseExpression]:
    if isinstance(body, cst.BaseExpression):
        yield body
    else:
        yield from (node.value for node in _returns_below(list(statements_of(body))) if node.value is not None)


@dataclass(frozen=True, slots=True)
class _CertainReads:
    """Collects the attributes of the leaf that are read whichever way control goes."""

    source: ParsedSource
    leaf: str
    depth: int

    def of_block(self, statements: Sequence[cst.CSTNode]) -> tuple[_Reads, bool]:
        """What a list of statements reads for certain, and whether control can go on after it."""
        reads: frozenset[str] = frozenset()
        for statement in statements:
            found, goes_on = self.of_statement(statement)
            if found is _EVERYTHING:
                return _EVERYTHING, False
            reads |= found
            if not goes_on:
                return reads, False
            if self._rebinds_leaf(statement):
                return reads, True
        return reads, True

    def of_statement(self, node: cst.CSTNode) -> tuple[_Reads, bool]:
        if isinstance(node, cst.Raise):
            return _EVERYTHING, False
        if isinstance(node, cst.Return):
            return (self.of_expression(node.value) if node.value else frozenset()), False
        if isinstance(node, cst.If):
            return self._of_if(node)
        if isinstance(node, (cst.FunctionDef, cst.ClassDef, cst.Try, cst.TryStar, cst.Match)):
            return frozenset(), not _may_return(node)
        if isinstance(node, cst.For):
            return self.of_expression(node.iter), not _may_return(node)
        if isinstance(node, cst.While):
            return self.of_expression(node.test), not _may_return(node)
        if isinstance(node, cst.With):
            items = [self.of_expression(item.item) for item in node.items]
            return frozenset().union(*items), not _may_return(node)
        if isinstance(node, (cst.Break, cst.Continue)):
            return frozenset(), False
        if isinstance(node, cst.Assert):
            return frozenset(), True  # "python -O" leaves it out.
        return self.of_expression(node), True

    def _of_if(self, node: cst.If) -> tuple[_Reads, bool]:
        then, then_goes_on = self.of_block(list(statements_of(node.body)))
        otherwise: _Reads = frozenset()
        else_goes_on = True
        if isinstance(node.orelse, cst.If):
            otherwise, else_goes_on = self._of_if(node.orelse)
        elif isinstance(node.orelse, cst.Else):
            otherwise, else_goes_on = self.of_block(list(statements_of(node.orelse.body)))
        tested = self.of_expression(node.test)
        common = _common(then, otherwise)
        if common is _EVERYTHING:
            return _EVERYTHING, False
        # A branch that returned early has read only its own: what follows does not count for it.
        leaves_early = (not then_goes_on and then is not _EVERYTHING) or (
            not else_goes_on and otherwise is not _EVERYTHING
        )
        return tested | common, not leaves_early and (then_goes_on or else_goes_on)

    def _rebinds_leaf(self, statement: cst.CSTNode) -> bool:
        for node in nodes_below(statement, *_REBINDERS):
            if any(found.value == self.leaf for found in nodes_below(_bound_by(node), cst.Name)):
                return True
        return False

    def of_expression(self, node: cst.CSTNode) -> frozenset[str]:
        if type(node) is cst.Name:  # Most are; the rest of the questions take time.
            return frozenset()
        if isinstance(node, cst.Attribute) and self.source.text_of(node.value) == self.leaf:
            return frozenset({node.attr.value})
        if isinstance(node, cst.IfExp):
            branches = self.of_expression(node.body) & self.of_expression(node.orelse)
            return self.of_expression(node.test) | branches
        if isinstance(node, cst.BooleanOperation):
            return self.of_expression(node.left)
        if isinstance(node, cst.Comparison):
            return self.of_expression(node.left) | self.of_expression(node.comparisons[0].comparator)
        if isinstance(node, (cst.Assign, cst.AnnAssign, cst.NamedExpr)):
            # "v.value = x" reads nothing, and a raw JAX array accepts it silently.
            return self.of_expression(node.value) if node.value is not None else frozenset()
        if isinstance(node, (cst.Lambda, cst.BaseComp, cst.Await, cst.Del)):
            return frozenset()
        if isinstance(node, cst.Call):
            return self._of_call(node)
        return frozenset().union(*map(self.of_expression, children_of(node)))

    def _of_call(self, node: cst.Call) -> frozenset[str]:
        reads: frozenset[str] = frozenset()
        for helper, parameter in helpers_of(self.source, node, frozenset({self.leaf})) if self.depth else ():
            function = (helper.definition, helper.decorators)
            reads |= _always_read(self.source, *function, parameter, self.depth - 1, helper.overridable)
        # ``str.replace`` takes two arguments, a Variable's takes one.
        is_replace = isinstance(node.func, cst.Attribute) and node.func.attr.value == "replace"
        is_of_text = is_replace and sum(argument.keyword is None for argument in node.args) > 1
        parts = node.args if is_of_text else children_of(node)
        return reads.union(*map(self.of_expression, parts))


def _common(first: _Reads, second: _Reads) -> _Reads:
    """What is read on both of two ways."""
    if first is None:
        return second
    return first if second is None else first & second


def _may_return(node: cst.CSTNode) -> bool:
    return any(isinstance(found, (cst.Return, cst.Break, cst.Continue)) for found in _own_nodes(node))


# The plainest dispatch


@dataclass(frozen=True, slots=True, eq=False)
class Guarded:
    """A mapper that is ``result if isinstance(leaf, types) else leaf``, in one of its usual forms.

    ``test`` is ``None`` where it asks for an attribute instead: ``hasattr(leaf, "value")``, ``getattr(leaf, "value",
    leaf)``. ``results`` are the expressions that it may return for a leaf that passes.
    """

    test: TypeTest | None
    results: tuple[cst.BaseExpression, ...]


_NO_PLAIN_TEST = Unknown("the mapper is no plain test of the leaf's type")


def guarded_result_of(source: ParsedSource, mapper: Mapper) -> Guarded | Unknown:
    """Read a mapper that leaves everything alone but leaves of certain types.

    Args:
        source: the file.
        mapper: a mapper.

    Returns:
        The test and what is returned where it holds; unknown for a mapper of any other form.
    """
    return _guarded_result_of(source, mapper.function.definition, mapper.leaf)


@remembered
def _guarded_result_of(source: ParsedSource, definition: cst.Lambda | cst.FunctionDef, leaf: str) -> Guarded | Unknown:
    body = definition.body
    if isinstance(body, cst.BaseExpression):
        return _guarded(source, leaf, body)
    statements = [found for found in statements_of(body) if not is_docstring(found)]
    if len(statements) == 1 and isinstance(statements[0], cst.Return) and statements[0].value is not None:
        return _guarded(source, leaf, statements[0].value)
    if not statements or not isinstance(statements[0], cst.If):
        return Unknown("the mapper does not start with a test")
    first = statements[0]
    then = list(statements_of(first.body))
    otherwise = list(statements_of(first.orelse.body)) if isinstance(first.orelse, cst.Else) else statements[1:]
    is_whole = not isinstance(first.orelse, cst.If) and (first.orelse is None or len(statements) == 1)
    test, is_denied = _without_not(first.test)
    mapped, kept = (otherwise, then) if is_denied else (then, otherwise)
    found = _guard(source, test, leaf)
    if not is_whole or isinstance(found, Unknown) or not _returns_only(kept, leaf):
        return _NO_PLAIN_TEST
    returned = [node.value for node in _returns_below(mapped) if node.value is not None]
    return Guarded(found, tuple(returned))


def _guarded(source: ParsedSource, leaf: str, body: cst.BaseExpression) -> Guarded | Unknown:
    if isinstance(body, cst.IfExp):
        test, is_denied = _without_not(body.test)
        mapped, kept = (body.orelse, body.body) if is_denied else (body.body, body.orelse)
        found = _guard(source, test, leaf)
        if not isinstance(found, Unknown) and source.text_of(kept) == leaf:
            return Guarded(found, (mapped,))
    elif isinstance(body, cst.Call) and any(_attribute_test(source, body, leaf)):
        return Guarded(None, (body,)) if source.text_of(body.args[-1].value) == leaf else _NO_PLAIN_TEST
    return _NO_PLAIN_TEST


def _guard(source: ParsedSource, test: cst.BaseExpression, leaf: str) -> TypeTest | Unknown | None:
    """The types that a test asks for, ``None`` if it asks for an attribute."""
    found = type_test_of(source, test, leaf)
    if found is None and not (isinstance(test, cst.Call) and any(_attribute_test(source, test, leaf))):
        return Unknown("no test of the leaf's type")
    return found


def _without_not(test: cst.BaseExpression) -> tuple[cst.BaseExpression, bool]:
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        return test.expression, True
    return test, False


def _returns_only(statements: Sequence[cst.CSTNode], leaf: str) -> bool:
    return len(statements) == 1 and isinstance(statements[0], cst.Return) and is_name(statements[0].value, leaf)


def _returns_below(statements: Sequence[cst.CSTNode]) -> Iterator[cst.Return]:
    for statement in statements:
        for node in _own_nodes(statement):
            if isinstance(node, cst.Return):
                yield node
