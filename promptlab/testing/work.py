"""What executors are tested with: work that is all there, backends that record their calls."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence

from promptlab.backends import Capacity, Patience
from promptlab.backends.echo import Echo, Options
from promptlab.core.errors import BackendError
from promptlab.core.failure import Failure, Fault
from promptlab.core.types import Completion, Json, Message, Outcome, Request, Sampling
from promptlab.core.watch import NullWatch

PATIENT = Patience(retries=3, limit_s=60)


class Paced(Echo):
    """An echo that records how much it gets at once, and may skip a request or break down."""

    def __init__(
        self, calls: int = 3, batch: int = 2, skips: str = "", breaks: bool = False
    ) -> None:
        super().__init__(None, Options())
        self.most_calls = self.most_requests = self.opened = self._calls = 0
        self._capacity = Capacity(calls, batch)
        self._skips = skips
        self._breaks = breaks

    @property
    def capacity(self) -> Capacity:
        return self._capacity

    async def open(self) -> Mapping[str, Json]:
        self.opened += 1
        return {"device": "paper"}

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        self._calls += 1
        self.most_calls = max(self.most_calls, self._calls)
        self.most_requests = max(self.most_requests, len(requests))
        await asyncio.sleep(0.001)
        if self._breaks:
            raise BackendError("the model fell over")
        for request in requests:
            if request.key != self._skips:
                yield request, Completion(Outcome.OK, request.key)
        self._calls -= 1


class Witness(NullWatch):
    """Records the events of an executor."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def opening(self, backend: str, notice: str | None) -> None:
        self.events.append(f"opening {backend}")

    def opened(self, backend: str) -> None:
        self.events.append(f"opened {backend}")

    def failed(self, backend: str, error: BackendError) -> None:
        self.events.append(f"failed {backend}: {error}")

    def waiting(self, backend: str, text: str) -> None:
        self.events.append(f"{backend}: {text}")

    def draining(self, calls: int) -> None:
        self.events.append(f"{calls} in flight")


class Pile:
    """Work that is all there from the start, and a second piece for every first one."""

    def __init__(self, **numbers: int) -> None:
        self.left = {
            name: deque(make_request(f"{name}-{place}") for place in range(number))
            for name, number in numbers.items()
        }
        self.in_flight = Counter[str]()
        self.changed = asyncio.Event()
        self.given: dict[str, list[Completion]] = {}
        self.facts: dict[str, Mapping[str, Json]] = {}
        self.repeated = Counter[str]()
        self.spent = False
        self.out_of_money: set[str] = set()
        self.broken: dict[str, BackendError] = {}
        self.full_until = 0.0  # by the clock of the event loop: until then nothing can be stored
        self.watch = Witness()

    async def take(self, backend: str, limit: int) -> Sequence[Request]:
        while not self.left[backend] and self.in_flight[backend] and not self.broken:
            self.changed.clear()
            await self.changed.wait()
        left = self.left[backend]
        taken = [left.popleft() for _ in range(min(limit, len(left)))]
        self.in_flight[backend] += len(taken)
        return taken

    def keep_facts(self, backend: str, facts: Mapping[str, Json]) -> None:
        assert self.watch.events[-1] == f"opening {backend}"
        self.facts[backend] = facts

    def again(self, backend: str) -> bool:
        self.repeated[backend] += 1
        if self.spent:
            self.in_flight[backend] = 0
            self.changed.set()
        return not self.spent

    def confirm(self, backend: str) -> bool:
        return backend not in self.out_of_money

    def storable(self) -> bool:
        return asyncio.get_running_loop().time() >= self.full_until

    async def end(self, backend: str, error: BackendError) -> None:
        self.broken[backend] = error
        self.left[backend].clear()
        self.changed.set()

    async def give(self, backend: str, request: Request, completion: Completion) -> None:
        self.given.setdefault(request.key, []).append(completion)
        if not request.key.endswith("again"):
            self.left[backend].append(make_request(f"{request.key}-again"))
        self.in_flight[backend] -= 1
        self.changed.set()


def make_request(key: str) -> Request:
    """Return a request whose message is its key."""
    return Request(key, (Message("user", key),), Sampling())


class Failing(Paced):
    """Fails the first tries of each request in the ways that `faults` lists, then answers."""

    def __init__(
        self, *faults: Fault | None, patience: Patience, calls: int = 4, wait_s: float | None = None
    ) -> None:
        super().__init__(calls, 1)
        self._capacity = Capacity(calls, 1, patience=patience)
        self._faults = faults
        self._wait_s = wait_s
        self.tries: dict[str, list[float]] = {}

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        self._calls += 1
        self.most_calls = max(self.most_calls, self._calls)
        await asyncio.sleep(0.001)
        self._calls -= 1
        for request in requests:
            tries = self.tries.setdefault(request.key, [])
            tries.append(asyncio.get_running_loop().time())
            fault = self._faults[len(tries) - 1] if len(tries) <= len(self._faults) else None
            if fault is None:
                yield request, Completion(Outcome.OK, request.key)
            else:
                failure = Failure(fault, self._wait_s)
                yield request, Completion(Outcome.ERROR, error=f"{fault}: so", failure=failure)


class Slow(Failing):
    """A server that takes `seconds` for each answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__(patience=PATIENT, calls=4)
        self._seconds = seconds

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        await asyncio.sleep(self._seconds)
        async for pair in super().generate(requests):
            yield pair
