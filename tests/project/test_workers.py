"""Work shared among processes, whatever becomes of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="one process is all there is")

BUG = """\
import jax
from flax import nnx

jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
COMMAND = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated", "--check", "--output-format", "concise"]


def outcome(body: str) -> list[str]:
    """What a program prints; in a process of its own, since this one has threads of the tests'."""
    code = f"""\
import os, signal, sys, time
from flake8_nnx_treemap.project.workers import shared
def lost(item, how):
    return f"lost {{item}}: {{how}}"
{body}
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert run.stderr == ""
    return run.stdout.splitlines()


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_results_come_in_order(count: int) -> None:
    body = f"print(list(shared(lambda item: (item, 'x' * (item % 7) * 30_000), range(40), {count}, lost)) == ["
    assert outcome(body + "(item, 'x' * (item % 7) * 30_000) for item in range(40)])") == ["True"]


def test_more_items_than_groups_can_be_told_apart() -> None:
    body = "done = list(shared(lambda item: (item, os.getpid()), range(5_000), 64, lost))\n"
    body += "print([item for item, _ in done] == list(range(5_000)), len({process for _, process in done}) > 1)"
    assert outcome(body) == ["True True"]


@pytest.mark.parametrize(
    ("end", "how"), [("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"), ("os._exit(3)", "ended with 3")]
)
def test_a_process_that_dies_costs_one_result(end: str, how: str) -> None:
    body = f"""
here = os.getpid()
def work(item):
    if item == 5 and os.getpid() != here:
        {end}
    return item
print(*shared(work, range(10), 2, lost), sep="\\n")
try:
    print("left behind:", os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("none")
"""
    expected = [f"lost 5: {how}" if item == 5 else str(item) for item in range(10)]
    assert outcome(body) == [*expected, "none"]


def test_whoever_stops_listening_ends_them() -> None:
    body = """
started = time.monotonic()
results = shared(lambda item: time.sleep(item and 60), range(8), 4, lost)
next(results)
results.close()
print(time.monotonic() - started < 20)
try:
    print("left behind:", os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("none")
"""
    assert outcome(body) == ["True", "none"]


def test_workers_end_with_a_run_that_was_killed(tmp_path: Path) -> None:
    for number in range(400):
        (tmp_path / f"m{number}.py").write_text(BUG)
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated", "--jobs", "3", "."]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        while (tmp_path / "m0.py").read_text() == BUG and run.poll() is None:
            time.sleep(0.005)
        run.kill()
        started = time.monotonic()
        run.communicate(timeout=60)  # Whoever still runs holds the pipe.
    assert time.monotonic() - started < 10
    assert BUG in {path.read_text() for path in tmp_path.glob("*.py")}, "it was killed too late to tell"


@pytest.mark.parametrize("handles", [7, 9, 11, 12, 13, 14, 15, 16])
def test_few_file_handles(tmp_path: Path, handles: int) -> None:
    for number in range(64):
        (tmp_path / f"m{number:02}.py").write_text(BUG)
    limited = ["bash", "-c", f'ulimit -n {handles}; exec "$@"', "bash", *COMMAND, "--quiet", "--jobs", "2", "."]
    run = subprocess.run(limited, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, run.stderr, run.stdout.count("NNX101")) == (1, "", 64)


def test_no_process_can_be_had(tmp_path: Path) -> None:
    for number in range(64):
        (tmp_path / f"m{number:02}.py").write_text(BUG)
    code = """\
import os, sys
def fork():
    raise BlockingIOError(11, "Resource temporarily unavailable")
os.fork = fork
from flake8_nnx_treemap.project import scanning
scanning.FILES_PER_PROCESS = 3
from flake8_nnx_treemap.cli import main
sys.exit(main())
"""
    command = [sys.executable, "-c", code, *COMMAND[3:], "--jobs", "4", "."]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr, run.stdout.count("NNX101")) == (1, "", 64)


def test_a_signal_that_comes_while_a_worker_starts(tmp_path: Path) -> None:
    for number in range(64):
        (tmp_path / f"m{number:02}.py").write_text(BUG)
    code = """\
import os, signal, sys
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))
from flake8_nnx_treemap.cli import main
sys.exit(main())
"""
    command = [sys.executable, "-c", code, *COMMAND[3:], "--jobs", "2", "."]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr, run.stdout.count("NNX101")) == (1, "", 64)
