"""Which code is a part of a string's value: what ``f"{x=}"`` shows of itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from flake8_nnx_treemap.analysis.code.nodes import end_of, start_of
from flake8_nnx_treemap.analysis.code.regions import Region, outermost
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered

_SHOWS = re.compile(r"=\s*[}!:]")
"""The end of a field that shows its code. The text is asked, since ``ast`` has that code cut off on Python 3.13.0."""


@remembered
def code_shown_by_strings(source: ParsedSource) -> list[Region]:
    """Return the extents of f-strings that show code of theirs, or look as if they did."""
    return outermost(_showing(source)) if _SHOWS.search(source.text) else []


def _showing(source: ParsedSource) -> Iterator[Region]:
    for node in source.ast_nodes():
        if isinstance(node, ast.JoinedStr) and _SHOWS.search(source.text_of(node)):
            yield start_of(node), end_of(node)
