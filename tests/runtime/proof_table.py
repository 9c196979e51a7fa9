"""Prints the proof as Markdown: rule × release × (programs, executions, mismatches).

    NNX_PROOF_OUT=0.12.8.json pytest tests/runtime        once for each release
    python tests/runtime/proof_table.py *.json > table.md

Needs neither JAX nor Flax.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PARTS = {
    "examples": "the examples of the rule on the trees that they name, eager and under transformations",
    "catalogue": "the examples on every tree of the catalogue",
    "generated": "generated programs on generated trees",
}


def table(runs: Sequence[dict[str, Any]]) -> str:
    """The table for several runs, one for each release of Flax."""
    ordered = sorted(runs, key=lambda run: [int(part) for part in run["flax"].split(".")[:3]])
    codes = sorted({row["code"] for run in ordered for row in run["rows"]})
    lines = ["| rule | " + " | ".join(f"{run['epoch']} {run['flax']}" for run in ordered) + " |"]
    lines.append("| --- |" + " --- |" * len(ordered))
    for code in codes:
        cells = [_cell(row for row in run["rows"] if row["code"] == code) for run in ordered]
        lines.append(f"| {code} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *_details(ordered)]) + "\n"


def _cell(rows: Iterable[dict[str, Any]]) -> str:
    found = list(rows)
    if not found:
        return "–"
    executions, mismatches = (sum(row[name] for row in found) for name in ("executions", "mismatches"))
    return f"{executions}, **{mismatches} mismatches**" if mismatches else str(executions)


def _details(runs: Sequence[dict[str, Any]]) -> Iterable[str]:
    for part, says in PARTS.items():
        rows = [row for run in runs for row in run["rows"] if row["part"] == part]
        if rows:
            counts = {name: sum(row[name] for row in rows) for name in ("programs", "executions", "original_raised")}
            mapped, mismatches = sum(row["wrappers_mapped"] for row in rows), sum(row["mismatches"] for row in rows)
            yield (
                f"* {says}: {counts['programs']} programs, {counts['executions']} executions "
                f"({counts['original_raised']} where the original raised), {mapped} wrappers mapped, "
                f"{mismatches} mismatches"
            )


def main(names: Sequence[str]) -> None:
    """Print the table for files that ``NNX_PROOF_OUT`` named."""
    sys.stdout.write(table([json.loads(Path(name).read_text(encoding="utf-8")) for name in names]))


if __name__ == "__main__":
    main(sys.argv[1:])
