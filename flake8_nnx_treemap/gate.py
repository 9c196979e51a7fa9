"""Can this file hold a finding at all? Standard library only; LibCST is not imported for a file that cannot.

Every finding concerns NNX, so a file must name it: the module, or the class that other modules hand on. A file whose
encoding is not a superset of ASCII is let through: the words may look different there. ``project.inheritance`` finds
the other files that matter, whose classes inherit from those of a file that names NNX.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import AnyStr


def may_hold_findings(data: bytes) -> bool:
    """Whether a file may hold a finding: never false where there is one.

    Args:
        data: the file's bytes.

    Returns:
        ``False`` only if no rule can find anything by what stands in this file alone.
    """
    if b"VariableState" in data or b"\0" in data or _stands_alone(b"nnx", b"onnx", data):
        return True
    # For comments that suppress us. One byte is found ten times as fast as three are.
    return b"X" in data and _stands_alone(b"NNX", b"ONNX", data)


def may_hold_findings_text(text: str) -> bool:
    """The same for a text that is decoded already."""
    return "VariableState" in text or _stands_alone("nnx", "onnx", text) or _stands_alone("NNX", "ONNX", text)


def _stands_alone(word: AnyStr, longer: AnyStr, text: AnyStr) -> bool:
    """Whether a word is there, and not only within a longer one: far more files name ONNX than NNX."""
    place = text.find(word)
    if place < 0:
        return False
    # The first one tells of most files; to count goes through all of a file.
    return text[place - 1 : place] != longer[:1] or text.count(word) > text.count(longer)
