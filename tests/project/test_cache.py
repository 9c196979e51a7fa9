"""Which files a cache passes over, and that no state of it ever changes what is reported."""

from __future__ import annotations

import json
import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.project import cache as caches
from flake8_nnx_treemap.project import configuration
from flake8_nnx_treemap.project.cache import DIGEST_SIZE, NAME, Cache, digest_of, open_cache
from flake8_nnx_treemap.project.configuration import Overrides, cache_folder
from flake8_nnx_treemap.project.runner import FileReport, Task, run
from flake8_nnx_treemap.rules.settings import LintSettings

ROOT = Path(__file__).parents[2]
HEADER = "import jax\nfrom flax import nnx\n"
CALL = "jax.tree.map(lambda v: {body}, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))"
BUG = HEADER + CALL.format(body="v.value") + "\n"
CLEAN = HEADER + "jax.tree.map(lambda v: v * 2, nnx.State({}))\n"
SILENCED = HEADER + CALL.format(body="v.value") + "  # noqa: NNX101\n"
BROKEN = HEADER + "def f(:\n"
ISOLATED = Overrides(is_isolated=True, select=("NNX101",))


def notebook(text: str) -> str:
    cell = {"cell_type": "code", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


TEXTS = {
    "bug.py": BUG,
    "bug.ipynb": notebook(BUG),
    "clean.py": CLEAN,
    "clean.ipynb": notebook(CLEAN),
    "clean.md": f"```python\n{CLEAN}```\n",
    "silenced.py": SILENCED,
    "broken.py": BROKEN,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def opened(folder: Path) -> Cache:
    cache = open_cache(str(folder / "kept"))
    assert cache is not None
    return cache


def files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.iterdir() if path.is_file())


def check(folder: Path, overrides: Overrides = ISOLATED, jobs: int = 1) -> list[FileReport]:
    return run(files(folder), (), Task(overrides), jobs, cache=opened(folder))


def unknown(folder: Path, overrides: Overrides = ISOLATED) -> list[str]:
    return [os.path.basename(path) for path in opened(folder).unknown(files(folder), overrides)]


# What is known


@pytest.mark.parametrize("jobs", [1, 4])
def test_files_without_findings_are_known(folder: Path, jobs: int) -> None:
    for number in range(40):
        (folder / f"one_of_many_{number}.py").write_text(CLEAN + f"# {number}\n")
    first = check(folder, jobs=jobs)
    assert unknown(folder) == ["broken.py", "bug.ipynb", "bug.py"]
    assert check(folder, jobs=jobs) == first == run(files(folder), (), Task(ISOLATED), jobs)


def test_what_somebody_elses_codec_may_decode_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_text(f"# coding: latin-1\n{CLEAN}")
    (tmp_path / "marked.py").write_text(f"\ufeff{CLEAN}")
    check(tmp_path)
    assert unknown(tmp_path) == ["latin.py"]


def test_a_change_of_content_counts(folder: Path) -> None:
    check(folder)
    (folder / "clean.py").write_text(BUG)
    (folder / "silenced.py").write_text(SILENCED.replace("  # noqa: NNX101", ""))
    assert [report.path for report in check(folder) if report.findings] == [
        str(folder / name) for name in ("bug.ipynb", "bug.py", "clean.py", "silenced.py")
    ]


def test_a_name_counts_as_far_as_the_analysis_reads_it(folder: Path) -> None:
    check(folder)
    (folder / "sub").mkdir()
    same, package, other = (folder / "sub" / name for name in ("clean.py", "__init__.py", "clean.md"))
    for path in (same, package, other):
        path.write_text(CLEAN)
    assert opened(folder).unknown([str(same), str(package), str(other)], ISOLATED) == [str(package), str(other)]


@pytest.mark.parametrize(
    "change",
    [
        {"select": ("NNX102",)},
        {"extend_select": ("NNX112",)},
        {"ignore": ("NNX101",)},
        {"target_flax": "0.12"},
        {"unsafe_fixes": True},
    ],
)
def test_a_change_of_settings_counts(folder: Path, change: dict[str, object]) -> None:
    check(folder)
    assert "clean.py" in unknown(folder, replace(ISOLATED, **change))  # type: ignore[arg-type]


def forget_configuration() -> None:
    configuration.forget_configurations()


def test_a_change_of_configuration_counts(folder: Path) -> None:
    project = folder / "pyproject.toml"
    everywhere = Overrides(target_flax="portable")
    for table in ("", "per-file-ignores = {'bug.py' = ['NNX101']}", "select = ['NNX2']"):
        project.write_text(f"[tool.nnx-treemap]\n{table}\n")
        forget_configuration()
        found = {os.path.basename(report.path) for report in check(folder, everywhere) if report.findings}
        assert ("bug.py" in found, "bug.ipynb" in found) == (not table, "select" not in table)
        project.write_text("[tool.nnx-treemap]\n")
        forget_configuration()
        assert "bug.py" in {os.path.basename(report.path) for report in check(folder, everywhere)}


def test_every_setting_has_its_share_in_a_digest() -> None:
    plain = LintSettings(frozenset({"NNX101"}))
    others = {
        "select": [None, frozenset[str](), frozenset({"NNX101", "NNX102"})],
        "unsafe_fixes": [True],
        "flax": [(0, 11), (0, 12), FlaxRange((0, 10, 0), (0, 10, 7)), FlaxRange((0, 10, 0), (0, 11, 2))],
        "extend_safe_fixes": [frozenset({"NNX101"})],
        "extend_unsafe_fixes": [frozenset({"NNX101"})],
    }
    of_layout = {"line_length", "keeps_commas"}  # How fixes are laid out says nothing of a file that has no finding.
    assert set(others) | of_layout == {field.name for field in fields(LintSettings)}
    changed = [replace(plain, **{name: value}) for name, values in others.items() for value in values]  # type: ignore[arg-type]
    assert len({digest_of(b"", "m.py", settings, b"key") for settings in (plain, *changed)}) == len(changed) + 1
    assert digest_of(b"", "m.py", plain, b"key", also_newest=True) != digest_of(b"", "m.py", plain, b"key")
    backwards = LintSettings(frozenset(sorted({"NNX102", "NNX101"}, reverse=True)))
    assert digest_of(b"", "m.py", changed[2], b"key") == digest_of(b"", "m.py", backwards, b"key")


@given(st.lists(st.tuples(st.binary(max_size=8), st.text(min_size=1, max_size=8)), min_size=2, max_size=2, unique=True))
def test_texts_and_names_do_not_run_into_each_other(pairs: list[tuple[bytes, str]]) -> None:
    named = {(data, os.path.basename(name)) for data, name in pairs}
    assert len({digest_of(data, name, LintSettings(), b"key") for data, name in named}) == len(named)


# What decides beside a file and its settings


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """This package and a LibCST that has nothing but a version, where they can be changed."""
    target = tmp_path / "library"
    shutil.copytree(
        ROOT / "flake8_nnx_treemap", target / "flake8_nnx_treemap", ignore=shutil.ignore_patterns("__pycache__")
    )
    return target


def in_library(library: Path, code: str, **environment: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=library.parent, env={**os.environ, "PYTHONPATH": str(library), **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return run.stdout.strip()


FINGERPRINT = "from flake8_nnx_treemap.project.cache import open_cache; print(open_cache('kept').fingerprint)"


def test_a_change_of_what_runs_counts(library: Path) -> None:
    (library / "libcst").mkdir()
    (library / "libcst" / "__init__.py").touch()
    version = library / "libcst" / "_version.py"
    version.write_text("__version__ = '1.4.0'\n")
    seen = {in_library(library, FINGERPRINT)}
    moved = library.rename(library.with_name("elsewhere"))
    (moved / "flake8_nnx_treemap" / "names.py").touch()
    assert {in_library(moved, FINGERPRINT)} == seen, "neither where it is installed counts, nor when"
    ours = moved / "flake8_nnx_treemap" / "__init__.py"
    ours.write_text(ours.read_text().replace('__version__ = "', '__version__ = "1'))
    seen.add(in_library(moved, FINGERPRINT))
    (moved / "libcst" / "_version.py").write_text("__version__ = '1.4.1'\n")
    seen.add(in_library(moved, FINGERPRINT))
    seen.add(in_library(moved, FINGERPRINT, LIBCST_PARSER_TYPE="pure"))
    seen.add(in_library(moved, f"import sys; sys.version = 'another Python'; {FINGERPRINT}"))
    assert len(seen) == 5
    (moved / "libcst" / "_version.py").unlink()
    assert in_library(moved, FINGERPRINT.replace(".fingerprint", "")) == "None", "in doubt there is no cache"


def test_a_mistake_of_ours_is_not_remembered_after_its_repair(library: Path, folder: Path) -> None:
    checking = library / "flake8_nnx_treemap" / "rules" / "checking.py"
    right = checking.read_text()
    checking.write_text(right.replace("    return sorted(", "    return [] and sorted("))
    command = "from flake8_nnx_treemap.cli import main; main(['--check', '--isolated', '--cache', 'bug.py'])"
    assert in_library(library, command) == "All checks passed!"
    checking.write_text(right)
    assert "bug.py:3" in in_library(library, command)


def test_what_changes_during_a_run_is_not_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = opened(folder)
    monkeypatch.setenv("LIBCST_PARSER_TYPE", "another")
    run(files(folder), (), Task(ISOLATED), 1, cache=cache)
    assert not (folder / "kept").exists()


# Other files


HELPERS = "from flax import nnx\n\n\ndef is_variable_leaf(x):\n    return {test}\n"
HARMLESS, HARMFUL = (HELPERS.format(test=test) for test in ("x is None", "isinstance(x, nnx.VariableState)"))
USER = """\
import jax
from {module} import is_variable_leaf  # nnx

jax.tree.map(lambda v: v.value, state, is_leaf=is_variable_leaf)
"""


@pytest.mark.parametrize("before", [HARMLESS, "def is_variable_leaf(x:\n", None])
@pytest.mark.parametrize("jobs", [1, 4])
def test_a_change_of_another_file_counts(tmp_path: Path, before: str | None, jobs: int) -> None:
    (tmp_path / "between.py").write_text("from helpers import is_variable_leaf  # nnx\n")
    for number in range(36):
        (tmp_path / f"user_{number}.py").write_text(USER.format(module="between"))
    (tmp_path / "other.py").write_text(USER.format(module="helpers") + "# nnx\n")
    if before is not None:
        (tmp_path / "helpers.py").write_text(before)
    assert not any(report.findings for report in check(tmp_path, jobs=jobs))
    assert "between.py" not in unknown(tmp_path)
    (tmp_path / "helpers.py").write_text(HARMFUL)
    found = [os.path.basename(report.path) for report in check(tmp_path, jobs=jobs) if report.findings]
    assert len(found) == 37
    assert "other.py" in found


STEPS = st.lists(
    st.tuples(
        st.sampled_from([ISOLATED, replace(ISOLATED, select=("NNX102",))]),
        st.sampled_from(["a.py", "helpers.py", "__init__.py", "a.md"]),
        st.sampled_from([BUG, CLEAN, SILENCED, BROKEN, HARMLESS, HARMFUL, USER.format(module="helpers")]),
    ),
    min_size=2,
    max_size=6,
)


@given(STEPS)
def test_whatever_changes_it_says_what_is_said_without_it(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Overrides, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("changing")
    (folder / "user.py").write_text(USER.format(module="helpers"))
    for overrides, name, text in steps:
        (folder / name).write_text(text)
        assert check(folder, overrides) == run(files(folder), (), Task(overrides), 1)


# What changes meanwhile


@pytest.mark.parametrize(("at_first", "then"), [(CLEAN, BUG), (BUG, CLEAN), (CLEAN, CLEAN + "# more\n")])
def test_a_file_that_changes_before_it_is_analysed(tmp_path: Path, at_first: str, then: str) -> None:
    (tmp_path / "a.py").write_text(CLEAN)
    check(tmp_path)
    second = tmp_path / "b.py"
    (tmp_path / "a.py").write_text(CLEAN + "# new, so that there is something to do before the second file\n")
    second.write_text(at_first)
    reports = run(
        files(tmp_path), (), Task(ISOLATED), 1, on_done=lambda: second.write_text(then) and None, cache=opened(tmp_path)
    )
    assert [bool(report.findings) for report in reports] == ([True] if then == BUG else [])
    assert ("b.py" in unknown(tmp_path)) == (then == BUG)
    second.write_text(at_first)
    assert unknown(tmp_path) == ["b.py"]
    assert [report.path for report in check(tmp_path)] == ([str(second)] if at_first == BUG else [])


def test_what_another_run_has_added_is_kept(folder: Path) -> None:
    first, second = opened(folder), opened(folder)
    first.remember([b"a" * DIGEST_SIZE])
    second.remember([b"b" * DIGEST_SIZE])
    assert opened(folder).digests == {b"a" * DIGEST_SIZE, b"b" * DIGEST_SIZE}


def test_runs_at_once_do_not_damage_it(tmp_path: Path) -> None:
    code = """\
import sys
from flake8_nnx_treemap.project.cache import open_cache
for number in range(60):
    cache = open_cache("kept")
    cache.remember([f"{sys.argv[1]}{number:015}".encode()])
    assert cache.problem is None, cache.problem
"""
    runs = [subprocess.Popen([sys.executable, "-c", code, name], cwd=tmp_path) for name in "abc"]
    assert [run.wait() for run in runs] == [0, 0, 0]
    digests = opened(tmp_path).digests
    assert digests <= {f"{name}{number:015}".encode() for name in "abc" for number in range(60)}
    assert sorted(os.listdir(tmp_path / "kept")) == [".gitignore", "CACHEDIR.TAG", NAME]


# Its file and folder


def test_the_folder_says_what_it_is(folder: Path) -> None:
    check(folder)
    assert (folder / "kept" / ".gitignore").read_text().splitlines()[-1] == "*"
    tag = (folder / "kept" / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


def test_a_folder_with_other_things_is_not_marked(folder: Path) -> None:
    (folder / "kept").mkdir()
    (folder / "kept" / "mine").touch()
    check(folder)
    assert sorted(os.listdir(folder / "kept")) == ["mine", NAME]


def test_nothing_new_is_nothing_written(folder: Path) -> None:
    check(folder)
    before = (folder / "kept" / NAME).stat()
    check(folder)
    after = (folder / "kept" / NAME).stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_it_grows_to_a_bound_and_forgets_what_came_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches, "MOST_DIGESTS", 5)
    digests = [bytes([number]) * DIGEST_SIZE for number in range(8)]
    for digest in digests:
        opened(folder).remember([digest])
    assert opened(folder).digests == frozenset(digests[3:])
    opened(folder).remember(digests)
    assert len(opened(folder).digests) == 5
    assert check(folder) == run(files(folder), (), Task(ISOLATED), 1)


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[:-5],
    "shifted": lambda data: b"x" + data,
    "empty": lambda data: b"",
    "foreign": lambda data: b"# Mine\n" * 1000,
    "too long": lambda data: data * caches.MOST_DIGESTS,
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_file_costs_an_analysis(folder: Path, how: str) -> None:
    expected = check(folder)
    kept = folder / "kept" / NAME
    kept.write_bytes(DAMAGED[how](kept.read_bytes()))
    assert check(folder) == expected
    assert unknown(folder) == ["broken.py", "bug.ipynb", "bug.py"], "it is whole again"


@given(st.binary(max_size=100), st.integers(0, 120), st.integers(0, 120))
def test_no_bytes_change_a_report(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, start: int, length: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    expected = check(folder)
    kept = folder / "kept" / NAME
    data = kept.read_bytes()
    kept.write_bytes(data[:start] + junk + data[start + length :])
    assert check(folder) == expected == check(folder)


OBSTACLES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a file for the folder": ("kept", Path.touch),
    "a file above the folder": (".", lambda path: None),
    "a folder for the file": (f"kept/{NAME}", Path.mkdir),
    "a link that leads nowhere": ("kept", lambda path: path.symlink_to(path.parent / "absent")),
    "a link in a circle": ("kept", lambda path: path.symlink_to(path)),
    "no name": ("kept", lambda path: None),
}


@pytest.mark.parametrize("what", OBSTACLES)
def test_what_stands_in_its_way_fails_no_run(folder: Path, what: str) -> None:
    name, put = OBSTACLES[what]
    (folder / name).parent.mkdir(exist_ok=True)
    put(folder / name)
    place = {"a file above the folder": "bug.py/kept", "no name": "nul\0l"}.get(what, "kept")
    cache = open_cache(f"{folder}/{place}")
    assert cache is not None
    assert run(files(folder), (), Task(ISOLATED), 1, cache=cache) == run(files(folder), (), Task(ISOLATED), 1)
    assert cache.problem is not None
    assert "\n" not in cache.problem
    assert not list(folder.rglob(".nnx-fix-*"))


def test_a_pipe_in_its_place_is_left_alone(folder: Path) -> None:
    (folder / "kept").mkdir()
    os.mkfifo(folder / "kept" / NAME)
    check(folder)
    assert stat.S_ISFIFO((folder / "kept" / NAME).stat().st_mode)


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that somebody who is not root may enter; those above pytest's are closed to them."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    (folder / "clean.py").write_text(CLEAN)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def problem_as_nobody(folder: Path, prepare: Callable[[], object]) -> str:
    """What somebody who is not root is told about the cache in a folder."""
    run(files(folder), (), Task(ISOLATED), 1, cache=open_cache(str(folder / "imports")))  # While all can be read.
    shutil.rmtree(folder / "imports")
    cache = opened(folder)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            prepare()
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            caches._fingerprint = lambda: cache.fingerprint  # This environment may be closed to them.
            reports = run(files(folder), (), Task(ISOLATED), 1, cache=cache)
            os.write(writer, f"{len(reports)} reports; {cache.problem}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as said:
        return said.read()


def test_a_read_only_folder(open_to_all: Path) -> None:
    said = problem_as_nobody(open_to_all, lambda: open_to_all.chmod(0o555))
    assert said == f"0 reports; the cache in {open_to_all / 'kept'}: permission denied"
    assert stat.S_IMODE(open_to_all.stat().st_mode) == 0o555
    assert files(open_to_all) == [str(open_to_all / "clean.py")]


def test_a_read_only_cache(open_to_all: Path) -> None:
    def prepare() -> None:
        (open_to_all / "kept").mkdir(mode=0o555)

    said = problem_as_nobody(open_to_all, prepare)
    assert said == f"0 reports; the cache in {open_to_all / 'kept'}: cannot be written: permission denied"


def test_a_full_disk(open_to_all: Path) -> None:
    said = problem_as_nobody(open_to_all, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)))
    assert said == f"0 reports; the cache in {open_to_all / 'kept'}: cannot be written: file too large"
    assert not list(open_to_all.rglob(".nnx-fix-*"))


# Where it is


@pytest.mark.parametrize(
    ("table", "overrides", "expected"),
    [
        ("", Overrides(), None),
        ("", Overrides(cache=True), "{root}/.nnx_treemap_cache"),
        ("cache = true", Overrides(), "{root}/.nnx_treemap_cache"),
        ("cache = true", Overrides(cache=False), None),
        ("cache = true", Overrides(cache=False, cache_dir="x"), None),
        ("cache = true", Overrides(is_isolated=True), None),
        ("cache = true\ncache-dir = 'a/b'", Overrides(), "{root}/a/b"),
        ("cache = true\ncache-dir = '/a/b'", Overrides(), None),
        ("cache = true\ncache-dir = '../b'", Overrides(), None),
        ("cache = true\ncache-dir = 'a/../../b'", Overrides(), None),
        ("cache-dir = 'a/b'", Overrides(), None),
        ("cache-dir = 'a/b'", Overrides(cache=True), "{root}/a/b"),
        ("cache-dir = 'a/b'", Overrides(cache=True, is_isolated=True), ".nnx_treemap_cache"),
        ("cache-dir = 'a/b'", Overrides(cache_dir="x"), "x"),
        ("selekt = []", Overrides(), None),
        ("selekt = []", Overrides(cache=True), ".nnx_treemap_cache"),
        (None, Overrides(cache=True), ".nnx_treemap_cache"),
    ],
)
def test_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str | None, overrides: Overrides, expected: str | None
) -> None:
    if table is not None:
        (tmp_path / "pyproject.toml").write_text(f"[tool.nnx-treemap]\n{table}\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "pyproject.toml").write_text("[project]\n")
    monkeypatch.chdir(tmp_path / "sub")
    forget_configuration()
    assert cache_folder(overrides) == (expected and expected.format(root=tmp_path))
