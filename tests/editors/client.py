"""An editor in few words: it has documents, talks to a server through pytest-lsp, and makes the edits it is told to."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cattrs import Converter
from lsprotocol import types
from pygls.protocol import default_converter
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, LanguageClient, register_lsp_features
from wire import COMMAND

CODECS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
WIDTHS = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
SECONDS = 20.0


def protocol_test(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Let a coroutine be a test; what the server does not do in time fails instead of hanging."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        asyncio.run(asyncio.wait_for(test(**fixtures), SECONDS))

    return run


def converter() -> Converter:
    """As pygls has it; but lsprotocol 2025.0.0 takes a code action that has a command for a command.

    And pylsp 1.15 describes the notebooks that it wants with one field less than the protocol asks for.
    """
    made = default_converter()
    made.register_structure_hook(types.NotebookDocumentSyncOptions, lambda given, _: None)
    made.register_structure_hook(
        types.Command | types.CodeAction, lambda given, _: made.structure(given, types.CodeAction)
    )
    return made


class Editor:
    """A client with documents."""

    def __init__(self, client: LanguageClient) -> None:
        self.client = client
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.published: dict[str, list[types.PublishDiagnosticsParams]] = {}
        self.applied: list[types.ApplyWorkspaceEditParams] = []
        self.registered: list[types.Registration] = []
        self.questions: list[types.ShowMessageRequestParams] = []
        self.answers_with_button = False
        self.refreshed = 0
        self.capabilities: types.ServerCapabilities | None = None
        self._news = asyncio.Event()

    @property
    def encoding(self) -> str:
        assert self.capabilities is not None
        return str(self.capabilities.position_encoding or "utf-16")

    # What the server says

    def on_publish(self, params: types.PublishDiagnosticsParams) -> None:
        self.published.setdefault(params.uri, []).append(params)
        self._news.set()

    def on_apply(self, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        self.applied.append(params)
        self.apply(params.edit)
        return types.ApplyWorkspaceEditResult(applied=True)

    def on_question(self, params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        self.questions.append(params)
        self._news.set()
        return params.actions[0] if self.answers_with_button and params.actions else None

    def on_register(self, params: types.RegistrationParams) -> None:
        self.registered += params.registrations
        self._news.set()

    def on_refresh(self, params: None) -> None:
        self.refreshed += 1
        self._news.set()

    async def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until something is so."""
        while not (result := holds()):
            self._news.clear()
            with_timeout = asyncio.wait_for(self._news.wait(), 0.2)
            await asyncio.gather(with_timeout, return_exceptions=True)
        return result

    async def diagnostics(self, uri: str) -> list[types.Diagnostic]:
        """What is pushed for a document as it is now."""
        version = self.versions[uri]

        def newest() -> types.PublishDiagnosticsParams | None:
            found = [one for one in self.published.get(uri, ()) if one.version == version]
            return found[-1] if found else None

        return list((await self.until(newest)).diagnostics)

    async def pull(self, uri: str, previous: str | None = None) -> Any:
        identifier = types.TextDocumentIdentifier(uri)
        params = types.DocumentDiagnosticParams(identifier, previous_result_id=previous)
        return await self.client.text_document_diagnostic_async(params)

    # What is done in the editor

    def open(self, uri: str, text: str) -> str:
        self.texts[uri], self.versions[uri] = text, 0
        item = types.TextDocumentItem(uri, "python", 0, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return uri

    def change(self, uri: str, *edits: tuple[types.Range | None, str]) -> None:
        """Make changes, one after the other; a range of ``None`` stands for the whole text."""
        changes: list[types.TextDocumentContentChangeEvent] = []
        for range_, text in edits:
            if range_ is None:
                self.texts[uri] = text
                changes.append(types.TextDocumentContentChangeWholeDocument(text))
            else:
                self.texts[uri] = self._edited(self.texts[uri], [types.TextEdit(range_, text)])
                changes.append(types.TextDocumentContentChangePartial(range_, text))
        self.versions[uri] += 1
        identifier = types.VersionedTextDocumentIdentifier(self.versions[uri], uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, changes))

    def save(self, uri: str) -> None:
        identifier = types.TextDocumentIdentifier(uri)
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(identifier))

    def close(self, uri: str) -> None:
        identifier = types.TextDocumentIdentifier(uri)
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))

    def open_notebook(self, uri: str, *cells: str) -> list[str]:
        uris = [f"{uri}#cell{index}" for index in range(len(cells))]
        notebook = types.NotebookDocument(
            uri, "jupyter-notebook", 1, [types.NotebookCell(types.NotebookCellKind.Code, cell) for cell in uris]
        )
        items = [types.TextDocumentItem(cell, "python", 0, text) for cell, text in zip(uris, cells, strict=True)]
        for item in items:
            self.texts[item.uri], self.versions[item.uri] = item.text, 0
        self.client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(notebook, items))
        return uris

    def position(self, uri: str, needle: str, *, after: bool = False) -> types.Position:
        """Where some text is in a document."""
        text = self.texts[uri]
        before = text[: text.index(needle) + (len(needle) if after else 0)]
        line = before.rpartition("\n")[2]
        return types.Position(before.count("\n"), self.units(line))

    def range(self, uri: str, needle: str) -> types.Range:
        return types.Range(self.position(uri, needle), self.position(uri, needle, after=True))

    def units(self, text: str) -> int:
        return len(text.encode(CODECS[self.encoding], "surrogatepass")) // WIDTHS[self.encoding]

    def text_in(self, uri: str, range_: types.Range) -> str:
        start, end = (self._offset(self.texts[uri], one) for one in (range_.start, range_.end))
        return self.texts[uri][start:end]

    async def actions(
        self, uri: str, diagnostics: Sequence[types.Diagnostic], *only: str, at: types.Range | None = None
    ) -> dict[str, types.CodeAction]:
        """What can be done, by title."""
        context = types.CodeActionContext(list(diagnostics), only=list(only) or None)
        range_ = at or (
            diagnostics[0].range if diagnostics else types.Range(types.Position(0, 0), types.Position(0, 0))
        )
        params = types.CodeActionParams(types.TextDocumentIdentifier(uri), range_, context)
        found = await self.client.text_document_code_action_async(params)
        return {action.title: action for action in found or () if isinstance(action, types.CodeAction)}

    async def resolved(self, action: types.CodeAction) -> types.CodeAction:
        """An action that somebody has chosen, with what it edits."""
        return await self.client.code_action_resolve_async(action)

    async def hover(self, uri: str, position: types.Position) -> str | None:
        params = types.HoverParams(types.TextDocumentIdentifier(uri), position)
        found = await self.client.text_document_hover_async(params)
        return None if found is None else found.contents.value  # type: ignore[union-attr]

    async def execute(self, command: str, *arguments: Any) -> Any:
        params = types.ExecuteCommandParams(command, list(arguments))
        return await self.client.workspace_execute_command_async(params)

    # Edits

    def apply(self, edit: types.WorkspaceEdit | None) -> None:
        """Make edits, as the specification says: all ranges are of the text before any of them."""
        assert edit is not None
        if edit.document_changes is not None:
            assert edit.changes is None
            for change in edit.document_changes:
                if isinstance(change, types.CreateFile):
                    Path(change.uri.removeprefix("file://")).open("x").close()
                    continue
                assert isinstance(change, types.TextDocumentEdit)
                uri, version = change.text_document.uri, change.text_document.version
                assert version == self.versions.get(uri), "an edit of a text that the editor no longer has"
                self._apply_to(uri, change.edits)  # type: ignore[arg-type]
        else:
            for uri, edits in (edit.changes or {}).items():
                self._apply_to(uri, edits)

    def _apply_to(self, uri: str, edits: Sequence[types.TextEdit]) -> None:
        if uri in self.texts:
            self.texts[uri] = self._edited(self.texts[uri], edits)
        else:
            path = Path(uri.removeprefix("file://"))
            path.write_text(self._edited(path.read_text(encoding="utf-8"), edits), encoding="utf-8")

    def _edited(self, text: str, edits: Sequence[types.TextEdit]) -> str:
        places = [(self._offset(text, e.range.start), self._offset(text, e.range.end), e.new_text) for e in edits]
        for start, end, content in sorted(places, key=lambda place: place[:2], reverse=True):
            text = text[:start] + content + text[end:]
        return text

    def _offset(self, text: str, position: types.Position) -> int:
        lines = text.split("\n")
        if position.line >= len(lines):
            return len(text)
        line = lines[position.line].encode(CODECS[self.encoding], "surrogatepass")
        within = line[: position.character * WIDTHS[self.encoding]].decode(CODECS[self.encoding], "surrogatepass")
        return sum(len(one) + 1 for one in lines[: position.line]) + len(within)


def capabilities(
    *,
    pulls: bool = False,
    encodings: Sequence[str] = (),
    watches: bool = False,
    versioned: bool = True,
    creates: bool = True,
    edits: bool = True,
    resolves: bool = False,
) -> types.ClientCapabilities:
    """What a client can do."""
    watched = types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)
    configured = types.DidChangeConfigurationClientCapabilities(dynamic_registration=True)
    return types.ClientCapabilities(
        general=types.GeneralClientCapabilities(position_encodings=list(encodings)) if encodings else None,  # type: ignore[arg-type]
        notebook_document=types.NotebookDocumentClientCapabilities(types.NotebookDocumentSyncClientCapabilities()),
        text_document=types.TextDocumentClientCapabilities(
            diagnostic=types.DiagnosticClientCapabilities() if pulls else None,
            publish_diagnostics=types.PublishDiagnosticsClientCapabilities(
                version_support=True,
                code_description_support=True,
                data_support=True,
                tag_support=types.ClientDiagnosticsTagOptions(list(types.DiagnosticTag)),
            ),
            code_action=types.CodeActionClientCapabilities(
                code_action_literal_support=types.ClientCodeActionLiteralOptions(
                    types.ClientCodeActionKindOptions(["quickfix", "source.fixAll"])
                ),
                is_preferred_support=True,
                data_support=resolves,
                resolve_support=types.ClientCodeActionResolveOptions(["edit"]) if resolves else None,
            ),
            hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.Markdown]),
        ),
        workspace=types.WorkspaceClientCapabilities(
            configuration=watches,
            apply_edit=edits,
            did_change_watched_files=watched if watches else None,
            did_change_configuration=configured if watches else None,
            diagnostics=types.DiagnosticWorkspaceClientCapabilities(refresh_support=True),
            workspace_folders=True,
            workspace_edit=types.WorkspaceEditClientCapabilities(
                document_changes=versioned,
                resource_operations=[types.ResourceOperationKind.Create] if creates else None,
            ),
        ),
        window=types.WindowClientCapabilities(
            work_done_progress=True, show_document=types.ShowDocumentClientCapabilities(support=True)
        ),
    )


@asynccontextmanager
async def connected(
    *folders: Path,
    command: Sequence[str] = COMMAND,
    options: Any = None,
    configuration: dict[str, Any] | None = None,
    **abilities: Any,
) -> AsyncIterator[Editor]:
    """An editor that has started a server."""
    client = LanguageClient(converter_factory=converter, configuration=configuration)
    editor = Editor(client)
    features: dict[str, Callable[..., Any]] = {
        **DEFAULT_CLIENT_FEATURES,
        types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: lambda params: editor.on_publish(params),
        types.WORKSPACE_APPLY_EDIT: lambda params: editor.on_apply(params),
        types.WINDOW_SHOW_MESSAGE_REQUEST: lambda params: editor.on_question(params),
        types.CLIENT_REGISTER_CAPABILITY: lambda params: editor.on_register(params),
        types.WORKSPACE_DIAGNOSTIC_REFRESH: lambda params: editor.on_refresh(params),
    }
    register_lsp_features(client, features)
    await client.start_io(*command)
    result = await client.initialize_session(
        types.InitializeParams(
            capabilities=capabilities(**abilities),
            initialization_options=options,
            workspace_folders=[types.WorkspaceFolder(folder.as_uri(), folder.name) for folder in folders] or None,
        )
    )
    editor.capabilities = result.capabilities
    try:
        yield editor
    finally:
        await client.shutdown_session()
        await client.stop()
