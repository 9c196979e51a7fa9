"""Nothing is written that nobody meant: missing paths, words of other tools, slips, and configuration that is wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from running import BUG, FIXED, nnx_fix, one_error

FLAX = ("--target-flax", "0.11", "--line-length", "200")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "m.py").write_text(BUG)
    (tmp_path / "other.py").write_text(BUG)
    return tmp_path


def untouched(project: Path) -> bool:
    return {path.read_text() for path in project.rglob("*.py")} == {BUG}


# Paths


@pytest.mark.parametrize(
    "mode", [(), ("--add-noqa",), ("--interactive",), ("--baseline", "b.json", "--write-baseline")]
)
def test_a_missing_path_stops_a_run_that_writes(project: Path, mode: tuple[str, ...]) -> None:
    run = nnx_fix(*mode, "src", "scr", cwd=project)
    assert one_error(run) == "scr: no such file or directory; nothing was written"
    assert run.stdout == ""
    assert untouched(project)
    assert not (project / "b.json").exists()


def test_a_missing_path_does_not_hide_what_is_found_beside_it(project: Path) -> None:
    for mode in ("--check", "--diff"):
        run = nnx_fix(mode, "src", "scr", cwd=project)
        assert run.returncode == 2
        assert run.stderr.splitlines()[0] == "nnx-fix: error: scr: no such file or directory"
        assert "src/m.py" in run.stdout


def test_a_folder_without_python_is_said(project: Path) -> None:
    (project / "empty").mkdir()
    run = nnx_fix("--check", "empty", cwd=project)
    assert (run.returncode, run.stderr) == (0, "nnx-fix: warning: empty: no Python files found\n")
    assert nnx_fix("--check", ".", cwd=project).stderr == ""


def test_a_file_with_several_names_is_told_of_once(project: Path) -> None:
    (project / "broken.py").write_text("def f(:\n")
    names = ("other.py", "./other.py", str(project / "other.py"), "src/..", "broken.py")
    run = nnx_fix("--check", "--output-format", "concise", *names, cwd=project)
    assert [line.partition(":")[0] for line in run.stdout.splitlines() if "NNX101" in line] == [
        "other.py",
        "src/../src/m.py",
    ]
    assert run.stderr.startswith(
        "nnx-fix: error: src/../broken.py: 1:7: syntax error"
    )  # As one of them was named itself.


# Ruff's words


@pytest.mark.parametrize("words", [("check", "src"), ("check", "--no-fix", "src"), ("check", "-q", "src")])
def test_check_is_a_word(project: Path, words: tuple[str, ...]) -> None:
    run = nnx_fix(*words, cwd=project)
    assert (run.returncode, run.stderr) == (1, "")
    assert run.stdout.startswith("src/m.py:5:48: NNX101")
    assert untouched(project)


def test_fix_is_a_word_and_an_option(project: Path) -> None:
    for words in (("fix",), ("check", "--fix")):
        (project / "src" / "m.py").write_text(BUG)
        run = nnx_fix(*words, *FLAX, "src", cwd=project)
        assert (run.returncode, run.stderr) == (0, "")
        assert (project / "src" / "m.py").read_text() == FIXED
        assert (project / "other.py").read_text() == BUG
    run = nnx_fix("--fix", "src", cwd=project)
    assert (run.returncode, run.stderr) == (0, "nnx-fix: note: --fix is the default, and may be left out\n")


def test_a_folder_called_fix_is_not_taken_for_the_word(project: Path) -> None:
    (project / "fix").mkdir()
    assert "./fix" in one_error(nnx_fix("fix", cwd=project))
    assert untouched(project)
    run = nnx_fix("./fix", cwd=project)
    assert (run.returncode, run.stderr) == (0, "nnx-fix: warning: ./fix: no Python files found\n")


def test_a_folder_called_check_is_named_with_a_dot(project: Path) -> None:
    shutil.move(project / "src", project / "check")
    assert nnx_fix(*FLAX, "./check", cwd=project).returncode == 0
    assert (project / "check" / "m.py").read_text() == FIXED


@pytest.mark.parametrize("words", [("server",), ("server", "."), ("server", "--stdio", "src"), ("server", "server")])
def test_server_is_the_server_only_if_it_can_be(project: Path, words: tuple[str, ...]) -> None:
    shutil.move(project / "src", project / "server")
    assert "./server" in one_error(nnx_fix(*words, cwd=project))
    assert untouched(project)
    assert nnx_fix("--check", "./server", cwd=project).returncode == 1


def test_rule_is_explain(project: Path) -> None:
    assert nnx_fix("rule", "NNX101", cwd=project).stdout == nnx_fix("--explain", "NNX101", cwd=project).stdout
    (rule,) = json.loads(nnx_fix("rule", "nnx101", "--output-format", "json", cwd=project).stdout)
    assert (rule["code"], rule["kind"], rule["severity"]) == ("NNX101", "crash", "error")
    assert rule["explanation"].startswith("`is_leaf` tests")
    assert rule["examples"][0]["fixed"]
    assert "rule NNX101" in one_error(nnx_fix("rule", cwd=project))


# Standard input


def test_a_name_for_standard_input_reads_it(project: Path) -> None:
    run = nnx_fix("--check", "--stdin-filename", "f.py", "--output-format", "concise", cwd=project, stdin=BUG)
    assert run.stdout.startswith("f.py:5:48: NNX101")
    filtered = nnx_fix(*FLAX, "--stdin-filename", "src/m.py", cwd=project, stdin=BUG)
    assert (filtered.returncode, filtered.stdout) == (0, FIXED)
    assert untouched(project)


@pytest.mark.parametrize("words", [("--stdin-filename", "f.py", "src"), ("-", "src"), ("-", "--files-from", "x")])
def test_standard_input_does_not_go_with_files(project: Path, words: tuple[str, ...]) -> None:
    assert "standard input" in one_error(nnx_fix(*words, cwd=project, stdin=BUG))
    assert untouched(project)


# Options


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--chekc", "src"), "unknown option --chekc (did you mean --check?); nnx-fix --help lists them"),
        (("--che", "src"), "did you mean --check?"),
        (("--unsafe", "src"), "unknown option --unsafe"),
        (("--output=json", "src"), "unknown option --output"),
        (("-x", "src"), "unknown option -x"),
        (("src", "--check", "--diff"), "not allowed with"),
        (("--check", "--fix", "src"), "not allowed with"),
        (("--select", "NX101", "src"), "did you mean NNX101?"),
        (("--select", "wrapped-masks", "src"), "did you mean NNX108?"),
        (("--ignore", "E501", "src"), "'E501' is no rule"),
        (("--select=", "src"), "argument --select: '' names no rule"),
        (("--extend-select", ",", "src"), "argument --extend-select: ',' names no rule"),
        (("--list-rules", "--output-format", "sarif"), "no sarif format"),
        (("rule", "NNX101", "--output-format", "github"), "no github format"),
        (("--show-settings", "src/m.py", "--output-format", "json-lines"), "no json-lines format"),
        (("server", "--tcp"), "argument --tcp: expected one argument"),
        (("server", "--tcp", "99999"), "argument --tcp: '99999' is not a port"),
        (("server", "--verbos"), "unknown option --verbos"),
        (("--prune-baseline", "src"), "--baseline FILE"),
        (("--isolated", "--config", "p.toml", "src"), "do not go together"),
        (("--config", "p.toml", "src"), "p.toml: no such file or directory"),
        (("--add-noqa=", "src"), "a reason is one line of text"),
        (("--add-noqa=a\nb", "src"), "a reason is one line of text"),
        (("--add-noqa=NNX2 is next", "src"), "cannot start with what reads as a code"),
    ],
)
def test_a_slip_stops_the_run(project: Path, words: tuple[str, ...], hint: str) -> None:
    assert hint in one_error(nnx_fix(*words, cwd=project))
    assert untouched(project)


def test_options_may_stand_among_paths(project: Path) -> None:
    run = nnx_fix("src/m.py", "--select", "nnx101", "other.py", "--check", "--output-format", "concise", cwd=project)
    assert [line.split(":")[0] for line in run.stdout.splitlines()[:2]] == ["src/m.py", "other.py"]
    (project / "--check").write_text("x = 1\n")
    (project / "-q.py").write_text(BUG)
    assert nnx_fix(*FLAX, "--", "-q.py", cwd=project).returncode == 0
    assert (project / "-q.py").read_text() == FIXED


def test_unsafe_fixes_can_be_turned_off_again(project: Path) -> None:
    (project / "src" / "m.py").write_text(BUG.replace("x.value", "abs(x)"))
    (project / "pyproject.toml").write_text("[tool.nnx-treemap]\nunsafe-fixes = true\n")
    assert nnx_fix("--no-unsafe-fixes", "src", cwd=project).returncode == 1
    assert (project / "src" / "m.py").read_text() == BUG.replace("x.value", "abs(x)")
    assert nnx_fix("src", cwd=project).returncode == 0


def test_what_counts_as_safe_is_the_projects_choice(project: Path) -> None:
    unsafe = BUG.replace("lambda x: x.value", "abs")
    (project / "other.py").write_text(unsafe)
    (project / "pyproject.toml").write_text("[tool.nnx-treemap]\nextend-unsafe-fixes = ['NNX1']\n")
    assert nnx_fix(".", cwd=project).returncode == 1
    assert (project / "src" / "m.py").read_text() == BUG
    (project / "pyproject.toml").write_text("[tool.nnx-treemap]\nextend-safe-fixes = ['NNX101']\n")
    run = nnx_fix("--check", "--output-format", "json", "other.py", cwd=project)
    assert json.loads(run.stdout)[0]["fix"]["applicability"] == "safe"
    assert nnx_fix(".", cwd=project).returncode == 0
    assert (project / "other.py").read_text() != unsafe


def test_exit_codes_for_fixes(project: Path) -> None:
    left = BUG + "jax.tree.map(abs, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
    for options, code in (
        ((), 1), (("--exit-zero",), 0), (("--fix-only",), 0), (("--fix-only", "--exit-non-zero-on-fix"), 1),
        (("--exit-zero", "--exit-non-zero-on-fix"), 0),
    ):  # fmt: skip
        (project / "src" / "m.py").write_text(left)
        run = nnx_fix(*options, "src", cwd=project)
        assert (run.returncode, run.stderr) == (code, ""), options
        assert ("src/m.py:12:" in run.stdout) == ("--fix-only" not in options)
        assert (project / "src" / "m.py").read_text() != left
    (project / "src" / "m.py").write_text(BUG)
    assert nnx_fix("--exit-non-zero-on-fix", "src", cwd=project).returncode == 1
    assert nnx_fix("--exit-non-zero-on-fix", "src", cwd=project).returncode == 0


def test_show_fixes_and_silence(project: Path) -> None:
    assert nnx_fix("--isolated", "--show-fixes", ".", cwd=project).stdout.splitlines() == [
        "Fixed 2 findings:", "- ./other.py:", "    1 × NNX101 (is-leaf-is-not-a-filter)", "- ./src/m.py:",
        "    1 × NNX101 (is-leaf-is-not-a-filter)", "", "Found 2 findings (2 fixed, 0 remaining).",
    ]  # fmt: skip
    (project / "src" / "m.py").write_text(BUG)
    for mode in ("--check", "--diff"):
        run = nnx_fix("--silent", mode, "src", cwd=project)
        assert (run.returncode, run.stdout, run.stderr) == (1, "", "")


def test_completion_knows_every_option(project: Path) -> None:
    for shell in ("bash", "zsh", "tcsh"):
        text = nnx_fix("--print-completion", shell, cwd=project).stdout
        for option in ("exit-non-zero-on-fix", "prune-baseline", "color"):
            assert option in text
    assert nnx_fix("help", cwd=project).stdout == nnx_fix("--help", cwd=project).stdout != ""
    assert nnx_fix("version", cwd=project).stdout == nnx_fix("-V", cwd=project).stdout
    assert nnx_fix("-V", cwd=project).stdout == nnx_fix("--version", cwd=project).stdout != ""


# Configuration


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[tool", "pyproject.toml:1: is not TOML: "),
        ("[project]\nname = 'a'\nversion = ]\n", "pyproject.toml:3: is not TOML: "),
        ("x = [", "pyproject.toml:1: is not TOML: "),
        ("tool = 1", "pyproject.toml:1: 'tool' must be a table"),
        ("# nnx-treemap\n\ntool = 'x'", "pyproject.toml:3: 'tool' must be a table"),
        ("[tool]\nnnx-treemap = 3", "pyproject.toml:2: [tool.nnx-treemap] must be a table"),
        ("[[tool.nnx-treemap]]\nselect = ['NNX101']", "pyproject.toml:1: [tool.nnx-treemap] must be a table"),
        ("[tool.nnx-treemap]\n\nselct = []", "toml:3: unknown key 'selct' in {table} (did you mean 'select'?"),
        ("[tool.nnx-treemap]\nignore = ['NX101']", "did you mean NNX101?"),
        ("[other]\nselect = 1\n[tool.nnx-treemap]\nselect = 1", "pyproject.toml:4: 'select' in {table} must be a list"),
        ("[tool.nnx-treemap]\nextend-safe-fixes = 'NNX101'", "'extend-safe-fixes' in {table} must be a list"),
        ("[tool.nnx-treemap.per-file-ignores]\n'b' = ['NNX1']\n'a/*' = 'NNX1'",
         "pyproject.toml:3: 'a/*' in [tool.nnx-treemap.per-file-ignores] must be a list"),
        ("[tool.nnx-treemap]\nper-file-ignores = {a = ['E501']}",
         "pyproject.toml:2: 'a' in [tool.nnx-treemap.per-file-ignores]: 'E501' is no rule"),
        ("\ufeff[tool.nnx-treemap]\n", "pyproject.toml:1: is not TOML: starts with a byte order mark"),
        ("[tool.nnx-treemap]\ncache-dir = '/tmp/x'", "pyproject.toml:2: 'cache-dir' in {table} must be a folder below"),
        ("[tool.nnx-treemap]\ncache-dir = 'a/../../x'", "'cache-dir' in [tool.nnx-treemap] must be a folder below"),
        ("x = " + "[" * 4000, "pyproject.toml"),
        ("x = " + "9" * 5000, "pyproject.toml: is not TOML: a number has too many digits"),
        ("[tool.nnx-treemap]\nselect = " + "1" * 5000, "pyproject.toml: is not TOML: a number has too many digits"),
    ],
)  # fmt: skip
def test_a_wrong_configuration_stops_the_run(project: Path, content: str, said: str) -> None:
    (project / "pyproject.toml").write_text(content)
    run = nnx_fix(".", cwd=project)
    assert said.format(table="[tool.nnx-treemap]") in one_error(run)
    assert run.stdout == ""
    assert untouched(project)


def test_a_wrong_configuration_of_one_project_stops_the_run_before_any_is_changed(project: Path) -> None:
    (project / "zoo").mkdir()
    (project / "zoo" / "m.py").write_text(BUG)
    (project / "zoo" / "pyproject.toml").write_text("[tool")
    assert f"{project / 'zoo' / 'pyproject.toml'}:1: " in one_error(nnx_fix(".", cwd=project))
    assert untouched(project)


@pytest.mark.parametrize(
    "text", [b'\xef\xbb\xbf[tool.nnx-treemap]\nselect = ["NNX2"]\n', "[tool.nnx-treemap]".encode("utf-16"), b"a='\xff'"]
)
def test_a_configuration_that_is_not_utf_8_stops_the_run(project: Path, text: bytes) -> None:
    (project / "pyproject.toml").write_bytes(text)
    assert "pyproject.toml:1: is not TOML" in one_error(nnx_fix(".", cwd=project))
    assert untouched(project)


@pytest.mark.parametrize(
    "name",
    [
        *("tool.nnx-fix", "tool.nnx_treemap", "tool.flake8-nnx-treemap", "tool.nnxtreemap", "tool.NNX-Treemap"),
        *("tool.nnx-treemaps", "tool.nnx-tree-map", "nnx-treemap"),
    ],
)
def test_a_table_of_another_name_is_told(project: Path, name: str) -> None:
    (project / "pyproject.toml").write_text(f"[project]\nname = 'a'\n\n[{name}]\nselect = ['NNX2']\n")
    said = f"{project / 'pyproject.toml'}:4: [{name}] is read by nobody; ours is [tool.nnx-treemap]"
    for words in (("--check", "src"), ("--show-settings", "src/m.py")):
        run = nnx_fix(*words, cwd=project)
        assert run.stderr == f"nnx-fix: warning: {said}\n"
        assert "NNX101" in run.stdout


def test_tables_of_other_tools_are_left_alone(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.nnx]\na = 1\n[tool.nnx-trainer]\n[tool.flax-nnx]\n[nnx-data]\n")
    assert nnx_fix("--check", "src", cwd=project).stderr == ""


def test_config_names_the_file_that_counts(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.nnx-treemap]\nselect = ['NNX2']\n")
    (project / "ci").mkdir()
    (project / "ci" / "strict.toml").write_text(
        "[tool.nnx-treemap]\nselect = ['NNX101']\nextend-exclude = ['src']\nper-file-ignores = {'n*.py' = ['NNX1']}\n"
    )
    (project / "n.py").write_text(BUG)
    assert nnx_fix("--check", ".", cwd=project).returncode == 0
    run = nnx_fix("--check", "--config", "ci/strict.toml", "--output-format", "concise", "-q", ".", cwd=project)
    assert [line.split(":")[0] for line in run.stdout.splitlines()] == ["./other.py"]
    (project / "ci" / "empty.toml").write_text("[tool.nnx-fix]\n")
    said = one_error(nnx_fix("--check", "--config", "ci/empty.toml", ".", cwd=project))
    assert said.startswith("ci/empty.toml: has no table [tool.nnx-treemap]; ")
    assert "[tool.nnx-fix] is read by nobody" in said


# Lists of files


@pytest.fixture
def repository(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    (project / "src" / "notes.txt").write_text("x")
    (project / "src" / "gone.py").write_text(BUG)
    (project / "src" / "a é.py").write_text("x = 1\n")
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "x")
    (project / "src" / "gone.py").unlink()
    (project / "src" / "notes.txt").write_text(BUG)
    (project / "src" / "a é.py").write_text(BUG)
    return project


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_what_git_lists_is_fixed_and_nothing_else(repository: Path) -> None:
    for folder in (repository, repository / "src"):
        (repository / "src" / "a é.py").write_text(BUG)
        names = git(folder, "diff", "--name-only", "--relative", "-z")
        run = nnx_fix(*FLAX, "--force-exclude", "--files-from", "-", cwd=folder, stdin=names)
        assert (run.returncode, run.stderr) == (0, "")
        assert (repository / "src" / "a é.py").read_text() == FIXED
    assert (repository / "src" / "notes.txt").read_text() == BUG
    assert (repository / "src" / "m.py").read_text() == BUG
    assert (repository / "other.py").read_text() == BUG


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_names_that_git_quotes_are_read(repository: Path) -> None:
    odd = repository / "src" / 'tab\t"quote" \\ é.py'
    odd.write_text("x = 1\n")
    git(repository, "add", str(odd))
    odd.write_text(BUG)
    names = git(repository, "diff", "--name-only", "--relative")
    assert '"src/tab\\t\\"quote\\" \\\\ \\303\\251.py"\n' in names
    run = nnx_fix(*FLAX, "--files-from", "-", cwd=repository, stdin=names)
    assert (run.returncode, run.stderr) == (0, "")
    assert odd.read_text() == (repository / "src" / "a é.py").read_text() == FIXED


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_names_from_the_root_are_not_skipped_in_silence(repository: Path) -> None:
    names = git(repository / "src", "diff", "--name-only")
    said = one_error(nnx_fix("--files-from", "-", cwd=repository / "src", stdin=names.replace('"', "")))
    assert "git diff --relative" in said
    assert (repository / "src" / "a é.py").read_text() == BUG


def test_the_published_hooks_leave_out_what_the_project_excludes(project: Path) -> None:
    hooks = (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text(encoding="utf-8").split("- id: ")[1:]
    assert len(hooks) == 2
    (project / "pyproject.toml").write_text("[tool.nnx-treemap]\nextend-exclude = ['src']\n")
    for hook in hooks:
        assert "  require_serial: true\n" in hook
        (entry,) = (line.removeprefix("  entry: ") for line in hook.splitlines() if line.startswith("  entry: "))
        run = nnx_fix(*entry.split()[1:], "src/m.py", cwd=project)
        assert (run.returncode, run.stdout) == (0, "All checks passed!\n")
    assert untouched(project)
