"""Runs async work to its end, also where an event loop is running already, as in a notebook."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Made = TypeVar("Made")


def run_to_end(work: Coroutine[Any, Any, Made]) -> Made:
    """Run the work and return what it made; in a thread of its own where a loop is running here.

    Interrupted, the work is cancelled and ends before KeyboardInterrupt is raised.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    loop, made = asyncio.new_event_loop(), Future[Made]()
    task = loop.create_task(work)
    thread = threading.Thread(target=_run, args=(loop, task, made), name="promptlab work")
    thread.start()
    try:
        return made.result()
    except KeyboardInterrupt:
        loop.call_soon_threadsafe(task.cancel)
        raise
    finally:
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Made], made: Future[Made]) -> None:
    """Run a task to its end, and hand over what it made or raised."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            made.set_result(runner.run(_outcome(task)))
        except BaseException as error:  # noqa: BLE001 - it is raised where the work was asked for
            made.set_exception(error)


async def _outcome(task: asyncio.Task[Made]) -> Made:
    return await task
