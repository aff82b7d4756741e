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
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_LOOK_S = 0.002


class Task:
    """A call, and the future of its result."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.future: Future[Any] = Future()
        self._call: Callable[[], Any] | None = call

    def carry_out(self) -> None:
        """Call, and let go of the call, which may hold a model, before anybody hears of the end."""
        if not self.future.set_running_or_notify_cancel():
            self._call = None
            return
        assert self._call is not None
        result, failure = None, None
        try:
            result = self._call()
        except BaseException as error:  # noqa: BLE001 - passed on to whoever awaits the result
            failure = error
        self._call = None
        if failure is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(failure)


class _Thread:
    """A thread that runs calls one after another until its last worker has left."""

    def __init__(self, place: str) -> None:
        self.calls: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self.workers = 0
        self._thread = threading.Thread(target=self._work, name=place, daemon=True)
        self._thread.start()

    async def ended(self, patience_s: float) -> None:
        """Wait until it has ended, at most about so long.

        It is counted in looks: on a machine that stood still, the thread had no chance.
        """
        for _ in range(round(patience_s / _LOOK_S)):
            if not self._thread.is_alive():
                return
            await asyncio.sleep(_LOOK_S)

    def _work(self) -> None:
        while (task := self.calls.get()) is not None:
            task.carry_out()
            del task  # it holds a result, and the next task may be a long way off


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
        task = Task(call)
        self._calls = {each for each in self._calls if not each.done()} | {task.future}
        self._thread.calls.put(task)
        return task.future

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
        try:
            async with asyncio.timeout(patience_s):
                await asyncio.gather(*calls, return_exceptions=True)
        except TimeoutError:
            return
        if last:
            await thread.ended(patience_s)


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


Put = Callable[[T], None]


async def from_thread(
    worker: Worker, work: Callable[[Put[T], threading.Event], None]
) -> AsyncIterator[T]:
    """Work in a thread, and yield what it puts; whoever stops listening sets its event."""
    loop = asyncio.get_running_loop()
    found: asyncio.Queue[tuple[T] | None] = asyncio.Queue()
    cancelled = threading.Event()

    def put(item: T) -> None:
        if not cancelled.is_set():
            loop.call_soon_threadsafe(found.put_nowait, (item,))

    ended = asyncio.wrap_future(worker.submit(lambda: work(put, cancelled)))
    ended.add_done_callback(lambda _: found.put_nowait(None))
    try:
        while (each := await found.get()) is not None:
            yield each[0]
        ended.result()
    finally:
        cancelled.set()
        ended.cancel()
