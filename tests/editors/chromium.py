"""Headless Chromium by its own debugging protocol: as much of it as a test of a page needs."""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket
from browsers import CHROMIUM

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--window-size=1280,760",
)


_MODIFIERS = {"Alt": 1, "Control": 2, "Shift": 4}
_KEYS = {"Enter": 13, "Escape": 27, "F1": 112, ".": 190, "ArrowDown": 40, "Home": 36, "End": 35}
"""The numbers by which browsers know keys that are no letters."""


class Page:
    """The one page of a browser."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=60, suppress_origin=True)
        self._numbers = itertools.count(1)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv())).get("id") != number:
            pass
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def evaluate(self, script: str) -> Any:
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, script: str, seconds: float = 60) -> Any:
        """Wait until a script's value is true."""
        end = time.monotonic() + seconds
        while not (value := self.evaluate(script)):
            assert time.monotonic() < end, f"never: {script}\n{self.evaluate('document.body.innerText')[:2000]}"
            time.sleep(0.2)
        return value

    def hover(self, x: float, y: float) -> None:
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, *keys: str) -> None:
        """Press a key with others held, such as ``("Control", "s")``."""
        *held, key = keys
        modifiers = sum(_MODIFIERS[one] for one in held)
        code = {".": "Period"}.get(key) or (f"Key{key.upper()}" if len(key) == 1 else key)
        number = _KEYS.get(key) or ord(key.upper())
        named = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, **named)

    def write(self, text: str) -> None:
        """Put text where the cursor is."""
        self.call("Input.insertText", text=text)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def page_at(url: str, profile: Path) -> Iterator[Page]:
    """Open an address in a browser of its own."""
    assert CHROMIUM is not None, "Chromium is not here"
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            page = Page(_address(profile))
            page.call("Page.navigate", url=url)
            yield page
            page.call("Browser.close")
        finally:
            process.terminate()


def _address(profile: Path) -> str:
    end = time.monotonic() + 30
    while True:
        try:
            port = (profile / "DevToolsActivePort").read_text().splitlines()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=5) as answer:
                return str(next(one["webSocketDebuggerUrl"] for one in json.load(answer) if one["type"] == "page"))
        except (OSError, StopIteration, IndexError):
            assert time.monotonic() < end, "Chromium does not start"
            time.sleep(0.1)
