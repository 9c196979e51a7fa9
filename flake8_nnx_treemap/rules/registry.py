"""All rules. A new rule is its file, its cases in ``tests/rules``, a line here, in ``codes.py`` and in ``needs.py``."""

from __future__ import annotations

from flake8_nnx_treemap.rules import nnx101_is_leaf_is_not_a_filter as nnx101
from flake8_nnx_treemap.rules import nnx102_dispatch_without_is_leaf as nnx102
from flake8_nnx_treemap.rules import nnx103_leaves_test_without_is_leaf as nnx103
from flake8_nnx_treemap.rules import nnx104_variable_attribute_without_is_leaf as nnx104
from flake8_nnx_treemap.rules import nnx105_exact_type_test as nnx105
from flake8_nnx_treemap.rules import nnx106_is_leaf_is_a_class as nnx106
from flake8_nnx_treemap.rules import nnx107_predicate_mapper_mismatch as nnx107
from flake8_nnx_treemap.rules import nnx108_wrapped_mask as nnx108
from flake8_nnx_treemap.rules import nnx109_branch_collapse as nnx109
from flake8_nnx_treemap.rules import nnx110_aliased_variable as nnx110
from flake8_nnx_treemap.rules import nnx111_mutating_mapper as nnx111
from flake8_nnx_treemap.rules import nnx112_undispatched_variable_leaf as nnx112
from flake8_nnx_treemap.rules import nnx201_deprecated_variable_state as nnx201
from flake8_nnx_treemap.rules import nnx202_variable_state_constructor as nnx202
from flake8_nnx_treemap.rules import nnx203_removed_conversion as nnx203
from flake8_nnx_treemap.rules import nnx204_deprecated_type_attribute as nnx204
from flake8_nnx_treemap.rules import nnx205_metadata_by_attribute as nnx205
from flake8_nnx_treemap.rules import nnx206_deprecated_value_access as nnx206
from flake8_nnx_treemap.rules import nnx207_deprecated_pure as nnx207
from flake8_nnx_treemap.rules import nnx208_removed_jax_tree_map as nnx208
from flake8_nnx_treemap.rules import nnx901_unused_noqa as nnx901
from flake8_nnx_treemap.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    nnx101.RULE,
    nnx102.RULE,
    nnx103.RULE,
    nnx104.RULE,
    nnx105.RULE,
    nnx106.RULE,
    nnx107.RULE,
    nnx108.RULE,
    nnx109.RULE,
    nnx110.RULE,
    nnx111.RULE,
    nnx112.RULE,
    nnx201.RULE,
    nnx202.RULE,
    nnx203.RULE,
    nnx204.RULE,
    nnx205.RULE,
    nnx206.RULE,
    nnx207.RULE,
    nnx208.RULE,
)
"""Rules about code. Their examples are run on JAX, and shown in drawings."""

ALL_RULES: tuple[Rule, ...] = (*RULES, nnx901.RULE)
"""These, and the rule about comments, of which there is nothing to run."""

_BY_CODE = {rule.code: rule for rule in ALL_RULES}


def rule_named(code: str) -> Rule:
    """The rule with a code.

    Raises:
        KeyError: there is none.
    """
    return _BY_CODE[code]
