"""``--statistics``, ``--output-file``, ``--quiet`` and ``--verbose``."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

from test_formats import SUMMARY, TWO, folder, nnx_fix, output  # noqa: F401

EXTRA = TWO.splitlines()[6].strip() + "\n"


OLD = """\
from flax import nnx
import jax


def old(p: nnx.Param, state):
    p.note = "frozen"
    print(p.value, p.value)
    return jax.tree_map(lambda x: x, state)
"""
OLDER = """\
from flax import nnx
import jax

state = nnx.state(nnx.Linear(2, 2, rngs=nnx.Rngs(0)))
jax.tree.map(lambda x: x.value if isinstance(x, nnx.Param) else x, state)
jax.tree_map(abs, state)
"""
UPGRADE = """\
crash (raises): 3 fixed by `nnx-fix`
2  NNX208  [*] removed-jax-tree-map
1  NNX205  [*] metadata-by-attribute

silent (computes something else, without a warning): 1 with `--unsafe-fixes`
1  NNX102  [ ] dispatch-without-is-leaf (unsafe)

deprecation (warns, and will be removed): 3 fixed by `nnx-fix`
3  NNX206  [*] deprecated-value-access

files:
4  a/one.py: 2 crash, 2 deprecation
3  a/two.py: 1 crash, 1 silent, 1 deprecation

7 findings in 2 files: 6 fixed by `nnx-fix`, 1 with `--unsafe-fixes`.
"""


def test_rules_are_counted_most_frequent_first(folder: Path) -> None:  # noqa: F811
    (folder / "two.py").write_text(TWO + EXTRA)
    rules = "2  NNX102  [ ] dispatch-without-is-leaf (unsafe)\n1  NNX101  [*] is-leaf-is-not-a-filter\n"
    for name in ("text", "concise"):
        run = nnx_fix("--statistics", "--quiet", "--output-format", name, "two.py", cwd=folder)
        assert (run.returncode, run.stdout.decode()) == (1, rules)
    run = nnx_fix("--statistics", "--output-format", "json", "two.py", cwd=folder)
    expected = [
        {"code": "NNX102", "name": "dispatch-without-is-leaf", "kind": "silent", "count": 2, "fixable": 0},
        {"code": "NNX101", "name": "is-leaf-is-not-a-filter", "kind": "crash", "count": 1, "fixable": 1},
    ]
    counts = json.loads(run.stdout)
    assert [{key: value for key, value in one.items() if key in expected[0]} for one in counts] == expected
    assert [one["files"] for one in counts] == [{"two.py": 2}, {"two.py": 1}]


def test_an_upgrade_is_reported_by_what_code_does_and_how_it_is_repaired(folder: Path) -> None:  # noqa: F811
    (folder / "a").mkdir()
    (folder / "a" / "one.py").write_text(OLD)
    (folder / "a" / "two.py").write_text(OLDER)
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--check", "--target-flax", ">=0.12.1", "--statistics"]
    run = subprocess.run([*command, "--isolated", "a"], cwd=folder, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "")
    assert run.stdout == UPGRADE


def test_statistics_tell_unsafe_fixes_from_work_by_hand(folder: Path) -> None:  # noqa: F811
    run = nnx_fix("--statistics", "two.py", cwd=folder)
    assert run.stdout.decode().endswith("2 findings in 1 file: 1 fixed by `nnx-fix`, 1 with `--unsafe-fixes`.\n")
    run = nnx_fix("--statistics", "--unsafe-fixes", "two.py", cwd=folder)
    assert run.stdout.decode().endswith("2 findings in 1 file: 2 fixed by `nnx-fix`.\n")
    run = nnx_fix("--statistics", "--output-format", "json", "two.py", cwd=folder)
    repairs = [(one["code"], one["fixable"], one["safe"], one["unsafe"]) for one in json.loads(run.stdout)]
    assert repairs == [("NNX101", 1, 1, 0), ("NNX102", 0, 0, 1)]
    (folder / "two.py").write_text(
        "from flax import nnx\n\ndef swap(p: nnx.Param, q: nnx.Param):\n    p.raw_value, q.raw_value = 1, 2\n"
    )
    run = nnx_fix("--statistics", "--select", "NNX206", "--target-flax", "0.12.8", "two.py", cwd=folder)
    assert run.stdout.decode().endswith("2 findings in 1 file: 2 by hand.\n")
    assert "2  NNX206  [ ] deprecated-value-access (by hand)\n" in run.stdout.decode()
    with (folder / "two.py").open("a") as file:
        file.write("\ndef show(p: nnx.Param):\n    print(p.value)\n")
    run = nnx_fix("--statistics", "--quiet", "--select", "NNX206", "--target-flax", "0.12.8", "two.py", cwd=folder)
    assert run.stdout.decode() == "3  NNX206  [-] deprecated-value-access (2 by hand)\n"


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
