"""What must hold for any input: functions that raise ``AssertionError``, or anything else that nobody planned."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from flake8_nnx_treemap.analysis.code.text import LINE_END
from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.project.errors import ConfigurationError
from flake8_nnx_treemap.project.escaping import CONTROL
from flake8_nnx_treemap.project.files import LARGEST, decode
from flake8_nnx_treemap.project.gitignore import is_ignored, parse
from flake8_nnx_treemap.project.magics import covered
from flake8_nnx_treemap.project.runner import FileReport, Task, process_file
from flake8_nnx_treemap.project.scanning import Targets, scan
from flake8_nnx_treemap.reporting.formats import FORMATS, render
from flake8_nnx_treemap.reporting.style import Style

EVERYTHING = Overrides(select=("ALL",), target_flax="0.12.7", unsafe_fixes=True, is_isolated=True)
PORTABLE = Overrides(select=("ALL",), target_flax="portable", is_isolated=True)
BUG = """\
import jax
from flax import nnx

jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""


def check_file(name: str, data: bytes) -> None:
    """A file of any content: an error is said and changes nothing; a fix comes to rest and stays in its encoding."""
    with tempfile.TemporaryDirectory(prefix="nnx-fuzz-") as folder:
        path = os.path.join(folder, name)
        for overrides in (PORTABLE, EVERYTHING):
            Path(path).write_bytes(data)
            seen = process_file(path, Task(overrides, wants_diff=True))
            fixed = process_file(path, Task(overrides, writes=True, fixes=True, wants_diff=True))
            for report in (seen, fixed):
                assert "internal error" not in (report.error or ""), report.error
                assert not any("would not parse" in note for note in report.notes), report.notes
            assert os.listdir(folder) == [name]
            after = Path(path).read_bytes()
            is_read_in_part = (fixed.error or "").endswith("the others were checked")
            if not fixed.fixed or (fixed.error and not is_read_in_part):
                assert after == data
                continue
            if name.endswith(".py"):
                assert decode(after)[1] == decode(data)[1]
            again = process_file(path, Task(overrides, writes=True, fixes=True))
            assert (again.error, again.fixed) == (fixed.error, ()), again
            assert again.findings == fixed.findings
            assert Path(path).read_bytes() == after


def check_gitignore(patterns: str, path: str) -> None:
    """Any ``.gitignore`` is read, and any path is judged."""
    rules = parse(patterns)
    names = [name for name in path.split("/") if name]
    if names:
        assert is_ignored(rules, names, False) in (True, False, None)
        assert is_ignored(rules, names, True) in (True, False, None)


def check_cell(source: str) -> None:
    """What is no Python is covered by as much text, line by line."""
    program = covered(source)
    assert program is None or len(program) == len(source)
    assert program is None or [len(line) for line in LINE_END.split(program)] == [
        len(line) for line in LINE_END.split(source)
    ]


def check_project(name: str, data: bytes) -> None:
    """Whatever a project says of itself: a file in it has findings, or an error in one line."""
    with tempfile.TemporaryDirectory(prefix="nnx-fuzz-") as folder:
        Path(folder, name).write_bytes(data)
        path = os.path.join(folder, "bug.py")
        Path(path).write_text(BUG)
        report = process_file(path, Task())
        assert "internal error" not in (report.error or ""), report.error
        with suppress(ConfigurationError):
            scan([folder], Targets())


def check_names(path: str, message: str) -> None:
    """No name and no message gets a command into a report."""
    for name in FORMATS:
        text = render(name, [FileReport(path, error=message)], Style(is_coloured=False))
        assert [letter for letter in CONTROL.findall(text) if letter != "\n"] == [], name
        assert not any(line.lstrip().startswith("::") for line in text.splitlines()) or name == "github"


def check_any(data: bytes) -> None:
    """Bytes as each of the things that a repository can hold: what the corpus is run through."""
    text = data.decode("utf-8", "replace")
    assert len(data) < LARGEST
    for name in ("a.py", "a.ipynb", "a.md", "a.qmd"):
        check_file(name, data)
    check_gitignore(text, text)
    check_cell(text)
    check_names(text, text)
