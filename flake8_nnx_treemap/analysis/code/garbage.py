"""Switches Python's garbage collector off while trees are built."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")


def collects_later(compute: Callable[_Asked, _Answer]) -> Callable[_Asked, _Answer]:
    """Wrap a function so that the garbage collector is off while it runs.

    Syntax trees are hundreds of thousands of objects that all live until the end. The collector would go through them
    again and again: that takes a third of an analysis, and ten times as long as ``ast.parse`` of a large file itself.
    """

    @functools.wraps(compute)
    def run(*args: _Asked.args, **kwargs: _Asked.kwargs) -> _Answer:
        was_collecting = gc.isenabled()
        gc.disable()
        try:
            return compute(*args, **kwargs)
        finally:
            # Of threads that overlap, only the first one found the collector enabled, and it enables it again.
            if was_collecting:
                gc.enable()

    return run
