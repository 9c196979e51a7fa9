"""The site builds without a warning, its links lead somewhere, and it loads nothing from elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from links import problems_of
from snippets import ROOT

from flake8_nnx_treemap.rules.catalogue import every_rule


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site: the one that ``nox -s docs`` has built already, or a new one."""
    if "NNX_SITE" in os.environ:
        return Path(os.environ["NNX_SITE"])
    directory = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(directory)]
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return directory


def test_links(site: Path) -> None:
    assert list(problems_of(site)) == []


def test_each_rule_has_its_address(site: Path) -> None:
    for rule in every_rule():
        assert (site / "rules" / f"{rule.code}-{rule.slug}" / "index.html").exists()


def test_tools_and_data_are_not_published(site: Path) -> None:
    assert not [path for path in site.rglob("*") if path.suffix == ".py" or path.parent.name in ("data", "drawings")]
