"""A notebook with the bug in a real JupyterLab, looked at with a real browser: the call is underlined.

``NNX_SCREENSHOT=docs/images/jupyterlab.png`` keeps what the browser showed, for the documentation.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import browsers
import pytest

MISSING = [
    *(
        name
        for name in ("jupyterlab", "jupyterlab_lsp", "pygls", "websocket")
        if importlib.util.find_spec(name) is None
    ),
    *browsers.MISSING,
]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

CELLS = (
    "import jax\nfrom flax import nnx",
    "model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))\nstate = nnx.state(model)",
    "%time\narrays = jax.tree.map(\n    lambda x: x.value,\n    state,\n"
    "    is_leaf=lambda x: isinstance(x, nnx.VariableState),\n)",
)
SETTINGS = {
    "@jupyterlab/lsp-extension:plugin": {"languageServers": {"nnx-fix": {"rank": 1000}}},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
UNDERLINED = "[...document.querySelectorAll('.cm-lintRange-error')].map(node => node.textContent).join('')"


def test_the_entry_point_names_the_server() -> None:
    [point] = entry_points(group="jupyter_lsp_spec_v1", name="nnx-fix")
    [(name, spec)] = point.load()(None).items()
    assert (name, spec["languages"]) == ("nnx-fix", ["python"])
    assert subprocess.run([*spec["argv"], "--help"], capture_output=True, check=True).stdout


def test_a_notebook_shows_the_finding(lab: str, tmp_path: Path) -> None:
    from chromium import page_at

    with page_at(f"{lab}/lab/tree/bug.ipynb", tmp_path / "profile") as page:
        page.wait_for(f"{UNDERLINED}.includes('isinstance(x, nnx.VariableState)')", 90)
        x, y = page.evaluate(
            "(box => [box.x + 40, box.y + box.height / 2])"
            "(document.querySelector('.cm-lintRange-error').getBoundingClientRect())"
        )
        page.hover(x - 5, y)
        page.hover(x, y)
        message = page.wait_for("(document.querySelector('.cm-tooltip-lint') || {}).innerText")
        assert "is_leaf" in message
        if path := os.environ.get("NNX_SCREENSHOT"):
            time.sleep(1)
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(Path(path))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """A JupyterLab that has a notebook, and nothing of this machine's configuration."""
    root, state = tmp_path / "root", tmp_path / "state"
    for folder in (root, state):
        folder.mkdir()
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": None, "outputs": [], "source": text}
        for i, text in enumerate(CELLS)
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    (root / "bug.ipynb").write_text(json.dumps(notebook))
    (root / "pyproject.toml").write_text('[tool.nnx-treemap]\ntarget-flax = "portable"\n')
    for plugin, settings in SETTINGS.items():
        package, _, name = plugin.partition(":")
        path = state / "settings" / package / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    environment = {
        **os.environ,
        **{f"JUPYTER_{name}_DIR": str(state / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")},
        "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"),
        "IPYTHONDIR": str(state / "ipython"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={root}"]
    log = tmp_path / "log"
    with log.open("w") as file, subprocess.Popen(command, env=environment, stderr=file, stdout=file) as process:
        try:
            yield _url(state / "runtime", log)
        finally:
            process.terminate()


def _url(runtime: Path, log: Path) -> str:
    end = time.monotonic() + 60
    while True:
        for path in runtime.glob("jpserver-*.json"):
            try:
                url = str(json.loads(path.read_text())["url"]).rstrip("/")
                urllib.request.urlopen(f"{url}/api", timeout=5).close()
            except (OSError, ValueError):
                continue
            return url
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.2)
