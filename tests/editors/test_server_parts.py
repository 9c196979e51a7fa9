"""The server's parts, without a server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lsprotocol import types

import flake8_nnx_treemap
from flake8_nnx_treemap.lsp import analyst as analyst_module
from flake8_nnx_treemap.lsp.analyst import Analyst
from flake8_nnx_treemap.lsp.diagnostics import tags_of
from flake8_nnx_treemap.lsp.documents import Document, Source
from flake8_nnx_treemap.lsp.positions import Lines
from flake8_nnx_treemap.lsp.server import NNXLanguageServer
from flake8_nnx_treemap.lsp.settings import client_settings
from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.reporting.pages import page
from flake8_nnx_treemap.rules.catalogue import rule_named, rules_about_code
from flake8_nnx_treemap.rules.rule import Rule

BUG = """\
import jax
from flax import nnx
jax.tree.map(lambda v: v.value, {}, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""


def source(text: str) -> Source:
    return Source.of_document(Document("untitled:a.py", Lines(text, "utf-16"), 0))


# Settings


def test_settings() -> None:
    given = {
        "select": ["NNX1"],
        "extendSelect": "NNX112, NNX2",
        "targetFlax": "0.12",
        "unsafeFixes": True,
        "ignore": None,
    }
    for wrapped in (given, {"nnx": given}):
        settings = client_settings(wrapped)
        assert settings.overrides == Overrides(
            select=("NNX1",), extend_select=("NNX112", "NNX2"), target_flax="0.12", unsafe_fixes=True
        )
        assert not settings.complaints


@pytest.mark.parametrize("given", [None, {}, [], "", {"nnx": {}}, {"nnx": {"trace": {"server": "off"}}}])
def test_no_settings(given: object) -> None:
    assert client_settings(given) == client_settings(None)
    assert not client_settings(given).complaints


def test_settings_that_are_wrong() -> None:
    given = {"select": 1, "ignore": [1], "targetFlax": 0.12, "isolated": "yes", "selct": []}
    assert [complaint.split()[1] for complaint in client_settings(given).complaints] == [
        "nnx.select", "nnx.ignore", "nnx.targetFlax", "nnx.isolated", "setting",
    ]  # fmt: skip
    assert client_settings(given).overrides == Overrides()


# Analysis


def test_no_text_is_analysed_twice() -> None:
    async def run() -> int:
        analyst = Analyst()
        for text in (BUG, BUG + "\n", BUG, "nnx", BUG, "import jax\n"):
            await analyst.analyse(source(text), Overrides(is_isolated=True))
        await asyncio.gather(*(analyst.analyse(source(BUG + "#"), Overrides(is_isolated=True)) for _ in range(5)))
        return analyst.runs

    assert asyncio.run(run()) == 4


def test_what_is_found_depends_on_the_name_of_the_file(tmp_path: Path) -> None:
    async def run(*names: str) -> list[bool]:
        analyst, found = Analyst(), []
        for name in names:
            text = "from flax.nnx import VariableState\n\ndef f(x: VariableState): ...\n"
            document = Document((tmp_path / name).as_uri(), Lines(text, "utf-16"), 0)
            overrides = Overrides(is_isolated=True, target_flax="0.12")
            analysis = await analyst.analyse(Source.of_document(document), overrides)
            found.append(any(finding.fix is not None for finding in analysis.findings))
        return found

    assert asyncio.run(run("m.py", "__init__.py")) == [True, False]
    assert asyncio.run(run("__init__.py", "m.py")) == [False, True]


def test_what_has_not_begun_is_dropped() -> None:
    async def run() -> int:
        analyst = Analyst()
        works = [
            asyncio.ensure_future(
                analyst.analyse(source(BUG + "x = 1\n" * (2000 + number)), Overrides(is_isolated=True))
            )
            for number in range(20)
        ]
        await asyncio.sleep(0)
        for work in works[:-1]:
            work.cancel()
        await works[-1]
        return analyst.runs

    assert asyncio.run(run()) <= 3


def test_an_error_of_ours_is_logged_and_what_was_found_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("deep")

    async def run() -> tuple[object, object, list[str]]:
        server, logged = NNXLanguageServer(), []
        monkeypatch.setattr(server, "log", lambda message, kind: logged.append(message))
        first = await server.analysis_of(source(BUG))
        monkeypatch.setattr(analyst_module, "lint", fail)
        second = await server.analysis_of(source(BUG + "\n"))
        return first, second or server.analyses["untitled:a.py"], logged

    first, last, logged = asyncio.run(run())
    assert first is last
    assert len(logged) == 1
    assert "internal error in untitled:a.py" in logged[0]
    assert "RecursionError: deep" in logged[0]


# Rules


@pytest.mark.parametrize(
    ("code", "tags"),
    [("NNX101", []), ("NNX201", [types.DiagnosticTag.Deprecated]), ("NNX203", [])],
)
def test_tags(code: str, tags: list[object]) -> None:
    assert tags_of(rule_named(code)) == tags


@pytest.mark.parametrize("found", rules_about_code(), ids=lambda found: found.code)
def test_every_rule_has_a_page(found: Rule) -> None:
    assert found.summary in page(found.code)
    assert found.url in page(found.code)


# Starting


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    from flake8_nnx_treemap import language_server

    monkeypatch.delitem(sys.modules, "flake8_nnx_treemap.lsp.handlers", raising=False)
    for name in [name for name in sys.modules if name.split(".")[0] in ("pygls", "lsprotocol") or ".lsp." in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pygls", None)
    monkeypatch.setitem(sys.modules, "lsprotocol", None)
    assert language_server.main([]) == 2
    assert 'pip install "flake8-nnx-treemap[lsp]"' in capsys.readouterr().err


def test_it_serves_on_a_port_and_ends_with_its_client() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "flake8_nnx_treemap.language_server", "--tcp", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(Path(flake8_nnx_treemap.__file__).parents[1])}
    params = {"processId": None, "rootUri": None, "capabilities": {}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()
    with subprocess.Popen(command, env=environment) as process:
        try:
            with connect(port) as client:
                client.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                assert b"Content-Length" in client.recv(4096)
            assert process.wait(20) == 0
        finally:
            process.kill()


def connect(port: int) -> socket.socket:
    """A connection to a server that may still be starting."""
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=20)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError("no server on the port")
