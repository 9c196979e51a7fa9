"""Inputs that once broke something, and a short look at each target of the fuzz session."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz import TARGETS, fuzz
from targets import check_any

CORPUS = sorted(path for path in (Path(__file__).parent / "corpus").iterdir())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_the_corpus(path: Path) -> None:
    check_any(path.read_bytes())


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_target_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.ROUND", 5)
    assert fuzz(name, 1) >= 5
