"""Writes the page "On real projects" and the README's lines about it, from what ``benchmarks/upgrade`` measured."""

from __future__ import annotations

import json
from typing import Any

from measurements import DOCS

MEASURED = DOCS / "data" / "upgrade.json"
README = DOCS.parent / "README.md"
BEGIN, END = "<!-- upgrade: written by docs/tools/generate.py -->\n", "<!-- upgrade: end -->\n"
PAGE = "real-projects.md"
ADDRESS = "https://flake8-nnx-treemap.readthedocs.io/en/latest/real-projects/"
MOST_LINES = 40
"""Of a diff that is shown."""

_INTRODUCTION = """\
# On real projects

The proof that a maintainer asks for is: *my* tests, before and after. These are source distributions from PyPI that
carry their tests and were written for an older Flax. Their own tests run on that Flax; on the newest as they are;
after `nnx-fix --target-flax {newest}`; and after the same with `--unsafe-fixes`. Nothing was edited by hand. Only tests
that pass on the old Flax count: what fails on both fails for other reasons.

"""
_COLUMNS = (
    "project",
    "written for",
    "tests",
    "pass on {newest} as it is",
    "after safe fixes",
    "after `--unsafe-fixes`",
    "warnings before and after",
    "on its old Flax, `portable`",
)
_BELOW = """
*Warnings* are the lines of the project at which Flax said, during these tests, that something is deprecated. The last
column is the tests that pass on the old Flax after `nnx-fix --target-flax portable --unsafe-fixes`, which writes code
for both. `nox -s upgrade` measures all this again; the table of projects, with the hashes of what is downloaded, is
`benchmarks/upgrade/projects.toml`.
"""


def results() -> list[dict[str, Any]]:
    """What was measured, project by project."""
    measured: list[dict[str, Any]] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return measured


def page() -> str:
    """The page."""
    measured = results()
    newest = measured[0]["newest"]["flax"]
    head = (" | ".join(_COLUMNS).format(newest=newest), " | ".join("---" for _ in _COLUMNS))
    table = "".join(f"| {line} |\n" for line in (*head, *map(_row, measured)))
    return _INTRODUCTION.format(newest=newest) + table + _BELOW + "".join(map(_section, measured))


def _row(one: dict[str, Any]) -> str:
    passed, warned = one["passed"], one["warned"]
    cells = (
        f"[`{one['name']}` {one['version']}](#{one['name']})",
        f"Flax {one['flax']}",
        one["tests"],
        passed["newest"],
        passed["safe"],
        f"**{passed['unsafe']}**",
        f"{warned['newest']} → {warned['unsafe']}",
        passed["portable"],
    )
    return " | ".join(map(str, cells))


def _section(one: dict[str, Any]) -> str:
    parts = [f"\n## {one['name']}\n", f"{one['what'][0].upper()}{one['what'][1:]}. {_found(one)}\n"]
    if one["diff"]:
        parts.append(f"```diff\n{_shortened(one['diff'])}```\n")
    parts.append(_left(one))
    if one["by_hand"]:
        parts.append("By hand:\n")
        parts.append("".join(f"* `{row['place']}`: {row['write']}. {row['why']}\n" for row in one["by_hand"]))
    return "\n".join(parts)


def _found(one: dict[str, Any]) -> str:
    counts = [f"{row['count']} × [{row['code']}](rules/{row['code']}-{row['name']}.md)" for row in one["findings"]]
    return f"Found: {', '.join(counts)}." if counts else "Nothing was found."


def _shortened(diff: str) -> str:
    lines = diff.splitlines(keepends=True)
    more = len(lines) - MOST_LINES
    return "".join(lines[:MOST_LINES]) + (f"# and {more} more lines\n" if more > 0 else "")


def _left(one: dict[str, Any]) -> str:
    if not one["left"]:
        return "All of its tests pass.\n"
    rows = "".join(f"| `{row['place'] or '–'}` | {row['tests']} | {_cell(row['error'])} |\n" for row in one["left"])
    return f"What still fails:\n\n| line | tests | error |\n|---|---|---|\n{rows}"


def _cell(error: str) -> str:
    short = error if len(error) <= 160 else f"{error[:157]}..."
    return "`` " + short.replace("|", "\\|").replace("`", "'") + " ``"


def readme() -> str:
    """The README with its lines about real projects brought up to date."""
    text = README.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return before + begin + _quoted(results()) + end + after if end else text


def _quoted(measured: list[dict[str, Any]]) -> str:
    """The best and the worst line: by the share of tests that pass; among equals, by how many were won."""

    def reached(one: dict[str, Any]) -> tuple[float, int]:
        passed = one["passed"]
        return passed["unsafe"] / one["tests"], passed["unsafe"] - passed["newest"]

    best, worst = max(measured, key=reached), min(measured, key=reached)
    head = f"On {len(measured)} [real projects]({ADDRESS}) written for an older Flax, by their own tests,"
    lines = (f"* {name}: {_story(one)}" for name, one in (("best", best), ("worst", worst)))
    return f"{head} on Flax {best['newest']['flax']}:\n\n" + "\n".join(lines) + "\n"


def _story(one: dict[str, Any]) -> str:
    passed = one["passed"]
    return (
        f"`{one['name']}` {one['version']}, where {passed['newest']} of {one['tests']} tests pass as it is, "
        f"and {passed['unsafe']} after `nnx-fix --unsafe-fixes`"
    )
