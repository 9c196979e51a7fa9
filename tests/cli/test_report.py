"""What people are shown: what a fix would write, where to read on, colours on a terminal, and how much there is."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path
from threading import Timer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running import BUG, COMMAND, FIXED, nnx_fix

from flake8_nnx_treemap.analysis.code.text import LINE_END, Edit, Position, Range
from flake8_nnx_treemap.fixing.edits import apply_edits
from flake8_nnx_treemap.reporting.changed_lines import changed_lines
from flake8_nnx_treemap.reporting.severity import severity_of
from flake8_nnx_treemap.rules.catalogue import CATALOGUE, Kind

FLAX = ("--isolated", "--line-length", "200", "--target-flax", "0.11", "--select", "NNX101")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bug.py").write_text(BUG)
    return tmp_path


# What a fix would write


def test_a_fix_is_shown_with_the_import_that_it_brings(folder: Path) -> None:
    (folder / "bug.py").write_text(
        "import jax\nfrom flax.nnx import VariableState, state\n\n"
        "x = jax.tree.map(\n    lambda v: v.value,\n    state(m),\n"
        "    is_leaf=lambda x: isinstance(x, VariableState),\n)\n"
    )
    text = nnx_fix(*FLAX, "--check", "bug.py", cwd=folder).stdout
    (folder / "new.py").write_text((folder / "bug.py").read_text())
    assert nnx_fix(*FLAX, "new.py", cwd=folder).returncode == 0
    shown = text.split("= help:")[1].splitlines()[1:-4]
    old, new = (folder / "bug.py").read_text().splitlines(), (folder / "new.py").read_text().splitlines()
    assert [line[2:].removeprefix("- ") for line in shown if line[2:].startswith("- ")] == [
        line for line in old if line not in new
    ]
    assert [line[2:].removeprefix("+ ") for line in shown if line[2:].startswith("+ ")] == [
        line for line in new if line not in old
    ]
    for line in shown:
        if line[2:].startswith("- "):
            assert old[int(line[:2]) - 1] == line[4:]
    assert "  = see: https://flake8-nnx-treemap.readthedocs.io/en/latest/rules/NNX101-" in text


def test_a_fix_without_end_is_cut_short(folder: Path) -> None:
    uses = "".join(f"x{number} = VariableState\n" for number in range(30))
    (folder / "bug.py").write_text(f"from flax.nnx import VariableState\n\n{uses}")
    words = ("--isolated", "--select", "NNX201", "--target-flax", "0.12", "--check", "bug.py")
    block = nnx_fix(*words, cwd=folder).stdout.split("\n\n")[0].splitlines()
    assert block[-2].endswith("… and more; --diff shows it all")
    assert len(block) == 5 + 20 + 2


texts = st.lists(st.text("ab ", max_size=4), min_size=1, max_size=8).map("\n".join)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    text = draw(texts)
    offsets = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6, unique=True)))
    edits = []
    for start, end in zip(offsets[::2], offsets[1::2], strict=False):
        content = draw(st.text("cd\n", max_size=4))
        edits.append(Edit(Range(place(text, start), place(text, end)), content))
    return text, edits


def place(text: str, offset: int) -> Position:
    before = text[:offset].split("\n")
    return Position(len(before), len(before[-1]) + 1)


@given(edited())
def test_the_lines_are_those_of_the_rewrite(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    old = LINE_END.split(text)
    changed = list(changed_lines(old, edits))
    gone = {row for sign, row, _ in changed if sign == "-"}
    assert all(old[row - 1] == line for sign, row, line in changed if sign == "-")
    new: list[str] = []
    for row in range(1, len(old) + 2):
        new += [line for sign, at, line in changed if sign == "+" and at == row]
        if row <= len(old) and row not in gone:
            new.append(old[row - 1])
    assert new == LINE_END.split(apply_edits(text, edits))


# How much there is


def test_the_summary_counts_files_that_could_not_be_checked(folder: Path) -> None:
    (folder / "broken.py").write_text("from flax import nnx  # jax.tree.map\ndef f(:\n")
    for words, first in (
        (("--check",), "Found 1 finding."),
        (("--diff",), "Would fix 1 finding, 0 would remain."),
        ((), "Found 1 finding (1 fixed, 0 remaining)."),
    ):
        run = nnx_fix(*FLAX, *words, ".", cwd=folder)
        assert run.returncode == 2
        assert f"{first}\n1 file could not be checked.\n" in run.stdout + run.stderr


def test_the_summary_counts_files_that_could_not_be_written(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "m.py"
    elsewhere.write_text(BUG)
    links = folder / "links"
    links.mkdir()
    (links / "one.py").symlink_to(elsewhere)
    run = nnx_fix(*FLAX, "links", cwd=folder)
    assert (run.returncode, run.stdout) == (2, "1 file could not be written, and is as before.\n")
    (links / "two.py").symlink_to(elsewhere)
    (links / "broken.py").write_text("from flax import nnx  # jax.tree.map\ndef f(:\n")
    said = ("1 file could not be checked.", "2 files could not be written, and are as before.")
    assert nnx_fix(*FLAX, "links", cwd=folder).stdout.splitlines() == [*said]
    fixed = "Found 1 finding (1 fixed, 0 remaining)."
    assert nnx_fix(*FLAX, ".", cwd=folder).stdout.splitlines() == ["./bug.py: fixed NNX101", fixed, *said]
    assert elsewhere.read_text() == BUG


def test_the_star_says_what_the_project_lets_us_fix(folder: Path) -> None:
    (folder / "bug.py").write_text(BUG.replace("lambda x: x.value", "abs"))
    (folder / "pyproject.toml").write_text('[tool.nnx-treemap]\nunsafe-fixes = true\ntarget-flax = "0.11"\n')
    words = ("--check", "--output-format", "concise", "bug.py")
    lines = nnx_fix(*words, cwd=folder).stdout.splitlines()
    assert "NNX101 [*]" in lines[0]
    assert lines[1:] == ["Found 1 finding.", "[*] 1 fixable with `nnx-fix`."]
    lines = nnx_fix("--no-unsafe-fixes", *words, cwd=folder).stdout.splitlines()
    assert "NNX101 is_leaf" in lines[0]
    assert lines[1:] == ["Found 1 finding.", "1 more fix with `--unsafe-fixes`."]
    assert nnx_fix("--statistics", "--quiet", *words, cwd=folder).stdout == "1  NNX101  [*] is-leaf-is-not-a-filter\n"


# Colours and questions


END_OF_INPUT = b"\x04"


def on_a_terminal(*words: str, cwd: Path, answers: bytes = b"") -> str:
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        [*COMMAND, *words], cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs, env={**environment, "TERM": "xterm"}
    )
    os.close(theirs)
    os.write(ours, answers + END_OF_INPUT)
    impatience = Timer(60, process.kill)
    impatience.start()
    data = b""
    try:
        while chunk := os.read(ours, 65536):
            data += chunk
    except OSError:
        pass  # Linux says so when the other end is closed.
    os.close(ours)
    process.wait(timeout=60)
    impatience.cancel()
    return data.decode().replace("\r\n", "\n")


def test_a_diff_on_a_terminal_commands_nothing(folder: Path) -> None:
    (folder / "bug.py").write_text(BUG.rstrip("\n") + "  # \x1b[2J\u202e\n")
    for words in ((), ("--color", "never")):
        shown = on_a_terminal(*FLAX, "--diff", *words, "bug.py", cwd=folder)
        assert "# \\x1b[2J\\u202e" in shown
        assert "\x1b[2J" not in shown
        assert "\u202e" not in shown


def test_a_diff_is_coloured_on_a_terminal_alone(folder: Path) -> None:
    shown = on_a_terminal(*FLAX, "--diff", "bug.py", cwd=folder)
    line, new = BUG.splitlines()[4], FIXED.splitlines()[4]
    assert f"\x1b[1;31m-{line}\x1b[0m\n\x1b[32m+{new}\x1b[0m\n" in shown
    assert "\x1b[1m--- bug.py\x1b[0m\n\x1b[1m+++ bug.py\x1b[0m\n\x1b[36m@@ " in shown
    piped = nnx_fix(*FLAX, "--diff", "bug.py", cwd=folder).stdout
    assert "\x1b" not in piped
    assert "\x1b" not in on_a_terminal(*FLAX, "--diff", "--color", "never", "bug.py", cwd=folder)
    always = nnx_fix(*FLAX, "--diff", "--color", "always", "bug.py", cwd=folder).stdout
    plain = always
    for number in ("0", "1", "1;31", "32", "36"):
        plain = plain.replace(f"\x1b[{number}m", "")
    assert plain == piped
    assert plain != always


def test_color_overrules_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[1;31mNNX101" in nnx_fix("--check", "--color", "always", "bug.py", cwd=folder).stdout
    assert "\x1b" not in on_a_terminal("--check", "--color", "never", "bug.py", cwd=folder)


def test_questions_are_counted(folder: Path) -> None:
    (folder / "bug.py").write_text(
        BUG + BUG.splitlines()[4] + "\n" + BUG.splitlines()[4].replace("x.value", "2") + "\n"
    )
    (folder / "zoo.py").write_text(BUG)
    shown = on_a_terminal(*FLAX, "--interactive", ".", cwd=folder, answers=b"y\nn\nn\n")
    counts = [line.partition("Make this fix")[0] for line in shown.splitlines() if "Make this fix" in line]
    assert counts == ["(1/2) ", "(2/2) ", "(1/1) "]
    assert "\x1b[32m+" in shown
    assert (folder / "zoo.py").read_text() == BUG


# How bad it is


def test_severity_follows_from_the_kind() -> None:
    for entry in CATALOGUE:
        expected = "error" if entry.kind in (Kind.CRASH, Kind.SILENT) else "warning"
        assert severity_of(entry.code) == expected
    assert {severity_of("NNX101"), severity_of("NNX102")} == {"error"}
    assert {severity_of("NNX201"), severity_of("NNX901")} == {"warning"}
