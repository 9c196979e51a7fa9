"""``# noqa`` means to us what it means to flake8: asked of the installed flake8."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap import fix_source, lint_source

HEAD = "import jax\nfrom flax import nnx\n"
CALL = "jax.tree.map(lambda x: x.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))"
SPLIT = "jax.tree.map({0}\n  lambda x: x.value, s,{1}\n  is_leaf=lambda x: isinstance(x, nnx.VariableState){2}\n){3}"

SOURCES = {
    "plain": CALL,
    "all": f"{CALL}  # noqa",
    "code": f"{CALL}  # noqa: NNX101",
    "prefix": f"{CALL}  # noqa: NNX1",
    "other code": f"{CALL}  # noqa: NNX201",
    "several": f"{CALL}  # noqa: E501, NNX101",
    "blanks": f"{CALL}  # noqa: E501 NNX101",
    "no blank": f"{CALL}  # NOQA:NNX101",
    "lower case": f"{CALL}  # noqa: nnx101",
    "blank before the colon": f"{CALL}  # noqa : NNX201",
    "reason": f"{CALL}  # noqa: NNX201 until the next release",
    "no hash": f"{CALL}  # no qa",
    "second comment": f"{CALL}  # fmt: skip # noqa",
    "in a string": f"x = '# noqa', {CALL}",
    "first line of a split call": SPLIT.format("  # noqa", "", "", ""),
    "line of the finding": SPLIT.format("", "", "  # noqa", ""),
    "last line of a split call": SPLIT.format("", "", "", "  # noqa"),
    "after a string of several lines": f"x = '''\n''', {CALL}  # noqa",
    "before the end of a string of several lines": f"x = {CALL}, '''\n'''  # noqa",
    "after a backslash": f"x = \\\n{CALL}, \\\n1  # noqa",
    "whole file": f"# flake8: noqa\n{CALL}",
    "whole file with a code": f"# flake8: noqa: E501\n{CALL}",
    "whole file, inline": f"{CALL}  # flake8: noqa",
    "other tools": f"{CALL}  # type: ignore",
}


@pytest.fixture(scope="module")
def said_by_flake8(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    folder = tmp_path_factory.mktemp("noqa")
    for index, text in enumerate(SOURCES.values()):
        (folder / f"case{index}.py").write_text(f"{HEAD}{text}\n")
    command = [sys.executable, "-m", "flake8", "--isolated", "--select", "NNX101", "."]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    reported = {Path(line.split(":")[0]).stem for line in run.stdout.splitlines()}
    return {name: f"case{index}" in reported for index, name in enumerate(SOURCES)}


@pytest.mark.parametrize("name", SOURCES)
def test_as_in_flake8(name: str, said_by_flake8: dict[str, bool]) -> None:
    text = f"{HEAD}{SOURCES[name]}\n"
    assert bool(lint_source(text)) == said_by_flake8[name]
    assert (fix_source(text).text != text) == said_by_flake8[name], "what is suppressed is not rewritten"


def test_the_cases_go_both_ways(said_by_flake8: dict[str, bool]) -> None:
    assert set(said_by_flake8.values()) == {True, False}
