"""VS Code itself, as code-server in a real browser, with our extension: in a file and in a notebook.

``nox -s vscode`` installs code-server and builds the extension; ``NNX_CODE_SERVER`` and ``NNX_VSIX`` say where they
are. One browser is used for all tests, since it takes longer to start than the rest.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import browsers
import pytest

import flake8_nnx_treemap

T = TypeVar("T")

if TYPE_CHECKING:
    from chromium import Page

CODE_SERVER = shlex.split(os.environ.get("NNX_CODE_SERVER", ""))
VSIX = os.environ.get("NNX_VSIX", "")
MISSING = [name for name in ("pygls", "websocket") if importlib.util.find_spec(name) is None]
MISSING += browsers.MISSING
MISSING += [] if CODE_SERVER and VSIX else ["code-server with the extension"]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

IMPORTS = "import jax\nfrom flax import nnx\n"
PREDICATE = "lambda x: isinstance(x, nnx.VariableState)"
CALL = f"jax.tree.map(lambda v: v.value, state, is_leaf={PREDICATE})\n"
FIXED = CALL.replace("v.value", "v.value if isinstance(v, nnx.Variable) else v").replace("VariableState", "Variable")
MESSAGE = "is_leaf filters nothing"
SETTINGS = {
    "nnx.interpreter": sys.executable,
    "editor.codeActionsOnSave": {"source.fixAll.nnx": "explicit"},
    "notebook.codeActionsOnSave": {"notebook.source.fixAll.nnx": "explicit"},
    "editor.lightbulb.enabled": "off",
    "editor.wordWrap": "off",
    "chat.disableAIFeatures": True,
    "security.workspace.trust.enabled": False,
    "telemetry.telemetryLevel": "off",
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
}
SQUIGGLE = "document.querySelector('.monaco-editor .squiggly-warning')"
SHOWN = (
    "[...document.querySelectorAll('.view-line')].map(line => line.innerText.replaceAll('\\u00a0', ' ')).join('\\n')"
)


def book(*cells: str) -> str:
    made = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": text,
        }
        for number, text in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1)


FILES = {
    "py": lambda call: IMPORTS + call + call,
    "ipynb": lambda call: book(IMPORTS.rstrip(), call.rstrip(), call.rstrip()),
}


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that has the extension, a folder to work in, and nothing of this machine's configuration."""
    root = tmp_path_factory.mktemp("code")
    project = root / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text('[tool.nnx-treemap]\ntarget-flax = "0.12"\nselect = ["NNX101"]\n')
    for kind, text in FILES.items():
        for name in ("shown", "saved"):
            (project / f"{name}.{kind}").write_text(text(CALL))
    (root / "data" / "User").mkdir(parents=True)
    (root / "data" / "User" / "settings.json").write_text(json.dumps(SETTINGS))
    (root / "config.yaml").write_text("auth: none\ncert: false\n")
    # The server is to be the package that these tests import, wherever an editable install points.
    environment = {**os.environ, "HOME": str(root), "PYTHONPATH": str(Path(flake8_nnx_treemap.__file__).parents[1])}
    environment = {name: value for name, value in environment.items() if not name.startswith("VSCODE_")}
    command = [*CODE_SERVER, "--config", str(root / "config.yaml")]
    command += ["--user-data-dir", str(root / "data"), "--extensions-dir", str(root / "extensions")]
    subprocess.run(
        [*command, "--install-extension", VSIX], env=environment, check=True, capture_output=True, timeout=120
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command += ["--bind-addr", address, "--disable-telemetry", "--disable-update-check", str(project)]
    with (
        (root / "log").open("w") as log,
        # A group of its own, since what is started may be no more than a script that starts the server.
        subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        try:
            _wait_for(f"http://{address}/healthz", root / "log")
            yield f"http://{address}/?folder={project}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def _wait_for(url: str, log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (OSError, urllib.error.URLError):
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)


@pytest.fixture(scope="module")
def page(code: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser that shows the folder."""
    from chromium import page_at

    with page_at(code, tmp_path_factory.mktemp("profile")) as page:
        page.wait_for("document.querySelector('.explorer-folders-view') !== null")
        yield page


@pytest.fixture
def open_file(page: Page) -> Iterator[Callable[[str], Page]]:
    """A function that opens a file, and waits until the finding in it is underlined."""

    def open_(name: str) -> Page:
        _pick(page, ("Control", "p"), name)
        page.wait_for(f"{SQUIGGLE} !== null", 90)
        return page

    yield open_
    page.press("Control", "s")
    _pick(page, ("F1",), "View: Close All Editors")
    page.wait_for("document.querySelector('.monaco-editor .view-line') === null")


def _pick(page: Page, keys: tuple[str, ...], entry: str) -> None:
    """Choose from a list as a user does: press a key, type, wait for the entry, press Enter."""
    page.press(*keys)
    page.wait_for("document.querySelector('.quick-input-widget:not([style*=\"display: none\"]) input') !== null")
    page.write(entry)
    first = "(document.querySelector('.quick-input-list .monaco-list-row') || {innerText: ''}).innerText"
    page.wait_for(f"{first}.includes({json.dumps(entry)})")
    time.sleep(0.5)  # The list is drawn before its first entry is chosen.
    page.press("Enter")


def _place(page: Page) -> tuple[float, float]:
    script = f"(box => [box.x + 30, box.y + box.height / 2])({SQUIGGLE}.getBoundingClientRect())"
    x, y = page.evaluate(script)
    return x, y


def _until(holds: Callable[[], T], seconds: float = 30) -> T:
    end = time.monotonic() + seconds
    while not (result := holds()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return result


@pytest.mark.parametrize("kind", FILES)
def test_a_finding_is_shown_explained_and_repaired(open_file: Callable[[str], Page], kind: str) -> None:
    page = open_file(f"shown.{kind}")
    hover = "[...document.querySelectorAll('.monaco-hover')].map(one => one.innerText).join('')"
    text = _until(lambda: _hovered(page, hover))
    assert text.count(MESSAGE) == 1
    assert "What JAX does" in text
    sizes = "[...document.querySelectorAll('.monaco-hover *')].map(one => parseInt(getComputedStyle(one).fontSize))"
    assert page.evaluate(f"Math.max(...{sizes})") <= 16, "the hover has headings as on a page"
    if path := os.environ.get("NNX_SCREENSHOT"):
        page.screenshot(Path(path).with_suffix(f".{kind}.png"))

    page.press("Escape")
    page.click(*_place(page))
    page.press("Control", ".")
    actions = "[...document.querySelectorAll('.action-widget .action')].map(one => one.innerText).join('\\n')"
    page.wait_for(f"{actions}.includes('Fix NNX101')")
    assert "Disable NNX101 for this line" in page.evaluate(actions)
    page.press("Enter")
    page.wait_for(f"{SHOWN}.includes({json.dumps(FIXED[:60])})")
    assert page.evaluate(SHOWN).count("VariableState") == 1  # The other call is left to the command.
    _pick(page, ("F1",), "NNX: Fix all findings in this file")
    page.wait_for(f"!{SHOWN}.includes('VariableState')")


@pytest.mark.parametrize("kind", FILES)
def test_what_can_be_repaired_safely_is_repaired_on_save(
    code: str, open_file: Callable[[str], Page], kind: str
) -> None:
    path = Path(code.partition("folder=")[2]) / f"saved.{kind}"
    page = open_file(path.name)
    page.click(*_place(page))
    page.press("Control", "s")
    _until(lambda: "VariableState" not in path.read_text())
    expected = [IMPORTS + FIXED + FIXED] if kind == "py" else [IMPORTS.rstrip(), *2 * [FIXED.rstrip()]]
    assert _sources(path) == expected


def _sources(path: Path) -> list[str]:
    text = path.read_text()
    return [text] if path.suffix == ".py" else ["".join(cell["source"]) for cell in json.loads(text)["cells"]]


def _hovered(page: Page, hover: str) -> str:
    """Move the pointer onto the finding, and read what is shown, if anything is by then."""
    x, y = _place(page)  # The page may have moved since.
    page.hover(x - 60, y + 60)
    page.hover(x - 3, y)
    page.hover(x, y)
    time.sleep(1.5)
    text = str(page.evaluate(hover))
    return text if "NNX101 is-leaf-is-not-a-filter" in text else ""
