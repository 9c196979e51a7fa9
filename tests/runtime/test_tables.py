"""The package's tables of names and layers are true of the installed Flax. A newer one is held to the last measured."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path

import pytest
from flax import nnx
from installed import RELEASE, VERSION
from layer_recipes import CALLABLES, LAYERS, WITHOUT_ATTRIBUTES_OF_THEIR_OWN
from tables import CALLS, OWNERS, Tables, made_by, measure, merged, merged_layer, spans, write

from flake8_nnx_treemap.data import nnx_names
from flake8_nnx_treemap.flax_layers import attributes_of, keywords_given
from flake8_nnx_treemap.flax_names import NNX, Span, releases_that_warn, releases_with

pytestmark = pytest.mark.runtime


@pytest.fixture(scope="module")
def found() -> Tables:
    return measure()


def is_among(spans: tuple[Span, ...]) -> bool:
    return any(RELEASE[:3] in span for span in spans)


def expected(owner: str, names: set[str]) -> dict[str, str]:
    return {
        name: "warns" if is_among(releases_that_warn(name, owner)) else ""
        for name in sorted(names)
        if is_among(releases_with(name, owner))
    }


def test_public_names(found: Tables) -> None:
    assert found.names == expected(NNX, nnx_names.NAMES.keys() | found.names.keys())


@pytest.mark.parametrize("owner", OWNERS)
def test_members(found: Tables, owner: str) -> None:
    measured = found.members[owner]
    assert measured == expected(owner, nnx_names.MEMBERS[owner].keys() | measured.keys())


def test_layers(found: Tables) -> None:
    said = {
        layer: {
            attribute: " | ".join([*holding.classes, *["None"] * holding.may_be_none])
            for attribute, holdings in attributes_of(layer).items()
            for holding in holdings
            if not holding.spans or is_among(holding.spans)
        }
        for layer in found.layers
    }
    assert found.layers == said


def test_callables(found: Tables) -> None:
    said = {
        option: {
            keyword.name: keyword.value
            for keyword in keywords_given(*option.split("."))
            if not keyword.spans or is_among(keyword.spans)
        }
        for option in found.callables
    }
    assert found.callables == said


def test_every_function_that_a_layer_takes_is_measured() -> None:
    named = {option.partition(".")[2] for option in CALLABLES}
    layers = {name: getattr(nnx, name) for name in LAYERS if hasattr(nnx, name)}
    for name, kind in layers.items():
        taken = set(inspect.signature(kind).parameters) & named - {"promote_dtype"}
        assert {f"{name}.{option}" for option in taken} <= CALLABLES.keys()


def test_every_member_that_is_called_is_measured_by_a_call(found: Tables) -> None:
    for owner, members in found.members.items():
        made = made_by(owner)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            called = {name for name in members if callable(getattr(made, name)) and name not in ("type", "var_type")}
        assert called <= CALLS[owner].keys()
        assert "raises" not in members.values()


def test_every_layer_of_flax_has_a_recipe() -> None:
    """A class that can hold Variables, and is public, is made here or known to hold nothing of its own."""
    nodes = (nnx.Module, getattr(nnx, "Pytree", nnx.Object))
    public = {name: getattr(nnx, name) for name in nnx_names.NAMES if name != "VariableState" and hasattr(nnx, name)}
    public |= {f"metrics.{name}": kind for name, kind in vars(nnx.metrics).items()}
    found = {
        name: kind
        for name, kind in public.items()
        if isinstance(kind, type) and issubclass(kind, nodes) and not issubclass(kind, nnx.Variable)
    }
    of_metrics = {f"metrics.{name}" for name in found}
    assert found.keys() - LAYERS.keys() - WITHOUT_ATTRIBUTES_OF_THEIR_OWN - of_metrics == set()


def test_spans() -> None:
    releases = ["1.0", "1.1", "1.2", "1.3"]
    assert spans(releases, [True, True, False, True]) == "1.0-1.1, 1.3-"
    assert spans(releases, [False, True, False, False]) == "1.1-1.1"
    assert spans(releases, [False] * 4) == ""


def test_several_releases_become_one_row() -> None:
    releases = ["1.0", "1.1", "1.2"]
    assert merged([{"a": ""}, {"a": "warns", "b": ""}, {"b": ""}], releases) == {
        "a": "1.0-1.1; warns 1.1-1.1",
        "b": "1.1-",
    }
    assert merged_layer([None, {"a": "Param"}, {"a": "Param", "b": "Cache"}], releases) == {
        "a": "Param",
        "b": "Cache on 1.2-",
    }
    assert merged_layer([{"a": "Param"}, {"a": "Param | None"}, {}], releases) == {
        "a": "Param on 1.0-1.0; Param | None on 1.1-1.1"
    }


def test_tables_that_are_written_are_python(found: Tables, tmp_path: Path) -> None:
    write([found], tmp_path)
    namespace: dict[str, object] = {}
    for name in ("nnx_names.py", "nnx_layers.py", "nnx_callables.py"):
        exec(compile((tmp_path / name).read_text(encoding="utf-8"), name, "exec"), namespace)
    assert namespace["RELEASES"] == (VERSION,)
    assert set(namespace["NAMES"]) == set(found.names)  # type: ignore[call-overload]
    assert namespace["LAYERS"] == {layer: dict(attributes) for layer, attributes in sorted(found.layers.items())}
    assert namespace["CALLABLES"] == {option: dict(keywords) for option, keywords in sorted(found.callables.items())}
