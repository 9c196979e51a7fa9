"""Finds how a file can spell a Flax name at a place, and the import that this needs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import merge
from itertools import islice

from flake8_nnx_treemap.analysis.code.nodes import Place, end_of, is_none, start_of, words_below
from flake8_nnx_treemap.analysis.names.scopes import Binding, Block, Scope, ScopeKind
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource, Position, Range, remembered
from flake8_nnx_treemap.names import NNX_MODULES


@dataclass(frozen=True, slots=True)
class Spelling:
    """An expression that means a Flax name, with the edits that import what it needs.

    ``is_certain`` is false if the name may also mean something else where it is written, or nothing yet.
    """

    text: str
    edits: tuple[Edit, ...] = ()
    is_certain: bool = True


_VARIABLELIB = "variablelib"

MAXIMUM_SPELLINGS = 20
"""How many spellings of a name are looked at, the best first: a file may import NNX under a thousand names."""


def spelling_of(source: ParsedSource, name: str, place: Place) -> Spelling | None:
    """Return how a file can spell a member of ``flax.nnx`` at a place, adding to one of its imports if need be.

    Args:
        source: the file.
        name: the path below ``flax.nnx``: ``Variable``, or ``variablelib.VariableState``.
        place: where it is to be written.

    Returns:
        The shortest spelling that is certain, preferring the file's own module alias, or one that needs a further
        import, or one that is not certain. A file that imports nothing of Flax gets ``from flax import nnx``. ``None``
        if there are imports of Flax, but none of NNX that is visible at ``place``.
    """
    ways = (_names_in(source, scope, name) for scope in scopes_around(source, place))
    each = [_through_imports(source, names, name, place) for names in ways if names.imported or names.assigned]
    written = each[0] if len(each) == 1 else merge(*each, key=_preference)
    perhaps: list[str] = []
    for text in islice(written, MAXIMUM_SPELLINGS):
        if _is_certain(source, text, name, place):
            return Spelling(text)
        perhaps.append(text)
    added = _through_new_import(source, name.rpartition(".")[2], place) or _through_nnx_itself(source, name, place)
    return Spelling(perhaps[0], is_certain=False) if added is None and perhaps else added


def _preference(text: str) -> tuple[int, int, str]:
    return (text.count("."), len(text), text)


def scopes_around(source: ParsedSource, place: Place) -> Iterator[Scope]:
    """Yield the scopes around a place, innermost first."""
    scope: Scope | None = source.bindings.scope_at(place)
    while scope is not None:
        yield scope
        scope = scope.parent


@cache
def _targets(name: str) -> frozenset[str]:
    """Return the qualified names, through all modules of NNX, under which a member is available without a warning."""
    member = name.rpartition(".")[2]
    below = {name, f"{_VARIABLELIB}.{member}"}
    return frozenset(f"{module}.{rest}" for module in NNX_MODULES for rest in below)


@dataclass(frozen=True, slots=True)
class _Names:
    """The ways to spell a member of NNX with the names of one scope.

    ``imported`` has those through imports, best first: the text, the name at its start, and that name's qualified name.
    ``assigned`` has names that are not only imported: what they mean depends on the place.
    """

    imported: tuple[tuple[str, str, str], ...]
    assigned: tuple[str, ...]


def _through_imports(source: ParsedSource, names: _Names, name: str, place: Place) -> Iterator[str]:
    """Yield the spellings of a name that start with a name of one scope and may mean it at a place, best first."""
    assigned = {
        text
        for visible in names.assigned
        for full in source.bindings.qualified_names((visible,), place)
        for text in _texts(visible, full, name)
    }
    imported = (
        text for text, visible, full in names.imported if full in source.bindings.qualified_names((visible,), place)
    )
    yield from merge(sorted(assigned, key=_preference), imported, key=_preference) if assigned else imported


def _is_certain(source: ParsedSource, text: str, name: str, place: Place) -> bool:
    """Tell whether a spelling means a member of NNX at a place whatever has run before, and nothing else."""
    visible = text.partition(".")[0]
    meant = source.bindings.qualified_names((visible,), place)
    return all(text in _texts(visible, full, name) for full in meant) and can_be_used(source, visible, place)


@remembered
def _names_in(source: ParsedSource, scope: Scope, name: str) -> _Names:
    of_flax = frozenset(names_of_flax(source))
    imported: set[tuple[str, str, str]] = set()
    assigned: list[str] = []
    for visible, bindings in source.bindings.names_in(scope).items():
        if visible in of_flax:
            for full in (binding.qualified_name for binding in bindings):
                if full is not None:
                    imported.update((text, visible, full) for text in _texts(visible, full, name))
            if any(binding.qualified_name is None for binding in bindings):
                assigned.append(visible)
    return _Names(tuple(sorted(imported, key=lambda one: _preference(one[0]))), tuple(assigned))


def _texts(visible: str, full: str, name: str) -> Iterator[str]:
    """Yield the spellings of a member of NNX that start with a name, given that name's qualified name."""
    targets = _targets(name)
    # A member that is imported by itself warns, if at all, at the import and not where it is used.
    direct = {f"{module}.{name.rpartition('.')[2]}" for module in NNX_MODULES}
    if full in targets | direct:
        yield visible
    yield from (visible + target[len(full) :] for target in targets if target.startswith(full + "."))


def can_be_used(source: ParsedSource, visible: str, place: Place) -> bool:
    """Tell whether a name has always been bound when the code at a place runs."""
    bindings = source.bindings.bindings_of(visible, place)
    if source.bindings.is_shared(visible) or not all(_is_there_in_a_lambda(source, one) for one in bindings):
        return False
    if place[0] in _rows_of(source, visible):
        return True  # The line that is to be rewritten uses the name already.
    is_made = any(_is_made_before(source, binding, place) for binding in bindings)
    return is_made and not any(is_none(binding.value) for binding in bindings)


def _is_made_before(source: ParsedSource, binding: Binding, place: Place) -> bool:
    """Tell whether a binding has always been made when the code at a place runs."""
    if binding.place > place:
        return False
    blocks = [block for block in binding.block.ancestors() if not _binds_or_raises(source, block, binding)]
    scope = source.bindings.scope_at(place)
    while scope.kind in (ScopeKind.LAMBDA, ScopeKind.COMPREHENSION) and scope.parent is not None:
        scope = scope.parent
    block = source.bindings.block_at(place)
    if scope is not binding.scope or block is None:
        return len(blocks) <= 1
    return not blocks or blocks[0] in block.ancestors()


def _binds_or_raises(source: ParsedSource, block: Block, binding: Binding) -> bool:
    """Tell whether a block is the body of a ``try`` each of whose handlers binds the same name, too, or raises."""
    if not block.is_try_body:
        return False
    bound = [one.block.owner for one in source.bindings.names_in(binding.scope)[binding.name]]
    handlers: list[ast.ExceptHandler] = getattr(block.owner, "handlers", [])
    return all(handler in bound or isinstance(handler.body[-1], ast.Raise) for handler in handlers)


@remembered
def _rows_of(source: ParsedSource, name: str) -> frozenset[int]:
    """Return the rows on which a name is used by itself, not as an attribute."""
    uses = source.bindings.attributes.get(name, ())
    return frozenset(use.lineno for use in uses if isinstance(use, ast.Name))


@remembered
def _is_there_in_a_lambda(source: ParsedSource, binding: Binding) -> bool:
    """Tell whether a lambda can use a binding when it runs: not one of a class body or under ``TYPE_CHECKING``."""
    tests = [block.owner.test for block in binding.block.ancestors() if isinstance(block.owner, ast.If)]
    is_for_checkers = any("TYPE_CHECKING" in words_below(test) for test in tests)
    return binding.scope.kind is not ScopeKind.CLASS and not is_for_checkers


@remembered
def names_of_flax(source: ParsedSource) -> tuple[str, ...]:
    """Return every name that an import in the file binds to Flax or a part of it."""
    scopes = {statement.scope for statement in source.bindings.statements}
    bound = [binding for scope in scopes for found in source.bindings.names_in(scope).values() for binding in found]
    names = {binding.name for binding in bound if (binding.qualified_name or "").partition(".")[0] == "flax"}
    return tuple(sorted(names))


def _through_new_import(source: ParsedSource, member: str, place: Place) -> Spelling | None:
    if source.bindings.bindings_of(member, place) or source.bindings.is_written(member):
        return None  # The name is in use, perhaps through ``from m import *``.
    found = [
        (visible, node)
        for scope in scopes_around(source, place)
        for visible, node in _import_to_add_to(source, scope, place)
    ]
    if not found:
        return None
    _, node = min(found, key=lambda one: one[0])
    return Spelling(member, (_add_to_import(source, node, member),))


def _through_nnx_itself(source: ParsedSource, name: str, place: Place) -> Spelling | None:
    """Return the spelling through an import of NNX in a file that imports nothing of Flax, and has no such name."""
    above = _imports_at_the_top(source)
    is_free = not source.bindings.bindings_of("nnx", place) and not source.bindings.is_written("nnx")
    if names_of_flax(source) or not is_free or not above or end_of(above[-1]) > place:
        return None
    line = "from flax import nnx"
    below = _import_below(above)
    if below is not None:
        edit = source.insert(Position(below.lineno, 1), line + source.newline)
    else:
        edit = source.insert(source.range(_import_above(above)).end, source.newline + line)
    return Spelling(f"nnx.{name}", (edit,))


def _import_below(above: Sequence[ast.Import | ast.ImportFrom]) -> ast.Import | ast.ImportFrom | None:
    """Return the import above which isort puts that of NNX, unless that is the first of a block of further ones."""
    for index, node in enumerate(above):
        if _is_sorted_behind_flax(node):
            before = above[index - 1] if index else None
            is_in_block = before is None or (before.end_lineno or 0) + 1 == node.lineno or _is_of_python(before)
            return node if is_in_block else None
    return None


def _import_above(above: Sequence[ast.Import | ast.ImportFrom]) -> ast.Import | ast.ImportFrom:
    """Return the last import before those that are sorted behind that of NNX."""
    found = above[0]
    for node in above:
        if _is_sorted_behind_flax(node):
            return found
        found = node
    return found


@remembered
def _imports_at_the_top(source: ParsedSource) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """Return the imports that a file starts with, each on lines of its own, without those from ``__future__``."""
    found: list[ast.Import | ast.ImportFrom] = []
    last = 0
    for node in source.tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, (ast.Import, ast.ImportFrom)) and node.lineno > last:
            if getattr(node, "module", None) != "__future__":
                found.append(node)
        elif not is_docstring:
            break
        last = node.end_lineno or node.lineno
    shares = [node for node in source.tree.body if node not in found]
    rows = {row for node in shares for row in (node.lineno, node.end_lineno)}
    return tuple(node for node in found if rows.isdisjoint((node.lineno, node.end_lineno)))


def _is_sorted_behind_flax(node: ast.Import | ast.ImportFrom) -> bool:
    """Tell whether ``from flax import nnx`` comes before an import of other people's code, as isort puts them."""
    if not isinstance(node, ast.ImportFrom):
        return False
    return node.level > 0 or ((node.module or "") > "flax" and not _is_of_python(node))


def _is_of_python(node: ast.Import | ast.ImportFrom) -> bool:
    """Tell whether an import is of the standard library."""
    name = node.names[0].name if isinstance(node, ast.Import) else node.module or ""
    return not getattr(node, "level", 0) and name.partition(".")[0] in sys.stdlib_module_names


def _import_to_add_to(source: ParsedSource, scope: Scope, place: Place) -> Iterator[tuple[str, ast.ImportFrom]]:
    """Yield a name of a scope and its import, the first that reaches a place and can import one more name."""
    for visible in _names_of_longer_imports(source, scope):
        for binding in source.bindings.bindings_of(visible, place):
            if _takes_one_more(source, binding) and _is_made_before(source, binding, place):
                assert isinstance(binding.node, ast.ImportFrom)
                yield visible, binding.node
                return


@remembered
def _names_of_longer_imports(source: ParsedSource, scope: Scope) -> tuple[str, ...]:
    names = source.bindings.names_in(scope)
    return tuple(sorted(name for name in names if any(_takes_one_more(source, one) for one in names[name])))


@remembered
def _takes_one_more(source: ParsedSource, binding: Binding) -> bool:
    return _imports_from_nnx(binding) and binding.block.parent is None and _is_there_in_a_lambda(source, binding)


def _imports_from_nnx(binding: Binding) -> bool:
    if not isinstance(binding.node, ast.ImportFrom) or binding.node.level:
        return False
    modules = (*NNX_MODULES, *(f"{module}.{_VARIABLELIB}" for module in NNX_MODULES))
    return binding.node.module in modules


@remembered
def _add_to_import(source: ParsedSource, node: ast.ImportFrom, member: str) -> Edit:
    """Return the edit that adds a name to ``from m import a, c``: in order if the names are sorted, else last."""
    names = [alias.name for alias in node.names]
    is_sorted = names == sorted(names)
    following = [alias for alias in node.names if is_sorted and alias.name > member]
    if following:
        anchor = source.position_of_place(start_of(following[0]))
        return source.insert(anchor, f"{member},{_separator(source, node, following[0])}")
    last = node.names[-1]
    anchor = source.position_of_place(end_of(last))
    return source.insert(anchor, f",{_separator(source, node, last)}{member}")


def _separator(source: ParsedSource, node: ast.ImportFrom, alias: ast.alias) -> str:
    """Return a space, or the line break and indentation of an import that has one name per line in parentheses."""
    if not source.text_of(node).endswith(")"):
        return " "
    start = source.position_of_place(start_of(alias))
    before = source.text_in(Range(Position(start.row, 1), start))
    on_own_line = alias.lineno != node.lineno and not before.strip()
    return source.newline + before if on_own_line else " "
