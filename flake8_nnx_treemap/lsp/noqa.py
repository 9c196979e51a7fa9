"""Finds where a ``# noqa`` must be written to suppress a finding."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from flake8_nnx_treemap.analysis.code.noqa import NoqaLine, noqa_lines
from flake8_nnx_treemap.analysis.code.text import Edit, SourceError, SourceText, parse_module
from flake8_nnx_treemap.analysis.names.source import Unknown
from flake8_nnx_treemap.fixing.suppression import suppressing_edit


def noqa_edit(text: str, row: int, code: str) -> Edit | None:
    """The edit that silences a rule for the line that a finding starts in.

    Args:
        text: the whole source.
        row: the finding's first row.
        code: the rule's code.

    Returns:
        A comment at the end of the line, behind the string or the backslashes that go on from it, or one more code in
        the comment that is there; ``None`` if the text has no place for it, or is not Python any more.
    """
    try:
        source, lines = _read(text)
    except SourceError:
        return None
    edit = suppressing_edit(source, lines.get(row), code)
    return None if isinstance(edit, Unknown) else edit


@lru_cache(maxsize=1)
def _read(text: str) -> tuple[SourceText, Mapping[int, NoqaLine]]:
    """A text and its ``# noqa`` comments, read once for all findings that somebody asks about."""
    parse_module(text)
    source = SourceText(text)
    return source, noqa_lines(source)
