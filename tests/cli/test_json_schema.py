"""The published schema of the JSON formats, and what they print, held against each other."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from running import BUG, nnx_fix

from flake8_nnx_treemap import LintSettings, findings_as_data, lint_source
from flake8_nnx_treemap.rules.catalogue import rules_about_code

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schemas" / "findings.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
SPREAD = BUG.replace("VariableState))", "VariableState)), '''\n'''")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bug.py").write_text(BUG)
    (tmp_path / "spread.py").write_text(SPREAD)
    (tmp_path / "broken.py").write_text("from flax import nnx  # jax.tree.map\ndef f(:\n")
    (tmp_path / "latin.py").write_bytes(b"nnx = '\xe9'\n")
    (tmp_path / "page.md").write_text(f"# Title\n\n```python\n{BUG}```\n")
    cells = [
        {"cell_type": "code", "source": text, "metadata": {}, "outputs": [], "execution_count": None}
        for text in ("%matplotlib inline\nimport jax", BUG)
    ]
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (tmp_path / "book.ipynb").write_text(json.dumps(book) + "\n")
    for rule in rules_about_code():
        (tmp_path / f"{rule.code}.py").write_text(rule.examples[0].source)
    return tmp_path


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_what_is_printed_is_valid(folder: Path) -> None:
    words = ("--check", "--select", "ALL", "--target-flax", "0.12.7", "--include-markdown")
    run = nnx_fix(*words, "--output-format", "json", ".", "missing.py", cwd=folder)
    entries = json.loads(run.stdout)
    assert list(VALIDATOR.iter_errors(entries)) == []
    codes = {entry["code"] for entry in entries}
    assert None in codes
    assert len(codes) > 15
    assert {entry["severity"] for entry in entries} == {"error", "warning"}
    assert {entry["absolute_filename"] for entry in entries} >= {str(folder / "bug.py"), str(folder / "missing.py")}


def test_what_is_not_printed_is_not_valid(folder: Path) -> None:
    (entry,) = json.loads(nnx_fix("--check", "--output-format", "json", "bug.py", cwd=folder).stdout)
    for key in entry:
        less = {name: value for name, value in entry.items() if name != key}
        assert not VALIDATOR.is_valid([less]), key
        assert not VALIDATOR.is_valid([{**entry, key: 1.5}]), key
    assert not VALIDATOR.is_valid([{**entry, "more": 1}])
    assert not VALIDATOR.is_valid([{**entry, "code": None}])
    other = copy.deepcopy(entry)
    other["fix"]["edits"][0]["location"]["row"] = 0
    assert not VALIDATOR.is_valid([other])


def test_the_row_of_a_noqa_is_where_one_counts(folder: Path) -> None:
    for name, cell in (("bug.py", None), ("book.ipynb", 2)):
        (entry,) = json.loads(nnx_fix("--check", "--output-format", "json", name, cwd=folder).stdout)
        assert entry["cell"] == cell
        assert entry["noqa_row"] == entry["location"]["row"] == 5
    (entry,) = json.loads(nnx_fix("--check", "--output-format", "json", "spread.py", cwd=folder).stdout)
    assert entry["noqa_row"] == entry["location"]["row"] + 1
    lines = SPREAD.splitlines()
    lines[entry["noqa_row"] - 1] += "  # noqa: NNX101"
    (folder / "spread.py").write_text("\n".join(lines) + "\n")
    assert nnx_fix("--check", "spread.py", cwd=folder).returncode == 0


def test_findings_of_the_api_are_the_same_data(folder: Path) -> None:
    settings = LintSettings(flax=(0, 12))
    for name in ("bug.py", "book.ipynb", "page.md"):
        text = (folder / name).read_text()
        data = findings_as_data(lint_source(text, str(folder / name), settings), text, str(folder / name))
        printed = nnx_fix("--check", "--target-flax", "0.12", "--output-format", "json", str(folder / name), cwd=folder)
        assert data == json.loads(printed.stdout) != []
    assert findings_as_data([], "", "-") == []
    (named,) = findings_as_data(lint_source(BUG, "-"), BUG, "-")
    assert named["absolute_filename"] is None
    assert VALIDATOR.is_valid([named])


def test_json_lines_are_the_same_entries(folder: Path) -> None:
    words = ("--check", "bug.py", "book.ipynb", "missing.py", "--output-format")
    lines = nnx_fix(*words, "json-lines", cwd=folder).stdout.splitlines()
    assert [json.loads(line) for line in lines] == json.loads(nnx_fix(*words, "json", cwd=folder).stdout)
