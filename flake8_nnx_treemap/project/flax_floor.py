"""The lowest Flax release that a file's project must run on, and where that was said."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from flake8_nnx_treemap.names import PORTABLE, FlaxRelease

_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "requirements.txt", "setup.py")


@dataclass(frozen=True, slots=True)
class FlaxFloor:
    """A release, and what decided it."""

    release: FlaxRelease
    decided_by: str


def parse_target(value: str) -> FlaxRelease:
    """Read ``--target-flax`` or ``target-flax``.

    Args:
        value: a release such as ``0.12`` or ``0.12.1``, or ``portable``.

    Returns:
        The release as numbers; what lies below 0.10.0 counts as portable.

    Raises:
        ValueError: the value is neither.
    """
    if value == "portable":
        return PORTABLE
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,6}){1,2}", value):
        raise ValueError(f"{value!r} is no Flax release: write 0.12, 0.12.1 or portable")
    return max(tuple(int(part) for part in value.split(".")), PORTABLE)


def infer_floor(filename: str) -> FlaxFloor:
    """Find out what a file's project says about Flax; the nearest project counts.

    Args:
        filename: the file; it need not exist.

    Returns:
        The lower bound in its requirements, else the version in its lock file, else the installed distribution's
        version, else portable. Flax itself is never imported.
    """
    return _floor_of_project(project_root(os.path.dirname(os.path.abspath(filename))))


@cache
def project_root(folder: str) -> str | None:
    """The nearest folder, from this one upwards, that holds a project's description."""
    if any(os.path.isfile(os.path.join(folder, name)) for name in _PROJECT_FILES):
        return folder
    parent = os.path.dirname(folder)
    return None if parent == folder else project_root(parent)


@cache
def _floor_of_project(root: str | None) -> FlaxFloor:
    if root is not None:
        for name, requirements in _requirements(root):
            bounds = [bound for text in requirements if (bound := _lower_bound(text)) is not None]
            if bounds:
                return FlaxFloor(max(min(bounds), PORTABLE), f"flax in {os.path.join(root, name)}")
        for name in ("uv.lock", "poetry.lock", "pylock.toml"):
            locked = _locked_version(os.path.join(root, name))
            if locked is not None:
                return FlaxFloor(max(locked, PORTABLE), f"flax in {os.path.join(root, name)}")
    return _installed_floor()


@cache
def _installed_floor() -> FlaxFloor:
    import importlib.metadata

    try:
        version = importlib.metadata.version("flax")
    except importlib.metadata.PackageNotFoundError:
        return FlaxFloor(PORTABLE, "default: portable")
    release = _release(version)
    return FlaxFloor(max(release, PORTABLE) if release else PORTABLE, "the installed flax")


# Requirements


def _requirements(root: str) -> Iterator[tuple[str, list[str]]]:
    """Requirement strings by the file that holds them, most telling file first."""
    yield "pyproject.toml", list(_pyproject_requirements(read_toml(os.path.join(root, "pyproject.toml"))))
    yield "setup.cfg", _setup_cfg_requirements(os.path.join(root, "setup.cfg"))
    names = sorted(name for name in os.listdir(root) if re.fullmatch(r"requirements.*\.(txt|in)", name))
    for name in names:
        yield name, _lines(os.path.join(root, name))


def read_toml(path: str) -> dict[str, Any]:
    """A TOML file's content; nothing if there is none or it is broken, which is for others to complain about."""
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib
    try:
        with open(path, "rb") as file:
            content: dict[str, Any] = tomllib.load(file)
            return content
    except (OSError, ValueError):
        return {}


def _pyproject_requirements(content: dict[str, Any]) -> Iterator[str]:
    project = _table(content.get("project"))
    groups = _table(content.get("dependency-groups"))
    optional = _table(project.get("optional-dependencies"))
    yield from _strings(project.get("dependencies"))
    for found in (*optional.values(), *groups.values()):
        yield from _strings(found)
    poetry = _table(_table(content.get("tool")).get("poetry"))
    tables = [poetry, *map(_table, _table(poetry.get("group")).values())]
    for table in tables:
        flax = _table(table.get("dependencies")).get("flax")
        version = flax.get("version") if isinstance(flax, dict) else flax
        if isinstance(version, str):
            yield "flax" + _from_poetry(version)


def _from_poetry(version: str) -> str:
    """Poetry's ``^0.12`` and ``0.12`` as what they are to everybody else; only the lower bound matters here."""
    version = version.replace("^", ">=").replace("~", "~=") if version[:1] in "^~" and version[1:2] != "=" else version
    version = version.replace("~=", ">=")
    return version if version[:1] in "<>=!~" or version == "*" else f"=={version}"


def _setup_cfg_requirements(path: str) -> list[str]:
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
        values = [parser.get("options", "install_requires", fallback="")]
        if parser.has_section("options.extras_require"):
            values += [value for _, value in parser.items("options.extras_require")]
    except (configparser.Error, UnicodeDecodeError, OSError):
        return []
    return "\n".join(values).splitlines()


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return [line.partition(" #")[0].strip() for line in file]
    except (OSError, UnicodeDecodeError):
        return []


def _lower_bound(requirement: str) -> FlaxRelease | None:
    """The lowest release that a requirement of Flax admits, if it says so."""
    if not re.match(r"flax\b", requirement.strip(), re.IGNORECASE):
        return None
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        parsed = Requirement(requirement.strip())
    except InvalidRequirement:
        return None
    if parsed.name.lower() != "flax":
        return None
    bounds = [_release(one.version) for one in parsed.specifier if one.operator in (">=", "==", "~=", ">", "===")]
    found = [bound for bound in bounds if bound is not None]
    return max(found) if found else None


def _release(version: str) -> FlaxRelease | None:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version.removesuffix(".*")).release
    except InvalidVersion:
        return None


def _locked_version(path: str) -> FlaxRelease | None:
    content = read_toml(path)
    packages = content.get("package") or content.get("packages") or ()
    for package in packages if isinstance(packages, list) else ():
        if isinstance(package, dict) and package.get("name") == "flax" and isinstance(package.get("version"), str):
            return _release(package["version"])
    return None


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _strings(values: object) -> Iterable[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
