"""What becomes of the leaves that a flatten returns: loops, comprehensions and filters that look at each."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from flake8_nnx_treemap.analysis.calls.mappers import Dispatch, Mapper, always_read_in, dispatches_in, mapper_of
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.names.uses import Use, uses_of
from flake8_nnx_treemap.analysis.syntax import is_docstring, statements_of
from flake8_nnx_treemap.names import TreeFunctionKind

_KIND = TreeFunctionKind
_LIST_IN_RESULT = {
    _KIND.LEAVES: (),
    _KIND.LEAVES_WITH_PATH: (),
    _KIND.FLATTEN: (0,),
    _KIND.FLATTEN_WITH_PATH: (0,),
}
"""Where the leaves stand in what a function returns."""

_PASSES_ON = frozenset({"list", "tuple", "sorted", "reversed", "iter", "set"})
_PASSED_ON_DEPTH = 4


@dataclass(frozen=True, slots=True, eq=False)
class LeafConsumer:
    """One place that looks at leaves one by one.

    ``leaf`` is how it knows the leaf: a name, or ``pair[1]``. ``dispatches`` are all its questions after the leaf's
    kind. ``selects`` is set where nothing is done with leaves that fail that one test. ``always_reads`` are the
    attributes that it reads from each leaf for certain. ``bodies`` is the code that is given the leaf; ``is_inline`` is
    false if that is a function defined elsewhere.
    """

    node: cst.CSTNode
    leaf: str
    bodies: tuple[cst.BaseExpression | cst.BaseSuite, ...]
    dispatches: tuple[Dispatch, ...]
    selects: Dispatch | None = None
    always_reads: frozenset[str] = frozenset()
    is_inline: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class LeafConsumers:
    """Everything that looks at the leaves of one call; ``has_other_uses`` if more is done with them than that."""

    consumers: tuple[LeafConsumer, ...]
    has_other_uses: bool


@remembered
def leaf_consumers_of(source: ParsedSource, call: TreeCall) -> LeafConsumers | Unknown:
    """Find what looks at the leaves that a call returns.

    Args:
        source: the file.
        call: a call of ``tree.leaves``, ``tree.flatten`` or their like.

    Returns:
        Its consumers; unknown for other tree functions.
    """
    where = _LIST_IN_RESULT.get(call.function.kind)
    node = source.ast_of(call.node)
    if where is None or node is None:
        return Unknown("no function that returns leaves")
    in_element = (1,) if call.function.kind in (_KIND.LEAVES_WITH_PATH, _KIND.FLATTEN_WITH_PATH) else ()
    found: list[LeafConsumer] = []
    others = 0
    for use in uses_of(source, node):
        if use.path[:1] == (1,) and where == (0,):
            others += 1  # The tree's structure, which does not say how leaves are looked at.
        elif use.path != where:
            others += 1
        else:
            consumers = list(_consumers(source, use, in_element, _PASSED_ON_DEPTH))
            found += [consumer for consumer in consumers if consumer is not None]
            others += consumers.count(None)
    return LeafConsumers(tuple(found), others > 0)


def _consumers(
    source: ParsedSource, use: Use, in_element: tuple[int, ...], depth: int
) -> Iterator[LeafConsumer | None]:
    """What looks at the elements of a list; ``None`` for a use that looks at none, or that is not understood."""
    parent = use.parent
    if isinstance(parent, (ast.For, ast.AsyncFor)) and use.node is parent.iter:
        yield _of_loop(source, parent, in_element)
    elif isinstance(parent, ast.comprehension) and use.node is parent.iter:
        yield _of_comprehension(source, parent, in_element)
    elif isinstance(parent, ast.Call) and use.node in parent.args and depth:
        yield from _of_argument(source, parent, use.node, in_element, depth)
    else:
        yield None


def _of_argument(
    source: ParsedSource, call: ast.Call, node: ast.expr, in_element: tuple[int, ...], depth: int
) -> Iterator[LeafConsumer | None]:
    name = _builtin(source, call.func)
    position = call.args.index(node)
    if name in ("filter", "map") and position == 1 and len(call.args) == 2 and not in_element:
        yield _of_function(source, call, call.args[0], selects=name == "filter")
        return
    if name == "enumerate" and position == 0:
        in_element = (1, *in_element)
    elif name == "zip" and not any(isinstance(given, ast.Starred) for given in call.args[:position]):
        in_element = (position, *in_element)
    elif name not in _PASSES_ON or position:
        yield None
        return
    for use in uses_of(source, call):
        if use.path:
            yield None
        else:
            yield from _consumers(source, use, in_element, depth - 1)


def _builtin(source: ParsedSource, function: ast.expr) -> str | None:
    names = source.bindings.names_of(function)
    found = {name.partition(".")[2] for name in names if name.startswith("builtins.")}
    return found.pop() if len(names) == 1 and found else None


def _of_function(source: ParsedSource, call: ast.Call, function: ast.expr, *, selects: bool) -> LeafConsumer | None:
    expression, node = source.cst_of(function), source.cst_of(call)
    if not isinstance(expression, cst.BaseExpression) or isinstance(node, Unknown):
        return None
    mapper = mapper_of(source, expression, 0)
    if isinstance(mapper, Unknown):
        return None
    chosen = _whole_test(source, mapper) if selects else None
    bodies = (mapper.function.definition.body,)
    return LeafConsumer(node, mapper.leaf, bodies, mapper.dispatches, chosen, mapper.always_reads, mapper.is_inline)


def _whole_test(source: ParsedSource, mapper: Mapper) -> Dispatch | None:
    """The test that a predicate is, if it is nothing else."""
    body = mapper.function.definition.body
    if isinstance(body, cst.BaseExpression) and len(mapper.dispatches) == 1 and mapper.dispatches[0].node is body:
        return mapper.dispatches[0]
    return None


def _of_comprehension(
    source: ParsedSource, generator: ast.comprehension, in_element: tuple[int, ...]
) -> LeafConsumer | None:
    whole = source.ast_parent(generator)
    leaf = _element(generator.target, in_element)
    node = source.cst_of(whole) if isinstance(whole, ast.expr) else None
    if leaf is None or node is None or isinstance(node, Unknown):
        return None
    dispatches = tuple(dispatches_in(source, node, leaf))
    conditions = list(_conditions(node))
    selects = _selected(dispatches, list(map(_first_condition, conditions)))
    # What stands behind a condition is not done for each leaf; a dictionary's value is read after its key.
    made = [getattr(node, name) for name in ("elt", "key", "value") if hasattr(node, name)]
    bodies = (*conditions, *made)
    return LeafConsumer(node, leaf, bodies, dispatches, selects, always_read_in(source, bodies[0], leaf))


def _conditions(node: cst.CSTNode) -> Iterator[cst.BaseExpression]:
    part = getattr(node, "for_in", None)
    while isinstance(part, cst.CompFor):
        yield from (condition.test for condition in part.ifs)
        part = part.inner_for_in


def _first_condition(node: cst.BaseExpression) -> cst.BaseExpression:
    while isinstance(node, cst.BooleanOperation) and isinstance(node.operator, cst.And):
        node = node.left
    return node


def _selected(dispatches: Sequence[Dispatch], tests: Sequence[cst.CSTNode]) -> Dispatch | None:
    """The only question that is asked, if it decides whether anything happens at all."""
    if len(dispatches) == 1 and any(dispatches[0].node is test for test in tests):
        return dispatches[0]
    return None


def _of_loop(source: ParsedSource, loop: ast.For | ast.AsyncFor, in_element: tuple[int, ...]) -> LeafConsumer | None:
    leaf = _element(loop.target, in_element)
    node = source.cst_of(loop)
    if leaf is None or not isinstance(node, cst.For):
        return None
    dispatches = tuple(dispatches_in(source, node.body, leaf))
    selects = _selected(dispatches, list(_guards(node.body)))
    return LeafConsumer(node, leaf, (node.body,), dispatches, selects, always_read_in(source, node.body, leaf))


def _guards(body: cst.BaseSuite) -> Iterator[cst.BaseExpression]:
    """The test without which a loop's body does nothing."""
    statements = [found for found in statements_of(body) if not is_docstring(found)]
    if not statements or not isinstance(statements[0], cst.If) or statements[0].orelse is not None:
        return
    first = statements[0]
    if isinstance(first.test, cst.UnaryOperation) and isinstance(first.test.operator, cst.Not):
        inner = list(statements_of(first.body))
        if len(inner) == 1 and isinstance(inner[0], cst.Continue):
            yield first.test.expression
    elif len(statements) == 1:
        yield _first_condition(first.test)


def _element(target: ast.expr, path: tuple[int, ...]) -> str | None:
    """How a loop knows the part of each element that a path leads to."""
    for position, index in enumerate(path):
        if isinstance(target, ast.Name):
            return target.id + "".join(f"[{step}]" for step in path[position:])
        if not isinstance(target, (ast.Tuple, ast.List)) or index >= len(target.elts):
            return None
        if any(isinstance(element, ast.Starred) for element in target.elts[: index + 1]):
            return None
        target = target.elts[index]
    return target.id if isinstance(target, ast.Name) else None
