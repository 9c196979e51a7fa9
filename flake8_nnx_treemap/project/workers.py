"""Shares work among forked processes, without threads, so that a process that dies keeps nobody waiting.

``multiprocessing`` starts new Pythons on most systems. They look for modules in the current folder first, which holds
the code that is checked. It also needs threads, and these end silently if there are no file handles left.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flake8_nnx_treemap.project.signals import STOP, blocked, leave_to_parent

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_LENGTH = struct.Struct("!Q")
_CHUNK = 1 << 16


def may_share() -> bool:
    """Whether there may be more than one process: a fork copies locks, but not the threads that would open them."""
    import threading

    return hasattr(os, "fork") and threading.active_count() == 1


def shared(
    work: Callable[[_Item], _Result], items: Sequence[_Item], count: int, lost: Callable[[_Item, str], _Result]
) -> Iterator[_Result]:
    """Do the same with many things, in several processes.

    Args:
        work: what to do with each; its results must be picklable.
        items: the things.
        count: how many processes; where the system gives fewer, their share is done here.
        lost: the result for a thing whose process died over it, and how that died.

    Yields:
        The results, in the items' order.
    """
    workers: list[_Worker | None] = []
    try:
        for start in range(count):
            # Neighbours are alike in size, so each takes every second one, or every third: equal work for all.
            workers.append(_start(work, items[start::count], workers))
        for index, item in enumerate(items):
            worker = workers[index % count]
            if worker is None:
                yield work(item)
            elif _wait_for(worker, workers):
                yield worker.results.popleft()
            else:
                workers[index % count] = None
                yield lost(item, worker.outcome())
    finally:
        for worker in workers:
            if worker is not None:
                worker.end()
                worker.outcome()


@dataclass(slots=True)
class _Worker:
    """A process, and what it has said."""

    process: int
    reading: int
    """Where its results come out of a pipe, each with its length before it."""
    data: bytearray = field(default_factory=bytearray)
    results: deque[Any] = field(default_factory=deque)
    has_ended: bool = False

    def hear(self) -> None:
        """Take in what has come out of the pipe."""
        chunk = os.read(self.reading, _CHUNK)
        self.has_ended = not chunk
        self.data += chunk
        while len(self.data) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self.data)
            end = _LENGTH.size + length
            if len(self.data) < end:
                break
            self.results.append(pickle.loads(self.data[_LENGTH.size : end]))
            del self.data[:end]

    def end(self) -> None:
        """Tell the process to end; it finishes what it is putting in place."""
        with suppress(ProcessLookupError):
            os.kill(self.process, STOP)

    def outcome(self) -> str:
        """Wait for its end, and say what it came to."""
        os.close(self.reading)
        _, status = os.waitpid(self.process, 0)
        code = os.waitstatus_to_exitcode(status)
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def _start(work: Callable[[Any], Any], items: Sequence[Any], others: Sequence[_Worker | None]) -> _Worker | None:
    """Start a process; ``None`` if there is none to be had."""
    try:
        reading, writing = os.pipe()
    except OSError:
        return None
    with blocked():  # A handler of the run's must not be called in the worker.
        try:
            process = os.fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            return None
        if not process:
            leave_to_parent()
    if process:
        os.close(writing)
        return _Worker(process, reading)
    code = 1
    try:
        for handle in (reading, *(other.reading for other in others if other is not None)):
            os.close(handle)  # Whoever holds one keeps others from learning that nobody listens any more.
        _work_through(work, items, writing)
        code = 0
    finally:
        os._exit(code)


def _work_through(work: Callable[[Any], Any], items: Sequence[Any], writing: int) -> None:
    with suppress(BrokenPipeError), open(writing, "wb") as pipe:
        for item in items:
            said = pickle.dumps(work(item), pickle.HIGHEST_PROTOCOL)
            pipe.write(_LENGTH.pack(len(said)) + said)
            pipe.flush()


def _wait_for(wanted: _Worker, workers: Sequence[_Worker | None]) -> bool:
    """Listen to all, so that none waits, until one has a result; whether it has."""
    by_handle = {worker.reading: worker for worker in workers if worker is not None and not worker.has_ended}
    poll = select.poll()
    for handle in by_handle:
        poll.register(handle, select.POLLIN)
    while not wanted.results and not wanted.has_ended:
        for handle, _ in poll.poll():
            by_handle[handle].hear()
            if by_handle[handle].has_ended:
                poll.unregister(handle)
    return bool(wanted.results)
