"""The files below the workspace's folders that are not open."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from pygls.uris import from_fs_path

from flake8_nnx_treemap.lsp.documents import Document, Source
from flake8_nnx_treemap.lsp.positions import Encoding, Lines
from flake8_nnx_treemap.project.errors import ConfigurationError, FileError
from flake8_nnx_treemap.project.files import decode, read_bytes
from flake8_nnx_treemap.project.scanning import Targets, scan


async def candidates(folders: Iterable[str]) -> list[str]:
    """The URIs of the files that may hold findings. Folders are walked off the thread that talks to the client."""
    paths = await asyncio.to_thread(_scan, list(folders))
    return [uri for path in paths if (uri := from_fs_path(path)) is not None]


async def read(uri: str, path: str, encoding: Encoding) -> Source | None:
    """A file from the disk, or ``None`` if it is none that can be read."""
    try:
        text, _ = decode(await asyncio.to_thread(read_bytes, path))
    except FileError:
        return None
    return Source.of_document(Document(uri, Lines(text, encoding)))


def _scan(folders: list[str]) -> list[str]:
    found: list[str] = []
    for folder in folders:
        try:
            found += scan([folder], Targets())[0]
        except ConfigurationError:
            continue  # Said where a document of that folder is analysed.
    return list(dict.fromkeys(found))
