"""A name that another file of the project imports from a file is not renamed there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap.project import importers
from flake8_nnx_treemap.project.modules import module_finder

STATES = "from flax.nnx import VariableState\n\n\ndef is_state(x):\n    return isinstance(x, VariableState)\n"
RENAMED = STATES.replace("VariableState", "Variable")


def project(folder: Path, **files: str) -> Path:
    """Write a package ``app`` with ``states.py`` and other files, and give its folder."""
    (folder / "pyproject.toml").write_text("[project]\nname = 'app'\n", encoding="utf-8")
    (folder / "app").mkdir()
    for name, text in {"__init__": "", "states": STATES, **files}.items():
        (folder / "app" / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def fixed(folder: Path) -> str:
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--isolated", "--target-flax", "0.11", "app/states.py"]
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return (folder / "app" / "states.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "other",
    [
        "from app.states import VariableState\n",
        "from .states import (\n    is_state,\n    VariableState as State,\n)\n",
        "from app import states\nState = states.VariableState\n",
        "import app.states\nState = app.states.VariableState\n",
        "import app.states as s\nState = s.VariableState\n",
        "from app.states import *\n",
        "from unittest import mock\nmock.patch('app.states.VariableState', None)\n",
        "from app import states\nState = getattr(states, 'VariableState')\n",
        "from unittest import mock\nfrom app import states\nmock.patch.object(states, 'VariableState', int)\n",
        "from app import states\ndef ask(module): return module.VariableState\nask(states)\n",
        "import app.states as s\nz = s\nState = z.VariableState\n",
        "exec('from app.states import *')\n",
        "from app import states\ndef ask(name): return getattr(states, name)\n",
    ],
)
def test_imported_elsewhere(tmp_path: Path, other: str) -> None:
    assert fixed(project(tmp_path, other=other)) == STATES


def test_imported_by_a_notebook_or_a_stub(tmp_path: Path) -> None:
    folder = project(tmp_path)
    other = folder / "app" / "other.pyi"
    other.write_text("from app.states import VariableState as State\n", encoding="utf-8")
    assert fixed(folder) == STATES
    other.unlink()
    cells = [{"cell_type": "code", "source": ["from app.states import is_state, VariableState\n"]}]
    notebook = folder / "explore.ipynb"
    notebook.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    assert fixed(folder) == STATES
    notebook.unlink()
    assert fixed(folder) == RENAMED


@pytest.mark.parametrize(
    "other",
    [
        "",
        "from app.states import is_state\n",
        "from flax.nnx import VariableState\nfrom app.states import is_state\n",
        "from flax import nnx\nState = nnx.VariableState\n",
        "from somewhere.else_ import VariableState\n",
        "this is no Python, VariableState\n",
    ],
)
def test_not_imported(tmp_path: Path, other: str) -> None:
    assert fixed(project(tmp_path, other=other)) == RENAMED


def test_only_the_project_is_read(tmp_path: Path) -> None:
    """A file outside every project asks the files beside it, and none below."""
    (tmp_path / "states.py").write_text(STATES, encoding="utf-8")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "other.py").write_text("from states import VariableState\n", encoding="utf-8")
    assert not module_finder(str(tmp_path / "states.py")).import_from_here("VariableState")
    importers._importers.cache_clear()
    (tmp_path / "beside.py").write_text("from states import VariableState\n", encoding="utf-8")
    assert module_finder(str(tmp_path / "states.py")).import_from_here("VariableState")


def test_a_project_that_is_too_large_counts_as_importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path)
    monkeypatch.setattr(importers, "MOST_FILES", 1)
    importers._importers.cache_clear()
    assert module_finder(str(folder / "app" / "states.py")).import_from_here("VariableState")
    importers._importers.cache_clear()
