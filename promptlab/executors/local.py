"""Carry requests to backends from this process, each backend at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from promptlab.backends import Backend
from promptlab.executors import Work
from promptlab.types import Completion, Outcome, Request

UNANSWERED = Completion(Outcome.ERROR, error="the backend gave no answer to this request")


class LocalExecutor:
    """One asyncio task for each call that a backend takes side by side."""

    async def execute(self, work: Work, backends: Mapping[str, Backend]) -> None:
        """Carry all of `work`; the first failure of a backend ends the others and is raised."""
        try:
            async with asyncio.TaskGroup() as group:
                for name, backend in backends.items():
                    group.create_task(_serve(work, name, backend))
        except BaseExceptionGroup as failures:
            raise _first(failures) from None


async def _serve(work: Work, name: str, backend: Backend) -> None:
    requests = await work.take(name, backend.capacity.batch)
    if not requests:
        return
    work.opening(name)
    work.opened(name, await backend.open())
    async with asyncio.TaskGroup() as group:
        group.create_task(_carry(work, name, backend, requests))
        for _ in range(backend.capacity.calls - 1):
            group.create_task(_carry(work, name, backend, ()))


async def _carry(work: Work, name: str, backend: Backend, requests: Sequence[Request]) -> None:
    if requests:
        await _generate(work, name, backend, requests)
    while requests := await work.take(name, backend.capacity.batch):
        await _generate(work, name, backend, requests)


async def _generate(work: Work, name: str, backend: Backend, requests: Sequence[Request]) -> None:
    unanswered = {request.key: request for request in requests}
    async for request, completion in backend.generate(requests):
        del unanswered[request.key]
        await work.give(name, request, completion)
    for request in unanswered.values():
        await work.give(name, request, UNANSWERED)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Find the first failure that is no group itself."""
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure


executor = LocalExecutor
