"""Reads ``.gitignore`` files as git does, in time that grows with the length of the pattern and of the name alone.

A pattern may come from anybody. As one plain regular expression, ``*a*a*a*b`` takes hours on a name of two hundred
letters. Here each ``*`` matches the shortest text before the next part of the pattern, and there is no backtracking.
"""

from __future__ import annotations

import os
import re
import stat

from flake8_nnx_treemap.project.files import read_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    _Segment = re.Pattern[str] | str | None
    """One name of a path: a pattern or the name itself; ``None`` for ``**``, any number of names."""

LARGEST = 1 << 20
"""How many bytes a ``.gitignore`` file may have."""

_LONGEST_LINE = 4096
_MOST_NAMES = 64
"""How many names a pattern may have; longer ones are skipped."""

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \t",
    "cntrl": "\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class Rule:
    """One line: which paths it is about, and what it says of them. A plain class: dataclasses are slow to import."""

    __slots__ = ("_segments", "ignores", "is_for_folders")

    def __init__(self, segments: Sequence[_Segment], *, ignores: bool, is_for_folders: bool) -> None:
        """Hold what a line says.

        Args:
            segments: the names that a path consists of.
            ignores: whether such paths are left out; else they are kept, whatever rules further up say.
            is_for_folders: whether it is about folders alone.
        """
        self._segments = segments
        self.ignores = ignores
        self.is_for_folders = is_for_folders

    def matches(self, names: Sequence[str], is_folder: bool) -> bool:
        """Whether it is about a path.

        Args:
            names: the path's parts, seen from the folder of the ``.gitignore`` file.
            is_folder: whether it is a folder.
        """
        if self.is_for_folders and not is_folder:
            return False
        segments = self._segments
        if len(segments) == 2 and segments[0] is None:  # "*.pyc", "build/": the name alone decides.
            return _fits(segments[1], names[-1])
        return _match(segments, names)


def rules_in(folder: str) -> tuple[Rule, ...]:
    """What the ``.gitignore`` file in a folder says; nothing if there is none, or no plain file, as git has it.

    Raises:
        FileError: it is too large, or it cannot be read.
    """
    path = os.path.join(folder, ".gitignore")
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return ()
    except OSError:
        return ()
    data = read_bytes(path, LARGEST, follows_links=False)
    return parse(data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape"))


def parse(text: str) -> tuple[Rule, ...]:
    """The rules of a ``.gitignore`` file; lines that match nothing in git are skipped.

    Args:
        text: what the file holds.
    """
    rules = [_rule(line.removesuffix("\r")) for line in text.split("\n") if line[:1] not in ("", "#")]
    return tuple(rule for rule in rules if rule is not None)


def is_ignored(rules: Sequence[Rule], names: Sequence[str], is_folder: bool) -> bool | None:
    """What the last rule that is about a path says of it.

    Args:
        rules: those of one ``.gitignore`` file.
        names: the path's parts, seen from the folder of that file.
        is_folder: whether the path is a folder.

    Returns:
        ``None`` if no rule is about it.
    """
    for rule in reversed(rules):
        if rule.matches(names, is_folder):
            return rule.ignores
    return None


def _rule(line: str) -> Rule | None:
    line = _without_blanks_at_end(line)
    ignores = not line.startswith("!")
    line = line if ignores else line[1:]
    is_for_folders = line.endswith("/")
    line = line.removesuffix("/")
    if not line or len(line) > _LONGEST_LINE or line.count("/") > _MOST_NAMES:
        return None
    names = line.removeprefix("/").split("/")
    segments: list[_Segment] = [] if "/" in line else [None]
    for index, name in enumerate(names):
        if name == "**" and len(names) > 1:
            if index == len(names) - 1:  # "a/**" is about all in a, and not about a.
                segments.append(re.compile(".*", re.DOTALL))
                segments.insert(-1, None)
            elif not segments or segments[-1] is not None:
                segments.append(None)
            continue
        try:
            segments.append(_segment(name))
        except (ValueError, re.error):
            return None
    return Rule(tuple(segments), ignores=ignores, is_for_folders=is_for_folders)


def _without_blanks_at_end(line: str) -> str:
    bare = line.rstrip(" ")
    backslashes = len(bare) - len(bare.rstrip("\\"))
    return bare + " " if backslashes % 2 and len(bare) < len(line) else bare


def _segment(glob: str) -> re.Pattern[str] | str:
    """One part of a pattern.

    Raises:
        ValueError: it matches nothing.
    """
    parts = [""]  # What is between stars.
    is_plain = True
    for piece, is_literal in _pieces(glob):
        is_plain = is_plain and is_literal
        if piece == "*" and not is_literal:
            parts.append("")
        else:
            parts[-1] += re.escape(piece) if is_literal else piece
    if is_plain:
        return "".join(piece for piece, _ in _pieces(glob))
    first, *others = parts
    if not others:
        return re.compile(first, re.DOTALL)
    *inner, last = others
    # A lookahead gives nothing back once it has matched, and what it matched is then taken.
    taken = "".join(f"(?=(?P<s{number}>.*?{part}))(?P=s{number})" for number, part in enumerate(inner) if part)
    return re.compile(f"{first}{taken}.*{last}", re.DOTALL)


def _pieces(glob: str) -> Iterator[tuple[str, bool]]:
    """The parts of a glob as text, with ``True``, or as regular expressions or ``*``, with ``False``."""
    index = 0
    while index < len(glob):
        letter = glob[index]
        index += 1
        if letter == "\\":
            if index == len(glob):
                raise ValueError("a backslash at the end")
            yield glob[index], True
            index += 1
        elif letter == "*":
            yield "*", False
        elif letter == "?":
            yield ".", False
        elif letter == "[":
            expression, index = _brackets(glob, index)
            yield expression, False
        else:
            yield letter, True


def _brackets(glob: str, index: int) -> tuple[str, int]:
    """The regular expression for ``[...]``, and where the glob goes on.

    Raises:
        ValueError: there is no closing bracket, or no such class of characters.
    """
    is_negated = glob[index : index + 1] in ("!", "^")
    index += is_negated
    members: list[str] = []
    start = index
    while True:
        if index >= len(glob):
            raise ValueError("no closing bracket")
        if glob[index] == "]" and index > start:
            break
        named = _NAMED_CLASS.match(glob, index)
        if named:
            members.append(_CLASSES[named["name"]] if named["name"] in _CLASSES else _no_class())
            index = named.end()
            continue
        low, index = _member(glob, index)
        if glob[index : index + 1] == "-" and glob[index + 1 : index + 2] not in ("", "]"):
            high, index = _member(glob, index + 1)
            if low <= high:
                members.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            members.append(re.escape(low))
    if not members:
        return ("." if is_negated else r"(?!)"), index + 1
    return f"[{'^' if is_negated else ''}{''.join(members)}]", index + 1


_NAMED_CLASS = re.compile(r"\[:(?P<name>[^\]:]*):\]")


def _no_class() -> str:
    raise ValueError("no such class of characters")


def _member(glob: str, index: int) -> tuple[str, int]:
    if glob[index] == "\\":
        index += 1
        if index == len(glob):
            raise ValueError("a backslash at the end")
    return glob[index], index + 1


def _fits(segment: _Segment, name: str) -> bool:
    if isinstance(segment, str):
        return segment == name
    return segment is None or segment.fullmatch(name) is not None


def _match(segments: Sequence[_Segment], names: Sequence[str]) -> bool:
    """Whether the names are as the segments say. Only the last ``**`` is ever tried again, with one name more."""
    at_segment = at_name = 0
    again: tuple[int, int] | None = None
    while at_name < len(names):
        if at_segment < len(segments) and segments[at_segment] is None:
            at_segment += 1
            again = (at_segment, at_name)
        elif at_segment < len(segments) and _fits(segments[at_segment], names[at_name]):
            at_segment += 1
            at_name += 1
        elif again is not None:
            again = (again[0], again[1] + 1)
            at_segment, at_name = again
        else:
            return False
    return at_segment == len(segments)
