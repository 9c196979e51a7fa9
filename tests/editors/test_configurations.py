"""The files under ``editors/`` are what their editors can read, and start the server that there is."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from flake8_nnx_treemap.lsp.settings import client_settings
from flake8_nnx_treemap.rules.catalogue import CODES

ROOT = Path(__file__).resolve().parents[2]
EDITORS = ROOT / "editors"
START = ["nnx-fix", "server"]


def read(name: str) -> str:
    return (EDITORS / name).read_text(encoding="utf-8")


def test_helix() -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no tomllib")
    text = read("helix/languages.toml")
    for version in (text, re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE)):
        languages = tomllib.loads(version)
        server = languages["language-server"]["nnx-fix"]
        assert [server["command"], *server["args"]] == START
        assert not client_settings(server["config"]).complaints
        assert "nnx-fix" in languages["language"][0]["language-servers"]


def test_kate() -> None:
    server = json.loads(read("kate/settings.json"))["servers"]["python"]
    assert server["command"] == START
    assert not client_settings(server["settings"]).complaints


def test_sublime() -> None:
    client = json.loads(read("sublime/LSP.sublime-settings"))["clients"]["nnx-fix"]
    assert client["command"] == START
    assert client["settings"] == {}, "what is here would override the project's configuration"
    assert client_settings(client["initializationOptions"]) == client_settings(None)


def test_zed() -> None:
    plugins = json.loads(read("zed/settings.json"))["lsp"]["pylsp"]["settings"]["plugins"]
    assert plugins["flake8"] == {"enabled": True}


def test_emacs() -> None:
    text = re.sub(r";[^\n]*", "", read("emacs/nnx-fix.el"))
    assert text.count("(") == text.count(")")
    assert '("nnx-fix" "server")' in text
    assert "workspace-configuration" not in text, "what is there would override the project's configuration"


def test_vscode_settings_are_the_servers() -> None:
    properties: dict[str, Any] = json.loads(read("vscode/package.json"))["contributes"]["configuration"]["properties"]
    given = {
        name.removeprefix("nnx."): value["default"] for name, value in properties.items() if name != "nnx.trace.server"
    }
    assert not client_settings(given).complaints
    assert client_settings(given) == client_settings(None)
    assert set(re.findall(r"NNX\d{3}", read("vscode/package.json"))) <= set(CODES)


@pytest.mark.skipif(not (EDITORS / "vscode" / "package-lock.json").exists(), reason="an sdist has no lock files")
def test_no_private_addresses_in_the_lock_file() -> None:
    lock = json.loads(read("vscode/package-lock.json"))
    resolved = [package["resolved"] for package in lock["packages"].values() if "resolved" in package]
    assert all(address.startswith("https://registry.npmjs.org/") for address in resolved)
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_the_page_shows_these_files() -> None:
    """Whoever copies from the page gets what is tested."""
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    for name in ("neovim/nnx_fix.lua", "neovim/nnx_fix_0_7.lua", "emacs/nnx-fix.el", "helix/languages.toml"):
        assert _code(read(name)) in page, name
    for name in ("kate/settings.json", "sublime/LSP.sublime-settings", "zed/settings.json"):
        assert _code(read(name)) in page, name


def _code(text: str) -> str:
    return text.strip()


def test_every_command_on_the_page_starts_the_server() -> None:
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    for command in re.findall(r"`(nnx-fix server[^`]*)`", page):
        assert shlex.split(command)[:2] == START
