"""The tables of names and layers are well formed, read on demand, and say what is known of the history of Flax."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import pytest

from flake8_nnx_treemap import flax_names
from flake8_nnx_treemap.data import nnx_layers, nnx_names
from flake8_nnx_treemap.flax_layers import Holding, attributes_of, is_variable_class
from flake8_nnx_treemap.flax_names import (
    Span,
    measured_releases,
    names_of_some_releases,
    names_that_went,
    releases_that_warn,
    releases_with,
    releases_without,
)
from flake8_nnx_treemap.names import (
    INSTEAD_OF_REMOVED,
    NNX_SUBMODULES,
    STATE_FUNCTIONS,
    STATE_FUNCTIONS_ARE_THERE,
    VARIABLE_BASES,
    VARIABLE_SUBCLASSES,
)

LAST = measured_releases()[-1]


def rows() -> Iterator[str]:
    yield from nnx_names.NAMES.values()
    for members in nnx_names.MEMBERS.values():
        yield from members.values()


def test_releases_stand_in_order() -> None:
    assert list(measured_releases()) == sorted(set(measured_releases()))
    assert measured_releases()[0] == (0, 10, 0)


def test_each_row_holds_spans_that_are_in_order_and_apart() -> None:
    known = measured_releases()
    for row in rows():
        assert re.fullmatch(r"[\d.]+-[\d.]*(, [\d.]+-[\d.]*)*(; warns [\d.]+-[\d.]*(, [\d.]+-[\d.]*)*)?", row)
        for part in row.split("; warns "):
            spans = flax_names.spans_named(part)
            numbers = [(known.index(span.first), known.index(span.last or LAST)) for span in spans]
            assert all(first <= last for first, last in numbers)
            assert all(after[0] > before[1] + 1 for before, after in pairwise(numbers))
            assert all(span.last is not None for span in spans[:-1])


def test_what_warns_is_there() -> None:
    for owner in (flax_names.NNX, *nnx_names.MEMBERS):
        for name in nnx_names.NAMES if owner == flax_names.NNX else nnx_names.MEMBERS[owner]:
            lacking = releases_without(name, (0,), owner=owner)
            assert not any(release in span for release in lacking for span in releases_that_warn(name, owner))


@pytest.mark.parametrize(
    ("name", "spans"),
    [
        ("Dict", [((0, 10, 0), (0, 10, 7)), ((0, 12, 0), None)]),
        ("to_arrays", [((0, 11, 1), (0, 12, 0))]),
        ("with_sharding_constraint", [((0, 10, 0), (0, 11, 1))]),
        ("ModelAndOptimizer", [((0, 11, 0), None)]),
        ("List", [((0, 12, 0), None)]),
        ("state", [((0, 10, 0), None)]),
        ("no_such_name", []),
    ],
)
def test_releases_with_a_name(name: str, spans: list[tuple[tuple[int, ...], tuple[int, ...] | None]]) -> None:
    assert releases_with(name) == tuple(Span(*span) for span in spans)


def test_releases_without_a_name_are_those_of_the_range() -> None:
    assert releases_without("Dict", (0, 10, 6)) == ((0, 11, 0), (0, 11, 1), (0, 11, 2))
    assert releases_without("Dict", (0, 11, 2)) == ((0, 11, 2),)
    assert releases_without("Dict", (0, 12)) == ()
    assert releases_without("List", (0, 11), (0, 11, 1)) == ((0, 11, 0), (0, 11, 1))
    assert releases_without("get_value", (0, 11, 2), owner="state leaf") == ((0, 11, 2), (0, 12, 0))
    assert releases_without("no_such_name", (0, 12, 8)) == ((0, 12, 8),)


def test_releases_that_warn() -> None:
    assert releases_that_warn("VariableState") == (Span((0, 12, 1), None),)
    assert releases_that_warn("type", "state leaf") == (Span((0, 11, 0), (0, 12, 0)),)
    assert releases_that_warn("to_pure_dict", "State") == (Span((0, 10, 4), None),)
    assert releases_that_warn("keys", "State") == ()


def test_names_that_some_release_lacks() -> None:
    assert {"Dict", "List", "to_arrays"} <= names_of_some_releases()
    assert not {"state", "Param", "no_such_name", "VariableState"} & names_of_some_releases()
    assert {"to_variable", "get_value"} <= names_of_some_releases("state leaf")


def test_names_that_went() -> None:
    assert {"Dict", "to_arrays", "with_sharding_constraint"} <= names_that_went()
    assert not {"List", "state", "as_pure", "no_such_name"} & names_that_went()
    assert names_that_went() <= names_of_some_releases()


def test_what_is_advised_is_there() -> None:
    """For what went, and for the methods of State: the tables know the old names, and have the new ones."""
    assert INSTEAD_OF_REMOVED.keys() <= names_that_went()
    for advice in INSTEAD_OF_REMOVED.values():
        module, _, name = advice.partition(",")[0].rpartition(".")
        assert module == "jax.lax" or releases_with(name)[-1].last is None
    warning = {name for name in nnx_names.MEMBERS["State"] if releases_that_warn(name, "State")}
    assert warning == STATE_FUNCTIONS.keys()
    for method, function in STATE_FUNCTIONS.items():
        since = (Span(STATE_FUNCTIONS_ARE_THERE, None),)
        assert releases_with(function) == releases_that_warn(method, "State") == since


def test_what_layers_hold_is_a_variable_or_another_layer() -> None:
    for layer in nnx_layers.LAYERS:
        for attribute, holdings in attributes_of(layer).items():
            assert attribute.isidentifier()
            for holding in holdings:
                assert holding.classes
                assert all(is_variable_class(name) or name in nnx_names.NAMES for name in holding.classes)
            assert all(holding.spans for holding in holdings) or len(holdings) == 1


def test_attributes_of_layers() -> None:
    assert attributes_of("Linear")["kernel"] == (Holding(("Param",), False, ()),)
    assert attributes_of("flax.nnx.BatchNorm")["mean"] == (Holding(("BatchStat",), False, ()),)
    assert attributes_of("Linear")["bias"][-1] == Holding(("Param",), True, (Span((0, 10, 3), None),))
    assert attributes_of("MultiHeadAttention")["value"] == (Holding(("LinearGeneral",), False, ()),)
    assert attributes_of("metrics.Average")["total"] == (Holding(("MetricState",), False, ()),)
    assert "cell" not in attributes_of("RNN")
    assert attributes_of("MyLayer") == {}


def test_variables_are_told_from_layers() -> None:
    assert is_variable_class("Param")
    assert is_variable_class("MetricState")
    assert not is_variable_class("Linear")


def test_the_hand_written_names_are_names_of_flax() -> None:
    public = {f"flax.nnx.{name}" for name in nnx_names.NAMES}
    assert public >= VARIABLE_SUBCLASSES | VARIABLE_BASES.keys()
    assert NNX_SUBMODULES - nnx_names.NAMES.keys() <= {"linear", "nnx", "normalization", "state"}


def test_the_tables_are_read_when_they_are_asked_for() -> None:
    program = (
        "import sys\n"
        "from flake8_nnx_treemap import flax_layers, flax_names\n"
        "read = lambda: sorted(name for name in sys.modules if name.startswith('flake8_nnx_treemap.data.'))\n"
        "print(read())\n"
        "flax_names.releases_with('Dict')\n"
        "print(read())\n"
        "flax_layers.attributes_of('Linear')\n"
        "print(read())\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    before, names, both = run.stdout.splitlines()
    assert before == "[]"
    assert names == "['flake8_nnx_treemap.data.nnx_names']"
    assert both == "['flake8_nnx_treemap.data.nnx_layers', 'flake8_nnx_treemap.data.nnx_names']"
