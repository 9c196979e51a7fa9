"""What is published is small, and has nothing in it that a build or a test leaves behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = (
    "site/index.html",
    "docs/assets/playground/pyodide.wasm",
    "docs/tools/node_modules/pyodide/pyodide.js",
    "editors/vscode/node_modules/typescript/tsc.js",
    "editors/vscode/nnx-treemap.vsix",
    ".nox/tests-3-12/pyvenv.cfg",
    ".venv/pyvenv.cfg",
    "build/lib/a.py",
    "dist/flake8_nnx_treemap-0.0.1.tar.gz",
    "flake8_nnx_treemap/__pycache__/cli.cpython-312.pyc",
)
NEEDED = ("README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "noxfile.py", "flake8_nnx_treemap/cli.py")

pytestmark = [
    pytest.mark.skipif(not (ROOT / ".git").exists() or shutil.which("git") is None, reason="this is no clone"),
    pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling is not installed"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel, which are built where everything else was built before."""
    folder = tmp_path_factory.mktemp("work")
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    for name in LEFT_BEHIND:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"left behind")
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder / "out")]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    return folder / "out"


def test_nothing_that_was_built_is_in_the_sdist(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert names.isdisjoint(LEFT_BEHIND)
    assert names >= {*NEEDED}
    assert archive.stat().st_size < 1_000_000


def test_the_wheel_has_the_package_and_nothing_else(built: Path) -> None:
    (archive,) = built.glob("*.whl")
    with zipfile.ZipFile(archive) as opened:
        names = {name for name in opened.namelist() if ".dist-info/" not in name}
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "flake8_nnx_treemap").rglob("*") if path.is_file()}
    assert names == {name for name in package if "__pycache__" not in name}
    assert archive.stat().st_size < 1_000_000
