"""One request, asked until there is an answer: throttled, within the budget, retried, given up.

Every executor that makes calls one by one makes them so.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from promptlab.backends import Backend
from promptlab.core.failure import Fault
from promptlab.core.prices import likely_tokens
from promptlab.core.types import Completion, Outcome, Request
from promptlab.core.watch import Watch
from promptlab.executors import Work
from promptlab.executors.policy.give_up import Failed, GiveUp
from promptlab.executors.policy.retry import wait_before_retry
from promptlab.executors.policy.throttle import Throttle

UNANSWERED = Completion(Outcome.ERROR, error="the backend gave no answer to this request")

_PAUSE_S = 0.05  # between two looks at whether answers can be stored again


class Calls:
    """The calls of one backend, at most `calls` at once."""

    def __init__(self, work: Work, watch: Watch, name: str, backend: Backend, calls: int) -> None:
        self._work = work
        self._watch = watch
        self._name = name
        self._backend = backend
        self._patience = backend.capacity.patience
        self._paced = backend.capacity.pace.tokens_per_minute is not None
        self._clock = asyncio.get_running_loop().time
        self._throttle = Throttle(calls, backend.capacity.pace, self._clock)
        self._give_up = GiveUp(name, self._patience.limit_s, self._clock)
        self._ended = asyncio.Event()
        self._most = calls
        self._asked = 0  # requests at present, whether in flight or waiting to be tried again

    @property
    def in_flight(self) -> int:
        """Return how many calls were sent and not yet answered."""
        return self._throttle.active

    def end(self) -> None:
        """Send nothing more."""
        self._ended.set()
        self._throttle.end()

    async def answer(self, request: Request) -> Completion | None:
        """Ask until there is an answer, or no point in asking again; None if nothing may be sent.

        Raise BackendError where the backend is given up.
        """
        self._asked += 1
        try:
            return await self._answer(request)
        finally:
            self._asked -= 1

    async def _answer(self, request: Request) -> Completion | None:
        began, tries = self._clock(), 1
        while True:
            completion = await self._try(request)
            if completion is None or completion.failure is None:
                break
            elapsed = self._clock() - began
            wait = wait_before_retry(
                self._patience, completion.failure, tries, elapsed, request.key
            )
            self._give_up.check(
                Failed(request.key, completion.failure, completion.error, tries, wait is None),
                refuses_all=self._throttle.refuses_all,
                more=self._asked >= self._most,  # or a request would have taken the free place
            )
            if wait is None:
                break
            if self._ended.is_set() or not self._work.again(self._name):
                return None
            self._watch.waiting(self._name, _reason(completion, wait))
            if await self._ends_in(wait):
                return None
            tries += 1
        return None if completion is None else _with_tries(completion, tries)

    async def _try(self, request: Request) -> Completion | None:
        """Make one call when the throttle lets it in; None if nothing is to be sent any more."""
        tokens = likely_tokens(request) if self._paced else 0.0
        entry = await self._throttle.enter(tokens)
        completion = None
        try:
            await self._storable()
            if self._ended.is_set() or not self._work.confirm(self._name):
                return None
            async for _, answer in self._backend.generate((request,)):
                completion = answer
        finally:
            self._throttle.leave(entry, completion)
        if completion is None:
            return UNANSWERED
        self._give_up.heard(completion.failure)
        return completion

    async def _storable(self) -> None:
        """Wait while answers could not be stored, unless nothing more is to be sent."""
        while not (self._work.storable() or self._ended.is_set()):
            await self._ends_in(_PAUSE_S)

    async def _ends_in(self, seconds: float) -> bool:
        """Wait; return True at once if nothing more is to be sent."""
        try:
            async with asyncio.timeout(seconds):
                return await self._ended.wait()
        except TimeoutError:
            return False


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
