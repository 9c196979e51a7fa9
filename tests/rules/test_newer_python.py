"""Names in the syntax that Python 3.12 and 3.13 brought: type parameters, and f-strings whose parts have places."""

from __future__ import annotations

import sys

import pytest

from flake8_nnx_treemap import fix_source, lint_source
from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.rules.settings import LintSettings

since_3_12 = pytest.mark.skipif(sys.version_info < (3, 12), reason="a syntax error before Python 3.12")
since_3_13 = pytest.mark.skipif(sys.version_info < (3, 13), reason="a syntax error before Python 3.13")
unless_3_12_1 = pytest.mark.skipif(sys.version_info[:3] == (3, 12, 1), reason="Python 3.12.1 cannot parse that")


IMPORT = "from flax.nnx import VariableState\n"


def settings(*codes: str, floor: tuple[int, ...] = (0, 11)) -> LintSettings:
    return LintSettings(frozenset(codes), FlaxRange(floor))


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("def f[T: VariableState](x: T): return x\n", marks=since_3_12),
        pytest.param("class A[T: (VariableState, int)]: pass\n", marks=since_3_12),
        pytest.param("type Pair[T: VariableState] = tuple[T, VariableState]\n", marks=since_3_12),
        pytest.param("class A[T = VariableState]: pass\n", marks=since_3_13),
    ],
)
def test_type_parameters_use_names(program: str) -> None:
    fixed = fix_source(IMPORT + program, settings=settings("NNX201")).text
    assert fixed == (IMPORT + program).replace("VariableState", "Variable")


@since_3_12
@pytest.mark.parametrize("program", ["type A[VariableState] = VariableState\n", "def f[VariableState](x): return x\n"])
def test_a_type_parameter_of_the_same_name(program: str) -> None:
    assert fix_source(IMPORT + program, settings=settings("NNX201")).text == IMPORT + program


@since_3_12
def test_methods_see_the_type_parameters_of_their_class() -> None:
    program = """\
import jax
from flax import nnx
from flax.nnx import Variable
class Wrap[Variable]:
    def read(self, tree):
        return jax.tree.map(lambda v: v.value, tree, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
    fixed = fix_source(program, settings=settings("NNX101")).text
    assert "isinstance(v, nnx.Variable)" in fixed


@since_3_12
@pytest.mark.parametrize("parameters", ["[T]", "[T: (int, str)]", "[\n    T,\n]"])
def test_a_generic_class_of_variables_sets_metadata(parameters: str) -> None:
    program = f"from flax import nnx\nclass Tagged{parameters}(nnx.Param):\n    def tag(self): self.kind = 1\n"
    assert len(lint_source(program, settings=settings("NNX205", floor=(0, 12, 1)))) == 1


CALL = "jax.tree_map(lambda v: v.value, s, is_leaf=lambda x: isinstance(x, nnx.VariableState))"


@pytest.mark.parametrize(
    ("string", "is_safe"),
    [
        ("f'{CALL}'", True),
        ("f'{s=}', f'{CALL!r:>9}'", True),
        ("f'{1} = {CALL}'", True),
        ("f'loss={CALL}'", True),
        ("f'{CALL=}'", False),
        ("f'{CALL = !s:>9}'", False),
        ("'a' f'é{[CALL]=}'", False),
        ("f'{(CALL, )[0:]=}'", False),
        ("f'{[CALL, (s ,)] = }'", False),
        pytest.param("f'{1:{CALL=}}'", False, marks=unless_3_12_1),
    ],
)
def test_no_fix_is_safe_where_a_string_shows_the_code(string: str, is_safe: bool) -> None:
    program = f"import jax\nfrom flax import nnx\nx = {string.replace('CALL', CALL)}\n"
    found = lint_source(program, settings=settings("NNX101", "NNX208"))
    assert {one.code for one in found} == {"NNX101", "NNX208"}
    safe = [one.fix is not None and one.fix.applicability.value == "safe" for one in found]
    assert all(safe) if is_safe else not any(safe)
    assert (fix_source(program, settings=settings("NNX101", "NNX208")).text != program) == is_safe


@since_3_12
@pytest.mark.parametrize(
    ("code", "expression", "count"),
    [
        ("NNX201", "nnx.VariableState", 3),
        ("NNX204", "nnx.Param(1).type", 3),
        ("NNX206", "nnx.Param(1).value", 3),
        ("NNX207", "nnx.pure", 3),
    ],
)
def test_f_strings_are_reported_and_left_as_they_are(code: str, expression: str, count: int) -> None:
    program = f"from flax import nnx\nx = f'{{{expression}}} {{{expression}=}} {{1:{{{expression}}}}}'\n"
    floor = settings(code, floor=(0, 12, 7))
    assert [found.fix for found in lint_source(program, settings=floor)] == [None] * count
    assert fix_source(program, settings=floor).text == program
