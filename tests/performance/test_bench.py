"""The benchmark's own parts: what it writes, and what it runs on."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import bench
import corpora
import pytest


def test_tables_are_written_where_the_page_names_their_contests(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "above\n<!-- measured: b; a -->\nold\n<!-- end -->\nbetween\n<!-- measured: c -->\nkept\n<!-- end -->\n"
    )
    results = {"a": {"one": [1.0, 1.0], "two": [2.0, 4.0]}, "b": {"three": [1.0, 1.0]}}
    bench.write_tables(page, results)
    text = page.read_text()
    assert "| three | b | 1.00 | 1.00 | 1.00 |\n| one | a | 1.00 | 1.00 | 1.00 |\n| two | a | 3.00 |" in text
    assert "old" not in text
    assert text.endswith("<!-- end -->\nbetween\n<!-- measured: c -->\nkept\n<!-- end -->\n")
    bench.write_tables(page, results)
    assert page.read_text() == text


def test_every_table_of_the_page_is_measured() -> None:
    page = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")
    folders = {name: Path(name) for name in ("users", "named", "installed", "plain", "heavy", "tunix", "one")}
    titles = {contest.title for contest in bench.over_trees(folders)}
    named = [title for places in bench.PLACE.findall(page) for title in places.split("; ")]
    assert named
    assert set(named) <= titles
    assert {limit.contest for limit in bench.LIMITS if "findings: " not in limit.contest} <= titles


def test_sources_are_unpacked_below_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name in ("p-1/a.py", "p-1/b.ipynb", "p-1/c.txt", "../out.py", "/abs.py"):
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"nnx"))
    monkeypatch.setattr(corpora, "_fetched", lambda *_: (archive.getvalue(), False))
    folder = corpora.unpack_sources(("p==1",), tmp_path / "users")
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["users/p==1/p-1/a.py", "users/p==1/p-1/b.ipynb"]
    assert corpora.count(folder, b"nnx") == 2
    (copy,) = corpora.of_users(folder, tmp_path / "named").rglob("*.py")
    assert copy.read_bytes() == b"nnx\n# torch\n"
