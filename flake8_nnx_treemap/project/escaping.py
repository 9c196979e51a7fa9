"""Escapes names, messages and source lines, so that none of them can control a terminal or a CI system."""

from __future__ import annotations

import re

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, those that change the direction of text, and those that some programs take for line ends."""

_COMMAND = re.compile(r"^(?=[ ]*::)|(?=##\[|##vso\[)")
"""Where GitHub Actions or Azure Pipelines would take a line of a log for an instruction."""


def one_line(text: str) -> str:
    """Text that somebody else may have chosen, as it can be shown on one line, also at its start.

    Args:
        text: the name of a file, a message, or a whole line of output.
    """
    return _COMMAND.sub(r"\\", CONTROL.sub(_escaped, text))


def patch_line(line: str) -> str:
    """A line of a diff as it can be shown; line ends, tabs and form feeds stay, so that ``patch`` takes most."""
    body = line.rstrip("\r\n")
    shown = CONTROL.sub(lambda match: match[0] if match[0] in "\t\f" else _escaped(match), body)
    end = line[len(body) :]
    return shown + (end if end in ("\n", "\r\n", "") else end[:-2].replace("\r", "\\r") + end[-2:])


def in_json(text: str) -> str:
    """JSON, as ``json.dumps`` writes it, with the same content and nothing in it that commands a terminal."""
    shown = CONTROL.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)
    return re.sub(r"#(?=#\[|#vso\[)", r"\\u0023", shown)


def _escaped(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]
