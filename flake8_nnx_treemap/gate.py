"""Can this file hold a finding at all? Standard library only; LibCST is not imported for a file that cannot.

Every finding concerns NNX, so a file must name it: the module, or the class that other modules hand on. A file whose
encoding is not a superset of ASCII is let through: the words may look different there. ``project.inheritance`` finds
the other files that matter, whose classes inherit from those of a file that names NNX.

Python reads ``ｎｎｘ`` and ``𝐧𝐧𝐱`` as ``nnx``: it gives names their compatible letters (NFKC). Whoever looks for
words or names in a text looks for them in what ``plain`` makes of it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import AnyStr

_ASCII = bytes(range(128))
_read_as: dict[str, str] = {}
"""Letters that were met, each with what Python reads it as if that is of ASCII, or else with nothing."""


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
    if b"X" in data and _stands_alone(b"NNX", b"ONNX", data):
        return True
    return not data.isascii() and (plainly := plain_bytes(data)) is not data and may_hold_findings(plainly)


def may_hold_findings_text(text: str) -> bool:
    """The same for a text that is decoded already."""
    if "VariableState" in text or _stands_alone("nnx", "onnx", text) or _stands_alone("NNX", "ONNX", text):
        return True
    return not text.isascii() and (plainly := plain(text)) is not text and may_hold_findings_text(plainly)


def plain(text: str) -> str:
    """Return a program with its names in the letters that Python reads them as; the same text if they are already."""
    if not text.isascii():
        for letter, read in _disguises(text.encode("utf-8", "replace").translate(None, _ASCII).decode()):
            text = text.replace(letter, read)
    return text


def plain_bytes(data: bytes) -> bytes:
    """Return the bytes of a program with its names in the letters that Python reads them as.

    Args:
        data: the bytes as they are in its file; they are returned if they hold no such letters.
    """
    if data.isascii():
        return data
    try:
        for letter, read in _disguises(data.translate(None, _ASCII).decode()):
            data = data.replace(letter.encode(), read.encode())
    except UnicodeDecodeError:
        text = _declared(data)
        return data if text is None else plain(text).encode("utf-8", "replace")
    return data


def _disguises(others: str) -> list[tuple[str, str]]:
    """Those of some letters, none of which is of ASCII, that Python reads as letters that are, each with these."""
    found = []
    for letter in set(others):
        if letter not in _read_as:
            import unicodedata  # Most files have no such letters.

            read = unicodedata.normalize("NFKC", letter) if f"a{letter}".isidentifier() else ""
            _read_as[letter] = read if any(map(str.isascii, read)) else ""
        if _read_as[letter]:
            found.append((letter, _read_as[letter]))
    return found


def _declared(data: bytes) -> str | None:
    """The text of a program in an encoding that its first lines declare; ``None`` if there is no telling."""
    import re

    declared = re.search(rb"coding[:=]\s*([-\w.]+)", b"\n".join(data[:4096].splitlines()[:2]))
    if declared is None:
        return None
    try:
        return data.decode(declared[1].decode())
    except Exception:  # Whoever reads the file says what is wrong. A codec may be anybody's, and fail in any way.
        return None


def _stands_alone(word: AnyStr, longer: AnyStr, text: AnyStr) -> bool:
    """Whether a word is there, and not only within a longer one: far more files name ONNX than NNX."""
    place = text.find(word)
    if place < 0:
        return False
    # The first one tells of most files; to count goes through all of a file.
    return text[place - 1 : place] != longer[:1] or text.count(word) > text.count(longer)
