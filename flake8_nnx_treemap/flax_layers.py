"""What Flax's own layers do on which release: what their attributes hold, and how they call functions of users.

The tables are measured (``data/nnx_layers.py``, ``nnx_callables.py``). They are read when somebody first asks, since
most files need none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from flake8_nnx_treemap.flax_names import Span, spans_named
from flake8_nnx_treemap.names import NNX_MODULES, VARIABLE_SUBCLASSES

_METRIC_STATE = "MetricState"
"""The one class of Variable that a layer's attribute holds and that is no public name of ``flax.nnx``."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What an attribute of a layer may hold on some releases.

    ``classes`` are names without their module, such as ``"Param"`` or ``"LinearGeneral"``. ``may_be_none`` says that
    an option of the layer, or a method that was not called, leaves ``None`` there. ``spans`` is empty where this is so
    on every release that has the layer.
    """

    classes: tuple[str, ...]
    may_be_none: bool
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword that a layer gives to a function of its user.

    ``value`` is what it gives unless somebody asks for something else: ``"None"``, ``"False"``, or ``"other"``.
    ``spans`` is empty where every release that has the option gives the keyword.
    """

    name: str
    value: str
    spans: tuple[Span, ...]


def keywords_given(layer: str, option: str) -> tuple[Keyword, ...]:
    """Give the keywords with which a layer calls a function that was handed to it.

    Args:
        layer: the name of a class, such as ``"Conv"``.
        option: the parameter of the class that takes the function, such as ``"conv_general_dilated"``.

    Returns:
        Each keyword; none for an option that was not measured.
    """
    from flake8_nnx_treemap.data.nnx_callables import CALLABLES

    rows = CALLABLES.get(f"{layer}.{option}", {})
    return tuple(_keyword(name, part) for name, row in rows.items() for part in row.split("; "))


def _keyword(name: str, text: str) -> Keyword:
    """Read ``"None"`` or ``"None on 0.12.4-"``."""
    value, _, spans = text.partition(" on ")
    return Keyword(name, value, spans_named(spans) if spans else ())


def attributes_of(layer: str) -> Mapping[str, tuple[Holding, ...]]:
    """Give what Flax itself puts into the attributes of a layer.

    Args:
        layer: the name of a class, such as ``"Linear"``, ``"metrics.Average"`` or ``"flax.nnx.Linear"``.

    Returns:
        The attributes that ever hold a Variable or a layer of Flax's own. What a user hands to the layer is not among
        them, and nothing is known of a class that is not one of Flax's layers.
    """
    return _attributes(layer.removeprefix(NNX_MODULES[0] + "."))


def is_metric_state(name: str) -> bool:
    """Tell whether a name is that of the Variables in metrics, which is no public name of ``flax.nnx``."""
    return name == _METRIC_STATE


def is_variable_class(name: str) -> bool:
    """Tell whether a class that an attribute holds is one of Variables, not of layers.

    Args:
        name: as ``Holding.classes`` has it.

    Returns:
        True for ``"Param"`` and the other classes of Variables.
    """
    return is_metric_state(name) or f"{NNX_MODULES[0]}.{name}" in VARIABLE_SUBCLASSES


@cache
def _attributes(layer: str) -> Mapping[str, tuple[Holding, ...]]:
    from flake8_nnx_treemap.data.nnx_layers import LAYERS

    rows = LAYERS.get(layer) or LAYERS.get(f"metrics.{layer}", {})
    return {attribute: tuple(_holding(part) for part in row.split("; ")) for attribute, row in rows.items()}


def _holding(text: str) -> Holding:
    """Read ``"Param | None"`` or ``"Param | None on 0.10.3-"``."""
    words, _, spans = text.partition(" on ")
    classes = words.split(" | ")
    return Holding(
        tuple(name for name in classes if name != "None"),
        "None" in classes,
        spans_named(spans) if spans else (),
    )
