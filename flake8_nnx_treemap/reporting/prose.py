"""The prose of a rule: its module's docstring, also where Python runs without docstrings."""

from __future__ import annotations

import sys

from flake8_nnx_treemap.rules.rule import Rule


def prose_of(rule: Rule) -> str:
    """What a rule's page says, in Markdown."""
    return (rule.documentation or _docstring_in_source(rule.check.__module__)).strip()


def _docstring_in_source(module: str) -> str:
    """``python -OO`` and ``PYTHONOPTIMIZE=2`` drop docstrings; the source still has them, if it is there."""
    import ast
    import inspect

    try:
        return ast.get_docstring(ast.parse(inspect.getsource(sys.modules[module])), clean=False) or ""
    except OSError:
        return ""
