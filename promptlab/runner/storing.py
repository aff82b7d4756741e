"""How a run waits while another program has the database locked: it tells, and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from promptlab.core.errors import StoreBusy
from promptlab.core.watch import Watch
from promptlab.store import Store, Writer

_PAUSE_S = 0.02
_TELL_S = 0.5  # a lock that is held for less is no news


async def tell_locks(writer: Writer, watch: Watch) -> None:
    """Tell for how long the writer has been waiting, until this is cancelled."""
    while True:
        await asyncio.sleep(_TELL_S)
        if (seconds := writer.locked_s) > _TELL_S:
            watch.locked(seconds, writer.waiting)


async def settle(writer: Writer, watch: Watch) -> None:
    """Wait until all that was put is stored; an interruption after a first one drops it.

    Meanwhile the task does not count as being cancelled, so that whoever interrupts can tell that
    this may be cut short but what follows may not.
    """
    task = asyncio.current_task()
    assert task is not None
    interruptions = before = task.cancelling()
    while task.cancelling():
        task.uncancel()
    writer.finish()
    while not writer.ended:
        try:
            await asyncio.sleep(_PAUSE_S)
        except asyncio.CancelledError:
            task.uncancel()
            interruptions += 1
            if interruptions > 1:
                writer.drop()
            else:
                watch.unstored(writer.waiting)
    if interruptions:
        await _cancelled(task)
    if interruptions and not before:
        raise asyncio.CancelledError


async def _cancelled(task: asyncio.Task[object]) -> None:
    """Let a task count as being cancelled, though what it does next goes on."""
    task.cancel()
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        return


async def when_free(store: Store, write: Callable[[], None], watch: Watch) -> None:
    """Write to the store; while another program has it locked, tell and try again."""
    clock = asyncio.get_running_loop().time
    began = clock()
    while True:
        try:
            with store.at_once():
                return write()
        except StoreBusy:
            watch.locked(clock() - began, 1)
            await asyncio.sleep(_PAUSE_S)
