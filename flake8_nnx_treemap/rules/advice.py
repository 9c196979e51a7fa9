"""The parts of messages that several rules share: which classes ``is_leaf`` should stop at, as the file spells them.

Also finds type tests that no leaf can pass, which NNX102 and NNX103 report, and trees that are no model's own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from flake8_nnx_treemap.analysis.calls.functions import class_of_self
from flake8_nnx_treemap.analysis.calls.mappers import Dispatch
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, start_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.names.spelling import spelling_of
from flake8_nnx_treemap.analysis.values.provenance import Origin, TreeKind, origin_of
from flake8_nnx_treemap.analysis.values.variable_classes import are_variable_classes
from flake8_nnx_treemap.names import (
    VARIABLE,
    VARIABLE_ONLY_ATTRIBUTES,
    VARIABLE_STATE,
    VARIABLE_STATE_IS_VARIABLE,
    VARIABLE_SUBCLASSES,
    FlaxRange,
)
from flake8_nnx_treemap.rules.stopping import stopping_at


def wrappers_are_new(source: ParsedSource, trees: Sequence[ast.expr]) -> bool:
    """Tell whether the wrappers in the first tree are known to be new objects that no model holds."""
    origin = origin_of(source, trees[0]) if trees else None
    return isinstance(origin, Origin) and (origin.is_new or origin.kind in (TreeKind.GRADIENTS, TreeKind.PURE))


def is_kept_by_object(source: ParsedSource, trees: Sequence[ast.expr]) -> bool:
    """Tell whether the first tree is an attribute of ``self`` that is not known to be a model's.

    An object's own averages and accumulators are among these.
    """
    tree = trees[0] if trees else None
    is_own = isinstance(tree, ast.Attribute) and class_of_self(source, tree.value) is not None
    return is_own and tree is not None and isinstance(origin_of(source, tree), Unknown)


@remembered
def makes_leaves_of_variables(source: ParsedSource) -> bool:
    """Tell whether a file mentions Hijax Variables, which JAX treats as leaves."""
    return "hijax" in source.text


def vain_dispatches(
    source: ParsedSource, dispatches: Sequence[Dispatch], trees: Sequence[ast.expr], home: ParsedSource
) -> Sequence[Dispatch]:
    """Find the type tests that fail for every leaf, because JAX descends into every wrapper.

    Code that also tests for arrays may do its work in that branch on purpose, and code may assert that no leaf passes.
    Code that tests for attributes, such as ``value``, may be meant for anything that has one, so its tree must be known
    to hold NNX wrappers; or to be gradients, whose leaves are arrays whatever the model is
    (see ``may_be_plain_gradients``).

    Args:
        source: the file.
        dispatches: all the tests that some code makes on a leaf.
        trees: the trees of a call without ``is_leaf``, the one whose structure is traversed first.
        home: the file in which the tests are: that of the call, or another one that defines its mapper.

    Returns:
        The tests; none if some leaf may pass one of them. Tests of a further tree's leaf are among them if the first
        tree is known to hold wrappers: the further one is gone into as deep, then.
    """
    if not dispatches or not trees or not all(_asks_for_wrapper(home, found) for found in dispatches):
        return ()
    if makes_leaves_of_variables(source) or all(_is_wanted_to_fail(home, one.node) for one in dispatches):
        return ()
    origin = origin_of(source, trees[0])
    if isinstance(origin, Origin) and not origin.holds_wrappers:
        return ()  # After nnx.pure or nnx.to_pure_dict there is no wrapper to stop at: the test does no harm.
    is_known = isinstance(origin, Origin) and origin.is_certain and not origin.is_mapped
    is_gradient = isinstance(origin, Origin) and origin.kind is TreeKind.GRADIENTS and not origin.is_mapped
    found = dispatches if is_known else [one for one in dispatches if one.of_first]
    asks_for_class = all(one.test is not None or one.elsewhere is not None for one in found)
    return found if asks_for_class or is_known or is_gradient else ()


def may_be_plain_gradients(source: ParsedSource, vain: Sequence[Dispatch], trees: Sequence[ast.expr]) -> bool:
    """Tell whether a test for an attribute is of gradients that may be of plain arrays, which need no unwrapping."""
    origin = origin_of(source, trees[0])
    is_likely = isinstance(origin, Origin) and origin.kind is TreeKind.GRADIENTS and not origin.is_certain
    return is_likely and any(one.test is None and one.elsewhere is None for one in vain)


def _is_wanted_to_fail(source: ParsedSource, test: ast.AST) -> bool:
    """Tell whether an assertion wants a test to fail: ``assert not any(isinstance(x, nnx.Param) for x in leaves)``."""
    is_negated = False
    node, around = test, source.ast_parent(test)
    while isinstance(around, (ast.UnaryOp, ast.GeneratorExp, ast.ListComp, ast.Call)):
        if isinstance(around, ast.UnaryOp):
            is_negated = is_negated is not isinstance(around.op, ast.Not)
        elif isinstance(around, ast.Call):
            name = (dotted_name(around.func) or ("",))[-1]
            if name in _ASSERTIONS:
                return _ASSERTIONS[name] is is_negated
            if name not in ("any", "all"):
                return False
        node, around = around, source.ast_parent(around)
    return is_negated and isinstance(around, ast.Assert) and around.test is node


_ASSERTIONS = {"assertTrue": True, "assertFalse": False}
"""Methods of a ``TestCase``, and whether what they are given has to be a negation for a test in it to fail."""


def _asks_for_wrapper(source: ParsedSource, found: Dispatch) -> bool:
    if found.elsewhere is not None:
        home = found.elsewhere.function.home or source
        named = [one for test in found.elsewhere.tests for one in test.types]
    elif found.test is not None:
        home, named = source, list(found.test.types)
    else:
        return found.attribute in VARIABLE_ONLY_ATTRIBUTES
    return bool(named) and all(are_variable_classes(home, one) for one in named)


def advice(source: ParsedSource, call: TreeCall, dispatches: Sequence[Dispatch], flax: FlaxRange) -> str:
    """Return the part of a message that says what to do about type tests that no leaf can pass."""
    tests = [found.test for found in dispatches if found.test is not None]
    # A test for an attribute, such as hasattr(x, "value"), accepts every wrapper.
    asked = [one.name for test in tests for one in test.types] if len(tests) == len(dispatches) else []
    types = classes_to_stop_at(source, call.node, flax, asked)
    stop = f"without is_leaf, JAX goes into it; add is_leaf={stopping_at(types, takes_path=call.takes_path)}"
    if flax.starts_from(VARIABLE_STATE_IS_VARIABLE) or not asked or VARIABLE_STATE in asked:
        return stop
    # Below 0.11 state holds VariableStates: they are neither Variables nor Params, but have an attribute ``type``.
    if VARIABLE in asked:
        return f"{stop}, and test the leaf for the same classes"
    return f"{stop}, and compare the .type of a VariableState"


def question(source: ParsedSource, found: Dispatch) -> str:
    """Return what a dispatch tests for, in a message's words: "an nnx.Param", "a Variable with 'value'"."""
    if found.elsewhere is not None:
        return f"what {' '.join(source.text_of(found.elsewhere.expression).split())} tests for"
    if found.test is None:
        return f"a Variable with {found.attribute!r}"
    return with_article(" ".join(source.text_of(found.test.types[0].node).split()))


# Spelling


def spelled(source: ParsedSource, name: str, node: ast.expr) -> str:
    """Return a member of ``flax.nnx`` as the file spells it at a node; ``nnx.name`` if it does not import it yet."""
    found = spelling_of(source, name, start_of(node))
    return found.text if found is not None and not found.edits else f"nnx.{name}"


def classes_to_stop_at(source: ParsedSource, node: ast.expr, flax: FlaxRange, asked: Iterable[str | None] = ()) -> str:
    """Return the classes that ``is_leaf`` should test for, as the second argument of ``isinstance``.

    Args:
        source: the file.
        node: where the test is to be written.
        flax: the Flax releases that must run the code.
        asked: the canonical names of the classes that the code tests for.

    Returns:
        These classes, if they are subclasses of ``Variable`` and the floor is 0.11 or later (below, state does not
        hold them); else every wrapper class that the floor has.
    """
    found = list(dict.fromkeys(asked))
    if not flax.starts_from(VARIABLE_STATE_IS_VARIABLE):
        names = ["Variable", "variablelib.VariableState"]
    elif found and VARIABLE_SUBCLASSES.issuperset(found):
        names = [name.rpartition(".")[2] for name in found if name is not None]
    else:
        names = ["Variable"]
    texts = [spelled(source, name, node) for name in names]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def with_article(words: str) -> str:
    """Return words with their article: ``a Param``, ``an OptState``, ``an nnx.Param`` (read "an N-N-X")."""
    return f"an {words}" if words.startswith(("nn", *"aeiouAEIOU")) else f"a {words}"
