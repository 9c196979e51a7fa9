"""Handles signals that end a run: they wait while a file is replaced, and the run deletes its temporary files."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
"""What ends a run from outside; which of them there are depends on the system."""

_INTERRUPTING = (signal.SIGINT, *_ENDING)

STOP = getattr(signal, "SIGUSR1", signal.SIGINT)
"""How a run tells its workers to end; nobody who ends all processes of a job, such as a terminal, sends this one."""


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals back until something is done that must not be left half done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    previous = _set({*_INTERRUPTING, STOP}, lambda number, _: came.append(number))
    try:
        yield
    finally:
        _restore(previous)
        for number in came:
            signal.raise_signal(number)


@contextmanager
def ends_cleanly() -> Iterator[None]:
    """Let a run that is told to end leave through all of its ``finally``, with the exit code that shells expect.

    A signal that is ignored, as ``nohup`` does, stays ignored; one that somebody else handles is theirs.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = _set((number for number in _ENDING if signal.getsignal(number) == signal.SIG_DFL), _end)
    try:
        yield
    finally:
        _restore(previous)


@contextmanager
def blocked() -> Iterator[None]:
    """Let the system keep back what ends a run; there is no such thing on Windows."""
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def leave_to_parent() -> None:
    """Ignore what ends a run: a terminal, and whoever ends all processes of a job, tells workers and the run alike."""
    _set(_INTERRUPTING, signal.SIG_IGN)


_Handler = Callable[[int, "FrameType | None"], object] | int | signal.Handlers | None


def _set(numbers: Iterable[signal.Signals], handler: _Handler) -> dict[int, _Handler]:
    """Set a handler, and return what there was; what code in C handles cannot be put back, so it stays."""
    return {number: signal.signal(number, handler) for number in numbers if signal.getsignal(number) is not None}


def _restore(handlers: dict[int, _Handler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
