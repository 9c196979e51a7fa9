"""Where in a text a ``# noqa`` must be written so that a finding is silent."""

from __future__ import annotations

from flake8_nnx_treemap.analysis.code.text import Edit, SourceError
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
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
        edit = suppressing_edit(ParsedSource(text), row, code)
    except SourceError:
        return None
    return None if isinstance(edit, Unknown) else edit
