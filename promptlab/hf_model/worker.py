"""One thread that does long work, so that the event loop stays free.

asyncio's own threads are waited for when the program ends, which a running model could delay by
minutes; this one is a daemon, and is left behind.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """A thread that runs one call after another. It starts with the first."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Queue a call and return what will hold its result."""
        if self._thread.ident is None:
            self._thread.start()
        future: Future[T] = Future()
        self._calls.put(lambda: _settle(future, call))
        return future

    async def run(self, call: Callable[[], T]) -> T:
        """Run a call in the thread and await its result."""
        return await asyncio.wrap_future(self.submit(call))

    async def stop(self, patience_s: float) -> None:
        """Let the thread end after the calls it has, and wait for that, but not for long.

        A program that ends while this thread computes may be aborted by the C++ runtime.
        """
        if self._thread.ident is None:
            return
        rest = asyncio.wrap_future(self.submit(lambda: None))
        self._calls.put(None)
        await asyncio.wait([rest], timeout=patience_s)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _settle(future: Future[T], call: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - handed on to the one who awaits
        future.set_exception(error)
