"""Measures how long the language server takes from ``didChange`` to diagnostics, and to offer code actions.

Time runs from the bytes of one message to the bytes of the other, with all that the server does between them: decoding,
the change itself, the analysis in its thread, encoding. ``--check`` fails if a median is over its limit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from dataclasses import dataclass
from itertools import count
from typing import Any

from flake8_nnx_treemap.lsp.handlers import create_server

HEADER = '"""A module that trains a model."""\n\nimport jax\nfrom flax import nnx\n\n\n'
FINDING = '''\
def convert_{0}(state):
    """Double what is in the state.

    Args:
        state: the model's state.

    Returns:
        The same state with each value doubled.
    """
    # Only Variables are to be mapped.
    return jax.tree.map(
        lambda variable: variable.value * 2,
        state,
        is_leaf=lambda node: isinstance(node, nnx.VariableState),
    )


'''
PLAIN = '''\
def report_{0}(losses, step, *, every=100):
    """Print the mean loss now and then.

    Args:
        losses: what was measured since the last report.
        step: the number of the step.
        every: how often to report.
    """
    if step % every:
        return None
    mean = sum(losses) / max(len(losses), 1)
    print(f"step {{step}}: loss {{mean:.4f}}")
    losses.clear()
    return mean


'''


@dataclass(frozen=True)
class Case:
    """A file of about so many lines, with so many findings, and the most that a median may take, in ms."""

    name: str
    lines: int
    findings: int
    limit: float

    def text(self) -> str:
        """The file."""
        header = HEADER if self.findings else HEADER.replace("from flax import nnx", "import numpy as np")
        bodies = [FINDING.format(index) for index in range(self.findings)]
        missing = self.lines - header.count("\n") - sum(body.count("\n") for body in bodies)
        plain = [PLAIN.format(index) for index in range(missing // PLAIN.count("\n"))]
        return header + "".join(plain[: len(plain) // 2] + bodies + plain[len(plain) // 2 :])


CASES = (
    Case("500 lines, 3 findings", 500, 3, 15.0),
    Case("5000 lines, 10 findings", 5000, 10, 120.0),
    Case("5000 lines, no candidate", 5000, 0, 1.0),
)


ACTIONS = Case("4400 lines, 40 findings, actions", 4400, 40, 20.0)
CAPABILITIES = {
    "textDocument": {"codeAction": {"dataSupport": True, "resolveSupport": {"properties": ["edit"]}}},
}


class Writer:
    """Takes what the server sends, and wakes who waits for diagnostics or an answer."""

    def __init__(self) -> None:
        self.diagnostics: asyncio.Queue[tuple[float, dict[str, Any]]] = asyncio.Queue()
        self.answers: asyncio.Queue[tuple[float, Any]] = asyncio.Queue()

    def write(self, data: bytes) -> None:
        """Note when a message was ready to be sent."""
        if b"publishDiagnostics" in data:
            self.diagnostics.put_nowait((time.perf_counter(), json.loads(data.partition(b"\r\n\r\n")[2])["params"]))
        elif b'"result"' in data:
            self.answers.put_nowait((time.perf_counter(), json.loads(data.partition(b"\r\n\r\n")[2])["result"]))

    def close(self) -> None:
        """There is nothing to close."""


class Client:
    """Hands the server the bytes of messages, as its loop would that reads them off a pipe."""

    def __init__(self) -> None:
        self._protocol = create_server().protocol
        self._writer = Writer()
        self._protocol.set_writer(self._writer)
        self._requests = count(1)

    def send(self, method: str, params: Any, *, is_request: bool = False) -> float:
        """Send a message, and tell when."""
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        body = json.dumps(message | ({"id": next(self._requests)} if is_request else {}))
        start = time.perf_counter()
        self._protocol.handle_message(json.loads(body, object_hook=self._protocol.structure_message))
        return start

    async def diagnostics(self, version: int) -> tuple[float, int]:
        """When a version's diagnostics were sent, and how many they are."""
        while True:
            at, params = await self._writer.diagnostics.get()
            if params["version"] == version:
                return at, len(params["diagnostics"])

    async def ask(self, method: str, params: Any) -> tuple[float, Any]:
        """Send a request; the seconds until its answer, and the answer."""
        while not self._writer.answers.empty():
            self._writer.answers.get_nowait()
        start = self.send(method, params, is_request=True)
        at, answer = await self._writer.answers.get()
        return at - start, answer

    async def __aenter__(self) -> Client:
        self.send("initialize", {"processId": None, "rootUri": None, "capabilities": CAPABILITIES}, is_request=True)
        self.send("initialized", {})
        return self

    async def __aexit__(self, *_: object) -> None:
        self.send("shutdown", None, is_request=True)


async def measure(case: Case, times: int) -> list[float]:
    """Type into a file, wait for diagnostics each time, and tell the milliseconds."""
    uri, took = "untitled:module.py", []
    async with Client() as client:
        document = {"uri": uri, "languageId": "python", "version": 0, "text": case.text()}
        client.send("textDocument/didOpen", {"textDocument": document})
        assert (await client.diagnostics(0))[1] == case.findings
        for version in range(1, times + 4):
            await asyncio.sleep(0.02)
            position = {"line": 4 + version % 2, "character": 0}
            change = {"range": {"start": position, "end": position}, "text": f"SEED_{version} = {version}\n"}
            identifier = {"uri": uri, "version": version}
            params = {"textDocument": identifier, "contentChanges": [change]}
            start = client.send("textDocument/didChange", params)
            end, found = await client.diagnostics(version)
            assert found == case.findings
            took.append((end - start) * 1000)
    return took[3:]  # The first ones fill caches.


async def measure_actions(case: Case, times: int) -> list[float]:
    """Ask what can be done about one finding after another, and tell the milliseconds."""
    uri, took = "untitled:module.py", []
    text = case.text()
    rows = [row for row, line in enumerate(text.splitlines()) if "is_leaf=lambda" in line]
    async with Client() as client:
        document = {"uri": uri, "languageId": "python", "version": 0, "text": text}
        client.send("textDocument/didOpen", {"textDocument": document})
        assert (await client.diagnostics(0))[1] == case.findings
        for index in range(times):
            place = {"line": rows[index % len(rows)], "character": 20}
            range_ = {"start": place, "end": place}
            asked = {"textDocument": {"uri": uri}, "range": range_, "context": {"diagnostics": []}}
            seconds, offered = await client.ask("textDocument/codeAction", asked)
            assert len(offered) == 5, [action["title"] for action in offered]
            took.append(seconds * 1000)
    return took


def main() -> int:
    """Measure all cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=60, help="how often each change is made")
    parser.add_argument("--check", action="store_true", help="fail if a median is over its limit")
    options = parser.parse_args()
    is_slow = False
    for case, measured in (*((case, measure) for case in CASES), (ACTIONS, measure_actions)):
        took = asyncio.run(measured(case, options.times))
        median, slow = statistics.median(took), statistics.quantiles(took, n=10)[-1]
        is_slow |= median > case.limit
        print(f"{case.name:32} median {median:7.2f} ms   90% below {slow:7.2f} ms   limit {case.limit:g} ms")
    return int(options.check and is_slow)


if __name__ == "__main__":
    sys.exit(main())
