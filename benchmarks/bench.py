"""Compares ``nnx-fix`` and the flake8 plugin with their peers, in turns, and prints ratios with their spread.

Wall time on shared machines is noisy: commands take turns within one run, each figure is a ratio of medians, and the
spread beside it goes from the lower to the upper quartile. ``nox -s bench`` runs this.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import corpora
import libcst

from flake8_nnx_treemap import fix_source, lint_source
from flake8_nnx_treemap.fixing.engine import lint
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.settings import LintSettings

BIN = Path(sys.executable).parent
EVERY_RULE = LintSettings(frozenset(CODES), (0, 12, 8))

USERS = "projects that use NNX"
NAMED = "their files that name nnx"
INSTALLED = "a site-packages with Flax"
ONE_FINDING = "one small file with a finding"


@dataclass(frozen=True)
class Contest:
    """Things that take turns over one body of code; every time is told as a multiple of ``against``'s."""

    title: str
    against: str
    runners: dict[str, Callable[[], object]]
    most_rounds: int = 1000
    """For what takes minutes."""
    clock: Callable[[], float] = time.perf_counter
    """Seconds. Where one process works and differences are small, those of the processor, which are less noisy."""


@dataclass(frozen=True)
class Limit:
    """What must hold of two medians of one contest."""

    contest: str
    runner: str
    against: str
    at_most: float


def processor_seconds() -> float:
    """What this process and those that it has waited for have had of the processor."""
    return sum(os.times()[:4])


def command(*words: str) -> Callable[[], object]:
    """Something to time that runs a command of this environment, or else one on the path, whatever its exit code."""
    program = BIN / words[0]
    line = [str(program) if program.exists() else words[0], *words[1:]]
    return lambda: subprocess.run(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def without_folder(folder: Path, run: Callable[[], object]) -> Callable[[], object]:
    """The same with a folder removed before it, which takes next to no time."""

    def run_without() -> object:
        shutil.rmtree(folder, ignore_errors=True)
        return run()

    return run_without


def over_trees(folders: dict[str, Path]) -> list[Contest]:
    """Whole commands over whole folders."""
    plain, heavy, module = str(folders["plain"]), str(folders["heavy"]), str(folders["one"] / "module.py")
    ruff = ("ruff", "check", "--isolated", "--no-cache", "--quiet", "--select", "E9")
    flake8 = ("flake8", "--isolated", "-j", "1")
    cache = folders["heavy"].with_name("heavy.cache")
    cached = ("nnx-fix", "--isolated", "--check", "--cache-dir", str(cache))
    users, named, around = str(folders["users"]), str(folders["named"]), str(folders["installed"])
    ours = ("nnx-fix", "--isolated", "--check", "--output-format", "concise")
    everything = ("--select", "ALL", "--target-flax", "0.12.8")
    finding = str(folders["one"] / "finding.py")
    return [
        Contest(
            USERS,
            "ruff, E9",
            {
                "ruff, E9": command(*ruff, users),
                "ruff, default rules": command("ruff", "check", "--isolated", "--no-cache", "--quiet", users),
                "nnx-fix": command(*ours, users),
                "nnx-fix -j 1": command(*ours, "-j", "1", users),
                "nnx-fix, all rules": command(*ours, *everything, users),
                "grep": command("grep", "-rl", "nnx", users),
            },
        ),
        Contest(
            NAMED,
            "nnx-fix",
            {
                "nnx-fix": command(*ours, named),
                "nnx-fix, all rules": command(*ours, *everything, named),
                "flake8 alone": command("python", "-c", WITHOUT_PLUGIN, *flake8[1:], named),
                "torchfix": command("torchfix", "--select", "ALL", named),
                "fixit": command("fixit", "lint", named),
            },
            most_rounds=1,
            clock=processor_seconds,
        ),
        Contest(
            INSTALLED,
            "ruff, E9",
            {"ruff, E9": command(*ruff, around), "nnx-fix": command(*ours, around)},
        ),
        Contest(
            ONE_FINDING,
            "python -c pass",
            {
                "python -c pass": command("python", "-c", "pass"),
                "nnx-fix": command(*ours, finding),
                "nnx-fix, text with what fixes write": command("nnx-fix", "--isolated", "--check", finding),
            },
        ),
        Contest(
            "10,000 files without a candidate",
            "ruff",
            {
                "ruff": command(*ruff, plain),
                "nnx-fix": command("nnx-fix", "--isolated", "--check", plain),
                "grep": command("grep", "-rl", "--include=*.py", "VariableState", plain),
                "a bare loop in Python": command("python", "-c", BARE_LOOP, plain),
            },
        ),
        Contest(
            "one file without a candidate",
            "python -c pass",
            {
                "python -c pass": command("python", "-c", "pass"),
                "nnx-fix": command("nnx-fix", "--isolated", "--check", module),
                "ruff": command(*ruff, module),
            },
        ),
        Contest(
            "Flax's own source",
            "nnx-fix",
            {
                "nnx-fix": command("nnx-fix", "--isolated", "--check", heavy),
                "ruff": command(*ruff, heavy),
            },
        ),
        Contest(
            "Flax's own source, again",
            "no cache",
            {
                "no cache": command("nnx-fix", "--isolated", "--check", "--no-cache", heavy),
                "cold cache": without_folder(cache, command(*cached, heavy)),
                "warm cache": command(*cached, heavy),
            },
        ),
        Contest(
            "flake8 over Flax's own source",
            "without the plugin",
            {
                "without the plugin": command("python", "-c", WITHOUT_PLUGIN, *flake8[1:], heavy),
                "with the plugin": command(*flake8, heavy),
            },
            clock=processor_seconds,
        ),
        Contest(
            "flake8 over tunix",
            "without the plugin",
            {
                "without the plugin": command("python", "-c", WITHOUT_PLUGIN, *flake8[1:], str(folders["tunix"])),
                "with the plugin": command(*flake8, str(folders["tunix"])),
            },
            clock=processor_seconds,
        ),
        Contest(
            "flake8 over files without a candidate",
            "without the plugin",
            {
                "without the plugin": command("python", "-c", WITHOUT_PLUGIN, *flake8[1:], f"{plain}/sympy/core"),
                "with the plugin": command(*flake8, f"{plain}/sympy/core"),
            },
            clock=processor_seconds,
        ),
    ]


BARE_LOOP = """\
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        if name.endswith(".py"):
            with open(os.path.join(folder, name), "rb", buffering=0) as file:
                data = file.read()
            if b"nnx" in data or b"VariableState" in data:
                print(name)
"""
"""What grep does, and no more."""

WITHOUT_PLUGIN = """\
import importlib.metadata as metadata, sys
distributions = metadata.distributions
is_ours = lambda distribution: "flake8_nnx_treemap" in str(distribution._path)  # To ask for names would read all files.
metadata.distributions = lambda **keywords: (one for one in distributions(**keywords) if not is_ours(one))
from flake8.main.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""flake8 in the same environment, with our distribution hidden from it."""


def over_texts(folder: Path) -> list[Contest]:
    """The engine against LibCST's bare parse of the same text, in this process."""
    contests = []
    for path in sorted(folder.glob("*.py")):
        text = path.read_text()
        contests.append(
            Contest(
                path.stem.replace("_", ", ").replace("findings", "findings: ").replace("lines", "lines: "),
                "libcst.parse_module",
                {
                    "ast.parse": lambda text=text: ast.parse(text),  # type: ignore[misc]
                    "libcst.parse_module": lambda text=text: libcst.parse_module(text),  # type: ignore[misc]
                    "report": lambda text=text: lint(text, "text.py", EVERY_RULE, edits=False),  # type: ignore[misc]
                    "lint_source": lambda text=text: lint_source(text, settings=EVERY_RULE),  # type: ignore[misc]
                    "fix_source": lambda text=text: fix_source(text, settings=EVERY_RULE),  # type: ignore[misc]
                },
                most_rounds=3 if len(text) > 1_000_000 else 1000,
            )
        )
    return contests


LIMITS = (
    Limit("10,000 files without a candidate", "nnx-fix", "ruff", 0.13),
    Limit("10,000 files without a candidate", "nnx-fix", "grep", 2.0),
    Limit("one file without a candidate", "nnx-fix", "python -c pass", 2.0),
    Limit(USERS, "nnx-fix", "ruff, E9", 1.5),
    Limit(USERS, "nnx-fix, all rules", "ruff, E9", 2.5),
    Limit(USERS, "nnx-fix", "nnx-fix -j 1", 1.1),
    Limit(NAMED, "nnx-fix", "torchfix", 1 / 20),
    Limit(INSTALLED, "nnx-fix", "ruff, E9", 0.2),
    Limit(ONE_FINDING, "nnx-fix", "python -c pass", 8.0),
    Limit("findings: 10, lines: 1000", "report", "ast.parse", 2.5),
    Limit("flake8 over files without a candidate", "with the plugin", "without the plugin", 1.01),
    Limit("flake8 over Flax's own source", "with the plugin", "without the plugin", 1.04),
    Limit("flake8 over tunix", "with the plugin", "without the plugin", 1.02),
    Limit("Flax's own source, again", "warm cache", "no cache", 0.5),
    *(
        Limit(f"findings: {findings}, lines: {lines}", "lint_source", "libcst.parse_module", 2.0)
        for findings, lines in corpora.GENERATED
    ),
    *(
        Limit(f"findings: {findings}, lines: {lines}", "fix_source", "libcst.parse_module", 3.0)
        for findings, lines in corpora.GENERATED
    ),
    *(
        Limit(f"findings: {findings}, lines: {lines}", "fix_source", "lint_source", 1.5)
        for findings, lines in corpora.GENERATED
        if findings >= 1_000
    ),
)


def measure(contest: Contest, rounds: int) -> dict[str, list[float]]:
    """Seconds of every runner in every round; the runners take turns, after a first round that counts for nothing."""
    times: dict[str, list[float]] = {name: [] for name in contest.runners}
    for round_ in range(min(rounds, contest.most_rounds) + 1):
        for name, run in contest.runners.items():
            start = contest.clock()
            run()
            if round_:
                times[name].append(contest.clock() - start)
    return times


def table(contest: Contest, times: dict[str, list[float]]) -> str:
    """A contest's result as Markdown."""
    base = statistics.median(times[contest.against])
    rows = [f"### {contest.title}\n", "| | ratio | from | to | median |", "|---|---|---|---|---|"]
    for name, seconds in times.items():
        low, middle, high = statistics.quantiles(seconds if len(seconds) > 1 else seconds * 2, n=4)
        rows.append(f"| {name} | {middle / base:.2f} | {low / base:.2f} | {high / base:.2f} | {middle * 1e3:,.0f} ms |")
    return "\n".join(rows) + "\n"


def verdicts(results: dict[str, dict[str, list[float]]]) -> list[str]:
    """Each limit with what was measured."""
    lines = ["### Limits\n", "| what | ratio | at most | |", "|---|---|---|---|"]
    for limit in LIMITS:
        times = results.get(limit.contest)
        if times is not None:
            ratio = statistics.median(times[limit.runner]) / statistics.median(times[limit.against])
            verdict = "holds" if ratio <= limit.at_most else "**broken**"
            what = f"{limit.contest}: {limit.runner} to {limit.against}"
            lines.append(f"| {what} | {ratio:.3f} | {limit.at_most:.3f} | {verdict} |")
    return lines


def write_tables(page: Path, results: dict[str, dict[str, list[float]]]) -> None:
    """Put what was measured into a page, between the comments that name the contests of each table."""
    text = page.read_text(encoding="utf-8")
    for found in PLACE.finditer(text):
        place = found.group()
        rows = [row for title in found[1].split("; ") if title in results for row in _rows(title, results[title])]
        if rows:
            lines = [place, "", "| what | of what | ratio | from | to |", "|---|---|---|---|---|", *rows, "", END]
            before, rest = text.split(place)
            text = before + "\n".join(lines) + rest.partition(END)[2]
    page.write_text(text, encoding="utf-8")


PLACE = re.compile(r"<!-- measured: (.*) -->")
END = "<!-- end -->"


def _rows(title: str, times: dict[str, list[float]]) -> list[str]:
    against = next(iter(times))
    base = statistics.median(times[against])
    rows = []
    for name, seconds in times.items():
        low, high = "–", "–"  # One round says nothing of how noisy the machine was.
        if len(seconds) > 1:
            low, _, high = (f"{value / base:.2f}" for value in statistics.quantiles(seconds, n=4))
        rows.append(f"| {name} | {title} | {statistics.median(seconds) / base:.2f} | {low} | {high} |")
    return rows


def peak_memory(folder: Path) -> str:
    """The most memory that ``nnx-fix`` held over a folder."""
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=-3, check=False); "
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    line = [sys.executable, "-c", code, str(BIN / "nnx-fix"), "--isolated", "--check", str(folder)]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Build the bodies of code, run every contest, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="run the contests whose title holds this")
    parser.add_argument("--json", type=Path, help="where to write the medians, for plot.py")
    parser.add_argument("--page", type=Path, help="the page whose tables are written anew")
    parser.add_argument("--corpora", type=Path, default=Path(tempfile.gettempdir()) / "nnx-treemap-corpora")
    options = parser.parse_args()
    os.environ["PYTHONDONTWRITEBYTECODE"] = ""
    folders = corpora.build(options.corpora)
    results = {}
    for contest in (*over_trees(folders), *over_texts(folders["generated"])):
        if options.only in contest.title:
            results[contest.title] = measure(contest, options.rounds)
            print(table(contest, results[contest.title]), flush=True)
    print("\n".join(verdicts(results)))
    if options.json:
        medians = {
            title: {name: statistics.median(seconds) for name, seconds in times.items()}
            for title, times in results.items()
        }
        options.json.write_text(json.dumps(medians, indent=2) + "\n")
    if options.page:
        write_tables(options.page, results)
    for name in ("users", "installed", "plain"):
        files, naming = corpora.count(folders[name]), corpora.count(folders[name], b"nnx")
        print(f"{name}: {files:,} files, of which {naming:,} name nnx")
    files = corpora.count(folders["plain"])
    print(f"\nPeak memory of `nnx-fix --check` over {files:,} files: {peak_memory(folders['plain'])} MiB")


if __name__ == "__main__":
    main()
