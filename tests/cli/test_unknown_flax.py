"""What a report says at its end where nothing tells which Flax a project runs on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap.names import NEWEST, release_text

HEADER = "import jax\nfrom flax import nnx\n"
OLD = HEADER + "def live(leaf: nnx.VariableState):\n    return leaf.type\n"
LEAF = "jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
NEW = release_text(NEWEST)
START = f"No lower bound for Flax was found, so 0.10.0 and later is assumed; for {NEW} alone there "
END = f' To say which Flax it is, add `target-flax = "{NEW}"` to [tool.nnx-treemap] in pyproject.toml.'


def run(*arguments: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    # Without the packages of the environment, where a Flax may be installed that would count.
    code = "import sys, importlib.metadata as m\nold = m.version\n" + (
        "def version(name):\n    if name == 'flax': raise m.PackageNotFoundError(name)\n    return old(name)\n"
        "m.version = version\nfrom flake8_nnx_treemap.cli import main\nsys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "old.py").write_text(OLD)
    return tmp_path


def more_for(folder: Path) -> int:
    """How many findings the newest Flax has, counted without what this is about."""
    return run("--check", "--output-format", "json", "--target-flax", NEW, "old.py", cwd=folder).stdout.count('"code"')


@pytest.mark.parametrize("name", ["text", "concise", "grouped"])
def test_the_last_line_says_what_is_assumed(folder: Path, name: str) -> None:
    assert more_for(folder) == 2
    done = run("--check", "--output-format", name, ".", cwd=folder)
    assert (done.stdout.splitlines()[-1], done.stderr) == (f"{START}are 2 more findings.{END}", "")


def test_one_and_none(folder: Path) -> None:
    (folder / "old.py").write_text(HEADER + "def f(leaf: nnx.Variable):\n    return leaf.value\n")
    assert run("--check", ".", cwd=folder).stdout == f"All checks passed!\n{START}is 1 more finding.{END}\n"
    (folder / "old.py").write_text(HEADER)
    assert run("--check", ".", cwd=folder).stdout == f"All checks passed!\n{START}are no more findings.{END}\n"
    (folder / "old.py").write_text("import jax\n")
    assert run("--check", ".", cwd=folder).stdout == "All checks passed!\n"


def test_what_is_reported_already_is_not_counted_again(folder: Path) -> None:
    (folder / "old.py").write_text(HEADER + "state = nnx.State({})\n" + LEAF)
    found = run("--check", "--output-format", "json", "old.py", cwd=folder).stdout.count('"code"')
    assert found > 0
    (last,) = run("--check", "old.py", cwd=folder).stdout.splitlines()[-1:]
    more = more_for(folder) - found
    assert more > 0
    assert last == f"{START}{'is' if more == 1 else 'are'} {more} more finding{'' if more == 1 else 's'}.{END}"


@pytest.mark.parametrize(
    "arguments",
    [
        *(("--output-format", name) for name in ("json", "json-lines", "sarif", "github", "gitlab", "junit")),
        ("--quiet",),
        ("--isolated",),
        ("--statistics",),
        ("--target-flax", "portable"),
    ],
    ids=" ".join,
)
def test_who_is_not_told(folder: Path, arguments: tuple[str, ...]) -> None:
    done = run("--check", *arguments, ".", cwd=folder)
    assert "lower bound" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "flax>=0.10\n"),
        ("requirements.txt", "flax<0.11\n"),
        ("pyproject.toml", '[tool.nnx-treemap]\ntarget-flax = "portable"\n'),
    ],
)
def test_projects_that_say_it_hear_nothing(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    assert run("--check", ".", cwd=folder).stdout == "All checks passed!\n"


def test_following_the_advice_finds_as_many(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(f'[tool.nnx-treemap]\ntarget-flax = "{NEW}"\n')
    assert "Found 2 findings." in run("--check", ".", cwd=folder).stdout


def test_what_a_run_fixes_is_fixed_first(folder: Path) -> None:
    (folder / "old.py").write_text(HEADER + "state = nnx.State({})\n" + LEAF)
    said = run("old.py", cwd=folder).stdout.splitlines()
    assert said[:2] == ["old.py: fixed NNX101", "Found 1 finding (1 fixed, 0 remaining)."]
    again = run("--check", "old.py", cwd=folder).stdout.splitlines()
    assert said[-1] == again[-1]


def test_where_standard_output_is_taken_it_is_said_beside(folder: Path) -> None:
    done = run("--diff", ".", cwd=folder)
    assert (done.stdout, done.stderr.splitlines()[-1]) == ("", f"{START}are 2 more findings.{END}")
    filtered = run("-", cwd=folder, stdin=OLD)
    assert (filtered.stdout, filtered.stderr.splitlines()[-1]) == (OLD, f"{START}are 2 more findings.{END}")


def test_jobs_and_caches_make_no_difference(folder: Path) -> None:
    for number in range(40):
        (folder / f"clean{number}.py").write_text(HEADER)
        (folder / f"old{number}.py").write_text(OLD)
    (folder / "known").mkdir()
    (folder / "known" / "requirements.txt").write_text("flax>=0.12\n")
    (folder / "known" / "m.py").write_text(OLD)
    expected = run("--check", ".", cwd=folder).stdout
    assert f"{START}are 82 more findings.{END}" in expected
    run("--check", "--cache", "--output-format", "json", ".", cwd=folder)  # This looks for less, and remembers it.
    for jobs in ("4", "1"):
        assert run("--check", "--cache", "--jobs", jobs, ".", cwd=folder).stdout == expected
    for name in folder.glob("old*.py"):
        name.unlink()
    none = run("--check", ".", cwd=folder).stdout
    assert none.splitlines()[-1] == f"{START}are no more findings.{END}"
    for _ in range(2):
        assert run("--check", "--cache", ".", cwd=folder).stdout == none
