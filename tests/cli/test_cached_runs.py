"""``--cache`` as a user meets it: the same output, less work, and nothing on the disk that was not asked for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap.cli import main

HEADER = "import jax\nfrom flax import nnx\n"
CALL = "jax.tree.map(lambda v: {body}, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
SAFE = HEADER + CALL.format(body="v.value")
UNSAFE = HEADER + CALL.format(body="abs(v)")
CLEAN = HEADER + "jax.tree.map(lambda v: v * 2, nnx.State({}))\n"
TEXTS = {"safe": SAFE, "unsafe": UNSAFE, "clean": CLEAN, "silenced": SAFE.rstrip() + "  # noqa\n"}
FOLDER = ".nnx_treemap_cache"
FORMATS = ("text", "concise", "grouped", "json", "json-lines", "sarif", "github", "gitlab", "junit", "rdjson")
LAST_CLEAN = ("--isolated", "--check", "clean.py", "silenced.py", "clean.ipynb")


def notebook(text: str) -> str:
    cell = {"cell_type": "code", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def fill(folder: Path, copies: int = 12) -> None:
    """Files with and without findings, in every format, enough for several processes."""
    for name, text in TEXTS.items():
        (folder / f"{name}.py").write_text(text)
        (folder / f"{name}.ipynb").write_text(notebook(text))
        (folder / f"{name}.md").write_text(f"```python\n{text}```\n")
        for number in range(copies):
            (folder / f"{name}_{number}.py").write_text(f"# {number}\n{text}")
    (folder / "broken.py").write_text(HEADER + "def f(:\n")
    (folder / "broken_notebook.ipynb").write_text('{"nnx": ')
    (folder / "latin.py").write_bytes(b"name = '\xe9'  # nnx\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


Said = tuple[int, str, str, dict[str, bytes]]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    """The exit code, both outputs but for the time it took, and what the files hold then."""
    code = main(["--isolated", "--include-markdown", *arguments])
    out, err = capsys.readouterr()
    return code, out, re.sub(r"in \d+\.\d\d s\.", "", err), contents(Path.cwd())


@pytest.mark.parametrize(
    "mode",
    [
        *(("--check", "--output-format", name) for name in FORMATS),
        ("--diff",),
        ("--diff", "--unsafe-fixes", "--quiet"),
        (),
        ("--unsafe-fixes", "--output-format", "json"),
        ("--check", "--statistics"),
        ("--check", "--statistics", "--output-format", "json", "--exit-zero"),
        ("--check", "--verbose"),
        ("--verbose", "--select", "ALL", "--target-flax", "0.12"),
        ("--check", "--baseline", "known.json"),
        ("--baseline", "known.json"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("jobs", ["1", "4"])
def test_cold_warm_and_none_say_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str], mode: tuple[str, ...], jobs: str
) -> None:
    main(["--isolated", "--baseline", "known.json", "--write-baseline", "safe.py", "safe_1.py", "unsafe.ipynb"])
    (folder / "safe_1.py").write_text(CLEAN)  # One finding of the baseline is gone.
    capsys.readouterr()
    before = contents(folder)
    runs = []
    for option in ("--no-cache", "--cache", "--cache"):
        for name, data in before.items():
            (folder / name).write_bytes(data)
        runs.append(said(capsys, *mode, option, "--jobs", jobs, "."))
    assert runs[0] == runs[1] == runs[2]
    assert (folder / FOLDER).is_dir()
    if "known.json" in mode:
        assert "known.json: 1 finding is gone" in runs[0][2]


def test_a_baseline_is_written_as_without_a_cache(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [
        said(capsys, "--baseline", "known.json", "--write-baseline", option, ".")
        for option in ("--no-cache", "--cache", "--cache")
    ]
    assert runs[0] == runs[1] == runs[2]


def test_a_fix_run_after_a_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "--check", "--cache", ".")
    fixed = said(capsys, "--cache", ".")
    again = said(capsys, "--cache", ".")
    shutil.rmtree(FOLDER)
    assert said(capsys, ".")[1:] == again[1:]
    for name in ("safe.py", "safe.md", "safe_3.py"):
        assert f"./{name}: fixed NNX101" in fixed[1]
        assert f"./{name}" not in again[1]


def test_runs_at_once(folder: Path) -> None:
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated", "--check", "--cache", "."]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    expected = subprocess.run([*command, "--no-cache"], capture_output=True, check=False)
    for run in runs:
        assert run.communicate(timeout=120) == (expected.stdout, expected.stderr)
    warm = subprocess.run(command, capture_output=True, check=False)
    assert (warm.stdout, warm.stderr, warm.returncode) == (expected.stdout, expected.stderr, expected.returncode)


LOADED = """\
import sys
from flake8_nnx_treemap.cli import main
main(sys.argv[1:])
names = ("libcst", "analysis.names.bindings", "rules.checking", "fixing.engine", "project.cache", "hashlib")
print(*(name for name in names if name in sys.modules or f"flake8_nnx_treemap.{name}" in sys.modules))
"""


def loaded(*arguments: str) -> list[str]:
    command = [sys.executable, "-c", LOADED, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_warm_run_does_not_load_the_engine(folder: Path) -> None:
    _, modules = loaded(*LAST_CLEAN, "--cache", "--jobs", "4")
    assert "fixing.engine" in modules
    assert loaded(*LAST_CLEAN, "--cache", "--jobs", "4") == ["All checks passed!", "project.cache hashlib"]


def test_without_a_cache_there_is_no_trace_of_one(folder: Path) -> None:
    assert "cache" not in loaded(*LAST_CLEAN)[-1]
    assert not (folder / FOLDER).exists()


def test_without_a_candidate_there_is_no_trace_of_one(folder: Path) -> None:
    (folder / "plain.py").write_text("import jax\n")
    assert loaded("--cache", "--check", "plain.py") == ["All checks passed!", ""]
    assert not (folder / FOLDER).exists()


@pytest.mark.parametrize(
    "arguments", [("--add-noqa", "clean.py"), ("--interactive", "clean.py"), ("-",), ("--show-files",)]
)
def test_what_is_not_remembered(folder: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated", "--cache", *arguments]
    run = subprocess.run(command, input=CLEAN.encode(), capture_output=True, check=False)
    assert run.returncode == 0
    assert not (folder / FOLDER).exists()


def test_add_noqa_and_interactive_runs_over_known_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "--check", "--cache", ".")
    before = contents(folder)
    suppressed = said(capsys, "--add-noqa", "--cache", ".")
    for name, data in before.items():
        (folder / name).write_bytes(data)
    assert said(capsys, "--add-noqa", ".") == suppressed


def test_the_configuration_of_the_current_folder_decides(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pyproject.toml").write_text("[tool.nnx-treemap]\ncache = true\ncache-dir = 'kept'\n")
    other = folder / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text("[tool.nnx-treemap]\nselect = ['NNX2']\n")
    (other / "clean.py").write_text(CLEAN)
    (other / "safe.py").write_text(SAFE)
    assert main(["--check", "other", "safe.py"]) == 1
    assert sorted(os.listdir("kept")) == [".gitignore", "CACHEDIR.TAG", "nothing-found"]
    assert not (other / FOLDER).exists()
    assert main(["--check", "other"]) == 0
    (other / "pyproject.toml").unlink()
    run = subprocess.run(
        [sys.executable, "-m", "flake8_nnx_treemap", "--check", "other"], capture_output=True, check=False
    )
    assert b"other/safe.py:3" in run.stdout


def test_a_folder_that_the_command_line_names(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "--check", "--cache-dir", "deep/down", "clean.py")
    assert (folder / "deep" / "down" / "nothing-found").is_file()
    said(capsys, "--check", "--cache-dir", "none", "--no-cache", "clean.py")
    assert not (folder / "none").exists()


def test_the_folder_is_not_searched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / FOLDER).mkdir()
    (folder / FOLDER / "safe.py").write_text(SAFE)
    main(["--isolated", "--show-files", "."])
    assert FOLDER not in capsys.readouterr().out


def test_a_cache_that_cannot_be_written_is_one_line_for_those_who_ask(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = said(capsys, "--check", "--cache-dir", "safe.py/kept", ".")
    assert quiet == said(capsys, "--check", ".")
    loud = said(capsys, "--check", "--verbose", "--cache-dir", "safe.py/kept", ".")
    expected = said(capsys, "--check", "--verbose", ".")
    (line,) = set(loud[2].splitlines()) - set(expected[2].splitlines())
    assert line == "nnx-fix: note: the cache in safe.py/kept: not a directory"
    assert (loud[0], loud[1], loud[3]) == (expected[0], expected[1], expected[3])


def test_show_settings_says_where_it_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--isolated", "--cache", "--show-settings", "clean.py"])
    assert f"cache-dir: {FOLDER}\n" in capsys.readouterr().out
    main(["--isolated", "--show-settings", "clean.py", "--output-format", "json"])
    assert json.loads(capsys.readouterr().out)["cache-dir"] is None
