"""The baseline: known findings are left alone, new ones are reported, wherever lines have moved to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flake8_nnx_treemap.analysis.code.text import Position, Range
from flake8_nnx_treemap.project.baseline import Baseline, keys_of, read_baseline, write_baseline
from flake8_nnx_treemap.project.errors import ConfigurationError
from flake8_nnx_treemap.rules.rule import Finding

HEAD = "import jax\nfrom flax import nnx\n"
CALL = "jax.tree.map(lambda x: x.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
OTHER = CALL.replace("s, is", "t, is")


def nnx_fix(*arguments: str, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    options = ("--isolated", "--select", "NNX101", "--output-format", "concise", "--baseline", "base.json", *arguments)
    command = [sys.executable, "-m", "flake8_nnx_treemap", *options]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False, timeout=120)


def entries(folder: Path) -> list[dict[str, object]]:
    found = json.loads((folder / "base.json").read_text())["findings"]
    assert isinstance(found, list)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three known findings, two of them on equal lines."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.py").write_text(HEAD + CALL + CALL)
    (tmp_path / "a.py").write_text(HEAD + CALL)
    run = nnx_fix("--write-baseline", ".", cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"base.json: 3 known findings.\n", b"")
    return tmp_path


def test_it_is_stable_sorted_and_relative(folder: Path) -> None:
    assert [(entry["path"], entry["code"], entry["count"]) for entry in entries(folder)] == [
        ("a.py", "NNX101", 1),
        ("sub/b.py", "NNX101", 2),
    ]
    assert (folder / "a.py").read_text() == HEAD + CALL, "writing a baseline fixes nothing"
    before = (folder / "base.json").stat()
    assert nnx_fix("--write-baseline", "--jobs", "2", "sub", "a.py", cwd=folder).returncode == 0
    assert (folder / "base.json").stat().st_mtime_ns == before.st_mtime_ns
    text = (folder / "base.json").read_text()
    (folder / "base.json").unlink()
    assert nnx_fix("--write-baseline", str(folder), cwd=folder).returncode == 0
    assert (folder / "base.json").read_text() == text


def test_known_findings_are_neither_reported_nor_fixed(folder: Path) -> None:
    for arguments in (["--check"], ["--diff"], []):
        run = nnx_fix(*arguments, ".", cwd=folder)
        assert (run.returncode, run.stdout + run.stderr) == (0, b"All checks passed!\n")
    assert (folder / "a.py").read_text() == HEAD + CALL


def test_it_counts_from_any_folder(folder: Path) -> None:
    run = nnx_fix("--check", "--baseline", "../base.json", "b.py", cwd=folder / "sub")
    assert (run.returncode, run.stderr) == (0, b"")


def test_lines_may_move(folder: Path) -> None:
    moved = "# new\n\n" + HEAD + "if s:\n    " + CALL
    (folder / "a.py").write_text(moved)
    assert nnx_fix("--check", ".", cwd=folder).returncode == 0


def test_only_new_findings_fail(folder: Path) -> None:
    (folder / "a.py").write_text(HEAD + OTHER + CALL)
    run = nnx_fix("--check", ".", cwd=folder)
    assert run.returncode == 1
    lines = run.stdout.decode().splitlines()
    assert lines[0].startswith("./a.py:3:44: NNX101")
    assert lines[1] == "Found 1 finding."
    assert json.loads(nnx_fix("--check", "--output-format", "json", ".", cwd=folder).stdout)[0]["location"]["row"] == 3
    assert nnx_fix(".", cwd=folder).returncode == 0
    fixed = (folder / "a.py").read_text()
    assert fixed.endswith(CALL), "the known one stays"
    assert OTHER not in fixed


def test_one_more_of_the_same_is_new(folder: Path) -> None:
    (folder / "a.py").write_text(HEAD + CALL * 3)
    run = nnx_fix("--check", ".", cwd=folder)
    assert [line.split(":")[1] for line in run.stdout.decode().splitlines()[:2]] == ["4", "5"]


def test_it_says_what_is_gone(folder: Path) -> None:
    (folder / "a.py").write_text("import os\n")
    (folder / "sub" / "b.py").write_text(HEAD + CALL)
    run = nnx_fix("--check", ".", cwd=folder)
    assert (run.returncode, run.stderr) == (0, b"base.json: 2 findings are gone; --prune-baseline drops the entries.\n")
    partial = nnx_fix("--check", "sub", cwd=folder)
    assert partial.stderr == b"base.json: 1 finding is gone; --prune-baseline drops the entries.\n"
    (folder / "sub" / "b.py").write_text("nnx = (  # jax.tree.map")
    broken = nnx_fix("--check", "sub", cwd=folder)
    assert (broken.returncode, b"gone" in broken.stderr) == (2, False)
    (folder / "sub" / "b.py").unlink()
    assert b"3 findings are gone" in nnx_fix("--check", ".", cwd=folder).stderr


def test_standard_input_counts_by_its_name(folder: Path) -> None:
    text = (folder / "a.py").read_bytes()
    run = nnx_fix("--stdin-filename", "a.py", "-", cwd=folder, stdin=text)
    assert (run.returncode, run.stdout, run.stderr) == (0, text, b"All checks passed!\n")


def test_names_that_are_not_text(folder: Path) -> None:
    name = os.fsdecode(b"\xff \n.py")
    try:
        (folder / name).write_text(HEAD + CALL)
    except OSError:
        pytest.skip("this file system wants text")
    assert nnx_fix("--write-baseline", ".", cwd=folder).returncode == 0
    assert {entry["path"] for entry in entries(folder)} == {"a.py", "sub/b.py", name}
    assert nnx_fix("--check", ".", cwd=folder).returncode == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file or directory (--write-baseline writes one)"),
        ("{", "is not a baseline"),
        ("[]", "is not a baseline"),
        ('{"version": 2, "findings": []}', "is a baseline of version 2, not 1"),
        ('{"version": 1, "findings": [{"path": 1, "code": "", "fingerprint": "", "count": 1}]}', "is not a baseline"),
        (
            '{"version": 1, "findings": [{"path": "", "code": "", "fingerprint": "", "count": "1"}]}',
            "is not a baseline",
        ),
        ("[" * 100_000, "is not a baseline"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_one_is_one_clear_line(folder: Path, content: str | None, message: str) -> None:
    path = folder / "base.json"
    path.unlink() if content is None else path.write_text(content)
    run = nnx_fix("--check", ".", cwd=folder)
    assert run.returncode == 2
    (line,) = run.stderr.decode().splitlines()
    assert line.startswith(f"nnx-fix: error: base.json: {message}")


def test_a_missing_one_is_said_where_there_is_nothing_to_find(tmp_path: Path) -> None:
    run = nnx_fix("--check", ".", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, b"")
    assert run.stderr.startswith(b"nnx-fix: error: base.json: no such file or directory")


def test_it_cannot_be_written_nowhere(folder: Path) -> None:
    run = nnx_fix("--write-baseline", "--baseline", "no/where.json", ".", cwd=folder)
    assert run.returncode == 2
    assert run.stderr == b"nnx-fix: error: no/where.json: the baseline cannot be written: no such file or directory\n"
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--write-baseline", "."]
    alone = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert (alone.returncode, b"--write-baseline needs --baseline FILE" in alone.stderr) == (2, True)


def test_entries_of_deleted_files_are_told_wherever_one_looks(folder: Path) -> None:
    (folder / "a.py").unlink()
    assert (
        nnx_fix("--check", ".", cwd=folder).stderr
        == b"base.json: 1 finding is gone; --prune-baseline drops the entries.\n"
    )
    assert (
        nnx_fix("--check", "sub", cwd=folder).stderr
        == b"base.json: 1 finding is gone; --prune-baseline drops the entries.\n"
    )


def test_pruning_drops_what_is_gone_and_adds_nothing(folder: Path) -> None:
    (folder / "a.py").unlink()
    (folder / "sub" / "b.py").write_text(HEAD + CALL + OTHER)
    before = (folder / "sub" / "b.py").read_text()
    run = nnx_fix("--prune-baseline", "sub", cwd=folder)
    assert (run.returncode, run.stdout) == (0, b"base.json: 2 findings are gone and were taken out, 1 left.\n")
    assert [(entry["path"], entry["count"]) for entry in entries(folder)] == [("sub/b.py", 1)]
    assert (folder / "sub" / "b.py").read_text() == before, "pruning a baseline fixes nothing"
    check = nnx_fix("--check", ".", cwd=folder)
    assert (check.returncode, check.stderr, check.stdout.count(b"NNX101")) == (1, b"", 1)


def test_pruning_keeps_what_it_has_not_seen(folder: Path) -> None:
    (folder / "sub" / "b.py").write_text("from flax import nnx  # jax.tree.map\n(")
    (folder / "a.py").write_text("x = 1\n")
    (folder / "empty").mkdir()
    for paths, code in ((("empty",), 0), (("sub",), 2), (("sub/b.py",), 2)):
        run = nnx_fix("--prune-baseline", *paths, cwd=folder)
        assert (run.returncode, run.stdout) == (code, b"base.json: 0 findings are gone and were taken out, 3 left.\n")
    assert nnx_fix("--prune-baseline", ".", cwd=folder).stdout.endswith(
        b"1 finding is gone and was taken out, 2 left.\n"
    )


# Properties

rows = st.lists(st.sampled_from(["a", " a", "b", "a  b", ""]), max_size=12)


def findings_in(lines: list[str]) -> list[Finding]:
    return [
        Finding("NNX101", "", Range(Position(row, 1), Position(row, 1))) for row, line in enumerate(lines, 1) if line
    ]


@given(rows, st.data())
@hypothesis_settings(max_examples=200, deadline=None)
def test_what_was_written_is_known_in_any_order_of_lines(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines)
    counts: dict[tuple[str, str, str], int] = {}
    for key in keys_of("x.py", text, findings_in(lines)):
        counts[key] = counts.get(key, 0) + 1
    moved = data.draw(st.permutations(lines))
    more = data.draw(rows)
    baseline = Baseline(os.getcwd(), counts)
    new, known = baseline.split("x.py", "\n".join(moved), findings_in(moved))
    assert (new, known) == ([], findings_in(moved))
    new, known = baseline.split("x.py", "\n".join([*moved, *more]), findings_in([*moved, *more]))
    assert known == findings_in(moved)
    assert len(new) == len(findings_in(more))


def test_written_and_read_are_the_same(tmp_path: Path) -> None:
    path = str(tmp_path / "base.json")
    lines = ["a", "a", "b"]
    assert write_baseline(path, [(str(tmp_path / "x.py"), "\n".join(lines), findings_in(lines))]) == 3
    baseline = read_baseline(path)
    assert sorted(baseline.counts.values()) == [1, 2]
    with pytest.raises(ConfigurationError):
        read_baseline(str(tmp_path))
