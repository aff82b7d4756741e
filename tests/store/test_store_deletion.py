"""Deleting a run: what is its own goes, what others rest on stays, and the database stays sound."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from promptlab.core.errors import StoreError
from promptlab.core.looks import PastFamily
from promptlab.core.ratings import Opinion
from promptlab.core.runs import RunSettings
from promptlab.core.types import Plan, Score, ScorerSpec, Sequential, TrialResult, Turn
from promptlab.store import Store

MakePlan = Callable[..., Plan]
MakeResult = Callable[..., TrialResult]
MakeTurn = Callable[..., Turn]


def rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as database:
        [(number,)] = database.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(number)


@pytest.fixture
def plan(store: Store, make_plan: MakePlan, make_result: MakeResult, make_turn: MakeTurn) -> Plan:
    """Two runs: r2 shares the answers of the first two trials of r1, and has four of its own."""
    plan = make_plan(cases=3)
    for run_id in ("r1", "r2"):
        store.begin_run(run_id, plan)
        with store.writer(run_id) as writer:
            for seq in range(plan.size):
                shared = run_id == "r1" or seq < 2
                turn = make_turn(f"k{seq}" if shared else f"own {seq}", cached=seq < 2)
                turn = replace(turn, cached=run_id == "r2" and shared)
                writer.put_result(make_result(plan, seq, turn))
        store.end_run(run_id, "finished")
    return plan


def test_it_says_what_is_lost(store: Store, plan: Plan) -> None:
    store.ratings.add("r1", [[0]], "ann", Opinion("pass"))
    lost = store.loss("r1")
    assert (lost.run.run_id, lost.trials, lost.scores) == ("r1", 6, 7)
    assert (lost.ratings, lost.answers) == (1, 4)


@pytest.mark.slow
def test_what_others_rest_on_stays(store: Store, path: Path, plan: Plan) -> None:
    store.ratings.add("r1", [[0]], "ann", Opinion("pass"))
    spec = ScorerSpec("exact_match", "exact_match", "2", {"target": "x"})
    graded = {trial.seq: Score(1.0, passed=True) for trial in store.gradings.trials("r1")}
    store.gradings.replace("r1", spec, graded)
    before = list(store.results("r2")), store.arm_outcomes("r2"), store.run("r2")
    store.delete_run("r1")
    assert [run.run_id for run in store.runs()] == ["r2"]
    assert store.verify() == []
    assert (list(store.results("r2")), store.arm_outcomes("r2"), store.run("r2")) == before
    assert rows(path, "generations") == 10  # until the next vacuum
    keys = [turn.request.key for turn in store.conversation("r2", 0)]
    assert len(store.completions(keys, None)) == 1

    store.search("positive")
    store.vacuum()
    assert rows(path, "generations") == 6
    assert store.verify() == []
    assert (list(store.results("r2")), store.arm_outcomes("r2"), store.run("r2")) == before
    assert len(store.search("positive").hits) == 6
    assert rows(path, "templates") == 2  # the texts of versions are kept for ever

    store.delete_run("r2")
    store.vacuum()
    assert [rows(path, table) for table in ("generations", "texts", "cases")] == [0, 0, 0]
    assert store.verify() == []


def test_an_answer_that_is_used_again_is_kept(
    store: Store, path: Path, plan: Plan, make_result: MakeResult, make_turn: MakeTurn
) -> None:
    store.delete_run("r1")
    store.begin_run("r3", plan)
    with store.writer("r3") as writer:
        writer.put_result(make_result(plan, 3, make_turn("k3", cached=True)))
    store.vacuum()
    assert [row.output for row in store.results("r3")] == ["positive"]
    assert rows(path, "generations") == 7


def test_answers_that_no_deleted_run_had_are_never_dropped(
    store: Store, path: Path, plan: Plan, make_turn: MakeTurn
) -> None:
    store.begin_run("r3", plan)
    with store.writer("r3") as writer:
        writer.put_turn(make_turn("ahead of its trial"))
    store.delete_run("r1")
    store.vacuum()
    assert rows(path, "generations") == 7


def test_a_run_that_goes_on_is_not_deleted(store: Store, plan: Plan) -> None:
    store.begin_run("r3", plan)
    for refused in (store.loss, store.delete_run):
        with pytest.raises(StoreError, match="run r3 is still running"):
            refused("r3")
    store.end_run("r3", "interrupted")
    store.delete_run("r3")
    with pytest.raises(StoreError, match="unknown run"):
        store.run("r3")


def begin(store: Store, run_id: str, plan: Plan, **settings: Any) -> None:
    request = RunSettings(**settings)
    store.begin_run(run_id, plan, settings=request)
    store.end_run(run_id, "finished")


def test_a_run_that_could_stop_early_is_not_deleted(store: Store, make_plan: MakePlan) -> None:
    begin(store, "r1", replace(make_plan(), sequential=Sequential(0.05, ((0, 1),))))
    for refused in (store.loss, store.delete_run):
        with pytest.raises(StoreError, match="run r1 must not be deleted: it could stop early"):
            refused("r1")


@pytest.mark.parametrize("chosen", [{"limit": 2}, {"case_ids": ("c0",)}, {"tags": ("short",)}])
def test_chosen_cases_stay_once_their_versions_ran_again(
    store: Store, make_plan: MakePlan, chosen: dict[str, Any]
) -> None:
    plan = make_plan(cases=3)
    begin(store, "r0", plan)
    begin(store, "r1", plan, **chosen)
    begin(store, "elsewhere", replace(plan, suite="another"))
    store.delete_run("r0")  # it was of all cases
    store.loss("r1")
    begin(store, "r2", plan)
    with pytest.raises(StoreError, match=r"run r1 must not be deleted: .* later run r2 has"):
        store.delete_run("r2", "r1")
    assert [run.run_id for run in store.runs()] == ["r2", "elsewhere", "r1"]  # all or none
    store.delete_run("r2")
    store.delete_run("r1")


@pytest.mark.parametrize("limit", [None, 2])
def test_chosen_cases_stay_once_they_were_concluded_of(
    store: Store, make_plan: MakePlan, limit: int | None
) -> None:
    begin(store, "r1", make_plan(), limit=limit)
    begin(store, "r12", make_plan(), limit=limit)
    family = PastFamily("", "q", 1, "s", ("s",), ("r1",), (), "b2:1", None, None, ())
    assert store.ledger.add([family], b"", 0)
    store.delete_run("r12")
    if limit is None:
        store.delete_run("r1")
    else:
        with pytest.raises(StoreError, match=r"run r1 must not .* was concluded of it"):
            store.delete_run("r1")


def test_dev_cases_stay_once_a_run_of_both_sides_tells_of_them(
    store: Store, make_plan: MakePlan
) -> None:
    plan = make_plan()
    begin(store, "r1", replace(plan, split="dev"))
    begin(store, "r2", replace(plan, split="dev"))
    store.delete_run("r2")
    begin(store, "r3", replace(plan, split="all"))
    with pytest.raises(StoreError, match="run r1 must not be deleted: run r3 tells"):
        store.delete_run("r1")


def test_a_run_that_a_passport_rests_on_is_not_deleted(
    store: Store, path: Path, plan: Plan
) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "INSERT INTO passports (id, created_at, suite, scorer, digest, bound_to, labels,"
            " verdict, findings, figures)"
            " VALUES (1, '2026-01-01T00:00:00', 's', 'judge', 'b2:1', '{}', 'b2:2', 'trusted',"
            " '[]', '{}')"
        )
        database.execute("INSERT INTO passport_anchors VALUES (1, 1, 0, 0, 1.0)")
    with pytest.raises(StoreError, match="the passport of judge 'judge' in suite s rests on"):
        store.delete_run("r1")
    store.delete_run("r2")
