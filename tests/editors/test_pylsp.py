"""python-lsp-server with its flake8 plugin and ours: for editors that have it already."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from client import connected, protocol_test
from lsprotocol import types

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pylsp") is None, reason="python-lsp-server is not installed")

BUG = """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
OTHERS = ("pycodestyle", "pyflakes", "mccabe", "jedi_completion")
SETTINGS = {"pylsp": {"plugins": {"flake8": {"enabled": True}, **{name: {"enabled": False} for name in OTHERS}}}}


@protocol_test
async def test_flake8_findings_come_through(tmp_path: Path) -> None:
    uri = (tmp_path / "module.py").as_uri()
    (tmp_path / "module.py").write_text(BUG)
    async with connected(tmp_path, command=[sys.executable, "-m", "pylsp"]) as editor:
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(SETTINGS))
        editor.open(uri, BUG)
        ours = await editor.until(
            lambda: [one for push in editor.published.get(uri, ()) for one in push.diagnostics if one.code == "NNX101"]
        )
        assert ours[0].source == "flake8"
        assert (ours[0].range.start.line, ours[0].range.start.character) == (5, BUG.splitlines()[5].index("lambda x:"))
