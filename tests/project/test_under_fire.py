"""What is left on the disk when a run is killed, interrupted, starved of space, or not alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flake8_nnx_treemap import LintSettings, fix_source, lint_source
from flake8_nnx_treemap.project import writing
from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.project.runner import Task, process_file

BUG = b"""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
FIXED = fix_source(BUG.decode(), settings=LintSettings()).text.encode()
COMMAND = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated", "--target-flax", "portable"]
WRITES = Task(Overrides(is_isolated=True, target_flax="portable"), writes=True, fixes=True)


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, *arguments, "."], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def contents(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.glob("*.py")}


def seed(folder: Path, count: int) -> None:
    for number in range(count):
        (folder / f"m{number}.py").write_bytes(BUG)


def wait_for_a_rewrite(folder: Path, run: subprocess.Popen[bytes]) -> None:
    first = folder / "m0.py"
    while first.read_bytes() == BUG and run.poll() is None:
        time.sleep(0.005)


def test_killed_in_the_middle_of_a_thousand_files(tmp_path: Path) -> None:
    seed(tmp_path, 1000)
    interrupted = 0
    for delay in (0.0, 0.05, 0.2, 0.4):
        run = start(tmp_path, "--jobs", "2")
        time.sleep(0.3)
        wait_for_a_rewrite(tmp_path, run)
        time.sleep(delay)
        run.kill()
        run.communicate()
        assert contents(tmp_path) <= {BUG, FIXED}
        interrupted += BUG in contents(tmp_path)
    assert interrupted, "no run was killed before it was done"
    out, err = start(tmp_path).communicate(timeout=120)
    assert err == b""
    assert contents(tmp_path) == {FIXED}
    assert b".nnx-fix-" not in out, "what a killed run left behind is looked at by none that follows"


def test_interrupted(tmp_path: Path) -> None:
    seed(tmp_path, 600)
    run = start(tmp_path, "--jobs", "1")
    wait_for_a_rewrite(tmp_path, run)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert (run.returncode, b"Traceback" in err) == (130, False)
    assert contents(tmp_path) == {BUG, FIXED}
    assert not list(tmp_path.glob(".nnx-fix-*")), "an interrupted run cleans up"


def test_two_runs_at_once(tmp_path: Path) -> None:
    seed(tmp_path, 120)
    runs = [start(tmp_path, "--jobs", "1") for _ in range(2)]
    said = [run.communicate(timeout=120) for run in runs]
    assert contents(tmp_path) <= {BUG, FIXED}
    for run, (_, err) in zip(runs, said, strict=True):
        lines = err.decode().splitlines()
        assert all(line.endswith("changed while it was being fixed; left as it is") for line in lines)
        assert run.returncode == (2 if lines else 0)
    start(tmp_path).communicate(timeout=120)
    assert contents(tmp_path) == {FIXED}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=100", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(1024))


def test_a_full_disk(small_disk: Path) -> None:
    path = small_disk / "m0.py"
    path.write_bytes(BUG)
    fill(small_disk / "ballast")
    run = start(small_disk)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 2
    assert path.read_bytes() == BUG
    (line,) = err.decode().splitlines()
    assert line.startswith("nnx-fix: error: ./m0.py: ")
    assert "space" in line
    assert sorted(os.listdir(small_disk)) == ["ballast", "m0.py"]


def test_a_file_that_changes_between_reading_and_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m0.py"
    path.write_bytes(BUG)
    taken_over = writing._take_over

    def edited_meanwhile(*arguments: object) -> None:
        taken_over(*arguments)  # type: ignore[arg-type]
        path.write_bytes(BUG + b"# mine\n")

    monkeypatch.setattr(writing, "_take_over", edited_meanwhile)
    report = process_file(str(path), WRITES)
    assert report.error == "changed while it was being fixed; left as it is"
    assert path.read_bytes() == BUG + b"# mine\n"
    assert os.listdir(tmp_path) == ["m0.py"]


def test_a_file_that_is_gone_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m0.py"
    path.write_bytes(BUG)
    replace = writing._replace
    monkeypatch.setattr(writing, "_replace", lambda *arguments: path.unlink() or replace(*arguments))  # type: ignore[func-returns-value]
    report = process_file(str(path), WRITES)
    assert report.error == "cannot be written: no such file or directory; left as it was"
    assert os.listdir(tmp_path) == []


def error_as_nobody(path: Path) -> str:
    """What somebody who is not root is told about a file."""
    process_file(str(path.with_name("absent.py")), WRITES)  # Imports everything, while it can be read.
    fix_source(BUG.decode())
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        os.write(writer, str(process_file(str(path), WRITES).error).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as said:
        return said.read().decode()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_read_only(what: str) -> None:
    folder = Path(tempfile.mkdtemp())
    path = folder / "m0.py"
    path.write_bytes(BUG)
    path.chmod(0o444 if what == "file" else 0o666)
    folder.chmod(0o555 if what == "folder" else 0o777)
    error = error_as_nobody(path)
    folder.chmod(0o755)
    left = (path.read_bytes(), os.listdir(folder))
    shutil.rmtree(folder)
    assert left == (BUG, ["m0.py"])
    reasons = {"file": "is read-only", "folder": "cannot be written: permission denied"}
    assert error == f"{reasons[what]}; left as it was"


def test_a_hundred_thousand_lines() -> None:
    text = BUG.decode() + "x = 1\n" * 100_000 + BUG.decode()
    result = fix_source(text, settings=LintSettings())
    assert result.text == FIXED.decode() + "x = 1\n" * 100_000 + FIXED.decode()
    assert not result.remaining


@pytest.mark.parametrize("nested", ["(" * 10_000 + ")" * 10_000, "+".join(["1"] * 10_000), "[" * 90 + "]" * 90])
def test_nested_without_end(tmp_path: Path, nested: str) -> None:
    path = tmp_path / "m0.py"
    path.write_bytes(BUG + b"x = " + nested.encode() + b"\n")
    run = subprocess.run([*COMMAND, str(path)], capture_output=True, check=False, timeout=120)
    assert run.returncode in (0, 2)
    assert path.read_bytes().startswith(FIXED if run.returncode == 0 else BUG)
    assert b"Traceback" not in run.stderr


def test_form_feeds_and_line_ends_of_all_kinds() -> None:
    text = "\f" + BUG.decode().replace("\n", "\r\n", 2).replace("    return", "\f    return")
    assert [found.code for found in lint_source(text)] == ["NNX101"]
    fixed = fix_source(text).text
    assert (fixed.count("\f"), fixed.count("\r\n")) == (2, 2)
