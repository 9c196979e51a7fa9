"""NNX205 hands a keyword to ``super().__init__``: rewrites of lines that have no place for a mark of the case files."""

from __future__ import annotations

import pytest

from flake8_nnx_treemap import LintSettings, fix_source

HEAD = "from flax import nnx\n\n\n"

REWRITES = {
    "before the collected metadata": (
        """\
class Tagged(nnx.Variable):
    def __init__(self, value, tag, **metadata):
        super().__init__(value=value, **metadata)
        self.tag = tag
""",
        """\
class Tagged(nnx.Variable):
    def __init__(self, value, tag, **metadata):
        super().__init__(value=value, tag=tag, **metadata)
""",
    ),
    "on a line of its own, where the others have one, and the second of two": (
        """\
class Measured(nnx.Param):
    def __init__(self, value, *, unit="m", **rest):
        super().__init__(
            value,
            trainable=True,
            **rest,
        )

        self.unit = unit
        assert self.unit


class Named(nnx.Param):
    def __init__(self, value, name, unit):
        super().__init__(value)
        self.name = name
        self.unit = (
            unit
        )
""",
        """\
class Measured(nnx.Param):
    def __init__(self, value, *, unit="m", **rest):
        super().__init__(
            value,
            trainable=True,
            unit=unit,
            **rest,
        )

        assert self.unit


class Named(nnx.Param):
    def __init__(self, value, name, unit):
        super().__init__(value, name=name, unit=unit)
""",
    ),
    "a constant, at the end of a file": (
        """\
class Counted(nnx.Variable):
    def __init__(self, value):
        super().__init__(value)
        self.count = 0""",
        """\
class Counted(nnx.Variable):
    def __init__(self, value):
        super().__init__(value, count=0)""",
    ),
    "no argument yet": (
        """\
class Held(nnx.Variable):
    def __init__(self, value):
        super().__init__(value=value)
        self.held = value
""",
        """\
class Held(nnx.Variable):
    def __init__(self, value):
        super().__init__(value=value, held=value)
""",
    ),
}


@pytest.mark.parametrize("name", REWRITES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_rewrite(name: str, newline: str) -> None:
    before, after = (HEAD + text for text in REWRITES[name])
    settings = LintSettings(select=frozenset({"NNX205"}), unsafe_fixes=True)
    fixed = fix_source(before.replace("\n", newline), settings=settings)
    assert fixed.text == after.replace("\n", newline)
    assert not fixed.remaining


def test_a_comment_on_the_line_keeps_it_from_being_dropped() -> None:
    before = HEAD + REWRITES["before the collected metadata"][0].rstrip("\n") + "  # for the report\n"
    settings = LintSettings(select=frozenset({"NNX205"}), unsafe_fixes=True)
    fixed = fix_source(before, settings=settings)
    assert fixed.text == before
    assert [one.code for one in fixed.remaining] == ["NNX205"]
