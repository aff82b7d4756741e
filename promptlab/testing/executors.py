"""What every executor promises: all work carried once, at the pace that a backend wants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from promptlab.core.errors import BackendError
from promptlab.core.failure import Fault
from promptlab.core.types import Completion, Outcome, Request
from promptlab.executors import Executor
from promptlab.testing.work import PATIENT, Failing, Paced, Pile, Slow


def execute(executor: Executor, numbers: Mapping[str, int], backends: Mapping[str, Paced]) -> Pile:
    """Carry the given number of requests per backend, and return the work with its answers."""
    pile = Pile(**numbers)
    carry(executor, pile, backends)
    return pile


def carry(executor: Executor, pile: Pile, backends: Mapping[str, Paced]) -> None:
    """Carry work, with a time limit: an executor that hangs must not hang the tests."""
    asyncio.run(asyncio.wait_for(executor.execute(pile, backends, pile.watch), 20))


async def interrupted(
    executor: Executor, backend: Paced, *pauses: float
) -> tuple[Pile, float, bool]:
    """Cancel a run after each pause; return the work, how long its end took, and if it was cut.

    Whoever interrupts sees from `cancelling` whether that would cut a run short.
    """
    pile, pending, began = Pile(a=50), [], time.perf_counter()
    task = asyncio.create_task(executor.execute(pile, {"a": backend}, pile.watch))
    for pause in pauses:
        await asyncio.sleep(pause)
        began = time.perf_counter()
        pending.append(task.cancelling())
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pending == [0] * len(pauses)
    return pile, time.perf_counter() - began, task.cancelling() > 0


class ExecutorContract:
    """Subclass this with a name that begins with `Test`, and define how to create yours."""

    def make_executor(self) -> Executor:
        """Return an executor that has not been used yet."""
        raise NotImplementedError("define how to create your executor: def make_executor(self)")

    @pytest.fixture
    def executor(self) -> Executor:
        return self.make_executor()

    def test_all_work_is_carried_once(self, executor: Executor) -> None:
        pile = execute(executor, {"a": 20, "b": 7}, {"a": Paced(), "b": Paced(calls=1, batch=100)})
        assert len(pile.given) == 2 * 27
        assert {len(answers) for answers in pile.given.values()} == {1}
        assert all(answer.text == key for key, [answer] in pile.given.items())

    def test_a_backend_gets_no_more_at_once_than_it_wants(self, executor: Executor) -> None:
        backend = Paced(calls=3, batch=2)
        execute(executor, {"a": 40}, {"a": backend})
        assert (backend.most_calls, backend.most_requests) == (3, 2)

    def test_a_backend_opens_once_and_only_for_work(self, executor: Executor) -> None:
        busy, idle = Paced(), Paced()
        pile = execute(executor, {"busy": 9, "idle": 0}, {"busy": busy, "idle": idle})
        assert (busy.opened, idle.opened) == (1, 0)
        assert pile.watch.events == ["opening busy", "opened busy"]
        assert pile.facts == {"busy": {"device": "paper"}}

    def test_a_request_without_an_answer_ends_in_an_error(self, executor: Executor) -> None:
        pile = execute(executor, {"a": 5}, {"a": Paced(skips="a-3")})
        [left] = pile.given["a-3"]
        assert (left.outcome, bool(left.error)) == (Outcome.ERROR, True)

    def test_a_backend_that_breaks_down_ends_alone(self, executor: Executor) -> None:
        others = Paced()
        pile = Pile(a=5, b=500)
        with pytest.raises(BackendError, match="the model fell over"):
            carry(executor, pile, {"a": Paced(breaks=True), "b": others})
        assert str(pile.broken["a"]) == "the model fell over"
        assert pile.watch.events.count("failed a: the model fell over") == 1
        assert not any(key.startswith("a") for key in pile.given)
        assert sum(key.startswith("b") for key in pile.given) == 1000

    @pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.REJECTED])
    def test_a_call_that_failed_for_a_transient_reason_is_tried_again(
        self, executor: Executor, fault: Fault
    ) -> None:
        backend = Failing(fault, patience=PATIENT, wait_s=0.01)
        pile = execute(executor, {"a": 3}, {"a": backend})
        assert all(answer.text == key for key, [answer] in pile.given.items())
        assert [len(tries) for tries in backend.tries.values()] == [2] * 6
        assert pile.repeated["a"] == 6

    def test_a_permanent_failure_is_tried_once(self, executor: Executor) -> None:
        backend = Failing(Fault.REJECTED, patience=PATIENT)
        pile = execute(executor, {"a": 1}, {"a": backend})
        assert ([a.error for a in pile.given["a-0"]], len(backend.tries["a-0"])) == (
            ["rejected: so"],
            1,
        )

    def test_a_request_is_dropped_when_the_budget_allows_no_retry(self, executor: Executor) -> None:
        pile = Pile(a=1)
        pile.spent = True
        backend = Failing(Fault.SERVER, patience=PATIENT)
        carry(executor, pile, {"a": backend})
        assert (pile.given, len(backend.tries["a-0"])) == ({}, 1)

    def test_a_call_that_waits_is_not_made_when_the_money_is_gone(self, executor: Executor) -> None:
        pile = Pile(a=3)
        pile.out_of_money.add("a")
        backend = Failing(patience=PATIENT)

        async def carried() -> None:
            task = asyncio.create_task(executor.execute(pile, {"a": backend}, pile.watch))
            await asyncio.sleep(0.05)
            pile.in_flight["a"] = 0
            pile.changed.set()
            await task

        asyncio.run(asyncio.wait_for(carried(), 5))
        assert (pile.given, backend.tries) == ({}, {})

    def test_an_interruption_takes_in_what_is_in_flight_and_sends_no_more(
        self, executor: Executor
    ) -> None:
        pile, seconds, cut = asyncio.run(interrupted(executor, Slow(1.5), 0.1))
        assert sorted(pile.given) == ["a-0", "a-1", "a-2", "a-3"]
        assert pile.watch.events[-1] == "4 in flight"
        assert seconds < 3
        assert cut

    def test_a_second_interruption_drops_what_is_in_flight(self, executor: Executor) -> None:
        pile, seconds, cut = asyncio.run(interrupted(executor, Slow(60), 0.1, 0.1))
        assert (pile.given, pile.watch.events[-1], cut) == ({}, "4 in flight", True)
        assert seconds < 1

    def test_an_interruption_does_not_wait_for_a_batch(self, executor: Executor) -> None:
        class Local(Paced):
            async def generate(
                self, requests: Sequence[Request]
            ) -> AsyncIterator[tuple[Request, Completion]]:
                await asyncio.sleep(60)
                async for pair in super().generate(requests):
                    yield pair

        pile, seconds, _ = asyncio.run(interrupted(executor, Local(), 0.1))
        assert (pile.given, pile.watch.events) == ({}, ["opening a", "opened a"])
        assert seconds < 1
