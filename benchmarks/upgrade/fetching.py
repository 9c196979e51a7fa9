"""Fetches a source distribution of a pinned hash from the package index, and makes environments to run its tests in."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import tomllib

TABLE = Path(__file__).resolve().with_name("projects.toml")
INDEX = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
JSON = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True)
class Release:
    """A release of Flax with a JAX that works with it."""

    flax: str
    jax: str


@dataclass(frozen=True)
class Project:
    """One row of ``projects.toml``."""

    name: str
    version: str
    sha256: str
    what: str
    flax: str
    jax: str
    tests: tuple[str, ...]
    source: str = "."
    """The folder that goes on the path, below the unpacked distribution."""
    shown: str = ""
    """The file whose diff is shown."""
    requirements: tuple[str, ...] = ()
    """What the tests need beside what the project declares."""
    by_hand: tuple[dict[str, str], ...] = ()
    """What nnx-fix does not write: the ``place``, what to ``write`` there, and ``why`` it is not told."""

    @property
    def written_for(self) -> Release:
        """The releases that it was written for."""
        return Release(self.flax, self.jax)


def read_projects() -> tuple[Release, list[Project]]:
    """Return the newest releases, and all projects."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    rows = [{key: tuple(one) if isinstance(one, list) else one for key, one in row.items()} for row in table["project"]]
    return Release(**table["newest"]), [Project(**row) for row in rows]


def download(project: Project, folder: Path) -> Path:
    """Fetch and unpack a source distribution.

    Args:
        project: what to fetch.
        folder: an empty folder.

    Returns:
        The distribution's root, below ``folder``.

    Raises:
        SystemExit: the index has not got the file that is pinned.
    """
    page = f"{INDEX.rstrip('/')}/{project.name}/"
    files = json.loads(_read(urllib.request.Request(page, headers={"Accept": JSON})))["files"]
    urls = [file["url"] for file in files if file["hashes"].get("sha256") == project.sha256]
    data = _read(urllib.request.Request(urllib.parse.urljoin(page, urls[0]))) if urls else b""
    if hashlib.sha256(data).hexdigest() != project.sha256:
        raise SystemExit(f"{project.name} {project.version}: the index has not got the file that is pinned")
    archive = folder / "sdist.tar.gz"
    archive.write_bytes(data)
    with tarfile.open(archive) as opened:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and later; Debian 12 has 3.11.2.
            opened.extraction_filter = tarfile.data_filter
        opened.extractall(folder / "unpacked")
    (root,) = (folder / "unpacked").iterdir()
    return root


def _read(request: urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request, timeout=300) as answer:
        data: bytes = answer.read()
        return data


def environment(project: Project, release: Release, root: Path, place: Path) -> Path:
    """Make a virtual environment with what the project needs, unless it is there.

    Args:
        project: whose tests it is for.
        release: the Flax and JAX in it.
        root: the unpacked distribution, which says what else the project needs.
        place: where the environment is.

    Returns:
        Its Python.
    """
    python = place / "bin" / "python"
    if not python.exists():
        subprocess.run(("uv", "venv", "--quiet", "--python", sys.executable, str(place)), check=True)
        pins = (f"flax=={release.flax}", f"jax=={release.jax}", f"jaxlib=={release.jax}", "pytest<9")
        words = ("uv", "pip", "install", "--quiet", "--python", str(python), str(root), *pins, *project.requirements)
        subprocess.run(words, check=True)
    return python
