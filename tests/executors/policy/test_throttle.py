"""The throttle on a clock of its own: how many calls are let in, and when."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.capacity import Pace
from promptlab.core.failure import Failure, Fault
from promptlab.core.types import Completion, Outcome, Usage
from promptlab.executors.policy.throttle import Entry, Meter, Throttle

Result = TypeVar("Result")

GOOD = Completion(Outcome.OK, "yes")


def failed(fault: Fault, wait_s: float | None = None) -> Completion:
    return Completion(Outcome.ERROR, error=fault, failure=Failure(fault, wait_s))


BUSY = failed(Fault.BUSY)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """A loop that never waits: when it is idle, its clock jumps to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def simulate(work: Callable[[], Awaitable[Result]]) -> Result:
    async def timed() -> Result:
        return await asyncio.wait_for(work(), 1e6)

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(timed())


def throttle(ceiling: int = 64, pace: Pace | None = None) -> Throttle:
    return Throttle(ceiling, pace or Pace(), asyncio.get_running_loop().time)


def test_the_limit_doubles_with_every_round_of_good_answers() -> None:
    async def rounds() -> list[int]:
        gate = throttle(100)
        seen = []
        for _ in range(4):
            entries = [await gate.enter() for _ in range(int(gate.limit))]
            seen.append(len(entries))
            for entry in entries:
                gate.leave(entry, GOOD)
        return seen

    assert simulate(rounds) == [32, 64, 100, 100]


def test_no_more_are_let_in_than_the_limit() -> None:
    async def crowd() -> tuple[int, int]:
        gate = throttle(5)
        most = inside = 0

        async def call_once() -> None:
            nonlocal most, inside
            entry = await gate.enter()
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(1)
            inside -= 1
            gate.leave(entry, GOOD)

        await asyncio.gather(*(call_once() for _ in range(40)))
        return most, int(asyncio.get_running_loop().time())

    assert simulate(crowd) == (5, 8)


def test_calls_refused_together_halve_the_limit_once() -> None:
    async def refused() -> list[float]:
        gate = throttle(16)
        entries = [await gate.enter() for _ in range(16)]
        limits = []
        for entry in entries[:5]:
            gate.leave(entry, BUSY)
            limits.append(gate.limit)
        return limits

    assert simulate(refused) == [16, 16, 8, 8, 8]


@pytest.mark.parametrize(("one_in", "costs"), [(1000, False), (50, False), (20, False), (5, True)])
def test_refusals_now_and_then_cost_no_place_but_many_do(one_in: int, costs: bool) -> None:
    async def many() -> float:
        gate, least = throttle(64), 64.0
        inside = deque([await gate.enter() for _ in range(16)])
        for number in range(2000):
            gate.leave(inside.popleft(), BUSY if number % one_in == one_in - 1 else GOOD)
            if number > 200:
                least = min(least, gate.limit)
            while len(inside) < int(gate.limit):
                inside.append(await gate.enter())
        return least

    assert (simulate(many) < 64) is costs


Refuses = Callable[[int, int], bool]


def serve(refuses: Refuses, calls: int, ceiling: int = 64) -> tuple[float, float]:
    """Send `calls` calls of about a second each to a server that refuses some.

    `refuses` decides by how many are in flight and how many were sent. Return how many were in
    flight on average in the second half, and the share that was refused in it.
    """

    async def run() -> tuple[float, float]:
        gate, sent, inside, rng = throttle(ceiling), 0, 0, random.Random(3)
        seen: list[tuple[int, bool]] = []

        async def call_once() -> None:
            nonlocal sent, inside
            while sent < calls:
                entry = await gate.enter()
                sent, inside = sent + 1, inside + 1
                refused = refuses(inside, sent)
                seen.append((inside, refused))
                await asyncio.sleep(rng.uniform(0.7, 1.3))
                inside -= 1
                gate.leave(entry, BUSY if refused else GOOD)

        await asyncio.gather(*(call_once() for _ in range(ceiling)))
        late = seen[calls // 2 :]
        return sum(n for n, _ in late) / len(late), sum(bad for _, bad in late) / len(late)

    return simulate(run)


@pytest.mark.parametrize("share", [0.12, 0.15, 0.2])
def test_refusals_that_do_not_depend_on_the_number_in_flight_take_little_of_it(
    share: float,
) -> None:
    rng = random.Random(7)
    in_flight, refused = serve(lambda *_: rng.random() < share, 2000)
    assert in_flight > 32
    assert refused == pytest.approx(share, abs=0.04)


@pytest.mark.parametrize("most", [5, 10, 13, 20, 40])
@pytest.mark.parametrize("before", [0.0, 0.15])
def test_what_a_server_bears_is_found_out_whatever_it_did_before(most: int, before: float) -> None:
    rng = random.Random(7)

    def refuses(in_flight: int, sent: int) -> bool:
        return rng.random() < before if sent < 1000 else in_flight > most

    in_flight, refused = serve(refuses, 3000)
    assert 0.6 * most < in_flight < 1.25 * most
    assert refused < 0.3


def test_a_server_that_refuses_all_is_soon_sent_one_call_at_a_time() -> None:
    async def sent() -> list[int]:
        gate, entered = throttle(64), []
        for _ in range(6):
            entries = [await gate.enter() for _ in range(int(gate.limit))]
            entered.append(len(entries))
            for entry in entries:
                gate.leave(entry, BUSY)
        return entered

    assert simulate(sent) == [32, 16, 8, 4, 2, 1]


def test_the_limit_never_falls_below_one_and_climbs_again_slowly() -> None:
    async def through_the_valley() -> tuple[float, list[float]]:
        gate = throttle(16)
        for _ in range(10):
            gate.leave(await gate.enter(), BUSY)
        bottom, climbed = gate.limit, []
        for _ in range(3):
            gate.leave(await gate.enter(), GOOD)
            climbed.append(gate.limit)
        return bottom, climbed

    bottom, climbed = simulate(through_the_valley)
    assert bottom == 1
    assert climbed == [2, 2.5, 2.9]


@pytest.mark.parametrize("fault", [Fault.SERVER, Fault.TIMEOUT, Fault.UNREADABLE, Fault.BROKEN])
def test_other_failures_change_nothing(fault: Fault) -> None:
    async def fail() -> float:
        gate = throttle(64)
        gate.leave(await gate.enter(), failed(fault))
        return gate.limit

    assert simulate(fail) == 32


async def moments(gate: Throttle, *completions: Completion) -> list[float]:
    """Make one call after another; return when each was let in."""
    clock, times = asyncio.get_running_loop().time, []
    for completion in completions:
        entry = await gate.enter()
        times.append(clock())
        gate.leave(entry, completion)
    return times


def test_a_second_refusal_without_an_answer_between_closes_the_gate_as_long_as_asked() -> None:
    async def closed() -> list[float]:
        return await moments(
            throttle(1), failed(Fault.BUSY, 7), failed(Fault.BUSY, 9), GOOD, failed(Fault.BUSY, 5)
        )

    assert simulate(closed) == [0, 0, 9, 9]


def test_a_server_that_names_no_time_is_left_alone_longer_and_longer() -> None:
    async def closed() -> list[float]:
        return await moments(throttle(1), *[BUSY] * 9, GOOD, BUSY, GOOD)

    assert simulate(closed) == [0, 0, 0.5, 1.5, 3.5, 7.5, 15.5, 23.5, 31.5, 39.5, 39.5, 39.5]


@pytest.mark.parametrize("ceiling", [1, 16])
def test_one_refusal_among_answers_closes_nothing(ceiling: int) -> None:
    async def open_still() -> list[float]:
        busy = failed(Fault.BUSY, 60)
        return await moments(throttle(ceiling), GOOD, busy, GOOD, busy, GOOD)

    assert simulate(open_still) == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("pace", [Pace(), Pace(requests_per_minute=1)])
def test_at_the_end_all_who_wait_are_let_go(pace: Pace) -> None:
    async def ended() -> tuple[float, int]:
        gate = throttle(1, pace)
        await moments(gate, failed(Fault.BUSY, 7), failed(Fault.BUSY, 1e5))
        waiting = [asyncio.create_task(gate.enter()) for _ in range(5)]
        await asyncio.sleep(1)
        gate.end()
        for task in waiting:
            gate.leave(await task, None)
        gate.leave(await gate.enter(), None)
        return asyncio.get_running_loop().time(), gate.active

    seconds, active = simulate(ended)
    assert (seconds <= 61, active) == (True, 0)


def test_a_cancelled_call_gives_its_place_back() -> None:
    async def cancelled() -> int:
        gate = throttle(1)
        first = await gate.enter()
        waiting = [asyncio.create_task(gate.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        gate.leave(first, GOOD)
        waiting[1].cancel()  # at the very moment when it was let in
        await asyncio.sleep(0)
        entry = await waiting[2]
        gate.leave(entry, GOOD)
        return gate.active

    assert simulate(cancelled) == 0


def test_requests_a_minute_are_spaced_out() -> None:
    async def starts() -> list[float]:
        gate, clock = throttle(64, Pace(requests_per_minute=30)), asyncio.get_running_loop().time
        times = []

        async def call_once() -> None:
            entry = await gate.enter()
            times.append(clock())
            await asyncio.sleep(0.1)
            gate.leave(entry, GOOD)

        await asyncio.gather(*(call_once() for _ in range(6)))
        return times

    assert simulate(starts) == pytest.approx([0, 2, 4, 6, 8, 10])


def test_tokens_a_minute_are_counted_as_they_were_used() -> None:
    async def starts() -> list[float]:
        gate, clock = throttle(64, Pace(tokens_per_minute=600)), asyncio.get_running_loop().time
        times = []
        for used in (100, 10, 10):
            entry = await gate.enter(100)
            times.append(clock())
            usage = Usage(used // 2, used - used // 2)
            gate.leave(entry, Completion(Outcome.OK, "yes", usage))
        return times

    assert simulate(starts) == pytest.approx([0, 10, 11])


@given(
    st.floats(1, 10_000),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 50)), min_size=2, max_size=60),
)
def test_no_minute_holds_more_than_the_limit(
    per_minute: float, calls: list[tuple[float, float]]
) -> None:
    meter, now = Meter(per_minute), 0.0
    starts = []
    for pause, amount in calls:
        now += pause
        starts.append((meter.reserve(now, amount), amount))
    for begin, _ in starts:
        used = [amount for at, amount in starts if begin <= at < begin + 60]
        assert sum(used[:-1]) <= per_minute * 1.0001


@given(st.lists(st.sampled_from(["good", "busy", "broken", "enter"]), max_size=200))
def test_whatever_happens_the_limit_stays_in_its_bounds(events: list[str]) -> None:
    ends = {"good": GOOD, "busy": BUSY, "broken": failed(Fault.BROKEN)}

    async def play() -> None:
        gate = throttle(20)
        inside: list[Entry] = []
        for event in events:
            if event == "enter" and gate.active < int(gate.limit):
                inside.append(await gate.enter())
            elif event != "enter" and inside:
                gate.leave(inside.pop(0), ends[event])
            assert 1 <= gate.limit <= 20
            assert gate.active == len(inside)

    simulate(play)
