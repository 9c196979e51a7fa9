"""Data: which attributes of Flax's own layers hold what.

``nox -s epochs`` measures it, and ``python tests/runtime/tables.py --write tables-*.json`` writes it. Do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping

LAYERS: Mapping[str, Mapping[str, str]] = {
    "BatchNorm": {
        "bias": "Param on 0.10.0-0.10.2; Param | None on 0.10.3-",
        "mean": "BatchStat",
        "scale": "Param on 0.10.0-0.10.2; Param | None on 0.10.3-",
        "var": "BatchStat",
    },
    "Bidirectional": {
        "rngs": "Rngs on 0.10.0-0.10.7; RngStream on 0.11.0-",
    },
    "Conv": {
        "bias": "Param on 0.10.0-0.10.2; Param | None on 0.10.3-",
        "kernel": "Param",
    },
    "ConvTranspose": {
        "bias": "Param | None",
        "kernel": "Param",
    },
    "Dropout": {
        "rngs": "Rngs | None on 0.10.0-0.10.7; RngStream | None on 0.11.0-",
    },
    "EMA": {},
    "Einsum": {
        "bias": "Param | None",
        "kernel": "Param",
    },
    "Embed": {
        "embedding": "Param",
    },
    "GRUCell": {
        "dense_h": "Linear",
        "dense_i": "Linear",
        "rngs": "Rngs on 0.10.0-0.10.7",
    },
    "GroupNorm": {
        "bias": "Param on 0.10.0-0.10.2; Param | None on 0.10.3-",
        "scale": "Param on 0.10.0-0.10.2; Param | None on 0.10.3-",
    },
    "InstanceNorm": {
        "bias": "Param | None",
        "scale": "Param | None",
    },
    "LSTMCell": {
        "hf": "Linear",
        "hg": "Linear",
        "hi": "Linear",
        "ho": "Linear",
        "if_": "Linear",
        "ig": "Linear",
        "ii": "Linear",
        "io": "Linear",
        "rngs": "Rngs on 0.10.0-0.10.7",
    },
    "LayerNorm": {
        "bias": "Param on 0.10.0-0.10.2; Param | None on 0.10.3-",
        "scale": "Param on 0.10.0-0.10.2; Param | None on 0.10.3-",
    },
    "Linear": {
        "bias": "Param on 0.10.0-0.10.2; Param | None on 0.10.3-",
        "kernel": "Param",
    },
    "LinearGeneral": {
        "bias": "Param on 0.10.0-0.10.2; Param | None on 0.10.3-",
        "kernel": "Param",
    },
    "LoRA": {
        "lora_a": "LoRAParam",
        "lora_b": "LoRAParam",
    },
    "LoRALinear": {
        "bias": "Param on 0.10.0-0.10.2; Param | None on 0.10.3-",
        "kernel": "Param",
        "lora": "LoRA",
    },
    "ModelAndOptimizer": {
        "step": "OptState",
    },
    "MultiHeadAttention": {
        "cache_index": "Cache | None",
        "cached_key": "Cache | None",
        "cached_value": "Cache | None",
        "key": "LinearGeneral",
        "key_ln": "LayerNorm | None",
        "out": "LinearGeneral",
        "query": "LinearGeneral",
        "query_ln": "LayerNorm | None",
        "rngs": "Rngs | None on 0.10.0-0.10.7; RngStream | None on 0.11.0-",
        "value": "LinearGeneral",
    },
    "MultiMetric": {},
    "OptimizedLSTMCell": {
        "dense_h": "Linear",
        "dense_i": "Linear",
        "rngs": "Rngs on 0.10.0-0.10.7",
    },
    "Optimizer": {
        "step": "OptState",
    },
    "PReLU": {
        "negative_slope": "Param",
    },
    "RMSNorm": {
        "scale": "Param on 0.10.0-0.10.2; Param | None on 0.10.3-",
    },
    "RNN": {
        "rngs": "Rngs on 0.10.0-0.10.7; RngStream on 0.11.0-",
    },
    "RngStream": {
        "count": "RngCount",
        "key": "RngKey",
    },
    "Rngs": {
        "default": "RngStream",
    },
    "Sequential": {
        "layers": "List on 0.12.0-",
    },
    "SimpleCell": {
        "dense_h": "Linear",
        "dense_i": "Linear",
        "rngs": "Rngs on 0.10.0-0.10.7",
    },
    "SpectralNorm": {},
    "WeightNorm": {},
    "metrics.Accuracy": {
        "count": "MetricState",
        "total": "MetricState",
    },
    "metrics.Average": {
        "count": "MetricState",
        "total": "MetricState",
    },
    "metrics.Welford": {
        "count": "MetricState",
        "m2": "MetricState",
        "mean": "MetricState",
    },
}
