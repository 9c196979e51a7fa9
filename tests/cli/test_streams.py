"""Every failure is one line on standard error and exit code 2, never a traceback: whatever is closed, or full."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import BUG, COMMAND, nnx_fix

NOFILE = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({0}, {0}))"
FULL = Path("/dev/full")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bug.py").write_text(BUG)
    return tmp_path


@pytest.fixture
def many(folder: Path) -> Path:
    for number in range(39):
        (folder / f"m{number:02}.py").write_text(BUG)
    return folder


def shell(line: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A line of the shell, in which ``nnx-fix`` is the command."""
    return subprocess.run(
        ["sh", "-c", line.replace("nnx-fix", '"$0" -m flake8_nnx_treemap'), sys.executable, *words],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nnx-fix --check bug.py >&-", "standard output is closed"),
        ("nnx-fix bug.py >&-", "standard output is closed"),
        ("nnx-fix --help >&-", "standard output is closed"),
        ("nnx-fix server >&-", "standard output is closed"),
        ("nnx-fix - <&-", "standard input is closed"),
        ("nnx-fix --files-from - <&-", "standard input is closed"),
        ("nnx-fix server <&-", "server needs standard input, and it is closed"),
        ("nnx-fix --files-from .", ".: is a directory"),
        ("mkdir gone && cd gone && rmdir ../gone && nnx-fix --check .", "no such file or directory"),
    ],
)
def test_a_closed_stream_is_one_line(folder: Path, line: str, said: str) -> None:
    run = shell(line, cwd=folder)
    assert run.returncode == 2
    (error,) = run.stderr.splitlines()
    assert error.startswith("nnx-fix: error: ")
    assert error.endswith(said)
    assert (folder / "bug.py").read_text() == BUG


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "words",
    [
        *("--check bug.py", "--diff bug.py", "--explain ALL", "--list-rules", "--help", "-V", "--show-files ."),
        *("- <bug.py", "bug.py", "--interactive bug.py", "--check --statistics bug.py", "--show-settings bug.py"),
    ],
)
def test_a_full_disk_is_one_line(folder: Path, words: str) -> None:
    run = shell(f"nnx-fix {words} >/dev/full", cwd=folder)
    assert run.returncode == 2
    said = run.stderr if "--diff" not in words else "\n".join(run.stderr.splitlines()[-1:])
    assert said.strip() == "nnx-fix: error: standard output: no space left on device"
    assert ("Traceback" in run.stderr, "Exception" in run.stderr) == (False, False)
    assert ((folder / "bug.py").read_text() != BUG) == (words == "bug.py")


def test_errors_never_reach_standard_output(folder: Path) -> None:
    run = shell("nnx-fix --check --output-format json bug.py missing.py 2>&-", cwd=folder)
    assert run.returncode == 2
    assert [entry["code"] for entry in json.loads(run.stdout)] == [None, "NNX101"]
    everything = shell("nnx-fix bug.py <&- >&- 2>&-", cwd=folder)
    assert (everything.returncode, everything.stdout) == (2, "")
    assert (folder / "bug.py").read_text() == BUG


def test_closed_streams_are_not_given_to_files(folder: Path) -> None:
    run = shell("nnx-fix --check --verbose --output-format json bug.py <&- 2>&-", cwd=folder)
    assert run.returncode == 1
    assert len(json.loads(run.stdout)) == 1


@pytest.mark.parametrize("handles", [8, 14, 40, 48, 64])
def test_few_handles_neither_hang_nor_crash(many: Path, handles: int) -> None:
    command = [sys.executable, "-c", f"{NOFILE.format(handles)}; from flake8_nnx_treemap.cli import main; exit(main())"]
    run = subprocess.run(
        [*command, "--check", "--jobs", "2", "."], cwd=many, capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode in (1, 2)
    assert all(line.startswith("nnx-fix: error: ") for line in run.stderr.splitlines())
    assert "Found 40 findings.\n" in run.stdout or run.returncode == 2


FORKS = """\
import os, sys
allowed, fork = {allowed}, os.fork
def fork_or_fail():
    global allowed
    allowed -= 1
    if allowed < 0:
        raise BlockingIOError(11, "Resource temporarily unavailable")
    return fork()
os.fork = fork_or_fail
from flake8_nnx_treemap.cli import main
exit(main())
"""


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_without_more_processes_one_does_the_work(many: Path, allowed: int) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKS.format(allowed=allowed), "--jobs", "2", "."]
    run = subprocess.run(command, cwd=many, capture_output=True, text=True, check=False, timeout=120)
    assert (run.returncode, run.stderr) == (0, "")
    assert "Found 40 findings (40 fixed, 0 remaining).\n" in run.stdout


KILLED = """\
import os, signal
from flake8_nnx_treemap.project import runner
process = runner.process_file
def process_file(path, *arguments):
    if path == "./m20.py":
        os.kill(os.getpid(), signal.SIGKILL)
    return process(path, *arguments)
runner.process_file = process_file
from flake8_nnx_treemap.cli import main
exit(main())
"""


def test_a_killed_worker_is_one_line(many: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", KILLED, "--check", "--jobs", "2", "."]
    run = subprocess.run(command, cwd=many, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert line == "nnx-fix: error: ./m20.py: could not be checked: the process that looked at it was killed by SIGKILL"
    assert "Found 39 findings.\n1 file could not be checked.\n" in run.stdout


@pytest.fixture
def nested(folder: Path) -> Iterator[Path]:
    """A folder 1500 folders deep. It is moved to the top piece by piece, since ``shutil.rmtree`` calls itself, too."""
    subprocess.run([sys.executable, "-c", NEST], cwd=folder, check=True)
    yield folder
    while (folder / "d").exists():
        (folder / "d").rename(folder / "top")
        if (folder / "top" / "d").exists():
            (folder / "top" / "d").rename(folder / "d")
        shutil.rmtree(folder / "top")


NEST = """\
import os
for _ in range(1500):
    os.mkdir("d")
    os.chdir("d")
open("deep.py", "w").write("x = 1\\n")
"""


def test_folders_may_be_nested_deeper_than_functions(nested: Path) -> None:
    run = nnx_fix("--show-files", ".", cwd=nested)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == f"./bug.py\n./{'d/' * 1500}deep.py\n"
    assert nnx_fix("--check", "--output-format", "concise", ".", cwd=nested).returncode == 1


def test_a_name_that_is_too_long_is_one_line(folder: Path) -> None:
    run = nnx_fix("d/" * 3000, cwd=folder)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    assert "Traceback" not in run.stderr


BROKEN = """\
from flake8_nnx_treemap.project import runner
def fail(*arguments):
    raise RuntimeError("a bug\\nof ours")
runner.run = fail
from flake8_nnx_treemap.cli import main
exit(main())
"""


def test_a_bug_of_ours_does_not_look_like_findings(folder: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", BROKEN, "bug.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "nnx-fix: error: internal error: RuntimeError: a bug\\nof ours\n"


def test_a_reader_that_leaves_gets_no_complaint(many: Path) -> None:
    line = " ".join(f"'{word}'" for word in COMMAND)
    command = ["sh", "-c", f"{line} --check . | head -n 1"]
    run = subprocess.run(command, cwd=many, capture_output=True, text=True, check=False, timeout=120)
    assert run.stdout.count("\n") == 1
    assert run.stderr == ""
