"""Threads for long work, so that the event loop stays free.

The program waits for asyncio's own threads when it ends, which a running model could delay by
minutes; these are daemons and are left behind. Workers of the same place share a thread: models
that compute on the same cores at the same time are no faster than one after another, and each
would count on memory that the others are about to take.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

_LOOK_S = 0.002


class _Thread:
    """A thread that runs calls one after another until its last worker has left."""

    def __init__(self, place: str) -> None:
        self.calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.workers = 0
        self._thread = threading.Thread(target=self._work, name=place, daemon=True)
        self._thread.start()

    async def ended(self) -> None:
        """Wait until it has ended."""
        while self._thread.is_alive():
            await asyncio.sleep(_LOOK_S)

    def _work(self) -> None:
        while (call := self.calls.get()) is not None:
            call()
            del call  # it holds a model, and the next call may be a long way off


_THREADS: dict[str, _Thread] = {}
_LOCK = threading.Lock()


class Worker:
    """Runs calls one after another, never at the same time as another worker of its place.

    It joins its thread with the first call and leaves it when stopped.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._thread: _Thread | None = None
        self._calls: set[Future[Any]] = set()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Queue a call and return the future of its result."""
        if self._thread is None:
            self._thread = _enter(self._place)
        future: Future[T] = Future()
        self._calls = {each for each in self._calls if not each.done()} | {future}
        self._thread.calls.put(lambda: _settle(future, call))
        return future

    async def run(self, call: Callable[[], T]) -> T:
        """Run a call in the thread and await its result."""
        return await asyncio.wrap_future(self.submit(call))

    async def stop(self, patience_s: float) -> None:
        """Leave the thread; wait briefly for the calls made here, and drop the rest.

        The C++ runtime may abort a program that ends while the thread computes or is about to end:
        the last worker to leave waits for the thread as well.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        last = _leave(self._place, thread)
        calls = [asyncio.wrap_future(call) for call in self._calls if not call.done()]
        self._calls = set()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await asyncio.gather(*calls, return_exceptions=True)
                if last:
                    await thread.ended()


async def run_apart(place: str, call: Callable[[], T]) -> T:
    """Run a call in its own thread and await the result."""
    worker = Worker(place)
    try:
        return await worker.run(call)
    finally:
        await worker.stop(0)


def _enter(place: str) -> _Thread:
    with _LOCK:
        thread = _THREADS.get(place)
        if thread is None:
            thread = _THREADS[place] = _Thread(place)
        thread.workers += 1
        return thread


def _leave(place: str, thread: _Thread) -> bool:
    """Leave the thread; return whether that was its last worker, which ends it."""
    with _LOCK:
        thread.workers -= 1
        if thread.workers:
            return False
        del _THREADS[place]
        thread.calls.put(None)
        return True


def _settle(future: Future[T], call: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - passed on to whoever awaits the result
        future.set_exception(error)
