"""Finds loops, comprehensions and filters over the leaves that ``tree.leaves`` and ``tree.flatten`` return."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import is_nested_too_deeply
from flake8_nnx_treemap.analysis.calls.mappers import (
    Dispatch,
    Mapper,
    always_read_in,
    dispatches_in,
    mapper_of,
    without_not,
)
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall
from flake8_nnx_treemap.analysis.code.nodes import Code, end_of, start_of, without_docstring
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.names.uses import Use, uses_of
from flake8_nnx_treemap.names import TreeFunctionKind

_KIND = TreeFunctionKind
_LIST_IN_RESULT = {
    _KIND.LEAVES: (),
    _KIND.LEAVES_WITH_PATH: (),
    _KIND.FLATTEN: (0,),
    _KIND.FLATTEN_WITH_PATH: (0,),
}
"""The indices that lead from a function's result to its list of leaves."""

_PASSES_ON = frozenset({"list", "tuple", "sorted", "reversed", "iter", "set"})
_PASSED_ON_DEPTH = 4


@dataclass(frozen=True, slots=True, eq=False)
class LeafLoop:
    """One loop, comprehension, ``filter`` or ``map`` over leaves.

    ``leaf`` is how it spells the leaf: a name, or ``pair[1]``. ``dispatches`` are all its tests of the leaf's type.
    ``selects`` is set if it does nothing with leaves that fail that one test. ``always_reads`` are the attributes that
    it always reads from each leaf. ``bodies`` is the code that runs for each leaf; ``is_inline`` is false if that is a
    function defined elsewhere.
    """

    node: ast.AST
    leaf: str
    bodies: tuple[Code, ...]
    dispatches: tuple[Dispatch, ...]
    selects: Dispatch | None = None
    always_reads: frozenset[str] = frozenset()
    is_inline: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class LeafLoops:
    """All loops over the leaves of one call; ``has_other_uses`` if its result is used in other ways, too."""

    loops: tuple[LeafLoop, ...]
    has_other_uses: bool


@remembered
def leaf_loops_of(source: ParsedSource, call: TreeCall) -> LeafLoops | Unknown:
    """Return the loops over the leaves that a call returns.

    Args:
        source: the file.
        call: a call of ``tree.leaves``, ``tree.flatten`` or the like.

    Returns:
        Its loops; unknown for other tree functions.
    """
    where = _LIST_IN_RESULT.get(call.function.kind)
    if where is None:
        return Unknown("no function that returns leaves")
    in_element = (1,) if call.function.kind in (_KIND.LEAVES_WITH_PATH, _KIND.FLATTEN_WITH_PATH) else ()
    found: list[LeafLoop] = []
    others = 0
    for use in uses_of(source, call.node):
        if use.path[:1] == (1,) and where == (0,):
            others += 1  # The treedef, which is used to build a tree from leaves.
        elif use.path != where:
            others += 1
        else:
            loops = list(_loops_over(source, use, in_element, _PASSED_ON_DEPTH))
            found += [loop for loop in loops if loop is not None]
            others += loops.count(None)
    return LeafLoops(tuple(found), others > 0)


def _loops_over(source: ParsedSource, use: Use, in_element: tuple[int, ...], depth: int) -> Iterator[LeafLoop | None]:
    """Yield the loops over a list of leaves; ``None`` for a use that is not a loop, or is not understood."""
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
) -> Iterator[LeafLoop | None]:
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
            yield from _loops_over(source, use, in_element, depth - 1)


def _builtin(source: ParsedSource, function: ast.expr) -> str | None:
    names = source.bindings.names_of(function)
    found = {name.partition(".")[2] for name in names if name.startswith("builtins.")}
    return found.pop() if len(names) == 1 and found else None


def _of_function(source: ParsedSource, call: ast.Call, function: ast.expr, *, selects: bool) -> LeafLoop | None:
    mapper = mapper_of(source, function, 0)
    if isinstance(mapper, Unknown):
        return None
    chosen = _whole_test(mapper) if selects else None
    bodies = (mapper.function.body,)
    return LeafLoop(call, mapper.leaf, bodies, mapper.dispatches, chosen, mapper.always_reads, mapper.is_inline)


def _whole_test(mapper: Mapper) -> Dispatch | None:
    """Return the type test that is the whole body of a lambda; ``None`` for other functions."""
    is_test = len(mapper.dispatches) == 1 and mapper.dispatches[0].node is mapper.function.definition.body
    return mapper.dispatches[0] if is_test else None


def _of_comprehension(
    source: ParsedSource, generator: ast.comprehension, in_element: tuple[int, ...]
) -> LeafLoop | None:
    whole = source.ast_parent(generator)
    leaf = _element(generator.target, in_element)
    if leaf is None or not isinstance(whole, ast.expr) or is_nested_too_deeply(source, whole):
        return None
    # A predicate ``lambda x: isinstance(x, …)`` of the call itself may name its node as the comprehension its leaf.
    start, end = start_of(generator.iter), end_of(generator.iter)
    found = dispatches_in(source, [whole], leaf)
    dispatches = tuple(one for one in found if not start <= start_of(one.node) < end)
    conditions = [condition for one in getattr(whole, "generators", ()) for condition in one.ifs]
    selects = _selected(dispatches, list(map(_first_condition, conditions)))
    made = [getattr(whole, name) for name in ("elt", "key", "value") if hasattr(whole, name)]
    bodies = tuple([one] for one in (*conditions, *made))
    # Only the first ``if`` runs for every leaf: it guards all else.
    is_plain = getattr(whole, "generators", ()) == [generator]
    always = made if is_plain and not conditions else bodies[0]
    return LeafLoop(whole, leaf, bodies, dispatches, selects, always_read_in(source, always, leaf))


def _first_condition(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        node = node.values[0]
    return node


def _selected(dispatches: Sequence[Dispatch], tests: Sequence[ast.AST]) -> Dispatch | None:
    """Return the only dispatch, if it is one of the tests that guard everything else."""
    if len(dispatches) == 1 and any(dispatches[0].node is test for test in tests):
        return dispatches[0]
    return None


def _of_loop(source: ParsedSource, loop: ast.For | ast.AsyncFor, in_element: tuple[int, ...]) -> LeafLoop | None:
    leaf = _element(loop.target, in_element)
    if leaf is None or is_nested_too_deeply(source, loop):
        return None
    dispatches = tuple(dispatches_in(source, loop.body, leaf))
    selects = _selected(dispatches, list(_guards(loop.body)))
    return LeafLoop(loop, leaf, (loop.body,), dispatches, selects, always_read_in(source, loop.body, leaf))


def _guards(body: Code) -> Iterator[ast.expr]:
    """Yield the test of ``if test: …`` or ``if not test: continue`` if a loop does nothing for leaves that fail it."""
    statements = without_docstring(body)
    if not statements or not isinstance(statements[0], ast.If) or statements[0].orelse:
        return
    first = statements[0]
    test, is_denied = without_not(first.test)
    if is_denied:
        inner = first.body
        if len(inner) == 1 and isinstance(inner[0], ast.Continue):
            yield test
    elif len(statements) == 1:
        yield _first_condition(test)


def _element(target: ast.expr, path: tuple[int, ...]) -> str | None:
    """Return how a loop spells a part of each element, given by indices: a name, or ``pair[1]``."""
    for position, index in enumerate(path):
        if isinstance(target, ast.Name):
            return target.id + "".join(f"[{step}]" for step in path[position:])
        if not isinstance(target, (ast.Tuple, ast.List)) or index >= len(target.elts):
            return None
        if any(isinstance(element, ast.Starred) for element in target.elts[: index + 1]):
            return None
        target = target.elts[index]
    return target.id if isinstance(target, ast.Name) else None
