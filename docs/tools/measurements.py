"""What was measured of the rules' examples, as it is kept in ``docs/data``: one JSON file a rule."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flake8_nnx_treemap.reporting.traversals import EPOCHS, Traversal, traversals_of
from flake8_nnx_treemap.rules.rule import Example, Rule

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
DATA = DOCS / "data"

RELEASES = tuple(release for _, _, measured in EPOCHS for release in measured)

BEFORE = "before"
"""The version of an example that stands for the code as it was; the others are Flax floors of its fix."""

BY_ITSELF = ""
"""Takes the place of a tree for a program that needs none: ``result()`` is called."""

_DRAWN_FOR = {"state": "state", "split": "state", "grad": "state", "live": "live", "mixed": "mixed"}


@dataclass(frozen=True)
class Job:
    """One program to run on one tree. ``name`` is unique within its batch."""

    name: str
    tree: str
    source: str


@dataclass(frozen=True)
class Batch:
    """Jobs that are kept in one file: those of a rule, or the lessons."""

    name: str
    jobs: tuple[Job, ...]

    @property
    def path(self) -> Path:
        """Where the measurements are kept."""
        return DATA / f"{self.name}.json"

    @property
    def digest(self) -> str:
        """Identifies the jobs: measurements with another digest are stale."""
        text = "\0".join("\0".join((job.name, job.tree, job.source)) for job in self.jobs)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def is_fresh(self) -> bool:
        """Whether what is stored was measured with the programs as they are now."""
        return self.path.exists() and json.loads(self.path.read_text(encoding="utf-8"))["digest"] == self.digest

    def store(self, runs: Mapping[str, list[dict[str, Any]]]) -> None:
        """Write down what each release gave for each job."""
        entries = [{"name": job.name, "traversals": _grouped(runs, index)} for index, job in enumerate(self.jobs)]
        text = json.dumps({"digest": self.digest, "runs": entries}, indent=1, ensure_ascii=False)
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(_compact(text) + "\n", encoding="utf-8")

    def measured(self) -> dict[str, tuple[Traversal, ...]]:
        """What is stored, by the jobs' names; nothing if it was never measured, or the programs have changed since."""
        if not self.is_fresh:
            return {}
        stored = json.loads(self.path.read_text(encoding="utf-8"))
        return {one["name"]: traversals_of(one["traversals"]) for one in stored["runs"]}


def _grouped(runs: Mapping[str, list[dict[str, Any]]], index: int) -> list[dict[str, Any]]:
    """Put neighbouring releases that did the same into one."""
    groups: list[dict[str, Any]] = []
    for release in RELEASES:
        run = runs[release][index]
        if groups and {key: groups[-1][key] for key in run} == run:
            groups[-1]["releases"].append(release)
        else:
            groups.append({"releases": [release], **run})
    return groups


def _compact(text: str) -> str:
    """Put each innermost list, a node or some releases, on one line."""
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda match: "[" + re.sub(r"\s*\n\s*", " ", match[1]) + "]", text)


# Rules


def trees_of(example: Example) -> tuple[str, ...]:
    """Which of the drawn trees stand for those an example is made for; ``BY_ITSELF`` if it needs none."""
    if not example.trees:
        return (BY_ITSELF,)
    return tuple(dict.fromkeys(_DRAWN_FOR[name] for name in example.trees if name in _DRAWN_FOR)) or ("state",)


def versions_of(example: Example) -> dict[str, str]:
    """The programs of an example by version."""
    return {BEFORE: example.source, **example.fixed}


def job_name(example: int, version: str, tree: str) -> str:
    """Name one run of an example."""
    return f"{example} {version} {tree}"


def batch_of(rule: Rule) -> Batch:
    """Everything that has to be run for a rule."""
    return Batch(rule.code, tuple(_jobs_of(rule)))


def _jobs_of(rule: Rule) -> Iterator[Job]:
    for index, example in enumerate(rule.examples):
        for version, source in versions_of(example).items():
            for tree in trees_of(example):
                yield Job(job_name(index, version, tree), tree, source)


@dataclass(frozen=True)
class Measured:
    """What was measured for one rule."""

    runs: Mapping[str, tuple[Traversal, ...]]

    def of(self, example: int, version: str, tree: str) -> tuple[Traversal, ...]:
        """What one version of an example did with one tree."""
        return self.runs.get(job_name(example, version, tree), ())


def measured(rule: Rule) -> Measured:
    """What is stored for a rule."""
    return Measured(batch_of(rule).measured())
