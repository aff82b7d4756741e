"""Threads for calls that may never return: they take one call after another, and none is joined.

To start a thread takes longer than most scorers of users. A call that never returns keeps its
thread, and the next one gets another. The threads end with the process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from queue import SimpleQueue

Work = Callable[[], Callable[[], None]]
"""What a thread does. It returns what to call once the thread is free again."""


class _Worker:
    """A thread that takes work, and waits among those that are idle until there is more."""

    def __init__(self, idle: list[_Worker]) -> None:
        self._idle = idle
        self._work: Work | None = None
        self._woken: SimpleQueue[None] = SimpleQueue()
        threading.Thread(target=self._serve, name="promptlab plugin", daemon=True).start()

    def take(self, work: Work) -> None:
        """Have work done; the worker must be idle."""
        self._work = work
        self._woken.put(None)

    def _serve(self) -> None:
        while True:
            # A time limit of the user's own may throw something into this thread, and come too
            # late: that must not cost the work of the next call.
            with suppress(BaseException):
                while True:  # within: it may come wherever Python code runs
                    while self._work is None:
                        self._woken.get()
                    self._do(self._work)

    def _do(self, work: Work) -> None:
        try:
            finish = Context().run(work)
        finally:
            self._work = None
        self._idle.append(self)  # first: what waits for this call may start the next one
        finish()


_idle: dict[int, list[_Worker]] = {}
"""The idle workers by the number of their process: one that was forked has no threads of these."""


def in_thread(work: Work) -> None:
    """Have `work` done in a thread and a context of its own, now; it must raise nothing."""
    idle = _idle.setdefault(os.getpid(), [])
    worker = idle.pop() if idle else _Worker(idle)
    worker.take(work)
