"""All rules. A new rule is its file, its cases in ``tests/rules``, one line here and one in ``codes.py``."""

from __future__ import annotations

from flake8_nnx_treemap.rules import nnx101_is_leaf_is_not_a_filter as nnx101
from flake8_nnx_treemap.rules import nnx102_dispatch_without_is_leaf as nnx102
from flake8_nnx_treemap.rules import nnx103_leaves_test_without_is_leaf as nnx103
from flake8_nnx_treemap.rules import nnx104_variable_attribute_without_is_leaf as nnx104
from flake8_nnx_treemap.rules import nnx106_is_leaf_is_a_class as nnx106
from flake8_nnx_treemap.rules import nnx112_undispatched_variable_leaf as nnx112
from flake8_nnx_treemap.rules import nnx208_removed_jax_tree_map as nnx208
from flake8_nnx_treemap.rules.rule import Rule

RULES: tuple[Rule, ...] = (nnx101.RULE, nnx102.RULE, nnx103.RULE, nnx104.RULE, nnx106.RULE, nnx112.RULE, nnx208.RULE)

_BY_CODE = {rule.code: rule for rule in RULES}


def rule_named(code: str) -> Rule:
    """The rule with a code.

    Raises:
        KeyError: there is none.
    """
    return _BY_CODE[code]
