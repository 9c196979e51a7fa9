"""Unified diffs as terminals show them."""

from __future__ import annotations

import io

from flake8_nnx_treemap.reporting.style import BOLD, CYAN, GREEN, RED, in_colour

_COLOURS = {"---": BOLD, "+++": BOLD, "@@ ": CYAN, "-": RED, "+": GREEN}


def painted_diff(diff: str) -> str:
    """A unified diff in colours; without them it is what it was."""
    return "".join(map(_painted_line, io.StringIO(diff, newline="\n")))


def _painted_line(line: str) -> str:
    colour = _COLOURS.get(line[:3]) or _COLOURS.get(line[:1])
    text = line.rstrip("\r\n")
    return in_colour(text, colour) + line[len(text) :] if colour and text else line
