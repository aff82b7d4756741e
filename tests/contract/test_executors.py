"""What every executor promises: all work carried, once, at the pace that a backend wants."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import cast

import pytest

from promptlab.backends import Capacity, Patience
from promptlab.backends.echo import Echo, Options
from promptlab.core import plugins
from promptlab.core.errors import BackendError
from promptlab.core.failure import Failure, Fault
from promptlab.core.types import Completion, Json, Message, Outcome, Request, Sampling
from promptlab.core.watch import NullWatch
from promptlab.executors import Executor

EXECUTORS = plugins.names("executors")


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


class Witness(NullWatch):
    """Notes what an executor tells."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def opening(self, backend: str, notice: str | None) -> None:
        self.heard.append(f"opening {backend}")

    def opened(self, backend: str) -> None:
        self.heard.append(f"opened {backend}")

    def failed(self, backend: str, error: BackendError) -> None:
        self.heard.append(f"failed {backend}: {error}")

    def waiting(self, backend: str, text: str) -> None:
        self.heard.append(f"{backend}: {text}")

    def draining(self, calls: int) -> None:
        self.heard.append(f"{calls} in flight")


class Pile:
    """Work that is all there from the start, and a second piece for every first one."""

    def __init__(self, **numbers: int) -> None:
        self.left = {
            name: deque(make_request(f"{name}-{place}") for place in range(number))
            for name, number in numbers.items()
        }
        self.under_way = Counter[str]()
        self.changed = asyncio.Event()
        self.given: dict[str, list[Completion]] = {}
        self.facts: dict[str, Mapping[str, Json]] = {}
        self.repeated = Counter[str]()
        self.spent = False
        self.broke: set[str] = set()
        self.broken: dict[str, BackendError] = {}
        self.watch = Witness()

    async def take(self, backend: str, limit: int) -> Sequence[Request]:
        while not self.left[backend] and self.under_way[backend] and not self.broken:
            self.changed.clear()
            await self.changed.wait()
        left = self.left[backend]
        taken = [left.popleft() for _ in range(min(limit, len(left)))]
        self.under_way[backend] += len(taken)
        return taken

    def keep_facts(self, backend: str, facts: Mapping[str, Json]) -> None:
        assert self.watch.heard[-1] == f"opening {backend}"
        self.facts[backend] = facts

    def again(self, backend: str) -> bool:
        self.repeated[backend] += 1
        if self.spent:
            self.under_way[backend] = 0
            self.changed.set()
        return not self.spent

    def confirm(self, backend: str) -> bool:
        return backend not in self.broke

    async def end(self, backend: str, error: BackendError) -> None:
        self.broken[backend] = error
        self.left[backend].clear()
        self.changed.set()

    async def give(self, backend: str, request: Request, completion: Completion) -> None:
        self.given.setdefault(request.key, []).append(completion)
        if not request.key.endswith("again"):
            self.left[backend].append(make_request(f"{request.key}-again"))
        self.under_way[backend] -= 1
        self.changed.set()


def make_request(key: str) -> Request:
    return Request(key, (Message("user", key),), Sampling())


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Executor:
    return cast(type[Executor], plugins.load("executors", request.param))()


def execute(executor: Executor, numbers: Mapping[str, int], backends: Mapping[str, Paced]) -> Pile:
    pile = Pile(**numbers)
    carry(executor, pile, backends)
    return pile


def carry(executor: Executor, pile: Pile, backends: Mapping[str, Paced]) -> None:
    asyncio.run(asyncio.wait_for(executor.execute(pile, backends, pile.watch), 20))


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
    assert pile.watch.heard == ["opening busy", "opened busy"]
    assert pile.facts == {"busy": {"device": "paper"}}


def test_a_request_without_an_answer_ends_in_an_error(executor: Executor) -> None:
    pile = execute(executor, {"a": 5}, {"a": Paced(leaves="a-3")})
    [left] = pile.given["a-3"]
    assert (left.outcome, bool(left.error)) == (Outcome.ERROR, True)


def test_a_backend_that_breaks_down_ends_alone(executor: Executor) -> None:
    others = Paced()
    pile = Pile(a=5, b=500)
    with pytest.raises(BackendError, match="the model fell over"):
        carry(executor, pile, {"a": Paced(breaks=True), "b": others})
    assert str(pile.broken["a"]) == "the model fell over"
    assert pile.watch.heard.count("failed a: the model fell over") == 1
    assert not any(key.startswith("a") for key in pile.given)
    assert sum(key.startswith("b") for key in pile.given) == 1000


# Calls that fail


class Failing(Paced):
    """Fails the first tries of each request in the ways that `faults` lists; then it answers."""

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


PATIENT = Patience(retries=3, limit_s=60)


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.REJECTED])
def test_a_call_that_failed_for_a_passing_reason_is_tried_again(
    executor: Executor, fault: Fault
) -> None:
    backend = Failing(fault, patience=PATIENT, wait_s=0.01)
    pile = execute(executor, {"a": 3}, {"a": backend})
    assert all(answer.text == key for key, [answer] in pile.given.items())
    assert [len(tries) for tries in backend.tries.values()] == [2] * 6
    assert pile.repeated["a"] == 6


def test_what_stays_wrong_is_given_as_an_error_that_tells_the_tries(executor: Executor) -> None:
    backend = Failing(*[Fault.SERVER] * 9, patience=PATIENT, wait_s=0.001)
    pile = execute(executor, {"a": 1}, {"a": backend})
    [answer] = pile.given["a-0"]
    assert answer.error == "server: so (the last of 4 tries)"


def test_what_no_time_mends_is_tried_once(executor: Executor) -> None:
    backend = Failing(Fault.REJECTED, patience=PATIENT)
    pile = execute(executor, {"a": 1}, {"a": backend})
    assert ([a.error for a in pile.given["a-0"]], len(backend.tries["a-0"])) == (
        ["rejected: so"],
        1,
    )


def test_a_busy_server_gets_the_time_it_asks_for(executor: Executor) -> None:
    backend = Failing(Fault.BUSY, patience=PATIENT, wait_s=0.2)
    execute(executor, {"a": 1}, {"a": backend})
    first, second = backend.tries["a-0"]
    assert second - first >= 0.2


def test_a_server_that_was_never_there_is_given_up_soon(executor: Executor) -> None:
    patience = Patience(retries=99, limit_s=600)
    backend = Failing(*[Fault.UNREACHABLE] * 99, patience=patience, wait_s=0.01)
    with pytest.raises(BackendError, match="'a' cannot be reached: unreachable: so"):
        execute(executor, {"a": 100}, {"a": backend})
    assert max(len(tries) for tries in backend.tries.values()) == 3


def test_a_server_that_says_nothing_that_can_be_read_is_given_up_soon(executor: Executor) -> None:
    patience = Patience(retries=99, limit_s=600)
    backend = Failing(*[Fault.UNREADABLE] * 99, patience=patience, wait_s=0.01)
    with pytest.raises(BackendError, match="'a' sends nothing that can be read: unreadable: so"):
        execute(executor, {"a": 100}, {"a": backend})
    assert max(len(tries) for tries in backend.tries.values()) == 3


def test_among_answers_that_can_be_read_another_is_tried_again(executor: Executor) -> None:
    backend = Failing(
        None, *[Fault.UNREADABLE] * 9, patience=Patience(3, 60), wait_s=0.001, calls=1
    )
    backend.tries["a-1"] = [0.0]
    pile = execute(executor, {"a": 2}, {"a": backend})
    [answer] = pile.given["a-1"]
    assert answer.error == "unreadable: so (the last of 4 tries)"


def test_a_server_that_refuses_all_is_given_up_when_patience_ends(executor: Executor) -> None:
    patience = Patience(retries=0, limit_s=1.5)
    backend = Failing(*[Fault.BUSY] * 999, patience=patience, wait_s=None, calls=2)
    with pytest.raises(BackendError, match="'a' refuses every call: busy: so"):
        execute(executor, {"a": 100}, {"a": backend})
    assert len(backend.tries) <= 4


def test_why_a_call_waits_is_told(executor: Executor) -> None:
    busy = Failing(Fault.BUSY, patience=PATIENT, wait_s=0.01)
    assert execute(executor, {"a": 1}, {"a": busy}).watch.heard[2] == "a: busy, waits 1 s"
    broken = Failing(Fault.SERVER, patience=PATIENT, wait_s=0.01)
    told = execute(executor, {"a": 1}, {"a": broken}).watch.heard
    assert told[2] == "a: retrying in 1 s: server: so"


def test_a_server_that_went_away_is_waited_for_as_long_as_patience_lasts(
    executor: Executor,
) -> None:
    patience = Patience(retries=0, limit_s=0.5)
    backend = Failing(None, *[Fault.UNREACHABLE] * 10_000, patience=patience, wait_s=0.01, calls=1)
    backend.tries["a-1"] = [0.0]  # the second request meets a server that has gone
    with pytest.raises(BackendError, match="cannot be reached"):
        execute(executor, {"a": 2}, {"a": backend})
    assert len(backend.tries["a-1"]) > 10


def test_a_request_is_dropped_when_the_budget_allows_no_other_try(executor: Executor) -> None:
    pile = Pile(a=1)
    pile.spent = True
    backend = Failing(Fault.SERVER, patience=PATIENT)
    carry(executor, pile, {"a": backend})
    assert (pile.given, len(backend.tries["a-0"])) == ({}, 1)


def test_a_call_that_waits_is_not_made_when_the_money_is_gone(executor: Executor) -> None:
    pile = Pile(a=3)
    pile.broke.add("a")
    backend = Failing(patience=PATIENT)

    async def carried() -> None:
        task = asyncio.create_task(executor.execute(pile, {"a": backend}, pile.watch))
        await asyncio.sleep(0.05)
        pile.under_way["a"] = 0
        pile.changed.set()
        await task

    asyncio.run(asyncio.wait_for(carried(), 5))
    assert (pile.given, backend.tries) == ({}, {})


def test_jobs_bound_the_calls_of_a_remote_backend_alone() -> None:
    for kind in EXECUTORS:
        plugin = cast(type[Executor], plugins.load("executors", kind))
        remote, local = Failing(patience=PATIENT, calls=3), Paced(calls=2, batch=4)
        carry(plugin(7), Pile(remote=60, local=60), {"remote": remote, "local": local})
        assert (remote.most_calls, local.most_calls) == (7, 2)


class Slow(Failing):
    """A server that takes its time for each answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__(patience=PATIENT, calls=4)
        self._seconds = seconds

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        await asyncio.sleep(self._seconds)
        async for pair in super().generate(requests):
            yield pair


async def interrupted(
    executor: Executor, backend: Paced, *pauses: float
) -> tuple[Pile, float, bool]:
    """Cancel a run after each pause; return the work, how long its end took, and if it was cut.

    Whoever interrupts tells by `cancelling` whether a run would be cut short by it.
    """
    pile, seen, began = Pile(a=50), [], time.perf_counter()
    task = asyncio.create_task(executor.execute(pile, {"a": backend}, pile.watch))
    for pause in pauses:
        await asyncio.sleep(pause)
        began = time.perf_counter()
        seen.append(task.cancelling())
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == [0] * len(pauses)
    return pile, time.perf_counter() - began, task.cancelling() > 0


def test_an_interruption_takes_in_what_is_in_flight_and_sends_no_more(executor: Executor) -> None:
    pile, seconds, cut = asyncio.run(interrupted(executor, Slow(1.5), 0.1))
    assert sorted(pile.given) == ["a-0", "a-1", "a-2", "a-3"]
    assert pile.watch.heard[-1] == "4 in flight"
    assert seconds < 3
    assert cut


def test_a_second_interruption_drops_what_is_in_flight(executor: Executor) -> None:
    pile, seconds, cut = asyncio.run(interrupted(executor, Slow(60), 0.1, 0.1))
    assert (pile.given, pile.watch.heard[-1], cut) == ({}, "4 in flight", True)
    assert seconds < 1


def test_an_interruption_does_not_wait_for_a_batch(executor: Executor) -> None:
    class Local(Paced):
        async def generate(
            self, requests: Sequence[Request]
        ) -> AsyncIterator[tuple[Request, Completion]]:
            await asyncio.sleep(60)
            async for pair in super().generate(requests):
                yield pair

    pile, seconds, _ = asyncio.run(interrupted(executor, Local(), 0.1))
    assert (pile.given, pile.watch.heard) == ({}, ["opening a", "opened a"])
    assert seconds < 1
