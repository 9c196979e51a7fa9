"""A bar on standard error for runs that take a while, if ``rich`` is installed and somebody is looking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE = 1.0
"""How many seconds people wait without wondering."""


@contextmanager
def progress(total: int, stream: TextIO, patience: float = PATIENCE) -> Iterator[Callable[[], None]]:
    """Show how far a run has come.

    Args:
        total: how many files there are.
        stream: where the bar is drawn; nothing is drawn unless it is a terminal.
        patience: how many seconds pass before it is.

    Yields:
        A function to be called when a file is done.
    """
    started, done = time.monotonic(), 0
    bar: Progress | None = None

    def tick() -> None:
        nonlocal bar, done
        done += 1
        if bar is None and done < total and stream.isatty() and time.monotonic() - started >= patience:
            bar = _bar(total, stream)
        if bar is not None:
            bar.update(bar.task_ids[0], completed=done)

    try:
        yield tick
    finally:
        if bar is not None:
            bar.stop()


def _bar(total: int, stream: TextIO) -> Progress | None:
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:  # The extra "progress" is not installed.
        return None
    bar = Progress(console=Console(file=stream), transient=True)
    bar.add_task("nnx-fix", total=total)
    bar.start()
    return bar
