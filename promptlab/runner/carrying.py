"""How work is carried out between a store and its backends, whatever the work is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager

from promptlab.backends import Backend
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.watch import Watch
from promptlab.executors import Executor
from promptlab.runner.grading import Grading
from promptlab.runner.storing import settle, tell_locks
from promptlab.runner.trials import TrialWork
from promptlab.store import Writer


@asynccontextmanager
async def storing(writer: Writer, watch: Watch) -> AsyncIterator[ExitStack]:
    """Store what the writer is given meanwhile, and in the end all of it.

    What is put on the stack is done before that.
    """
    with writer:
        telling = asyncio.create_task(tell_locks(writer, watch))
        ending = ExitStack()
        try:
            yield ending
        finally:
            ending.close()
            try:
                await settle(writer, watch)
            finally:
                telling.cancel()


async def execute(
    executor: Executor,
    work: TrialWork,
    grading: Grading,
    backends: Mapping[str, Backend],
    watch: Watch,
) -> None:
    """Carry out the work and grade the results, even if a backend fails."""
    try:
        await executor.execute(work, backends, watch)
    except BackendError:
        await grading.finished()
        raise
    await grading.finished()


async def close_all(backends: Mapping[str, Backend], watch: Watch) -> None:
    """Close backends; failing to do so does not affect what was measured."""
    for name, backend in backends.items():
        try:
            await backend.close()
        except PromptlabError as error:
            watch.left_open(name, error)
