"""The command that fixes all files of the workspace. The client makes the edits, so that they can be undone."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from lsprotocol import types

from flake8_nnx_treemap.lsp.actions import workspace_edit
from flake8_nnx_treemap.lsp.documents import Source
from flake8_nnx_treemap.lsp.server import NNXLanguageServer

COMMAND = "nnx.fixWorkspace"
TITLE = "Fixing NNX findings"

Report = Callable[[str, int], bool]


async def fix_workspace(ls: NNXLanguageServer, *arguments: Any) -> dict[str, Any]:
    """Fix what can be fixed.

    Args:
        ls: the server.
        arguments: nothing, or ``{"unsafeFixes": true}``.

    Returns:
        Whether the client made the edits, and how many files they are in.
    """
    unsafe_fixes = any(isinstance(one, dict) and one.get("unsafeFixes") is True for one in arguments)
    changed: list[Source] = []
    edits: dict[str, list[types.TextEdit]] = {}
    async with _progress(ls) as report:
        sources = [source async for source in ls.everything()]
        for index, source in enumerate(sources):
            if not report(source.uri.rpartition("/")[2], 100 * index // len(sources)):
                return {"applied": False, "files": 0}
            found = await _edits_of(ls, source, unsafe_fixes)
            if found:
                edits |= found
                changed.append(source)
    if not edits:
        _say(ls, "nothing to fix")
        return {"applied": True, "files": 0}
    edit = workspace_edit(edits, changed, ls.can("workspace.workspace_edit.document_changes"))
    answer = await ls.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit, TITLE))
    count = f"{len(changed)} file{'' if len(changed) == 1 else 's'}"
    _say(ls, f"fixed {count}" if answer.applied else f"the editor did not make the edits: {answer.failure_reason}")
    return {"applied": answer.applied, "files": len(changed) if answer.applied else 0}


async def _edits_of(ls: NNXLanguageServer, source: Source, unsafe_fixes: bool) -> dict[str, list[types.TextEdit]]:
    is_open = any(part.document.version is not None for part in source.parts)
    analysis = await ls.analysis_of(source, is_open=is_open)
    if analysis is None:
        return {}
    return source.text_edits(await ls.analyst.repair(analysis, unsafe_fixes=unsafe_fixes)) or {}


def _say(ls: NNXLanguageServer, message: str) -> None:
    ls.window_show_message(types.ShowMessageParams(types.MessageType.Info, f"nnx-fix: {message}"))


@asynccontextmanager
async def _progress(ls: NNXLanguageServer) -> AsyncIterator[Report]:
    """Show progress where the client can; reporting it answers whether to go on."""
    if not ls.can("window.work_done_progress"):
        yield lambda message, percentage: True
        return
    progress, token = ls.work_done_progress, str(uuid.uuid4())
    await progress.create_async(token)
    progress.begin(token, types.WorkDoneProgressBegin(TITLE, cancellable=True, percentage=0))

    def report(message: str, percentage: int) -> bool:
        progress.report(token, types.WorkDoneProgressReport(message=message, percentage=percentage))
        return not progress.tokens[token].cancelled()

    try:
        yield report
    finally:
        progress.end(token, types.WorkDoneProgressEnd())
        with contextlib.suppress(KeyError):
            del progress.tokens[token]
