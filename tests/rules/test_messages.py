"""What messages advise is what the fix writes, spelled as the file spells it; and it reads well."""

from __future__ import annotations

import pytest

from flake8_nnx_treemap import lint_source
from flake8_nnx_treemap.names import PORTABLE, FlaxRelease
from flake8_nnx_treemap.rules.advice import with_article
from flake8_nnx_treemap.rules.settings import LintSettings

BOTH = "(nnx.Variable, nnx.variablelib.VariableState)"
FLAX = "from flax import nnx"
VAIN = "jax.tree.map(lambda v: v.replace(0) if isinstance(v, {0}) else v, state)"
BRANCHES = "jax.tree.map(lambda v: 0 if isinstance(v, {0}) else 1 if isinstance(v, {1}) else v, state)"
LEAVES = "[x for x in jax.tree.leaves(state) if isinstance(x, {0})]"
MASK = "{0}.Optimizer(model, optax.adamw(1.0, mask=jax.tree.map(lambda x: True, {0}.state(model))))"


def message(code: str, floor: FlaxRelease, line: str, imports: str = FLAX) -> str:
    text = f"import jax\nimport optax\n{imports}\n\n{line}\n"
    (found,) = lint_source(text, settings=LintSettings(frozenset({code}), floor))
    return found.message


@pytest.mark.parametrize(
    ("code", "line", "floor", "expected"),
    [
        ("NNX102", VAIN.format("nnx.VariableState"), PORTABLE, BOTH),
        ("NNX102", VAIN.format("(nnx.Variable, nnx.VariableState)"), PORTABLE, BOTH),
        ("NNX102", BRANCHES.format("nnx.Variable", "nnx.VariableState"), PORTABLE, BOTH),
        ("NNX102", BRANCHES.format("nnx.Param", "nnx.BatchStat"), (0, 11), "(nnx.Param, nnx.BatchStat)"),
        ("NNX102", VAIN.format("nnx.Variable"), (0, 11), "nnx.Variable"),
        ("NNX102", VAIN.format("nnx.VariableState"), (0, 11), "nnx.Variable"),
        ("NNX102", VAIN.format("(nnx.Param, nnx.BatchStat)"), (0, 11), "(nnx.Param, nnx.BatchStat)"),
        ("NNX103", LEAVES.format("nnx.VariableState"), PORTABLE, BOTH),
        ("NNX103", LEAVES.format("nnx.Param"), (0, 12), "nnx.Param"),
        ("NNX104", "jax.tree.map(lambda v: v.value, nnx.state(model))", (0, 10, 7), BOTH),
        ("NNX104", "jax.tree.map(lambda v: v.value, nnx.state(model))", (0, 11), "nnx.Variable"),
        ("NNX104", "[v.value for v in jax.tree.leaves(nnx.state(model))]", PORTABLE, BOTH),
        ("NNX108", MASK.format("nnx"), PORTABLE, BOTH),
        ("NNX108", MASK.format("nnx"), (0, 11), "nnx.Variable"),
    ],
)
def test_advice_for_the_release_that_must_run_it(code: str, line: str, floor: FlaxRelease, expected: str) -> None:
    assert message(code, floor, line).endswith(f"add is_leaf=lambda x: isinstance(x, {expected})")


def test_below_0_11_state_holds_no_variables_and_no_params() -> None:
    expected = f"add is_leaf=lambda x: isinstance(x, {BOTH}), and test the leaf for the same classes"
    assert message("NNX102", PORTABLE, VAIN.format("nnx.Variable")).endswith(expected)
    assert message("NNX103", PORTABLE, LEAVES.format("nnx.Variable")).endswith(expected)
    expected = f"add is_leaf=lambda x: isinstance(x, {BOTH}), and compare the .type of a VariableState"
    assert message("NNX102", PORTABLE, VAIN.format("nnx.Param")).endswith(expected)
    assert message("NNX103", PORTABLE, LEAVES.format("nnx.Param")).endswith(expected)


@pytest.mark.parametrize(
    ("imports", "name", "floor", "expected"),
    [
        ("from flax import nnx as nn", "nn.Variable", (0, 11), "nn.Variable"),
        ("from flax import nnx as nn", "nn.VariableState", PORTABLE, "(nn.Variable, nn.variablelib.VariableState)"),
        ("from flax.nnx import Variable as Var", "Var", (0, 11), "Var"),
        ("from flax.nnx import Variable, VariableState", "VariableState", PORTABLE, "(Variable, VariableState)"),
        ("import flax", "flax.nnx.Param", (0, 11), "flax.nnx.Param"),
    ],
)
def test_the_file_says_how_nnx_is_spelled(imports: str, name: str, floor: FlaxRelease, expected: str) -> None:
    found = message("NNX102", floor, VAIN.format(name), imports)
    assert found.endswith(f"add is_leaf=lambda x: isinstance(x, {expected})")


def test_where_nnx_has_no_name_it_is_called_nnx() -> None:
    found = message("NNX104", (0, 11), "jax.tree.map(lambda v: v.value, state(model))", "from flax.nnx import state")
    assert found.endswith("isinstance(x, nnx.Variable)")


def test_narrow_predicates_are_told_the_same() -> None:
    line = "jax.tree.map(lambda v: v.value, nn.state(model), is_leaf=lambda x: isinstance(x, nn.Param))"
    imports = "from flax import nnx as nn"
    assert message("NNX107", (0, 11), line, imports).endswith(": stop at nn.Variable")
    assert message("NNX107", PORTABLE, line, imports).endswith(": stop at (nn.Variable, nn.variablelib.VariableState)")


def test_questions_read_well() -> None:
    assert message("NNX102", (0, 11), VAIN.format("nnx.Param")).startswith("the mapper never meets an nnx.Param: ")
    by_attribute = "jax.tree.map(lambda v: v.value if hasattr(v, 'value') else v, nnx.state(model))"
    assert message("NNX102", (0, 11), by_attribute).startswith("the mapper never meets a Variable with 'value': ")
    filtered = "[x for x in jax.tree.leaves(nnx.state(model)) if hasattr(x, 'value')]"
    assert message("NNX103", (0, 11), filtered).startswith("no leaf here is a Variable with 'value': ")


@pytest.mark.parametrize(
    "words", ["an nnx.Variable", "an nn.Param", "an OptState", "a Param", "a VS", "a flax.nnx.Param"]
)
def test_articles(words: str) -> None:
    assert with_article(words.partition(" ")[2]) == words


def test_data_that_another_method_sets_is_told_by_the_name_of_the_method() -> None:
    model = """\
class Model(nnx.Module):
    def __init__(self, rngs):
        self.cache = None
        self.head = None
        self.head = nnx.Linear(2, 2, rngs=rngs)
        self.layers = []
        self.add(rngs)

    def add(self, rngs):
        self.layers.append(nnx.Linear(2, 2, rngs=rngs))

    def init_cache(self):
        self.cache = nnx.Cache(0)
"""
    settings = LintSettings(frozenset({"NNX210"}), (0, 12, 5))
    told = [one.message.partition(" raises ")[0] for one in lint_source(f"{FLAX}\n\n{model}", settings=settings)]
    assert told == [
        "a Variable that init_cache() sets in place of None, the attribute 'cache' of a Module,",
        "a Module set in place of None, the attribute 'head' of a Module,",
        "a Module that add() puts into a list that is the attribute 'layers' of a Module",
    ]


def test_an_attribute_that_no_release_of_the_range_warns_about_is_not_called_deprecated() -> None:
    line = "kind = nnx.Param(1).type"
    assert "deprecated since Flax 0.11" in message("NNX204", (0, 11), line)
    assert (
        message("NNX204", (0, 12, 1), line)
        == "'.type' of a Variable is kept for old code alone: use type(nnx.Param(1))"
    )
