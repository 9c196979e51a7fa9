"""What expressions hold: the program sets ``asked`` to each, and the table says what that is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.contents import contents_of
from flake8_nnx_treemap.analysis.values.things import CONTAINERS, Contents, Sort
from flake8_nnx_treemap.project.modules import module_finder

HEADER = """\
import copy
import dataclasses
import functools
import jax
import jax.numpy as jnp
from flax import nnx
"""

CLASSES = """\
class Scale(nnx.Param): ...


class Mixin:
    def create_param(self, shape):
        return nnx.Param(jnp.ones(shape))


class Attention(Mixin, nnx.Module):
    mask: nnx.Variable
    sizes: 'list[nnx.Linear] | None' = None

    def __init__(self, bias, rngs):
        self.query = nnx.LinearGeneral(2, 2, rngs=rngs)
        self.bias = nnx.Param(jnp.zeros(2)) if bias else None
        self.made = self.create_param((2,))
        self.data = nnx.data(nnx.Param(1))
        self.scale = Scale(2)
        self.loose = nnx.Param(1)
        self.table = {}
        self.table['a'] = nnx.Linear(2, 2, rngs=rngs)
        self.build()
        self.setup_later(rngs)

    def setup_later(self, rngs):
        self.later = nnx.BatchNorm(2, rngs=rngs)
        for name in ('x', 'y'):
            setattr(self, f'head_{name}', nnx.Linear(2, 2, rngs=rngs))

    @property
    def kernel(self):
        return self.query.kernel


class Model(nnx.Module):
    def __init__(self, rngs):
        layers = []
        for _ in range(3):
            layers.append(Attention(True, rngs))
        self.layers = nnx.List(layers)
        self.blocks = [nnx.Linear(2, 2, rngs=rngs) for _ in range(2)]
        self.sequence = nnx.Sequential(nnx.Linear(2, 2, rngs=rngs), nnx.LayerNorm(2, rngs=rngs))
        self.stack = nnx.vmap(lambda r: nnx.Linear(2, 2, rngs=r))(rngs)
        self.grown = [nnx.Conv(1, 1, 1, rngs=rngs)]
        self.grown += [nnx.Conv(1, 1, 1, rngs=rngs)]


@dataclasses.dataclass
class Fields(nnx.Module):
    scale: nnx.Param
    linear: nnx.Linear = dataclasses.field(default=None)


def created(shape):
    if shape:
        return nnx.Param(jnp.ones(shape))
    return nnx.Param(0)


@nnx.split_rngs(splits=3)
@nnx.vmap
def create_block(rngs):
    return Attention(False, rngs)


def surgery(attention):
    attention.loose = quantized(attention.loose)
"""


def described(contents: Contents) -> str:
    words = []
    for thing in contents.things:
        word = {Sort.INSTANCE: thing.own.node.name if thing.own else "", Sort.LAYER: thing.name}.get(thing.sort)
        word = word or {Sort.VARIABLE: thing.name.rpartition(".")[2]}.get(thing.sort) or thing.sort.name.lower()
        if thing.sort in CONTAINERS and thing.elements is not None:
            word += f"[{described(thing.elements)}]"
        words.append(word)
    return " | ".join(words) + ("" if contents.is_complete else "?")


def held(text: str, filename: str = "<stdin>") -> str:
    source = ParsedSource(text, filename, modules=module_finder(filename))
    (binding,) = source.bindings.names_in(source.bindings.module)["asked"]
    assert isinstance(binding.value, ast.expr)
    return described(contents_of(source, binding.value))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Model(r).layers[0].query.kernel", "Param"),
        ("Model(r).layers[i].query.bias", "Param | none"),
        ("Model(r).blocks[0].kernel", "Param"),
        ("Model(r).sequence.layers[0].kernel", "Param"),
        ("Model(r).sequence.layers[1].scale", "Param | none"),
        ("Model(r).sequence.layers[i].kernel", "Param?"),
        ("Model(r).stack.kernel", "Param"),
        ("Model(r).grown[1].kernel", "Param"),
        ("Model(r).layers[0].missing", "?"),
        ("Attention(True, r).bias", "Param | none"),
        ("Attention(True, r).made", "Param"),
        ("Attention(True, r).data", "Param"),
        ("Attention(True, r).scale", "Param"),
        ("Attention(True, r).later.mean", "BatchStat"),
        ("Attention(True, r).kernel", "Param"),
        ("Attention(True, r).table['a'].kernel", "Param"),
        ("Attention(True, r).mask", "Variable"),
        ("Attention(True, r).sizes[0].kernel", "Param"),
        ("Attention(True, r).loose", "Param?"),
        ("Attention(True, r).head_x", "Linear"),
        ("Attention(True, r).create_param", "?"),
        ("Fields(1).scale", "Param"),
        ("Fields(1).linear.kernel", "Param"),
        ("created((2,))", "Param"),
        ("create_block(r).query.kernel", "Param"),
        ("copy.deepcopy(Model(r)).layers[0].made", "Param"),
        ("[layer.query.kernel for layer in Model(r).layers]", "list[Param]"),
        ("[b.kernel for _, (b, a) in enumerate(zip(Model(r).blocks, Model(r).layers))]", "list[Param]"),
        ("{k: layer.kernel for k, layer in Attention(True, r).table.items()}", "dict[Param]"),
        ("functools.partial(nnx.Linear, 2)(2, rngs=r).kernel", "Param"),
        ("jnp.ones(2) * 2", "array"),
        ("[1, jnp.ones(2)]", "list[static | array]"),
        ("jnp.ones(2) > 1", "?"),
        ("unknown.kernel", "?"),
        ("Scale(1).copy()", "Param"),
    ],
)
def test_contents(expression: str, expected: str) -> None:
    assert held(f"{HEADER}{CLASSES}\nasked = {expression}\n") == expected


def test_classes_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "layers.py").write_text(
        HEADER + "class Base(nnx.Module):\n    def __init__(self):\n        self.weight = nnx.Param(1)\n\n"
        "def make(rngs):\n    return nnx.Linear(2, 2, rngs=rngs)\n"
    )
    (tmp_path / "all.py").write_text("from layers import Base, make\n")
    text = HEADER + "from all import Base, make\n\nclass Mine(Base): ...\n\nasked = [Mine().weight, make(r).kernel]\n"
    assert held(text, str(tmp_path / "model.py")) == "list[Param]"


def test_a_class_that_sets_attributes_its_own_way_is_unknown() -> None:
    text = HEADER + "class M(nnx.Module):\n    def __init__(self):\n        self.w = nnx.Param(1)\n"
    assert held(text + "asked = M().w\n") == "Param"
    assert held(text + "    def __setattr__(self, name, value): ...\nasked = M().w\n") == "?"


def test_what_a_subclass_of_the_file_sets_counts() -> None:
    text = HEADER + "class M(nnx.Module):\n    def __init__(self):\n        self.w = nnx.Param(1)\n"
    text += "class N(M):\n    def __init__(self):\n        self.w = other()\n"
    assert held(text + "asked = M().w\n") == "Param?"


def test_circles_end() -> None:
    text = HEADER + "class M(nnx.Module):\n    def __init__(self):\n        self.w = self.w\n    def f(self):\n"
    assert held(text + "        return self.f()\nasked = [M().w, M().f()]\n") == "list[?]"
    assert held(HEADER + "class M(M): ...\nasked = M().x\n") == "?"
