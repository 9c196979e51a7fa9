"""The ready files for CI services do what they say: their scripts are run here on a project with the bug."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = sorted(path.name for path in (EXAMPLES / "ci").iterdir())
BROKEN = "from flax import nnx  # jax.tree.map\ndef f(:\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with the bug, and with a file that does not parse."""
    (tmp_path / "src").mkdir()
    shutil.copy(EXAMPLES / "unwrap_state.py", tmp_path / "src" / "module.py")
    (tmp_path / "src" / "broken.py").write_text(BROKEN)
    return tmp_path


def load(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / "ci" / name).read_text())


def run(project: Path, script: str) -> tuple[int, str]:
    """Run a script as the services do."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    service = {"GITHUB_WORKSPACE": str(project), "CI_PROJECT_DIR": str(project)}
    command = ["bash", "-e", "-o", "pipefail", "-c", script]
    environment = {**os.environ, **service, "PATH": path}
    finished = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert "Traceback" not in finished.stderr, finished.stderr
    return finished.returncode, finished.stdout


def last_step(name: str) -> str:
    return str(load(name)["jobs"]["nnx"]["steps"][-1]["run"])


def make_clean(project: Path) -> None:
    (project / "src" / "module.py").write_text("import jax\n")
    (project / "src" / "broken.py").unlink(missing_ok=True)


def test_github_annotations(project: Path) -> None:
    status, output = run(project, last_step("github-actions.yml"))
    assert status == 2
    broken, *rest = output.splitlines()
    assert broken.startswith("::error title=nnx-fix,file=src/broken.py,line=2,")
    assert rest[0].startswith("::error title=nnx-fix (NNX101),file=src/module.py,line=8,col=59,endLine=8,")
    make_clean(project)
    assert run(project, last_step("github-actions.yml")) == (0, "")


def test_code_scanning_is_given_what_was_found_even_if_a_file_does_not_parse(project: Path) -> None:
    job = load("code-scanning.yml")["jobs"]["nnx"]
    check, upload = job["steps"][-2:]
    assert run(project, check["run"])[0] == 2
    report = project / upload["with"]["sarif_file"]
    (log,) = json.loads(report.read_text())["runs"]
    (result,) = log["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], place["artifactLocation"]["uri"]) == ("NNX101", "src/module.py")
    assert log["invocations"][0]["executionSuccessful"] is False
    assert (upload["if"], job["permissions"]["security-events"]) == ("${{ !cancelled() }}", "write")
    (project / "src" / "broken.py").unlink()
    assert run(project, check["run"])[0] == 0
    make_clean(project)
    assert run(project, check["run"])[0] == 0
    assert json.loads(report.read_text())["runs"][0]["results"] == []


def test_gitlab_code_quality(project: Path) -> None:
    [script] = load("gitlab-ci.yml")["nnx"]["script"]
    report = project / "gl-code-quality-report.json"
    assert run(project, script)[0] == 2
    broken, issue = json.loads(report.read_text())
    assert broken["location"]["path"] == "src/broken.py"
    assert (issue["location"]["path"], issue["location"]["positions"]["begin"]["line"]) == ("src/module.py", 8)
    assert issue["check_name"] == "NNX101"
    make_clean(project)
    assert run(project, script)[0] == 0
    assert json.loads(report.read_text()) == []


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_reviewdog_is_given_its_format(project: Path) -> None:
    """The format's validator judges what reviewdog would read."""
    command, _, reviewdog = last_step("reviewdog.yml").partition("|")
    assert "-f=rdjson" in reviewdog
    status, output = run(project, command)
    assert status == 2
    broken, finding = json.loads(output)["diagnostics"]
    assert Path(broken["location"]["path"]) == Path("src/broken.py")
    assert finding["location"]["range"]["start"] == {"line": 8, "column": 59}
    assert len(finding["suggestions"]) == 1
    for text, is_valid in ((output, True), (output.replace('"ERROR"', '"FATAL"'), False)):
        assert (validated(text).returncode == 0) is is_valid, text


def validated(text: str) -> subprocess.CompletedProcess[str]:
    package = "@umbrelladocs/rdformat-validator@1.0.1"
    command = ["npm", "exec", "--yes", f"--package={package}", "--", "rdformat-validator", "--strict"]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_pinned(name: str) -> None:
    text = (EXAMPLES / "ci" / name).read_text()
    used = re.findall(r"uses: (.*)", text)
    assert all(re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one) for one in used), used
