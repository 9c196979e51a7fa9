"""Puts together what ``try.md`` runs in the browser: Pyodide from npm, our engine, and LibCST's Python files.

    python docs/tools/playground.py node_modules/pyodide

writes ``docs/assets/playground/``, which is not committed. There is no wheel of LibCST for the browser on PyPI or npm:
its parser is compiled. LibCST also ships an older parser in Python; ``pure_parser.py`` puts that in its place.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import libcst
from measurements import DOCS, ROOT

PLAYGROUND = DOCS / "assets" / "playground"
PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
_LEFT_OUT = {"tests", "testing", "codemod", "display", "codegen", "__pycache__"}


def engine_files() -> Iterator[tuple[str, Path]]:
    """Every file of the engine: its name in the archive, and where it lies."""
    package = ROOT / "flake8_nnx_treemap"
    for pattern in (
        "*.py",
        "analysis/**/*.py",
        "rules/*.py",
        "fixing/*.py",
        "codemod/*.py",
        "project/**/*.py",
        "data/*.py",
    ):
        for path in sorted(package.glob(pattern)):
            yield str(path.relative_to(ROOT)), path
    installed = Path(libcst.__file__).parent
    for path in sorted(installed.rglob("*.py")):
        name = path.relative_to(installed)
        if not _LEFT_OUT & set(name.parts):
            yield f"libcst/{name}", path
    yield "libcst/native.py", Path(__file__).with_name("pure_parser.py")
    yield "playground_page.py", Path(__file__).with_name("playground_page.py")


def write_engine(archive: Path) -> None:
    """Write the engine as a zip file that is the same in each run."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, path in engine_files():
            packed.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)


def build(pyodide: Path) -> None:
    """Write the whole directory anew."""
    shutil.rmtree(PLAYGROUND, ignore_errors=True)
    PLAYGROUND.mkdir(parents=True)
    for name in PYODIDE_FILES:
        shutil.copyfile(pyodide / name, PLAYGROUND / name)
    write_engine(PLAYGROUND / "engine.zip")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Put together the page to try it.")
    parser.add_argument("pyodide", type=Path, help="the unpacked npm package, such as node_modules/pyodide")
    build(parser.parse_args().pyodide)
    return 0


if __name__ == "__main__":
    sys.exit(main())
