"""What every executor promises: all work carried, once, at the pace that a backend wants."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import cast

import pytest

from promptlab import registry
from promptlab.backends import Capacity
from promptlab.backends.echo import Echo, Options
from promptlab.errors import BackendError
from promptlab.executors import Executor
from promptlab.types import Completion, Json, Message, Outcome, Request, Sampling

EXECUTORS = registry.names("executors")


class Paced(Echo):
    """An echo that notes how much it is asked at once, and may leave out or break down."""

    def __init__(
        self, calls: int = 3, batch: int = 2, leaves: str = "", breaks: bool = False
    ) -> None:
        super().__init__(None, Options())
        self.most_calls = self.most_requests = self.opened = self._calls = 0
        self._capacity = Capacity(calls, batch)
        self._leaves = leaves
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
            if request.key != self._leaves:
                yield request, Completion(Outcome.OK, request.key)
        self._calls -= 1


class Pile:
    """Work that is all there from the start, and a second piece for every first one."""

    def __init__(self, **numbers: int) -> None:
        self.waiting = {
            name: deque(make_request(f"{name}-{place}") for place in range(number))
            for name, number in numbers.items()
        }
        self.under_way = Counter[str]()
        self.changed = asyncio.Event()
        self.given: dict[str, list[Completion]] = {}
        self.facts: dict[str, Mapping[str, Json]] = {}

    async def take(self, backend: str, limit: int) -> Sequence[Request]:
        while not self.waiting[backend] and self.under_way[backend]:
            self.changed.clear()
            await self.changed.wait()
        waiting = self.waiting[backend]
        taken = [waiting.popleft() for _ in range(min(limit, len(waiting)))]
        self.under_way[backend] += len(taken)
        return taken

    def opening(self, backend: str) -> None:
        assert backend not in self.facts

    def opened(self, backend: str, facts: Mapping[str, Json]) -> None:
        self.facts[backend] = facts

    async def give(self, backend: str, request: Request, completion: Completion) -> None:
        self.given.setdefault(request.key, []).append(completion)
        if not request.key.endswith("again"):
            self.waiting[backend].append(make_request(f"{request.key}-again"))
        self.under_way[backend] -= 1
        self.changed.set()


def make_request(key: str) -> Request:
    return Request(key, (Message("user", key),), Sampling())


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Executor:
    return cast(type[Executor], registry.load("executors", request.param))()


def execute(executor: Executor, numbers: Mapping[str, int], backends: Mapping[str, Paced]) -> Pile:
    async def carried() -> Pile:
        pile = Pile(**numbers)
        await executor.execute(pile, backends)
        return pile

    return asyncio.run(asyncio.wait_for(carried(), 20))


def test_all_work_is_carried_once(executor: Executor) -> None:
    pile = execute(executor, {"a": 20, "b": 7}, {"a": Paced(), "b": Paced(calls=1, batch=100)})
    assert len(pile.given) == 2 * 27
    assert {len(answers) for answers in pile.given.values()} == {1}
    assert all(answer.text == key for key, [answer] in pile.given.items())


def test_a_backend_is_asked_no_more_at_once_than_it_wants(executor: Executor) -> None:
    backend = Paced(calls=3, batch=2)
    execute(executor, {"a": 40}, {"a": backend})
    assert (backend.most_calls, backend.most_requests) == (3, 2)


def test_a_backend_opens_once_and_only_for_work(executor: Executor) -> None:
    busy, idle = Paced(), Paced()
    pile = execute(executor, {"busy": 9, "idle": 0}, {"busy": busy, "idle": idle})
    assert (busy.opened, idle.opened) == (1, 0)
    assert pile.facts == {"busy": {"device": "paper"}}


def test_a_request_without_an_answer_ends_in_an_error(executor: Executor) -> None:
    pile = execute(executor, {"a": 5}, {"a": Paced(leaves="a-3")})
    [left] = pile.given["a-3"]
    assert (left.outcome, bool(left.error)) == (Outcome.ERROR, True)


def test_a_backend_that_breaks_down_is_told(executor: Executor) -> None:
    with pytest.raises(BackendError, match="the model fell over"):
        execute(executor, {"a": 5, "b": 500}, {"a": Paced(breaks=True), "b": Paced()})
