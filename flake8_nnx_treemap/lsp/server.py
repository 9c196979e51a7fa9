"""The server's state: what is open, what was found in it, what the client wants. ``handlers`` has the methods."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterable
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import FeatureRequestError, JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.uris import to_fs_path

from flake8_nnx_treemap import __version__
from flake8_nnx_treemap.analysis.code.text import SourceError
from flake8_nnx_treemap.lsp import unknown_flax, workspace
from flake8_nnx_treemap.lsp.analyst import Analysis, Analyst
from flake8_nnx_treemap.lsp.diagnostics import diagnostics_of
from flake8_nnx_treemap.lsp.documents import Documents, Source, path_of
from flake8_nnx_treemap.lsp.settings import SECTION, ClientSettings, client_settings
from flake8_nnx_treemap.project.configuration import forget_configurations
from flake8_nnx_treemap.project.errors import ConfigurationError

IDLE_SECONDS = 1.0
"""How long nothing is analysed before garbage is collected."""

NOTEBOOKS = types.NotebookDocumentSyncOptions(
    notebook_selector=[
        types.NotebookDocumentFilterWithCells(
            notebook=types.NotebookDocumentFilterNotebookType(notebook_type="jupyter-notebook"),
            cells=[types.NotebookCellLanguage(language="python")],
        )
    ]
)


_WITHOUT_PARAMETERS = (types.SHUTDOWN, types.EXIT)


class NNXProtocol(LanguageServerProtocol):
    """The protocol of pygls, which leaves a request whose parameters are of a wrong type without an answer."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Read a JSON object; one that is no request that we know is answered with an error.

        Raises:
            JsonRpcException: it is none; pygls logs that.
        """
        if data.get("method") in _WITHOUT_PARAMETERS:  # Kate sends an empty object.
            data = {key: value for key, value in data.items() if key != "params"}
        try:
            return super().structure_message(data)
        except JsonRpcException:
            number = data.get("id")
            if "method" in data and isinstance(number, (str, int)):
                message = f"{data['method']}: parameters of a wrong type"
                self._send_response(number, error=JsonRpcInvalidParams(message).to_response_error())
            raise


class NNXLanguageServer(LanguageServer):
    """One connection to a client."""

    def __init__(self) -> None:
        super().__init__(
            "nnx-fix", __version__, notebook_document_sync=NOTEBOOKS, max_workers=2, protocol_cls=NNXProtocol
        )
        self.was_shut_down = False
        self.exit_code = 0
        """What the process ends with; a connection that just breaks off is no error."""
        self.documents = Documents()
        self.analyst = Analyst()
        self.analyses: dict[str, Analysis] = {}
        """What was found last in each source that is open, in a text of it that was Python."""
        self.revision = 0
        """Counts whatever may change findings."""
        self.reported_revision = -1
        """The revision that the client's workspace diagnostics are of."""
        self._changed = asyncio.Event()
        self._settings: dict[str, ClientSettings] = {"": ClientSettings()}
        self._pushes: dict[str, asyncio.Task[None]] = {}
        self._pulls: dict[str, set[asyncio.Task[Analysis | None]]] = {}
        self._published: dict[str, set[str]] = {}
        self._said: set[str] = set()
        self._asked: dict[str, asyncio.Task[None]] = {}
        """The projects whose user was asked which Flax they need, by their ``pyproject.toml``."""
        self._idle: asyncio.TimerHandle | None = None

    # The client

    def can(self, capability: str) -> bool:
        """Whether the client has a capability, by its path in ``ClientCapabilities``."""
        return bool(get_capability(self.client_capabilities, capability, False))

    @property
    def pulls(self) -> bool:
        """Whether the client asks for diagnostics, instead of waiting for them."""
        return get_capability(self.client_capabilities, "text_document.diagnostic") is not None

    def log(self, message: str, kind: types.MessageType = types.MessageType.Log) -> None:
        """Write to the client's log."""
        self.window_log_message(types.LogMessageParams(kind, message))

    def complain(self, message: str) -> None:
        """Tell the user what is wrong with a setting, once."""
        if message not in self._said:
            self._said.add(message)
            self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, f"nnx-fix: {message}"))

    def report_server_error(self, error: Exception, source: type[Exception]) -> None:
        """Log what went wrong; pygls would open a window for it."""
        if source is FeatureRequestError and isinstance(error, JsonRpcException) and error.code == SERVER_CANCELLED:
            return
        self.log(f"internal error: {type(error).__name__}: {error}", types.MessageType.Error)

    # Settings

    def folders(self) -> list[str]:
        """The workspace's folders, as URIs."""
        return [folder.uri for folder in self.workspace.folders.values()] or [
            uri for uri in (self.workspace.root_uri,) if uri
        ]

    def configure(self, given: object, folder: str = "") -> None:
        """Take over what the client has configured, for a folder or for all."""
        self._settings[folder] = client_settings(given)
        for complaint in self._settings[folder].complaints:
            self.complain(complaint)

    async def ask_for_settings(self) -> None:
        """Ask the client for our section, for each folder and for what is in none."""
        if not self.can("workspace.configuration"):
            return
        folders = self.folders()
        items = [types.ConfigurationItem(scope_uri=uri or None, section=SECTION) for uri in ("", *folders)]
        answers = await self.workspace_configuration_async(types.ConfigurationParams(items))
        for folder, answer in zip(("", *folders), answers, strict=False):
            if answer is not None:
                self.configure(answer, folder)

    def settings_of(self, source: Source) -> ClientSettings:
        """What the client has configured for a source: the innermost folder's settings."""
        folders = [uri for uri in self._settings if not uri or source.uri.startswith(uri.rstrip("/") + "/")]
        return self._settings[max(folders, key=len)]

    def start_over(self) -> None:
        """Look at everything again: configuration or requirements have changed."""
        forget_configurations()
        self._said.clear()
        self.touch()
        if self.pulls and self.can("workspace.diagnostics.refresh_support"):
            self.workspace_diagnostic_refresh(None, callback=_ignore)
        for source in self.documents.sources():
            self.refresh(source.uri)

    # Findings

    def touch(self) -> None:
        """Something may have changed findings: wake who waits for that."""
        self.revision += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_for_change(self, revision: int) -> None:
        """Return as soon as the revision is another one."""
        while self.revision == revision:
            await self._changed.wait()

    def refresh(self, uri: str) -> None:
        """A document has changed: drop work on what it was; push what is found to clients that do not pull."""
        source = self.documents.source_of(uri)
        if source is None:
            return
        for pull in self._pulls.pop(source.uri, ()):
            pull.cancel()
        if push := self._pushes.pop(source.uri, None):
            push.cancel()
        self.touch()
        if not self.pulls or source.is_notebook:  # Clients pull for files, but not for cells.
            self._push(source)

    def _push(self, source: Source) -> None:
        if source.may_hold_findings:
            self._pushes[source.uri] = asyncio.get_running_loop().create_task(self._push_later(source))
        else:
            self.analyses[source.uri] = Analysis.nothing(source)
            self._show(self.analyses[source.uri])

    async def _push_later(self, source: Source) -> None:
        analysis = await self.analysis_of(source)
        if analysis is not None:  # Else the client keeps what it shows.
            self._show(analysis)

    def _show(self, analysis: Analysis) -> None:
        found = diagnostics_of(analysis)
        for part in analysis.source.parts:
            document = part.document
            self._publish(document.uri, found[document.uri], document.version)
        for uri in self._published.get(analysis.source.uri, set()) - found.keys():
            self._publish(uri, [], None)
        self._published[analysis.source.uri] = set(found)

    def _publish(self, uri: str, found: list[types.Diagnostic], version: int | None) -> None:
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))

    def forget(self, uri: str) -> None:
        """A document was closed."""
        if push := self._pushes.pop(uri, None):
            push.cancel()
        self.analyses.pop(uri, None)
        for published in self._published.pop(uri, ()):
            self._publish(published, [], None)
        self.touch()

    async def pull(self, source: Source) -> Analysis | None:
        """What is found in a source; the last that could be told, where that cannot be.

        Raises:
            JsonRpcException: the text or the settings changed meanwhile, and the client should ask again.
        """
        job = asyncio.ensure_future(self.analysis_of(source))
        self._pulls.setdefault(source.uri, set()).add(job)
        try:
            return await job or self.analyses.get(source.uri)
        except asyncio.CancelledError:
            if job in self._pulls.get(source.uri, ()):
                raise  # The client has cancelled its request.
            # A client that is told that it had cancelled the request itself, as Neovim 0.11, would not ask again.
            raise JsonRpcException("the text has changed", SERVER_CANCELLED, {"retriggerRequest": True}) from None
        finally:
            self._pulls.get(source.uri, set()).discard(job)

    async def analysis_of(self, source: Source, *, is_open: bool = True) -> Analysis | None:
        """What is found in a source, or ``None`` if that cannot be told; then the log says why."""
        settings = self.settings_of(source)
        if not settings.is_enabled:
            return Analysis.nothing(source)
        try:
            analysis = await self.analyst.analyse(source, settings.overrides)
        except SourceError:
            return None  # Somebody is typing; other tools say so.
        except ConfigurationError as error:
            self.complain(str(error))
            return None
        except Exception:
            self.log(f"internal error in {source.uri}\n{traceback.format_exc()}", types.MessageType.Error)
            return None
        if is_open:
            self.analyses[source.uri] = analysis
            self._ask_which_flax(source, settings)
        self._collect_garbage_when_idle()
        return analysis

    def _ask_which_flax(self, source: Source, settings: ClientSettings) -> None:
        """Ask once for each project in which nothing says it; whoever does not answer is left alone."""
        if not unknown_flax.is_undecided(source, settings.overrides):
            return
        path = unknown_flax.file_that_could_say_it(source, _paths(self.folders()))
        if path not in self._asked:
            self._asked[path] = asyncio.get_running_loop().create_task(self._ask_about(path))

    async def _ask_about(self, path: str) -> None:
        operations = get_capability(self.client_capabilities, "workspace.workspace_edit.resource_operations") or ()
        client = unknown_flax.Client(
            encoding=self.documents.encoding,
            edits=self.can("workspace.apply_edit"),
            creates=types.ResourceOperationKind.Create in operations
            and self.can("workspace.workspace_edit.document_changes"),
        )
        try:
            answer = await self.window_show_message_request_async(unknown_flax.question(path, client))
            if answer is not None and (edit := unknown_flax.edit_that_says_it(path, client)) is not None:
                await self.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit, unknown_flax.BUTTON))
        except JsonRpcException as error:  # The client does not know such messages.
            self.log(f"not asked which Flax {path} needs: {error}")

    def _collect_garbage_when_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.analyst.collect_garbage)

    async def everything(self) -> AsyncIterator[Source]:
        """All sources of the workspace: those that are open, and files on the disk that may hold findings."""
        seen = set()
        for source in list(self.documents.sources()):
            seen.add(path_of(source.uri))
            yield source
        for uri in await workspace.candidates(_paths(self.folders())):
            path = path_of(uri)
            if path not in seen and (found := await workspace.read(uri, path, self.documents.encoding)) is not None:
                yield found


SERVER_CANCELLED = int(types.LSPErrorCodes.ServerCancelled)


def _paths(uris: Iterable[str]) -> list[str]:
    return [path for uri in uris if (path := to_fs_path(uri)) is not None]


def _ignore(_: object) -> None:
    """The client's answer does not matter."""
