"""The settings that change findings: which rules run, and for which Flax."""

from __future__ import annotations

from dataclasses import dataclass

from flake8_nnx_treemap.names import PORTABLE, PORTABLE_RANGE, FlaxRange, FlaxRelease


@dataclass(frozen=True, slots=True)
class LintSettings:
    """The settings that the engine reads; small and picklable.

    ``select`` holds whole rule codes (``None``: the rules that are on by default). ``flax_floor`` is the
    lowest Flax release the code must run on; ``PORTABLE`` (0.10.0) stands for every supported release.
    ``flax_range`` is that and the highest, if there is one; whoever sets one sets the other.
    """

    select: frozenset[str] | None = None
    flax_floor: FlaxRelease = PORTABLE
    unsafe_fixes: bool = False
    flax_range: FlaxRange = PORTABLE_RANGE
