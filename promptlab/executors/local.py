"""Carry requests to backends from this process, each backend at its own pace.

A backend that fails for good ends alone: what is in flight there is still awaited, as it may have
been paid for, and the others continue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from promptlab.backends import Backend
from promptlab.core.errors import BackendError
from promptlab.core.types import Request
from promptlab.core.watch import Watch
from promptlab.executors import Work
from promptlab.executors.policy.calls import UNANSWERED, Calls
from promptlab.executors.policy.descriptors import allowed

_DRAIN_S = 30.0  # at most, for answers in flight when a run is interrupted
_POLL_S = 0.02


class LocalExecutor:
    """Runs as many asyncio tasks for each backend as it takes concurrent calls."""

    def __init__(self, jobs: int | None = None) -> None:
        """`jobs` is the number of calls in flight for each backend, overriding its own."""
        self._jobs = jobs

    async def execute(self, work: Work, backends: Mapping[str, Backend], watch: Watch) -> None:
        """Carry all of `work`; in the end raise what made a backend stop.

        When cancelled, it sends nothing more and waits for what is in flight, unless that takes too
        long or it is cancelled again.
        """
        calls = _bounded(
            {name: _calls_of(each, self._jobs) for name, each in backends.items()}, watch
        )
        lanes = [
            _Lane(work, watch, name, backend, calls[name]) for name, backend in backends.items()
        ]
        tasks = [asyncio.create_task(lane.serve()) for lane in lanes]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks:
                if task.done():
                    task.result()
        except asyncio.CancelledError:
            await _drain(watch, lanes)
            raise
        except BaseExceptionGroup as failures:
            raise _first(failures) from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for lane in lanes:
            if lane.failure is not None:
                raise lane.failure


async def _drain(watch: Watch, lanes: Sequence[_Lane]) -> None:
    """Wait for answers that are already paid for.

    Meanwhile the task does not count as being cancelled, so that whoever interrupts can tell that
    this may be cut short but what follows may not. It ends cancelled.
    """
    task, clock = asyncio.current_task(), asyncio.get_running_loop().time
    assert task is not None
    until = clock() + _DRAIN_S
    for lane in lanes:
        lane.end()
    task.uncancel()
    await asyncio.sleep(_POLL_S)  # calls that only waited for their turn leave
    if calls := sum(lane.in_flight for lane in lanes):
        watch.draining(calls)
    while clock() < until and any(lane.in_flight for lane in lanes):
        await asyncio.sleep(_POLL_S)
    task.cancel()
    await asyncio.sleep(0)


class _Lane:
    """The way to one backend: its tasks, its calls, and what ended it."""

    def __init__(self, work: Work, watch: Watch, name: str, backend: Backend, calls: int) -> None:
        self.failure: BackendError | None = None
        self._work = work
        self._watch = watch
        self._name = name
        self._backend = backend
        self._batch = backend.capacity.batch
        self._tasks = calls
        self._calls = Calls(work, watch, name, backend, calls)
        self._ended = False

    @property
    def in_flight(self) -> int:
        """Return how many calls are in flight whose answers only this lane will receive."""
        return self._calls.in_flight if self._batch == 1 else 0

    def end(self) -> None:
        """Send nothing more."""
        self._ended = True
        self._calls.end()

    async def serve(self) -> None:
        """Open the backend when there is a first request, and carry all requests."""
        requests = await self._take()
        if not requests:
            return
        self._watch.opening(self._name, self._backend.notice())
        try:
            facts = await self._backend.open()
        except BackendError as error:
            await self._stop(error)
            return
        self._work.keep_facts(self._name, facts)
        self._watch.opened(self._name)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._carry(requests))
            for _ in range(self._tasks - 1):
                group.create_task(self._carry(()))

    async def _stop(self, error: BackendError) -> None:
        """Send this backend nothing more."""
        if self.failure is None:
            self.failure = error
            self.end()
            self._watch.failed(self._name, error)
            await self._work.end(self._name, error)

    async def _take(self) -> Sequence[Request]:
        if self._ended:
            return ()
        return await self._work.take(self._name, self._batch)

    async def _carry(self, requests: Sequence[Request]) -> None:
        while requests or (requests := await self._take()):
            try:
                if self._batch == 1:
                    await self._answer(requests[0])
                else:
                    await self._answer_all(requests)
            except BackendError as error:
                await self._stop(error)
            requests = ()

    async def _answer(self, request: Request) -> None:
        completion = await self._calls.answer(request)
        if completion is not None:
            await self._work.give(self._name, request, completion)

    async def _answer_all(self, requests: Sequence[Request]) -> None:
        """Hand over a batch; a backend that takes batches schedules and retries by itself."""
        unanswered = {request.key: request for request in requests}
        async for request, completion in self._backend.generate(requests):
            del unanswered[request.key]
            await self._work.give(self._name, request, completion)
        for request in unanswered.values():
            await self._work.give(self._name, request, UNANSWERED)


def _calls_of(backend: Backend, jobs: int | None) -> int:
    """Return how many calls a backend gets at once; one that takes batches decides itself."""
    capacity = backend.capacity
    return jobs if jobs is not None and capacity.batch == 1 else capacity.calls


def _bounded(calls: Mapping[str, int], watch: Watch) -> Mapping[str, int]:
    """Return the calls of each backend, fewer if there are not enough files for all of them."""
    wanted = sum(calls.values())
    most, files = allowed(wanted)
    if most >= wanted:
        return calls
    watch.limited(most, wanted, files)
    return {name: max(1, number * most // wanted) for name, number in calls.items()}


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first failure that is not itself a group."""
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure


executor = LocalExecutor
