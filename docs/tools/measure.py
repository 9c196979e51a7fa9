"""Runs every rule's examples on every epoch of Flax, and keeps in ``docs/data`` what JAX did with their trees.

    python docs/tools/measure.py 0.10.2=/venvs/0.10.2/bin/python 0.10.6=... [--all]

needs an interpreter with the right Flax and JAX for each release; ``noxfile.py`` says which. Only rules whose examples
have changed are run, unless ``--all`` is given. ``generate.py`` then draws.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lessons import batches
from measurements import RELEASES, ROOT, Job

RECORDER = Path(__file__).with_name("traversal_recorder.py")


def run_on(python: str, jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Run jobs with one interpreter."""
    wanted = json.dumps([{"source": job.source, "tree": job.tree} for job in jobs])
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(
        [python, str(RECORDER)], input=wanted, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    answers: list[dict[str, Any]] = json.loads(finished.stdout)
    return answers


def measure(pythons: Mapping[str, str], everything: bool) -> list[str]:
    """Measure the batches that need it; gives their names."""
    wanted = [batch for batch in batches() if everything or not batch.is_fresh]
    jobs = [job for batch in wanted for job in batch.jobs]
    if not jobs:
        return []
    with ThreadPoolExecutor(max_workers=2) as pool:
        answers = list(pool.map(lambda release: run_on(pythons[release], jobs), RELEASES))
    start = 0
    for batch in wanted:
        end = start + len(batch.jobs)
        batch.store({release: answer[start:end] for release, answer in zip(RELEASES, answers, strict=True)})
        start = end
    return [batch.name for batch in wanted]


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Measure what the rules' examples do on each Flax.")
    parser.add_argument("pythons", nargs="+", metavar="RELEASE=PYTHON")
    parser.add_argument("--all", action="store_true", help="also the rules whose examples have not changed")
    chosen = parser.parse_args()
    pythons = dict(text.split("=", 1) for text in chosen.pythons)
    missing = set(RELEASES) - set(pythons)
    if missing:
        parser.error(f"no interpreter for {', '.join(sorted(missing))}")
    codes = measure(pythons, chosen.all)
    sys.stdout.write(f"measured: {', '.join(codes) or 'nothing, all is up to date'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
