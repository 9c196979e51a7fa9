"""The plugin under the real flake8, in a process of its own."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap import flake8_plugin
from flake8_nnx_treemap.flake8_plugin import NNXTreeMapPlugin

SEED = """\
import jax
from flax import nnx

state = nnx.State({"param1": nnx.Param(10.0)})
jax.tree.map(lambda x: x.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""


def flake8(*arguments: str, cwd: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flake8", "--isolated", *arguments]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, text=True, check=False)


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    (tmp_path / "seed.py").write_text(SEED)
    return tmp_path


def test_the_call_of_issue_4762(seed: Path) -> None:
    run = flake8("--select", "NNX", "seed.py", cwd=seed)
    assert run.stdout.startswith("seed.py:5:48: NNX101 ")
    assert run.stdout.count("\n") == 1
    assert run.returncode == 1


def test_stdin(seed: Path) -> None:
    run = flake8("--select", "NNX", "--stdin-display-name", "x.py", "-", cwd=seed, stdin=SEED)
    assert run.stdout.startswith("x.py:5:48: NNX101 ")


@pytest.mark.parametrize(
    "options",
    [
        ("--ignore", "NNX101,E,W"),
        ("--select", "E9"),
        ("--per-file-ignores", "seed.py:NNX101"),
        ("--extend-ignore", "NNX1"),
    ],
)
def test_selection_is_flake8s(seed: Path, options: tuple[str, ...]) -> None:
    run = flake8("--max-line-length", "120", *options, "seed.py", cwd=seed)
    assert "NNX" not in run.stdout
    assert run.stderr == ""


OPT_IN = """\
import jax
from flax import nnx

state = nnx.state(model)
jax.tree.map(lambda v: v * 2, state, is_leaf=lambda x: isinstance(x, nnx.Variable))
"""


@pytest.mark.parametrize(
    ("options", "table", "is_found"),
    [
        (("--select", "NNX"), "", False),
        (("--select", "NNX1"), "", False),
        (("--select", "NNX", "--ignore", "E501"), "", False),
        ((), "", False),
        (("--select", "NNX112"), "", True),
        (("--extend-select", "NNX112"), "", True),
        (("--select", "NNX,NNX112"), "", True),
        (("--select", "NNX112", "--ignore", "NNX112,E"), "", False),
        ((), "extend-select = ['NNX112']", True),
        (("--select", "NNX"), "extend-select = ['NNX112']", True),
        (("--select", "NNX"), "extend-select = ['NNX112']\nper-file-ignores = {'o*.py' = ['NNX112']}", False),
    ],
)
def test_opt_in_rules_stay_off_until_one_is_named(
    tmp_path: Path, options: tuple[str, ...], table: str, is_found: bool
) -> None:
    (tmp_path / "o.py").write_text(OPT_IN)
    (tmp_path / "pyproject.toml").write_text(f"[tool.nnx-treemap]\n{table}\n")
    run = flake8(*options, "o.py", cwd=tmp_path)
    assert ("NNX112" in run.stdout, run.stderr) == (is_found, "")


@pytest.mark.parametrize(
    "table",
    [
        "",
        "ignore = ['NNX101']",
        "select = ['NNX2']",
        "select = ['ALL']",
        "per-file-ignores = {'s*.py' = ['NNX1']}",
        "target-flax = '0.12.1'",
        "target-flax = '0.12.1'\nextend-select = ['NNX112']",
    ],
)
def test_it_reports_what_nnx_fix_reports(seed: Path, table: str) -> None:
    (seed / "opt_in.py").write_text(OPT_IN)
    (seed / "old.py").write_text(SEED.replace("jax.tree.map(", "jax.tree_map("))
    (seed / "quiet.py").write_text(SEED.rstrip("\n") + "  # ruff: ignore[NNX101]\n")
    (seed / "pyproject.toml").write_text(f"[tool.nnx-treemap]\n{table}\n")
    theirs = [
        tuple(line.split(maxsplit=2)[:2]) for line in flake8("--select", "NNX", ".", cwd=seed).stdout.splitlines()
    ]
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--check", "--output-format", "concise", "--quiet", "."]
    run = subprocess.run(command, cwd=seed, capture_output=True, text=True, check=False)
    ours = [tuple(line.split(maxsplit=2)[:2]) for line in run.stdout.splitlines()]
    assert sorted((place.removesuffix(":"), code) for place, code in theirs) == sorted(
        (place.removesuffix(":"), code) for place, code in ours
    )
    assert ours or "select" in table or "ignore" in table


def test_noqa_and_show_source(seed: Path) -> None:
    lines = SEED.rstrip("\n")
    for comment in ("# noqa", "# noqa: NNX101", "# NOQA:E501,NNX1", "# noqa : NNX101"):
        run = flake8("--select", "NNX101", "-", cwd=seed, stdin=f"{lines}  {comment}\n")
        assert run.stdout == "", comment
    shown = flake8("--select", "NNX101", "--show-source", "seed.py", cwd=seed).stdout.splitlines()
    assert shown[1] == SEED.splitlines()[4]
    assert shown[2].index("^") == 47


def test_parallel_gives_the_same(seed: Path) -> None:
    for index in range(12):
        (seed / f"more{index}.py").write_text(SEED)
    one = flake8("--select", "NNX", "-j", "1", ".", cwd=seed)
    four = flake8("--select", "NNX", "-j", "4", ".", cwd=seed)
    assert one.stdout == four.stdout
    assert one.stdout.count("NNX101") == 13


def test_target_flax(seed: Path) -> None:
    for target in ("0.10", "0.12.1", "portable", ">=0.10,<0.11"):
        run = flake8("--select", "NNX101", "--nnx-target-flax", target, "seed.py", cwd=seed)
        assert (run.returncode, run.stderr) == (1, "")
    for target in ("twelve", "<0.10"):
        broken = flake8("--nnx-target-flax", target, "seed.py", cwd=seed)
        assert broken.returncode == 2
        assert target in broken.stderr.splitlines()[-1]
        assert "Traceback" not in broken.stderr


def test_a_range_holds_rules_back_and_lets_them_in(seed: Path) -> None:
    (seed / "state.py").write_text("from flax import nnx\n\nstate: nnx.VariableState | None = None\n")
    for target, count in ((">=0.10,<0.11", 0), ("~=0.11.1", 1), ("==0.12.*", 1)):
        run = flake8("--select", "NNX201", "--nnx-target-flax", target, "state.py", cwd=seed)
        assert run.stdout.count("NNX201") == count


def test_crlf_tabs_and_wide_characters(seed: Path) -> None:
    text = SEED.replace("jax.tree.map(", "if 1:\n\ts = 'é𝄞', jax.tree.map(").replace("\n", "\r\n")
    (seed / "odd.py").write_bytes(text.encode())
    line = text.splitlines()[5]
    run = flake8("--select", "NNX101", "odd.py", cwd=seed)
    assert run.stdout.startswith(f"odd.py:6:{line.index('lambda x: isinstance') + 1}: NNX101")


@pytest.mark.parametrize("text", ["", "x = (\n", "\f\n", "x = 1", "# nnx VariableState"])
def test_odd_files_do_not_break_flake8(seed: Path, text: str) -> None:
    run = flake8("--select", "NNX", "-", cwd=seed, stdin=text)
    assert run.stdout == ""
    assert "Traceback" not in run.stderr


def test_a_crash_of_ours_is_one_line(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def crash(self: object, text: str) -> list[object]:
        raise RuntimeError("a bug")

    monkeypatch.setattr(flake8_plugin.NNXTreeMapPlugin, "_findings", crash)
    assert list(NNXTreeMapPlugin(ast.parse(SEED), SEED.splitlines(keepends=True)).run()) == []
    assert [record.getMessage() for record in caplog.records] == ["flake8-nnx-treemap: <stdin>: RuntimeError: a bug"]


def test_the_project_decides_about_flax(seed: Path) -> None:
    old_call = SEED.replace("jax.tree.map(", "jax.tree_map(")
    (seed / "seed.py").write_text(old_call)
    (seed / "pyproject.toml").write_text('[tool.nnx-treemap]\ntarget-flax = "0.12"\n')
    assert "NNX208" in flake8("--select", "NNX208", "seed.py", cwd=seed).stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_wrong_configuration_ends_the_run_as_one_of_flake8s_own_does(seed: Path, jobs: str) -> None:
    (seed / "other.py").write_text(SEED)
    (seed / "pyproject.toml").write_text('[tool.nnx-treemap]\ntarget-flax = "twelve"\n')
    broken = flake8("--select", "NNX", "--jobs", jobs, "seed.py", "other.py", cwd=seed)
    assert (broken.returncode, broken.stderr) == (1, "")
    line = broken.stdout.splitlines()[-1]
    assert line.startswith(f"flake8-nnx-treemap: {seed / 'pyproject.toml'}:2: 'target-flax' in [tool.nnx-treemap]: ")
    (seed / "other.py").write_text("import os\n")
    clean = flake8("--jobs", jobs, "other.py", cwd=seed)
    assert "F401" in clean.stdout, "what holds no candidate needs no configuration"
