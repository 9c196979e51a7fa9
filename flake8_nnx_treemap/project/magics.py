"""Finds what IPython understands beside Python: magics, shell commands, requests for help.

The analysis sees harmless text of the same length in their place. The file keeps them as they are.
"""

from __future__ import annotations

import re

BODY_IS_PYTHON = frozenset({"capture", "debug", "ipytest", "memit", "prun", "time", "timeit"})
"""Cell magics whose body runs in the notebook's own namespace; what follows another one is not looked at."""

BODY_IS_NONE = frozenset(
    {"!", "HTML", "R", "SVG", "bash", "bigquery", "cmd", "cython", "file", "html", "javascript", "js", "julia", "latex"}
    | {"markdown", "mermaid", "perl", "pypy", "python", "python2", "python3", "ruby", "script", "sh", "sql", "svg"}
    | {"sx", "system", "writefile"}
)
"""Cell magics whose body is known to be something else, or to run elsewhere; of any other it is said to be skipped."""

# A string without an end goes as far as it can, so that no later quote in it is tried as the start of another.
_TOKEN = re.compile(
    r"""#[^\r\n]*|'''(?:\\.|[^\\])*?(?:'''|\\?\Z)|\"\"\"(?:\\.|[^\\])*?(?:\"\"\"|\\?\Z)"""
    r"""|'(?:\\(?:\r\n|.)|[^\\'\r\n])*(?:'|(?=[\r\n])|\\?\Z)|"(?:\\(?:\r\n|.)|[^\\"\r\n])*(?:"|(?=[\r\n])|\\?\Z)"""
    r"""|(?P<open>[(\[{])|(?P<close>[)\]}])|\\(?:\r\n|\r|\n)|(?P<end>\r\n|\r|\n)""",
    re.DOTALL,
)
# No part may match what the part before it could give back: else a line of blanks takes the square of its length.
_MAGIC = re.compile(
    r"""(?P<kept>[ \t]*)(?![ \t])(?:
        [!%?,;/].*                                           # %magic, !command, ?help, and what calls automatically
        |[^'"\#\r\n]*\?[ \t]*$                               # help?
        |(?:pip|conda|mamba|uv)[ \t]+(?:install|uninstall|list|show|freeze|pip)\b.*
    )
    """,
    re.VERBOSE,
)
_BEFORE_SIGN = re.compile(
    r"""'(?:\\.|[^\\'\r\n])*'|"(?:\\.|[^\\"\r\n])*"|(?P<open>[(\[{])|(?P<close>[)\]}])"""
    r"""|(?P<stop>['"\#;\\])|[-+*/%@&|^=!<>:]=|(?P<sign>=)[ \t]*(?P<magic>[!%](?!=))?"""
)
_CELL_MAGIC = re.compile(r"[ \t\r\n]*%%(?P<name>[^\s]*)")
_LINE = re.compile(r"[^\r\n]*")


def covered(source: str) -> str | None:
    """A cell's source as Python of the same length, every line of Python at its place.

    Args:
        source: the whole cell.

    Returns:
        The source with an equally long harmless line for each that is not Python; ``None`` if the cell as a whole is
        not Python, such as one that starts with ``%%bash``.
    """
    cell_magic = _CELL_MAGIC.match(source)
    if cell_magic and cell_magic["name"] not in BODY_IS_PYTHON:
        return None
    if not any(mark in source for mark in "!%?,;/") and "install" not in source:
        return source
    parts, start = [], 0
    while start < len(source):
        end = _end_of_magic(source, start)
        if end is None:
            end = _end_of_statement(source, start)
            parts.append(source[start:end])
        else:
            parts.append(_cover(source[start:end]))
        start = end
    return "".join(parts)


def _end_of_magic(source: str, start: int) -> int | None:
    """Where the lines of what is not Python end, line end included; ``None`` if this line is Python."""
    line = _line(source, start)
    if not _MAGIC.fullmatch(line) and not _assigned(line):
        return None
    end = start + len(line)
    while line.endswith("\\") and end < len(source):  # IPython joins such lines as Python does.
        end += _length_of_line_end(source, end)
        line = _line(source, end)
        end += len(line)
    return end + _length_of_line_end(source, end)


def _end_of_statement(source: str, start: int) -> int:
    """Where a line ends that neither a bracket, a string nor a backslash joins to the next, line end included."""
    depth = 0
    for match in _TOKEN.finditer(source, start):
        if match["open"]:
            depth += 1
        elif match["close"]:
            depth -= 1
        elif match["end"] and depth <= 0:
            return match.end()
    return len(source)


def _assigned(line: str) -> str:
    """What is before the mark in ``names = !command`` and ``value["x"] = %magic``; empty in any other line."""
    depth = 0
    for match in _BEFORE_SIGN.finditer(line):
        if match["open"]:
            depth += 1
        elif match["close"]:
            depth -= 1
        elif match["stop"]:
            return ""
        elif match["sign"] and depth == 0:
            return line[: match.start("magic")] if match["magic"] else ""
    return ""


def other_language(source: str) -> str | None:
    """The cell magic that says that a cell's body is not Python, if it is one whose body nobody knows."""
    cell_magic = _CELL_MAGIC.match(source)
    name = cell_magic["name"] if cell_magic else ""
    return None if not cell_magic or name in BODY_IS_PYTHON | BODY_IS_NONE else name


def _cover(lines: str) -> str:
    first = _line(lines, 0)
    match = _MAGIC.fullmatch(first)
    kept = (match["kept"] or "") if match else _assigned(first)
    # A statement, since it may be all that a block holds; then nothing.
    statement = kept + "0" + " " * (len(first) - len(kept) - 1)
    return statement + re.sub(r"[^\r\n]", " ", lines[len(first) :])


def _line(text: str, start: int) -> str:
    match = _LINE.match(text, start)
    assert match is not None
    return match.group()


def _length_of_line_end(text: str, offset: int) -> int:
    return 2 if text.startswith("\r\n", offset) else 1 if offset < len(text) else 0
