"""Finds names of ``flax.nnx`` that some releases of a range lack, where code would fail on them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from flake8_nnx_treemap.analysis.code.nodes import start_of, walk, words_below
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.format_parts import is_format_part
from flake8_nnx_treemap.analysis.names.scopes import ScopeKind, Statement
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.version_checks import is_guarded
from flake8_nnx_treemap.flax_names import NNX, Span, measured_releases, releases_with, releases_without
from flake8_nnx_treemap.names import FlaxRange, FlaxRelease, release_text


@dataclass(frozen=True, slots=True)
class Absence:
    """The releases of a range that lack a name.

    ``missing`` are these releases, ``spans`` all that have it, whatever the range. ``is_over`` is true if the newest
    release of the range lacks a name that an older one had; otherwise ``comes`` is the release from which on the rest
    of the range has the name, or the first one behind the range.
    """

    missing: tuple[FlaxRelease, ...]
    spans: tuple[Span, ...]
    is_over: bool
    comes: FlaxRelease

    @property
    def went(self) -> FlaxRelease:
        """The first release without the name, after the last one before it is over."""
        known = measured_releases()
        last = [span.last for span in self.spans if span.last is not None and span.last < self.missing[-1]][-1]
        return known[known.index(last) + 1]


@cache
def absence_of(name: str, flax: FlaxRange, owner: str = NNX) -> Absence | None:
    """Return which releases of a range lack a name, or the member of something; ``None`` if all have it, or none does.

    Args:
        name: the name, such as ``"Dict"`` for ``nnx.Dict``.
        flax: the releases that must run the code.
        owner: as for ``releases_with``.
    """
    known, spans = measured_releases(), releases_with(name, owner)
    missing = releases_without(name, min(flax.lowest, known[-1]), flax.highest, owner)
    if not missing or not spans:
        return None
    newest = known[-1] if flax.highest is None else max(one for one in known if one <= max(flax.highest, known[0]))
    is_over = newest == missing[-1] and spans[0].first < newest
    comes = next((span.first for span in spans if span.last is None or newest <= span.last), spans[-1].first)
    return Absence(missing, spans, is_over, comes)


def spans_text(spans: tuple[Span, ...]) -> str:
    """Return releases as people read them: ``0.11.1 to 0.12.0``."""
    return ", ".join(
        release_text(one.first)
        if one.first == one.last
        else f"{release_text(one.first)} {'and later' if one.last is None else f'to {release_text(one.last)}'}"
        for one in spans
    )


@dataclass(frozen=True, slots=True, eq=False)
class Mention:
    """One place that fails where a name is missing: an attribute of ``nnx``, or an import of the name."""

    name: str
    range: Range
    node: ast.Attribute | ast.alias
    statement: ast.ImportFrom | None = None


def mentions(source: ParsedSource, names: frozenset[str]) -> Iterator[Mention]:
    """Yield each use of ``nnx.name``, and each import of the name from ``flax.nnx``, that runs on every release.

    Args:
        source: the file.
        names: the names to look for.

    Yields:
        The places, but not those in code that asks for the release or handles errors, nor what is never evaluated, such
        as quoted annotations. A name that the file sets in ``nnx`` or asks for anywhere is left out.
    """
    attributes = source.bindings.attributes
    for name in sorted(names & attributes.keys()):
        for node in attributes[name]:
            if isinstance(node, ast.Attribute) and source.bindings.names_of(node, depth=0) == {f"{NNX}.{name}"}:
                if asks_for(source, name) or not isinstance(node.ctx, ast.Load) or is_format_part(source, node):
                    continue
                if _is_evaluated(source, node) and not is_handled(source, node):
                    yield Mention(name, source.range(node), node)
    for found in (statement.node for statement in _imports(source)):
        if isinstance(found, ast.ImportFrom) and found.module == NNX and not found.level:
            for alias in found.names:
                if alias.name in names and not asks_for(source, alias.name) and not is_handled(source, found):
                    yield Mention(alias.name, source.range(alias), alias, found)


def asks_for(source: ParsedSource, name: str) -> bool:
    """Tell whether a file sets a name in ``nnx``, or asks whether something has it."""
    return name in _asked_for(source) or any(
        isinstance(use, ast.Attribute)
        and not isinstance(use.ctx, ast.Load)
        and source.bindings.names_of(use.value) == {NNX}
        for use in source.bindings.attributes.get(name, ())
    )


@remembered
def _imports(source: ParsedSource) -> Sequence[Statement]:
    """Return the statements ``from module import names`` of a file."""
    return [statement for statement in source.bindings.statements if type(statement.node) is ast.ImportFrom]


@remembered
def _asked_for(source: ParsedSource) -> frozenset[str]:
    """Return the names that the file asks for by text, or imports in a ``try``: ``hasattr(nnx, "List")``."""
    found: set[object] = set()
    for name in ("hasattr", "getattr", "setattr", "delattr", "object", "patch"):
        for call in source.bindings.calls.get(name, ()):
            found |= {given.value for given in call.args[:2] if isinstance(given, ast.Constant)}
    for test in source.bindings.expressions(ast.Compare):
        if isinstance(test.left, ast.Constant) and isinstance(test.ops[0], (ast.In, ast.NotIn)):
            names = (node for node in walk(test.comparators[0]) if isinstance(node, ast.Name))
            if any(source.bindings.names_of(name) == {NNX} for name in names):
                found.add(test.left.value)
    found |= {one.rpartition(".")[2] for one in map(str, found) if one.startswith(f"{NNX}.")}
    for statement in _imports(source):
        if isinstance(statement.node, ast.ImportFrom) and statement.block.is_tried:
            found |= {alias.name for alias in statement.node.names}
    return frozenset(name for name in found if isinstance(name, str))


def is_handled(source: ParsedSource, node: ast.AST) -> bool:
    """Tell whether a release without the name is thought of: by a version check, or by a handler of errors."""
    place = start_of(node)
    if is_guarded(source, source.position_of_place(place)) or source.expects_error_at(place, _ABSENCE):
        return True
    block = source.bindings.block_at(place)
    tests = [one.owner.test for one in (block.ancestors() if block else ()) if isinstance(one.owner, ast.If)]
    return any("TYPE_CHECKING" in words_below(test) for test in tests)


_ABSENCE = frozenset({"AttributeError", "ImportError", "Exception", "BaseException"})


def _is_evaluated(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression is evaluated when the code around it runs: an annotation may never be."""
    child: ast.AST = node
    parent = source.ast_parent(child)
    while isinstance(parent, (ast.expr, ast.slice, ast.keyword)):
        child, parent = parent, source.ast_parent(parent)
    if isinstance(parent, ast.AnnAssign) and parent.annotation is child:
        is_local = source.bindings.scope_at(start_of(parent)).kind is ScopeKind.FUNCTION
        return not is_local and not _postpones_annotations(source)
    is_annotation = getattr(parent, "annotation", None) is child or getattr(parent, "returns", None) is child
    return not (is_annotation and _postpones_annotations(source))


@remembered
def _postpones_annotations(source: ParsedSource) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
        for node in source.tree.body
    )
