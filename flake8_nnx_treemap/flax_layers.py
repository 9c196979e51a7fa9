"""Which attributes of Flax's own layers hold which class of Variable, or which other layer, on which release.

The table is measured (``data/nnx_layers.py``). It is read when somebody first asks, since most files need none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from flake8_nnx_treemap.flax_names import Span, spans_named
from flake8_nnx_treemap.names import NNX_MODULES, VARIABLE_SUBCLASSES

_METRIC_STATE = "MetricState"
"""The one class of Variable that a layer's attribute holds and that has no public name of ``flax.nnx``."""


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


def attributes_of(layer: str) -> Mapping[str, tuple[Holding, ...]]:
    """Give what Flax itself puts into the attributes of a layer.

    Args:
        layer: the name of a class, such as ``"Linear"``, ``"metrics.Average"`` or ``"flax.nnx.Linear"``.

    Returns:
        The attributes that ever hold a Variable or a layer of Flax's own. What a user hands to the layer is not among
        them, and nothing is known of a class that is not one of Flax's layers.
    """
    return _attributes(layer.removeprefix(NNX_MODULES[0] + "."))


def is_variable_class(name: str) -> bool:
    """Tell whether a class that an attribute holds is one of Variables, not of layers.

    Args:
        name: as ``Holding.classes`` has it.

    Returns:
        True for ``"Param"`` and the other classes of Variables.
    """
    return name == _METRIC_STATE or f"{NNX_MODULES[0]}.{name}" in VARIABLE_SUBCLASSES


@cache
def _attributes(layer: str) -> Mapping[str, tuple[Holding, ...]]:
    from flake8_nnx_treemap.data.nnx_layers import LAYERS

    rows = LAYERS.get(layer, {})
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
