"""The second gate knows calls that nothing can be said of by their form: rules that look all the same say nothing."""

from __future__ import annotations

from gates import assert_gates_hide_nothing, without_gates
from hypothesis import given
from hypothesis import strategies as st

from flake8_nnx_treemap.names import PORTABLE
from flake8_nnx_treemap.rules.catalogue import every_rule, rule_named

HEADER = """\
import jax
from flax import nnx

BOTH = (nnx.Variable, nnx.VariableState)


def same(x):
    return x


def changed(x):
    x.tag = 1
    return x


"""
TYPES = st.sampled_from(
    [
        *("nnx.Variable", "nnx.VariableState", "BOTH", "(nnx.Variable, nnx.variablelib.VariableState)"),
        *("nnx.Param", "nnx.BatchStat", "(nnx.Param, jax.Array)", "dict"),
    ]
)
RESULTS = st.sampled_from(
    [
        *("v.value", "v.get_value()", "v.replace(v.value)", "v", "w", "(v)", "same(v)", "changed(v)", "[v]"),
        *("v.set_metadata(a=1)", "v if v.value else v.value", "type(v) is nnx.Variable", "type(v)(v.value)"),
        *("v.value if isinstance(v, nnx.VariableState) else v", "getattr(v, 'value', v)", "(w := v)", "0"),
    ]
)
TESTS = st.one_of(
    st.builds("isinstance(v, {})".format, TYPES),
    st.builds("isinstance(w, {})".format, TYPES),
    st.sampled_from(["hasattr(v, 'value')", "type(v) is nnx.VariableState", "same(v)"]),
)
MAPPERS = st.one_of(
    st.builds("lambda v: {} if {} else {}".format, RESULTS, TESTS, RESULTS),
    st.builds("lambda v, w=1: {} if {} else v".format, RESULTS, TESTS),
    st.builds("lambda v: {}".format, RESULTS),
    st.sampled_from(["same", "changed", "lambda *v: v[0]"]),
)
PREDICATES = st.one_of(
    st.builds("lambda x: isinstance(x, {})".format, TYPES),
    st.builds("lambda x: isinstance(x, {}) or x is None".format, TYPES),
    st.builds("lambda x: not isinstance(x, {})".format, TYPES),
    st.sampled_from(["nnx.Variable", "lambda x: nnx.Param(x)", "lambda x: type(x) is nnx.Variable", "same"]),
)
CALLS = st.builds(
    "def convert(state, other):\n    return jax.tree.map({}, {}, is_leaf={})\n".format,
    MAPPERS,
    st.sampled_from(["state", "state, other", "nnx.state(state)", "nnx.state(state, nnx.Param)"]),
    PREDICATES,
)
FLOORS = st.sampled_from([PORTABLE, (0, 11), (0, 12, 7)])


@given(CALLS, FLOORS)
def test_gates_hide_nothing(call: str, floor: tuple[int, ...]) -> None:
    assert_gates_hide_nothing(every_rule(), HEADER + call, floor)


def test_a_rule_would_find_more_without_its_own_judgement() -> None:
    """The comparison above can fail: what is compared with does look at the calls."""
    call = "jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
    found = without_gates([rule_named("NNX101"), rule_named("NNX112")], HEADER + call, PORTABLE)
    assert [len(found[code]) for code in ("NNX101", "NNX112")] == [1, 0]
