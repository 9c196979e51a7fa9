"""Layers of newer Flax give `out_sharding` to the functions that are handed to them, which must take it.

## What it does

Finds functions of the project that are handed to a layer of Flax and take neither a keyword that the layer gives to them
on a supported release, nor `**kwargs`:

* `conv_general_dilated` of `nnx.Conv`;
* `dot_general` of `nnx.Linear`, `nnx.LinearGeneral` and `nnx.LoRALinear`, and `qkv_dot_general` and `out_dot_general` of
  `nnx.MultiHeadAttention`;
* `einsum_op` of `nnx.Einsum`;
* `attention_fn` of `nnx.MultiHeadAttention`.

The function is a `def`, a lambda, a method of the same class, or a `functools.partial` of one; it may stand in another file
of the project. It may be given to the layer itself, to a `functools.partial` of it, or by the constructor of a
class that inherits from it. We measured which keywords each layer gives on which release.

It is silent where the class of the layer has a `__call__` of its own that does not call that of Flax, for functions with
decorators, in code that chooses by release, and in tests that want the error.

## Why it is wrong

The layer calls the function with a keyword that it does not know, which raises `TypeError` as soon as the layer is called.

## What Flax does

| option | keyword | given by Flax |
| --- | --- | --- |
| `dot_general`, `qkv_dot_general`, `out_dot_general`, `einsum_op` | `out_sharding` | 0.12.2 and later |
| `conv_general_dilated` | `out_sharding` | 0.12.3 and later |
| `attention_fn` | `is_causal` | 0.12.8 |

The value is `None`, or `False` for `is_causal`, unless the caller of the layer gives another one.

## Fix safety

The fix is unsafe, since a sharding that is given to the layer's call would be ignored.

It adds the keyword as the last parameter of the function, with the value that Flax gives by default. The function then
runs on all releases. If the layer is ever called with `out_sharding=…`, hand the parameter on to the function of JAX that does the
work; `jax.lax.conv_general_dilated`, `jax.lax.dot_general` and `jax.numpy.einsum` take it. Likewise, an attention function
that ignores `is_causal=True` attends to what comes later. `**kwargs` would do as well, but hides what newer releases may add.

There is no fix where the function stands in another file, or has no parameter.

## References

* <https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/nn/linear.html>
* <https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_general_dilated.html>
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.functions import Function, called_by_partial, function_of
from flake8_nnx_treemap.analysis.code.nodes import end_of, own_nodes, start_of
from flake8_nnx_treemap.analysis.code.text import Position, Range
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.expected_errors import is_expected_later
from flake8_nnx_treemap.analysis.values.module_classes import (
    Lineage,
    class_meant,
    lineage_of,
    method_of,
    self_at,
)
from flake8_nnx_treemap.analysis.values.provenance import member_of_nnx
from flake8_nnx_treemap.flax_layers import Keyword, keywords_given
from flake8_nnx_treemap.names import FlaxRange, release_text
from flake8_nnx_treemap.rules.catalogue import CODES, LAYER_CALLABLES
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

MESSAGE = "nnx.{} gives {} to its {} from Flax {} on, which raises TypeError: add the parameter {} to this function"
FIX_MESSAGE = "Take the keyword"
_ERRORS = frozenset({"TypeError"})
_OTHER = "other"
"""The value of a keyword for which no default can be written."""


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each function that is handed to a layer and lacks a keyword which the layer gives to it."""
    for handed in _handed(source):
        function = function_of(source, handed.value, across_files=True)
        if not isinstance(function, Function) or is_expected_later(source, handed.value, _ERRORS):
            continue
        for keyword in keywords_given(handed.layer, handed.option):
            if keyword.spans and flax.holds(keyword.spans[0].first) and not _takes(function, keyword.name):
                since = release_text(keyword.spans[0].first)
                added = keyword.name if keyword.value == _OTHER else f"{keyword.name}={keyword.value}"
                message = MESSAGE.format(handed.layer, keyword.name, handed.option, since, added)
                yield Finding("NNX215", message, source.range(handed.value), _fix(source, function, keyword))


@dataclass(frozen=True, slots=True)
class _Handed:
    """A function that is given to an option of a layer."""

    layer: str
    option: str
    value: ast.expr


def _handed(source: ParsedSource) -> Iterator[_Handed]:
    for calls in source.bindings.calls.values():
        for call in calls:
            for keyword in call.keywords:
                if keyword.arg in LAYER_CALLABLES and (layer := _layer_made(source, call)) is not None:
                    yield _Handed(layer, keyword.arg, keyword.value)


def _layer_made(source: ParsedSource, call: ast.Call) -> str | None:
    """Return the name of the layer that a call makes, or whose constructor it calls for a class that inherits from it."""
    made = called_by_partial(source, call) or call.func
    if isinstance(made, ast.Attribute) and made.attr == "__init__" and _is_super(made.value):
        return _layer_inherited(source, made.value)
    found = class_meant(source, made)
    return member_of_nnx(found) if isinstance(found, str) else None


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _layer_inherited(source: ParsedSource, node: ast.expr) -> str | None:
    """Return the layer whose constructor ``super().__init__`` is, unless the class is called in another way."""
    function = source.bindings.scope_at(start_of(node)).node
    arguments = getattr(function, "args", None)
    if not isinstance(function, ast.FunctionDef) or not isinstance(arguments, ast.arguments) or not arguments.args:
        return None
    first = ast.copy_location(ast.Name(arguments.args[0].arg, ast.Load()), node)
    owner, _ = self_at(source, first)
    if owner is None:
        return None
    lineage = lineage_of(source, owner)
    if method_of(Lineage(lineage.own[1:], ()), "__init__") is not None:
        return None
    called = method_of(lineage, "__call__")
    if called is not None and not any(isinstance(one, ast.Call) and _is_super(one) for one in own_nodes(called[1])):
        return None
    return lineage.layer


def _takes(function: Function, keyword: str) -> bool:
    arguments = function.definition.args
    names = {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}
    return arguments.kwarg is not None or keyword in names


def _fix(source: ParsedSource, function: Function, keyword: Keyword) -> Fix | None:
    arguments = function.definition.args
    named = [*arguments.args, *arguments.kwonlyargs]
    defaults = [one for one in (*arguments.defaults, *arguments.kw_defaults) if one is not None]
    if function.home is not None or not named or keyword.value == _OTHER or _is_in_parentheses(source, defaults):
        return None
    parameters = sorted(filter(None, (*named, arguments.vararg)), key=start_of)
    annotations = [one.annotation for one in parameters if one.annotation is not None]
    end = max(map(end_of, (*parameters, *annotations, *defaults)))
    added = f",{_separator(source, parameters)}{keyword.name}={keyword.value}"
    return make_fix(Applicability.UNSAFE, FIX_MESSAGE, [source.insert(source.position_of_place(end), added)])


def _is_in_parentheses(source: ParsedSource, defaults: Sequence[ast.expr]) -> bool:
    """Tell whether parentheses are around the default that is last, as in ``f(x=(1))``: they close behind it."""
    if not defaults:
        return False
    start, _ = source.offsets_of(max(defaults, key=start_of))
    return source.text[:start].rstrip().endswith("(")


def _separator(source: ParsedSource, parameters: Sequence[ast.arg]) -> str:
    """Return a space, or a line break and an indentation where the last parameter has a line of its own."""
    start = source.position_of_place(start_of(parameters[-1]))
    before = source.text_in(Range(Position(start.row, 1), start))
    return " " if before.strip() else source.newline + before


_NCW = """\
import jax
import jax.numpy as jnp
from flax import nnx


def convolve(
    inputs,
    kernel,
    strides,
    padding,
    lhs_dilation,
    rhs_dilation,
    dimension_numbers,
    feature_group_count,
    precision,{}
):
    return jax.lax.conv_general_dilated(
        inputs,
        kernel,
        strides,
        padding,
        lhs_dilation,
        rhs_dilation,
        dimension_numbers=dimension_numbers,
        feature_group_count=feature_group_count,
        precision=precision,
    )


def result():
    layer = nnx.Conv(2, 3, (3,), conv_general_dilated=convolve, rngs=nnx.Rngs(0))
    return list(layer(jnp.ones((4, 8, 2))).shape)
"""
_DOT = """\
import jax
import jax.numpy as jnp
from flax import nnx


class Projection(nnx.Linear):
    def __init__(self, size, rngs):
        def dot(x, y, dimensions, precision=None{}):
            return jax.lax.dot_general(x, y, dimensions, precision=precision)

        super().__init__(size, size, dot_general=dot, rngs=rngs)


def result():
    return list(Projection(2, nnx.Rngs(0))(jnp.ones((4, 2))).shape)
"""

EXAMPLES = (
    Example(
        title="A convolution of one's own",
        source=_NCW.format(""),
        marked=("convolve",),
        fixed={"portable": _NCW.format("\n    out_sharding=None,")},
        applicability=Applicability.UNSAFE,
        trees=(),
        result=[4, 8, 3],
    ),
    Example(
        title="In the constructor of a class that inherits from a layer",
        source=_DOT.format(""),
        marked=("dot",),
        fixed={"portable": _DOT.format(", out_sharding=None")},
        applicability=Applicability.UNSAFE,
        trees=(),
        result=[4, 2],
    ),
)

RULE = Rule(
    CODES["NNX215"],
    "A function that is handed to a layer must take the keywords that newer Flax gives to it",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
)
