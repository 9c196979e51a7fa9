"""How much memory runs take: told in what ``ast.parse`` takes of the same text, less than which no parser needs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from corpora import generated
from lsp_latency import Case, Client

resource = pytest.importorskip("resource", reason="there is no such module on Windows")

PEAK = """\
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=False)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""
PARSE = "import ast, gc, sys; gc.disable(); ast.parse(open(sys.argv[1]).read())"
STATUS = Path("/proc/self/statm")
CHANGES, SETTLED = 1200, 600


def peak(*arguments: str) -> int:
    """The most bytes that Python holds with some arguments."""
    run = subprocess.run(
        [sys.executable, "-c", PEAK, sys.executable, *arguments], capture_output=True, text=True, check=True
    )
    return int(run.stdout)


@pytest.mark.parametrize(("findings", "lines", "most"), [(1, 25_000, 1.4), (4_000, 0, 2.5)])
@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_memory_of_a_large_file(tmp_path: Path, findings: int, lines: int, most: float, option: str) -> None:
    path = tmp_path / "large.py"
    path.write_text(generated(findings, lines))
    run = peak("-m", "flake8_nnx_treemap", "--isolated", option, "--output-format", "concise", str(path))
    assert run <= most * peak("-c", PARSE, str(path))


@pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells so simply what a process holds")
def test_the_language_server_does_not_grow() -> None:
    """Five documents of 13 kB that change all the time, each text another one."""
    text = Case("13 kB", 400, 6, 0).text()

    async def held() -> list[int]:
        found = []
        async with Client() as client:
            for number in range(5):
                item = {"uri": f"untitled:{number}.py", "languageId": "python", "version": 0, "text": text}
                client.send("textDocument/didOpen", {"textDocument": item})
            for version in range(1, CHANGES + 1):
                identifier = {"uri": f"untitled:{version % 5}.py", "version": version}
                params = {"textDocument": identifier, "contentChanges": [{"text": f"{text}# {version}\n"}]}
                client.send("textDocument/didChange", params)
                await client.diagnostics(version)
                if version in (SETTLED, CHANGES):
                    found.append(int(STATUS.read_text().split()[1]) * 4096)
        return found

    settled, end = asyncio.run(held())
    assert end - settled <= 6_000_000
