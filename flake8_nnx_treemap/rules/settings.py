"""The settings that change findings: which rules run, and for which Flax."""

from __future__ import annotations

from dataclasses import dataclass

from flake8_nnx_treemap.names import PORTABLE_RANGE, FlaxRange, FlaxRelease


@dataclass(frozen=True, slots=True)
class LintSettings:
    """The settings that the engine reads; small and picklable.

    ``select`` holds whole rule codes (``None``: the rules that are on by default). ``flax`` is the range of Flax
    releases that the code runs on; a release such as ``(0, 11)`` means that one and all later ones.
    """

    select: frozenset[str] | None = None
    flax: FlaxRange | FlaxRelease = PORTABLE_RANGE
    unsafe_fixes: bool = False

    def __post_init__(self) -> None:
        """Make a range of a release."""
        if not isinstance(self.flax, FlaxRange):
            object.__setattr__(self, "flax", FlaxRange(self.flax))

    @property
    def flax_range(self) -> FlaxRange:
        """The range of Flax releases that the code runs on."""
        assert isinstance(self.flax, FlaxRange), "made one above"
        return self.flax
