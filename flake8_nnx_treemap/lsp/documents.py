"""What the client has open: files and notebooks, as it last described them.

Nothing here reads the disk, except to see whether a class inherits from one of another file that names NNX.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from lsprotocol import types
from pygls.uris import to_fs_path, urlparse

from flake8_nnx_treemap.analysis.code.text import Edit, Position, Range
from flake8_nnx_treemap.gate import may_hold_findings_text
from flake8_nnx_treemap.lsp.cells import python_of
from flake8_nnx_treemap.lsp.positions import Encoding, Lines
from flake8_nnx_treemap.project.modules import module_finder


@dataclass(frozen=True, slots=True)
class Document:
    """One state of a file, or of a notebook's cell; ``version`` is ``None`` for a file that is not open."""

    uri: str
    lines: Lines
    version: int | None = None
    language: str = "python"

    @property
    def text(self) -> str:
        """The whole text."""
        return self.lines.text

    def changed(self, changes: Iterable[types.TextDocumentContentChangeEvent], version: int) -> Document:
        """Apply the client's changes, one after the other."""
        lines = self.lines
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                lines = lines.replaced(change.range, change.text)
            else:
                lines = Lines(change.text, lines.encoding)
        return replace(self, lines=lines, version=version)


@dataclass(frozen=True)
class Part:
    """A document within a source: ``above`` rows of the source come before its first one."""

    document: Document
    above: int = 0

    def holds(self, row: int) -> bool:
        """Whether a row of the source is one of the document's."""
        return self.above < row <= self.above + len(self.document.lines)

    def to_client(self, range_: Range) -> types.Range:
        """A range of the source as the client counts within the document."""
        start, end = (Position(one.row - self.above, one.column) for one in (range_.start, range_.end))
        return self.document.lines.range_to_client(Range(start, end))


@dataclass(frozen=True)
class Source:
    """What is analysed as one text: a file, or all of a notebook's cells, since names of one are used in others."""

    uri: str
    parts: tuple[Part, ...]
    text: str
    is_notebook: bool = False

    @classmethod
    def of_document(cls, document: Document) -> Source:
        """A file is its own source."""
        return cls(document.uri, (Part(document),), document.text)

    @classmethod
    def of_cells(cls, uri: str, cells: Iterable[Document]) -> Source:
        """Join the cells of a notebook, each on lines of its own, with what only IPython understands left out."""
        parts: list[Part] = []
        texts: list[str] = []
        above = 0
        for cell in cells:
            parts.append(Part(cell, above))
            texts.append(python_of(cell.text))
            above += len(cell.lines)
        return cls(uri, tuple(parts), "\n".join(texts), is_notebook=True)

    @cached_property
    def digest(self) -> str:
        """Identifies the text: a fix that was made for one text is never applied to another."""
        return hashlib.blake2b(self.text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

    @cached_property
    def may_hold_findings(self) -> bool:
        """Whether the text is worth a closer look."""
        return may_hold_findings_text(self.text) or (
            not self.is_notebook and module_finder(self.filename).give_bases_to(self.text)
        )

    @property
    def filename(self) -> str:
        """The path: configuration is looked up by it, and some rules look at it."""
        return path_of(self.uri)

    def part_at(self, row: int) -> Part | None:
        """The part that holds a row."""
        return next((part for part in self.parts if part.holds(row)), None)

    def part_of(self, uri: str) -> Part | None:
        """The part that is a document."""
        return next((part for part in self.parts if part.document.uri == uri), None)

    def locate(self, range_: Range) -> tuple[Document, types.Range] | None:
        """The document that a range is in, and where; ``None`` if it reaches over a cell's border."""
        part = self.part_at(range_.start.row)
        if part is None or not part.holds(range_.end.row):
            return None
        return part.document, part.to_client(range_)

    def text_edits(self, edits: Iterable[Edit]) -> dict[str, list[types.TextEdit]] | None:
        """Edits of the source as edits of its documents, or ``None`` if one reaches over a cell's border."""
        found: dict[str, list[types.TextEdit]] = {}
        for edit in sorted(set(edits)):
            place = self.locate(edit.range)
            if place is None:
                return None
            found.setdefault(place[0].uri, []).append(types.TextEdit(place[1], edit.content))
        return found


def path_of(uri: str) -> str:
    """The file that a URI names; what is in no file yet goes by the path that its URI has."""
    return to_fs_path(uri) or urlparse(uri)[2] or uri


class Documents:
    """Everything that is open."""

    def __init__(self) -> None:
        self.encoding: Encoding = types.PositionEncodingKind.Utf16
        self._documents: dict[str, Document] = {}
        self._notebooks: dict[str, list[str]] = {}
        self._notebook_of_cell: dict[str, str] = {}

    def open(self, item: types.TextDocumentItem) -> None:
        """Take in a document."""
        self._documents[item.uri] = Document(item.uri, Lines(item.text, self.encoding), item.version, item.language_id)

    def change(
        self, identifier: types.VersionedTextDocumentIdentifier, changes: Iterable[types.TextDocumentContentChangeEvent]
    ) -> None:
        """Change a document."""
        self._documents[identifier.uri] = self._documents[identifier.uri].changed(changes, identifier.version)

    def close(self, uri: str) -> None:
        """Forget a document."""
        self._documents.pop(uri, None)

    def open_notebook(self, notebook: types.NotebookDocument, cells: Iterable[types.TextDocumentItem]) -> None:
        """Take in a notebook and the text of its cells."""
        for item in cells:
            self.open(item)
        self._set_cells(notebook.uri, [cell.document for cell in notebook.cells])

    def change_notebook(self, uri: str, change: types.NotebookDocumentCellChanges) -> None:
        """Change a notebook's cells: which there are, in which order, and what is in them."""
        if change.structure is not None:
            for item in change.structure.did_open or ():
                self.open(item)
            for closed in change.structure.did_close or ():
                self.close(closed.uri)
            array, cells = change.structure.array, list(self._notebooks[uri])
            cells[array.start : array.start + array.delete_count] = [cell.document for cell in array.cells or ()]
            self._set_cells(uri, cells)
        for content in change.text_content or ():
            self.change(content.document, content.changes)

    def close_notebook(self, uri: str) -> None:
        """Forget a notebook and its cells."""
        self._set_cells(uri, [])
        self._notebooks.pop(uri, None)

    def _set_cells(self, uri: str, cells: list[str]) -> None:
        for gone in set(self._notebooks.get(uri, ())).difference(cells):
            self.close(gone)
            self._notebook_of_cell.pop(gone, None)
        self._notebooks[uri] = cells
        self._notebook_of_cell.update(dict.fromkeys(cells, uri))

    def source_of(self, uri: str) -> Source | None:
        """The source that a file, a notebook or a cell belongs to, as it is now; ``None`` if it is not open Python."""
        uri = self._notebook_of_cell.get(uri, uri)
        if uri in self._notebooks:
            cells = [self._documents[cell] for cell in self._notebooks[uri] if cell in self._documents]
            return Source.of_cells(uri, [cell for cell in cells if cell.language == "python"])
        document = self._documents.get(uri)
        return Source.of_document(document) if document is not None and document.language == "python" else None

    def is_cell(self, uri: str) -> bool:
        """Whether a document is a cell of a notebook."""
        return uri in self._notebook_of_cell

    def sources(self) -> Iterator[Source]:
        """All that is open."""
        uris = [*self._notebooks, *(uri for uri in self._documents if not self.is_cell(uri))]
        return (source for uri in uris if (source := self.source_of(uri)) is not None)
