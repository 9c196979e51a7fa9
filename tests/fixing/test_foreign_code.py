"""Code that nobody here wrote: generated from Python's grammar, and everything that is installed, whole and garbled."""

from __future__ import annotations

import ast
import os
import re
import sys
import sysconfig
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import hypothesmith
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flake8_nnx_treemap import LintSettings, fix_source, lint_source
from flake8_nnx_treemap.analysis.code.text import SourceError
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.files import decode, read_bytes
from flake8_nnx_treemap.rules.catalogue import CODES, every_rule

EVERYTHING = LintSettings(frozenset(CODES), (0, 12, 7), unsafe_fixes=True)
PARTS = 1 if os.environ.get("NNX_FOREIGN") == "all" else 80
"""A run reads one part in so many of what is installed, another one on each version of Python."""
HEADER = "import jax\nfrom flax import nnx\nfrom flax.nnx import VariableState\n"

GARBLED = (
    (re.compile(r"\bmap\("), "jax.tree.map("),
    (re.compile(r"\b(?:filter|sorted|list)\("), "jax.tree.leaves("),
    (re.compile(r"\bisinstance\(\s*(\w+),\s*[\w.]+\)"), r"isinstance(\1, nnx.VariableState)"),
    (re.compile(r"\bkey="), "is_leaf="),
    (re.compile(r"\.(?:name|args|data)\b"), ".value"),
    (re.compile(r"\bstr\b"), "VariableState"),
    (re.compile(r"\bself\.(\w+)\("), r"jax.tree.map(self.\1, "),
)
"""What turns ordinary code into code that looks like ours."""


def installed() -> Iterator[Path]:
    """Every Python file of this environment and of the standard library."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), sysconfig.get_path("stdlib")}
    return (path for folder in sorted(folders) for path in sorted(Path(folder).rglob("*.py")) if path.is_file())


def is_of_this_run(path: Path) -> bool:
    return zlib.crc32(path.name.encode("utf-8", "surrogateescape")) % PARTS == sys.version_info.minor % PARTS


def text_of(path: Path) -> str | None:
    """A file's text; ``None`` if it is not text, or does not parse here, as some tests of the standard library."""
    try:
        text = decode(read_bytes(str(path)))[0]
        lint_source(text)
    except (FileError, SourceError):
        return None
    return text


def assert_fixed_once(text: str) -> None:
    try:
        findings = lint_source(text, settings=EVERYTHING)
    except SourceError:
        return
    source = ParsedSource(text)
    for rule in every_rule():
        assert rule.entry.may_find(text) or not any(rule.check(source, EVERYTHING.flax_range)), rule.code
    for edits in (finding.fix.edits for finding in findings if finding.fix):
        assert all(one.range.end <= other.range.start for one, other in pairwise(edits)), edits
    result = fix_source(text, settings=EVERYTHING)
    assert (result.text == text) == (not any(finding.fix for finding in findings))
    ast.parse(result.text)
    assert fix_source(result.text, settings=EVERYTHING).text == result.text
    assert list(result.remaining) == lint_source(result.text, settings=EVERYTHING)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(hypothesmith.from_grammar(), st.booleans())
def test_programs_of_pythons_grammar(program: str, is_crlf: bool) -> None:
    text = HEADER + program
    assert_fixed_once(text.replace("\n", "\r\n") if is_crlf else text)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(hypothesmith.from_node())
def test_programs_of_libcst_nodes(program: str) -> None:
    assert_fixed_once(HEADER + program)


def test_every_installed_file_is_read_without_a_crash() -> None:
    """With all rules, and past the gate, which would let hardly any of them through."""
    count = 0
    for path in filter(is_of_this_run, installed()):
        text = text_of(path)
        if text is not None:
            count += 1
            findings = lint_source(f"{text}\n# nnx\n", str(path), EVERYTHING)
            assert not [finding for finding in findings if finding.code < "NNX2"], path
    assert count > 20


def test_installed_files_that_are_garbled_are_fixed_once() -> None:
    findings = 0
    for path in filter(is_of_this_run, installed()):
        text = text_of(path)
        if text is None or len(text) > 25_000:
            continue
        for pattern, replacement in GARBLED:
            text = pattern.sub(replacement, text)
        text = HEADER + text.replace("from __future__", "# from __future__")
        try:
            findings += len(lint_source(text, settings=EVERYTHING))
        except SourceError:
            continue
        assert_fixed_once(text)
    assert findings > 10
