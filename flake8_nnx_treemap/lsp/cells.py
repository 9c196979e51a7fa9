"""What is Python in a notebook's cell. Lines stay where they are, so positions hold."""

from __future__ import annotations

import re

from flake8_nnx_treemap.analysis.text import LINE_END, SourceError, parse_module

PYTHON_MAGICS = frozenset({"capture", "prun", "time", "timeit"})
"""Cell magics whose cell is Python all the same."""

_CELL_MAGIC = re.compile(r"\s*%%(\w*)")
_LINE_MAGIC = re.compile(r"(?P<indent>\s*)(?:[%!?]|[\w.,* ]+=\s*[%!]|.*\?\s*$)")


def python_of(text: str) -> str:
    """A cell's text with as many lines as it has, in which whatever only IPython understands does nothing.

    Args:
        text: the cell.

    Returns:
        The text itself where it is Python; empty lines where no more than that can be said. Every line ends with a
        line feed, so that what follows the cell does not change how it ends.
    """
    text = LINE_END.sub("\n", text)
    magic = _CELL_MAGIC.match(text)
    if magic is None and _is_python(text):
        return text
    if magic is not None and magic[1] not in PYTHON_MAGICS:
        return _blank(text)
    python = "\n".join(map(_without_magic, text.split("\n")))
    return python if _is_python(python) else _blank(text)


def _without_magic(line: str) -> str:
    magic = _LINE_MAGIC.match(line)
    return f"{magic['indent']}pass" if magic else line


def _blank(text: str) -> str:
    return "\n" * text.count("\n")


def _is_python(text: str) -> bool:
    try:
        parse_module(text)
    except SourceError:
        return False
    return True
