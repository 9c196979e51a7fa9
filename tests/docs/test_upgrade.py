"""The page "A project from 0.10 to 0.12" is one session: its files are written, its commands run in order."""

from __future__ import annotations

from pathlib import Path

from sandbox import Sandbox, new_sandbox
from snippets import ROOT, Snippet, commands_of, snippets_in
from test_snippets import matches

PAGE = ROOT / "docs" / "upgrade.md"


def test_the_walk_ends_where_the_page_says(tmp_path: Path) -> None:
    project = new_sandbox(tmp_path)
    compared, ran = [], 0
    for snippet in snippets_in(PAGE):
        path = project.directory / snippet.title
        if snippet.language == "python" and path.exists():
            assert path.read_text(encoding="utf-8") == snippet.text, snippet.name
            compared.append(snippet.title)
        elif snippet.title:
            project.write(snippet.title, snippet.text)
        else:
            ran += _run(project, snippet)
    assert compared == ["trainer/export.py", "trainer/training.py"]
    assert ran >= 6


def _run(project: Sandbox, snippet: Snippet) -> int:
    commands = commands_of(snippet)
    for command in commands:
        finished = project.run(command.line)
        assert finished.returncode in (0, 1), finished.stderr
        assert matches(command.output, finished.stdout), finished.stdout
    return len(commands)
