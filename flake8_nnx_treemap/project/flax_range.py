"""Which Flax releases a file's project runs on, and where that was said."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache

from flake8_nnx_treemap.names import KNOWN_RELEASES, NEWEST, PORTABLE, PORTABLE_RANGE, FlaxRange, release_text
from flake8_nnx_treemap.project.requirements.bounds import bounds_of_specifier, combined, release_of
from flake8_nnx_treemap.project.requirements.entries import Entry
from flake8_nnx_treemap.project.requirements.plain_files import Place


@dataclass(frozen=True, slots=True)
class FlaxDecision:
    """The releases that a file's project runs on, what decided that, and all that was looked at."""

    range: FlaxRange
    decided_by: str
    places: tuple[Place, ...] = ()
    """What was looked at, in order; files that are not there are left out."""
    deciding: tuple[str, ...] = ()
    """The paths of those that decided."""
    is_assumed: bool = False
    """Whether nothing was found anywhere."""


def said_outright(range_: FlaxRange, where: str, text: str) -> FlaxDecision:
    """A decision that needs no search.

    Args:
        range_: the releases.
        where: what says so: an option, or a configuration's key and file.
        text: how it says it.
    """
    return FlaxDecision(range_, where, (Place(where, (Entry(text),)),), (where,))


def parse_target(value: str) -> FlaxRange:
    """Read ``--target-flax`` or ``target-flax``.

    Args:
        value: the lowest release, such as ``0.12`` or ``0.12.1``; ``portable``; or a specifier: ``>=0.10,<0.11``.

    Returns:
        The range; a release below 0.10.0 counts as portable.

    Raises:
        ValueError: the value is none of these, or admits no release that is known.
    """
    if value == "portable":
        return FlaxRange()
    if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6}){1,2}", value):
        return FlaxRange(max((*map(int, value.split(".")), 0)[:3], PORTABLE))
    try:
        if not re.match(r"\s*[<>=!~]", value):
            raise ValueError
        bounds = bounds_of_specifier(value, counts_older=False)
    except ValueError:
        wanted = 'write 0.12, 0.12.1, portable or a specifier such as ">=0.10,<0.11"'
        raise ValueError(f"{value!r} is no Flax release: {wanted}") from None
    if bounds is None:
        known = f"{release_text(KNOWN_RELEASES[0])} to {release_text(NEWEST)}"
        raise ValueError(f"{value!r} admits no release of Flax that is known, {known}")
    return combined([bounds]) or FlaxRange()


def infer_range(filename: str) -> FlaxDecision:
    """Find out what a file's project says about Flax; the nearest project counts.

    Args:
        filename: the file; it need not exist.

    Returns:
        What the files of its folder say, or of those above it up to the root of the repository; else from the installed
        distribution's version on, which is not imported; else every release that is supported.
    """
    from flake8_nnx_treemap.project.requirements.search import search

    found = search(os.path.dirname(os.path.abspath(filename)))
    if found.range is not None:
        return FlaxDecision(found.range, f"flax in {', '.join(found.deciding)}", found.places, found.deciding)
    version, where = _installed_version(), "the installed flax"
    release = release_of(version or "")
    places = (*found.places, Place(where, (Entry(version),)) if version else Place(where, problem="there is none"))
    if release is not None:
        return FlaxDecision(FlaxRange(max(release, PORTABLE), floor_is_stated=False), where, places, (where,))
    return FlaxDecision(PORTABLE_RANGE, "default: portable", places, is_assumed=True)


@cache
def _installed_version() -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version("flax")
    except importlib.metadata.PackageNotFoundError:
        return None


def forget_projects() -> None:
    """Look at files, and at what is installed, again when they are asked for next."""
    from flake8_nnx_treemap.project.requirements.search import forget

    forget()
    _installed_version.cache_clear()
