"""Kate with the settings from ``editors/kate``, on a virtual screen: it shows the finding, and makes the fix."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

SETTINGS = Path(__file__).parents[2] / "editors" / "kate" / "settings.json"
COMMAND = Path(sys.executable).with_name("nnx-fix")
NEEDED = ("kate", "Xvfb", "xvfb-run", "dbus-run-session", "openbox", "xdotool")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"one of {', '.join(NEEDED)} is not installed"),
    pytest.mark.skipif(
        find_spec("pygls") is None or not COMMAND.exists(), reason="nnx-fix server is not installed beside this Python"
    ),
]

BUG = """\
import jax
from flax import nnx

x = jax.tree.map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
FIXED = """\
import jax
from flax import nnx

x = jax.tree.map(
    lambda v: v.value if isinstance(v, nnx.Variable) else v,
    s,
    is_leaf=lambda x: isinstance(x, nnx.Variable),
)
"""
LISTENER = """\
#!/bin/sh
tee -a '{said}' | '{command}' "$@" | tee -a '{answered}'
"""
KATERC = """\
[General]
Show welcome view for new window=false

[Kate Plugins]
lspclientplugin=true

[lspclient]
AllowedServerCommandLines={server} server
"""
SESSION = """\
openbox &
kate --new {file} --line 4 --column 60 &
while read -r keys; do xdotool key --clearmodifiers $keys; done
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A machine on which nobody has started Kate before, with the settings as they are shipped."""
    (tmp_path / "bin").mkdir()
    server = tmp_path / "bin" / "nnx-fix"
    names = {name: tmp_path / name for name in ("said", "answered")}
    server.write_text(LISTENER.format(command=COMMAND, **names))
    server.chmod(0o755)
    for name in names.values():
        name.touch()
    configuration = tmp_path / ".config"
    (configuration / "kate" / "lspclient").mkdir(parents=True)
    shutil.copy(SETTINGS, configuration / "kate" / "lspclient" / "settings.json")
    (configuration / "katerc").write_text(KATERC.format(server=server))
    (tmp_path / "run").mkdir(mode=0o700)
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").write_text('[tool.nnx-treemap]\ntarget-flax = "0.12"\n')
    (tmp_path / "project" / "module.py").write_text(BUG)
    return tmp_path


@contextmanager
def kate(home: Path) -> Iterator[Callable[[str], None]]:
    """Kate with the module open; what is called presses keys."""
    environment = {
        **os.environ,
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "QT_QPA_PLATFORM": "xcb",
    }
    script = SESSION.format(file=home / "project" / "module.py")
    command = ["dbus-run-session", "--", "xvfb-run", "--auto-servernum", "sh", "-c", script]
    with (
        open(home / "log", "wb") as log,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        assert process.stdin is not None
        keys = process.stdin

        def press(name: str) -> None:
            keys.write(f"{name}\n".encode())
            keys.flush()

        try:
            yield press
        finally:
            os.killpg(process.pid, 15)


def wait_for(what: str, holds: Callable[[], bool], home: Path) -> None:
    end = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < end, f"{what} did not come\n{(home / 'log').read_text(errors='replace')}"
        time.sleep(0.1)


def test_kate_shows_the_finding_and_makes_the_fix(home: Path) -> None:
    said, answered, module = home / "said", home / "answered", home / "project" / "module.py"
    with kate(home) as press:
        wait_for("the finding", lambda: "NNX101" in answered.read_text(), home)
        time.sleep(1)  # Kate has it as soon as we have; nothing tells when it has drawn it.
        press("alt+Return")
        wait_for("the list of fixes", lambda: "Fix NNX101" in answered.read_text(), home)
        time.sleep(1)
        press("Down")
        press("Return")
        wait_for("the edit", lambda: "textDocument/didChange" in said.read_text(), home)
        press("ctrl+s")
        wait_for("the saved file", lambda: module.read_text() != BUG, home)
    assert module.read_text() == FIXED
