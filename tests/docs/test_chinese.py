"""The Chinese pages say what the English ones do: as many headings, tables and paragraphs, and the very same code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from snippets import ROOT, snippets_in

ZH = ROOT / "docs" / "zh"


def _english(page: str) -> str:
    """The English text that a page translates: all of an article, or the README up to its second heading.

    What is measured anew every week is in English alone.
    """
    if page == "index.md":
        text = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
        return re.sub(r"<!-- upgrade: .*<!-- upgrade: end -->\n", "", text, flags=re.DOTALL)
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def _chinese(page: str) -> str:
    return (ZH / page).read_text(encoding="utf-8")


def _code(text: str, folder: Path) -> list[tuple[str, str]]:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return [(snippet.says, snippet.text) for snippet in snippets_in(path)]


def _headings(text: str) -> list[str]:
    """The level of each heading outside code."""
    return re.findall(r"^(#+) ", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)


PAGES = sorted(path.name for path in ZH.glob("*.md"))


def test_there_are_two_pages() -> None:
    assert PAGES == ["how-is-leaf-works.md", "index.md"]


@pytest.mark.parametrize("page", PAGES)
def test_headings(page: str) -> None:
    assert _headings(_chinese(page)) == _headings(_english(page)) != []


@pytest.mark.parametrize("page", PAGES)
def test_code(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snippets.ROOT", tmp_path)
    assert _code(_chinese(page), tmp_path) == _code(_english(page), tmp_path) != []


@pytest.mark.parametrize("page", PAGES)
def test_drawings_and_lists(page: str) -> None:
    """Included drawings, rows of tables and items of lists are in the same order."""
    marks = re.compile(r"^(--8<-- .*|\||\* )", re.MULTILINE)
    assert marks.findall(_chinese(page)) == marks.findall(_english(page))
