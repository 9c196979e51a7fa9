"""Upgrades real projects from an older Flax to the newest by ``nnx-fix`` alone, and counts their own tests.

``projects.toml`` names source distributions on PyPI that carry their tests. Each is downloaded and compared with its
hash, and its tests run five times: on the Flax that it was written for; on the newest as it is, after safe fixes, and
after ``--unsafe-fixes``; and on the old one again after ``--target-flax portable``. Only tests that pass on the old
Flax count. ``nox -s upgrade`` runs this; the exit code is 1 where less is reached than is claimed.
"""

from __future__ import annotations

import argparse
import difflib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fetching import Project, Release, download, environment, read_projects
from outcomes import Outcome, causes, run_tests

AT_LEAST = 0.9
"""The share of tests that must pass on the newest Flax after all fixes."""
SAID = ("name", "version", "what", "flax", "by_hand")
"""What the results say of a project as its row does."""
FIX = (sys.executable, "-m", "flake8_nnx_treemap", "--isolated", "--exit-zero")


def measure(project: Project, newest: Release, folder: Path) -> dict[str, Any]:
    """Upgrade one project.

    Args:
        project: which one.
        newest: to which releases.
        folder: where environments, copies and logs are kept.

    Returns:
        What the page says about it.
    """
    work = folder / project.name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    root = download(project, work)
    places = folder / "environments"
    old = environment(project, project.written_for, root, places / f"{project.name}-{project.flax}")
    new = environment(project, newest, root, places / f"{project.name}-{newest.flax}")
    target = ("--target-flax", newest.flax)

    def tests(python: Path, name: str, *options: str) -> Outcome:
        outcome = run_tests(python, fixed_copy(root, work / name, *options), project.source, project.tests)
        print(f"{project.name}, {name}: {len(outcome.passed)} passed, {len(outcome.failed)} failed", flush=True)
        return outcome

    before = tests(old, "old")
    runs = {
        "newest": tests(new, "newest"),
        "safe": tests(new, "safe", *target),
        "unsafe": tests(new, "unsafe", *target, "--unsafe-fixes"),
        "portable": tests(old, "portable", "--target-flax", "portable", "--unsafe-fixes"),
    }
    return {
        **{key: value for key, value in asdict(project).items() if key in SAID},
        "tests": len(before.passed),
        "newest": asdict(newest),
        "passed": {name: len(before.passed & one.passed) for name, one in runs.items()},
        "warned": {name: len(one.warned) for name, one in runs.items()},
        "lost": lost(before, runs),
        "left": causes([runs["unsafe"].failed[name] for name in sorted(before.passed & runs["unsafe"].failed.keys())]),
        "findings": findings(root, *target),
        "diff": diff_of(project, root, work / "unsafe"),
    }


def fixed_copy(root: Path, copy: Path, *options: str) -> Path:
    """Copy a project, and run ``nnx-fix`` on the copy if there are options for it."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy)
    if options:
        subprocess.run([*FIX, "--silent", *options, "."], cwd=copy, check=False)  # 2: a file is no Python of today.
    return copy


def findings(root: Path, *options: str) -> list[dict[str, Any]]:
    """What ``--statistics`` says of a project before anything is fixed."""
    command = [*FIX, "--check", "--statistics", "--output-format", "json", *options, "."]
    run = subprocess.run(command, cwd=root, check=False, stdout=subprocess.PIPE, text=True)
    counts: list[dict[str, Any]] = json.loads(run.stdout)
    return counts


def lost(before: Outcome, runs: dict[str, Outcome]) -> list[str]:
    """The tests that a rewrite has broken: they passed on the same Flax without it."""
    on_newest = before.passed & runs["newest"].passed
    broken = (on_newest - runs["safe"].passed) | (on_newest - runs["unsafe"].passed)
    return sorted(broken | (before.passed - runs["portable"].passed))


def diff_of(project: Project, root: Path, fixed: Path) -> str:
    """What was written in the file that is shown, with one line of context."""
    if not project.shown:
        return ""
    old, new = ((tree / project.shown).read_text(encoding="utf-8").splitlines(True) for tree in (root, fixed))
    return "".join(difflib.unified_diff(old, new, f"a/{project.shown}", f"b/{project.shown}", n=1))


def shortfalls(result: dict[str, Any]) -> list[str]:
    """What is claimed and not reached."""
    said = [f"{result['name']}: {test} was lost" for test in result["lost"]]
    passed, tests = result["passed"]["unsafe"], result["tests"]
    if not tests or passed < AT_LEAST * tests:
        said.append(f"{result['name']}: {passed} of {tests} tests pass on Flax {result['newest']['flax']}")
    return said


def main() -> int:
    """Run the bench, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="projects; all if there are none")
    parser.add_argument("--tests", action="append", help="a file of tests, instead of those in the table")
    parser.add_argument("--json", type=Path, help="write the results to this file, beside those of other projects")
    parser.add_argument("--folder", type=Path, help="keep environments, copies and logs here")
    options = parser.parse_args()
    newest, projects = read_projects()
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        for project in projects:
            if not options.names or project.name in options.names:
                chosen = replace(project, tests=tuple(options.tests or project.tests))
                results.append(measure(chosen, newest, folder))
                if options.json:
                    store(results[-1], options.json, [one.name for one in projects])
    failures = [line for result in results for line in shortfalls(result)]
    print("\n".join(failures or ["All that is claimed is reached."]))
    return 1 if failures else 0


def store(result: dict[str, Any], path: Path, order: list[str]) -> None:
    """Put one result among those that are there, in the order of the table."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    named = {one["name"]: one for one in (*kept, result)}
    text = json.dumps([named[name] for name in order if name in named], indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
