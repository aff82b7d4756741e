"""What every built-in executor promises: the contract, and when to give up on a failed call."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from promptlab.backends import Patience
from promptlab.core import plugins
from promptlab.core.errors import BackendError
from promptlab.core.failure import Fault
from promptlab.core.types import Outcome
from promptlab.executors import Executor
from promptlab.executors.local import LocalExecutor
from promptlab.testing import ExecutorContract
from promptlab.testing.executors import carry, execute
from promptlab.testing.work import PATIENT, Failing, Paced, Pile

EXECUTORS = plugins.names("executors")


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Executor:
    return cast(type[Executor], plugins.load("executors", request.param))()


class TestEveryExecutor(ExecutorContract):
    @pytest.fixture(params=EXECUTORS)
    def executor(self, request: pytest.FixtureRequest) -> Executor:
        return cast(type[Executor], plugins.load("executors", request.param))()


def test_a_lasting_failure_ends_in_an_error_with_the_number_of_tries(executor: Executor) -> None:
    backend = Failing(*[Fault.SERVER] * 9, patience=PATIENT, wait_s=0.001)
    pile = execute(executor, {"a": 1}, {"a": backend})
    [answer] = pile.given["a-0"]
    assert answer.error == "server: so (the last of 4 tries)"


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


def test_a_server_without_a_readable_reply_is_given_up_soon(executor: Executor) -> None:
    patience = Patience(retries=99, limit_s=600)
    backend = Failing(*[Fault.UNREADABLE] * 99, patience=patience, wait_s=0.01)
    with pytest.raises(BackendError, match="'a' sends no readable reply: unreadable: so"):
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


@pytest.mark.parametrize("refused", [1, 2])
def test_what_alone_a_server_refuses_for_ever_fails_alone(executor: Executor, refused: int) -> None:
    patience = Patience(retries=0, limit_s=0.6)
    backend = Failing(None, *[Fault.BUSY] * 999, patience=patience, wait_s=0.1, calls=4)
    for number in range(20 - refused, 20):
        backend.tries[f"a-{number}"] = [0.0]  # so that it begins with a refusal
    pile = execute(executor, {"a": 20}, {"a": backend})
    failed = {key for key, [answer] in pile.given.items() if answer.outcome is Outcome.ERROR}
    assert failed == {f"a-{number}" for number in range(20 - refused, 20)}


def test_the_watch_learns_why_a_call_waits(executor: Executor) -> None:
    busy = Failing(Fault.BUSY, patience=PATIENT, wait_s=0.01)
    assert execute(executor, {"a": 1}, {"a": busy}).watch.events[2] == "a: busy, waiting 1 s"
    broken = Failing(Fault.SERVER, patience=PATIENT, wait_s=0.01)
    events = execute(executor, {"a": 1}, {"a": broken}).watch.events
    assert events[2] == "a: retrying in 1 s: server: so"


def test_a_server_that_went_away_is_waited_for_as_long_as_patience_lasts(
    executor: Executor,
) -> None:
    patience = Patience(retries=0, limit_s=0.5)
    backend = Failing(None, *[Fault.UNREACHABLE] * 10_000, patience=patience, wait_s=0.01, calls=1)
    backend.tries["a-1"] = [0.0]  # the second request meets a server that has gone
    with pytest.raises(BackendError, match="cannot be reached"):
        execute(executor, {"a": 2}, {"a": backend})
    assert len(backend.tries["a-1"]) > 10


def test_jobs_bound_the_calls_of_a_remote_backend_alone() -> None:
    for kind in EXECUTORS:
        plugin = cast(type[Executor], plugins.load("executors", kind))
        remote, local = Failing(patience=PATIENT, calls=3), Paced(calls=2, batch=4)
        carry(plugin(7), Pile(remote=60, local=60), {"remote": remote, "local": local})
        assert (remote.most_calls, local.most_calls) == (7, 2)


def test_nothing_is_sent_while_answers_cannot_be_stored() -> None:
    pile, backend = Pile(a=6), Failing(Fault.BUSY, patience=PATIENT, calls=3, wait_s=0.01)

    async def carry() -> float:
        clock = asyncio.get_running_loop().time
        pile.full_until = clock() + 0.3
        await LocalExecutor().execute(pile, {"a": backend}, pile.watch)
        return pile.full_until

    until = asyncio.run(carry())
    moments = [moment for tries in backend.tries.values() for moment in tries]
    assert len(moments) == 2 * 12
    assert min(moments) >= until


def test_calls_that_wait_for_the_store_leave_when_the_run_is_interrupted() -> None:
    pile, backend = Pile(a=6), Failing(patience=PATIENT, calls=3)

    async def interrupt() -> float:
        pile.full_until = asyncio.get_running_loop().time() + 60
        work = LocalExecutor().execute(pile, {"a": backend}, pile.watch)
        task = asyncio.create_task(work)
        await asyncio.sleep(0.05)
        task.cancel()
        began = asyncio.get_running_loop().time()
        with pytest.raises(asyncio.CancelledError):
            await task
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(interrupt()) < 5
    assert backend.tries == {}
    assert "in flight" not in " ".join(pile.watch.events)
