"""Looking through files in several processes: the same answer for every number of them, whatever happens to one."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap.gate import may_hold_findings_text
from flake8_nnx_treemap.project import scanning
from flake8_nnx_treemap.project.scanning import Targets, scan

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="one process is all there is")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for number in range(25):
        text = "from flax import nnx\n" if number % 3 == 0 else "x = 1\n"
        (tmp_path / f"module{number:02}.py").write_text(text)
    with open(os.path.join(os.fsencode(tmp_path), b"\xff.py"), "w") as odd:
        odd.write("import flax.nnx\n")
    monkeypatch.setattr(scanning, "FILES_PER_PROCESS", 3)
    return str(tmp_path)


def test_every_number_of_processes_says_the_same(tree: str) -> None:
    broken = os.path.join(tree, "broken.py")
    Path(broken).write_text("def f(:\n")
    alone = scan([broken, tree], Targets(is_isolated=True))
    assert len(alone[0]) == 10
    grammar = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    assert alone[1] == [(broken, f"1:7: syntax error: invalid syntax ({grammar})")]
    for jobs in (2, 3, 8, 100):
        assert scan([broken, tree], Targets(is_isolated=True), jobs) == alone
    assert scan([], Targets(is_isolated=True), 4) == ([], [])


def test_a_process_that_comes_to_harm_is_made_up_for(tree: str, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = scan([tree], Targets(is_isolated=True))
    monkeypatch.setattr(marshal, "dumps", lambda _: os._exit(3))
    assert scan([tree], Targets(is_isolated=True), 4) == alone


def test_no_process_is_left_behind(tree: str) -> None:
    code = """\
import os, sys
from flake8_nnx_treemap.project import scanning
from flake8_nnx_treemap.project.scanning import Targets, scan
scanning.FILES_PER_PROCESS = 3
scan(sys.argv[1:], Targets(is_isolated=True), 4)
try:
    print("left behind:", os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("none")
"""
    # In a process of its own: in this one, other tests may have left multiprocessing's resource tracker.
    run = subprocess.run([sys.executable, "-c", code, tree], capture_output=True, text=True, check=True)
    assert run.stdout == "none\n"


@pytest.mark.parametrize(
    ("text", "is_worth_a_look"),
    [
        ("", False),
        ("import onnx\n", False),
        ("# ONNX models, as is_ndonnx(x) tells\n", False),
        ("import onnx\nfrom flax import nnx\n", True),
        ("from jax_tools import VariableState\n", True),
        ("from mine import flaxnnx\n", True),
        ("ONNX = 1  # noqa: NNX101\n", True),
        ("x = 1\0", True),
    ],
)
def test_what_is_worth_a_look(tmp_path: Path, text: str, is_worth_a_look: bool) -> None:
    path = tmp_path / "module.py"
    path.write_bytes(text.encode())
    assert scan([str(tmp_path)], Targets(is_isolated=True)) == ([str(path)] if is_worth_a_look else [], [])
    assert may_hold_findings_text(text) == (is_worth_a_look and "\0" not in text)


def test_utf_16_is_worth_a_look(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("from flax import nnx\n", encoding="utf-16")
    assert scan([str(tmp_path)], Targets(is_isolated=True)) == ([str(path)], [])
