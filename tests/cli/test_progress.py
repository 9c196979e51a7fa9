"""The progress bar: there for people who wait, and for nobody else."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap.reporting.progress import progress

BUG = """\
import jax
from flax import nnx

jax.tree.map(lambda v: v, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(stream: io.StringIO, patience: float) -> str:
    with progress(3, stream, patience) as tick:
        for _ in range(3):
            tick()
    return stream.getvalue()


def test_a_bar_is_drawn_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm")
    text = drawn(Terminal(), 0)
    assert "nnx-fix" in text
    assert text.endswith("\x1b[2K") or "\x1b[1A\x1b[2K" in text, "it does not stay"


def test_no_bar_for_short_runs_and_for_files() -> None:
    assert drawn(Terminal(), 60) == ""
    assert drawn(io.StringIO(), 0) == ""


def test_a_terminal_is_given_the_report_whatever_is_drawn(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"m{number}.py").write_text(BUG)
    parent, child = os.openpty()
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--check", "--isolated", "--output-format", "concise", "."]
    run = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=child, check=False, timeout=60)
    os.close(child)
    os.close(parent)
    assert run.returncode == 1
    assert run.stdout.count(b"NNX101") == 40
