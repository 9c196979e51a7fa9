"""The language server as bytes see it: a process, what is written to it, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flake8_nnx_treemap

COMMAND = (sys.executable, "-m", "flake8_nnx_treemap.language_server")


class Wire:
    """One connection; every message that the server sends is kept in ``heard``."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.heard: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, method: str, params: Any = None, number: object = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        body = json.dumps(message if number is None else {**message, "id": number}).encode()
        self.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def hear(self) -> dict[str, Any]:
        """The next message."""
        assert self.process.stdout is not None
        size = 0
        while header := self.process.stdout.readline().strip():
            name, _, value = header.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        assert size, f"the server is gone: {self.process.poll()}"
        self.heard.append(json.loads(self.process.stdout.read(size)))
        return self.heard[-1]

    def answer_to(self, number: object) -> dict[str, Any]:
        while (message := self.hear()).get("id") != number or "method" in message:
            pass
        return message

    def initialize(self, **capabilities: Any) -> dict[str, Any]:
        self.send("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities}, 1)
        return self.answer_to(1)

    def end(self) -> tuple[int, str]:
        """Say no more: the code that the server ends with, and what it wrote to standard error."""
        _, complaints = self.process.communicate(timeout=20)
        return self.process.returncode, complaints.decode()


@contextmanager
def wired(command: tuple[str, ...] = COMMAND, cwd: Path | None = None) -> Iterator[Wire]:
    """Start a server, and end it in any case."""
    # The server is to be the package that these tests import, wherever an editable install points.
    environment = {**os.environ, "PYTHONPATH": str(Path(flake8_nnx_treemap.__file__).parents[1])}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=cwd) as process:
        try:
            yield Wire(process)
        finally:
            process.kill()
