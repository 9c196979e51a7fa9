"""The settings that change findings: which rules run, and for which Flax."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flake8_nnx_treemap.names import PORTABLE_RANGE, FlaxRange, FlaxRelease
from flake8_nnx_treemap.rules.catalogue import CODES


@dataclass(frozen=True, slots=True)
class LintSettings:
    """The settings that the engine reads; small and picklable.

    ``select`` holds rule codes or the starts of codes, such as ``NNX1`` (``None``: the rules that are on by default);
    it is kept as a set of whole codes. ``flax`` is the range of Flax releases that the code runs on; a release such as
    ``(0, 11)`` means that one and all later ones. ``extend_safe_fixes`` and ``extend_unsafe_fixes`` name the rules
    whose fixes count as safe, or as unsafe, whatever the rules say. ``line_length`` is how long a line may get before a
    fix lays it out, and ``keeps_commas`` whether a comma behind the last argument keeps each on a line of its own.
    """

    select: frozenset[str] | None = None
    flax: FlaxRange | FlaxRelease = PORTABLE_RANGE
    unsafe_fixes: bool = False
    extend_safe_fixes: frozenset[str] = frozenset()
    extend_unsafe_fixes: frozenset[str] = frozenset()
    line_length: int = 88
    keeps_commas: bool = True

    def __post_init__(self) -> None:
        """Check what was given.

        Raises:
            ValueError: a code that no rule has, a text that is not a Flax release, or a value of another type.
        """
        for name in ("select", "extend_safe_fixes", "extend_unsafe_fixes"):
            given = getattr(self, name)
            if given is not None or name != "select":
                object.__setattr__(self, name, _codes_given(name, given))
        if not isinstance(self.flax, FlaxRange):
            object.__setattr__(self, "flax", FlaxRange(_release_given(self.flax)))
        if not isinstance(self.unsafe_fixes, bool):
            raise ValueError(f"unsafe_fixes must be True or False, not {self.unsafe_fixes!r}")
        if type(self.line_length) is not int or self.line_length < 1:
            raise ValueError(f"line_length must be a number of characters, not {self.line_length!r}")

    @property
    def flax_range(self) -> FlaxRange:
        """The range of Flax releases that the code runs on."""
        assert isinstance(self.flax, FlaxRange), "made one above"
        return self.flax


def _release_given(given: object) -> FlaxRelease:
    if not isinstance(given, tuple) or not given or not all(type(part) is int and part >= 0 for part in given):
        raise ValueError(f"flax must be a FlaxRange, or a tuple of numbers such as (0, 12), not {given!r}")
    return (*given, 0, 0)[: max(3, len(given))]  # As long as a release of Flax is, since (0, 12) < (0, 12, 0).


def codes_for(selectors: Iterable[str]) -> frozenset[str]:
    """The rule codes that selectors such as ``NNX101``, ``NNX1`` or ``ALL`` stand for, in any case of letters.

    Raises:
        ValueError: a selector stands for no rule.
    """
    codes: set[str] = set()
    for selector in selectors:
        start = selector.strip().upper()
        found = CODES.keys() if start == "ALL" else [code for code in CODES if code.startswith(start)]
        if not found or not start:
            raise ValueError(f"{selector!r} is no rule{_like(start)}; nnx-fix --list-rules lists them")
        codes.update(found)
    return frozenset(codes)


def _codes_given(name: str, given: object) -> frozenset[str]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ValueError(f'{name} must be a set of rule codes such as {{"NNX101"}}, not {given!r}')
    selectors = frozenset(given)
    if selectors <= CODES.keys():
        return selectors
    for selector in selectors:
        if not isinstance(selector, str):
            raise ValueError(f"{name} must hold rule codes, not {selector!r}")
    try:
        return codes_for(sorted(selectors))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _like(start: str) -> str:
    by_slug = {entry.slug.upper(): code for code, entry in CODES.items()}
    return did_you_mean(start, {**by_slug, **{code: code for code in CODES}})


def did_you_mean(name: str, known: Mapping[str, str]) -> str:
    """What to say of a name that nobody knows: which is most like it, if one is.

    Args:
        name: the name.
        known: what it may have been meant to be, and what to call that.
    """
    import difflib  # Only where there is a slip.

    found = difflib.get_close_matches(name, sorted(known), 1)
    return f" (did you mean {known[found[0]]}?)" if found else ""
