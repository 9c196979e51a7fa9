"""The protocol's methods: what the client says goes into the server's state, what it asks for comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability

from flake8_nnx_treemap.lsp import actions, fix_workspace
from flake8_nnx_treemap.lsp.diagnostics import diagnostics_of
from flake8_nnx_treemap.lsp.pages import hover_text
from flake8_nnx_treemap.lsp.server import NNXLanguageServer
from flake8_nnx_treemap.lsp.settings import SECTION, WATCHED
from flake8_nnx_treemap.reporting.pages import page
from flake8_nnx_treemap.rules.catalogue import CODES, rule_named

FullReport = types.RelatedFullDocumentDiagnosticReport
UnchangedReport = types.RelatedUnchangedDocumentDiagnosticReport
WorkspaceItem = types.WorkspaceFullDocumentDiagnosticReport | types.WorkspaceUnchangedDocumentDiagnosticReport


def create_server() -> NNXLanguageServer:
    """A server that waits for a client."""
    server = NNXLanguageServer()
    # pygls keeps a copy of each document that it splits at form feeds and U+2028 too, which no client does.
    for method in _SYNCHRONIZATION:
        server.protocol.fm.builtin_features.pop(method)
    for method, (handler, options) in _FEATURES.items():
        server.feature(method, options)(handler)
    server.command(fix_workspace.COMMAND)(fix_workspace.fix_workspace)
    server.command(actions.EXPLAIN)(explain)
    return server


# The connection


def initialize(ls: NNXLanguageServer, params: types.InitializeParams) -> None:
    """Take over what the client counts in, and its settings."""
    ls.documents.encoding = ls.workspace.position_encoding or types.PositionEncodingKind.Utf16
    ls.configure(params.initialization_options)
    ls.analyst.warm_up()


async def initialized(ls: NNXLanguageServer, params: types.InitializedParams) -> None:
    """Ask to be told of changes to settings and to files, and ask for the settings."""
    registrations = []
    if ls.can("workspace.did_change_watched_files.dynamic_registration"):
        watchers = [types.FileSystemWatcher(f"**/{name}") for name in (*WATCHED, "*.py")]
        options: Any = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        registrations.append(types.Registration("nnx-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options))
    if ls.can("workspace.did_change_configuration.dynamic_registration"):
        options = types.DidChangeConfigurationRegistrationOptions(section=SECTION)
        registrations.append(types.Registration("nnx-settings", types.WORKSPACE_DID_CHANGE_CONFIGURATION, options))
    if registrations:
        await ls.client_register_capability_async(types.RegistrationParams(registrations))
    await ls.ask_for_settings()
    ls.start_over()


def shutdown(ls: NNXLanguageServer, params: None) -> None:
    """Drop all work."""
    ls.was_shut_down = True
    ls.analyst.close()


def leave(ls: NNXLanguageServer, params: None) -> None:
    """End the process, which is an error without ``shutdown`` before."""
    ls.exit_code = 0 if ls.was_shut_down else 1


async def did_change_configuration(ls: NNXLanguageServer, params: types.DidChangeConfigurationParams) -> None:
    """Settings have changed: they come along, or the client is asked for them."""
    if isinstance(params.settings, dict) and params.settings:
        ls.configure(params.settings)
    else:
        await ls.ask_for_settings()
    ls.start_over()


def did_change_watched_files(ls: NNXLanguageServer, params: types.DidChangeWatchedFilesParams) -> None:
    """Files have changed on the disk."""
    ls.analyst.forget()
    if all(change.uri.endswith(".py") and not change.uri.endswith("/setup.py") for change in params.changes):
        ls.touch()
    else:
        ls.start_over()


async def did_change_folders(ls: NNXLanguageServer, params: types.DidChangeWorkspaceFoldersParams) -> None:
    """The workspace has other folders."""
    await ls.ask_for_settings()
    ls.start_over()


# Documents


def did_open(ls: NNXLanguageServer, params: types.DidOpenTextDocumentParams) -> None:
    """A document is open."""
    ls.documents.open(params.text_document)
    ls.refresh(params.text_document.uri)


def did_change(ls: NNXLanguageServer, params: types.DidChangeTextDocumentParams) -> None:
    """A document has changed."""
    ls.documents.change(params.text_document, params.content_changes)
    ls.refresh(params.text_document.uri)


def did_save(ls: NNXLanguageServer, params: types.DidSaveTextDocumentParams) -> None:
    """A document was saved; a client that cannot watch files may have saved a project's configuration before."""
    if not ls.can("workspace.did_change_watched_files.dynamic_registration"):
        ls.start_over()


def did_close(ls: NNXLanguageServer, params: types.DidCloseTextDocumentParams) -> None:
    """A document is no longer open."""
    ls.documents.close(params.text_document.uri)
    ls.forget(params.text_document.uri)


def did_open_notebook(ls: NNXLanguageServer, params: types.DidOpenNotebookDocumentParams) -> None:
    """A notebook is open."""
    ls.documents.open_notebook(params.notebook_document, params.cell_text_documents)
    ls.refresh(params.notebook_document.uri)


def did_change_notebook(ls: NNXLanguageServer, params: types.DidChangeNotebookDocumentParams) -> None:
    """A notebook has changed."""
    if params.change.cells is not None:
        ls.documents.change_notebook(params.notebook_document.uri, params.change.cells)
        ls.refresh(params.notebook_document.uri)


def did_close_notebook(ls: NNXLanguageServer, params: types.DidCloseNotebookDocumentParams) -> None:
    """A notebook is no longer open."""
    ls.documents.close_notebook(params.notebook_document.uri)
    ls.forget(params.notebook_document.uri)


# Questions


async def document_diagnostics(
    ls: NNXLanguageServer, params: types.DocumentDiagnosticParams
) -> FullReport | UnchangedReport:
    """What is wrong in a file. Cells get theirs pushed, since not every client asks for them."""
    uri = params.text_document.uri
    source = ls.documents.source_of(uri)
    if source is None or source.is_notebook:
        return FullReport(items=[])
    analysis = await ls.pull(source)
    if analysis is None:
        return FullReport(items=[])
    if analysis.result_id == params.previous_result_id:
        return UnchangedReport(result_id=analysis.result_id)
    return FullReport(items=diagnostics_of(analysis)[uri], result_id=analysis.result_id)


async def workspace_diagnostics(
    ls: NNXLanguageServer, params: types.WorkspaceDiagnosticParams
) -> types.WorkspaceDiagnosticReport:
    """What is wrong in all files. Asked again with nothing changed, it answers when something has."""
    if ls.can("workspace.did_change_watched_files.dynamic_registration"):
        await ls.wait_for_change(ls.reported_revision)
    revision = ls.revision
    known = {previous.uri: previous.value for previous in params.previous_result_ids}
    items: list[WorkspaceItem] = []
    async for source in ls.everything():
        version = source.parts[0].document.version if source.parts else None
        analysis = None if source.is_notebook else await ls.analysis_of(source, is_open=version is not None)
        if analysis is None:
            continue
        before = known.pop(source.uri, None)
        if analysis.result_id == before:
            items.append(types.WorkspaceUnchangedDocumentDiagnosticReport(source.uri, before, version))
        elif analysis.findings or before:
            found = diagnostics_of(analysis)[source.uri]
            result_id = analysis.result_id
            items.append(types.WorkspaceFullDocumentDiagnosticReport(source.uri, found, version, result_id=result_id))
    items += [types.WorkspaceFullDocumentDiagnosticReport(uri, []) for uri in known]  # Gone, or fixed.
    ls.reported_revision = revision
    return types.WorkspaceDiagnosticReport(items)


async def code_action(ls: NNXLanguageServer, params: types.CodeActionParams) -> list[types.CodeAction]:
    """What can be done about the findings at a place, and in the whole file."""
    source = ls.documents.source_of(params.text_document.uri)
    analysis = await ls.analysis_of(source) if source is not None else None  # Remembered, unless the text is new.
    if source is None:
        return []
    about = actions.asked(params, source, analysis, versioned=_knows_versions(ls), resolves=_resolves(ls))
    offered = list(actions.single_actions(about))
    for group in actions.fix_alls(about, analysis) if analysis else ():
        if about.resolves:
            offered.append(actions.fix_all_action(about, group, None))
            continue
        edits = await ls.analyst.repair(analysis, group.code, unsafe_fixes=group.unsafe_fixes) if analysis else []
        located = source.text_edits(edits)
        if located:
            offered.append(actions.fix_all_action(about, group, located))
    return offered


async def resolve_code_action(ls: NNXLanguageServer, action: types.CodeAction) -> types.CodeAction:
    """Work out the edit of an action that somebody has chosen; if its text is no longer there, it has none."""
    promise = actions.Promise.of(action.data)
    source = ls.documents.source_of(promise.uri) if promise is not None else None
    if promise is None or source is None or source.digest != promise.digest:
        return action
    found: actions.TextEdits | None = None
    if promise.row is not None:
        found = actions.noqa_edits(source, promise.uri, promise.row, promise.code or "")
    elif (analysis := await ls.analysis_of(source)) is not None:
        found = source.text_edits(await ls.analyst.repair(analysis, promise.code, unsafe_fixes=promise.unsafe_fixes))
    if found:
        action.edit = actions.workspace_edit(found, [source], _knows_versions(ls))
    return action


def _knows_versions(ls: NNXLanguageServer) -> bool:
    return ls.can("workspace.workspace_edit.document_changes")


def _resolves(ls: NNXLanguageServer) -> bool:
    """Whether the client keeps an action's data, and asks for its edit."""
    support = get_capability(ls.client_capabilities, "text_document.code_action.resolve_support")
    is_kept = ls.can("text_document.code_action.data_support")
    return is_kept and support is not None and "edit" in support.properties


async def hover(ls: NNXLanguageServer, params: types.HoverParams) -> types.Hover | None:
    """The page of the rule whose finding the pointer is on."""
    source = ls.documents.source_of(params.text_document.uri)
    part = source.part_of(params.text_document.uri) if source else None
    analysis = await ls.analysis_of(source) if source else None
    if part is None or analysis is None:
        return None
    position = part.document.lines.from_client(params.position)
    row, column = position.row + part.above, position.column
    found = [
        one
        for one in analysis.findings
        if (one.range.start.row, one.range.start.column) <= (row, column) < (one.range.end.row, one.range.end.column)
    ]
    if not found:
        return None
    text = "\n\n".join(map(hover_text, found))
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), part.to_client(found[0].range))


async def explain(ls: NNXLanguageServer, code: str) -> str | None:
    """Show a rule's page: on the web where the client can, else as a message. The answer is the page as Markdown."""
    if code not in CODES:
        return None
    if ls.can("window.show_document.support"):
        await ls.window_show_document_async(types.ShowDocumentParams(rule_named(code).url, external=True))
    else:
        ls.window_show_message(types.ShowMessageParams(types.MessageType.Info, page(code)))
    return page(code)


_SYNCHRONIZATION: Sequence[str] = (
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE,
    types.NOTEBOOK_DOCUMENT_DID_OPEN,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE,
)

_CODE_ACTIONS = types.CodeActionOptions(
    [types.CodeActionKind.QuickFix, actions.FIX_ALL, actions.NOTEBOOK_FIX_ALL], resolve_provider=True
)
_DIAGNOSTICS = types.DiagnosticOptions(
    inter_file_dependencies=True, workspace_diagnostics=True, identifier="nnx-treemap"
)

_FEATURES: dict[str, tuple[Callable[..., Any], Any]] = {
    types.INITIALIZE: (initialize, None),
    types.INITIALIZED: (initialized, None),
    types.SHUTDOWN: (shutdown, None),
    types.EXIT: (leave, None),
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: (did_change_configuration, None),
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: (did_change_watched_files, None),
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: (did_change_folders, None),
    types.TEXT_DOCUMENT_DID_OPEN: (did_open, None),
    types.TEXT_DOCUMENT_DID_CHANGE: (did_change, None),
    types.TEXT_DOCUMENT_DID_SAVE: (did_save, None),
    types.TEXT_DOCUMENT_DID_CLOSE: (did_close, None),
    types.NOTEBOOK_DOCUMENT_DID_OPEN: (did_open_notebook, None),
    types.NOTEBOOK_DOCUMENT_DID_CHANGE: (did_change_notebook, None),
    types.NOTEBOOK_DOCUMENT_DID_CLOSE: (did_close_notebook, None),
    types.TEXT_DOCUMENT_DIAGNOSTIC: (document_diagnostics, _DIAGNOSTICS),
    types.WORKSPACE_DIAGNOSTIC: (workspace_diagnostics, None),
    types.TEXT_DOCUMENT_CODE_ACTION: (code_action, _CODE_ACTIONS),
    types.CODE_ACTION_RESOLVE: (resolve_code_action, None),
    types.TEXT_DOCUMENT_HOVER: (hover, None),
}
