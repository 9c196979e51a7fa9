"""Ruff's suppression comments: what they silence, as ruff itself reads them, in every front end, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_nnx_treemap import LintSettings, fix_source, lint_source
from flake8_nnx_treemap.analysis.code.noqa import silences

HEAD = "import jax\nfrom flax import nnx\n"
CALL = "jax.tree_map(abs, 1)"
SETTINGS = LintSettings(frozenset({"NNX208"}), (0, 11))

CASES = {
    "at the end of the line": (f"{CALL}  # ruff: ignore[NNX208]\n{CALL}\n", [4]),
    "with a reason": (f"{CALL}  # ruff: ignore[NNX208] JAX 0.4 alone\n", []),
    "behind another comment": (f"{CALL}  # note # ruff: ignore[NNX208]\n", []),
    "without white space": (f"{CALL}  #ruff:ignore[NNX208]\n", []),
    "by the rule's name": (f"{CALL}  # ruff: ignore[removed-jax-tree-map]\n", []),
    "by the start of a code": (f"{CALL}  # ruff: ignore[NNX2]\n", []),
    "among others": (f"{CALL}  # ruff: ignore[F401, NNX208, E501]\n", []),
    "of another rule": (f"{CALL}  # ruff: ignore[F401, NNX101]\n", [3]),
    "of no rule": (f"{CALL}  # ruff: ignore\n{CALL}  # ruff: ignore[]\n", [3, 4]),
    "in a string": (f"{CALL}; '# ruff: ignore[NNX208]'\n", [3]),
    "above the line": (f"# ruff: ignore[NNX208]\n{CALL}\n{CALL}\n", [5]),
    "above a gap": (f"# ruff: ignore[NNX208]\n\n# note\n{CALL}\n{CALL}\n", [7]),
    "above a statement": (f"# ruff: ignore[NNX208]\nx = (\n    {CALL},\n    {CALL},\n)\n{CALL}\n", [8]),
    "above a block": (f"# ruff: ignore[NNX208]\nif 1:\n    {CALL}\n", [5]),
    "above a line of a statement": (f"x = (\n    # ruff: ignore[NNX208]\n    {CALL},\n    {CALL},\n)\n", [6]),
    "in the first line of a statement": (f"x = (  # ruff: ignore[NNX208]\n    {CALL},\n)\n", [4]),
    "at the end of a statement": (f"x = (\n    {CALL},\n)  # ruff: ignore[NNX208]\n", [4]),
    "behind a string that joins lines": (f"{CALL}, '''\n'''  # ruff: ignore[NNX208]\n", []),
    "for the file": (f"# ruff: file-ignore[NNX208]\n{CALL}\nif 1:\n    {CALL}\n", []),
    "for the file, from its end": (f"{CALL}\n# ruff: file-ignore[NNX208]\n", []),
    "for the file, behind code": (f"{CALL}  # ruff: file-ignore[NNX208]\n", [3]),
    "a block": (f"# ruff: disable[NNX208]\n{CALL}\n{CALL}\n# ruff: enable[NNX208]\n{CALL}\n", [7]),
    "a block to the end": (f"{CALL}\n# ruff: disable[NNX208]\n{CALL}\nif 1:\n    {CALL}\n", [3]),
    "a block to the end of its own": (
        f"if 1:\n    # ruff: disable[NNX208]\n    {CALL}\n# note\n    {CALL}\n{CALL}\n", [8]
    ),
    "a block that another indentation ends": (
        f"# ruff: disable[NNX208]\nif 1:\n    {CALL}\n    # ruff: enable[NNX208]\n{CALL}\n", []
    ),
    "a block that other codes end": (f"# ruff: disable[NNX208, F401]\n{CALL}\n# ruff: enable[NNX208]\n{CALL}\n", []),
    "a block that the same codes end": (
        f"# ruff: disable[NNX208, F401]\n{CALL}\n# ruff: enable[F401, NNX208]\n{CALL}\n", [6]
    ),
    "a block behind code": (f"{CALL}  # ruff: disable[NNX208]\n{CALL}\n", [3, 4]),
    "blocks in each other": (
        "# ruff: disable[NNX208]\n# ruff: disable[NNX208]\n"
        f"# ruff: enable[NNX208]\n{CALL}\n# ruff: enable[NNX208]\n{CALL}\n",
        [8],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_silenced(name: str) -> None:
    text, rows = CASES[name]
    text = HEAD + text
    assert [found.range.start.row for found in lint_source(text, settings=SETTINGS)] == rows
    fixed = fix_source(text, settings=SETTINGS).text.splitlines()
    for row, (old, new) in enumerate(zip(text.splitlines(), fixed, strict=True), 1):
        assert new == (old.replace("tree_map", "tree.map") if row in rows else old)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_do_not_matter(newline: str) -> None:
    text = (HEAD + CASES["a block"][0]).replace("\n", newline)
    assert [found.range.start.row for found in lint_source(text, settings=SETTINGS)] == [7]


def test_flake8_and_the_command_read_them(tmp_path: Path) -> None:
    text = HEAD + "".join(part for part, _ in CASES.values() if "file-ignore" not in part)
    (tmp_path / "m.py").write_text(text)
    expected = {found.range.start.row for found in lint_source(text, settings=LintSettings(frozenset({"NNX208"})))}
    assert expected
    flake8 = [sys.executable, "-m", "flake8", "--isolated", "--select", "NNX208", "m.py"]
    command = [
        sys.executable,
        "-m",
        "flake8_nnx_treemap",
        "--check",
        "--select",
        "NNX208",
        "--output-format",
        "concise",
    ]
    for words in (flake8, [*command, "--quiet", "m.py"]):
        run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.stderr == ""
        assert {int(line.split(":")[1]) for line in run.stdout.splitlines()} == expected


WORDS = ("disable", "enable", "ignore", "file-ignore")
lines = st.lists(
    st.sampled_from(
        ["x = 1", "if x:", "    y", "(", ")", "'''", '"""', "\\", ""]
        + [f"{space}# ruff: {what}[{code}]" for space in ("", "    ") for what in WORDS for code in "AB"]
    ),
    max_size=30,
)  # fmt: skip


@given(lines)
def test_rows_are_those_of_the_file(found: list[str]) -> None:
    for silence in silences(found):
        assert 1 <= silence.first_row <= silence.last_row <= len(found)


def test_many_blocks_cost_no_more_than_their_number() -> None:
    text = HEAD + "".join(f"# ruff: disable[X{number}]\nx = {number}\n" for number in range(20_000))
    assert lint_source(text + CALL, settings=SETTINGS) != []
