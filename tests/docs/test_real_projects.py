"""The page about real projects and the README's lines say what was measured, of the projects in the table."""

from __future__ import annotations

import re
from typing import Any

import pytest
import real_projects
import tomllib
from measurements import ROOT

TABLE = ROOT / "benchmarks" / "upgrade" / "projects.toml"


def _result(name: str, tests: int, newest: int, unsafe: int, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": "1.0",
        "what": "things",
        "flax": "0.10.6",
        "newest": {"flax": "0.12.8", "jax": "0.10.2"},
        "tests": tests,
        "passed": {"newest": newest, "safe": newest + 1, "unsafe": unsafe, "portable": tests},
        "warned": {"newest": 7, "safe": 3, "unsafe": 2, "portable": 1},
        "findings": [],
        "left": [],
        "by_hand": [],
        "diff": "",
        **more,
    }


def test_what_was_measured_is_of_the_projects_in_the_table() -> None:
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    rows = {row["name"]: (row["version"], row["flax"], row.get("by_hand", [])) for row in table["project"]}
    for one in real_projects.results():
        assert rows[one["name"]] == (one["version"], one["flax"], one["by_hand"])
        assert one["newest"] == table["newest"]
        assert one["lost"] == []


def test_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [{"place": "thing/a.py:3", "error": "ValueError: a | b", "tests": 2}]
    by_hand = [{"place": "thing/a.py:3", "write": "`nnx.data(x)`", "why": "Nobody can tell."}]
    diff = "--- a/thing/a.py\n+++ b/thing/a.py\n" + "-old\n+new\n" * 30
    found = [{"code": "NNX206", "name": "deprecated-value-access", "count": 5}]
    broken = _result("thing", 20, 1, 18, left=left, by_hand=by_hand, diff=diff, findings=found)
    monkeypatch.setattr(real_projects, "results", lambda: [broken, _result("other", 4, 4, 4)])
    page = real_projects.page()
    assert "| [`thing` 1.0](#thing) | Flax 0.10.6 | 20 | 1 | 2 | **18** | 7 → 2 | 20 |\n" in page
    thing, other = page.split("\n## ")[1:]
    assert "Things. Found: 5 × [NNX206](rules/NNX206-deprecated-value-access.md).\n" in thing
    assert "| `thing/a.py:3` | 2 | `` ValueError: a \\| b `` |\n" in thing
    assert "* `thing/a.py:3`: `nnx.data(x)`. Nobody can tell.\n" in thing
    assert thing.count("\n+new") + thing.count("\n-old") == real_projects.MOST_LINES - 2
    assert "# and 22 more lines\n```" in thing
    assert "Nothing was found." in other
    assert "All of its tests pass." in other


def test_the_readme_quotes_the_best_and_the_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = [_result("middling", 10, 5, 9), _result("best", 1000, 50, 950), _result("worst", 10, 1, 5)]
    monkeypatch.setattr(real_projects, "results", lambda: measured)
    text = real_projects.readme()
    quoted = text.partition(real_projects.BEGIN)[2].partition(real_projects.END)[0]
    assert re.findall(r"^\* (\w+): `(\w+)`", quoted, re.MULTILINE) == [("best", "best"), ("worst", "worst")]
    assert "50 of 1000 tests pass as it is, and 950 after `nnx-fix --unsafe-fixes`" in quoted
    assert "middling" not in quoted
    assert text.replace(quoted, "") == real_projects.README.read_text(encoding="utf-8").replace(
        real_projects.README.read_text(encoding="utf-8")
        .partition(real_projects.BEGIN)[2]
        .partition(real_projects.END)[0],
        "",
    )
