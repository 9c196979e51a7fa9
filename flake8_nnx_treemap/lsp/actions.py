"""Code actions, made from what diagnostics carry and from what was found last; nothing is linted here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import NoneType
from typing import Any

from lsprotocol import types

from flake8_nnx_treemap.analysis.code.text import Position, Range
from flake8_nnx_treemap.lsp.analyst import Analysis
from flake8_nnx_treemap.lsp.cells import python_of
from flake8_nnx_treemap.lsp.diagnostics import NAME, diagnostics_of, fix_edits
from flake8_nnx_treemap.lsp.documents import Source
from flake8_nnx_treemap.lsp.noqa import noqa_edit
from flake8_nnx_treemap.rules.rule import is_wanted

FIX_ALL = "source.fixAll.nnx"
NOTEBOOK_FIX_ALL = f"notebook.{FIX_ALL}"
"""What VS Code asks for once a notebook, in ``notebook.codeActionsOnSave``."""
EXPLAIN = "nnx.explain"

TextEdits = Mapping[str, Sequence[types.TextEdit]]


@dataclass(frozen=True, slots=True)
class FixAll:
    """A choice of findings to fix together: those of one rule, or all."""

    code: str | None
    unsafe_fixes: bool
    title: str
    kind: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asked for: about which document, which diagnostics, and which kinds of actions."""

    source: Source
    uri: str
    diagnostics: tuple[types.Diagnostic, ...]
    only: tuple[str, ...] | None
    versioned: bool
    """Whether the client understands edits of a document's version."""
    resolves: bool
    """Whether the client asks for an action's edit once somebody chooses the action."""

    @property
    def codes(self) -> list[str]:
        """The rules that the diagnostics come from, each once."""
        return list(dict.fromkeys(str(one.code) for one in self.diagnostics))

    def wants(self, kind: str) -> bool:
        """Whether the client wants actions of a kind, or of a kind above it."""
        return self.only is None or any(kind == one or kind.startswith(f"{one}.") or not one for one in self.only)


@dataclass(frozen=True, slots=True)
class Promise:
    """What is to be worked out of an action that somebody has chosen, as its ``data`` says."""

    uri: str
    digest: str
    """That of the text that the action was offered for."""
    code: str | None
    row: int | None = None
    """The row that is to be silent, as the client counts it; ``None`` where findings are to be fixed."""
    unsafe_fixes: bool = False

    @classmethod
    def of(cls, data: object) -> Promise | None:
        """What an action's data says; ``None`` if it is not ours."""
        known = data if isinstance(data, dict) else {}
        uri, digest, code, row = (known.get(name) for name in ("uri", "digest", "code", "row"))
        if not isinstance(uri, str) or not isinstance(digest, str):
            return None
        if not isinstance(code, (str, NoneType)) or not isinstance(row, (int, NoneType)):
            return None
        return cls(uri, digest, code, row, known.get("unsafe_fixes") is True)


def asked(
    params: types.CodeActionParams, source: Source, analysis: Analysis | None, *, versioned: bool, resolves: bool
) -> Asked:
    """Find out what a request is about.

    Diagnostics that come without data, as from clients that do not keep it, are looked up in what was found last; so
    is everything for clients that name no diagnostics at all.
    """
    found = [one for one in params.context.diagnostics if one.source == NAME]
    if not found or not all(one.data for one in found):
        known = diagnostics_of(analysis).get(params.text_document.uri, []) if analysis else []
        if found:
            by_place = {(str(one.code), _key(one.range)): one for one in known}
            found = [one if one.data else by_place.get((str(one.code), _key(one.range)), one) for one in found]
        else:
            found = [one for one in known if _touch(one.range, params.range)]
    only = None if params.context.only is None else tuple(map(str, params.context.only))
    return Asked(source, params.text_document.uri, tuple(found), only, versioned, resolves)


def single_actions(about: Asked) -> Iterator[types.CodeAction]:
    """*Fix this*, *Disable for this line* and *Explain*, for each diagnostic that the client asks about."""
    if not about.wants(types.CodeActionKind.QuickFix):
        return
    for diagnostic in about.diagnostics:
        data = diagnostic.data if isinstance(diagnostic.data, dict) else {}
        if data.get("fix") and data.get("digest") == about.source.digest:
            yield _fix_this(about, diagnostic, data["fix"])
    for diagnostic in about.diagnostics:
        yield from _disable(about, diagnostic)
    for code in about.codes:
        command = types.Command(title=f"Explain {code}", command=EXPLAIN, arguments=[code])
        yield types.CodeAction(command.title, types.CodeActionKind.QuickFix, command=command)


def fix_alls(about: Asked, analysis: Analysis) -> Iterator[FixAll]:
    """The groups of findings that may be fixed together and are worth offering."""
    fixable = [found for found in analysis.findings if found.fix is not None]
    safe = [found for found in fixable if is_wanted(found.fix, unsafe_fixes=analysis.settings.unsafe_fixes)]
    unsafe = [found for found in fixable if not is_wanted(found.fix, unsafe_fixes=analysis.settings.unsafe_fixes)]
    if about.wants(types.CodeActionKind.QuickFix):
        for code in about.codes:
            title = f"Fix all of {code} in this file"
            if any(found.code == code for found in safe):
                yield FixAll(code, False, title, types.CodeActionKind.QuickFix)
            if any(found.code == code for found in unsafe):
                yield FixAll(code, True, f"{title}, unsafe fixes too", types.CodeActionKind.QuickFix)
    kind = FIX_ALL if about.wants(FIX_ALL) else NOTEBOOK_FIX_ALL
    if safe and about.wants(kind) and (about.source.is_notebook or kind == FIX_ALL):
        yield FixAll(None, False, "Fix all NNX findings that have a safe fix", kind)


def fix_all_action(about: Asked, group: FixAll, edits: TextEdits | None) -> types.CodeAction:
    """A group of findings as a code action; without edits, as one whose edit is worked out when it is chosen."""
    ours = [one for one in about.diagnostics if str(one.code) == group.code]
    action = types.CodeAction(group.title, group.kind, diagnostics=ours or None)
    if edits is None:
        promise = Promise(about.uri, about.source.digest, group.code, unsafe_fixes=group.unsafe_fixes)
        action.data = asdict(promise)
    else:
        action.edit = workspace_edit(edits, [about.source], about.versioned)
    return action


def workspace_edit(edits: TextEdits, sources: Iterable[Source], versioned: bool) -> types.WorkspaceEdit:
    """Edits as the client understands them; where it can, it refuses those for a text that it no longer has."""
    if not versioned:
        return types.WorkspaceEdit(changes={uri: list(found) for uri, found in edits.items()})
    versions = {part.document.uri: part.document.version for source in sources for part in source.parts}
    return types.WorkspaceEdit(
        document_changes=[
            types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(uri, versions.get(uri)), list(found))
            for uri, found in edits.items()
        ]
    )


def _fix_this(about: Asked, diagnostic: types.Diagnostic, fix: dict[str, Any]) -> types.CodeAction:
    is_safe = fix["applicability"] == "safe"
    title = f"Fix {diagnostic.code}: {fix['title']}" + ("" if is_safe else " (unsafe)")
    edit = workspace_edit(fix_edits(fix), [about.source], about.versioned)
    return types.CodeAction(
        title, types.CodeActionKind.QuickFix, diagnostics=[diagnostic], is_preferred=is_safe or None, edit=edit
    )


def _disable(about: Asked, diagnostic: types.Diagnostic) -> Iterator[types.CodeAction]:
    part = about.source.part_of(about.uri)
    if part is None:
        return
    action = types.CodeAction(
        f"Disable {diagnostic.code} for this line", types.CodeActionKind.QuickFix, diagnostics=[diagnostic]
    )
    row = diagnostic.range.start.line
    # A line that has such a comment may have no place for another one, and then the action is not offered.
    if about.resolves and "noqa" not in part.document.lines.line(min(row, len(part.document.lines) - 1)).lower():
        action.data = asdict(Promise(about.uri, about.source.digest, str(diagnostic.code), row))
        yield action
        return
    edits = noqa_edits(about.source, about.uri, row, str(diagnostic.code))
    if edits is not None:
        action.edit = workspace_edit(edits, [about.source], about.versioned)
        yield action


def noqa_edits(source: Source, uri: str, line: int, code: str) -> TextEdits | None:
    """The edit that silences a rule in a line of a document; ``None`` if there is no place for a comment."""
    part = source.part_of(uri)
    if part is None:
        return None
    row = part.document.lines.from_client(types.Position(line, 0)).row
    edit = noqa_edit(python_of(part.document.text) if source.is_notebook else part.document.text, row, code)
    if edit is None:
        return None
    position: Position = edit.range.start
    return {uri: [types.TextEdit(part.document.lines.range_to_client(Range(position, position)), edit.content)]}


def _key(range_: types.Range) -> tuple[int, int, int, int]:
    return (range_.start.line, range_.start.character, range_.end.line, range_.end.character)


def _touch(one: types.Range, other: types.Range) -> bool:
    start, end = (other.start.line, other.start.character), (other.end.line, other.end.character)
    return (one.start.line, one.start.character) <= end and start <= (one.end.line, one.end.character)
