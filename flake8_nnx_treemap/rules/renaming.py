"""Helpers for rules that rename a Flax member: find its uses and imports, and make the edits."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.code.nodes import end_of, start_of, walk
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.format_parts import has_no_place, is_format_part
from flake8_nnx_treemap.analysis.names.quoted import quoted_annotations
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, Block
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.refusals import is_refused
from flake8_nnx_treemap.analysis.values.version_checks import is_guarded
from flake8_nnx_treemap.names import FlaxRange, canonical
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.rule import Check, Finding


@dataclass(frozen=True, slots=True, eq=False)
class ImportedName:
    """One name in a ``from … import`` statement."""

    statement: ast.ImportFrom
    alias: ast.alias
    block: Block

    @property
    def bound(self) -> str:
        """The name that the import binds: ``V`` in ``from flax.nnx import Variable as V``."""
        return self.alias.asname or self.alias.name


def unless_guarded(check: Check) -> Check:
    """Wrap a rule's check: drop findings in code that runs only on Flax releases that have the old name."""

    @functools.wraps(check)
    def found(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
        for finding in check(source, flax):
            start, since = finding.range.start, max(CODES[finding.code].since, flax.lowest)
            if not is_guarded(source, start) and not is_refused(source, start, since):
                yield finding

    return found


def attribute_uses(source: ParsedSource, name: str) -> Iterator[ast.Attribute]:
    """Yield each read of ``module.member`` that means a Flax name, also in quoted annotations."""
    member = name.rpartition(".")[2]
    written = source.bindings.attributes.get(member, ())
    quoted = [node for root in _quoted(source, member) for node in walk(root)]
    for node in (*written, *quoted):
        if not isinstance(node, ast.Attribute) or node.attr != member or not isinstance(node.ctx, ast.Load):
            continue
        names = source.bindings.names_of(node, depth=0)
        if names and {canonical(found) for found in names} == {name} and not has_no_place(source, node):
            yield node


def imports_of(source: ParsedSource, name: str) -> Iterator[ImportedName]:
    """Yield each ``from module import member`` that imports a Flax name, but not from a ``try`` with a fallback."""
    member = name.rpartition(".")[2]
    for statement in source.bindings.statements:
        node = statement.node
        if not isinstance(node, ast.ImportFrom) or node.level or node.module is None:
            continue
        if statement.block.is_tried:
            continue  # "try: from flax.nnx import X" already handles a release without X.
        for alias in node.names:
            if alias.name == member and canonical(f"{node.module}.{member}") == name:
                yield ImportedName(node, alias, statement.block)


def _quoted(source: ParsedSource, member: str) -> Sequence[ast.expr]:
    return quoted_annotations(source) if member in source.text else ()


# Imports


def renamed_import(
    source: ParsedSource, imported: ImportedName, new: str, rename: Callable[[ast.expr], list[Edit] | None]
) -> list[Edit] | None:
    """Return the edits that import another member instead, and rename each use of the old one.

    Args:
        source: the file.
        imported: the import.
        new: the member to import.
        rename: returns the edits for one use of the name.

    Returns:
        The edits; ``None`` if other files may import the name from this one, or it is bound to other things as well.
    """
    if imported.alias.asname is not None:
        if safety.is_reexport(source, imported):
            return None
        start = source.position_of_place(start_of(imported.alias))
        end = source.position(source.offset(start) + len(imported.alias.name))
        return [source.replace(Range(start, end), new)]
    old = imported.bound
    if not _is_free(source, new, imported) or not safety.name_is_seen_by_nobody_else(source, imported):
        return None
    edits = _in_import(source, imported, new)
    for use, bindings in _uses_by_import(source, old).get(imported.statement, ()):
        done = rename(use) if len(bindings) == 1 and isinstance(use.ctx, ast.Load) else None
        if done is None or is_format_part(source, use):
            return None
        edits += done
    return edits


def _is_of(binding: Binding, imported: ImportedName) -> bool:
    return binding.kind is BindingKind.IMPORT and binding.node is imported.statement


def _is_free(source: ParsedSource, name: str, imported: ImportedName) -> bool:
    """Tell whether a name means nothing in the file yet, or nothing but what this import statement binds."""
    bound = _bound_anywhere(source, name)
    meant = canonical(f"{imported.statement.module}.{name}")
    if any(not _is_of(one, imported) or canonical(one.qualified_name or "") != meant for one in bound):
        return False
    return bool(bound) or not source.bindings.is_written(name)


@remembered
def _bound_anywhere(source: ParsedSource, name: str) -> tuple[Binding, ...]:
    """Return the bindings of a name in all scopes of the file, those of lambdas and comprehensions as well."""
    return tuple(binding for bound, bindings in source.bindings.all_bound() if bound == name for binding in bindings)


@remembered
def _uses_by_import(source: ParsedSource, name: str) -> dict[ast.AST, list[tuple[ast.Name, tuple[Binding, ...]]]]:
    """Return, for each import, the uses of a name that may mean it, each with all bindings that reach that use."""
    found: dict[ast.AST, list[tuple[ast.Name, tuple[Binding, ...]]]] = {}
    seen: set[int] = set()
    for use in _bare_uses(source, name):
        bindings = source.bindings.bindings_of(name, start_of(use))
        if len(bindings) > 1 and id(bindings) in seen:
            continue  # One use with these several bindings is enough to forbid the renaming.
        seen.add(id(bindings))
        for statement in dict.fromkeys(one.node for one in bindings if one.kind is BindingKind.IMPORT):
            found.setdefault(statement, []).append((use, bindings))
    return found


def _bare_uses(source: ParsedSource, name: str) -> Iterator[ast.Name]:
    yield from (use for use in source.bindings.attributes.get(name, ()) if isinstance(use, ast.Name))
    for root in _quoted(source, name):
        yield from (node for node in walk(root) if isinstance(node, ast.Name) and node.id == name)


def _in_import(source: ParsedSource, imported: ImportedName, new: str) -> list[Edit]:
    """Return the edit that renames a member in its import, or drops it if the new one is imported there already.

    The edit spans all names, so that no other fix adds one to them at the same time.
    """
    names = imported.statement.names
    whole = Range(source.position_of_place(start_of(names[0])), source.position_of_place(end_of(names[-1])))
    if any(alias.name == new and alias.asname is None for alias in names):
        range_, content = _with_separator(source, names, names.index(imported.alias)), ""
    else:
        range_, content = source.range(imported.alias), new
    before, after = Range(whole.start, range_.start), Range(range_.end, whole.end)
    return [Edit(whole, source.text_in(before) + content + source.text_in(after))]


# Tuples and unions


def without(source: ParsedSource, elements: Sequence[ast.expr], dropped: ast.expr) -> Edit:
    """Return the edit that removes one element of a tuple or a union, together with its ``,`` or ``|``."""
    return source.replace(_with_separator(source, elements, elements.index(dropped)), "")


def _with_separator(source: ParsedSource, elements: Sequence[ast.AST], index: int) -> Range:
    if index:
        start = source.position_of_place(end_of(elements[index - 1]))
        return Range(start, source.position_of_place(end_of(elements[index])))
    start = source.position_of_place(start_of(elements[0]))
    return Range(start, source.position_of_place(start_of(elements[1])))
