"""The engine as the browser has it, with LibCST's parser in Python, finds and writes what the real one does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playground import engine_files, write_engine
from snippets import ROOT

from flake8_nnx_treemap.rules.catalogue import rules_about_code

RUN_CASES = """
import json, sys
sys.path.insert(0, {archive!r})
sys.path.insert(1, {cases!r})
import libcst.native
assert libcst.native.__file__.startswith({archive!r}), libcst.native.__file__
from cases import all_cases
from flake8_nnx_treemap import fix_source, lint_source
from flake8_nnx_treemap.rules.settings import LintSettings

def outcome(case):
    settings = LintSettings(frozenset({{case.code}}), case.flax, True)
    starts = [one.range.start for one in lint_source(case.text, settings=settings)]
    fixed = fix_source(case.text, settings=settings).text
    return [case.code, case.title, "match " in case.text, [(start.row, start.column) for start in starts], fixed]

print(json.dumps([outcome(case) for case in all_cases()]))
"""


def _outcomes(archive: str) -> list[list[object]]:
    code = RUN_CASES.format(archive=archive, cases=str(ROOT / "tests" / "rules"))
    if not archive:
        code = code.replace("assert libcst", "# ")
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    outcomes: list[list[object]] = json.loads(finished.stdout)
    return outcomes


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("playground") / "engine.zip"
    write_engine(path)
    return path


def test_findings_and_rewrites_are_the_same(archive: Path) -> None:
    in_browser, here = _outcomes(str(archive)), _outcomes("")
    different = [name for (*name, own), (*_, real) in zip(in_browser, here, strict=True) if own != real]
    compared = [outcome for outcome in in_browser if not outcome[2]]
    assert [name for name in different if not name[2]] == []
    assert len(compared) > 0.9 * len(in_browser)


def test_the_page_gets_findings_a_diff_and_links(archive: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        "from playground_page import examine\n"
        f"print(examine(open({str(ROOT / 'examples' / 'unwrap_state.py')!r}).read(), '0.11', False))\n"
    )
    answer = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    finding = answer["findings"][0]
    assert finding["page"] == f"rules/{rules_about_code()[0].code}-{rules_about_code()[0].slug}/"
    assert "x.value if isinstance(x, nnx.Variable) else x" in answer["fixed"]
    assert any(line.startswith("+") for line in answer["diff"])


def test_a_syntax_error_is_said_not_raised(archive: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        "from playground_page import examine\nprint(examine('x = = 1', '0.11', False))\n"
    )
    answer = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert answer["row"] == 1
    assert "syntax error" in answer["error"]


def test_nothing_is_missing_from_the_archive() -> None:
    names = [name for name, _ in engine_files()]
    assert len(names) == len(set(names))
    assert {"flake8_nnx_treemap/__init__.py", "libcst/__init__.py", "libcst/native.py"} <= set(names)
