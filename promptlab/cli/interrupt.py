"""Ctrl-C and SIGTERM during a run: it is cancelled, and keeps what was measured.

A cancelled run waits for answers in flight, as they may be paid for. A second Ctrl-C drops them;
whoever sends SIGTERM will not wait long before killing the process.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Self, TypeVar

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 2
Result = TypeVar("Result")
_GRACE_S = 0.7  # for answers in flight, after SIGTERM


class Interruptible:
    """A stretch of the program in which an interruption is a cancellation.

    By default the second Ctrl-C would interrupt Python anywhere, even while results are being
    stored. Here it cancels again, unless the first one is still being handled; the third one ends
    the program at once, in case something hangs.
    """

    def __init__(self) -> None:
        self._signal_count = 0
        self._before: dict[signal.Signals, signal._HANDLER] = {}
        self._task: asyncio.Task[Any] | None = None

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if handler is not signal.SIG_IGN:  # the shell ignores Ctrl-C in the background
                self._before[number] = handler
                signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, work: Coroutine[None, None, Result]) -> Result:
        """Do the work and return its result; raise KeyboardInterrupt if it was interrupted."""
        try:
            return asyncio.run(self._do(work))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    async def _do(self, work: Coroutine[None, None, Result]) -> Result:
        self._task = asyncio.current_task()
        try:
            return await work
        finally:
            self._task = None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signal_count += 1
        if self._signal_count > _PATIENCE or (self._signal_count == 1 and self._task is None):
            raise KeyboardInterrupt
        if self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._cancel, number)

    def _cancel(self, number: int) -> None:
        """Cancel the work unless that is under way; after SIGTERM, soon cancel again."""
        if self._task is None:
            return
        if not self._task.cancelling():
            self._task.cancel()
        if number == signal.SIGTERM:
            self._task.get_loop().call_later(_GRACE_S, self._cancel, signal.SIGINT)
