"""Names mean what Python says they mean: against LibCST's scope analysis on real files, and case by case."""

from __future__ import annotations

import os
import random
import sys
import sysconfig
from pathlib import Path

import pytest
from qualified_names import differences

from flake8_nnx_treemap.analysis.code.nodes import dotted_name, start_of
from flake8_nnx_treemap.analysis.code.text import SourceError
from flake8_nnx_treemap.analysis.names.source import ParsedSource

SITE_PACKAGES = Path(os.environ.get("NNX_CORPUS", sysconfig.get_paths()["purelib"]))
FILES = int(os.environ.get("NNX_CORPUS_FILES", "40"))


def meaning(text: str) -> frozenset[str]:
    """What the name under the mark ``USE`` means: the expression in ``USE(...)``."""
    source = ParsedSource(text)
    (use,) = source.bindings.calls["USE"]
    argument = use.args[0]
    return source.bindings.qualified_names(dotted_name(argument) or (), start_of(argument))


def test_agrees_with_libcst_on_real_files() -> None:
    files = sorted(SITE_PACKAGES.rglob("*.py"))
    random.Random(sys.version_info.minor).shuffle(files)  # Other files on each version of Python.
    compared = 0
    for path in files[:FILES]:
        text = path.read_text(encoding="utf-8", errors="replace")
        if len(text) < 60_000:
            try:
                assert list(differences(text)) == [], path
                compared += 1
            except SourceError:
                continue  # Some packages ship templates that are not Python.
    assert compared > FILES / 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import jax\nUSE(jax.tree.map)", {"jax.tree.map"}),
        ("import jax.tree_util\nUSE(jax.tree_util.tree_map)", {"jax.tree_util.tree_map"}),
        ("import jax.tree_util as jtu\nUSE(jtu.tree_map)", {"jax.tree_util.tree_map"}),
        ("from jax.tree_util import tree_map as tm\nUSE(tm)", {"jax.tree_util.tree_map"}),
        ("import jax\ntm = jax.tree.map\ntm2 = tm\nUSE(tm2)", {"jax.tree.map"}),
        ("USE(isinstance)", {"builtins.isinstance"}),
        ("from . import nnx\nUSE(nnx.Variable)", {".nnx.Variable"}),
        (
            "try:\n  import jax.tree as t\nexcept ImportError:\n  import jax.tree_util as t\nUSE(t)",
            {"jax.tree", "jax.tree_util"},
        ),
        ("try:\n  from flax import nnx\nexcept ImportError:\n  nnx = None\nUSE(nnx.Param)", {"flax.nnx.Param"}),
        ("import jax\ndef f(jax):\n  USE(jax.tree.map)", set()),
        ("import jax\njax = 1\nUSE(jax.tree.map)", set()),
        ("jax = 1\nimport jax\nUSE(jax.tree.map)", {"jax.tree.map"}),
        ("import jax\nif x:\n  jax = 1\nUSE(jax.tree.map)", set()),
        ("import jax\nfor jax in x:\n  USE(jax.tree.map)", set()),
        ("import jax\nfor y in x:\n  USE(jax.tree.map)\n  jax = 1", set()),
        ("import jax\nfor jax in x:\n  import jax\n  USE(jax.tree.map)", {"jax.tree.map"}),
        ("import jax\nfor jax in x:\n  pass\nelse:\n  USE(jax.tree.map)", set()),
        ("import jax\nfor jax in x:\n  pass\nUSE(jax.tree.map)", set()),
        ("import jax\ndef f():\n  global jax\n  jax = 1\nUSE(jax.tree.map)", set()),
        ("import jax\n[USE(jax.tree) for jax in x]", set()),
        ("import jax\n[y for jax in USE(jax.tree)]", {"jax.tree"}),
        ("import jax\nlambda jax: USE(jax.tree)", set()),
        ("import jax\nlambda jax=USE(jax.tree): 0", {"jax.tree"}),
        ("class A:\n  import jax\n  def f(self):\n    USE(jax.tree)", {"builtins.jax.tree"}),
        ("class A:\n  import jax\n  USE(jax.tree)", {"jax.tree"}),
        ("def f():\n  import jax\n  def g():\n    USE(jax.tree)", {"jax.tree"}),
        ("import jax\nwith open(p) as jax:\n  USE(jax.tree)", set()),
        ("import jax\nmatch x:\n  case jax:\n    USE(jax.tree)", set()),
        ("import jax\nif (jax := x):\n  USE(jax.tree)", {"jax.tree", "builtins.x.tree"}),
        ("import jax\n@USE(jax.tree)\ndef jax(): pass", {"jax.tree"}),
        ("import jax\ndel jax\nUSE(jax.tree)", set()),
        ("import jax as __j\n_A__j = 1\nclass A:\n  USE(__j.tree)", set()),
        ("import jax as __j\nclass A:\n  def f(self):\n    USE(__j.tree)", {"builtins.__j.tree"}),
        ("import jax as _A__j\nclass __A:\n  def f(self):\n    USE(__j.tree)", {"jax.tree"}),
        ("class A:\n  import jax as __j\n  USE(__j.tree)", {"jax.tree"}),
        ("class A:\n  def f(self):\n    import jax as __j\n    lambda: USE(__j.tree)", {"jax.tree"}),
        ("import jax as __j\nclass _:\n  USE(__j.tree)", {"jax.tree"}),
        ("import jax as __j__\nclass A:\n  USE(__j__.tree)", {"jax.tree"}),
    ],
)
def test_meaning(text: str, expected: set[str]) -> None:
    assert meaning(text) == expected


def test_a_chain_of_a_thousand_operators_is_walked() -> None:
    source = ParsedSource("import jax\nx = " + "+".join(["jax.tree"] * 1000))
    assert len(source.bindings.attributes["tree"]) == 1000
