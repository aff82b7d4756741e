"""Rows that are kept with a run: those of its results, whatever happens to these."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from promptlab.core.types import Plan, Score, ScorerSpec, TrialResult, Turn
from promptlab.store import Store
from promptlab.store.kept_rows import packed, unpacked

VALUES = st.one_of(
    st.just(np.nan),
    st.integers(0, 2**33).map(float),
    st.floats(allow_nan=True, allow_infinity=True, width=64),
)


@given(
    rows=st.tuples(st.integers(0, 5), st.integers(1, 4)).flatmap(
        lambda shape: arrays(np.float64, shape, elements=VALUES)
    )
)
def test_what_is_packed_comes_back(rows: NDArray[np.float64]) -> None:
    again = unpacked(packed(rows))
    assert again.shape == rows.shape
    assert np.array_equal(again, rows, equal_nan=True)


def test_small_numbers_take_little() -> None:
    rows = np.column_stack([np.arange(1000) % 2, np.arange(1000), np.full(1000, np.nan)])
    assert len(packed(rows)) < 3_100


@pytest.fixture
def run(
    store: Store,
    make_plan: Callable[..., Plan],
    make_result: Callable[..., TrialResult],
    make_turn: Callable[..., Turn],
    monkeypatch: pytest.MonkeyPatch,
) -> Plan:
    """A run that has ended, of few trials."""
    monkeypatch.setattr(sys.modules[packed.__module__], "_LEAST", 1)
    plan = make_plan(cases=4, repeats=2, scorers=("a", "b"))
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        for seq in range(plan.size):
            result = make_result(plan, seq, None, Score(seq / 16, passed=False, reason="x"))
            writer.put_result(
                make_result(plan, seq, make_turn("k3", error="gone")) if seq == 3 else result
            )
    store.end_run("r1", "finished")
    return plan


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        sql = "SELECT count(*) FROM run_figures WHERE rows IS NOT NULL"
        return int(database.execute(sql).fetchone()[0])


def rows_of(store: Store, scorer: str = "a") -> NDArray[np.float64]:
    rows = store.measured("r1", scorer).rows
    assert isinstance(rows, np.ndarray)
    return rows


def same(store: Store, path: Path) -> bool:
    """Return whether both scorers' rows are those that a database without kept ones tells."""
    told = [rows_of(store, scorer) for scorer in "ab"]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM run_figures")
    anew = [rows_of(store, scorer) for scorer in "ab"]
    return all(np.array_equal(*pair, equal_nan=True) for pair in zip(told, anew, strict=True))


def test_they_are_kept_at_their_first_use(store: Store, path: Path, run: Plan) -> None:
    assert count(path) == 0
    first = rows_of(store)
    assert count(path) == 1
    assert np.array_equal(rows_of(store), first, equal_nan=True)
    assert len(first) == run.size
    assert same(store, path)
    assert count(path) == 2
    assert store.verify() == []


def test_a_large_run_keeps_those_of_its_primary_scorer_when_it_ends(
    store: Store, path: Path, run: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptlab.store._LARGE", run.size)
    store.resume_run("r1")
    store.end_run("r1", "interrupted")
    assert count(path) == 0  # who interrupts does not wait
    store.resume_run("r1")
    store.end_run("r1", "finished")
    assert count(path) == 1
    assert same(store, path)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE scores SET score = 1 WHERE seq = 1",
        "DELETE FROM scores WHERE seq = 2 AND scorer = 0",
        "UPDATE trials SET outcome = 'empty' WHERE seq = 1",
        "DELETE FROM trials WHERE seq = 2",
        "UPDATE trial_turns SET generation = 1 WHERE seq = 2",
        "UPDATE generations SET finish_reason = 'content_filter' WHERE id = 2",
        "DELETE FROM scores WHERE scorer = 1",
    ],
)
def test_whoever_changes_a_result_takes_them_away(
    store: Store, path: Path, run: Plan, change: str
) -> None:
    assert same(store, path)
    with closing(sqlite3.connect(path)) as other, other:  # any program at all
        other.execute(change)
    assert count(path) == 0
    assert same(store, path)


def test_they_follow_a_resumed_run_and_a_new_grading(
    store: Store, path: Path, run: Plan, make_result: Callable[..., TrialResult]
) -> None:
    before = rows_of(store)
    store.resume_run("r1")
    with store.writer("r1") as writer:
        writer.put_result(make_result(run, 3))
    resumed = rows_of(store)
    assert not np.array_equal(before, resumed, equal_nan=True)
    assert count(path) == 0  # it goes on
    store.end_run("r1", "finished")
    assert same(store, path)

    spec = ScorerSpec("a", "exact_match", "2", {"target": "x"})
    graded = {trial.seq: Score(1.0, passed=True) for trial in store.gradings.trials("r1")}
    store.gradings.replace("r1", spec, graded)
    assert not np.array_equal(rows_of(store), resumed, equal_nan=True)
    assert same(store, path)


def test_whoever_verifies_finds_those_that_are_wrong(
    store: Store, path: Path, run: Plan, clock: Callable[[], datetime]
) -> None:
    wrong = rows_of(store).copy()
    wrong[0, 0] = 1
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE run_figures SET rows = ? WHERE rows IS NOT NULL", (packed(wrong),))
    assert store.verify() == ["run r1: its kept rows are not those of its results"]


def test_rows_are_of_the_moment_of_all_else_though_others_grade_anew(
    store: Store,
    path: Path,
    run: Plan,
    clock: Callable[[], datetime],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = rows_of(store)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM run_figures")
    module = sys.modules["promptlab.store.measured"]
    load_templates = module.load_templates

    def graded_meanwhile(*asked: object) -> object:
        with Store.open(path, clock) as other:
            graded = {trial.seq: Score(0.125) for trial in other.gradings.trials("r1")}
            other.gradings.replace("r1", ScorerSpec("a", "exact_match", "2", {}), graded)
        return load_templates(*asked)

    monkeypatch.setattr(module, "load_templates", graded_meanwhile)
    seen = store.measured("r1", "a")
    assert seen.scorer.version != "2"
    assert np.array_equal(np.array(seen.rows, dtype=float), before, equal_nan=True)
    monkeypatch.undo()
    assert store.measured("r1", "a").scorer.version == "2"
    assert not np.array_equal(rows_of(store), before, equal_nan=True)
