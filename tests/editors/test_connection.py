"""The server's connection: how it begins, what it makes of messages that are wrong, how it ends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from wire import COMMAND, wired

from flake8_nnx_treemap.jupyter import START, language_servers

URI = "untitled:module.py"
BUG = """\
import jax
from flax import nnx
jax.tree.map(lambda v: v.value, {}, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
OPEN = {"textDocument": {"uri": URI, "languageId": "python", "version": 0, "text": BUG}}
ABOUT = {"textDocument": {"uri": URI}}
PULLS = {"textDocument": {"diagnostic": {}}}


# Starting


@pytest.mark.parametrize("name", ["pygls", "json", "argparse", "flake8_nnx_treemap", "sitecustomize", "lsprotocol"])
def test_no_file_of_the_workspace_stands_in_for_a_module(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("open('was_run', 'w')\nraise SystemExit(9)\n")
    [spec] = language_servers(None).values()
    with wired(tuple(spec["argv"]), cwd=tmp_path) as wire:
        assert "capabilities" in wire.initialize()["result"]
        wire.send("shutdown", number=2)
        wire.answer_to(2)
        wire.send("exit")
        assert wire.end()[0] == 0
    assert not (tmp_path / "was_run").exists()


def test_visual_studio_code_starts_it_in_the_same_way() -> None:
    script = Path(__file__).resolve().parents[2] / "editors" / "vscode" / "src" / "server.ts"
    safely, rest = START.split("from ", 1)
    text = script.read_text()
    assert f'const SAFELY = "{safely}";' in text
    assert "${SAFELY}from " + rest.replace("flake8_nnx_treemap.language_server", "${MODULE}") in text
    assert '"-m"' not in text


# Diagnostics that are asked for


def test_a_request_that_the_server_drops_is_to_be_sent_again() -> None:
    """Neovim 0.11 asks as soon as a file is open; what comes after that makes the server start over."""
    with wired() as wire:
        wire.initialize(**PULLS)
        wire.send("textDocument/didOpen", OPEN)
        wire.send("textDocument/diagnostic", ABOUT, 2)
        wire.send("workspace/didChangeConfiguration", {"settings": {"nnx": {"ignore": ["NNX2"]}}})
        error = wire.answer_to(2)["error"]
        assert error["code"] == -32802
        assert error["data"] == {"retriggerRequest": True}
        wire.send("textDocument/diagnostic", ABOUT, 3)
        assert [one["code"] for one in wire.answer_to(3)["result"]["items"]] == ["NNX101"]
        assert not [one for one in wire.heard if one.get("method") == "window/logMessage"]


def test_a_request_that_the_client_cancels_is_answered_as_cancelled() -> None:
    with wired() as wire:
        wire.initialize(**PULLS)
        wire.send("textDocument/didOpen", OPEN)
        wire.send("textDocument/diagnostic", ABOUT, 2)
        wire.send("$/cancelRequest", {"id": 2})
        assert wire.answer_to(2)["error"]["code"] == -32800


# Messages that are wrong


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("textDocument/hover", {"textDocument": {"uri": 5}, "position": []}),
        ("textDocument/hover", None),
        ("textDocument/hover", "here"),
        ("textDocument/codeAction", {"textDocument": {"uri": URI}, "range": 7, "context": {"diagnostics": []}}),
        ("textDocument/diagnostic", []),
        ("workspace/executeCommand", {"command": {}, "arguments": 3}),
    ],
)
def test_parameters_of_a_wrong_type_get_an_error_response(method: str, params: object) -> None:
    with wired() as wire:
        wire.initialize()
        wire.send(method, params, "a number")
        assert wire.answer_to("a number")["error"]["code"] in (-32602, -32603)
        wire.send("textDocument/didOpen", OPEN)
        wire.send("textDocument/hover", {**ABOUT, "position": {"line": 2, "character": 60}}, 2)
        assert wire.answer_to(2)["result"]["contents"]["value"]


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 999999999999999999\r\n\r\n",
        b"Content-Length: " + b"9" * 3000 + b"\r\n\r\n",
        b"Content-Length: " + b"9" * 9000 + b"\r\n\r\n",
        b"x" * 8000,
    ],
    ids=["huge", "beyond all numbers", "beyond what Python converts", "no end"],
)
def test_an_absurd_header_ends_the_connection(header: bytes) -> None:
    with wired() as wire:
        wire.initialize()
        wire.write(header)
        status, complaints = wire.end()
        assert status == 1
        assert complaints.startswith("nnx-fix server: ")
        assert complaints.count("\n") == 1


def test_a_message_that_breaks_off_ends_the_connection() -> None:
    with wired() as wire:
        wire.initialize()
        wire.write(b'Content-Length: 100\r\n\r\n{"jsonrpc": "2.0", ')
        assert wire.end() == (0, "")


# Ending


@pytest.mark.parametrize("params", [None, {}, []], ids=repr)
@pytest.mark.parametrize(("is_shut_down", "status"), [(True, 0), (False, 1)])
def test_to_leave_without_shutdown_is_an_error(is_shut_down: bool, status: int, params: object) -> None:
    with wired() as wire:
        wire.initialize()
        if is_shut_down:
            wire.send("shutdown", params, number=2)
            assert "error" not in wire.answer_to(2)
        wire.send("exit", params)
        assert wire.end() == (status, "")


def test_before_the_client_says_anything_it_may_leave() -> None:
    finished = subprocess.run(COMMAND, stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, b"", b"")
