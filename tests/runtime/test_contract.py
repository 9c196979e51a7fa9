"""The harness itself, on pairs of programs written by hand: what it must let pass, and what it must not."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest
from contract import UNSAFE, Promise, Reach, compare, compare_results
from describe import differences
from flax import nnx
from harness import EAGER, PROGRAM, NotApplicable, Subject, Transform, observe
from installed import EPOCH, RELEASE, VARIABLE_STATE_IS_VARIABLE, state_wrapper
from trees import CATALOGUE

pytestmark = pytest.mark.runtime

T = "(nnx.Variable, nnx.variablelib.VariableState)"
ON_T = f"is_leaf=lambda x: isinstance(x, {T})"
ON_VS = "is_leaf=lambda x: isinstance(x, nnx.VariableState)"


def program(expression: str, parameters: str = "tree") -> str:
    return f"import jax\nfrom flax import nnx\n\n\ndef convert({parameters}):\n    return {expression}\n"


def mapping(mapper: str, is_leaf: str = ON_T) -> str:
    return program(f"jax.tree.map({mapper}, tree, {is_leaf})")


ORIGINAL = mapping("lambda v: v.value", ON_VS)
FIXED = mapping(f"lambda v: v.value if isinstance(v, {T}) else v")


def state() -> Subject:
    return CATALOGUE["state"].build()


def mixed() -> Subject:
    return CATALOGUE["mixed"].build()


# What passes


def test_the_same_twice() -> None:
    comparison = compare(ORIGINAL, FIXED, state)
    assert comparison.violations == ()
    assert comparison.original.returned
    assert comparison.fixed.mapped == comparison.fixed.wrappers == 4


def test_programs_that_need_no_tree() -> None:
    three, four, fails = (f"def result():\n    return {text}\n" for text in ("3", "4", "None.x"))
    by_itself = Promise(safe=True, reach=Reach.UNKNOWN)
    assert compare_results(three, three, 3, by_itself).violations == ()
    assert compare_results(fails, three, 3, by_itself).violations == ()
    assert len(compare_results(three, three, 4, by_itself).violations) == 1
    assert len(compare_results(three, four, 4, by_itself).violations) == 1
    assert compare_results(three, four, 4, replace(by_itself, safe=False)).violations == ()
    assert compare_results(three, fails, 3, UNSAFE).violations[0].startswith("raises AttributeError")


def test_a_raise_gives_leave_to_return() -> None:
    comparison = compare(ORIGINAL, FIXED, mixed)
    assert comparison.original.error == "AttributeError"
    assert comparison.violations == ()
    assert comparison.fixed.mapped == 1
    assert comparison.fixed.result["$['number']"] == ("float", "1.5")


def test_a_raise_on_a_wrapper_gives_leave_to_raise_there() -> None:
    original = mapping("lambda v: v.value + 'text'", ON_VS)
    fixed = mapping(f"lambda v: v.value + 'text' if isinstance(v, {T}) else v")
    comparison = compare(original, fixed, mixed)
    assert not comparison.original.returned
    assert not comparison.fixed.returned
    assert comparison.violations == ()


def test_a_raise_that_the_program_catches_cuts_the_mapping_short() -> None:
    source = (
        "import jax\nfrom flax import nnx\n\n\ndef convert(tree):\n    try:\n"
        "        return jax.tree.map(lambda v: v.nothing, tree, is_leaf=lambda x: isinstance(x, nnx.VariableState))\n"
        "    except AttributeError:\n        return None\n"
    )
    comparison = compare(source, source, state, promise=UNSAFE)
    assert comparison.fixed.is_cut_short
    assert comparison.violations == ()


def test_an_import_that_fails_is_a_raise() -> None:
    run = observe("from flax import nothing_of_this_name\n", state)
    assert run.error == "ImportError"


# What is caught


def test_other_values() -> None:
    other = mapping(f"lambda v: v.value + 1 if isinstance(v, {T}) else v")
    found = compare(ORIGINAL, other, state).violations
    assert len(found) == 4
    assert found[0].startswith("result at $['first']['bias']: was ('jax', 'float32', (3,), False, ")


def test_other_types_of_leaves() -> None:
    other = mapping(f"lambda v: jax.device_get(v.value) if isinstance(v, {T}) else v")
    assert any("('numpy'" in violation for violation in compare(ORIGINAL, other, state).violations)


def test_other_structure() -> None:
    found = compare(ORIGINAL, program(f"jax.tree.leaves(tree, {ON_T})"), state).violations
    assert any("was ('flax.nnx.statelib.State'" in violation for violation in found)


def test_other_metadata() -> None:
    def build() -> Subject:
        return Subject((nnx.State({"p": state_wrapper(nnx.Param, jnp.ones(2), note=1)}),))

    original = mapping("lambda v: v.replace(v.value)", ON_VS)
    other = mapping("lambda v: type(v)(v.value) if isinstance(v, nnx.Variable) else type(v)(v.type, v.value)")
    (found,) = compare(original, other, build).violations
    assert found == "result at $['p'].note: was ('int', '1'), is None"


def test_other_variable_type() -> None:
    original = mapping("lambda v: v.replace(v.value)", ON_VS)
    other = mapping(
        "lambda v: nnx.BatchStat(v.value) if isinstance(v, nnx.Variable) else type(v)(nnx.BatchStat, v.value)"
    )
    assert any("BatchStat" in violation for violation in compare(original, other, state).violations)


def test_aliasing() -> None:
    original = mapping("lambda v: v.replace(v.value)", ON_VS)
    found = compare(original, mapping("lambda v: v"), state).violations
    assert len(found) == 4
    assert "'input[0]['first']['bias']'" in found[0].replace('"', "'")


def test_new_aliasing_by_an_unsafe_fix() -> None:
    original = program("jax.tree.map(lambda v: v.value if isinstance(v, nnx.Param) else v, tree)")
    fixed = mapping("lambda v: v.replace(0) if isinstance(v, nnx.BatchStat) else v")
    found = compare(original, fixed, CATALOGUE["normalized"].build, promise=UNSAFE).violations
    assert any(violation.startswith('hands out ["input[0]') for violation in found)


@pytest.mark.skipif(not VARIABLE_STATE_IS_VARIABLE, reason="state is a copy of the model below Flax 0.11")
def test_writing_into_the_model() -> None:
    original = mapping("lambda v: v.replace(v.value)", ON_VS)
    other = mapping(
        "lambda v: (v.set_value(v.get_value() * 2) if hasattr(v, 'set_value')"
        " else setattr(v, 'value', v.value * 2), v.replace(v.value))[1]"
    )
    found = compare(original, other, state).violations
    assert any(violation.startswith("side effect at model.first.kernel.value") for violation in found)


def test_mapping_nothing() -> None:
    nothing = mapping("lambda v: v", "is_leaf=None")
    assert compare(ORIGINAL, nothing, mixed).violations == ("maps 0 of 1 wrappers",)


def test_raising_on_a_leaf_that_is_no_wrapper() -> None:
    found = compare(ORIGINAL, mapping("lambda v: v.value"), mixed).violations
    assert len(found) == 1
    assert found[0].endswith("on a leaf that is no wrapper")


def test_mapping_a_leaf_that_is_no_wrapper() -> None:
    other = mapping(f"lambda v: v.value if isinstance(v, {T}) else 0")
    assert compare(ORIGINAL, other, mixed).violations == ("maps a leaf that is no wrapper",)


def test_an_unsafe_fix_that_raises() -> None:
    original = mapping("lambda v: type(v).__name__", ON_VS)
    found = compare(original, mapping("lambda v: v.nothing_of_this_name"), state, promise=UNSAFE).violations
    assert len(found) == 1
    assert found[0].startswith("raises AttributeError")


def test_an_unsafe_fix_that_reaches_less() -> None:
    original = mapping("lambda v: type(v).__name__")
    found = compare(original, mapping("lambda v: v", "is_leaf=None"), state, promise=Promise(False, Reach.UNKNOWN))
    assert len(found.violations) == 1
    assert found.violations[0].startswith('no longer reaches ["input[0]')


@pytest.mark.skipif(RELEASE >= (0, 11), reason="from Flax 0.11 on a model is a pytree, and no leaf")
def test_a_model_that_is_a_leaf_passes_through_an_unsafe_fix() -> None:
    """Found by the generated calls on 0.10.6: the original wrapped the model, the rewrite returns it as it was."""
    original = mapping("lambda v: lambda: v.value", "is_leaf=lambda x: isinstance(x, nnx.VariableState)")
    fixed = mapping(f"lambda v: (lambda: v.value) if isinstance(v, {T}) else v")
    assert compare(original, fixed, CATALOGUE["model"].build, promise=UNSAFE).violations == ()


# The one exception: Flax 0.10.7 and live Variables that hold no array


@pytest.mark.skipif(EPOCH.name != "E2", reason="only on Flax 0.10.7 does is_leaf not stop at live Variables")
def test_passed_over_variables_are_mapped_after_the_fix() -> None:
    build = CATALOGUE["only live empty"].build
    comparison = compare(ORIGINAL, FIXED, build)
    assert comparison.original.passed_over == {"input[0]['unset']"}
    assert comparison.original.returned
    assert comparison.violations == ()
    assert differences("", comparison.original.result, comparison.fixed.result) != []
    wrong = mapping(f"lambda v: 0 if isinstance(v, {T}) else v")
    assert compare(ORIGINAL, wrong, build).violations[0].startswith("result at $['state']: was ('jax'")
    less = mapping("lambda v: v.value if isinstance(v, nnx.Variable) else v", "is_leaf=None")
    assert compare(ORIGINAL, less, build).violations == (
        "maps other leaves differently beside Variables that hold no array",
    )


@pytest.mark.skipif(EPOCH.name == "E2", reason="this is what Flax 0.10.7 is excepted from")
def test_no_other_release_needs_the_exception() -> None:
    for tree in ("only live empty", "live empty", "empty"):
        comparison = compare(ORIGINAL, FIXED, CATALOGUE[tree].build)
        assert comparison.original.passed_over == frozenset()
        assert comparison.original.returned
        assert comparison.violations == ()


# The other exception: trees without a leaf


def test_a_tree_without_leaves_is_outside_the_promise_of_leaves() -> None:
    build = CATALOGUE["live empty"].build
    bare = mapping("lambda v: v.value", "is_leaf=None")
    if not compare(bare, FIXED, build).original.returned or compare(bare, FIXED, build).original.calls:
        pytest.skip("this release hands a mapper something of this tree")
    assert compare(bare, FIXED, build).violations != ()
    assert compare(bare, FIXED, build, promise=Promise(safe=True, of_leaves=True)).violations == ()
    assert compare(bare, FIXED, mixed, promise=Promise(safe=True, of_leaves=True)).violations == ()
    assert compare(FIXED, bare, state, promise=Promise(safe=True, of_leaves=True)).violations != ()


# How programs are run


def test_calls_by_libraries_are_not_recorded() -> None:
    run = observe("import optax\n\n\ndef convert(tree):\n    return optax.sgd(0.1).init(tree)\n", state)
    assert run.returned
    assert run.calls == ()
    assert jax.tree.map.__module__ != PROGRAM


def test_keyword_arguments_and_partials_are_recorded() -> None:
    source = program(f"partial(jax.tree.map, {ON_T})(f=lambda v: v.value, tree=tree)")
    run = observe("from functools import partial\n" + source, state)
    assert run.returned
    assert run.mapped == 4


def test_a_transformation_that_cannot_take_the_tree_says_so() -> None:
    def refuse(tree: object) -> object:
        raise TypeError("no")

    with pytest.raises(NotApplicable):
        observe(FIXED, state, Transform("refusing", EAGER.wrap, refuse))


@pytest.mark.skipif(RELEASE < (0, 12, 1), reason="Flax deprecates nothing of this before 0.12.1")
def test_deprecations_of_the_program_are_noted() -> None:
    assert observe(FIXED, state).warnings
    clean = mapping(
        "lambda v: v.get_value() if isinstance(v, nnx.Variable) else v", "is_leaf=lambda x: isinstance(x, nnx.Variable)"
    )
    assert observe(clean, state).warnings == ()
    setter = mapping("lambda v: setattr(v, 'value', 1)", "is_leaf=lambda x: isinstance(x, nnx.Variable)")
    assert observe(setter, state).warnings
