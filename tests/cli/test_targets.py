"""Which files a run looks at, and what is shown of them and of their settings; ``--explain`` and ``--list-rules``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_formats import TWO


def nnx_fix(*arguments: str, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "flake8_nnx_treemap", *arguments]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False, timeout=120)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["flax>=0.12.0"]\n[tool.nnx-treemap]\nextend-exclude = ["third_party"]\n'
    )
    for folder in ("src", "build", "third_party", "ignored", "extra"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.py").write_text(TWO)
    (tmp_path / ".gitignore").write_text("ignored/\n")
    return tmp_path


def shown(*arguments: str, cwd: Path, stdin: bytes = b"") -> list[str]:
    run = nnx_fix("--show-files", *arguments, cwd=cwd, stdin=stdin)
    assert (run.returncode, run.stderr) == (0, b"")
    return run.stdout.decode().splitlines()


def test_show_files(tree: Path) -> None:
    assert shown(cwd=tree) == ["./extra/m.py", "./src/m.py"]
    assert shown("build/m.py", "src", "src/m.py", cwd=tree) == ["build/m.py", "src/m.py"]
    run = nnx_fix("--show-files", "missing.py", "src", cwd=tree)
    assert (run.returncode, run.stdout) == (2, b"src/m.py\n")
    assert run.stderr == b"nnx-fix: error: missing.py: no such file or directory\n"


def test_exclusions(tree: Path) -> None:
    assert shown("--exclude", "src,extra", cwd=tree) == ["./build/m.py", "./third_party/m.py"]
    assert shown("--extend-exclude", "extra", cwd=tree) == ["./src/m.py"]
    assert shown("--no-respect-gitignore", cwd=tree) == ["./extra/m.py", "./ignored/m.py", "./src/m.py"]
    assert shown("--isolated", cwd=tree) == ["./extra/m.py", "./src/m.py", "./third_party/m.py"]


def test_named_files_are_left_out_if_that_is_forced(tree: Path) -> None:
    named = ["build/m.py", "third_party/m.py", "ignored/m.py", "src/m.py"]
    assert shown(*named, cwd=tree) == named
    assert shown("--force-exclude", *named, cwd=tree) == ["src/m.py"]
    assert shown("--force-exclude", "--no-respect-gitignore", *named, cwd=tree) == ["ignored/m.py", "src/m.py"]
    assert shown("--force-exclude", str(tree / "build" / "m.py"), cwd=tree) == []


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\0"])
def test_paths_come_from_a_list(tree: Path, separator: bytes) -> None:
    (tree / "a b.py").write_text(TWO)
    (tree / "-.py").write_text(TWO)
    names = separator.join([b"src", b"a b.py", b"-.py"]) + separator
    expected = ["extra/m.py", "src/m.py", "a b.py", "-.py"]
    assert shown("--files-from", "-", "extra", cwd=tree, stdin=names) == expected
    (tree / "list").write_bytes(names)
    assert shown("--files-from", "list", "extra", cwd=tree) == expected


def test_names_with_newlines_come_from_a_list_with_nuls(tree: Path) -> None:
    name = b"new\nline\xff.py"
    with open(os.path.join(os.fsencode(tree), name), "w") as file:
        file.write(TWO)
    run = nnx_fix("--check", "--output-format", "json", "--files-from", "-", cwd=tree, stdin=name + b"\0")
    assert {os.fsencode(entry["filename"]) for entry in json.loads(run.stdout)} == {name}


def test_an_empty_list_is_not_everything(tree: Path) -> None:
    run = nnx_fix("--check", "--files-from", "-", cwd=tree)
    assert (run.returncode, run.stdout) == (0, b"All checks passed!\n")


def test_a_list_that_is_not_there(tree: Path) -> None:
    run = nnx_fix("--check", "--files-from", "missing", cwd=tree)
    assert run.returncode == 2
    assert run.stderr.startswith(b"nnx-fix: error: missing: ")


def test_show_settings_says_what_decided(tree: Path) -> None:
    project = tree / "pyproject.toml"
    run = nnx_fix("--show-settings", "src/m.py", "--select", "NNX101", "--exclude", "x,y", cwd=tree)
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout.decode() == (
        f"file: src/m.py\nconfiguration: {project}\nrules: NNX101\n"
        f"target-flax: 0.12.0 and later, from flax in {project}\n"
        "unsafe-fixes: false\nexclude: x, y\nrespect-gitignore: true\ninclude-markdown: false\ncache-dir: none\n"
        "max-file-size: 5000000\nline-length: 88\n"
        f"flax was looked for in:\n  target-flax in {project}: not set\n  {project}: flax>=0.12.0 (decides)\n"
    )
    run = nnx_fix("--show-settings", "src/m.py", "--isolated", "--unsafe-fixes", "--output-format", "json", cwd=tree)
    settings = json.loads(run.stdout)
    assert settings["configuration"] is None
    assert (settings["target-flax"], settings["target-flax-source"]) == ("0.10.0", "default: portable")
    assert settings["unsafe-fixes"] is True
    assert "third_party" not in settings["exclude"]


@pytest.mark.parametrize(("folder", "shown"), [(".", "./*.py"), ("src", "src/*.py"), ("src/", "src/*.py")])
def test_show_settings_of_a_folder_are_those_of_the_files_in_it(tree: Path, folder: str, shown: str) -> None:
    (tree / "src" / "pyproject.toml").write_text("[tool.nnx-treemap]\nselect = ['NNX2']\nignore = ['NNX20']\n")
    settings = json.loads(nnx_fix("--show-settings", folder, "--output-format", "json", cwd=tree).stdout)
    place = tree if folder == "." else tree / "src"
    assert (settings["file"], settings["configuration"]) == (shown, str(place / "pyproject.toml"))


def test_show_settings_lists_every_place(tree: Path) -> None:
    hook = '[tool.hatch.metadata.hooks.requirements_txt]\nfiles = ["needs/all.txt"]\n'
    (tree / "pyproject.toml").write_text(f'[project]\ndynamic = ["dependencies"]\n{hook}')
    (tree / "needs").mkdir()
    (tree / "needs" / "all.txt").write_text("-r more.txt\nflax>=0.11,<0.12\n")
    (tree / "needs" / "more.txt").write_text("flax==0.10.7; sys_platform == 'win32'\n")
    os.mkfifo(tree / "setup.cfg")
    run = nnx_fix("--show-settings", "src/m.py", "--output-format", "json", cwd=tree)
    settings = json.loads(run.stdout)
    assert settings["target-flax"] == ">=0.10.7,<=0.11.2"
    assert [(one["place"], one["said"], one["decides"]) for one in settings["target-flax-places"]] == [
        (f"{tree}/pyproject.toml", "nothing of flax", False),
        (f"{tree}/needs/all.txt", "flax>=0.11,<0.12", True),
        (f"{tree}/needs/more.txt", "flax==0.10.7; sys_platform == 'win32'", True),
        (f"{tree}/setup.cfg", "is not a regular file", False),
    ]
    lines = nnx_fix("--show-settings", "src/m.py", cwd=tree).stdout.decode().splitlines()
    assert f"target-flax: 0.10.7 to 0.11.2, from flax in {tree}/needs/all.txt, {tree}/needs/more.txt" in lines
    assert lines[-3] == f"  {tree}/needs/all.txt: flax>=0.11,<0.12 (decides)"


@pytest.mark.parametrize(
    ("table", "arguments", "said"),
    [
        ('target-flax = ">=0.10,<0.11"', (), "0.10.0 to 0.10.7, from target-flax in {}"),
        ('target-flax = "==0.11.*"', ("--target-flax", "~=0.12.5"), "0.12.5 and later, from --target-flax"),
        ('target-flax = "portable"', (), "0.10.0 and later, from target-flax in {}"),
    ],
)
def test_a_range_can_be_set(tree: Path, table: str, arguments: tuple[str, ...], said: str) -> None:
    project = tree / "pyproject.toml"
    project.write_text(f"[tool.nnx-treemap]\n{table}\n")
    run = nnx_fix("--show-settings", "src/m.py", *arguments, cwd=tree)
    assert f"target-flax: {said.format(project)}" in run.stdout.decode().splitlines()


def test_configuration_outside_the_repository_does_not_count(tree: Path) -> None:
    (tree / "src" / ".git").mkdir()
    run = nnx_fix("--show-settings", "src/m.py", "--output-format", "json", cwd=tree)
    settings = json.loads(run.stdout)
    assert settings["configuration"] is None
    assert "third_party" not in settings["exclude"]
    assert settings["target-flax-source"] in ("default: portable", "the installed flax")


def test_show_settings_of_a_wrong_configuration(tree: Path) -> None:
    (tree / "pyproject.toml").write_text("[tool.nnx-treemap]\nselekt = []\n")
    run = nnx_fix("--show-settings", "src/m.py", cwd=tree)
    assert run.returncode == 2
    assert b"unknown key 'selekt'" in run.stderr


def test_rules_as_json(tree: Path) -> None:
    rules = {
        rule["code"]: rule for rule in json.loads(nnx_fix("--list-rules", "--output-format", "json", cwd=tree).stdout)
    }
    assert rules["NNX101"] == {
        "code": "NNX101",
        "name": "is-leaf-is-not-a-filter",
        "summary": "`is_leaf` stops at VariableState, but the mapper takes every leaf",
        "fix": "sometimes",
        "on_by_default": True,
        "since": "0.10.0",
        "url": "https://flake8-nnx-treemap.readthedocs.io/en/latest/rules/NNX101-is-leaf-is-not-a-filter/",
    }
    assert rules["NNX112"]["on_by_default"] is False


def test_explain_takes_codes_and_prefixes(tree: Path) -> None:
    text = nnx_fix("--explain", "nnx101,NNX20", cwd=tree).stdout.decode()
    assert text.startswith("NNX101 is-leaf-is-not-a-filter\n")
    for part in ("## Example", "Fixed for every Flax:", "Fixed for Flax 0.11 and later:", "JAX walks", "NNX208 "):
        assert part in text
    assert "NNX102 dispatch" not in text
    assert "\x1b" not in text
    for wrong in ("NNX9999", "", ","):
        run = nnx_fix(f"--explain={wrong}", cwd=tree)
        assert (run.returncode, run.stdout) == (2, b""), wrong


def test_explain_is_rendered_where_there_are_colours(tree: Path) -> None:
    pytest.importorskip("rich")
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": "90", "TERM": "xterm"}
    run = subprocess.run(
        [sys.executable, "-m", "flake8_nnx_treemap", "--explain", "NNX101"],
        cwd=tree, capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    shown = re.sub(r"\x1b\[[\d;]*m|\x1b\]8;.*?\x1b\\\\", "", run.stdout)
    assert "\x1b[" in run.stdout
    assert "##" not in shown
    assert "`" not in shown
    assert "    └─ 'step': Array    returned as it is" in shown
    assert "".join(shown.split()).count("lambdav:v.value*2ifisinstance(v,nnx.Variable)elsev,") == 1


def test_verbose_speaks_of_standard_input_too(tree: Path) -> None:
    command = [sys.executable, "-m", "flake8_nnx_treemap", "-v", "--isolated", "--target-flax", "0.12", "-"]
    run = subprocess.run(command, cwd=tree, input=b"from flax import nnx\n", capture_output=True, check=True)
    assert b"; Flax 0.12.0 and later (--target-flax)" in run.stderr
    assert b"Looked closely at 1 file in" in run.stderr


def test_help_is_short_and_grouped(tree: Path) -> None:
    lines = nnx_fix("--help", cwd=tree).stdout.decode().splitlines()
    assert lines[0] == "usage: nnx-fix [OPTIONS] [PATH ...]"
    groups = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert groups == [
        "positional arguments:", "options:", "what to do:", "rules:", "fixes:", "known findings:", "output:",
        "files and configuration:", "examples:",
    ]  # fmt: skip
    assert len(lines) < 90
