"""Requirements of Flax as files write them, one at a time: what was written, and which releases it admits."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flake8_nnx_treemap.project.requirements.bounds import (
    Bounds,
    bounds_of_constraint,
    bounds_of_specifier,
    bounds_of_url,
)

if TYPE_CHECKING:
    from packaging.markers import Marker

PYTHONS = tuple(f"3.{minor}" for minor in range(10, 16))
"""Those that a Flax from 0.10.0 on may run on."""

_PLATFORMS = (("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt"))
_MACHINES = ("x86_64", "aarch64", "arm64", "AMD64")
_UNKNOWN = re.compile(r"\b(platform_release|platform_version|implementation_version|extras|dependency_groups)\b")
_MOST_EXTRAS = 3
_LONGEST_MARKER = 400

LONGEST = 1000
"""How many characters a requirement may have; whoever writes more wants to keep us busy."""

MOST_ENTRIES = 50
"""How many entries of Flax are read in a file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file says of Flax in one place: as it is written there, and as bounds if there are any."""

    text: str
    bounds: Bounds | None = None


def requirement_of_flax(text: str, pythons: Sequence[str] = PYTHONS) -> Entry | None:
    """Read a requirement.

    Args:
        text: the requirement, as pip takes it.
        pythons: the versions of Python that the project runs on.

    Returns:
        What it says; ``None`` if it is of something else than Flax.
    """
    text = text.strip()
    if not re.match(r"flax(?![\w.-])", text, re.IGNORECASE):
        return None
    if len(text) > LONGEST:
        return _unreadable(text)
    from packaging.requirements import Requirement

    try:
        requirement = Requirement(text)
        if requirement.marker is not None and not may_hold(requirement.marker, pythons):
            return Entry(f"{text} (holds nowhere)")
        if requirement.url is not None:
            return Entry(text, bounds_of_url(requirement.url))
        return _entry_of_versions(text, bounds_of_specifier(str(requirement.specifier)))
    except (ValueError, RecursionError):
        return _unreadable(text)


def table_entries(value: object, pythons: Sequence[str] = PYTHONS) -> Iterator[Entry]:
    """Read what stands for ``flax`` in a table of dependencies, as Poetry and pixi have them.

    Args:
        value: a constraint, a table with one, or a list of such tables.
        pythons: the versions of Python that the project runs on.

    Yields:
        What each says.
    """
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield constraint_entry(f"flax = {one!r}", one)
        elif isinstance(one, dict):
            yield _entry_of_table({str(key): each for key, each in one.items() if isinstance(each, str)}, pythons)


def constraint_entry(text: str, constraint: str) -> Entry:
    """An entry whose versions are written as Poetry, pixi or conda do."""
    if len(constraint) > LONGEST:
        return _unreadable(text)
    try:
        return _entry_of_versions(text, bounds_of_constraint(constraint))
    except ValueError:
        return _unreadable(text)


def _unreadable(text: str) -> Entry:
    return Entry(f"{text[:LONGEST]} (cannot be read)")


def _entry_of_versions(text: str, bounds: Bounds | None) -> Entry:
    return Entry(f"{text} (no known release)") if bounds is None else Entry(text, bounds)


def _entry_of_table(table: dict[str, str], pythons: Sequence[str]) -> Entry:
    text = "flax = {" + ", ".join(f"{key} = {value!r}" for key, value in table.items()) + "}"
    if not (_python_may_be(table.get("python", "*")) and _marker_may_be(table.get("markers", ""), pythons)):
        return Entry(f"{text} (holds nowhere)")
    if "git" in table:
        return Entry(text, bounds_of_url(f"git+{table['git']}", table.get("tag") or table.get("rev") or ""))
    if "url" in table:
        return Entry(text, bounds_of_url(table["url"]))
    return constraint_entry(text, table["version"]) if "version" in table else Entry(text)


def _python_may_be(constraint: str) -> bool:
    """Whether a constraint of Poetry's on Python is met by one that Flax runs on; true if it cannot be read."""
    if not re.fullmatch(r"[<>=!][^|^~]*", constraint):
        return True
    found = _admitted_pythons(constraint)
    return found is None or bool(found)


def _marker_may_be(text: str, pythons: Sequence[str]) -> bool:
    from packaging.markers import Marker

    if not text or len(text) > LONGEST:
        return True
    try:
        return may_hold(Marker(text), pythons)
    except (ValueError, RecursionError):
        return True


def pythons_of(requires_python: object) -> Sequence[str]:
    """The versions of Python that ``requires-python`` admits; all, if it says nothing that is understood."""
    return (isinstance(requires_python, str) and _admitted_pythons(requires_python)) or PYTHONS


def _admitted_pythons(specifier: str) -> tuple[str, ...] | None:
    """Those that a specifier admits; ``None`` if it is none."""
    from packaging.specifiers import SpecifierSet

    if len(specifier) > LONGEST:
        return None
    try:
        wanted = SpecifierSet(specifier)
        return tuple(python for python in PYTHONS if any(wanted.contains(f"{python}.{patch}") for patch in (0, 99)))
    except ValueError:
        return None


def may_hold(marker: Marker, pythons: Sequence[str]) -> bool:
    """Whether a marker holds somewhere: on one of the Pythons, on some platform, with some extra.

    Args:
        marker: the marker.
        pythons: the versions of Python that count.
    """
    text = str(marker)
    if _UNKNOWN.search(text) or len(text) > _LONGEST_MARKER:
        return True
    extras = ["", *re.findall(r"extra\s*[!=]=\s*[\"']([^\"']*)", text)[:_MOST_EXTRAS]]
    machines = _MACHINES if "platform_machine" in text else _MACHINES[:1]
    fixed = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    for python, patch, (platform, system, name), machine, extra in itertools.product(
        pythons, (0, 99), _PLATFORMS, machines, extras
    ):
        environment = {
            **fixed, "python_version": python, "python_full_version": f"{python}.{patch}", "sys_platform": platform,
            "platform_system": system, "os_name": name, "platform_machine": machine, "extra": extra,
        }  # fmt: skip
        if _holds(marker, environment):
            return True
    return False


def _holds(marker: Marker, environment: dict[str, str]) -> bool:
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName

    try:
        return marker.evaluate(environment)
    except (UndefinedComparison, UndefinedEnvironmentName):
        return True
