"""How each layer of Flax is made, so that every attribute that may hold a Variable or another layer holds one once.

An expression that this Flax does not understand is passed over: options came with time. ``layer``, ``cell``,
``network()`` and ``metric`` stand for what users hand over, which is not noted as Flax's own.
"""

from __future__ import annotations

from collections.abc import Mapping

_ATTENTION = "nnx.MultiHeadAttention(num_heads=2, in_features=4, qkv_features=4, rngs=rngs{})"
_CELLS = ("nnx.{}(in_features=2, hidden_features=3, rngs=rngs)",)
_NORM = ("nnx.{}(4, rngs=rngs)", "nnx.{}(4, use_bias=False, use_scale=False, rngs=rngs)")
_CONV = (
    "nnx.{}(2, 3, kernel_size=(3,), rngs=rngs)",
    "nnx.{}(2, 3, kernel_size=(3,), use_bias=False, rngs=rngs)",
    "nnx.{}(2, 3, kernel_size=(3,), mask=jnp.ones((3, 2, 3)), rngs=rngs)",
)


def _of(name: str, expressions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(expression.format(name) for expression in expressions)


LAYERS: Mapping[str, tuple[str, ...]] = {
    "BatchNorm": _of("BatchNorm", _NORM),
    "Bidirectional": (
        "nnx.Bidirectional(network(), network(), rngs=rngs)",
        "nnx.Bidirectional(network(), network())",
    ),
    "Conv": _of("Conv", _CONV),
    "ConvTranspose": _of("ConvTranspose", _CONV),
    "Dropout": (
        "nnx.Dropout(0.5)",
        "nnx.Dropout(0.5, rngs=rngs)",
    ),
    "Einsum": (
        "nnx.Einsum('ab,bc->ac', (2, 3), (3,), rngs=rngs)",
        "nnx.Einsum('ab,bc->ac', (2, 3), rngs=rngs)",
    ),
    "Embed": ("nnx.Embed(2, 3, rngs=rngs)",),
    "GRUCell": _of("GRUCell", _CELLS),
    "GroupNorm": (
        "nnx.GroupNorm(4, num_groups=2, rngs=rngs)",
        "nnx.GroupNorm(4, num_groups=2, use_bias=False, use_scale=False, rngs=rngs)",
    ),
    "InstanceNorm": _of("InstanceNorm", _NORM),
    "LSTMCell": _of("LSTMCell", _CELLS),
    "LayerNorm": _of("LayerNorm", _NORM),
    "Linear": ("nnx.Linear(2, 3, rngs=rngs)", "nnx.Linear(2, 3, use_bias=False, rngs=rngs)"),
    "LinearGeneral": (
        "nnx.LinearGeneral(2, (3, 4), rngs=rngs)",
        "nnx.LinearGeneral(2, (3, 4), use_bias=False, rngs=rngs)",
    ),
    "LoRA": ("nnx.LoRA(2, 1, 3, rngs=rngs)", "nnx.LoRA(2, 1, 3, base_module=layer, rngs=rngs)"),
    "LoRALinear": (
        "nnx.LoRALinear(2, 3, lora_rank=1, rngs=rngs)",
        "nnx.LoRALinear(2, 3, lora_rank=1, use_bias=False, rngs=rngs)",
    ),
    "MultiHeadAttention": (
        _ATTENTION.format(""),
        _ATTENTION.format(", use_bias=False"),
        _ATTENTION.format(", normalize_qk=True"),
        _ATTENTION.format(", dropout_rate=0.5"),
        _ATTENTION.format(", dropout_rate=0.5, keep_rngs=False"),
        f"(made := {_ATTENTION.format(', decode=True')}).init_cache((1, 2, 4)) or made",
    ),
    "OptimizedLSTMCell": _of("OptimizedLSTMCell", _CELLS),
    "PReLU": ("nnx.PReLU()",),
    "RMSNorm": (
        "nnx.RMSNorm(4, rngs=rngs)",
        "nnx.RMSNorm(4, use_scale=False, rngs=rngs)",
    ),
    "RNN": ("nnx.RNN(cell)", "nnx.RNN(cell, rngs=rngs)"),
    "RngStream": ("nnx.Rngs(0)['default']", "nnx.RngStream(0, tag='params')", "nnx.Rngs(params=0)['params']"),
    "Rngs": ("nnx.Rngs(0)", "nnx.Rngs(default=0)"),
    "Sequential": ("nnx.Sequential(layer, layer)",),
    "SimpleCell": (*_of("SimpleCell", _CELLS), "nnx.SimpleCell(2, 3, residual=True, rngs=rngs)"),
    "SpectralNorm": ("nnx.SpectralNorm(layer, rngs=rngs)",),
    "WeightNorm": ("nnx.WeightNorm(layer, rngs=rngs)", "nnx.WeightNorm(layer, use_scale=False, rngs=rngs)"),
    "EMA": ("nnx.EMA(layer, 0.9)",),
    "Optimizer": ("nnx.Optimizer(layer, optax.adam(0.1), wrt=nnx.Param)",),
    "ModelAndOptimizer": ("nnx.ModelAndOptimizer(layer, optax.adam(0.1), wrt=nnx.Param)",),
    "metrics.Accuracy": ("nnx.metrics.Accuracy()",),
    "metrics.Average": ("nnx.metrics.Average()",),
    "metrics.Welford": ("nnx.metrics.Welford()",),
    "MultiMetric": ("nnx.MultiMetric(loss=metric)",),
}
"""Layer -> expressions that make it. A name with a dot is found in that module of ``flax.nnx``."""

WITHOUT_ATTRIBUTES_OF_THEIR_OWN = frozenset(
    {"Dict", "List", "Metric", "Module", "Object", "Pytree", "RNNCellBase"} | {"Jit", "Pmap", "Remat", "Scan", "Vmap"}
)
"""Graph nodes that hold only what users put there, and classes to derive from."""

_ATTEND = "nnx.MultiHeadAttention(num_heads=2, in_features=4, decode=False, rngs=rngs, {}=spy)(jnp.ones((1, 3, 4)))"

CALLABLES: Mapping[str, str] = {
    "Conv.conv_general_dilated": (
        "nnx.Conv(2, 3, kernel_size=(3,), conv_general_dilated=spy, rngs=rngs)(jnp.ones((1, 5, 2)))"
    ),
    "Conv.promote_dtype": "nnx.Conv(2, 3, kernel_size=(3,), promote_dtype=spy, rngs=rngs)(jnp.ones((1, 5, 2)))",
    "ConvTranspose.promote_dtype": (
        "nnx.ConvTranspose(2, 3, kernel_size=(3,), promote_dtype=spy, rngs=rngs)(jnp.ones((1, 5, 2)))"
    ),
    "Einsum.einsum_op": "nnx.Einsum('ab,bc->ac', (2, 3), einsum_op=spy, rngs=rngs)(jnp.ones((4, 2)))",
    "Einsum.promote_dtype": "nnx.Einsum('ab,bc->ac', (2, 3), promote_dtype=spy, rngs=rngs)(jnp.ones((4, 2)))",
    "Embed.promote_dtype": "nnx.Embed(2, 3, promote_dtype=spy, rngs=rngs)(jnp.array([1]))",
    "Linear.dot_general": "nnx.Linear(2, 3, dot_general=spy, rngs=rngs)(jnp.ones((1, 2)))",
    "Linear.promote_dtype": "nnx.Linear(2, 3, promote_dtype=spy, rngs=rngs)(jnp.ones((1, 2)))",
    "LinearGeneral.dot_general": "nnx.LinearGeneral(2, 3, dot_general=spy, rngs=rngs)(jnp.ones((1, 2)))",
    "LinearGeneral.promote_dtype": "nnx.LinearGeneral(2, 3, promote_dtype=spy, rngs=rngs)(jnp.ones((1, 2)))",
    "LoRALinear.dot_general": "nnx.LoRALinear(2, 3, lora_rank=1, dot_general=spy, rngs=rngs)(jnp.ones((1, 2)))",
    "MultiHeadAttention.attention_fn": _ATTEND.format("attention_fn"),
    "MultiHeadAttention.out_dot_general": _ATTEND.format("out_dot_general"),
    "MultiHeadAttention.out_promote_dtype": _ATTEND.format("out_promote_dtype"),
    "MultiHeadAttention.qkv_dot_general": _ATTEND.format("qkv_dot_general"),
    "MultiHeadAttention.qkv_promote_dtype": _ATTEND.format("qkv_promote_dtype"),
}
"""Option of a layer that takes a function -> an expression that makes the layer with ``spy``, and calls it."""
