"""Can these bytes hold a finding at all? Standard library only; LibCST is not imported for a file that cannot.

Every finding concerns NNX, so a file must name it: the module, or the class that other modules hand on. A file whose
encoding is not a superset of ASCII is let through: the words may be there in disguise.
"""

from __future__ import annotations

_WORDS = ("nnx", "VariableState", "NNX")  # The last for comments that suppress us.
_ASCII_WORDS = tuple(word.encode("ascii") for word in _WORDS)


def may_hold_findings(data: bytes) -> bool:
    """Whether a file may hold a finding: never false where there is one.

    Args:
        data: the file's bytes.

    Returns:
        ``False`` only if no rule can find anything.
    """
    return any(word in data for word in _ASCII_WORDS) or b"\0" in data


def may_hold_findings_text(text: str) -> bool:
    """The same for a text that is decoded already."""
    return any(word in text for word in _WORDS)
