"""Finds the Python in a cell of a notebook. Its lines keep their numbers, so positions stay right."""

from __future__ import annotations

from flake8_nnx_treemap.analysis.code.text import LINE_END, SourceError, parse_module
from flake8_nnx_treemap.project.magics import covered


def python_of(text: str) -> str:
    """A cell's text with as many lines as it has, in which whatever only IPython understands does nothing.

    Args:
        text: the cell.

    Returns:
        The text itself where it is Python; empty lines where no more than that can be said. Every line ends with a
        line feed, so that what follows the cell does not change how it ends.
    """
    text = LINE_END.sub("\n", text)
    python = text if _is_python(text) else covered(text)
    return python if python is not None and _is_python(python) else "\n" * text.count("\n")


def _is_python(text: str) -> bool:
    try:
        parse_module(text)
    except SourceError:
        return False
    return True
