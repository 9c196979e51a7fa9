"""Where in a text a ``# noqa`` must be written so that a finding is silent."""

from __future__ import annotations

import io
import tokenize
from functools import lru_cache

from flake8_nnx_treemap.analysis.text import Edit, Position, Range
from flake8_nnx_treemap.fixing.suppression import NOQA_INLINE

_Joined = list[tokenize.TokenInfo]


def noqa_edit(text: str, row: int, code: str) -> Edit | None:
    """The edit that silences a rule for the line that a finding starts in.

    Args:
        text: the whole source.
        row: the finding's first row.
        code: the rule's code.

    Returns:
        A comment at the end of the line, behind the string or the backslashes that go on from it, or one more code in
        the comment that is there; ``None`` if the text has no place for it.
    """
    for tokens in _joined_lines(text):
        if tokens[0].start[0] <= row <= tokens[-1].end[0]:
            return _edit(tokens, code)
    return None


def _edit(tokens: _Joined, code: str) -> Edit | None:
    if tokens[-1].type not in (tokenize.NL, tokenize.NEWLINE):
        return None
    end = tokens[-1].start
    at, content = Position(end[0], end[1] + 1), f"  # noqa: {code}"
    comment = tokens[-2] if len(tokens) > 1 and tokens[-2].type == tokenize.COMMENT else None
    match = NOQA_INLINE.search(comment.string) if comment else None
    if comment and match and match["codes"]:
        written = len(match["codes"].rstrip(", \t"))
        at, content = Position(comment.start[0], comment.start[1] + match.start("codes") + written + 1), f", {code}"
    return Edit(Range(at, at), content)


@lru_cache(maxsize=4)
def _joined_lines(text: str) -> list[_Joined]:
    """Tokens of each line, with those that a string or a backslash joins to it; none if Python cannot tell them."""
    found: list[_Joined] = []
    tokens: _Joined = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            if token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
                continue
            tokens.append(token)
            if token.type in (tokenize.NL, tokenize.NEWLINE):
                found.append(tokens)
                tokens = []
    except (tokenize.TokenError, SyntaxError, IndexError):
        return []
    return found
