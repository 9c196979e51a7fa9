"""What a version, a specifier or a URL admits, as releases of Flax."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flake8_nnx_treemap.names import KNOWN_RELEASES, NEWEST, PORTABLE, FlaxRange, FlaxRelease, release_text

_LOWER = frozenset({">=", ">", "~=", "==", "==="})
_UPPER = frozenset({"<=", "<", "~=", "==", "==="})
LONGEST_VERSION = 100


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest release that somebody admits; ``None`` where nothing is said of that end."""

    lowest: FlaxRelease | None = None
    highest: FlaxRelease | None = None


NEWEST_ONLY = Bounds(NEWEST)


def combined(bounds: Sequence[Bounds]) -> FlaxRange | None:
    """The range of a project that admits several things, as for several platforms.

    Args:
        bounds: what is said.

    Returns:
        From the lowest lower bound to the highest upper one; ``None`` if nothing is bounded at all.
    """
    told = [one for one in bounds if one != Bounds()]
    if not told:
        return None
    lower = [one.lowest for one in told if one.lowest is not None]
    upper = [one.highest for one in told if one.highest is not None]
    highest = max(upper) if len(upper) == len(told) else None
    return FlaxRange(max(min(lower, default=PORTABLE), PORTABLE), highest, floor_is_stated=bool(lower))


def common(bounds: Bounds, limit: Bounds) -> Bounds:
    """What two bounds admit alike, as a requirement and a constraint on it.

    Args:
        bounds: the requirement's.
        limit: the constraint's.

    Returns:
        The narrower ends; the requirement's own if nothing meets both.
    """
    lower = [one for one in (bounds.lowest, limit.lowest) if one is not None]
    upper = [one for one in (bounds.highest, limit.highest) if one is not None]
    found = Bounds(max(lower, default=None), min(upper, default=None))
    return bounds if lower and upper and max(lower) > min(upper) else found


def bounds_of_specifier(text: str, *, counts_older: bool = True) -> Bounds | None:
    """Evaluate a specifier such as ``>=0.10,<0.11`` over the known releases.

    Args:
        text: the specifier, as in a requirement.
        counts_older: whether one that admits only releases before 0.10.0 is taken for 0.10.0.

    Returns:
        What it admits; ``None`` if that is no known release. One that admits only releases to come is taken for those.

    Raises:
        ValueError: it is no specifier.
    """
    from packaging.specifiers import SpecifierSet

    specifier = SpecifierSet(
        text
    )  # Its errors are ValueErrors, as are those of Python about numbers of thousands of digits.
    admitted = [release for release in KNOWN_RELEASES if specifier.contains(release_text(release), prereleases=True)]
    lower = [release for one in specifier if one.operator in _LOWER and (release := release_of(one.version))]
    upper = [release for one in specifier if one.operator in _UPPER and (release := release_of(one.version))]
    if admitted:
        says_lowest = bool(lower) or admitted[0] != PORTABLE
        return Bounds(admitted[0] if says_lowest else None, admitted[-1] if admitted[-1] != NEWEST else None)
    if lower and max(lower) >= NEWEST and all(release >= NEWEST for release in upper):
        return Bounds(max(lower))
    if counts_older and upper and min(upper) <= PORTABLE and all(release <= PORTABLE for release in lower):
        return Bounds(PORTABLE, PORTABLE)
    return None


def bounds_of_constraint(text: str) -> Bounds | None:
    """Evaluate what Poetry, PDM, pixi and conda write, such as ``^0.12``, ``~0.11``, ``=0.10`` or ``0.10.* || 0.12.1``.

    Args:
        text: the constraint; a version on its own means just that one.

    Returns:
        What it admits; ``None`` if that is no known release.

    Raises:
        ValueError: it is no constraint.
    """
    found = []
    for alternative in re.split(r"\|\|?", text):
        parts = re.sub(r"([<>=!~^]) +", r"\1", alternative).replace(",", " ").split()
        bounds = bounds_of_specifier(",".join(filter(None, map(_as_specifier, parts))))
        if bounds is not None:
            found.append(bounds)
    if not found:
        return None
    if Bounds() in found:
        return Bounds()
    lowest = [one.lowest for one in found if one.lowest is not None]
    highest = [one.highest for one in found if one.highest is not None]
    return Bounds(
        min(lowest) if len(lowest) == len(found) else None, max(highest) if len(highest) == len(found) else None
    )


def _as_specifier(part: str) -> str:
    """One part of a constraint as a part of a specifier."""
    operator, version = re.match(r"([<>=!~^]*)(.*)", part, re.DOTALL).groups()  # type: ignore[union-attr]
    if version == "*":
        return ""
    if version.endswith("*"):
        prefix = version.rstrip("*").rstrip(".")
        if operator in (">=", ">", "<=", "<"):
            return f"{operator}{prefix}"
        return f"{'!=' if operator == '!=' else '=='}{prefix}.*"
    if operator == "^":
        return f">={version},<{_caret_end(version)}"
    if operator == "~":
        numbers = version.split(".")
        return f">={version},<{_next('.'.join(numbers[:2]))}"
    version = version.partition("=")[0]  # What may follow is conda's build.
    if operator == "=":
        return f"=={version}.*"
    return f"{operator or '=='}{version}"


def _caret_end(version: str) -> str:
    """Where ``^`` ends: at the next change of the first number that is not zero, or of the last that is given."""
    numbers = version.split(".")
    significant = next((index for index, number in enumerate(numbers) if number != "0"), len(numbers) - 1)
    return _next(".".join(numbers[: significant + 1]))


def _next(version: str) -> str:
    head, _, last = version.rpartition(".")
    following = str(int(last) + 1) if last.isdecimal() and len(last) < 10 else last
    return f"{head}.{following}" if head else following


def bounds_of_version(version: str) -> Bounds | None:
    """What a lock file says: one version. ``None`` if it is none."""
    release = release_of(version)
    if release is None:
        return None
    if release >= NEWEST:
        return Bounds(release)
    known = max(release, PORTABLE)
    return Bounds(known, known)


def bounds_of_url(url: str, revision: str = "") -> Bounds | None:
    """What an address stands for that Flax is installed from.

    Args:
        url: the address, as in ``flax @ URL``.
        revision: a branch, tag or commit that is named beside it.

    Returns:
        The release that a tag or a file's name says, else the newest; ``None`` for a folder, of which nothing is known.
    """
    address = url.partition("#")[0]
    named = (
        re.fullmatch(r"v?(\d{1,4}(?:\.\d{1,6}){1,2})", revision)
        or re.search(r"[@/]v?(\d{1,4}(?:\.\d{1,6}){1,2})(?:\.zip|\.tar\.gz)?$", address)
        or re.search(r"[?&](?:rev|tag)=v?(\d{1,4}(?:\.\d{1,6}){1,2})$", address)
        or re.search(r"/flax-(\d{1,4}(?:\.\d{1,6}){1,2})(?:-|\.tar\.gz$|\.zip$)", address)
    )
    if named:
        return bounds_of_version(named[1])
    is_elsewhere = re.match(r"(?:git|hg|svn|bzr)\+|(?:https?|ssh|git)://|git@", address)
    return NEWEST_ONLY if is_elsewhere else None


def release_of(version: str) -> FlaxRelease | None:
    """A version's numbers, three at least, so that releases compare; ``None`` if it is no version."""
    from packaging.version import Version

    if len(version) > LONGEST_VERSION:
        return None
    try:
        release = Version(version.removesuffix(".*")).release
    except ValueError:
        return None
    return (*release, 0, 0)[: max(3, len(release))]
