"""Every command, configuration file and piece of code in the README and the documentation does what the page says.

Python that needs JAX is compiled here, and run by ``tests/runtime/test_snippets.py``.
"""

from __future__ import annotations

import configparser
import json
import re
import shlex
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import tomllib
import yaml
from sandbox import Sandbox
from snippets import ROOT, Command, Snippet, commands_of, halves_of, snippets

from flake8_nnx_treemap import fix_source
from flake8_nnx_treemap.rules.settings import LintSettings

REPOSITORY = "https://github.com/flake8-nnx-treemap/flake8-nnx-treemap"
CHECKED = {"console", "python", "toml", "ini", "cfg", "yaml", "json", "jsonc"}
CHECKED_BY_THEIR_OWN_TESTS = {"lua", "vim", "elisp", "emacs-lisp", "diff", "text", ""}
"""Editors' own languages, which ``tests/editors`` loads where the editor is there; measured diffs, which
``nox -s upgrade`` writes; plain text has nothing to run."""

by_name: Callable[[Snippet], str] = lambda snippet: snippet.name  # noqa: E731


def test_no_language_is_left_unchecked() -> None:
    languages = {snippet.language for snippet in snippets()}
    assert languages <= CHECKED | CHECKED_BY_THEIR_OWN_TESTS


# Commands


SESSIONS = {"docs/upgrade.md"}
"""Pages whose commands need those before them; each has a test of its own."""


@pytest.mark.parametrize("snippet", [one for one in snippets("console") if one.page not in SESSIONS], ids=by_name)
def test_commands(snippet: Snippet, sandbox: Sandbox) -> None:
    commands = commands_of(snippet)
    assert commands, "a console block without a command"
    for command in commands:
        shown = Command(_executable(command.line), command.output)
        finished = sandbox.run(shown.line)
        assert finished.returncode in (0, 1), finished.stderr
        if shown.output.strip():
            assert matches(shown.output, finished.stdout), finished.stdout


def matches(shown: str, printed: str) -> bool:
    """Whether an output is as shown, where ``...`` on the page stands for anything."""
    pattern = ".*".join(map(re.escape, _trimmed(shown).split("...")))
    return re.fullmatch(pattern, _trimmed(printed), re.DOTALL) is not None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _executable(line: str) -> str:
    """What is run for a line: itself, but for what would install, download or run everything."""
    return " && ".join(_stand_in(part.strip()) for part in line.split("&&"))


def _stand_in(command: str) -> str:
    words = shlex.split(command)
    for start, check in STAND_INS.items():
        if " ".join(words).startswith(start):
            return check(words)
    return command


def _clone(words: list[str]) -> str:
    assert words[2] == REPOSITORY
    return "true"


def _directory(words: list[str]) -> str:
    assert words[1:] == [REPOSITORY.rpartition("/")[2]]
    return "true"


def _install(words: list[str]) -> str:
    """Nothing is downloaded in a test: what is asked for has to be a thing that exists."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for word in (word for word in words[2:] if not word.startswith("-")):
        name, _, extra = word.partition("[")
        assert name in (".", project["name"], "nox", "pre-commit", "flax"), word
        assert not extra or set(extra.rstrip("]").split(",")) <= set(project["optional-dependencies"]), word
    return "true"


def _nox(words: list[str]) -> str:
    """The session has to exist; running it here would be running everything."""
    for session in words[words.index("-s") + 1 :] if "-s" in words else []:
        _assert_session(session)
    return "true"


def _assert_session(session: str) -> None:
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert f"def {re.split(r'[-(]', session)[0]}(" in text, f"no such nox session: {session}"


def _pytest(words: list[str]) -> str:
    paths = [word for word in words[1:] if not word.startswith("-")]
    assert all((ROOT / path).exists() for path in paths), paths
    return "true"


STAND_INS: dict[str, Callable[[list[str]], str]] = {
    "git clone": _clone,
    "cd ": _directory,
    "python -m venv": lambda words: f"python -m venv --without-pip {words[3]}",
    "python3 -m venv": lambda words: f"python -m venv --without-pip {words[3]}",
    "pip install": _install,
    "nox": _nox,
    "pytest": _pytest,
    "python -W error::DeprecationWarning -m pytest": lambda words: "python -W error::DeprecationWarning -c pass",
    "pre-commit": lambda words: "true",
}


def test_commands_in_tables() -> None:
    """A ``nox -s`` or a ``python docs/…`` in running text names something that exists."""
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        for session in re.findall(r"`nox -s \"?([\w.-]+)", text):
            _assert_session(session)
        for script in re.findall(r"(?<!`)`python (\S+\.py)", text):
            assert (ROOT / script).exists(), script


def test_links_of_the_readme_work_on_pypi() -> None:
    """PyPI shows the README without the repository around it: a relative link leads nowhere there."""
    targets = re.findall(r"\]\(([^)\s]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == []


def test_pages_say_what_to_write_until_the_release() -> None:
    """While the changelog says "unreleased", each page that needs a tag or a published package says what to write."""
    released = "(unreleased)" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    needs = re.compile(r"rev: v\d|additional_dependencies: \[flake8-nnx|^\$ pip install flake8-nnx", re.MULTILINE)
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if needs.search(text):
            says = re.search(r"[Uu]ntil 0\.1\.0 is released|until-010-is-released", text) is not None
            assert says is not released, path.name


# Configuration


@pytest.mark.parametrize("snippet", snippets("toml"), ids=by_name)
def test_toml(snippet: Snippet, sandbox: Sandbox) -> None:
    settings = tomllib.loads(snippet.text)
    if set(settings) <= {"tool", "project", "build-system", "dependency-groups"}:
        sandbox.write("pyproject.toml", snippet.text)
        finished = sandbox.run("nnx-fix --check --exit-zero .")
        assert finished.returncode == 0, finished.stderr
        assert "unknown" not in finished.stderr


@pytest.mark.parametrize("snippet", snippets("ini", "cfg"), ids=by_name)
def test_ini(snippet: Snippet, sandbox: Sandbox) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(snippet.text)
    if parser.has_section("flake8"):
        sandbox.write(".flake8", snippet.text)
        finished = sandbox.run("flake8 --exit-zero src")
        assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("snippet", snippets("yaml"), ids=by_name)
def test_yaml(snippet: Snippet, sandbox: Sandbox) -> None:
    read = yaml.safe_load(snippet.text)
    for repository in read.get("repos", []) if isinstance(read, dict) else []:
        _check_hooks(repository)
    for command in _run_steps(read):
        finished = sandbox.run(_executable(command))
        assert finished.returncode in (0, 1), finished.stderr


def _check_hooks(repository: dict[str, object]) -> None:
    hooks = repository["hooks"]
    assert isinstance(hooks, list)
    if repository["repo"] == REPOSITORY:
        offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
        assert {hook["id"] for hook in hooks} <= {hook["id"] for hook in offered}


def _run_steps(read: object) -> list[str]:
    """The commands of a workflow, wherever they are."""
    if isinstance(read, dict):
        own = [line for line in str(read["run"]).splitlines() if line] if "run" in read else []
        return own + [command for value in read.values() for command in _run_steps(value)]
    if isinstance(read, list):
        return [command for value in read for command in _run_steps(value)]
    return []


@pytest.mark.parametrize("snippet", snippets("json", "jsonc"), ids=by_name)
def test_json(snippet: Snippet) -> None:
    json.loads(re.sub(r"^\s*//.*$", "", snippet.text, flags=re.MULTILINE))


# Python


@pytest.mark.parametrize("snippet", snippets("python"), ids=by_name)
def test_python_compiles(snippet: Snippet) -> None:
    compile(snippet.text, snippet.name, "exec")


PRELUDE = "import jax\nfrom flax import nnx\n\n"


def _rewrites() -> list[tuple[str, str, str, str]]:
    """Page, Flax floor, code before and code after."""
    found = []
    blocks = snippets("python")
    for block, following in pairwise(blocks):
        if block.says.startswith("fix "):
            assert following.says == "fixed"
            found.append((block.name, block.says.partition("=")[2], block.text, following.text))
    for block in blocks:
        halves = halves_of(block)
        if halves is not None:
            found.append((block.name, halves.floor, halves.before, halves.after))
    return found


@pytest.mark.parametrize(("name", "floor", "before", "after"), _rewrites(), ids=lambda value: value[:24])
def test_shown_rewrites(name: str, floor: str, before: str, after: str) -> None:
    settings = LintSettings(None, tuple(map(int, floor.split("."))))
    assert fix_source(PRELUDE + before, name, settings).text == PRELUDE + after


def test_some_rewrites_are_shown() -> None:
    assert {name.partition(":")[0] for name, *_ in _rewrites()} >= {"README.md", "docs/index.md"}


def test_examples_are_the_ones_the_pages_name() -> None:
    named = {
        name for path in (ROOT / "docs").glob("*.md") for name in re.findall(r"examples/(\w+\.py)", path.read_text())
    }
    assert named <= {path.name for path in Path(ROOT / "examples").glob("*.py")}
