"""Ctrl-C and SIGTERM while a run goes on: it is cancelled and still keeps what was measured.

A run that is cancelled waits for answers that may be paid for. Who presses Ctrl-C again does not
want them; who sends SIGTERM will not wait long, and soon kills.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Self, TypeVar

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 2
Made = TypeVar("Made")
_GRACE_S = 0.7  # for answers in flight, after SIGTERM


class Interruptible:
    """A stretch of the program in which an interruption is a cancellation.

    By default the second Ctrl-C strikes wherever Python stands, and would tear the storing apart.
    Here the second one cancels again, unless the first one is still being obeyed; the third ends at
    once, should something hang.
    """

    def __init__(self) -> None:
        self._heard = 0
        self._before: dict[signal.Signals, signal._HANDLER] = {}
        self._task: asyncio.Task[Any] | None = None

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if handler is not signal.SIG_IGN:  # the shell ignores Ctrl-C in the background
                self._before[number] = handler
                signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, work: Coroutine[None, None, Made]) -> Made:
        """Do the work and return what it made. Raise KeyboardInterrupt where it was interrupted."""
        try:
            return asyncio.run(self._do(work))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    async def _do(self, work: Coroutine[None, None, Made]) -> Made:
        self._task = asyncio.current_task()
        try:
            return await work
        finally:
            self._task = None

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._heard += 1
        if self._heard > _PATIENCE or (self._heard == 1 and self._task is None):
            raise KeyboardInterrupt
        if self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._cancel, number)

    def _cancel(self, number: int) -> None:
        """Cancel the work unless it is being cancelled; after SIGTERM soon once more."""
        if self._task is None:
            return
        if not self._task.cancelling():
            self._task.cancel()
        if number == signal.SIGTERM:
            self._task.get_loop().call_later(_GRACE_S, self._cancel, signal.SIGINT)
