from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from pathlib import Path

import pytest

from promptlab.local_model.host.worker import Worker


class Thing:
    """Something to watch."""


@pytest.fixture
def place(tmp_path: Path) -> str:
    """Return a place that no other test computes at."""
    return str(tmp_path)


def test_workers_of_a_place_share_a_thread_and_others_do_not(place: str) -> None:
    async def where() -> list[int]:
        workers = [Worker(place), Worker(place), Worker(place + " too")]
        threads = [await worker.run(threading.get_ident) for worker in workers]
        for worker in workers:
            await worker.stop(1)
        return threads

    one, two, three = asyncio.run(where())
    assert one == two
    assert threading.get_ident() != one != three


def test_calls_of_all_workers_come_one_after_another(place: str) -> None:
    first, second = Worker(place), Worker(place)
    order: list[str] = []
    release = threading.Event()

    def hold() -> None:
        order.append("began")
        release.wait(10)
        order.append("ended")

    first.submit(hold)
    waiting = [second.submit(lambda: order.append("second")), first.submit(lambda: None)]
    time.sleep(0.02)
    assert not any(call.done() for call in waiting)
    release.set()
    waiting[-1].result(10)
    assert order == ["began", "ended", "second"]
    for worker in (first, second):
        asyncio.run(worker.stop(1))


def test_one_that_stops_leaves_the_thread_to_the_other(place: str) -> None:
    async def leave() -> None:
        first, second = Worker(place), Worker(place)
        thread = await first.run(threading.current_thread)
        assert await second.run(threading.current_thread) is thread
        await first.stop(1)
        assert await second.run(threading.current_thread) is thread
        await second.stop(1)
        assert not thread.is_alive()  # or the program might be aborted while both end
        again = await second.run(threading.current_thread)  # it may come back
        assert again is not thread
        await second.stop(1)
        await second.stop(1)

    asyncio.run(leave())


def test_a_call_is_let_go_of_before_its_end_is_heard(place: str) -> None:
    worker, release, alive = Worker(place), threading.Event(), list[bool]()
    held = Thing()
    watched = weakref.ref(held)

    def call(_: Thing = held) -> None:
        release.wait(10)

    worker.submit(call).add_done_callback(lambda _: alive.append(watched() is not None))
    del call, held
    release.set()
    asyncio.run(worker.stop(10))
    assert alive == [False]


def test_stopping_waits_for_its_own_call_and_not_for_long(place: str) -> None:
    first, second = Worker(place), Worker(place)
    release = threading.Event()
    running = first.submit(lambda: release.wait(10))
    waiting = second.submit(lambda: None)
    began = time.perf_counter()
    asyncio.run(second.stop(0.05))
    assert waiting.cancelled()  # it had not begun
    asyncio.run(first.stop(0.05))
    assert 0.05 < time.perf_counter() - began < 2
    assert running.running()
    release.set()
    assert running.result(10)


def test_a_failure_comes_back_and_the_thread_goes_on(place: str) -> None:
    async def fail() -> str:
        worker = Worker(place)
        with pytest.raises(ZeroDivisionError):
            await worker.run(lambda: 1 / 0)
        result = await worker.run(lambda: "fine")
        await worker.stop(1)
        return result

    assert asyncio.run(fail()) == "fine"


def test_what_a_call_used_is_let_go_while_the_thread_waits(place: str) -> None:
    first, second = Worker(place), Worker(place)
    second.submit(lambda: None)
    thing = Thing()
    watched = weakref.ref(thing)
    first.submit(lambda thing=thing: thing).result(10)  # type: ignore[misc]
    del thing
    asyncio.run(first.stop(1))
    gc.collect()
    until = time.perf_counter() + 10
    while watched() is not None and time.perf_counter() < until:
        time.sleep(0.001)
    assert watched() is None
    asyncio.run(second.stop(1))
