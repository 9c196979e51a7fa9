"""What each kind of project says about the Flax it supports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flake8_nnx_treemap.project import flax_floor
from flake8_nnx_treemap.project.flax_floor import infer_floor, parse_target


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    for function in (flax_floor.project_root, flax_floor._floor_of_project, flax_floor._installed_floor):
        function.cache_clear()
    yield
    for function in (flax_floor.project_root, flax_floor._floor_of_project, flax_floor._installed_floor):
        function.cache_clear()


@pytest.mark.parametrize(
    ("name", "text", "release"),
    [
        ("pyproject.toml", "[project]\ndependencies = ['jax', 'flax>=0.11.1,<1']\n", (0, 11, 1)),
        ("pyproject.toml", "[project]\ndependencies = ['Flax[all] ~= 0.12.1; python_version > \"3.8\"']\n", (0, 12, 1)),
        ("pyproject.toml", "[project.optional-dependencies]\nnnx = ['flax>0.12']\n", (0, 12)),
        (
            "pyproject.toml",
            "[project]\ndependencies = ['flax>=0.12']\n[dependency-groups]\nold = ['flax==0.11.*']\n",
            (0, 11),
        ),
        ("pyproject.toml", "[tool.poetry.dependencies]\nflax = '^0.12'\n", (0, 12)),
        ("pyproject.toml", "[tool.poetry.group.ml.dependencies]\nflax = {version = '0.11.2'}\n", (0, 11, 2)),
        ("pyproject.toml", "[project]\ndependencies = ['flax>=0.6']\n", (0, 10, 0)),
        ("setup.cfg", "[options]\ninstall_requires =\n  jax\n  flax>=0.12\n", (0, 12)),
        ("setup.cfg", "[options.extras_require]\nnnx = flax>=0.11\n", (0, 11)),
        ("requirements.txt", "-r other.txt\nflax==0.12.8  # pinned\n", (0, 12, 8)),
    ],
)
def test_lower_bound(tmp_path: Path, name: str, text: str, release: tuple[int, ...]) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "src").mkdir()
    floor = infer_floor(str(tmp_path / "src" / "module.py"))
    assert floor.release == release
    assert floor.decided_by == f"flax in {tmp_path / name}"


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock"])
def test_locked_version(tmp_path: Path, name: str) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\ndependencies = ['flax']\n")
    (tmp_path / name).write_text(
        "[[package]]\nname = 'jax'\nversion = '1'\n[[package]]\nname = 'flax'\nversion = '0.11.2'\n"
    )
    assert infer_floor(str(tmp_path / "m.py")).release == (0, 11, 2)


def test_the_nearest_project_counts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\ndependencies = ['flax>=0.12']\n")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "pyproject.toml").write_text("[project]\ndependencies = ['flax>=0.11']\n")
    assert infer_floor(str(tmp_path / "old" / "m.py")).release == (0, 11)
    assert infer_floor(str(tmp_path / "new.py")).release == (0, 12)


def test_broken_files_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    (tmp_path / "setup.cfg").write_bytes(b"\xff")
    (tmp_path / "requirements.txt").write_text("flax>=what\nflax-extras>=0.12\n")
    floor = infer_floor(str(tmp_path / "m.py"))
    assert floor.decided_by in ("default: portable", "the installed flax")


@pytest.mark.parametrize(
    ("value", "release"),
    [("0.12", (0, 12)), ("0.12.1", (0, 12, 1)), ("portable", (0, 10, 0)), ("0.8", (0, 10, 0)), ("1.0", (1, 0))],
)
def test_target(value: str, release: tuple[int, ...]) -> None:
    assert parse_target(value) == release


@pytest.mark.parametrize("value", ["", "12", "0.12.", "latest", "0.12.1.1", "-0.1", "0.12rc1", "٠.١٢"])
def test_no_target(value: str) -> None:
    with pytest.raises(ValueError, match=r"write 0\.12, 0\.12\.1 or portable"):
        parse_target(value)
