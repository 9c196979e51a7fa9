"""Counts what ast-grep and semgrep find in the cases of NNX101, with the rules beside this file.

pip install ast-grep-cli semgrep && python benchmarks/other_tools/count.py
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).resolve().parent
CASES = HERE.parents[1] / "tests" / "rules"
sys.path.insert(0, str(CASES))

from cases import cases_in  # noqa: E402

Place = tuple[str, int, int]
"""A file's name, and the first and last row of what was found."""


def main() -> None:
    """Write the cases to a folder, run each tool on it, and print what it found and missed."""
    with TemporaryDirectory() as name:
        expected = _written(Path(name))
        for tool, found in (("ast-grep", _ast_grep(name)), ("semgrep", _semgrep(name)), ("nnx-fix", _nnx_fix(name))):
            hits = {place for place in expected if any(_covers(one, place) for one in found)}
            false = [one for one in found if not any(_covers(one, place) for place in expected)]
            print(f"{tool}: {len(hits)} of {len(expected)} found, {len(false)} false alarms")


def _written(folder: Path) -> set[tuple[str, int]]:
    expected = set()
    for number, case in enumerate(cases_in(CASES / "NNX101.md")):
        (folder / f"case{number}.py").write_text(case.text, encoding="utf-8")
        expected |= {(f"case{number}.py", row) for row, code in case.expected if code == "NNX101"}
    return expected


def _covers(found: Place, place: tuple[str, int]) -> bool:
    return found[0] == place[0] and found[1] <= place[1] <= found[2]


def _ast_grep(folder: str) -> set[Place]:
    command = ["ast-grep", "scan", "--rule", str(HERE / "ast_grep.yml"), "--json", folder]
    return _places(
        _output(command), lambda one: (one["file"], one["range"]["start"]["line"] + 1, one["range"]["end"]["line"] + 1)
    )


def _semgrep(folder: str) -> set[Place]:
    command = [
        "semgrep",
        "scan",
        "--config",
        str(HERE / "semgrep.yml"),
        "--metrics",
        "off",
        "--disable-version-check",
        "--json",
        folder,
    ]
    return _places(_output(command)["results"], lambda one: (one["path"], one["start"]["line"], one["end"]["line"]))


def _nnx_fix(folder: str) -> set[Place]:
    command = ["nnx-fix", "--check", "--isolated", "--select", "NNX101", "--target-flax", "portable"]
    found = _output([*command, "--output-format", "json", folder])
    return _places(found, lambda one: (one["filename"], one["location"]["row"], one["end_location"]["row"]))


def _output(command: list[str]) -> Any:
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)


def _places(entries: Iterable[Any], place_of: Callable[[Any], Place]) -> set[Place]:
    return {(Path(path).name, first, last) for path, first, last in map(place_of, entries)}


if __name__ == "__main__":
    main()
