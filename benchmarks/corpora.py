"""Builds the bodies of code that benchmarks run on, from PyPI distributions and from templates."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

PLAIN = ("homeassistant==2024.3.3", "sympy==1.14.0", "pandas==2.3.3", "django==5.2.7", "scipy==1.16.3")
"""More than 10,000 files of Python that have nothing to do with NNX."""

USERS = (
    *("easydel==0.3.0", "google-tunix==0.1.7", "qwix==0.1.8", "tpu-inference==0.32.0", "gpjax==1.0.0"),
    *("netket==3.23.0", "numpyro==0.22.0", "avitai-artifex==0.1.15", "jax2onnx==0.17.1", "opifex==0.2.10"),
    *("flax==0.10.7", "flax==0.11.2", "flax==0.12.8", "maxtext==0.2.5", "gensbi==0.5.1", "bijx==1.3.2"),
    *("blaxbird==0.2.0", "nmn==0.3.5", "jraphx==0.1.0", "datarax==0.1.17", "diffbio==0.1.9", "dantinox==0.4.14"),
    *("nnx-ppo==0.3.0", "jaxnn==0.2.0", "faustax==0.0.1", "substrax==0.1.22", "flaxdiff==0.2.11", "jaxili==0.1.3"),
    *("optax==0.2.8", "orbax-checkpoint==0.12.8", "grain==0.2.18", "keras==3.15.1", "sglang-jax==0.0.2"),
    *("eformer==0.0.101", "timesfm==3.0.2", "memorax==1.0.1", "pinnx==0.0.4", "jimmy-vision==0.0.7"),
)
"""Projects that use NNX, or are used beside it."""

INSTALLED = ("flax==0.12.8", "optax==0.2.8", "scipy==1.16.3", "sympy==1.14.0", "pandas==2.3.3")
"""What is in a site-packages with Flax, together with what these need."""

HEAVY = ("flax==0.12.8",)
"""NNX from the inside: nearly every file mentions it."""

USING = ("google-tunix==0.1.7",)
"""A project that builds on it."""

INDEX = "https://pypi.org/simple"
KEPT = (".py", ".ipynb")

GENERATED = ((1, 1_000), (10, 1_000), (1_000, 6_000), (10_000, 40_000), (10, 100_000))
"""Generated files: how many findings, in about how many lines."""

HEADER = "import jax\nfrom flax import nnx\n\n"
FINDING = """\
def convert{0}(state):
    return jax.tree.map(lambda v: v.value * {0}, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))


"""
PLAIN_FUNCTION = """\
def scale{0}(state, factor):
    scaled = {{key: value * factor + {0} for key, value in state.items()}}
    return nnx.State(scaled)


"""


def download(requirements: tuple[str, ...], folder: Path) -> Path:
    """Unpack the Python files of distributions below a folder, once."""
    if not folder.exists():
        wheels = folder.with_suffix(".wheels")
        for requirement in requirements:
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--dest",
                str(wheels),
                requirement,
            ]
            subprocess.run(command, check=True)
        for wheel in sorted(wheels.glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".py")])
    return folder


def unpack_sources(requirements: tuple[str, ...], folder: Path) -> Path:
    """Unpack the code and the notebooks of source distributions below a folder, once.

    Not by pip, which runs each project's build to learn its metadata; a project without sources gives its wheel.
    """
    for requirement in requirements:
        into = folder / requirement
        if into.exists():
            continue
        data, is_wheel = _fetched(*requirement.split("=="))
        partial = folder / f"{requirement}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        for name, content in _members_of_wheel(data) if is_wheel else _members_of_sources(data):
            parts = PurePosixPath(name).parts
            if name.endswith(KEPT) and ".." not in parts and not name.startswith("/"):
                path = partial.joinpath(*parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        partial.rename(into)
    return folder


def _fetched(name: str, version: str) -> tuple[bytes, bool]:
    """A distribution of a release, checked against the index's digest, and whether it is a wheel."""
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    with urllib.request.urlopen(urllib.request.Request(f"{INDEX}/{name}/", headers=accept)) as answer:
        files = json.load(answer)["files"]
    of_release = [file for file in files if f"-{version}" in file["filename"]]
    sources = [file for file in of_release if file["filename"].endswith(f"-{version}.tar.gz")]
    wheels = [file for file in of_release if file["filename"].endswith(".whl") and f"-{version}-" in file["filename"]]
    (chosen, *_) = sources or wheels
    with urllib.request.urlopen(chosen["url"]) as answer:
        data: bytes = answer.read()
    if hashlib.sha256(data).hexdigest() != chosen["hashes"]["sha256"]:
        raise ValueError(f"{chosen['url']} is not what the index says")
    return data, not sources


def _members_of_sources(data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if member.isfile() and (file := archive.extractfile(member)) is not None:
                yield member.name, file.read()


def _members_of_wheel(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def installed(requirements: tuple[str, ...], folder: Path) -> Path:
    """Install distributions and what they need into a folder, once."""
    if not folder.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary", ":all:"]
        subprocess.run([*command, "--target", str(folder), *requirements], check=True)
    return folder


def of_users(folder: Path, into: Path) -> Path:
    """Copies of the files that name nnx, with a comment that names torch, as TorchFix reads no other files."""
    if not into.exists():
        for path in sorted(folder.rglob("*.py")):
            data = path.read_bytes()
            if b"nnx" in data.replace(b"onnx", b""):
                copy = into / path.relative_to(folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(data + b"\n# torch\n")
    return into


def generated(findings: int, lines: int) -> str:
    """A module with so many findings, filled up with functions that have none to about so many lines."""
    parts = [HEADER, *(FINDING.format(index) for index in range(findings))]
    missing = max(lines - 4 * findings, 0) // 5
    return "".join([*parts, *(PLAIN_FUNCTION.format(index) for index in range(missing))]).rstrip("\n") + "\n"


def build(root: Path) -> dict[str, Path]:
    """Build every body of code.

    Args:
        root: where to keep them.

    Returns:
        Folders by name: ``users``, ``named`` (their files that name nnx), ``installed``, ``plain``, ``heavy``,
        ``tunix``, ``one`` (a file without a candidate, and one with a finding) and ``generated``.
    """
    root.mkdir(parents=True, exist_ok=True)
    bodies = {"plain": PLAIN, "heavy": HEAVY, "tunix": USING}
    folders = {name: download(requirements, root / name) for name, requirements in bodies.items()}
    folders["users"] = unpack_sources(USERS, root / "users")
    folders["named"] = of_users(folders["users"], root / "named")
    folders["installed"] = installed(INSTALLED, root / "installed")
    one = root / "one"
    one.mkdir(exist_ok=True)
    (one / "module.py").write_text("import jax\n\n\ndef double(x):\n    return jax.numpy.add(x, x)\n")
    (one / "finding.py").write_text(generated(1, 0))
    made = root / "generated"
    made.mkdir(exist_ok=True)
    for findings, lines in GENERATED:
        (made / f"findings{findings}_lines{lines}.py").write_text(generated(findings, lines))
    return {**folders, "one": one, "generated": made}


def count(folder: Path, word: bytes = b"") -> int:
    """How many Python files and notebooks below a folder hold a word."""
    return sum(word in path.read_bytes() for kind in KEPT for path in folder.rglob(f"*{kind}"))
