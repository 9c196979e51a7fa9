"""Which releases of Flax have a public name of ``flax.nnx``, or a member of a Variable, a State or a Module.

The tables are measured (``data/nnx_names.py``). They are read when somebody first asks, since most files need none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from flake8_nnx_treemap.names import FlaxRelease

NNX = "flax.nnx"
"""The owner of public names; those of members are ``"Variable"``, ``"state leaf"``, ``"State"`` and ``"Module"``."""


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring releases, ``first`` and ``last`` among them; without ``last`` it goes on to the newest measured."""

    first: FlaxRelease
    last: FlaxRelease | None

    def __contains__(self, release: FlaxRelease) -> bool:
        return self.first <= release and (self.last is None or release <= self.last)


def releases_with(name: str, owner: str = NNX) -> tuple[Span, ...]:
    """Give the releases that have a name, in order.

    Args:
        name: ``"Dict"`` for ``nnx.Dict``; for another owner the name of a member, such as ``"get_value"``.
        owner: what has it: ``flax.nnx`` itself, ``"Variable"``, ``"State"``, ``"Module"``, or ``"state leaf"`` for what
            ``nnx.state`` holds, which is no Variable below Flax 0.11.

    Returns:
        No span for a name that no measured release has.
    """
    return _read(_row(owner, name).partition("; ")[0])


def releases_that_warn(name: str, owner: str = NNX) -> tuple[Span, ...]:
    """Give the releases on which a name is deprecated: touching it, or calling the member, warns.

    Args:
        name: as for ``releases_with``.
        owner: as for ``releases_with``.

    Returns:
        Their spans, in order.
    """
    return _read(_row(owner, name).partition("; warns ")[2])


def releases_without(
    name: str, floor: FlaxRelease, ceiling: FlaxRelease | None = None, owner: str = NNX
) -> tuple[FlaxRelease, ...]:
    """Give the measured releases of a range that lack a name.

    Args:
        name: as for ``releases_with``.
        floor: the lowest release that counts.
        ceiling: the highest release that counts; without it, the newest that was measured.
        owner: as for ``releases_with``.

    Returns:
        Those releases, the lowest first.
    """
    having = releases_with(name, owner)
    return tuple(
        release
        for release in measured_releases()
        if floor <= release and (ceiling is None or release <= ceiling) and not any(release in span for span in having)
    )


@cache
def measured_releases() -> tuple[FlaxRelease, ...]:
    """Give every release that the tables speak of, the lowest first."""
    from flake8_nnx_treemap.data.nnx_names import RELEASES

    return tuple(map(release_named, RELEASES))


@cache
def names_of_some_releases(owner: str = NNX) -> frozenset[str]:
    """Give the names that some measured release lacks.

    Args:
        owner: as for ``releases_with``.

    Returns:
        Those names; one that no release has is not among them.
    """
    always = f"{'.'.join(map(str, measured_releases()[0]))}-"
    return frozenset(name for name, row in _rows(owner).items() if row.partition("; ")[0] != always)


@cache
def names_that_went(owner: str = NNX) -> frozenset[str]:
    """Give the names that some measured release lacks which is later than one that has them.

    Args:
        owner: as for ``releases_with``.

    Returns:
        Those names; one that has come back since is among them.
    """
    first = {name: releases_with(name, owner)[0] for name in names_of_some_releases(owner)}
    return frozenset(name for name, span in first.items() if span.last is not None)


def release_named(text: str) -> FlaxRelease:
    """Give the numbers of a release in the tables.

    Args:
        text: such as ``"0.12.8"``.

    Returns:
        ``(0, 12, 8)`` for it.
    """
    return tuple(map(int, text.split(".")))


def spans_named(text: str) -> tuple[Span, ...]:
    """Read spans as the tables write them.

    Args:
        text: such as ``"0.10.0-0.10.7, 0.12.0-"``.

    Returns:
        The spans, in order.
    """
    return tuple(_span(part) for part in text.split(", "))


def _span(text: str) -> Span:
    first, _, last = text.partition("-")
    return Span(release_named(first), release_named(last) if last else None)


def _read(text: str) -> tuple[Span, ...]:
    return spans_named(text) if text else ()


def _row(owner: str, name: str) -> str:
    return _rows(owner).get(name, "")


@cache
def _rows(owner: str) -> dict[str, str]:
    from flake8_nnx_treemap.data.nnx_names import MEMBERS, NAMES

    return dict(NAMES if owner == NNX else MEMBERS[owner])
