"""Where nothing tells which Flax a project runs on: say so once, and offer to write it into ``pyproject.toml``."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types
from pygls.uris import from_fs_path

from flake8_nnx_treemap.analysis.code.text import Position, Range
from flake8_nnx_treemap.lsp.documents import Source
from flake8_nnx_treemap.lsp.positions import Encoding, Lines
from flake8_nnx_treemap.names import NEWEST, PORTABLE_RANGE, release_text
from flake8_nnx_treemap.project.configuration import TABLE, Overrides, configuration_for, flax_range_for
from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.requirements.plain_files import parse_toml, read_text, table
from flake8_nnx_treemap.project.requirements.search import project_folder

LINE = f'target-flax = "{release_text(NEWEST)}"'
BUTTON = f"Set {LINE}"
_HEADER = re.compile(rf"^\[tool\.{TABLE}\][ \t]*(?:#.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Client:
    """What matters here of an editor."""

    encoding: Encoding
    edits: bool
    """Whether it makes edits of files that are not open."""
    creates: bool
    """Whether it makes files as well."""


def is_undecided(source: Source, overrides: Overrides) -> bool:
    """Whether a source is in a project in which nothing tells which Flax it needs, and uses NNX.

    Args:
        source: what is open; what is in no file belongs to no project.
        overrides: what the client has configured for it.

    Raises:
        ConfigurationError: what is configured is wrong.
    """
    is_file = source.uri.startswith("file:") and source.may_hold_findings
    return is_file and flax_range_for(source.filename, overrides).is_assumed


def file_that_could_say_it(source: Source, folders: Sequence[str]) -> str:
    """The ``pyproject.toml`` that decides for a source; it need not exist.

    Args:
        source: a file or notebook.
        folders: the workspace's.

    Raises:
        ConfigurationError: the configuration around the source is wrong.
    """
    configured = configuration_for(source.filename).path
    if configured is not None:  # A table in a nearer file would take the place of this one.
        return configured
    folder = project_folder(os.path.dirname(os.path.abspath(source.filename)))
    path = os.path.join(folder, "pyproject.toml")
    around = [one for one in folders if source.filename.startswith(one.rstrip(os.sep) + os.sep)]
    if os.path.lexists(path) or not around:
        return path
    return os.path.join(max(around, key=len), "pyproject.toml")


def question(path: str, client: Client) -> types.ShowMessageRequestParams:
    """What the user is told, with a button where the client can do what it promises.

    Args:
        path: the file that could say it.
        client: who makes the edit.
    """
    message = f"nnx-fix: No lower bound for Flax was found, so code for {PORTABLE_RANGE} is assumed."
    if edit_that_says_it(path, client) is None:
        return types.ShowMessageRequestParams(types.MessageType.Info, f"{message} Set target-flax to say which it is.")
    where = f"To say which Flax it is, set target-flax below [tool.{TABLE}] in {path}."
    return types.ShowMessageRequestParams(
        types.MessageType.Info, f"{message} {where}", [types.MessageActionItem(BUTTON)]
    )


def edit_that_says_it(path: str, client: Client) -> types.WorkspaceEdit | None:
    """The edit that writes the setting.

    Args:
        path: the ``pyproject.toml``, as it is on the disk; it need not exist.
        client: who makes the edit.

    Returns:
        The edit; ``None`` if the client cannot make it, or the file is not one that a line could be added to.
    """
    uri = from_fs_path(path)
    if uri is None or not client.edits:
        return None
    is_new = not os.path.lexists(path)
    try:
        text = "" if is_new else read_text(path)
    except FileError:
        return None
    insertion = _insertion(text)
    if insertion is None or (is_new and not client.creates):
        return None
    position, added = insertion
    edit = types.TextEdit(Lines(text, client.encoding).range_to_client(Range(position, position)), added)
    if not is_new:
        return types.WorkspaceEdit(changes={uri: [edit]})
    document = types.OptionalVersionedTextDocumentIdentifier(uri)
    creation = types.CreateFile(uri, options=types.CreateFileOptions(ignore_if_exists=True))
    return types.WorkspaceEdit(document_changes=[creation, types.TextDocumentEdit(document, [edit])])


def _insertion(text: str) -> tuple[Position, str] | None:
    """Where the setting goes in a text, and what is inserted; ``None`` if that would not make it the setting."""
    end = "\r\n" if "\r\n" in text else "\n"
    header = _HEADER.search(text.replace("\r\n", "\n"))
    lines = text.split("\n")
    if header is not None:
        row = text.replace("\r\n", "\n").count("\n", 0, header.end()) + 1
        position, added = Position(row, len(lines[row - 1].removesuffix("\r")) + 1), f"{end}{LINE}"
    else:
        gap = end if lines[-1] else ""
        gap += end if text else ""
        position, added = Position(len(lines), len(lines[-1]) + 1), f"{gap}[tool.{TABLE}]{end}{LINE}{end}"
    before = [*lines[: position.row - 1], lines[position.row - 1][: position.column - 1]]
    offset = len("\n".join(before))
    content = table(table(parse_toml(text[:offset] + added + text[offset:])).get("tool")).get(TABLE)
    return (position, added) if isinstance(content, dict) and "target-flax" in content else None
