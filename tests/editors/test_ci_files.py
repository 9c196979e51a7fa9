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
pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
INSTALLS = re.compile(r"^(pip install|apt-get)\b")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    shutil.copy(EXAMPLES / "unwrap_state.py", tmp_path / "src" / "module.py")
    return tmp_path


def load(name: str) -> Any:
    return yaml.safe_load((EXAMPLES / "ci" / name).read_text())


def run(project: Path, scripts: list[str]) -> tuple[int, str]:
    """Run scripts as the services do: one after the other until one fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    output = ""
    for script in scripts:
        command = ["bash", "-e", "-o", "pipefail", "-c", script]
        finished = subprocess.run(
            command, cwd=project, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        output += finished.stdout
        assert not finished.stderr, finished.stderr
        if finished.returncode:
            return finished.returncode, output
    return 0, output


def steps(name: str) -> list[str]:
    found = [step["run"] for step in load(name)["jobs"]["nnx"]["steps"] if "run" in step]
    return [script for script in found if not INSTALLS.match(script)]


def test_github_annotations(project: Path) -> None:
    status, output = run(project, steps("github-actions.yml"))
    assert status != 0
    assert output.startswith("::error file=src/module.py,line=8,col=59,endLine=8,title=NNX101::is_leaf only stops")
    (project / "src" / "module.py").write_text("import jax\n")
    assert run(project, steps("github-actions.yml")) == (0, "")


def test_gitlab_code_quality(project: Path) -> None:
    status, _ = run(project, load("gitlab-ci.yml")["nnx"]["script"])
    assert status != 0
    [issue] = json.loads((project / "gl-code-quality-report.json").read_text())
    assert issue["location"] == {"path": "src/module.py", "lines": {"begin": 8, "end": 8}}
    assert issue["check_name"] == "NNX101"
    assert issue["fingerprint"]
    (project / "src" / "module.py").write_text("import jax\n")
    assert run(project, load("gitlab-ci.yml")["nnx"]["script"])[0] == 0
    assert json.loads((project / "gl-code-quality-report.json").read_text()) == []


def test_reviewdog_reads_the_text_output(project: Path) -> None:
    [script] = steps("reviewdog.yml")
    command, _, reviewdog = script.partition("|")
    assert '-efm="%f:%l:%c: %m"' in reviewdog
    _, output = run(project, [command])
    found = [match for line in output.splitlines() if (match := re.fullmatch(r"(.+?):(\d+):(\d+): (.*)", line))]
    assert [match.groups()[:3] for match in found] == [("./src/module.py", "8", "59")]
