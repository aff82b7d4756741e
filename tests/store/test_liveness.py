"""Whether a run goes on, where its process can be seen and where only its heartbeat can."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from promptlab.core.errors import StoreError
from promptlab.core.types import Plan, Turn
from promptlab.store import Store, liveness

MakePlan = Callable[..., Plan]
ELSEWHERE = "UPDATE runs SET place = 'another boot pid:[1]', host = 'another', pid = 1"
AGO = "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '{} seconds')"


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(sql)


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0, "running"), (-50, "running"), (-70, "interrupted"), (30, "running"), (90, "interrupted")],
)
def test_a_process_that_cannot_be_seen_is_alive_while_its_heart_beats(
    store: Store, path: Path, make_plan: MakePlan, seconds: int, status: str
) -> None:
    store.begin_run("r1", make_plan())
    change(path, f"{ELSEWHERE}, heartbeat = {AGO.format(seconds)}")
    assert store.run("r1").status == status
    if status == "running":
        with pytest.raises(StoreError, match="r1 is still running") as caught:
            store.resume_run("r1")
        assert "counts as running for 60 s" in (caught.value.hint or "")
    else:
        store.resume_run("r1")
        assert store.run("r1").status == "running"


def test_a_process_that_can_be_seen_is_dead_whatever_its_last_heartbeat(
    store: Store, path: Path, make_plan: MakePlan
) -> None:
    store.begin_run("r1", make_plan())
    change(path, "UPDATE runs SET process_started = 'before'")
    assert store.run("r1").status == "interrupted"


def test_a_run_of_a_version_without_heartbeats_counts_by_its_host(
    store: Store, path: Path, make_plan: MakePlan
) -> None:
    store.begin_run("r1", make_plan())
    change(path, "UPDATE runs SET place = NULL, heartbeat = NULL")
    assert store.run("r1").status == "running"
    change(path, "UPDATE runs SET host = 'another'")
    assert store.run("r1").status == "interrupted"


@pytest.mark.slow
def test_the_heart_beats_though_nothing_is_stored(
    store: Store, path: Path, make_plan: MakePlan
) -> None:
    store.begin_run("r1", make_plan())
    change(path, f"UPDATE runs SET heartbeat = {AGO.format(-70)}")
    with store.writer("r1"):
        deadline = time.monotonic() + 30
        while silent(path) > liveness.SILENT_S:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def silent(path: Path) -> float:
    with closing(sqlite3.connect(path)) as database:
        [row] = database.execute(f"SELECT {liveness.PROCESS} FROM runs")
    return float(row[-1])


def test_a_run_that_another_process_took_over_is_left_to_it(
    path: Path, clock: Callable[[], datetime], make_plan: MakePlan, make_turn: Callable[..., Turn]
) -> None:
    with Store.open(path, clock) as store:
        store.begin_run("r1", make_plan())
        writer = store.writer("r1")
        writer.flush()
        change(path, ELSEWHERE)
        writer.put_turn(make_turn("a"))
        with pytest.raises(StoreError, match="has been resumed by another process"):
            writer.close()
        assert store.stats().rows["generations"] == 1, "what was paid for is kept"
