"""Which files define a class of Modules or Variables, told by their bytes alone.

A file that never names NNX has such a class if that inherits from one that another file of the project defines with
NNX; it is looked at as if it named NNX itself. Base classes are followed by name through ``class`` and ``import``
statements, which tells more than there is (a name may mean something else in a function) and never reads an expression:
what ``Base = make()`` makes is not known. The parts of a dotted name are on one line.
"""

from __future__ import annotations

import builtins
import functools
import os
import re

from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.files import is_inside, read_bytes
from flake8_nnx_treemap.project.roots import LARGEST, may_be_of_project, module_paths, written_together

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    _Class = tuple[str, bytes]
    """A file, and a dotted name in it that may be a class."""

_SUFFIXES = (".py", ".pyi")
# These start with a word, and not with the start of a line: that is found ten times as fast. What is in brackets is
# bounded, so that brackets that never close cost no more.
_WORD = rb"[\w\x80-\xff]"  # Names may have letters that are no ASCII.
_START = rb"[A-Za-z_\x80-\xff]"
_CLASS = (
    rb"class[ \t]+(" + _WORD + rb"+)[ \t]*(?:\[(?:[^\[\]]|\[[^\[\]]{0,200}\]){0,500}\][ \t]*)?"
    rb"\(((?:[^()#]|\((?:[^()]|\([^()]{0,200}\)){0,500}\)|#[^\r\n]*){0,2000})"
)
_BASE = rb"(?<!\w)" + _START + rb"[\w.\x80-\xff]*(?![\w\x80-\xff]|[ \t]*=)"
_FROM = (
    rb"from[ \t]*([\w.\x80-\xff]+)[ \t]+import[ \t]*"
    rb"(?:\(([^)]{0,10000})\)|([\w*, \t\x80-\xff]*))"
)
_IMPORT = rb"import[ \t]+([\w., \t\x80-\xff]+)"
_ASSIGNED = rb"[ \t]*(?::[^=\r\n]{0,500})?=[ \t(]*(" + _START + rb"[\w.\x80-\xff]*)"
"""What is assigned to a name, after that."""
_BUILT_IN = frozenset(map(str.encode, dir(builtins)))
_MOST_PARTS = 4
"""How long names are followed: ``a = a.b`` alone makes longer and longer ones."""
_NNX = rb"flax\.(?:experimental\.)?nnx(?:\.|$)"


@functools.cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    """Compile a pattern when it is needed: most runs look at no class."""
    return re.compile(pattern)


class Inheritance:
    """What is known, for one run, of classes and the files that define them.

    This is a plain class, since dataclasses are slow to import.
    """

    __slots__ = ("_asking", "_definitions", "_folders", "_is_of_nnx", "_modules", "_tables")

    def __init__(self) -> None:
        """Know nothing yet."""
        self._folders: dict[tuple[str, str], bool] = {}
        self._modules: dict[tuple[str, bytes], str | None] = {}
        self._tables: dict[str, _Table | None] = {}
        self._is_of_nnx: dict[_Class, bool] = {}
        self._definitions: dict[tuple[str, str, str], Sequence[_Table]] = {}
        self._asking: set[str] = set()
        """The files of whose classes other files of the project have been asked for."""

    def knows(self, path: str) -> bool:
        """Tell whether a file has been read."""
        return os.path.abspath(path) in self._tables

    def rests_on_others(self, path: str) -> bool:
        """Tell whether what was told of a file may change with other files of its project."""
        return os.path.abspath(path) in self._asking

    def reaches_nnx(self, path: str, data: bytes) -> bool:
        """Tell whether a class of a file inherits from one of NNX, perhaps by way of other files of its project.

        Args:
            path: the file.
            data: its bytes.
        """
        if b"class" not in data or not path.endswith(_SUFFIXES):
            return False
        path = os.path.abspath(path)
        table = self._tables.get(path)
        if table is None or not table.is_of(data):
            table = self._tables[path] = _Table(data)
        return any(self._leads_to_nnx((path, name)) for name in table.classes)

    def defines_class_without(self, words: Sequence[str], path: str, module: str, name: str) -> bool:
        """Tell whether what a file imports is a class, as far as texts tell, in a file without some words.

        Args:
            words: what must not be in the file that defines the class.
            path: the file that imports it.
            module: the module that it imports it from, after a dot for each level of a relative import.
            name: the name of the class there; other files may export it again.
        """
        key = (os.path.dirname(os.path.abspath(path)), module, name)
        if key not in self._definitions:
            self._definitions[key] = [*self._defined(key[0], os.fsencode(module), os.fsencode(name))]
        found = self._definitions[key]
        return bool(found) and not any(table.has_one_of(words) for table in found)

    def _defined(self, folder: str, module: bytes, name: bytes) -> Iterator[_Table]:
        followed = [(self._module(folder, module), name)]
        for path, bound in followed:
            table = None if path is None else self._table(path)
            if path is None or table is None:
                continue
            if table.has_class(bound):
                yield table
                continue
            for one, imported in table.imported(bound):
                further = self._module(os.path.dirname(path), one), imported
                if further not in followed:
                    followed.append(further)

    def _leads_to_nnx(self, first: _Class) -> bool:
        """Tell whether a name means a class of NNX, or one that inherits from it."""
        waiting = [first]
        seen = {first: None}
        for one in waiting:
            known = self._is_of_nnx.get(one)
            for module, name in self._meanings(one) if known is None else ():
                known = known or _compiled(_NNX).match(module) is not None
                path: str | None = one[0]
                if module:
                    is_own = may_be_of_project(os.fsdecode(module))
                    path = self._module(os.path.dirname(one[0]), module) if is_own else None
                    self._asking.update([first[0]] if is_own else ())
                if path is not None and (path, name) not in seen:
                    seen[path, name] = None
                    waiting.append((path, name))
            if known:
                self._is_of_nnx[first] = True
                return True
        self._is_of_nnx.update(dict.fromkeys(waiting, False))
        return False

    def _meanings(self, one: _Class) -> list[tuple[bytes, bytes]]:
        """The names that a name leads to, each with its module: what is imported, and the bases of a class."""
        table = self._table(one[0])
        return [] if table is None else table.meanings(one[1])

    def _table(self, path: str) -> _Table | None:
        if path not in self._tables:
            try:
                self._tables[path] = _Table(read_bytes(path, LARGEST))
            except FileError:
                self._tables[path] = None
        return self._tables[path]

    def _module(self, folder: str, name: bytes) -> str | None:
        """The file of a module that a file in a folder imports; ``None`` if it is not of the same project."""
        key = (folder, name)
        if key not in self._modules:
            found = next(filter(os.path.exists, module_paths(folder, os.fsdecode(name))), None)
            self._modules[key] = (
                found if found is not None and self._is_inside(found, written_together(folder)) else None
            )
        return self._modules[key]

    def _is_inside(self, path: str, top: str) -> bool:
        """Whether a file lies below a folder, wherever links lead; each of the many folders is looked at once."""
        if os.path.islink(path):
            return is_inside(path, top)
        key = os.path.dirname(path), top
        if key not in self._folders:
            self._folders[key] = is_inside(*key)
        return self._folders[key]


class _Table:
    """What names mean in one file: where they are imported from, and the bases of classes."""

    __slots__ = ("_data", "_from", "_imports", "_read", "classes")

    def __init__(self, data: bytes) -> None:
        self._read = data
        # Lines that go on in the next one are joined, so that blanks alone stand between words.
        self._data = re.sub(rb"\\\r?\n|\f", b" ", data) if b"\\" in data or b"\f" in data else data
        self.classes: dict[bytes, bytes] = {}
        """The classes that have bases, with these."""
        for name, bases in _compiled(_CLASS).findall(self._data):  # A name may be that of several classes.
            self.classes[name] = b",".join(filter(None, (self.classes.get(name), bases)))
        self._from: list[tuple[bytes, bytes, bytes]] | None = None
        self._imports: list[bytes] | None = None

    def is_of(self, data: bytes) -> bool:
        """Whether the file held some bytes."""
        return self._read == data

    def has_class(self, name: bytes) -> bool:
        """Whether a class of a name is defined here."""
        return any(b"class " + name + end in self._data for end in (b"(", b":", b"["))

    def has_one_of(self, words: Sequence[str]) -> bool:
        """Whether one of some words is here."""
        return any(word.encode() in self._data for word in words)

    def meanings(self, name: bytes) -> list[tuple[bytes, bytes]]:
        """What a dotted name leads to: modules with names in them; no module for names of the same file."""
        found = [(b"", base) for base in _compiled(_BASE).findall(self.classes.get(name, b"")) if base != name]
        head, _, rest = name.partition(b".")
        for module, imported in self.imported(head):
            if imported != b"*":
                found += _split(module, imported, rest)
            elif not rest:
                found.append((module, name))
        if rest:
            if self._imports is None:
                self._imports = _compiled(_IMPORT).findall(self._data)
            for names in self._imports:
                if head in names:
                    found += _through_modules(names, head, rest)
        return found or [*self._assigned(head, rest)]

    def _assigned(self, head: bytes, rest: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The names that are assigned to a name which is not imported, and no class."""
        if not head or head in _BUILT_IN or rest.count(b".") > _MOST_PARTS:
            return
        place = self._data.find(head)
        while place >= 0:  # A pattern with the name in it takes longer to compile.
            assigned = _compiled(_ASSIGNED).match(self._data, place + len(head))
            if assigned:
                yield b"", b".".join(filter(None, (assigned[1], rest)))
            place = self._data.find(head, place + len(head))

    def imported(self, head: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The modules from which a name, or everything, is imported, each with the name that it has there, or ``*``."""
        if self._from is None:
            self._from = _compiled(_FROM).findall(self._data)
        for module, in_parentheses, plain in self._from:
            names = in_parentheses or plain
            if head in names or b"*" in names:
                lines = [line.partition(b"#")[0] for line in names.splitlines()]
                for words in map(bytes.split, b" ".join(lines).split(b",")):
                    if words and words[-1] in (head, b"*"):
                        yield module, words[0]


def _through_modules(names: bytes, head: bytes, rest: bytes) -> Iterator[tuple[bytes, bytes]]:
    """What ``head.rest`` leads to by ``import names``."""
    for part in names.split(b","):
        words = part.split()
        if len(words) == 3 and words[2] == head:  # ``import package.module as head``
            yield from _split(words[0], b"", rest)
        elif len(words) == 1 and words[0].partition(b".")[0] == head:
            yield from _split(b"", head, rest)


def _split(module: bytes, name: bytes, rest: bytes) -> Iterator[tuple[bytes, bytes]]:
    """A name in a module; if it has parts, also the last of them in the module that the others may be."""
    whole = b".".join(filter(None, (name, rest)))
    yield module, whole
    inner, _, last = whole.rpartition(b".")
    if inner:
        joint = b"" if module.endswith(b".") or not module else b"."
        yield module + joint + inner, last
