"""Lints and fixes every text of a corpus with the engine on ``PYTHONPATH``, and writes what it found as JSON lines."""

from __future__ import annotations

import json
import sys
from multiprocessing import Pool
from pathlib import Path

from flake8_nnx_treemap import LintSettings, SourceError, fix_source, lint_source

FLOORS = ((0, 10, 0), (0, 11), (0, 12, 7))
EVERY_RULE = frozenset(
    {*(f"NNX{number}" for number in range(101, 113)), *(f"NNX{number}" for number in range(201, 209)), "NNX901"}
)


def _place(range_: object) -> list[int]:
    return [range_.start.row, range_.start.column, range_.end.row, range_.end.column]  # type: ignore[attr-defined]


def run(task: tuple[str, str]) -> str:
    name, text = task
    results: dict[str, object] = {}
    for floor in FLOORS:
        for unsafe in (False, True):
            settings = LintSettings(EVERY_RULE, floor, unsafe_fixes=unsafe)
            key = f"{'.'.join(map(str, floor))}{' unsafe' if unsafe else ''}"
            try:
                findings = lint_source(text, name, settings)
                results[f"lint {key}"] = [
                    [
                        found.code, found.message, _place(found.range),
                        found.fix and [
                            found.fix.applicability.value, found.fix.message,
                            [[_place(edit.range), edit.content] for edit in found.fix.edits],
                        ],
                    ]
                    for found in findings
                ]  # fmt: skip
                results[f"fix {key}"] = fix_source(text, name, settings).text if findings else text
            except SourceError as error:
                results[f"lint {key}"] = f"{error.message}"
            except Exception as error:  # A crash of one engine alone is a difference.
                results[f"lint {key}"] = f"crash {type(error).__name__}: {error}"
    return json.dumps([name, results])


if __name__ == "__main__":
    tasks = [tuple(json.loads(line)) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    with Pool(2) as pool, open(sys.argv[2], "w", encoding="utf-8") as out:
        for line in pool.imap(run, tasks, chunksize=16):
            out.write(line + "\n")
