"""The site builds without a warning, its links lead somewhere, and it loads nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
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


def test_the_menu_names_rules_by_their_slugs(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    for rule in every_rule():
        assert f"{rule.code} {rule.slug}" in page
    groups = ("Code that crashes", "Code that is silently wrong", "Code that warns")
    assert [page.index(group) for group in groups] == sorted(page.index(group) for group in groups)


def test_edit_links_lead_to_the_file_that_one_edits(site: Path) -> None:
    edited = {
        "usage": "docs/usage.md",
        "changelog": "CHANGELOG.md",
        "rules/NNX102-dispatch-without-is-leaf": "flake8_nnx_treemap/rules/nnx102_dispatch_without_is_leaf.py",
    }
    for page, source in edited.items():
        text = (site / page / "index.html").read_text(encoding="utf-8")
        assert f"flake8-nnx-treemap/edit/main/{source}" in text
        assert (ROOT / source).exists()


def test_search_finds_the_parts_of_a_name(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    words = re.compile(index["config"]["separator"])
    found = {entry["location"] for entry in index["docs"] if "VariableState" in words.split(entry["text"])}
    assert any(location.startswith("rules/NNX201") for location in found)
    assert "0.12.1" in words.split("from 0.12.1 on.")


def test_pages_name_their_language(site: Path) -> None:
    assert '<html lang="zh-CN"' in (site / "zh" / "how-is-leaf-works" / "index.html").read_text(encoding="utf-8")
    assert '<html lang="en"' in (site / "how-is-leaf-works" / "index.html").read_text(encoding="utf-8")
