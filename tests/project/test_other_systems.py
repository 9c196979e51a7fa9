"""What Windows lacks and forbids is taken away from Python here: the command does the same without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from running import BUG, FIXED

HANDLES = Path("/proc/self/fd")

WINDOWS = """\
import errno, os, select, signal, sys

for module, names in {
    os: "fork fchown fchmod chown uname getuid geteuid kill listxattr getxattr setxattr mkfifo O_NOFOLLOW O_DIRECTORY "
        "O_PATH O_NONBLOCK O_NOCTTY",
    signal: "SIGHUP SIGUSR1 SIGUSR2 SIGKILL SIGALRM SIGPIPE",
    select: "poll",
}.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
os.supports_dir_fd.clear()
os.supports_fd.clear()
os.supports_effective_ids.clear()

def on_windows(function, must_be_closed):
    def called(*paths, **keywords):
        if any(keywords.pop(name, None) is not None for name in ("dir_fd", "src_dir_fd", "dst_dir_fd")):
            raise NotImplementedError("dir_fd unavailable on this platform")
        if must_be_closed:
            opened = {os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")}
            if not opened.isdisjoint(os.path.realpath(path) for path in paths):
                raise PermissionError(errno.EACCES, "The process cannot access the file because it is being used")
        elif function is opens and os.path.isdir(paths[0]):
            raise PermissionError(errno.EACCES, "Permission denied")
        return function(*paths, **keywords)
    return called

opens = os.open
for name in ("open", "stat", "access"):
    setattr(os, name, on_windows(getattr(os, name), False))
for name in ("replace", "rename", "unlink", "remove"):
    setattr(os, name, on_windows(getattr(os, name), True))

from flake8_nnx_treemap.cli import main
sys.exit(main())
"""

needs_proc = pytest.mark.skipif(not HANDLES.is_dir(), reason="only Linux tells which files are open")


def run(program: str, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a program of Python, as the command line of ``nnx-fix`` that follows it."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )


def windows(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return run(WINDOWS, "--target-flax", "0.11", *arguments, cwd=cwd)


@needs_proc
def test_files_are_rewritten(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.py").write_bytes(BUG.replace("\n", "\r\n").encode())
    finished = windows("--jobs", "2", "--line-length", "200", ".", cwd=tmp_path)
    assert (finished.returncode, finished.stderr) == (0, b"")
    for name in ("one", "two", "three"):
        assert (tmp_path / f"{name}.py").read_bytes() == FIXED.replace("\n", "\r\n").encode()
    assert sorted(os.listdir(tmp_path)) == ["one.py", "three.py", "two.py"]


@needs_proc
def test_reports_baselines_and_the_cache_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "bug.py").write_text(BUG)
    (tmp_path / "clean.py").write_text(FIXED)
    for _ in range(2):
        finished = windows("--check", "--cache-dir", "kept", "--output-file", "report.txt", "bug.py", cwd=tmp_path)
        assert (finished.returncode, finished.stderr) == (1, b"")
        assert "NNX101" in (tmp_path / "report.txt").read_text()
        finished = windows("--check", "--cache-dir", "kept", "clean.py", cwd=tmp_path)
        assert (finished.returncode, finished.stderr) == (0, b"")
        (tmp_path / "clean.py").write_text(f"{FIXED}# Another text.\n")
    assert (tmp_path / "kept" / "nothing-found").stat().st_size == 32
    for option in ("--write-baseline", "--write-baseline", "--prune-baseline"):
        finished = windows("--check", "--baseline", "known.json", option, "bug.py", cwd=tmp_path)
        assert (finished.returncode, finished.stderr) == (0, b""), option


@needs_proc
def test_one_line_says_that_a_file_is_missing(tmp_path: Path) -> None:
    finished = windows("--check", "missing.py", cwd=tmp_path)
    assert finished.returncode == 2
    assert len(finished.stderr.splitlines()) == 1


READERS: dict[str, Callable[[str], list[str | None]]] = {
    "json": lambda text: [entry["filename"] for entry in json.loads(text)],
    "json-lines": lambda text: [json.loads(line)["filename"] for line in text.splitlines()][:1],
    "gitlab": lambda text: [entry["location"]["path"] for entry in json.loads(text)],
    "junit": lambda text: [suite.get("name") for suite in ElementTree.fromstring(text).iter("testsuite")],
}


@pytest.mark.parametrize("name", ["gr\u00f6\u00dfe.py", "\u6811.py"])
@pytest.mark.parametrize("output_format", READERS)
def test_reports_for_programs_can_be_read_from_a_pipe_in_cp1252(output_format: str, name: str, tmp_path: Path) -> None:
    """Where the output is no console, Python writes in the system's old encoding; readers expect UTF-8."""
    (tmp_path / name).write_text(BUG)
    program = "import sys; from flake8_nnx_treemap.cli import main; sys.exit(main())"
    arguments = ("--check", "--output-format", output_format, name)
    finished = run(program, *arguments, cwd=tmp_path, PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert finished.returncode == 1, finished.stderr
    assert READERS[output_format](finished.stdout.decode("utf-8")) == [name]


@pytest.mark.parametrize("arguments", [("--help",), ("--explain", "ALL"), ("--list-rules",), ("--check", "\u6811.py")])
def test_texts_for_people_fit_into_any_encoding(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "\u6811.py").write_text(BUG)
    program = "import sys; from flake8_nnx_treemap.cli import main; sys.exit(main())"
    finished = run(program, *arguments, cwd=tmp_path, PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert finished.returncode in (0, 1)
    assert finished.stderr == b""
    assert finished.stdout.decode("cp1252")
