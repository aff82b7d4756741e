"""Ctrl-C and SIGTERM during async work: it is cancelled, and keeps what was measured.

A cancelled run waits for answers in flight, as they may be paid for. A second Ctrl-C drops them;
whoever sends SIGTERM will not wait long before killing the process. User-defined code that holds
the event loop hears of none of this. A timer of the operating system, which needs no loop, then
interrupts that code, and ends the process if the code goes on regardless. Our own work is never
ended so: it may be waiting for the disk.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Self, TypeVar

from promptlab.core.foreign import in_user_code

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 2
Result = TypeVar("Result")
_GRACE_S = 0.7  # for answers in flight, after SIGTERM
_DEAF_S = 1.5  # without a sign of the event loop: then whatever holds it is interrupted
_ATTEMPTS = 2  # at interrupting it, before the process is ended
_TIMER: int | None = getattr(signal, "ITIMER_REAL", None)  # Windows has none


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
        self._heard = False
        self._attempts = 0

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if handler is not signal.SIG_IGN:  # the shell ignores Ctrl-C in the background
                self._before[number] = handler
                signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        if _TIMER is not None and signal.SIGALRM in self._before:
            signal.setitimer(_TIMER, 0)
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
            self._watch()

    def _watch(self) -> None:
        """From now on, look again and again whether the event loop goes on.

        It is asked for its first sign at once: without one, the first look would interrupt whatever
        user-defined code runs at that moment, and lose its answer.
        """
        if _TIMER is not None and signal.SIGALRM not in self._before:
            if self._task is not None:
                self._task.get_loop().call_soon_threadsafe(self._hear)
            self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._on_timer)
            signal.setitimer(_TIMER, _DEAF_S, _DEAF_S)

    def _on_timer(self, number: int, frame: FrameType | None) -> None:
        """Interrupt user-defined code that has held the loop since the last time."""
        held = not self._heard and in_user_code()
        self._heard = False
        if self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._hear)
        if not held:
            return
        self._attempts += 1
        if self._attempts > _ATTEMPTS:  # what was put to be stored has long been stored
            os.write(2, b"interrupted: user-defined code does not end; promptlab resume goes on\n")
            os._exit(130)
        raise KeyboardInterrupt

    def _hear(self) -> None:
        self._heard = True

    def _cancel(self, number: int) -> None:
        """Cancel the work unless that is under way; after SIGTERM, soon cancel again."""
        if self._task is None:
            return
        if not self._task.cancelling():
            self._task.cancel()
        if number == signal.SIGTERM:
            self._task.get_loop().call_later(_GRACE_S, self._cancel, signal.SIGINT)
