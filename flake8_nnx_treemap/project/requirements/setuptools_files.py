"""``setup.cfg``, and lists that are written out in ``setup.py``; it is read, never run."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Sequence

from flake8_nnx_treemap.analysis.code.text import SourceError, parse_module
from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.requirements.entries import PYTHONS, Entry, pythons_of, requirement_of_flax
from flake8_nnx_treemap.project.requirements.plain_files import MOST_BYTES_OF_TOML, Boundary, Place

_KEYWORDS = frozenset({"install_requires", "extras_require", "tests_require"})


def setuptools_places(folder: str, boundary: Boundary) -> tuple[list[Place], list[str]]:
    """Read what setuptools reads besides ``pyproject.toml``.

    Returns:
        What each file says, and the requirement files that ``setup.cfg`` leaves it to.
    """
    places, named = [], []
    for name, read in (("setup.cfg", _of_setup_cfg), ("setup.py", _of_setup_py)):
        path = os.path.join(folder, name)
        if not os.path.lexists(path):
            continue
        try:
            entries, files = read(boundary.read(path, MOST_BYTES_OF_TOML))
        except (FileError, SourceError, ValueError) as error:
            problem = str(error) if isinstance(error, FileError) else "cannot be parsed"
            places.append(Place(path, problem=problem))
            continue
        places.append(Place.of(path, entries))
        named += [os.path.join(folder, file) for file in files]
    return places, named


def _of_setup_cfg(text: str) -> tuple[Iterator[Entry], list[str]]:
    """Return what a ``setup.cfg`` requires, and the files that it leaves the rest to.

    Raises:
        ValueError: the text cannot be parsed.
    """
    import configparser  # Only where there is such a file.

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(str(error)) from error
    values = [parser.get("options", "install_requires", fallback="")]
    if parser.has_section("options.extras_require"):
        values += [value for _, value in parser.items("options.extras_require")]
    pythons = pythons_of(parser.get("options", "python_requires", fallback=None))
    files, lines = [], []
    for value in values:
        if value.startswith("file:"):
            files += [name.strip() for name in value.removeprefix("file:").replace(",", "\n").splitlines()]
        else:
            lines += value.splitlines()
    return _entries_of(lines, pythons), [name for name in files if name]


def _of_setup_py(text: str) -> tuple[Iterator[Entry], list[str]]:
    tree = parse_module(text)
    named = {
        target.id: statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    given = [keyword.value for call in calls for keyword in call.keywords if keyword.arg in _KEYWORDS]
    return _entries_of(string for value in given for string in _strings_in(value, named)), []


def _entries_of(texts: Iterable[str], pythons: Sequence[str] = PYTHONS) -> Iterator[Entry]:
    entries = (requirement_of_flax(text, pythons) for text in texts)
    return (entry for entry in entries if entry is not None)


def _strings_in(value: ast.expr, named: dict[str, ast.expr]) -> Iterator[str]:
    """The strings that an expression holds, and the values of the module's names in it."""
    waiting, followed = [value], set[str]()
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.Name) and node.id in named and node.id not in followed:
                followed.add(node.id)
                waiting.append(named[node.id])
