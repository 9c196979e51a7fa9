"""Runs the tests of a project, and reads what came of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS = 1800
"""For one run."""
COLLECTION = "no tests could be collected"
_FRAME = re.compile(r'File "(?P<file>[^"\n]+)", line (?P<line>\d+)')


@dataclass(frozen=True)
class Failure:
    """Why a test failed: the innermost line of the project in its traceback, and the exception."""

    place: str
    error: str


@dataclass(frozen=True)
class Outcome:
    """What one run of a project's tests came to."""

    passed: frozenset[str]
    failed: dict[str, Failure]
    warned: tuple[str, ...]
    """The places of the project at which Flax warned of something deprecated, as ``file:line``."""


def run_tests(python: Path, tree: Path, source: str, tests: tuple[str, ...]) -> Outcome:
    """Run tests of one copy of a project.

    Args:
        python: the interpreter, in an environment that has what the tests need.
        tree: the copy.
        source: the folder in it that goes on the path.
        tests: files and folders.

    Returns:
        What came of it; no tests at all if pytest did not get as far as that.
    """
    results, warned = tree.with_name(f"{tree.name}.xml"), tree.with_name(f"{tree.name}.warned.json")
    variables = {
        "PYTHONPATH": os.pathsep.join([str(tree / source), str(tree), str(HERE)]),
        "JAX_PLATFORMS": "cpu",
        "UPGRADE_ROOT": str(tree),
        "UPGRADE_WARNED": str(warned),
    }
    # Collection goes on behind a module that cannot be imported; native tracebacks are the cheapest.
    words = ("-q", "--continue-on-collection-errors", "--tb=native", f"--junitxml={results}")
    plugins = ("-p", "warned_places", "-p", "no:cacheprovider")
    with tree.with_name(f"{tree.name}.log").open("w") as log:
        subprocess.run(
            [str(python), "-m", "pytest", *plugins, *words, *tests],
            cwd=tree,
            env={**os.environ, **variables},
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
    return read_outcome(results, warned, tree)


def read_outcome(results: Path, warned: Path, tree: Path) -> Outcome:
    """Read what pytest and our plugin wrote about one copy of a project."""
    if not results.exists():
        return Outcome(frozenset(), {COLLECTION: Failure("", COLLECTION)}, ())
    passed: set[str] = set()
    failed: dict[str, Failure] = {}
    for case in ElementTree.parse(results).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        wrong = next((one for kind in ("failure", "error") for one in case.iter(kind)), None)
        if wrong is not None:
            failed[name] = Failure(_place(wrong.text or "", tree), _first_line(wrong.get("message"), wrong.text))
        elif case.find("skipped") is None:
            passed.add(name)
    places = json.loads(warned.read_text()) if warned.exists() else []
    return Outcome(frozenset(passed - failed.keys()), failed, tuple(f"{file}:{line}" for file, line in places))


def _place(traceback: str, tree: Path) -> str:
    """The innermost line of the project, as ``file:line``; empty if there is none."""
    frames = [(Path(one["file"]), one["line"]) for one in _FRAME.finditer(traceback)]
    own = [(file, line) for file, line in frames if file.is_relative_to(tree)]
    return f"{own[-1][0].relative_to(tree)}:{own[-1][1]}" if own else ""


def _first_line(message: str | None, text: str | None) -> str:
    """The exception without the advice below it, and without what pytest puts before it."""
    if message in (None, "", "collection failure"):
        errors = [line for line in (text or "").splitlines() if re.match(r"(E +)?[\w.]+(Error|Exception)\b", line)]
        message = errors[-1].removeprefix("E").strip() if errors else message
    first = (message or "").strip().partition("\n")[0]
    return re.sub(r'^failed on (?:setup|teardown) with "(.*?)"?$', r"\1", first)[:300]


def causes(failures: list[Failure]) -> list[dict[str, object]]:
    """Count tests by the line at which they failed, most of them first."""
    counts = Counter((one.place, one.error) for one in failures)
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return [{"place": place, "error": error, "tests": count} for (place, error), count in rows]
