"""Lays out logical lines as black and ruff format do, where a fix has made one too long, or short enough to be joined.

A logical line is a simple statement, or the header of a compound one. Nothing changes but line breaks, the comma behind
the last of several arguments, and parentheses around ``a if b else c``.
"""

from __future__ import annotations

import io
import keyword
import tokenize
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_COMPREHENSION, _COMMA, _TERNARY, _LOGIC, _STRING, _COMPARISON, _DOT = 20, 18, 16, 14, 12, 10, 1
_PRIORITIES = (
    {"for": _COMPREHENSION, "async": _COMPREHENSION, ",": _COMMA, "and": _LOGIC, "or": _LOGIC}
    | dict.fromkeys(("<", ">", "==", "!=", "<=", ">=", "in", "is"), _COMPARISON)
    | {"|": 9, "^": 8, "&": 7, "<<": 6, ">>": 6, "+": 5, "-": 5, "*": 4, "/": 4, "//": 4, "%": 4, "@": 4, "**": 2}
)
"""What a line can be split at; what has the highest number in it is what black splits it at."""

_QUOTES = ("'", '"')
_UNARY = frozenset({"*", "**", "+", "-"})
_HEADERS = frozenset({"for", "if", "elif", "while", "with"})
_VALUES = frozenset({"await", "lambda", "not", "None", "True", "False"})
_ASSIGNMENTS = frozenset({"=", "+=", "-=", "*=", "/=", "//=", "%=", "@=", "&=", "|=", "^=", ">>=", "<<=", "**="})
_SKIPPED = frozenset({tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER})


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is formatted."""

    line_length: int = 88
    keeps_commas: bool = True
    """Whether a comma behind the last argument keeps arguments on lines of their own."""
    indent: str = "    "


class _LeftAloneError(Exception):
    """The code has a form that is not laid out."""


def width(line: str) -> int:
    """Return how many columns a line takes."""
    line = line.expandtabs(4)
    return len(line) if line.isascii() else sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)


def indent_of(line: str) -> str:
    """Return the white space at the start of a line."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def statement_laid_out(lines: Sequence[str], style: Style) -> list[str] | None:
    """Return a logical line anew.

    Args:
        lines: its lines, without line ends.
        style: how the file is formatted.

    Returns:
        Its lines; ``None`` if it has a form that is left as it is.
    """
    return _attempt(lambda: _read(lines, style).statement(indent_of(lines[0])))


def elements_laid_out(lines: Sequence[str], style: Style, *, is_all: bool = False) -> list[str] | None:
    """Return elements of a bracket one a line, and what does not fit then over several lines.

    Args:
        lines: the lines that hold the elements, and nothing else.
        style: how the file is formatted.
        is_all: whether they are all that is in parentheses.

    Returns:
        Their lines; ``None`` if they have a form that is left as it is.
    """
    return _attempt(lambda: _read(lines, style).elements(indent_of(lines[0]), is_all=is_all))


def call_laid_out(lines: Sequence[str], first: _Place, last: _Place, style: Style) -> list[str] | None:
    """Return a logical line with the arguments of one of its calls on lines of their own.

    Args:
        lines: its lines, without line ends.
        first: the row and the column, from 0, where what has changed in the call starts.
        last: the same where it ends.
        style: how the file is formatted.

    Returns:
        Its lines; ``None`` if what has changed is in no call of several arguments, or there are comments in it.
    """
    return _attempt(lambda: _read(lines, style).call(lines, first, last))


def _attempt(lay_out: Callable[[], list[str]]) -> list[str] | None:
    try:
        return lay_out()
    except (_LeftAloneError, tokenize.TokenError, SyntaxError, RecursionError):
        return None


_Place = tuple[int, int]


def _read(lines: Sequence[str], style: Style) -> _Code:
    """Return the code of some lines; a comment behind it, with the blanks before that, is kept apart."""
    words: list[str] = []
    blanks: list[str] = []
    places: list[_Place] = []
    comment, last = "", (2, len(indent_of(lines[0])))
    for kind, string, start, end in _tokens(lines):
        between = lines[start[0] - 2][last[1] : start[1]] if start[0] == last[0] else "\n"
        if comment or between.strip(" \t\n") or "\n" in string:
            raise _LeftAloneError  # A comment inside, a backslash, a string of several lines.
        if kind == tokenize.COMMENT:
            comment = (between if between != "\n" else "") + string
        else:
            words.append(string)
            blanks.append(between)
            places.append((start[0] - 2, start[1]))
        last = end
    return _Code(words, blanks, places, comment, style)


def _tokens(rows: Sequence[str]) -> Iterator[tuple[int, str, _Place, _Place]]:
    """Yield the tokens of some lines; an f-string is one, also where Python has it in pieces."""
    text = ["(", *rows, ")"]  # So that elements of a bracket can be read as well.
    depth, start = 0, (0, 0)
    for token in tokenize.generate_tokens(io.StringIO("\n".join(text)).readline):
        if token.type in _SKIPPED or not 2 <= token.start[0] <= len(rows) + 1:
            continue
        if token.type in _STARTS:
            start = start if depth else token.start
            depth += 1
        if not depth:
            yield token.type, token.string, token.start, token.end
        elif token.type in _ENDS:
            depth -= 1
            if not depth:
                if start[0] != token.end[0]:
                    raise _LeftAloneError
                yield tokenize.STRING, text[start[0] - 1][start[1] : token.end[1]], start, token.end


_STARTS = {getattr(tokenize, name, -1) for name in ("FSTRING_START", "TSTRING_START")}
_ENDS = {getattr(tokenize, name, -1) for name in ("FSTRING_END", "TSTRING_END")}


@dataclass(frozen=True, slots=True)
class _Span:
    """A part of the code that can have lines of its own between brackets.

    ``start`` and ``end`` are the first token inside, and the one behind the last. Where there are no brackets in the
    code, as around ``a if b else c``, they are written if the part is split.
    """

    start: int
    end: int
    has_brackets: bool = True


class _Code:
    """The tokens of a logical line, or of elements of a bracket. A part of them goes from one index to another."""

    def __init__(self, words: list[str], blanks: list[str], places: list[_Place], comment: str, style: Style) -> None:
        self.words = words
        self.is_all = False
        """Whether there are parentheses around the whole."""
        self.places = places
        """Row and column, from 0, where each token starts."""
        self.comment = comment
        self.style = style
        self.closing: dict[int, int] = {}
        """By the index of an opening bracket, that of its closing one."""
        opened: list[int] = []
        for index, word in enumerate(words):
            if word in _OPENING:
                opened.append(index)
            elif word in _CLOSING:
                if not opened:
                    raise _LeftAloneError
                self.closing[opened.pop()] = index
        if opened or not words:
            raise _LeftAloneError
        self.breaks = [blank == "\n" for blank in blanks]
        """Whether each token is the first of its line."""
        self.blanks = [self._blank(index, blank) for index, blank in enumerate(blanks)]

    def _blank(self, index: int, blank: str) -> str:
        """What comes before a token where it is not the first of a line."""
        if blank != "\n" or not index:
            return "" if blank == "\n" else blank
        before, after = self.words[index - 1], self.words[index]
        return "" if before in _OPENING or after in _CLOSING or after == "." else " "

    # What the whole is

    def statement(self, indent: str) -> list[str]:
        """Lay out a logical line."""
        bare = self._without_parentheses()
        if bare is not None:
            return bare.statement(indent)
        whole = len(self.words)
        if self._fits(0, whole, indent, self.comment):
            return [indent + self._text(0, whole) + self.comment]
        if self.words[0] == "from":
            return self._import(indent)
        start, end = self._right_hand_side()
        if self.closing.get(start) == end - 1 and self.words[start] == "(":
            raise _LeftAloneError  # A tuple, or parentheses that black may take away.
        if start < end and (self._ternaries(start, end) or self._delimiters(start, end)[0] > _DOT):
            return self._in_brackets(0, _Span(start, end, has_brackets=False), whole, indent, self.comment)
        return self._split_at_bracket(0, whole, indent, self.comment, first=start)

    def _without_parentheses(self) -> _Code | None:
        """Return the code without parentheses over several lines around the right-hand side, if it has such.

        Black takes them for its own: it writes them again where it needs them.
        """
        if self.words[0] == "from":
            return None
        start, end = self._right_hand_side()
        if start == end or self.words[start] != "(" or self.closing[start] != end - 1 or not self.breaks[start + 1]:
            return None
        priority, _ = self._delimiters(start + 1, end - 1)
        if priority in (_COMMA, _COMPREHENSION) or priority <= _DOT or self.words[end - 2] == ",":
            return None
        if any(self.words[index] in (":=", "yield") for index in self._outside(start + 1, end - 1)):
            return None
        kept = [index for index in range(len(self.words)) if index not in (start, end - 1)]
        words, places = [self.words[index] for index in kept], [self.places[index] for index in kept]
        blanks = [" " if index == start + 1 and start else self.blanks[index] for index in kept]
        return _Code(words, blanks, places, self.comment, self.style)

    def _import(self, indent: str) -> list[str]:
        """Lay out ``from m import a, b`` with one name a line."""
        start = self.words.index("import") + 1
        end = len(self.words)
        if ";" in self.words or self.words[start] == "*":
            raise _LeftAloneError
        if self.words[start] == "(":
            if self.words[end - 2] != ",":
                raise _LeftAloneError  # Black may take the parentheses away.
            start, end = start + 1, end - 2
        head = self._text(0, self.words.index("import") + 1)
        priority, places = self._delimiters(start, end)
        names = self._pieces(start, end, priority or _COMMA, places, indent + self.style.indent, ",")
        return [f"{indent}{head} (", *names, f"{indent}){self.comment}"]

    def elements(self, indent: str, *, is_all: bool) -> list[str]:
        """Lay out elements, the commas between and behind them included; behind a single one there may be none."""
        whole = len(self.words)
        has_comma = self.words[-1] == ","
        end = whole - 1 if has_comma else whole
        self.is_all = is_all and not has_comma
        priority, places = self._delimiters(0, end)
        if priority == _COMMA:
            return self._pieces(0, end, priority, places, indent, f",{self.comment}")
        return self._lines(0, end, indent, ("," if has_comma else "") + self.comment)

    def call(self, lines: Sequence[str], first: _Place, last: _Place) -> list[str]:
        """Lay out the innermost call around a place, other than of ``isinstance``, that has several arguments."""
        for opening in sorted(self.closing, reverse=True):
            closing = self.closing[opening]
            priority, places = self._delimiters(opening + 1, closing - (self.words[closing - 1] == ","))
            is_around = self.places[opening] < first and last <= self.places[closing]
            if is_around and priority == _COMMA and not self._is_atom(opening) and self._is_laid_out(opening):
                break
        else:
            raise _LeftAloneError
        (row, column), (end_row, end_column) = self.places[opening], self.places[closing]
        indent = indent_of(lines[row])
        end = closing - (self.words[closing - 1] == ",")
        body = self._pieces(opening + 1, end, priority, places, indent + self.style.indent, ",")
        head, tail = lines[row][: column + 1], indent + lines[end_row][end_column:]
        return [*lines[:row], head, *body, tail, *lines[end_row + 1 :]]

    def _is_laid_out(self, opening: int) -> bool:
        return self.words[opening] == "(" and self.words[opening - 1] not in ("isinstance", "issubclass")

    def _right_hand_side(self) -> tuple[int, int]:
        """Return the part of a statement around which black may write parentheses; an empty one if there is none."""
        end = len(self.words) - (self.words[-1] == ":")
        start = self._start_of_value(end)
        priority, places = self._delimiters(start, end)
        if ";" in self.words or (priority == _DOT and len(places) > 1):
            raise _LeftAloneError
        if self.words[0] == "assert" and priority == _COMMA and len(places) == 1:
            return 0, 0
        if priority > _DOT and (len(places) == 1 or priority == _COMMA or not start or self.words[0] == "with"):
            raise _LeftAloneError  # Here black asks much, and ruff does otherwise.
        return (start, end) if start else (0, 0)

    def _start_of_value(self, end: int) -> int:
        """Return where the value of a statement starts: what is returned, assigned, or asked in a header."""
        first = self.words[0]
        if self.words[-1] == ":" or first in ("return", "raise", "assert"):
            if self.words[-1] == ":" and first not in _HEADERS:
                raise _LeftAloneError
            return self._index_of("in", end) + 1 if first == "for" else 1
        if keyword.iskeyword(first) and first not in _VALUES:
            raise _LeftAloneError
        signs = [index for index in self._outside(0, end) if self.words[index] in _ASSIGNMENTS]
        start = max(signs, default=-1) + 1
        if len(signs) > 1 or any(opening < start for opening in self.closing):
            raise _LeftAloneError
        return start

    def _index_of(self, word: str, end: int) -> int:
        return next((index for index in self._outside(0, end) if self.words[index] == word), 0)

    # Parts

    def _text(self, start: int, end: int) -> str:
        parts = []
        for index in range(start, end):
            if self._is_dropped_comma(index):
                continue
            parts += [self.blanks[index] if index > start else "", self.words[index]]
        return "".join(parts)

    def _is_dropped_comma(self, index: int) -> bool:
        is_last = self.words[index] == "," and self.words[index + 1 : index + 2] and self.words[index + 1] in _CLOSING
        return bool(is_last) and not self.style.keeps_commas and not self._is_single(index)

    def _is_single(self, comma: int) -> bool:
        """Whether the comma before a closing bracket makes a tuple of one element, or of an index."""
        opening = next(one for one, closing in self.closing.items() if closing == comma + 1)
        alone = all(self.words[index] != "," for index in self._outside(opening + 1, comma))
        return alone and (self.words[opening] == "[" or self._is_atom(opening))

    def _is_atom(self, opening: int) -> bool:
        """Whether a bracket is no call and no index."""
        before = self.words[opening - 1] if opening else ""
        is_name = before[-1:].isalnum() or before[-1:] in ("_", *_QUOTES)
        return not (before[-1:] in _CLOSING or (is_name and not keyword.iskeyword(before)))

    def _holds_comma(self, start: int, end: int) -> bool:
        """Whether a part holds a comma that keeps elements on lines of their own."""
        if not self.style.keeps_commas:
            return False
        found = (
            index for index in range(start, end - 1) if self.words[index] == "," and self.words[index + 1] in _CLOSING
        )
        return any(not self._is_single(index) for index in found)

    def _fits(self, start: int, end: int, indent: str, suffix: str = "") -> bool:
        line = indent + self._text(start, end) + suffix
        return not self._holds_comma(start, end) and width(line) <= self.style.line_length

    def _outside(self, start: int, end: int) -> Iterator[int]:
        """Yield the tokens of a part that are in none of its brackets, and the brackets."""
        index = start
        while index < end:
            yield index
            index = self.closing.get(index, index + 1)

    def _ternaries(self, start: int, end: int) -> list[_Span]:
        """Return where ``a if b else c`` is outside of brackets."""
        found: list[_Span] = []
        begin, is_comprehension, parameters = start, False, False
        for index in self._outside(start, end):
            word = self.words[index]
            if word in (",", "="):
                begin, is_comprehension = index + 1, is_comprehension and word != ","
            elif word == "lambda":
                parameters = True
            elif word in (":", ":=", "return", "in"):
                begin, parameters = index + 1, False
            elif word in ("for", "async"):
                is_comprehension = True
            elif word == "if" and not is_comprehension and index > start and not (found and index < found[-1].end):
                found.append(_Span(begin, self._end_of_ternary(index, end), has_brackets=False))
            if parameters and word == "=":
                raise _LeftAloneError
        return found

    def _end_of_ternary(self, start: int, end: int) -> int:
        return next((one for one in self._outside(start, end) if self.words[one] in (",", "for", "async")), end)

    def _delimiters(self, start: int, end: int) -> tuple[int, list[int]]:
        """Return the highest priority among the places where a part can be split, and those places."""
        spans = [span for span in self._ternaries(start, end) if not self._is_bare(span)]
        masked = {index for span in spans for index in range(span.start, span.end)}
        found = [(one, index) for one, index in self._priorities(start, end) if one and index not in masked]
        highest = max((priority for priority, _ in found), default=0)
        return highest, [index for priority, index in found if priority == highest]

    def _priorities(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the priority of each token of a part but the first; 0 for what a line is not split at."""
        is_parameter = is_target = is_comprehension = False
        for index in self._outside(start, end):
            word = self.words[index]
            if word in ("lambda", ":"):
                is_parameter = word == "lambda"
            elif word in ("for", "async"):
                is_target = is_comprehension = True
            is_bound = is_parameter or (is_target and word in (",", "in"))
            is_target = is_target and word != "in"
            if index > start and not is_bound:
                condition = _COMPREHENSION if word == "if" and is_comprehension else _TERNARY
                yield condition if word in ("if", "else") else self._priority(index), index

    def _priority(self, index: int) -> int:
        word, before = self.words[index], self.words[index - 1]
        if (word == "for" and before == "async") or (word == "in" and before == "not"):
            return 0
        if word == "not":
            return _COMPARISON if self.words[index + 1 : index + 2] == ["in"] else 0
        if word == ".":
            return _DOT if before[-1:] in _CLOSING else 0
        if word[-1:] in _QUOTES:
            return _STRING if before[-1:] in _QUOTES else 0
        return _PRIORITIES.get(word, 0) if word not in _UNARY or self._is_operand(before) else 0

    def _is_operand(self, word: str) -> bool:
        if not word or word in _OPENING:
            return False
        return word[-1] in _CLOSING or ((word[-1].isalnum() or word[-1] in "_\"'.") and not keyword.iskeyword(word))

    def _is_bare(self, span: _Span) -> bool:
        """Whether a ternary is the first thing behind a parenthesis, so that it gets none of its own."""
        if not span.start:
            return self.is_all and span.end == len(self.words)
        opening = span.start - 1
        return opening >= 0 and self.words[opening] == "(" and self.closing[opening] == span.end

    # Lines

    def _lines(self, start: int, end: int, indent: str, suffix: str) -> list[str]:
        """Lay out a part that is in brackets."""
        if self._fits(start, end, indent, suffix):
            return [indent + self._text(start, end) + suffix]
        priority, places = self._delimiters(start, end)
        if priority == _DOT and len(places) > 1:
            raise _LeftAloneError  # A chain of methods.
        if priority > _DOT:
            return self._pieces(start, end, priority, places, indent, suffix)
        return self._split_at_bracket(start, end, indent, suffix)

    def _pieces(
        self, start: int, end: int, priority: int, places: Sequence[int], indent: str, suffix: str
    ) -> list[str]:
        """Lay out a part that is split at delimiters; a comma ends a line, any other starts one."""
        skipped = 1 if priority == _COMMA else 0
        bounds = [start, *(place + skipped for place in places), end + skipped]
        lines: list[str] = []
        for number, (first, last) in enumerate(pairwise(bounds)):
            is_last = number == len(places)
            between = "," if priority == _COMMA else ""
            lines += self._lines(first, last - skipped, indent, suffix if is_last else between)
        return lines

    def _split_at_bracket(self, start: int, end: int, indent: str, suffix: str, first: int = 0) -> list[str]:
        """Lay out a part by putting what is in one of its brackets on lines of its own: the last that can be."""
        inner = [
            *(_Span(one + 1, self.closing[one]) for one in self._outside(start, end) if one in self.closing),
            *self._ternaries(start, end),
        ]
        masked = [span for span in inner if not span.has_brackets]
        spans = [
            span
            for span in sorted(inner, key=lambda span: span.start)
            if span.start < span.end
            and span.start > first
            and (not span.has_brackets or not any(one.start <= span.start < one.end for one in masked))
        ]
        if not spans:
            return [indent + self._text(start, end) + suffix]
        chosen = next((span for span in reversed(spans) if self._head_fits(start, span, indent)), spans[-1])
        return self._in_brackets(start, chosen, end, indent, suffix)

    def _head_fits(self, start: int, span: _Span, indent: str) -> bool:
        return self._fits(start, span.start, indent, "" if span.has_brackets else " (")

    def _in_brackets(self, start: int, span: _Span, end: int, indent: str, suffix: str) -> list[str]:
        head = indent + self._text(start, span.start)
        tail = self._text(span.end, end) + suffix
        if not span.has_brackets:
            head += "(" if not head.strip() else " ("
            if self.words[span.end : span.end + 1] and self.blanks[span.end] and span.end < end:
                tail = " " + tail
            tail = ")" + tail
        if self._holds_comma(span.end, end) or width(indent + tail.removesuffix(self.comment)) > self.style.line_length:
            raise _LeftAloneError
        return [head, *self._body(span, indent + self.style.indent), indent + tail]

    def _body(self, span: _Span, indent: str) -> list[str]:
        start, end = span.start, span.end
        has_comma = self.words[end - 1] == ","
        end -= has_comma
        if not span.has_brackets:
            priority, places = self._ternary_or_delimiters(start, end)
            if self._fits(start, end, indent):
                return [indent + self._text(start, end)]
            return self._pieces(start, end, priority, places, indent, "")
        priority, places = self._delimiters(start, end)
        is_display = priority == _COMMA and self._is_atom(start - 1)
        is_kept = has_comma and (self.style.keeps_commas or self._is_single(end))
        if not is_kept and not is_display and self._fits(start, end, indent):
            return [indent + self._text(start, end)]
        if priority == _COMMA:
            return self._pieces(start, end, priority, places, indent, ",")
        return self._lines(start, end, indent, "," if is_kept else "")

    def _ternary_or_delimiters(self, start: int, end: int) -> tuple[int, list[int]]:
        """Return where a part splits around which parentheses are written."""
        outside = list(self._outside(start, end))
        if sum(self.words[index] == "if" for index in outside) > 1:
            raise _LeftAloneError
        if any(self.words[index] == "if" for index in outside):
            return _TERNARY, [index for index in outside if self.words[index] in ("if", "else")]
        return self._delimiters(start, end)
