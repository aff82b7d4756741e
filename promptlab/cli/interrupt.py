"""Ctrl-C and SIGTERM while a run goes on: it is cancelled and still keeps what was measured."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from types import FrameType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 2


class Interruptible:
    """A stretch of the program in which an interruption is a cancellation.

    By default the second Ctrl-C strikes wherever Python stands, and would tear the storing apart.
    Here the second one is waited out; the third ends at once, should something hang.
    """

    def __init__(self) -> None:
        self._heard = 0
        self._before: dict[signal.Signals, signal._HANDLER] = {}
        self._cancel: Callable[[], object] | None = None

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

    def run(self, work: Coroutine[None, None, None]) -> None:
        """Do the work. Raise KeyboardInterrupt where it was interrupted."""
        try:
            asyncio.run(self._do(work))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    async def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._cancel = partial(asyncio.get_running_loop().call_soon_threadsafe, task.cancel)
        try:
            await work
        finally:
            self._cancel = None

    def _hear(self, _: int, frame: FrameType | None) -> None:
        self._heard += 1
        if self._heard == 1 and self._cancel is not None:
            self._cancel()
        elif self._heard == 1 or self._heard > _PATIENCE:
            raise KeyboardInterrupt
