"""``.gitignore`` files, held to git itself; and hostile ones."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flake8_nnx_treemap.project.discovery import discover
from flake8_nnx_treemap.project.gitignore import is_ignored, parse

COMMAND = [sys.executable, "-m", "flake8_nnx_treemap", "--check", "--isolated"]
BUG = """\
import jax
from flax import nnx

jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
NAMES = ("a.py", "b.py", "ab.py", "!a.py", "#a.py", "a b.py", "[a].py", "A1.py", "\\a.py", "a.py ")
FOLDERS = (".", "a", "b", "a/b", "a/b/a", "b/a", "ab")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not here")
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", root], check=True)
    for folder in FOLDERS:
        (root / folder).mkdir(exist_ok=True)
        for name in NAMES:
            (root / folder / name).write_text("")
    return root


def left_by_git(root: Path) -> list[str]:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard"],
        cwd=root, check=True, capture_output=True, text=True, env={**environment, "XDG_CONFIG_HOME": os.devnull},
    )  # fmt: skip
    return sorted(name for name in listed.stdout.split("\0") if name and not name.endswith(".gitignore"))


def left_by_us(root: Path) -> list[str]:
    problems: list[tuple[str, str]] = []
    found = [os.path.relpath(name, root) for name, _ in discover([str(root)], problems, suffixes=("py", "py "))]
    assert problems == []
    return sorted(found)


SLASH_IN_BRACKETS = re.compile(r"\[[^\n]*/")
"""Git looks for a slash there, and never finds one; nobody writes it."""

PATTERNS = st.text(st.sampled_from("ab*?[]!-/\\#. py1:^"), max_size=9).filter(
    lambda pattern: not SLASH_IN_BRACKETS.search(pattern)
)
TEXTS = st.lists(
    st.one_of(
        PATTERNS,
        st.builds("{}.py".format, PATTERNS),
        st.sampled_from(
            ["**/a", "a/**", "a/**/a.py", "**/b/**", "!a/b/", "*", "!*.py", "[[:upper:]]*", "[!a]b.py", "a*b*.py"]
        ),
    ),
    max_size=4,
).map("\n".join)


@settings(max_examples=150)
@given(TEXTS, TEXTS)
def test_the_same_as_git(repository: Path, outer: str, inner: str) -> None:
    (repository / ".gitignore").write_text(outer)
    (repository / "a" / ".gitignore").write_text(inner)
    assert left_by_us(repository) == left_by_git(repository)


@pytest.mark.parametrize("line", ["!", "foo\\", "[z-a].py", "[a", "[[:nothing:]].py", "/", "!/", "*" * 5000, "a/" * 80])
def test_lines_that_match_nothing_are_passed_over(tmp_path: Path, line: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text(f"{line}\nignored.py\n")
    for name in ("bug.py", "ignored.py"):
        (tmp_path / name).write_text(BUG)
    run = subprocess.run([*COMMAND, "-q", "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "")
    assert "bug.py:4" in run.stdout
    assert "ignored.py" not in run.stdout


@pytest.mark.parametrize(
    "pattern", ["*a" * 12 + "*b", "a*" * 1000 + "b", "*?" * 1000 + "b", "**/" * 30 + "*a*a*a*a*b", "**/a/" * 30 + "b"]
)
def test_no_pattern_takes_long(pattern: str) -> None:
    rules = parse(pattern)
    started = time.process_time()
    assert not is_ignored(rules, [*["a"] * 100, "a" * 250], False)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("what", ["fifo", "link", "folder", "endless", "dangling"])
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, what: str) -> None:
    path = tmp_path / ".gitignore"
    (tmp_path / ".git").mkdir()
    (tmp_path / "patterns").write_text("bug.py\n")
    (tmp_path / "bug.py").write_text(BUG)
    if what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to({"link": "patterns", "endless": "/dev/zero", "dangling": "absent"}[what])
    run = subprocess.run([*COMMAND, "."], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
    assert (run.returncode, run.stderr) == (1, "")


def test_one_that_is_too_large_is_named(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("bug.py\n" * 200_000)
    (tmp_path / "bug.py").write_text(BUG)
    run = subprocess.run([*COMMAND, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert line.endswith(".gitignore: is larger than 1,048,576 bytes")


def test_a_name_that_is_not_text_is_matched(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_bytes(b"\xff*.py\n")
    for name in (b"\xff1.py", b"\xfe1.py"):
        with open(os.path.join(os.fsencode(tmp_path), name), "w") as file:
            file.write(BUG)
    found = [os.path.basename(os.fsencode(name)) for name, _ in discover([str(tmp_path)], [])]
    assert found == [b"\xfe1.py"]


def test_folders_nested_thousands_deep(tmp_path: Path) -> None:
    here = os.getcwd()
    try:
        os.chdir(tmp_path)
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        Path("bug.py").write_text(BUG)
    finally:
        os.chdir(here)
    run = subprocess.run([*COMMAND, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "")
    shutil.rmtree(tmp_path / "d", ignore_errors=True) if sys.version_info >= (3, 13) else subprocess.run(
        ["rm", "-rf", tmp_path / "d"], check=True
    )
