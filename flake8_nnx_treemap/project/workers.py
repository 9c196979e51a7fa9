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

    Each process takes neighbours together, since files of one folder read the same other modules, and takes more when
    it is through with them.

    Args:
        work: what to do with each; its results must be picklable.
        items: the things.
        count: how many processes; there may be fewer, or none, if the system gives no more.
        lost: the result for a thing whose process died over it, and how that died.

    Yields:
        The results, in the items' order.
    """
    results: dict[int, _Result] = {}
    workers = _start_all(work, items, count)
    try:
        for index, item in enumerate(items):
            while index not in results and _may_come(index, workers):
                _hear(workers, results, lambda of, how: lost(items[of], how))
            yield results.pop(index) if index in results else work(item)
    finally:
        for worker in workers:
            if not worker.has_ended:
                worker.end()
                worker.outcome()


def _start_all(work: Callable[[Any], Any], items: Sequence[Any], count: int) -> list[_Worker]:
    """Start processes that take groups of items until there are none left; as many as can be had."""
    groups = [*_groups(len(items), count)]
    workers: list[_Worker] = []
    try:
        taking, giving = os.pipe()
    except OSError:
        return workers
    try:
        os.write(giving, bytes(range(len(groups))))  # Whoever reads a byte takes that group; nobody else reads it too.
        os.close(giving)
        for _ in range(count):
            worker = _start(lambda pipe: _work_through(work, items, groups, taking, pipe), workers)
            if worker is None:
                break
            workers.append(worker)
    finally:
        os.close(taking)
    return workers


def _groups(length: int, count: int) -> Iterator[range]:
    """Yield groups of neighbours, large ones first, so that all processes are through at about the same time."""
    start = 0
    while start < length:
        stop = start + max((length - start) // (2 * count), length // _MOST_GROUPS + 1)
        yield range(start, min(stop, length))
        start = stop


_MOST_GROUPS = 255
"""A byte stands for each."""


def _may_come(index: int, workers: Sequence[_Worker]) -> bool:
    """Tell whether a result may still come: not if the process that took the item has died, or all have ended."""
    return any(not worker.has_ended for worker in workers) and not any(
        worker.has_ended and index in worker.doing for worker in workers
    )


@dataclass(slots=True)
class _Worker:
    """A process, and what it has said."""

    process: int
    reading: int
    """Where its messages come out of a pipe, each with its length before it."""
    data: bytearray = field(default_factory=bytearray)
    doing: range = range(0)
    """What it has taken, and not answered yet."""
    has_ended: bool = False

    def messages(self) -> Iterator[Any]:
        """Yield what has come out of the pipe."""
        chunk = os.read(self.reading, _CHUNK)
        self.has_ended = not chunk
        self.data += chunk
        while len(self.data) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self.data)
            end = _LENGTH.size + length
            if len(self.data) < end:
                break
            yield pickle.loads(self.data[_LENGTH.size : end])
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


def _start(work: Callable[[int], None], others: Sequence[_Worker]) -> _Worker | None:
    """Start a process that writes its messages to a pipe; ``None`` if there is none to be had."""
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
        for handle in (reading, *(other.reading for other in others)):
            os.close(handle)  # Whoever holds one keeps others from learning that nobody listens any more.
        work(writing)
        code = 0
    finally:
        os._exit(code)


def _work_through(
    work: Callable[[Any], Any], items: Sequence[Any], groups: Sequence[range], taking: int, writing: int
) -> None:
    with suppress(BrokenPipeError), open(writing, "wb") as pipe:

        def say(message: object) -> None:
            said = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
            pipe.write(_LENGTH.pack(len(said)) + said)
            pipe.flush()

        while taken := os.read(taking, 1):
            say(groups[taken[0]])
            for index in groups[taken[0]]:
                say((index, work(items[index])))


def _hear(workers: Sequence[_Worker], results: dict[int, _Result], lost: Callable[[int, str], _Result]) -> None:
    """Wait until a process says something, or ends, and note what comes of it."""
    by_handle = {worker.reading: worker for worker in workers if not worker.has_ended}
    poll = select.poll()
    for handle in by_handle:
        poll.register(handle, select.POLLIN)
    for handle, _ in poll.poll():
        worker = by_handle[handle]
        for message in worker.messages():
            if isinstance(message, range):
                worker.doing = message
            else:
                index, results[index] = message
                worker.doing = range(index + 1, worker.doing.stop)
        if worker.has_ended:
            how = worker.outcome()
            if worker.doing:
                results[worker.doing.start] = lost(worker.doing.start, how)
