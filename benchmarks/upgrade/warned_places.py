"""A plugin for pytest, put beside the tests of another project: notes where Flax warns that something is deprecated.

Loaded with ``-p warned_places``. It imports nothing of ours, since it runs in the other project's environment.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

_PLACES: set[tuple[str, int]] = set()


def _noting(warn: Callable[..., None]) -> Callable[..., None]:
    """Wrap ``warnings.warn``, so that a place is noted whatever the filters of the tests do with the warning."""

    def noting(message: Any, category: Any = None, stacklevel: int = 1, *more: Any, **named: Any) -> None:
        caller = sys._getframe(1)
        kind = type(message) if isinstance(message, Warning) else category or UserWarning
        if issubclass(kind, DeprecationWarning) and str(caller.f_globals.get("__name__")).startswith("flax."):
            _note(_outside_flax(caller))
        warn(message, category, stacklevel + 1, *more, **named)

    return noting


def _outside_flax(frame: FrameType | None) -> FrameType | None:
    """The innermost frame that is not Flax's own, to which its ``stacklevel`` does not always lead.

    There is none while Flax itself is imported: that is no doing of whoever imports it.
    """
    while frame is not None and str(frame.f_globals.get("__name__")).split(".")[0] in ("flax", "importlib"):
        if frame.f_code.co_name == "exec_module":
            return None
        frame = frame.f_back
    return frame


def _note(frame: FrameType | None) -> None:
    root = os.environ["UPGRADE_ROOT"]
    if frame is not None and frame.f_code.co_filename.startswith(root):
        _PLACES.add((os.path.relpath(frame.f_code.co_filename, root), frame.f_lineno))


def pytest_sessionfinish() -> None:
    """Write the places as pairs of file and line."""
    with open(os.environ["UPGRADE_WARNED"], "w", encoding="utf-8") as file:
        json.dump(sorted(_PLACES), file)


warnings.warn = _noting(warnings.warn)
