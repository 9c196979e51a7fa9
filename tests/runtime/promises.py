"""Data: what the fix of each rule promises beyond being safe or unsafe, as ``harness.Promise`` says it."""

from __future__ import annotations

from collections.abc import Mapping

from contract import Promise, Reach

from flake8_nnx_treemap.rules.rule import Applicability

_WRITES_THE_DISPATCH = (Reach.ALL, True)
"""The fix guards the whole mapper with ``isinstance``: all wrappers are mapped, nothing else is."""
_USERS_DISPATCH = (Reach.SOME, False)
"""The dispatch is the user's: it may choose among wrappers, and do things to arrays on purpose."""
_NO_MAPPER = (Reach.UNKNOWN, False)

REACHES: Mapping[str, tuple[Reach, bool]] = {
    "NNX101": _WRITES_THE_DISPATCH,
    "NNX102": _USERS_DISPATCH,
    "NNX103": _NO_MAPPER,
    "NNX104": _WRITES_THE_DISPATCH,
    "NNX105": _USERS_DISPATCH,
    "NNX106": _USERS_DISPATCH,
    "NNX107": _USERS_DISPATCH,
    "NNX108": _USERS_DISPATCH,
    "NNX109": _USERS_DISPATCH,
    "NNX110": _USERS_DISPATCH,
    "NNX111": _NO_MAPPER,
    "NNX112": _WRITES_THE_DISPATCH,
    "NNX113": _NO_MAPPER,
    "NNX201": _NO_MAPPER,
    "NNX202": _NO_MAPPER,
    "NNX203": _NO_MAPPER,
    "NNX204": _NO_MAPPER,
    "NNX205": _NO_MAPPER,
    "NNX206": _NO_MAPPER,
    "NNX207": _NO_MAPPER,
    "NNX208": _NO_MAPPER,
    "NNX209": _NO_MAPPER,
    "NNX211": _NO_MAPPER,
    "NNX212": _NO_MAPPER,
    "NNX213": _NO_MAPPER,
    "NNX214": _NO_MAPPER,
    "NNX215": _NO_MAPPER,
    "NNX210": _NO_MAPPER,
}
"""Rule -> how many wrappers its fix maps, and whether it leaves everything else alone."""


def promise_of(code: str, applicability: Applicability | None) -> Promise:
    """What a rule's fix of this applicability promises."""
    reach, leaves_others_alone = REACHES[code]
    return Promise(applicability is Applicability.SAFE, reach, leaves_others_alone, of_leaves=code == "NNX104")
