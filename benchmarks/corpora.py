"""Builds the bodies of code that benchmarks run on, from PyPI distributions and from templates."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

PLAIN = ("homeassistant==2024.3.3", "sympy==1.14.0", "pandas==2.3.3", "django==5.2.7", "scipy==1.16.3")
"""More than 10,000 files of Python that have nothing to do with NNX."""

HEAVY = ("flax==0.12.8",)
"""NNX from the inside: nearly every file mentions it."""

USING = ("google-tunix==0.1.7",)
"""A project that builds on it."""

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
        Folders by name: ``plain``, ``heavy``, ``tunix``, ``one`` (a file without a candidate), ``generated``; and
        ``torch``, which is ``heavy`` with a comment in each file that names torch, since TorchFix reads no other files.
    """
    root.mkdir(parents=True, exist_ok=True)
    bodies = {"plain": PLAIN, "heavy": HEAVY, "tunix": USING}
    folders = {name: download(requirements, root / name) for name, requirements in bodies.items()}
    torch = root / "torch"
    for path in folders["heavy"].rglob("*.py"):
        copy = torch / path.relative_to(folders["heavy"])
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(f"{path.read_text(encoding='utf-8')}\n# torch\n", encoding="utf-8")
    one = root / "one"
    one.mkdir(exist_ok=True)
    (one / "module.py").write_text("import jax\n\n\ndef double(x):\n    return jax.numpy.add(x, x)\n")
    made = root / "generated"
    made.mkdir(exist_ok=True)
    for findings, lines in GENERATED:
        (made / f"findings{findings}_lines{lines}.py").write_text(generated(findings, lines))
    return {**folders, "one": one, "torch": torch, "generated": made}


def count(folder: Path) -> int:
    """How many Python files a folder holds."""
    return sum(1 for _ in folder.rglob("*.py"))
