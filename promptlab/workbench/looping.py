"""Runs async work to completion, even inside a running event loop, as in a notebook."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from promptlab.workbench.interruption import Interruptible

Result = TypeVar("Result")
_PATIENCE_S = 60.0  # for answers in flight, and for storing what was measured


def run_to_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Run the work and return its result; in a separate thread if a loop is running here.

    On an interrupt the work is cancelled and ends before KeyboardInterrupt is raised.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        if threading.current_thread() is not threading.main_thread():
            return asyncio.run(work)
        with Interruptible() as interruptible:
            return interruptible.run(work)
    loop, future = asyncio.new_event_loop(), Future[Result]()
    task = loop.create_task(work)
    thread = threading.Thread(
        target=_run, args=(loop, task, future), name="promptlab work", daemon=True
    )
    thread.start()
    try:
        result = future.result()
    except KeyboardInterrupt:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(_PATIENCE_S)  # user-defined code that holds the loop hears nothing
        raise
    except BaseException:
        thread.join()
        raise
    thread.join()
    return result


def _run(
    loop: asyncio.AbstractEventLoop, task: asyncio.Task[Result], future: Future[Result]
) -> None:
    """Run a task to completion, and pass on its result or its exception."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            future.set_result(runner.run(_outcome(task)))
        except BaseException as error:  # noqa: BLE001 - re-raised in the calling thread
            future.set_exception(error)


async def _outcome(task: asyncio.Task[Result]) -> Result:
    return await task
