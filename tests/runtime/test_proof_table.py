"""The counts of a run, and the table made of several."""

from __future__ import annotations

import json

import pytest
from contract import compare
from proof_table import table
from tally import Tally
from test_contract import FIXED, ORIGINAL, mixed, state

pytestmark = pytest.mark.runtime


def test_counts_and_table() -> None:
    tally = Tally()
    tally.add("examples", "NNX101", FIXED, compare(ORIGINAL, FIXED, state))
    tally.add("examples", "NNX101", FIXED, compare(ORIGINAL, FIXED, mixed))
    tally.add("generated", "NNX101", ORIGINAL, compare(ORIGINAL, "def convert(tree):\n    return 0\n", state))
    run = json.loads(tally.to_json())
    assert [(row["part"], row["programs"], row["executions"], row["mismatches"]) for row in run["rows"]] == [
        ("examples", 1, 2, 0),
        ("generated", 1, 1, 1),
    ]
    run |= {"flax": "0.12.8", "epoch": "E4"}
    older = {"flax": "0.10.2", "epoch": "E1", "rows": []}
    lines = table([run, older]).splitlines()
    assert lines[0] == "| rule | E1 0.10.2 | E4 0.12.8 |"
    assert lines[2] == "| NNX101 | – | 3, **1 mismatches** |"
    assert lines[4].endswith("1 programs, 2 executions (1 where the original raised), 5 wrappers mapped, 0 mismatches")
