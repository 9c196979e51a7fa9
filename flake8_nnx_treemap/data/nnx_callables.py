"""Data: which keywords Flax's own layers give to the functions that users hand to them, and with which value.

``nox -s epochs`` measures it, and ``python tests/runtime/tables.py --write tables-*.json`` writes it. Do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping

CALLABLES: Mapping[str, Mapping[str, str]] = {
    "Conv.conv_general_dilated": {
        "dimension_numbers": "other",
        "feature_group_count": "other",
        "lhs_dilation": "other",
        "out_sharding": "None on 0.12.3-",
        "precision": "None",
        "rhs_dilation": "other",
    },
    "Conv.promote_dtype": {
        "dtype": "None",
    },
    "ConvTranspose.promote_dtype": {
        "dtype": "None",
    },
    "Einsum.einsum_op": {
        "out_sharding": "None on 0.12.2-",
        "precision": "None",
    },
    "Einsum.promote_dtype": {
        "dtype": "None",
    },
    "Embed.promote_dtype": {
        "dtype": "other",
        "inexact": "False",
    },
    "Linear.dot_general": {
        "out_sharding": "None on 0.12.2-",
        "precision": "None",
    },
    "Linear.promote_dtype": {
        "dtype": "None",
    },
    "LinearGeneral.dot_general": {
        "out_sharding": "None on 0.12.2-",
        "precision": "None",
    },
    "LinearGeneral.promote_dtype": {
        "dtype": "None",
    },
    "LoRALinear.dot_general": {
        "out_sharding": "None on 0.12.2-",
        "precision": "None",
    },
    "MultiHeadAttention.attention_fn": {
        "broadcast_dropout": "True",
        "deterministic": "True",
        "dropout_rate": "other",
        "dropout_rng": "None",
        "dtype": "None",
        "is_causal": "False on 0.12.8-",
        "mask": "None",
        "module": "None",
        "precision": "None",
    },
    "MultiHeadAttention.out_dot_general": {
        "out_sharding": "None on 0.12.2-",
        "precision": "None",
    },
    "MultiHeadAttention.out_promote_dtype": {
        "dtype": "None",
    },
    "MultiHeadAttention.qkv_dot_general": {
        "out_sharding": "None on 0.12.2-",
        "precision": "None",
    },
    "MultiHeadAttention.qkv_promote_dtype": {
        "dtype": "None",
    },
}
