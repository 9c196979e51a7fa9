"""``--interactive``: what is accepted is written, and nothing else; whatever is answered, and wherever it ends."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.project.interactive import PROMPT, Dialogue, run_interactively
from flake8_nnx_treemap.project.runner import FileReport, Task

HEAD = "import jax\nfrom flax import nnx\n"
OLD, NEW = "jax.tree_map", "jax.tree.map"
COMMAND = [
    sys.executable,
    "-m",
    "flake8_nnx_treemap",
    "--isolated",
    "--select",
    "NNX101,NNX208",
    "--line-length=200",
    "--interactive",
]
TASK = Task(Overrides(select=("NNX208",), target_flax="0.11", is_isolated=True), writes=True, fixes=True)


def calls(*names: str) -> str:
    return HEAD + "".join(f"{name}(abs, {number})\n" for number, name in enumerate(names))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text(calls(OLD, OLD))
    (tmp_path / "b.py").write_text(calls(OLD, OLD))
    return tmp_path


def nnx_fix(answers: bytes, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    command = [*COMMAND, *arguments]
    return subprocess.run(command, cwd=cwd, input=answers, capture_output=True, check=False, timeout=120)


ANSWERS = {
    "yes to all": (b"y\ny\ny\ny\n", [NEW, NEW], [NEW, NEW]),
    "no to all": (b"n\nn\nn\nn\n", [OLD, OLD], [OLD, OLD]),
    "some": (b"n\ny\ny\nn\n", [OLD, NEW], [NEW, OLD]),
    "all of a file": (b"a\nn\nn\n", [NEW, NEW], [OLD, OLD]),
    "the rest of a file": (b"n\na\na\n", [OLD, NEW], [NEW, NEW]),
    "quit": (b"y\nq\n", [NEW, OLD], [OLD, OLD]),
    "quit later": (b"y\ny\ny\nq\n", [NEW, NEW], [NEW, OLD]),
    "the end": (b"y\n", [NEW, OLD], [OLD, OLD]),
    "the end at once": (b"", [OLD, OLD], [OLD, OLD]),
    "the end without a line end": (b"y\ny", [NEW, NEW], [OLD, OLD]),
    "help and slips": (b"?\nwhat\n\n Yes \nNO\nq\n", [NEW, OLD], [OLD, OLD]),
    "not text": (b"\xff\ny\nq\n", [NEW, OLD], [OLD, OLD]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_accepted_is_written(name: str, folder: Path) -> None:
    answers, first, second = ANSWERS[name]
    run = nnx_fix(answers, "a.py", "b.py", cwd=folder)
    assert ((folder / "a.py").read_text(), (folder / "b.py").read_text()) == (calls(*first), calls(*second))
    left = [*first, *second].count(OLD)
    assert (run.returncode, run.stderr) == (1 if left else 0, b"")
    summary = f"Found 4 findings ({4 - left} fixed, {left} remaining)." if left < 4 else "Found 4 findings."
    assert summary in run.stdout.decode().splitlines()


def test_a_hunk_comes_with_its_reason(folder: Path) -> None:
    lines = nnx_fix(b"?\nq\n", "a.py", cwd=folder).stdout.decode().splitlines()
    assert lines[1] == "a.py:3:1: NNX208 jax.tree_map was removed in JAX 0.6.0: use jax.tree.map"
    assert lines[2] == "safe fix: Use the function that JAX has kept"
    assert lines[3:5] == ["--- a.py", "+++ a.py"]
    assert lines[8:10] == [f"-{OLD}(abs, 0)", f"+{NEW}(abs, 0)"]
    assert lines[11] == f"(1/2) {PROMPT}y - make this fix"


def test_unsafe_fixes_are_shown_where_they_are_asked_for(tmp_path: Path) -> None:
    text = HEAD + "jax.tree.map(lambda x: abs(x), s, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
    (tmp_path / "a.py").write_text(text)
    assert PROMPT not in nnx_fix(b"y\n", "a.py", cwd=tmp_path).stdout.decode()
    assert (tmp_path / "a.py").read_text() == text
    run = nnx_fix(b"y\n", "--unsafe-fixes", "a.py", cwd=tmp_path)
    assert "\nunsafe fix: " in run.stdout.decode()
    assert (tmp_path / "a.py").read_text() != text


def test_notebooks(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": calls(OLD, OLD).splitlines(keepends=True)}
    text = json.dumps({"cells": [cell], "nbformat": 4, "metadata": {}})
    (tmp_path / "a.ipynb").write_text(text)
    run = nnx_fix(b"n\ny\n", ".", cwd=tmp_path)
    assert "./a.ipynb:cell 1:4:1: NNX208" in run.stdout.decode()
    assert (tmp_path / "a.ipynb").read_text() == text.replace(f"{OLD}(abs, 1)", f"{NEW}(abs, 1)")


def test_standard_input_answers_and_is_not_fixed(folder: Path) -> None:
    run = nnx_fix(b"y\n", "-", cwd=folder)
    assert (run.returncode, b"--interactive asks on standard input" in run.stderr) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="the shell is another there")
def test_a_run_without_standard_input_writes_nothing(folder: Path) -> None:
    command = f"{shlex.join([*COMMAND, 'a.py'])} <&-"
    run = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, check=False, timeout=120)
    assert (run.returncode, run.stderr) == (1, b"")
    assert (folder / "a.py").read_text() == calls(OLD, OLD)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_files_stay_whole_when_it_is_interrupted(folder: Path) -> None:
    command = [*COMMAND, "a.py", "b.py"]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"y\ny\ny\n")
        process.stdin.flush()
        printed = b""
        while printed.count(PROMPT.encode()) < 4:
            more = os.read(process.stdout.fileno(), 65536)
            assert more, printed
            printed += more
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    assert (folder / "a.py").read_text() == calls(NEW, NEW)
    assert (folder / "b.py").read_text() == calls(OLD, OLD), "not half of it"
    assert sorted(path.name for path in folder.iterdir()) == ["a.py", "b.py"]


def ask(path: Path, dialogue: Dialogue) -> FileReport:
    (report,) = run_interactively([str(path)], [], TASK, dialogue)
    return report


def test_a_file_that_changes_meanwhile_is_left(folder: Path) -> None:
    def change_and_say_yes() -> str:
        (folder / "a.py").write_text("nnx = 1\n")
        return "y\n"

    report = ask(folder / "a.py", Dialogue(change_and_say_yes, lambda _: None))
    assert report.error == "changed while it was being fixed; left as it is"
    assert (folder / "a.py").read_text() == "nnx = 1\n"


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from(["\n", "; "])), min_size=1, max_size=6))
@hypothesis_settings(max_examples=60, deadline=None)
def test_each_answer_counts_for_its_own_fix(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[bool, bool, str]]
) -> None:
    """Calls that are alike or not, on lines of their own or not; each is accepted or declined."""
    before = [f"{OLD}(abs, {0 if is_alike else number}){end}" for number, (is_alike, _, end) in enumerate(drawn)]
    after = [call.replace(OLD, NEW) if yes else call for call, (_, yes, _) in zip(before, drawn, strict=True)]
    path = tmp_path_factory.mktemp("asked") / "a.py"
    path.write_text(HEAD + "".join(before) + "\n")
    answers = iter(["y\n" if yes else "n\n" for _, yes, _ in drawn])
    report = ask(path, Dialogue(lambda: next(answers), lambda _: None))
    assert path.read_text() == HEAD + "".join(after) + "\n"
    accepted = sum(yes for _, yes, _ in drawn)
    assert (len(report.fixed), len(report.findings)) == (accepted, len(drawn) - accepted)
    assert next(answers, None) is None
