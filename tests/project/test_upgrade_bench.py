"""The bench that upgrades real projects, without a network and without Flax."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("tomllib")  # The bench runs on 3.11 and later, as Flax does.

import fetching
from outcomes import COLLECTION, Failure, Outcome, causes, run_tests
from upgrade import diff_of, fixed_copy, lost, shortfalls

FLAX = """\
import warnings

warnings.warn("Flax's own doing", DeprecationWarning, stacklevel=1)


def old():
    warnings.warn("gone soon", DeprecationWarning, stacklevel=1)


def inner():
    old()
"""
MODULE = """\
from flax.core import inner


def twice(x):
    inner()
    return 2 * x


def broken():
    return [][1]
"""
TESTS = """\
import pytest
from module import broken, twice


@pytest.mark.parametrize("x", [1, 2])
def test_twice(x):
    assert twice(x) == 2 * x


def test_broken():
    broken()


@pytest.fixture
def data():
    return broken()


def test_data(data):
    pass


@pytest.mark.skip
def test_skipped():
    pass
"""
SDIST = {"thing-1.0/src/module.py": MODULE, "thing-1.0/tests/test_module.py": TESTS, "thing-1.0/src/flax/core.py": FLAX}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in SDIST.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "thing-1.0"


def test_what_passed_what_failed_where_and_what_warned(tree: Path) -> None:
    outcome = run_tests(Path(sys.executable), tree, "src", ("tests",))
    assert outcome.passed == {"tests.test_module::test_twice[1]", "tests.test_module::test_twice[2]"}
    failure = Failure("src/module.py:10", "IndexError: list index out of range")
    assert outcome.failed == {"tests.test_module::test_broken": failure, "tests.test_module::test_data": failure}
    assert outcome.warned == ("src/module.py:5",)
    assert causes([failure, failure, Failure("", "x")]) == [
        {"place": "src/module.py:10", "error": "IndexError: list index out of range", "tests": 2},
        {"place": "", "error": "x", "tests": 1},
    ]


def test_a_module_that_cannot_be_imported_costs_its_tests_and_no_others(tree: Path) -> None:
    (tree / "tests" / "test_other.py").write_text("import module.nothing\n")
    outcome = run_tests(Path(sys.executable), tree, "src", ("tests",))
    assert len(outcome.passed) == 2
    failure = next(one for name, one in outcome.failed.items() if "test_other" in name)
    assert failure.error.startswith("ModuleNotFoundError: No module named 'module.nothing'")


def test_tests_that_do_not_start(tree: Path) -> None:
    (tree / "conftest.py").write_text("import nothing_of_that_name\n")
    outcome = run_tests(Path(sys.executable), tree, "src", ("tests",))
    assert (outcome.passed, list(outcome.failed)) == (frozenset(), [COLLECTION])


def _outcome(*passed: str) -> Outcome:
    return Outcome(frozenset(passed), {}, ())


def test_what_was_lost() -> None:
    before = _outcome("a", "b", "c")
    runs = {name: _outcome("a", "b", "c") for name in ("newest", "safe", "unsafe", "portable")}
    assert lost(before, runs) == []
    assert lost(before, {**runs, "portable": _outcome("a", "b")}) == ["c"]
    assert lost(before, {**runs, "newest": _outcome("a"), "unsafe": _outcome("b")}) == ["a"]
    assert lost(before, {**runs, "newest": _outcome("a"), "safe": _outcome("b")}) == ["a"]
    assert lost(_outcome("a"), {**runs, "unsafe": _outcome("a")}) == []


def test_what_is_claimed_and_not_reached() -> None:
    result = {"name": "thing", "tests": 10, "passed": {"unsafe": 9}, "lost": [], "newest": {"flax": "0.12.8"}}
    assert shortfalls(result) == []
    assert shortfalls({**result, "lost": ["a"]}) == ["thing: a was lost"]
    assert shortfalls({**result, "passed": {"unsafe": 8}}) == ["thing: 8 of 10 tests pass on Flax 0.12.8"]
    assert shortfalls({**result, "tests": 0, "passed": {"unsafe": 0}}) == ["thing: 0 of 0 tests pass on Flax 0.12.8"]


def test_a_copy_is_fixed_and_the_original_is_not(tree: Path, tmp_path: Path) -> None:
    old = "from flax import nnx\n\n\ndef f(p: nnx.Param):\n    return p.value\n"
    (tree / "src" / "module.py").write_text(old)
    copy = fixed_copy(tree, tmp_path / "copy", "--target-flax", "0.12.8")
    assert (copy / "src" / "module.py").read_text() == old.replace("p.value", "p.get_value()")
    assert (tree / "src" / "module.py").read_text() == old
    project = fetching.Project("thing", "1.0", "", "", "", "", (), shown="src/module.py")
    assert diff_of(project, tree, copy).splitlines()[-2:] == ["-    return p.value", "+    return p.get_value()"]


@pytest.fixture
def index(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An index that has the distribution; gives its hash."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        archive.add(tree, "thing-1.0")
    digest = hashlib.sha256(data.getvalue()).hexdigest()
    served = tmp_path / "served"
    (served / "thing").mkdir(parents=True)
    (served / "thing-1.0.tar.gz").write_bytes(data.getvalue())
    files = [{"filename": "thing-1.0.tar.gz", "url": "../thing-1.0.tar.gz", "hashes": {"sha256": digest}}]
    (served / "thing" / "index.html").write_text(json.dumps({"files": files}))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(fetching, "INDEX", f"http://127.0.0.1:{server.server_address[1]}")
        yield digest
        server.shutdown()


def test_a_distribution_is_fetched_by_its_hash(index: str, tmp_path: Path) -> None:
    folder = tmp_path / "fetched"
    folder.mkdir()
    project = fetching.Project("thing", "1.0", index, "", "", "", ())
    assert (fetching.download(project, folder) / "src" / "module.py").read_text() == MODULE
    with pytest.raises(SystemExit, match="the index has not got the file"):
        fetching.download(fetching.Project("thing", "1.0", "0" * 64, "", "", "", ()), folder)


def test_a_file_that_was_changed_is_refused(index: str, tmp_path: Path) -> None:
    (tmp_path / "served" / "thing-1.0.tar.gz").write_bytes(b"something else")
    with pytest.raises(SystemExit, match="the index has not got the file"):
        fetching.download(fetching.Project("thing", "1.0", index, "", "", "", ()), tmp_path)


def test_the_table_names_each_project_once_with_a_hash() -> None:
    _, projects = fetching.read_projects()
    assert len({project.name for project in projects}) == len(projects) >= 6
    for project in projects:
        assert len(bytes.fromhex(project.sha256)) == 32
        assert project.tests
        assert all({"place", "write", "why"} == set(row) for row in project.by_hand)


def test_the_small_project_of_ci_is_in_the_table() -> None:
    noxfile = (fetching.TABLE.parents[2] / "noxfile.py").read_text()
    _, projects = fetching.read_projects()
    assert any(f'SMALL_PROJECT = ("{project.name}", ' in noxfile for project in projects)


def test_nothing_is_imported_that_only_we_have() -> None:
    """The plugin runs in the other project's environment."""
    source = "import sys; old = set(sys.modules); import warned_places; print(set(sys.modules) - old)"
    run = subprocess.run(
        [sys.executable, "-c", source], cwd=fetching.TABLE.parent, capture_output=True, text=True, check=True
    )
    assert "flake8_nnx_treemap" not in run.stdout
