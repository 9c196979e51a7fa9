"""The table of habits in docs/comparison.md: what it says of exit codes is what ruff, black and ``nnx-fix`` do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import BUG, COMMAND

PAGE = Path(__file__).parents[2] / "docs" / "comparison.md"
TOOLS = ("ruff", "black", "nnx-fix")
STARTS = {
    "ruff": (sys.executable, "-m", "ruff", "check", "--no-cache"),
    "black": (sys.executable, "-m", "black", "--no-cache"),
    "nnx-fix": COMMAND,
}
MESSY = "import os\nx=1\n"
"""What ruff and black have something to say about."""
CONFIGURATIONS = {
    "a `pyproject.toml` that is no TOML": "x = [\n",
    "`tool = 1` in it": "tool = 1\n",
    "an unknown key in its table": "[tool.{}]\nselekt = 1\n",
}
WORDS = {
    "a path that does not exist": ("--fix missing.py f.py", "missing.py f.py", "missing.py f.py"),
    "an abbreviated option, such as `--che`": ("--che f.py", "--che f.py", "--che f.py"),
    "`--select f401` or `nnx101`": ("--select f401 f.py", "", "--select nnx101 --exit-zero f.py"),
    '`--select ""`': ("--select= f.py", "", "--select= f.py"),
    "`--stdin-filename f.py` without `-`": ("", "--stdin-filename f.py", ""),
    **dict.fromkeys(CONFIGURATIONS, ("f.py", "f.py", "f.py")),
    "a folder without Python files": ("empty", "empty", "empty"),
    "a file that does not parse": ("broken.py", "broken.py", "broken.py"),
    "findings, or files to be changed, with `--check`": ("f.py", "--check f.py", "--check f.py"),
    "findings, all of which were fixed": ("--fix --select F401 f.py", "f.py", "f.py"),
    "standard output cannot be written": ("f.py", "--diff f.py", "--check f.py"),
}


def rows() -> dict[str, dict[str, str]]:
    """The cells of the table by row and tool."""
    text = PAGE.read_text(encoding="utf-8").partition("### Habits")[2]
    lines = re.findall(r"^\| (.+) \|$", text.partition("\n## ")[0].partition("Options of")[0], re.MULTILINE)
    cells = [[cell.strip() for cell in line.split("|")] for line in lines[2:]]
    return {first: dict(zip(TOOLS, others, strict=True)) for first, *others in cells}


def codes(cell: str) -> list[int]:
    """The exit codes that a cell names; what stands behind ``with`` is for another option."""
    return [int(code) for code in re.findall(r"(?:^|; )(\d+)(?=;|$)", re.sub(r"; \d+ with .*", "", cell))]


def run(tool: str, row: str, folder: Path) -> int:
    words = WORDS[row][TOOLS.index(tool)].split()
    (folder / "f.py").write_text(BUG if tool == "nnx-fix" else MESSY)
    (folder / "broken.py").write_text("from flax import nnx\ndef (\n")
    (folder / "empty").mkdir()
    (folder / ".git").mkdir()
    if row in CONFIGURATIONS:
        table = "nnx-treemap" if tool == "nnx-fix" else tool
        (folder / "pyproject.toml").write_text(CONFIGURATIONS[row].format(table))
    with open("/dev/full" if row.startswith("standard output") else "/dev/null", "w") as out:
        done = subprocess.run(
            [*STARTS[tool], *words],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, check=False, timeout=120,
        )  # fmt: skip
    return done.returncode


def is_the_one_compared(tool: str) -> bool:
    """Whether the tool that is here is the one of which the page speaks."""
    if tool == "nnx-fix":
        return True
    if shutil.which(tool) is None:
        return False
    shown = subprocess.run([*STARTS[tool][:3], "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"\d+\.\d+\.\d+", shown)
    return version is not None and f"{tool} ({version[0]})" in PAGE.read_text(encoding="utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("tool", TOOLS)
def test_exit_codes_are_those_of_the_table(tool: str, tmp_path: Path) -> None:
    if not is_the_one_compared(tool):
        pytest.skip(f"the page speaks of another {tool}")
    said = {row: found for row in WORDS if (found := codes(rows()[row][tool]))}
    assert len(said) >= 8
    measured = {}
    for number, row in enumerate(said):
        folder = tmp_path / str(number)
        folder.mkdir()
        measured[row] = [run(tool, row, folder)]
    assert measured == said


def test_every_row_with_a_code_is_measured() -> None:
    assert {row for row, cells in rows().items() if any(map(codes, cells.values()))} <= WORDS.keys()
