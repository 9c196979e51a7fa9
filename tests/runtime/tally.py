"""Counts what the proof executed: programs, executions, mismatches, and how often the original raised."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from contract import Comparison
from installed import EPOCH, VERSION


@dataclass
class Row:
    """The counts of one rule in one part of the proof."""

    executions: int = 0
    """Runs of a rewrite on a tree, each held against a run of the original."""
    original_raised: int = 0
    wrappers_mapped: int = 0
    mismatches: int = 0
    programs: set[str] = field(default_factory=set)


class Tally:
    """Counts by part of the proof and rule."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}

    def add(self, part: str, code: str, source: str, comparison: Comparison) -> None:
        """Count one comparison."""
        row = self.rows.setdefault((part, code), Row())
        row.programs.add(source)
        row.executions += 1
        row.original_raised += not comparison.original.returned
        row.wrappers_mapped += comparison.fixed.mapped
        row.mismatches += bool(comparison.violations)

    def merge(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add what another process counted, as ``plain`` gives it."""
        for other in rows:
            row = self.rows.setdefault((other["part"], other["code"]), Row())
            row.programs.update(other["programs"])
            for name in ("executions", "original_raised", "wrappers_mapped", "mismatches"):
                setattr(row, name, getattr(row, name) + other[name])

    def plain(self) -> list[dict[str, Any]]:
        """The counts as lists, dicts, strings and numbers."""
        return [
            {"part": part, "code": code, **asdict(row), "programs": sorted(row.programs)}
            for (part, code), row in sorted(self.rows.items())
        ]

    def lines(self) -> Iterable[str]:
        """The counts, one line each."""
        for (part, code), row in sorted(self.rows.items()):
            yield (
                f"{code} {part}: {len(row.programs)} programs, {row.executions} executions, "
                f"{row.wrappers_mapped} wrappers mapped, {row.original_raised} originals raised, "
                f"{row.mismatches} mismatches"
            )

    def to_json(self) -> str:
        """The counts of this run, for ``proof_table.py``."""
        rows = [{**row, "programs": len(row["programs"])} for row in self.plain()]
        return json.dumps({"flax": VERSION, "epoch": EPOCH.name, "rows": rows}, indent=1)


TALLY = Tally()
"""The counts of this process."""
