"""Modules whose class another file of the project picks by its name, or hands on to a base class there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LAYERS = """\
from flax import nnx


class Dense(nnx.Linear):
    pass


TABLE = {"dense": Dense, "embed": nnx.Embed}
MIXED = {"dense": Dense, "relu": nnx.relu}
GROWING = {"dense": Dense}
GROWING["relu"] = nnx.relu


def get_layer(name):
    if name not in TABLE:
        raise ValueError(name)
    layer_class = TABLE[name]
    return layer_class


class Base(nnx.Module):
    def __init__(self, encoder: nnx.Module | None = None):
        self.encoder = encoder


class Marking(nnx.Module):
    def __init__(self, encoder=None):
        self.encoder = nnx.data(encoder)
"""
MODEL = """\
from flax import nnx

from layers import {imported}


class Model({base}):
    def __init__(self, name, encoder: tuple[nnx.Module, nnx.Module]):
        {statement}
"""


def findings(folder: Path, imported: str, statement: str, base: str = "nnx.Module") -> list[tuple[str, str]]:
    (folder / "layers.py").write_text(LAYERS)
    (folder / "model.py").write_text(MODEL.format(imported=imported, statement=statement, base=base))
    options = ("--isolated", "--no-cache", "--check", "--exit-zero", "--select", "NNX210", "--target-flax", "0.12.8")
    command = [sys.executable, "-m", "flake8_nnx_treemap", *options, "--output-format", "json", "model.py"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return [(one["code"], one["fix"]["applicability"]) for one in json.loads(run.stdout)]


@pytest.mark.parametrize(
    ("imported", "statement", "is_found"),
    [
        ("get_layer", "self.layers = [get_layer(name)(2, 2) for _ in range(3)]", True),
        ("get_layer as get", "kind = get(name); self.layers = [kind(2, 2)]", True),
        ("TABLE", "self.layers = [TABLE[name](2, 2)]", True),
        ("TABLE", "self.layers = [TABLE.get(name, nnx.Linear)(2, 2)]", True),
        ("MIXED", "self.layers = [MIXED[name](2, 2)]", False),
        ("GROWING", "self.layers = [GROWING[name](2, 2)]", False),
        ("get_unknown", "self.layers = [get_unknown(name)(2, 2)]", False),
    ],
)
def test_a_class_that_is_looked_up(tmp_path: Path, imported: str, statement: str, is_found: bool) -> None:
    assert findings(tmp_path, imported, statement) == ([("NNX210", "unsafe")] if is_found else [])


@pytest.mark.parametrize(("base", "is_found"), [("Base", True), ("Marking", False), ("Unknown", False)])
def test_what_a_base_class_in_another_file_is_handed(tmp_path: Path, base: str, is_found: bool) -> None:
    found = findings(tmp_path, base, "super().__init__(encoder)", base)
    assert found == ([("NNX210", "unsafe")] if is_found else [])
