"""Tells whether other files of the same project import a name from a file, which then must keep it."""

from __future__ import annotations

import ast
import functools
import os
import re
import time
from typing import TYPE_CHECKING

from flake8_nnx_treemap.project.discovery import DEFAULT_EXCLUDES
from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.files import read_bytes
from flake8_nnx_treemap.project.roots import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FILES = 20_000
"""How many files of a project are read. In a larger one every name counts as imported elsewhere."""

FRESH_SECONDS = 5.0
"""How long what was read is taken for what is there: for a run, and not for an editor's whole day."""


def is_imported_elsewhere(filename: str, name: str, root: str, *, below: bool) -> bool:
    """Tell whether another file of a project imports a name from a file.

    Args:
        filename: the file.
        name: the name, which the file has imported from elsewhere itself.
        root: the project's folder.
        below: whether the project goes on below that folder.

    Returns:
        True if some file imports it by ``from``, mentions it as an attribute of the module, or of what may be the
        module, or in quotes, or imports everything; a module is known by the last part of its name alone.
    """
    path = os.path.abspath(filename)
    stem = os.path.splitext(os.path.basename(path))[0]
    if not stem.isidentifier():
        return False  # No other file can import it.
    importers = _importers(root, name, below, _period())
    return importers is None or any(other != path for other in importers.get(stem, ()))


def files_importing(filename: str, name: str, root: str, *, below: bool) -> list[str]:
    """Return the other Python files of a project that may import a name, from a file or from what exports it again.

    The arguments are those of ``is_imported_elsewhere``. None are returned of a project that is too large.
    """
    path = os.path.abspath(filename)
    importers = _importers(root, name, below, _period()) or {}
    found = {other for others in importers.values() for other in others}
    return sorted(other for other in found if other != path and other.endswith(".py"))


def _period() -> int:
    return int(time.monotonic() / FRESH_SECONDS)


@functools.lru_cache(maxsize=8)
def _importers(root: str, name: str, below: bool, _period: int) -> dict[str, list[str]] | None:
    """The files that take a name from other modules, by the last part of the module's name; none if too many."""
    found: dict[str, list[str]] = {}
    word = re.compile(rb"(?:\b(\w+)\s*\.\s*)?\b" + name.encode() + rb"\b|\bimport\s*\*")
    for count, path in enumerate(_files(root, below)):
        if count >= MOST_FILES:
            return None
        try:
            content = read_bytes(path, LARGEST)
        except FileError:
            continue
        for module in _looked_up(content):
            found.setdefault(module, []).append(path)
        if word.search(content):
            read = _modules_in_notebook if path.endswith(".ipynb") else _modules_in
            for module in {*_dotted(content, word), *read(content, name)}:
                found.setdefault(module, []).append(path)
    return found


def _files(root: str, below: bool) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(one for one in folders if below and one not in DEFAULT_EXCLUDES)
        yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith(_SUFFIXES))


_SUFFIXES = (".py", ".pyi", ".ipynb")


def _looked_up(content: bytes) -> Iterator[str]:
    """What may be a module of which a name is looked up that is worked out: ``getattr(module, name)``."""
    yield from (found[1].decode() for found in _WORKED_OUT.finditer(content))


_WORKED_OUT = re.compile(rb"\bgetattr\(\s*([A-Za-z0-9_]+)\s*,\s*(?![\"'\s])")
_STAR = re.compile(rb"\bfrom\s+([A-Za-z0-9_.]+)\s+import\s*\*")
"""An import of everything, also in a string that is executed."""

_IMPORT_IN_NOTEBOOK = rb"\bfrom\s+([\w.]+)\s+import\b[^\r\n\"]*\b%s\b"


def _modules_in_notebook(content: bytes, name: str) -> Iterator[str]:
    """The last parts of the names of modules from which a line of a notebook imports a name."""
    for found in re.finditer(_IMPORT_IN_NOTEBOOK % name.encode(), content):
        yield found[1].decode().rpartition(".")[2]


def _dotted(content: bytes, word: re.Pattern[bytes]) -> Iterator[str]:
    """What comes before the name and a dot, also in a string, as ``mock.patch("package.module.name")`` has it."""
    yield from (found[1].decode() for found in word.finditer(content) if found[1] and found[1].isascii())
    yield from (found[1].decode().rpartition(".")[2] for found in _STAR.finditer(content))


def _modules_in(content: bytes, name: str) -> Iterator[str]:
    """The last parts of the names of modules from which a text imports a name, everything, or itself under an alias."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    aliases: dict[str, str] = {}
    owners: set[str] = set()
    imported: dict[str, str] = {}
    is_looked_up = False
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = getattr(node, "module", None) or ""
            imported |= {(one.asname or one.name).partition(".")[0]: one.name.rpartition(".")[2] for one in node.names}
            imported |= {module: module.rpartition(".")[2]}
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            is_of_flax = module.partition(".")[0] == "flax" and not node.level
            if not is_of_flax and any(alias.name in (name, "*") for alias in node.names):
                yield module.rpartition(".")[2]
            aliases |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.Import):
            aliases |= {alias.asname: alias.name.rpartition(".")[2] for alias in node.names if alias.asname}
        elif isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.value, ast.Name):
            owners.add(node.value.id)
        elif isinstance(node, ast.Constant) and node.value == name:
            is_looked_up = True  # ``getattr(module, "name")``, ``mock.patch.object(module, "name")``.
    yield from (aliases[owner] for owner in owners & aliases.keys())
    if is_looked_up or not owners <= imported.keys():
        yield from imported.values()
