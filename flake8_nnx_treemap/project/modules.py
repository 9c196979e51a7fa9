"""Other modules of the same project: where a name that is imported from one leads to, parsed on demand."""

from __future__ import annotations

import functools
import os
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_nnx_treemap.analysis.code.text import SourceError
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.files import decode, is_inside, read_bytes
from flake8_nnx_treemap.project.importers import files_importing, is_imported_elsewhere
from flake8_nnx_treemap.project.inheritance import Inheritance
from flake8_nnx_treemap.project.roots import (
    LARGEST,
    above_package,
    may_be_of_project,
    module_paths,
    outermost,
    project_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flake8_nnx_treemap.analysis.names.bindings import Bindings

MOST_KEPT = 2_000_000
"""How many bytes the modules may have together that are kept: a tree takes a hundred times as much as its text."""

MOST_IMPORTERS = 20
"""How many files are read that may import one name."""


def module_finder(
    filename: str, on_search: Callable[[str], object] | None = None, inheritance: Inheritance | None = None
) -> OtherModules:
    """Return the other modules of a file's project, which are read when they are asked for.

    Args:
        filename: the file. Its folder, the folder that holds its package, and that of its pyproject.toml (or ``src``
            in it) are where absolute imports are looked for; what is installed elsewhere is not. Nothing outside its
            project is read, whatever an import or a link says.
        on_search: called with each name that is looked for, found or not: what is said of the file rests on others
            from then on. What those ask for in turn is not told, since they are found only after this.
        inheritance: what is known of classes, if that is kept for several files.
    """
    return OtherModules(filename, on_search, inheritance)


@dataclass(frozen=True, slots=True)
class OtherModules:
    """The other modules of a file's project, as its imports would find them; see ``module_finder``."""

    filename: str
    on_search: Callable[[str], object] | None = None
    inheritance: Inheritance | None = None

    def __call__(self, name: str, /) -> tuple[ParsedSource, str] | None:
        """Find the module that defines a qualified name, and the name in that module."""
        if not may_be_of_project(name):
            return None
        self._tell(name)
        folder = os.path.dirname(os.path.abspath(self.filename))
        module, bound = _parted(name)
        for path in module_paths(folder, module):
            source = _source_of(path, outermost(folder))
            if source is not None:
                return source, bound
        return None

    def import_from_here(self, name: str, /) -> bool:
        """Tell whether one of them imports a name from the file."""
        self._tell(name)
        root, below = self._project()
        return is_imported_elsewhere(self.filename, name, root, below=below)

    def importing(self, name: str, /) -> Iterator[ParsedSource]:
        """Yield those of them that may import a name from the file, or from another one that exports it again."""
        self._tell(name)
        root, below = self._project()
        for path in files_importing(self.filename, name, root, below=below)[:MOST_IMPORTERS]:
            source = _source_of(path, root)
            if source is not None:
                yield source

    def _project(self) -> tuple[str, bool]:
        """Return the folder of the file's project, and whether the project goes on below it."""
        folder = os.path.dirname(os.path.abspath(self.filename))
        root = project_of(folder) or above_package(folder)
        is_loose = root == folder and not os.path.exists(os.path.join(folder, "pyproject.toml"))
        return root, not is_loose

    def give_bases_to(self, text: str, /) -> bool:
        """Tell whether a class in the file's text inherits from one of NNX, perhaps by way of one of them."""
        if "class" not in text:
            return False
        inheritance = self.inheritance or Inheritance()
        is_reached = inheritance.reaches_nnx(self.filename, text.encode("utf-8", "replace"))
        if inheritance.rests_on_others(self.filename):
            self._tell(self.filename)
        return is_reached

    def may_define_modules(self, text: str, /) -> bool:
        """Tell whether a class in the file's text may be of Modules; not found out where nobody has asked before."""
        is_known = self.inheritance is not None and self.inheritance.knows(self.filename)
        return not is_known or self.give_bases_to(text)

    def define_class_without(self, words: Sequence[str], name: str, /) -> bool:
        """Tell whether a qualified name is that of a class, in a file without words, so that it need not be parsed.

        Args:
            words: what must not be in the file.
            name: the name.

        Returns:
            ``False`` also where that is not known, as nothing is where texts are not kept.
        """
        if self.inheritance is None or not may_be_of_project(name):
            return False
        self._tell(name)
        return self.inheritance.defines_class_without(words, self.filename, *_parted(name))

    def _tell(self, name: str) -> None:
        if self.on_search is not None:
            self.on_search(name)


def _parted(name: str) -> tuple[str, str]:
    """A qualified name's module, with the dots of a relative import, and the name in it."""
    bound = name.rpartition(".")[2]
    inside = name[: len(name) - len(bound)]
    return inside.removesuffix(".") if inside.strip(".") else inside, bound


def known_bindings(filename: str, text: str) -> Bindings | None:
    """Return the bindings of a file that was parsed because another one imports from it."""
    _, _, source = _KEPT.get(os.path.abspath(filename)) or (0, 0, None)
    return source.bindings if source is not None and source.text == text else None


def keep(filename: str, status: os.stat_result | None, source: ParsedSource | None) -> None:
    """Remember a file that was parsed for its own sake, in case that others import from it.

    Args:
        filename: the file.
        status: what the system said of it when it was read; ``None`` if the text is not what the file holds.
        source: what was read; its other modules are not used, since they tell what this file looks for.
    """
    path = os.path.abspath(filename)
    if status is None or source is None:
        return
    if status.st_size <= LARGEST and _KEPT.get(path) is None:
        kept = ParsedSource(source.text, path, module_finder(path), source.bindings)
        _KEPT.put(path, (status.st_mtime_ns, status.st_size, kept))


def _source_of(path: str, outermost: str) -> ParsedSource | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if status.st_size > LARGEST or not _is_inside(path, outermost, (status.st_dev, status.st_ino)):
        return None
    return _parsed(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=4096)
def _is_inside(path: str, folder: str, file: tuple[int, int]) -> bool:
    """Whether a path lies below a folder, wherever links lead; one that leads to another file is looked at again."""
    return is_inside(path, folder)


def _parsed(path: str, changed: int, size: int) -> ParsedSource | None:
    """A module's source as it was at a time; nothing if it cannot be read."""
    known = _KEPT.get(path)
    if known is None or known[:2] != (changed, size):
        known = (changed, size, _read(path))
        _KEPT.put(path, known)
    return known[2]


def _read(path: str) -> ParsedSource | None:
    try:
        text, _ = decode(read_bytes(path, LARGEST))
        return ParsedSource(text, path, modules=module_finder(path))
    except (FileError, SourceError):
        return None


_Known = tuple[int, int, "ParsedSource | None"]
"""When a module was changed last, its size, and what was read then."""


class _Kept:
    """The modules that were used last, by their paths, as many as may be kept together."""

    def __init__(self) -> None:
        self._modules: OrderedDict[str, _Known] = OrderedDict()
        self._size = 0

    def get(self, path: str) -> _Known | None:
        if path not in self._modules:
            return None
        self._modules.move_to_end(path)
        return self._modules[path]

    def put(self, path: str, known: _Known) -> None:
        self._size += known[1] - self._modules.pop(path, (0, 0, None))[1]
        self._modules[path] = known
        while self._size > MOST_KEPT and len(self._modules) > 1:
            _, (_, size, source) = self._modules.popitem(last=False)
            self._size -= size
            if source is not None:
                source.forget()


_KEPT = _Kept()
