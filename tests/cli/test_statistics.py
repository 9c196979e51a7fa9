"""``--statistics``, ``--output-file``, ``--quiet`` and ``--verbose``."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

from test_formats import SUMMARY, TWO, folder, nnx_fix, output  # noqa: F401

EXTRA = TWO.splitlines()[6].strip() + "\n"


def test_rules_are_counted_most_frequent_first(folder: Path) -> None:  # noqa: F811
    (folder / "two.py").write_text(TWO + EXTRA)
    expected = "2  NNX102  [ ] dispatch-without-is-leaf\n1  NNX101  [*] is-leaf-is-not-a-filter\n"
    for name in ("text", "concise"):
        run = nnx_fix("--statistics", "--output-format", name, "two.py", cwd=folder)
        assert (run.returncode, run.stdout.decode()) == (1, expected)
    run = nnx_fix("--statistics", "--output-format", "json", "two.py", cwd=folder)
    assert json.loads(run.stdout) == [
        {"code": "NNX102", "name": "dispatch-without-is-leaf", "count": 2, "fixable": 0},
        {"code": "NNX101", "name": "is-leaf-is-not-a-filter", "count": 1, "fixable": 1},
    ]


def test_nothing_to_count(folder: Path) -> None:  # noqa: F811
    for path in ("clean.py", "broken.py"):
        assert nnx_fix("--statistics", path, cwd=folder).stdout == b""
        assert json.loads(nnx_fix("--statistics", "--output-format", "json", path, cwd=folder).stdout) == []


def test_statistics_have_no_sarif(folder: Path) -> None:  # noqa: F811
    run = nnx_fix("--statistics", "--output-format", "sarif", "two.py", cwd=folder)
    assert run.returncode == 2
    assert b"--statistics has no sarif format" in run.stderr


def test_the_report_goes_to_a_file(folder: Path) -> None:  # noqa: F811
    report = folder / "report.txt"
    expected = output("text", "two.py", cwd=folder)
    run = nnx_fix("--output-file", "report.txt", "two.py", cwd=folder, environment={"FORCE_COLOR": "1"})
    assert (run.returncode, run.stdout, run.stderr) == (1, b"", b"")
    assert report.read_text() == expected
    report.chmod(0o640)
    (folder / "link.txt").symlink_to("report.txt")
    assert nnx_fix("--output-file", "link.txt", "clean.py", cwd=folder).returncode == 0
    assert report.read_text() == "All checks passed!\n"
    assert stat.S_IMODE(report.stat().st_mode) == 0o640
    assert (folder / "link.txt").is_symlink()
    assert not [name for name in os.listdir(folder) if name.startswith(".nnx-fix")]


def test_a_report_that_cannot_be_written_is_one_line(folder: Path) -> None:  # noqa: F811
    run = nnx_fix("--output-file", "missing/report.txt", "two.py", cwd=folder)
    assert (run.returncode, run.stdout) == (2, b"")
    (line,) = run.stderr.decode().splitlines()
    assert line.startswith("nnx-fix: error: missing/report.txt: cannot be written: ")


def test_a_pipe_is_written_to(folder: Path) -> None:  # noqa: F811
    run = nnx_fix("--output-file", "/dev/stdout", "two.py", cwd=folder)
    assert (run.returncode, run.stdout.decode(), run.stderr) == (1, output("text", "two.py", cwd=folder), b"")


def test_quiet_prints_findings_alone(folder: Path) -> None:  # noqa: F811
    assert nnx_fix("-q", "two.py", cwd=folder).stdout.decode() == output("text", "two.py", cwd=folder).removesuffix(
        SUMMARY
    )
    assert nnx_fix("--quiet", "clean.py", cwd=folder).stdout == b""


def test_verbose_says_what_files_were_held_to(folder: Path) -> None:  # noqa: F811
    run = nnx_fix("-v", "two.py", "clean.py", cwd=folder)
    assert run.stdout.decode() == output("text", "two.py", "clean.py", cwd=folder)
    first, *_, last = run.stderr.decode().splitlines()
    assert first == "two.py: NNX101, NNX102; Flax 0.11.0 and later (--target-flax)"
    assert re.fullmatch(r"Looked closely at [12] files? in [0-9]+\.[0-9]{2} s\.", last)
    assert nnx_fix("-v", "-q", "two.py", cwd=folder).returncode == 2
