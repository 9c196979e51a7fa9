"""Settings of the client, which take precedence over those of the project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flake8_nnx_treemap.project.configuration import Overrides

SECTION = "nnx"
"""The part of an editor's settings that is ours."""

WATCHED = (
    *("pyproject.toml", "hatch.toml", "setup.cfg", "setup.py", "pixi.toml", "*requirement*.txt", "*requirement*.in"),
    *("*constraint*.txt", "*constraint*.in", "requirements/*.txt", "requirements/*.in", "environment*.y*ml"),
    *("conda*.y*ml", "uv.lock", "pdm.lock", "poetry.lock", "pylock*.toml", "*conda-lock.y*ml"),
)
"""Files that say which rules run, and for which Flax."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What an editor's settings say, and what is wrong with them."""

    overrides: Overrides = field(default_factory=Overrides)
    is_enabled: bool = True
    complaints: tuple[str, ...] = ()


def client_settings(given: object) -> ClientSettings:
    """Read an editor's settings.

    Args:
        given: ``initializationOptions``, the settings of ``didChangeConfiguration`` or an answer to
            ``workspace/configuration``: our section, or an object that has it. ``null`` leaves a setting alone.

    Returns:
        The settings; what cannot be used is left out, and said.
    """
    if isinstance(given, Mapping) and SECTION in given:
        given = given[SECTION]  # Neovim sends an empty table as an empty array, which is no setting either.
    reader = _Reader(
        {key: value for key, value in given.items() if value is not None} if isinstance(given, Mapping) else {}
    )
    overrides = Overrides(
        select=reader.codes("select"),
        ignore=reader.codes("ignore") or (),
        extend_select=reader.codes("extendSelect") or (),
        target_flax=reader.text("targetFlax"),
        unsafe_fixes=reader.flag("unsafeFixes"),
        is_isolated=bool(reader.flag("isolated")),
    )
    is_enabled = reader.flag("enable")
    return ClientSettings(overrides, is_enabled is not False, tuple(reader.complaints()))


class _Reader:
    """Takes values out of the settings, and remembers those that it cannot use."""

    _NOT_OURS = frozenset({"trace", "path", "interpreter", "args"})
    """What an extension keeps in the same section for itself."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._left = values
        self._bad: list[str] = []

    def codes(self, key: str) -> tuple[str, ...] | None:
        value = self._left.pop(key, None)
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if value is None or (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            return None if value is None else tuple(value)
        self._complain(key, "a list of rule codes")
        return None

    def text(self, key: str) -> str | None:
        value = self._left.pop(key, None)
        if value is None or isinstance(value, str):
            return value or None
        self._complain(key, "a string")
        return None

    def flag(self, key: str) -> bool | None:
        value = self._left.pop(key, None)
        if value is None or isinstance(value, bool):
            return value
        self._complain(key, "true or false")
        return None

    def complaints(self) -> Iterator[str]:
        yield from self._bad
        for key in sorted(self._left.keys() - self._NOT_OURS):
            yield f"unknown setting {SECTION}.{key}"

    def _complain(self, key: str, wanted: str) -> None:
        self._bad.append(f"setting {SECTION}.{key} must be {wanted}")
