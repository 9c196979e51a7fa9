"""The contract of a fix, once: what a rewrite owes to the program that it was made of.

A *safe* fix: wherever the original returned, the rewrite gives the same result, the identity of wrappers and the side
effects included. Where the original raised, the rewrite is free, but must map the wrappers of the tree, and nothing
else. An *unsafe* fix may compute something else, within the bounds of ``unsafe_violations``. Two exceptions are known:
one on Flax 0.10.7 alone, see ``_violations_beside_passed_over``; and ``Promise.of_leaves``.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from describe import Description, Identities, describe, differences
from harness import EAGER, Build, LeafCall, Observation, Transform, nothing, observe


class Reach(enum.Enum):
    """How many of a tree's wrappers a rewrite must bring to the branch that does something with them."""

    ALL = "all"
    SOME = "some"
    UNKNOWN = "unknown"
    """The rewrite has no mapper, or one that chooses among wrappers."""


@dataclass(frozen=True)
class Promise:
    """What a fix promises beyond running."""

    safe: bool
    reach: Reach = Reach.ALL
    leaves_others_alone: bool = True
    """Leaves that are no wrappers come back as they are."""
    of_leaves: bool = False
    """The promise is about trees with leaves: where no wrapper holds an array, the original's mapper is never called
    and returns; it may be shown the wrappers then. NNX104 cannot do otherwise, and says so on its page."""


SAFE = Promise(safe=True)
UNSAFE = Promise(safe=False)


@dataclass(frozen=True)
class Comparison:
    """Two runs, and in what the second breaks the promise."""

    original: Observation
    fixed: Observation
    violations: tuple[str, ...]


def compare(
    original: str, fixed: str, build: Build, transform: Transform = EAGER, promise: Promise = SAFE
) -> Comparison:
    """Run an original and its rewrite, and hold them to what the fix promises.

    Args:
        original: the program as it was.
        fixed: the program as rewritten.
        build: makes equal inputs each time it is called.
        transform: how both are run.
        promise: what is expected.

    Raises:
        NotApplicable: the transformation cannot take these inputs.
    """
    before, after = _observe_original(original, build, transform), observe(fixed, build, transform)
    return Comparison(before, after, tuple(violations(before, after, promise)))


def compare_results(original: str, fixed: str, wanted: object, promise: Promise) -> Comparison:
    """Run an original and its rewrite that need no tree; see ``compare``.

    Args:
        original: the program as it was; it defines ``result()``.
        fixed: the program as rewritten.
        wanted: what the rewrite must return, whatever the original did.
        promise: what is expected besides.
    """
    found = compare(original, fixed, nothing, promise=promise)
    wrong = differences("what it should return", describe(wanted, Identities()), found.fixed.result)
    return replace(found, violations=(*found.violations, *wrong))


@functools.lru_cache(maxsize=4096)
def _observe_original(source: str, build: Build, transform: Transform) -> Observation:
    """An original is held against the rewrites for several floors: what it does is asked once."""
    return observe(source, build, transform)


def violations(original: Observation, fixed: Observation, promise: Promise) -> list[str]:
    """What the rewrite does against its promise, in words."""
    if not original.returned or (original.is_cut_short and not promise.safe):
        return oracle_violations(original, fixed, promise)
    if promise.safe and not (promise.of_leaves and not original.calls and fixed.calls):
        return safe_violations(original, fixed)
    if promise.safe:
        return [] if all(call.is_wrapper for call in fixed.calls) else ["maps what the original did not"]
    return unsafe_violations(original, fixed, promise)


def safe_violations(original: Observation, fixed: Observation) -> list[str]:
    """The original returned: the rewrite does the same in result, identity of wrappers, and side effects."""
    # A predicate that stops at Variable as well did show them to the mapper.
    passed_over = original.passed_over - {call.identity for call in original.calls}
    if passed_over:
        return _violations_beside_passed_over(original, fixed, passed_over)
    if not fixed.returned:
        return [_raises(fixed)]
    return [
        *differences("result", original.result, fixed.result),
        *differences("side effect", original.effects, fixed.effects),
    ]


def _violations_beside_passed_over(original: Observation, fixed: Observation, passed_over: frozenset[str]) -> list[str]:
    """The one exception, on Flax 0.10.7 alone: live Variables that hold no array.

    Variables are pytree nodes there, and ``is_leaf`` on VariableState does not stop at them: below a ``Param(None)``
    there is no leaf, so that no mapper ever saw it. Once ``is_leaf`` stops at every wrapper it is a leaf, and is
    mapped; the mapper may raise on it. Everything beside it follows the contract.
    """
    if not fixed.returned:
        return [] if _raises_over(fixed, lambda call: call.identity in passed_over) else [_raises(fixed)]
    mapped = [call for call in fixed.calls if call.identity not in passed_over]
    if mapped != list(original.calls):
        return ["maps other leaves differently beside Variables that hold no array"]
    places = [re.sub(r"^input\[\d+\]", "", name) for name in passed_over]
    return [
        *differences("result", _beside(original.result, places), _beside(fixed.result, places)),
        *differences("side effect", _beside(original.effects, places), _beside(fixed.effects, places)),
    ]


def _beside(description: Description, places: Sequence[str]) -> Description:
    return {path: entry for path, entry in description.items() if not any(place in path for place in places)}


def unsafe_violations(original: Observation, fixed: Observation, promise: Promise) -> list[str]:
    """The original returned: an unsafe rewrite may compute something else, but within reason.

    It raises only in the mapper, on a wrapper that the original's mapper did nothing with; it reaches every wrapper
    that the original reached; and it hands out no wrapper of the input that the original kept to itself. Two things
    are no breach. A leaf that is no wrapper passes through with all it holds, below Flax 0.11 perhaps a whole model.
    And on Flax 0.10.7 it may hand out live Variables, if that is what the mapper does with its argument: the original's
    mapper was never given one there, only what is inside.
    """
    seen = {call.identity for call in original.calls if call.is_wrapper}
    if not fixed.returned:
        touched = {call.identity for call in original.calls if call.is_wrapper and not call.is_only_handed_on}
        is_excused = _raises_over(fixed, lambda call: call.is_wrapper and call.identity not in touched)
        return [] if is_excused else [_raises(fixed)]
    broken = _disturbed_leaves(fixed, promise)
    new_aliases = fixed.aliases - original.aliases - original.gone_into - _within_passed_leaves(fixed)
    if new_aliases:
        broken.append(f"hands out {sorted(new_aliases)}")
    missed = seen - {call.identity for call in fixed.calls if call.is_wrapper}
    if missed and not fixed.is_cut_short:
        broken.append(f"no longer reaches {sorted(map(str, missed))}")
    return [*broken, *_unreached_wrappers(fixed, promise)]


def _within_passed_leaves(fixed: Observation) -> frozenset[str]:
    """What is handed out as a part of a leaf that is no wrapper and came back as it was."""
    passed = [call.identity for call in fixed.calls if call.passed_through and not call.is_wrapper and call.identity]
    return frozenset(
        name for name in fixed.aliases for leaf in passed if name == leaf or name.startswith((f"{leaf}.", f"{leaf}["))
    )


def _raises_over(fixed: Observation, is_new: Callable[[LeafCall], bool]) -> bool:
    """Whether a rewrite raises because of leaves that are new to the mapper: in it, or when its results are handed on.

    The latter happens under transformations, which refuse to return what is no JAX type.
    """
    raised = [call for call in fixed.calls if call.raised]
    if raised:
        return all(map(is_new, raised))
    return fixed.transform != EAGER.name and any(map(is_new, fixed.calls))


def oracle_violations(original: Observation, fixed: Observation, promise: Promise) -> list[str]:
    """The original raised: the rewrite is free to return, but then it maps the wrappers, and them alone.

    If it raises as well, then as the original did or because of a wrapper, never because of another leaf.
    """
    if promise.leaves_others_alone and any(call.raised and not call.is_wrapper for call in fixed.calls):
        return [f"raises {fixed.error} ({fixed.detail}) on a leaf that is no wrapper"]
    if not fixed.returned:
        on_wrapper = any(call.raised and call.is_wrapper for call in fixed.calls)
        # A transformation may refuse inputs or results, and does so only after the original has raised.
        is_excused = on_wrapper or fixed.error == original.error or fixed.transform != EAGER.name
        return [] if is_excused else [_raises(fixed)]
    return [*_disturbed_leaves(fixed, promise), *_unreached_wrappers(fixed, promise)]


def _unreached_wrappers(fixed: Observation, promise: Promise) -> list[str]:
    if fixed.is_cut_short:
        return []
    wanted = {Reach.ALL: fixed.wrappers, Reach.SOME: min(fixed.wrappers, 1), Reach.UNKNOWN: 0}[promise.reach]
    return [f"maps {fixed.mapped} of {fixed.wrappers} wrappers"] if fixed.mapped < wanted else []


def _disturbed_leaves(fixed: Observation, promise: Promise) -> list[str]:
    disturbed = any(call.is_mapped and not call.is_wrapper for call in fixed.calls)
    return ["maps a leaf that is no wrapper"] if disturbed and promise.leaves_others_alone else []


def _raises(fixed: Observation) -> str:
    return f"raises {fixed.error} ({fixed.detail})"
