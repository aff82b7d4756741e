"""The writer: batches, back-pressure, caching, failures, a full disk."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from promptlab.core.budget import Budget, Spent
from promptlab.core.digest import digest_text
from promptlab.core.errors import StoreBusy, StoreError
from promptlab.core.types import Outcome, Plan, Score, TrialResult, Turn, Usage
from promptlab.store import Store
from promptlab.store.connection import connect
from promptlab.store.pending import Record, weight
from promptlab.store.records import Recorder

MakePlan = Callable[..., Plan]
MakeTurn = Callable[..., Turn]
MakeResult = Callable[..., TrialResult]

NOW = "2026-01-01T00:00:00.000+00:00"


def texts(store: Store, *keys: str, fresh_run: str | None = None) -> list[str | None]:
    answers = store.completions([digest_text(key) for key in keys], fresh_run)
    return [answers[digest_text(key)].text if digest_text(key) in answers else None for key in keys]


def test_a_turn_is_kept_though_its_trial_never_ends(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn
) -> None:
    store.begin_run("r1", make_plan())
    turn = make_turn("a")
    with store.writer("r1") as writer:
        writer.put_turn(turn)
        writer.put_turn(make_turn("b", error="late"))
        writer.put_turn(make_turn("c", cached=True))
    answers = store.completions([turn.request.key, make_turn("b").request.key], None)
    assert answers == {turn.request.key: turn.completion}
    assert store.stats().rows["generations"] == 1


def test_a_put_is_stored_soon_without_being_asked(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn
) -> None:
    store.begin_run("r1", make_plan())
    with store.writer("r1") as writer:
        writer.put_turn(make_turn("a"))
        deadline = time.monotonic() + 10
        while not store.stats().rows["generations"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_what_is_spent_is_kept_soon_though_nothing_comes_of_it(
    store: Store, make_plan: MakePlan
) -> None:
    store.begin_run("r1", make_plan())
    budget = Budget()
    with store.writer("r1", lambda: budget.spent):
        budget.confirm()
        deadline = time.monotonic() + 10
        while store.spent("r1") != Spent(1):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        budget.confirm()
        budget.charge(0.5, known=False)
    assert store.spent("r1") == Spent(2, 0.5, 1)
    assert store.run("r1").unpriced == 1


def test_what_an_older_promptlab_has_spent_is_what_it_has_stored(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn
) -> None:
    store.begin_run("r1", make_plan())
    store.begin_run("r2", make_plan())
    unpriced = make_turn("b")
    unpriced = replace(unpriced, completion=replace(unpriced.completion, cost_usd=None))
    with store.writer("r1") as writer:  # does not report what is spent, like older code
        writer.put_turn(make_turn("a"))
        writer.put_turn(unpriced)
    assert (store.spent("r1"), store.spent("r2")) == (Spent(2, 0.25, 1), Spent())
    budget = Budget(before=store.spent("r1"))
    with store.writer("r1", lambda: budget.spent):
        budget.confirm()
    assert store.spent("r1") == Spent(3, 0.25, 1)


def test_flush_returns_when_all_is_stored(
    store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    plan = make_plan(cases=30)
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        writer.flush()
        for seq in range(60):
            writer.put_result(make_result(plan, seq))
        writer.flush()
        assert store.finished("r1") == set(range(60))
    writer.flush()
    with pytest.raises(RuntimeError, match="closed"):
        writer.put_result(make_result(plan, 0))


def test_what_was_put_is_stored_when_the_run_breaks_off(
    store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)

    def break_off() -> None:
        with store.writer("r1") as writer:
            writer.put_result(make_result(plan, 0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert store.finished("r1") == {0}


@pytest.mark.slow
def test_more_than_the_queue_holds_is_stored_from_many_threads(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn, make_result: MakeResult
) -> None:
    plan = make_plan(cases=4_500)
    store.begin_run("r1", plan)
    turn = make_turn("the same for all")
    with store.writer("r1") as writer:

        def put(first: int) -> None:
            for seq in range(first, plan.size, 3):
                writer.put_result(make_result(plan, seq, turn))

        threads = [Thread(target=put, args=(first,)) for first in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    store.end_run("r1", "finished")
    assert len(store.finished("r1")) == 9_000
    assert store.verify() == []


def test_the_same_answer_is_kept_once_and_another_too(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn, make_result: MakeResult
) -> None:
    """A trial must show the answer that was graded, whoever else made the same request."""
    plan = make_plan()
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        for seq, text in enumerate(["yes", "yes", "no"]):
            turn = make_turn("k", text)
            writer.put_turn(turn)
            writer.put_result(make_result(plan, seq, turn))
    assert store.stats().rows["generations"] == 2
    assert [row.output for row in store.results("r1")] == ["yes", "yes", "no"]
    assert texts(store, "k") == ["no"]


def test_a_cached_answer_refers_to_what_is_stored(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn, make_result: MakeResult
) -> None:
    plan = make_plan()
    for run_id, cached in (("r1", False), ("r2", True)):
        store.begin_run(run_id, plan)
        with store.writer(run_id) as writer:
            writer.put_result(make_result(plan, 0, make_turn("k", cached=cached)))
    assert store.stats().rows["generations"] == 1
    (row,) = store.results("r2")
    assert (row.cached, row.output, row.input_tokens) == (True, "positive", 10)
    assert store.arm_outcomes("r2")[0].cached == 1


def test_a_fresh_run_knows_its_own_answers_alone(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn, make_result: MakeResult
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    store.begin_run("r2", plan, fresh=True)
    with store.writer("r1") as writer:
        writer.put_result(make_result(plan, 0, make_turn("a", "old")))
        writer.put_result(make_result(plan, 1, make_turn("b", "old")))
    assert texts(store, "a", "b", fresh_run="r2") == [None, None]
    with store.writer("r2") as writer:
        writer.put_result(make_result(plan, 0, make_turn("a", "old")))
        writer.put_result(make_result(plan, 1, make_turn("b", "new")))
    assert texts(store, "a", "b", fresh_run="r2") == ["old", "new"]
    assert texts(store, "a", "b") == ["old", "new"]
    assert store.stats().rows["generations"] == 4


def test_a_failed_trial_is_replaced_by_the_next_try(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn, make_result: MakeResult
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    failed = make_result(plan, 0, make_turn("b", error="late"))
    failed = replace(failed, turns=(make_turn("a"), *failed.turns))
    with store.writer("r1") as writer:
        writer.put_result(failed)
    with store.writer("r1") as writer:
        writer.put_result(make_result(plan, 0))
    (row,) = store.results("r1")
    assert (row.score, row.error) == (1.0, None)
    rows = store.stats().rows
    assert (rows["trials"], rows["trial_turns"], rows["scores"]) == (1, 1, 1)
    assert store.verify() == []


def test_text_that_utf8_cannot_hold_is_kept_readable(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn, make_result: MakeResult
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        writer.put_result(make_result(plan, 0, make_turn("k", "cut \ud83d off\0é")))
    assert [row.output for row in store.results("r1")] == ["cut \\ud83d off\0é"]


def test_a_writer_needs_a_run(store: Store, path: Path) -> None:
    with pytest.raises(StoreError, match="unknown run 'r1'"):
        store.writer("r1")
    connection = connect(path)
    with pytest.raises(StoreError, match="unknown run 'r1'"):
        Recorder(connection, "r1")
    connection.close()


def test_a_failure_of_the_thread_surfaces(
    store: Store, path: Path, make_plan: MakePlan, make_result: MakeResult
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    path.with_name("promptlab.db").rename(path.with_name("moved.db"))
    path.mkdir()
    writer = store.writer("r1")
    with pytest.raises(StoreError, match="cannot be opened"):
        writer.flush()
    with pytest.raises(StoreError, match="cannot be opened"):
        writer.put_result(make_result(plan, 0))
    with pytest.raises(StoreError, match="cannot be opened"):
        writer.close()
    with pytest.raises(StoreError, match="cannot be opened"), store.writer("r1") as writer:
        writer.flush()
    with pytest.raises(StoreError, match="cannot be opened"), store.writer("r1"):
        pass


def test_a_full_disk_loses_nothing_that_was_stored(
    store: Store, path: Path, make_plan: MakePlan, make_turn: MakeTurn, make_result: MakeResult
) -> None:
    plan = make_plan(cases=50)
    store.begin_run("r1", plan)
    connection = connect(path)
    recorder = Recorder(connection, "r1")
    recorder.write([Record(make_result(plan, seq), NOW) for seq in range(10)])
    pages = connection.count("PRAGMA page_count")
    connection.count(f"PRAGMA max_page_count = {pages}")
    long = make_turn("k", "x" * 100_000)
    with pytest.raises(StoreError, match="the disk is full"):
        recorder.write([Record(make_result(plan, seq, long), NOW) for seq in range(10, 20)])
    connection.close()
    assert store.finished("r1") == set(range(10))
    assert store.verify() == []


def test_a_lock_is_waited_for_and_what_was_put_is_at_hand(
    store: Store, path: Path, make_plan: MakePlan, make_turn: MakeTurn
) -> None:
    store.begin_run("r1", make_plan())
    turn = make_turn("a")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with store.writer("r1") as writer:
        writer.put_turn(turn)
        wait_until(lambda: writer.locked_s > 0.0)
        assert not writer.has_room
        assert texts(store, "a") == [None]
        assert writer.unstored([turn.request.key, "b"]) == {turn.request.key: turn.completion}
        holder.execute("ROLLBACK")
        writer.flush()
        assert writer.locked_s == 0.0
        writer.wait_for_room()
        assert writer.unstored([turn.request.key]) == {}
        assert texts(store, "a") == ["positive"]
    holder.close()


def test_what_a_lock_keeps_from_being_stored_can_be_dropped(
    store: Store, path: Path, make_plan: MakePlan, make_turn: MakeTurn
) -> None:
    store.begin_run("r1", make_plan())
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with store.writer("r1") as writer:
        writer.put_turn(make_turn("a"))
        wait_until(lambda: writer.locked_s > 0.0)
        writer.drop()
        wait_until(lambda: writer.ended)
    holder.close()
    assert texts(store, "a") == [None]


def test_nobody_who_watches_limits_the_waiting(
    path: Path, clock: Callable[[], datetime], make_plan: MakePlan, make_turn: MakeTurn
) -> None:
    def give_up(_: float) -> None:
        raise TimeoutError

    holder = sqlite3.connect(path, isolation_level=None)
    with Store.open(path, clock, waits=give_up) as store:
        store.begin_run("r1", make_plan())
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy), store.writer("r1", alone=True) as writer:
            writer.put_turn(make_turn("a"))
    holder.close()


@pytest.mark.slow
def test_room_is_counted_in_bytes(
    store: Store, path: Path, make_plan: MakePlan, make_turn: MakeTurn
) -> None:
    store.begin_run("r1", make_plan())
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with store.writer("r1") as writer:
        for number in range(70):
            writer.put_turn(make_turn(str(number), "x" * 1_000_000))
        holder.execute("ROLLBACK")
        writer.wait_for_room()
        writer.flush()
    holder.close()
    assert store.stats().rows["generations"] == 70
    assert weight(make_turn("a", "x" * 1_000_000)) == pytest.approx(1_000_000, rel=0.01)
    assert weight(make_turn("a", "\N{SNOWMAN}" * 1_000_000)) == pytest.approx(2_000_000, rel=0.01)


ODD = {
    "half a surrogate": {"model": "m\ud800", "finish_reason": "\udfff", "fingerprint": "\ud8ff"},
    "numbers without an end": {"cost_usd": float("inf"), "latency_s": float("nan")},
    "a count that no integer holds": {"usage": Usage(2**70, -5)},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_an_odd_value_from_a_server_is_mended(
    store: Store,
    make_plan: MakePlan,
    make_turn: MakeTurn,
    make_result: MakeResult,
    odd: dict[str, Any],
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    turn = make_turn("a")
    turn = replace(turn, completion=replace(turn.completion, **odd))
    with store.writer("r1") as writer:
        writer.put_turn(turn)
        writer.put_result(make_result(plan, 0, turn))
        writer.put_result(make_result(plan, 1))
    assert [row.output for row in store.results("r1")] == ["positive", "positive"]
    assert store.verify() == []


class Unwritable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_value_that_cannot_be_stored_fails_its_trial_alone(
    store: Store, make_plan: MakePlan, make_turn: MakeTurn, make_result: MakeResult
) -> None:
    plan = make_plan(cases=3)
    store.begin_run("r1", plan)
    odd: Any = {"a": object(), "b": 10**400, "c": Unwritable()}
    with store.writer("r1") as writer:
        for seq in range(plan.size):
            writer.put_result(make_result(plan, seq))
        for seq, reason in enumerate(odd.values()):
            turn = make_turn("z" + str(seq))
            value = reason if isinstance(reason, int) else 1.0
            score = Score(value, passed=True, reason=reason)
            writer.put_result(make_result(plan, seq, turn, score))
    outcomes = [row.outcome for row in store.results("r1")]
    assert outcomes == ["error", "error", "error", "ok", "ok", "ok"]
    [error] = {row.error for row in store.results("r1") if row.seq == 2}
    assert error is not None
    assert error.startswith("it cannot be stored: ")
    assert store.verify() == []


def wait_until(ready: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_equal_answers_of_one_batch_are_stored_once_and_others_all(
    store: Store, make_plan: Callable[..., Plan], make_result: Callable[..., TrialResult]
) -> None:
    plan = make_plan(cases=100, repeats=2)
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        for seq in range(plan.size):
            result = make_result(plan, seq)
            [turn] = result.turns
            key, text = (
                digest_text(f"{seq % 150}"),
                "other" if seq == plan.size - 1 else f"text {seq % 150}",
            )
            request = replace(turn.request, key=key)
            turn = replace(turn, request=request, completion=replace(turn.completion, text=text))
            writer.put_result(replace(result, turns=(turn,)))
    stored = store.stats().rows
    assert stored["trials"] == stored["trial_turns"] == plan.size == 400
    assert stored["generations"] == 151
    assert store.verify() == []


def test_what_user_code_gives_for_sampling_need_not_be_hashable(
    store: Store, make_plan: Callable[..., Plan], make_result: Callable[..., TrialResult]
) -> None:
    plan = make_plan(cases=1)
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        for seq in range(plan.size):
            result = make_result(plan, seq)
            [turn] = result.turns
            stop: Any = ["\n"]
            sampling = replace(turn.request.sampling, stop=stop)
            turn = replace(turn, request=replace(turn.request, sampling=sampling))
            writer.put_result(replace(result, turns=(turn,)))
    outcomes = store.run("r1").outcomes
    assert outcomes[Outcome.OK] == plan.size, outcomes
