"""Carry requests to backends from this process, each backend at its own pace.

A backend that fails for good ends alone: what is in flight there is still awaited, as it may have
been paid for, and the others continue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from promptlab.backends import Backend
from promptlab.core.errors import BackendError
from promptlab.core.failure import Failure, Fault
from promptlab.core.prices import likely_tokens
from promptlab.core.types import Completion, Outcome, Request
from promptlab.core.watch import Watch
from promptlab.executors import Work
from promptlab.executors.policy.retry import wait_before_retry
from promptlab.executors.policy.throttle import Throttle

UNANSWERED = Completion(Outcome.ERROR, error="the backend gave no answer to this request")
_DRAIN_S = 30.0  # at most, for answers in flight when a run is interrupted
_POLL_S = 0.02
_TRIES_TO_REACH = 3  # for a server that has never answered: report a wrong address soon
_NO_ANSWER = (Fault.UNREACHABLE, Fault.UNREADABLE)  # as from a wrong address


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
        lanes = [
            _Lane(work, watch, name, backend, _calls_of(backend, self._jobs))
            for name, backend in backends.items()
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
    """The way to one backend: its tasks, its throttle, and what ended it."""

    def __init__(self, work: Work, watch: Watch, name: str, backend: Backend, calls: int) -> None:
        self.failure: BackendError | None = None
        self._work = work
        self._watch = watch
        self._name = name
        self._backend = backend
        self._capacity = backend.capacity
        self._calls = calls
        self._clock = asyncio.get_running_loop().time
        self._throttle = Throttle(self._calls, self._capacity.pace, self._clock)
        self._paced = self._capacity.pace.tokens_per_minute is not None
        self._ended = asyncio.Event()
        self._answered_at: float | None = None

    @property
    def in_flight(self) -> int:
        """Return how many calls are in flight whose answers only this lane will receive."""
        return self._throttle.active if self._capacity.batch == 1 else 0

    def end(self) -> None:
        """Send nothing more."""
        self._ended.set()
        self._throttle.end()

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
            for _ in range(self._calls - 1):
                group.create_task(self._carry(()))

    async def _stop(self, error: BackendError) -> None:
        """Send this backend nothing more."""
        if self.failure is None:
            self.failure = error
            self.end()
            self._watch.failed(self._name, error)
            await self._work.end(self._name, error)

    async def _take(self) -> Sequence[Request]:
        if self._ended.is_set():
            return ()
        return await self._work.take(self._name, self._capacity.batch)

    async def _carry(self, requests: Sequence[Request]) -> None:
        while requests or (requests := await self._take()):
            try:
                if self._capacity.batch == 1:
                    await self._answer(requests[0])
                else:
                    await self._answer_all(requests)
            except BackendError as error:
                await self._stop(error)
            requests = ()

    async def _answer_all(self, requests: Sequence[Request]) -> None:
        """Hand over a batch; a backend that takes batches schedules and retries by itself."""
        unanswered = {request.key: request for request in requests}
        async for request, completion in self._backend.generate(requests):
            del unanswered[request.key]
            await self._work.give(self._name, request, completion)
        for request in unanswered.values():
            await self._work.give(self._name, request, UNANSWERED)

    async def _answer(self, request: Request) -> None:
        """Ask until there is an answer, or no point in asking again."""
        began, tries = self._clock(), 1
        while True:
            completion = await self._try(request)
            if completion is None:
                return
            if completion.failure is None:
                break
            elapsed = self._clock() - began
            wait = wait_before_retry(
                self._capacity.patience, completion.failure, tries, elapsed, request.key
            )
            self._give_up_if_unreachable(
                completion.failure, completion.error, tries, last=wait is None
            )
            self._give_up_if_refused(completion.failure, completion.error, last=wait is None)
            if wait is None:
                break
            if self._ended.is_set() or not self._work.again(self._name):
                return
            self._watch.waiting(self._name, _reason(completion, wait))
            if await self._ends_in(wait):
                return
            tries += 1
        await self._work.give(self._name, request, _with_tries(completion, tries))

    async def _try(self, request: Request) -> Completion | None:
        """Make one call when the throttle lets it in; None if nothing is to be sent any more."""
        tokens = likely_tokens(request) if self._paced else 0.0
        entry = await self._throttle.enter(tokens)
        completion = None
        try:
            if self._ended.is_set() or not self._work.confirm(self._name):
                return None
            async for _, answer in self._backend.generate((request,)):
                completion = answer
        finally:
            self._throttle.leave(entry, completion)
        if completion is None:
            return UNANSWERED
        if completion.failure is None or completion.failure.fault not in _NO_ANSWER:
            self._answered_at = self._clock()
        return completion

    def _give_up_if_unreachable(
        self, failure: Failure, error: str | None, tries: int, *, last: bool
    ) -> None:
        """Raise BackendError if not just this request but the whole server has failed.

        An unreadable reply is not a reason if other replies could be read.
        """
        if failure.fault is Fault.UNREADABLE:
            if self._answered_at is None and tries >= _TRIES_TO_REACH:
                raise BackendError(
                    f"backend {self._name!r} sends no readable reply: {error}",
                    hint="check base_url, then resume the run",
                )
            return
        if failure.fault is not Fault.UNREACHABLE:
            return
        if self._answered_at is None:
            unreachable = last or tries >= _TRIES_TO_REACH
        else:
            silent_s = self._clock() - self._answered_at
            unreachable = last and silent_s > self._capacity.patience.limit_s / 2
        if unreachable:
            raise BackendError(
                f"backend {self._name!r} cannot be reached: {error}",
                hint="start the server or check base_url, then resume the run",
            )

    def _give_up_if_refused(self, failure: Failure, error: str | None, *, last: bool) -> None:
        """Raise BackendError if a server refuses everything for longer than the time limit."""
        if failure.fault is not Fault.BUSY or not self._throttle.refuses_all:
            return
        wait_s, limit_s = failure.wait_s or 0.0, self._capacity.patience.limit_s
        if wait_s > limit_s:
            raise BackendError(
                f"backend {self._name!r} asks to be left alone for {wait_s:.0f} s: {error}",
                hint=f"resume the run after that; it waits at most time_limit_s, {limit_s:g} s",
            )
        if last:
            raise BackendError(
                f"backend {self._name!r} refuses every call: {error}",
                hint=f"resume the run later; it waited for time_limit_s, {limit_s:g} s",
            )

    async def _ends_in(self, seconds: float) -> bool:
        """Wait; return True at once if nothing more is to be sent."""
        try:
            async with asyncio.timeout(seconds):
                return await self._ended.wait()
        except TimeoutError:
            return False


def _calls_of(backend: Backend, jobs: int | None) -> int:
    """Return how many calls a backend gets at once; one that takes batches decides itself."""
    capacity = backend.capacity
    return jobs if jobs is not None and capacity.batch == 1 else capacity.calls


def _with_tries(completion: Completion, tries: int) -> Completion:
    if completion.failure is None or tries == 1:
        return completion
    return replace(completion, error=f"{completion.error} (the last of {tries} tries)")


def _reason(completion: Completion, wait_s: float) -> str:
    """Return why a call waits."""
    seconds = f"{max(wait_s, 1.0):.0f} s"
    if completion.failure is not None and completion.failure.fault is Fault.BUSY:
        return f"busy, waiting {seconds}"
    return f"retrying in {seconds}: {completion.error}"


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first failure that is not itself a group."""
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure


executor = LocalExecutor
