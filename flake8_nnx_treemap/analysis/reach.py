"""Which words a piece of code leads to: its own, and those of all that its names are bound to.

What code can be about, judged by the ``ast`` alone. It errs on one side: whatever a rule finds out about predicates,
mappers and consumers of leaves, it finds in these words; many words are of no account. So a file without the words
that a rule needs is done, and LibCST need not be imported for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.candidates import Candidate
from flake8_nnx_treemap.analysis.code.nodes import walk
from flake8_nnx_treemap.analysis.names.bindings import Binding, BindingKind, class_of_method, start_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.names.uses import uses_of
from flake8_nnx_treemap.analysis.values.narrowing import type_test
from flake8_nnx_treemap.names import WRAPPERS

MAXIMUM_NAMES = 64
"""How many names of other files are followed; what lies beyond is not seen."""

_LISTS_DEPTH = 4
"""Through how many calls such as ``enumerate(..)`` a list of leaves is followed, as ``consumers`` does."""


@dataclass(frozen=True, slots=True)
class Reach:
    """``words`` are names, attributes and strings; ``members`` the latter two: what may be a member of something.

    ``type_questions`` are comparisons and look-ups in which ``type(x)`` or ``x.__class__`` stands; ``writes`` holds
    if an attribute or an item of something is set.
    """

    words: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    type_questions: tuple[ast.expr, ...] = ()
    writes: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """What one piece of code says itself, and where its names lead on to."""

    own: Reach
    onward: tuple[ast.AST, ...]


def reach_of_function(source: ParsedSource, expression: ast.expr | None) -> Reach:
    """What a predicate or a mapper leads to, in this file, or in that of the project which it is imported from."""
    if expression is None:
        return Reach()
    here = reach_of(source, expression)
    names = source.bindings.names_of(expression)
    return _joined([here, _reach_elsewhere(source, names)]) if names else here


def reach_of_consumers(source: ParsedSource, call: ast.expr) -> Reach:
    """What the code leads to that looks at the leaves which a call returns; see ``consumers.leaf_consumers_of``."""
    return _joined(reach_of(source, code) for code in _consumers(source, call, _LISTS_DEPTH))


@remembered
def reach_of(source: ParsedSource, root: ast.AST) -> Reach:
    """What a piece of code leads to in its own file."""
    found = {root: _piece(source, root)}
    pending = [*found[root].onward]
    while pending:
        node = pending.pop()
        if node not in found:
            found[node] = _piece(source, node)
            pending += found[node].onward
    return _joined(piece.own for piece in found.values())


def _joined(parts: Iterable[Reach]) -> Reach:
    found = list(parts)
    if len(found) == 1:
        return found[0]
    return Reach(
        frozenset().union(*(one.words for one in found)),
        frozenset().union(*(one.members for one in found)),
        tuple(question for one in found for question in one.type_questions),
        any(one.writes for one in found),
    )


# One piece of code


@remembered
def _piece(source: ParsedSource, root: ast.AST) -> _Piece:
    names: set[str] = set()
    members: set[str] = set()
    onward: list[ast.AST] = []
    questions: list[ast.expr] = []
    writes = False
    may_ask = not {"type", "__class__"}.isdisjoint(source.bindings.attributes)
    for part in root.body if isinstance(root, (ast.FunctionDef, ast.AsyncFunctionDef)) else [root]:
        for node in walk(part):
            if isinstance(node, ast.Name):
                names.add(node.id)
                onward += _follow(source, node, names)
            elif isinstance(node, ast.Attribute):
                members.add(node.attr)
                onward += _methods(source, node)
                writes |= isinstance(node.ctx, ast.Store)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                members.add(node.value)
            elif isinstance(node, (ast.Compare, ast.Subscript, ast.Call)):
                writes |= isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
                if may_ask and asks_exact_type(node):
                    questions.append(node)
    own = Reach(frozenset(names | members), frozenset(members), tuple(questions), writes)
    return _Piece(own, tuple(onward))


def _follow(source: ParsedSource, node: ast.Name, words: set[str]) -> list[ast.AST]:
    """Where a name leads on to, adding to ``words`` what it is imported as."""
    imported = _names_that_lead_on(source).get(node.id)
    if imported is None:
        return []
    words |= imported
    if imported:
        return []
    bindings = source.bindings.bindings_of(node.id, start_of(node))
    words.update(word for binding in bindings for word in (binding.qualified_name or "").split("."))
    return [meaning for binding in bindings for meaning in _meaning(binding)]


@remembered
def _names_that_lead_on(source: ParsedSource) -> dict[str, frozenset[str]]:
    """Most names are parameters, and what is given for them nobody looks at: these need not be looked up.

    Nor do names that are imported and nothing else, whose words are here. For all others there are none.
    """
    bound: dict[str, list[Binding]] = {}
    for name, found in source.bindings.all_bound():
        bound.setdefault(name, []).extend(found)
    kinds = (BindingKind.IMPORT, BindingKind.FUNCTION, BindingKind.ASSIGNMENT)
    return {name: _words_of_imports(found) for name, found in bound.items() if any(one.kind in kinds for one in found)}


def _words_of_imports(bindings: Sequence[Binding]) -> frozenset[str]:
    if any(one.kind is not BindingKind.IMPORT for one in bindings):
        return frozenset()
    return frozenset(word for one in bindings for word in (one.qualified_name or "").split("."))


@remembered
def _names_of_selves(source: ParsedSource) -> frozenset[str]:
    """What first parameters of methods are called."""
    return frozenset(
        name for name, found in source.bindings.all_bound() if any(class_of_method([one]) is not None for one in found)
    )


def _meaning(binding: Binding) -> list[ast.AST]:
    if binding.kind is BindingKind.FUNCTION:
        return [binding.node]
    return [binding.value] if binding.kind is BindingKind.ASSIGNMENT and binding.value is not None else []


def _methods(source: ParsedSource, node: ast.Attribute) -> list[ast.AST]:
    """The methods that ``self.name`` may stand for."""
    owner = node.value
    if not isinstance(owner, ast.Name) or owner.id not in _names_of_selves(source):
        return []
    scope = class_of_method(source.bindings.bindings_of(owner.id, start_of(owner)))
    found = source.bindings.names_in(scope).get(node.attr, ()) if scope else ()
    return [binding.node for binding in found if binding.kind is BindingKind.FUNCTION]


def asks_exact_type(node: ast.AST) -> bool:
    """Whether ``type(x)`` or ``x.__class__`` is compared, is a key, or is given to ``get``."""
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Attribute) or node.func.attr != "get":
            return False
    elif not isinstance(node, (ast.Compare, ast.Subscript)):
        return False
    return any(isinstance(_typed(part), (ast.Name, ast.Subscript)) for part in walk(node))


def _typed(node: ast.AST) -> ast.expr | None:
    """What an expression asks the type of; a leaf is a name, or ``args[0]``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type":
        return node.args[0] if node.args else None
    return node.value if isinstance(node, ast.Attribute) and node.attr == "__class__" else None


# Other files


def _reach_elsewhere(source: ParsedSource, names: frozenset[str]) -> Reach:
    """What names lead to that are imported from other files, each of which is asked once for each name."""
    reaches: list[Reach] = []
    pending = [(source, next(iter(names)))] if len(names) == 1 else []
    seen: set[tuple[str, str]] = set()
    while pending and len(seen) < MAXIMUM_NAMES:
        asking, imported = pending.pop()
        found = asking.modules(imported) if asking.modules is not None else None
        if found is None or (found[0].filename, found[1]) in seen:
            continue
        home, name = found
        seen.add((home.filename, name))
        for binding in home.bindings.names_in(home.bindings.module).get(name, ()):
            reaches += [reach_of(home, node) for node in _meaning(binding)]
            if binding.qualified_name is not None:
                pending.append((home, binding.qualified_name))
    return _joined(reaches)


# Consumers


def _consumers(source: ParsedSource, node: ast.expr, depth: int) -> Iterator[ast.AST]:
    """Loops and comprehensions over a list, functions that are mapped over it, and the same of lists made of it."""
    for use in uses_of(source, node):
        parent = use.parent
        if isinstance(parent, ast.comprehension):
            yield from _parts_of_comprehension(source.ast_parent(parent), parent)
        elif isinstance(parent, (ast.For, ast.AsyncFor)):
            yield from parent.body
        elif isinstance(parent, ast.Call) and depth:
            yield from [given for given in parent.args[:1] if given is not use.node]
            yield from _consumers(source, parent, depth - 1)


def _parts_of_comprehension(whole: ast.AST | None, generator: ast.comprehension) -> Iterator[ast.AST]:
    """All but what is iterated over."""
    yield from (value for name in ("elt", "key", "value") if (value := getattr(whole, name, None)) is not None)
    for one in getattr(whole, "generators", ()):
        yield from one.ifs if one is generator else [*one.ifs, one.iter]


# Questions


def asks_for_others(source: ParsedSource, candidate: Candidate) -> bool:
    """Whether a mapper is seen to ask if its leaf is of a class that is no wrapper."""
    function = _definition(source, candidate.mapper)
    if function is None:
        return False
    leaves = [*function.args.posonlyargs, *function.args.args][candidate.function.leaf_position :]
    body = function.body if isinstance(function.body, list) else [function.body]
    tests = [type_test(source, node) for part in body for node in walk(part) if isinstance(node, ast.Call)]
    return any(test is not None and leaves and test[0] == leaves[0].arg and not test[1] <= WRAPPERS for test in tests)


def _definition(source: ParsedSource, mapper: ast.expr | None) -> ast.Lambda | ast.FunctionDef | None:
    if isinstance(mapper, ast.Name):
        bindings = source.bindings.bindings_of(mapper.id, start_of(mapper))
        meanings = [node for binding in bindings for node in _meaning(binding)]
        found = meanings[0] if len(meanings) == len(bindings) == 1 else None
    else:
        found = mapper
    return found if isinstance(found, (ast.Lambda, ast.FunctionDef)) else None
