"""What a file must hold for a rule to find anything in it: the second gate, which needs no LibCST either."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.call_facts import CallFacts, call_facts_of
from flake8_nnx_treemap.analysis.code.nodes import walk
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.reach import Reach, asks_exact_type, asks_for_others, reach_of
from flake8_nnx_treemap.analysis.values.masks import is_mask, speaks_of_masks
from flake8_nnx_treemap.analysis.values.narrowing import type_test
from flake8_nnx_treemap.names import (
    REMOVED_TREE_FUNCTIONS,
    VARIABLE,
    VARIABLE_CHANGING_METHODS,
    VARIABLE_ONLY_ATTRIBUTES,
    VARIABLE_STATE,
    VARIABLE_SUBCLASSES,
    WRAPPER_WORDS,
    WRAPPERS,
    TreeFunctionKind,
    canonical,
)
from flake8_nnx_treemap.rules.catalogue import codes_that_may_find
from flake8_nnx_treemap.rules.settings import LintSettings


@dataclass(frozen=True, slots=True)
class Need:
    """What a rule cannot do without: a call of which ``call`` holds, a ``file``."""

    call: Callable[[CallFacts], bool] | None = None
    file: Callable[[ParsedSource], bool] | None = None


_BOTH = frozenset({VARIABLE, VARIABLE_STATE})
_SUBCLASSES = frozenset(name.rpartition(".")[2] for name in VARIABLE_SUBCLASSES)
_TYPES = frozenset({"Variable", "VariableState"})


def _stops_at_variable_state(call: CallFacts) -> bool:
    return _stops_at(call, "VariableState")


def _stops_at_variable(call: CallFacts) -> bool:
    return _stops_at(call, "Variable")


def _stops_at(call: CallFacts, name: str) -> bool:
    return call.stops and call.maps and name in call.predicate.words and call.guarded is None


def _returns_wrapper(call: CallFacts) -> bool:
    return call.maps and _may_return_a_name(call) and call.may_stop_at_wrapper


def _may_return_a_name(call: CallFacts) -> bool:
    """Whether a mapper may return its leaf as it is; a lambda does so by its name, as it is or behind a choice."""
    mapper = call.candidate.mapper
    if not isinstance(mapper, ast.Lambda):
        return True
    results = [call.guarded or mapper.body]
    for result in results:
        if isinstance(result, ast.IfExp):
            results += [result.body, result.orelse]
    return any(isinstance(result, ast.Name) for result in results)


def _changes_wrapper(call: CallFacts) -> bool:
    if not call.maps or not call.may_stop_at_wrapper:
        return False
    return call.mapper.writes or not VARIABLE_CHANGING_METHODS.isdisjoint(call.mapper.members)


def _is_about_wrappers(reach: Reach) -> bool:
    return not (WRAPPER_WORDS.isdisjoint(reach.words) and VARIABLE_ONLY_ATTRIBUTES.isdisjoint(reach.members))


def _dispatches_in_vain(call: CallFacts) -> bool:
    if call.stops or not call.maps or not _is_about_wrappers(call.mapper):
        return False
    return not asks_for_others(call.source, call.candidate)


def _looks_at_leaves(call: CallFacts) -> bool:
    return not call.stops and not call.maps and _is_about_wrappers(call.consumers)


def _reads_members(call: CallFacts) -> bool:
    return _dispatches_in_vain(call) or _looks_at_leaves(call)


def _asks_exact_type(call: CallFacts) -> bool:
    return _are_about_types(call.source, (*call.predicate.type_questions, *call.mapper.type_questions))


def _stops_at_class(call: CallFacts) -> bool:
    predicate = call.candidate.is_leaf
    if isinstance(predicate, ast.Lambda):
        made = predicate.body
        if isinstance(made, ast.Call) and isinstance(made.func, ast.Name) and made.func.id == "bool" and made.args:
            made = made.args[0]
        return isinstance(made, ast.Call) and _is_wrapper_class(call.source, made.func)
    return predicate is not None and _is_wrapper_class(call.source, predicate)


def _is_wrapper_class(source: ParsedSource, node: ast.expr) -> bool:
    return not WRAPPERS.isdisjoint(map(canonical, source.bindings.names_of(node)))


def _stops_at_one_asks_for_another(call: CallFacts) -> bool:
    if not call.maps or call.stops_at == _BOTH or not call.may_stop_at_wrapper or not _is_about_wrappers(call.mapper):
        return False
    names_old_class = "VariableState" in call.predicate.words | call.mapper.words
    return names_old_class or not _SUBCLASSES.isdisjoint(call.predicate.words)


def _makes_mask(call: CallFacts) -> bool:
    is_map = call.candidate.function.kind in (TreeFunctionKind.MAP, TreeFunctionKind.MAP_WITH_PATH)
    return is_map and not call.stops and is_mask(call.source, call.candidate.node)


def _tells_classes_apart(source: ParsedSource) -> bool:
    """Whether ``isinstance`` asks for VariableState, or the class stands where it may be a key or be registered."""
    tests = (type_test(source, use.node) for use in source.bindings.calls.get("isinstance", ()))
    if any(test is not None and VARIABLE_STATE in test[1] for test in tests):
        return True
    uses = (use for name in _old_names(source) for use in source.bindings.attributes.get(name, ()))
    return any(isinstance(node, ast.Dict) or _is_registration(node) for use in uses for node in walk(use.host))


def _old_names(source: ParsedSource) -> frozenset[str]:
    """What the file may call VariableState."""
    bound = (binding for _, found in source.bindings.all_bound() for binding in found)
    return frozenset({"VariableState"}).union(
        binding.name for binding in bound if (binding.qualified_name or "").endswith(".VariableState")
    )


def _is_registration(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "register"


def _uses_removed_function(source: ParsedSource) -> bool:
    """Whether ``jax.tree_map`` or its like is named, or imported from ``jax``."""
    removed = {f"jax.{name}" for name in REMOVED_TREE_FUNCTIONS}
    uses = (use.node for name in REMOVED_TREE_FUNCTIONS for use in source.bindings.attributes.get(name, ()))
    if any(not removed.isdisjoint(source.bindings.names_of(node)) for node in uses):
        return True
    return any(binding.qualified_name in removed for _, found in source.bindings.all_bound() for binding in found)


def _sets_attributes(source: ParsedSource) -> bool:
    uses = (use.node for found in source.bindings.attributes.values() for use in found)
    return any(isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) for node in uses)


def _asks_for_exact_wrappers(source: ParsedSource) -> bool:
    """Whether some question about ``type(x)`` or ``x.__class__`` leads to one of the classes."""
    names = source.bindings.attributes
    hosts = {use.host for name in ("type", "__class__") for use in names.get(name, ())}
    return _are_about_types(source, (node for host in hosts for node in walk(host) if asks_exact_type(node)))


def _are_about_types(source: ParsedSource, questions: Iterable[ast.AST]) -> bool:
    return any(not _TYPES.isdisjoint(reach_of(source, question).words) for question in questions)


def _reads(*names: str) -> Callable[[ParsedSource], bool]:
    """Whether some attribute of these names is read or set."""

    def file(source: ParsedSource) -> bool:
        uses = (use.node for name in names for use in source.bindings.attributes.get(name, ()))
        return any(isinstance(node, ast.Attribute) for node in uses)

    return file


NEEDS: Mapping[str, Need] = {
    "NNX101": Need(call=_stops_at_variable_state),
    "NNX102": Need(call=_dispatches_in_vain),
    "NNX103": Need(call=_looks_at_leaves),
    "NNX104": Need(call=_reads_members),
    "NNX105": Need(call=_asks_exact_type, file=_asks_for_exact_wrappers),
    "NNX106": Need(call=_stops_at_class),
    "NNX107": Need(call=_stops_at_one_asks_for_another),
    "NNX108": Need(call=_makes_mask, file=speaks_of_masks),
    "NNX109": Need(file=_tells_classes_apart),
    "NNX110": Need(call=_returns_wrapper),
    "NNX111": Need(call=_changes_wrapper),
    "NNX112": Need(call=_stops_at_variable),
    "NNX201": Need(),
    "NNX202": Need(),
    "NNX203": Need(file=_reads("to_variable")),
    "NNX204": Need(file=_reads("type")),
    "NNX205": Need(file=_sets_attributes),
    "NNX206": Need(file=_reads("value", "raw_value")),
    "NNX207": Need(),
    "NNX208": Need(file=_uses_removed_function),
    "NNX901": Need(),
}
"""By rule code; tests hold it true for every example, and over the code of many projects."""


@remembered
def codes_with_needs(source: ParsedSource, settings: LintSettings) -> frozenset[str]:
    """The selected rules that may find something in a file: every one that has a finding here, and few others.

    Args:
        source: the file.
        settings: which rules are selected, and for which Flax.

    Returns:
        Their codes.
    """
    return frozenset(code for code in codes_that_may_find(source.text, settings) if _may_find(source, NEEDS[code]))


def _may_find(source: ParsedSource, need: Need) -> bool:
    if need.file is not None and not need.file(source):
        return False
    return need.call is None or any(map(need.call, call_facts_of(source)))
