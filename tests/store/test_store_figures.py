"""Figures that are kept with a run: the same as from its results, whatever happens to these."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from promptlab.core.ratings import Opinion
from promptlab.core.results import ArmOutcomes, ArmScores, RunInfo
from promptlab.core.types import Outcome, Plan, Score, ScorerSpec, TrialResult, Turn
from promptlab.store import Store
from promptlab.store.connection import connect
from promptlab.store.figures import VERSION

MakePlan = Callable[..., Plan]
MakeResult = Callable[..., TrialResult]
MakeTurn = Callable[..., Turn]
Told = tuple[RunInfo, list[ArmOutcomes], list[ArmScores], list[ArmScores]]


def told(store: Store, run_id: str) -> Told:
    scores, tagged = store.arm_scores(run_id), store.arm_scores(run_id, "short")
    return store.run(run_id), store.arm_outcomes(run_id), scores, tagged


def kept(path: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT part, version FROM run_figures WHERE arms IS NOT NULL")
        return sorted(rows.fetchall())


def forget(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM run_figures")


def is_true(store: Store, path: Path, run_id: str) -> bool:
    """Return whether what is told now is what a database without figures tells."""
    now = told(store, run_id)
    forget(path)
    return now == told(store, run_id)


@pytest.fixture
def run(store: Store, make_plan: MakePlan, make_result: MakeResult, make_turn: MakeTurn) -> Plan:
    """A run with a failed trial, a failed scorer, groups and repeats; it has ended."""
    plan = make_plan(cases=4, repeats=2, scorers=("a", "b"), group="doc")
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        for seq in range(plan.size):
            result = make_result(plan, seq, None, Score(seq / 16, passed=False, reason="x"))
            if seq == 3:
                result = make_result(plan, seq, make_turn("k3", error="no answer"))
            if seq == 5:
                result = replace(result, scores={"a": Score(None, error="it broke")})
            writer.put_result(result)
    store.end_run("r1", "finished")
    return plan


def test_they_are_kept_when_a_run_ends_and_tell_what_its_results_tell(
    store: Store, path: Path, run: Plan
) -> None:
    assert kept(path) == [("null", VERSION)]
    [first, *_] = store.arm_outcomes("r1")
    assert first.trials == 8
    assert store.run("r1").outcomes[Outcome.ERROR] == 1
    assert is_true(store, path, "r1")
    assert kept(path) == [('"short"', VERSION), ("null", VERSION)]  # at their first use
    assert is_true(store, path, "r1")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE scores SET score = 1, passed = 1 WHERE seq = 1",
        "DELETE FROM scores WHERE seq = 2 AND scorer = 0",
        "UPDATE trials SET outcome = 'empty' WHERE seq = 1",
        "DELETE FROM trials WHERE seq = 2",
        "UPDATE generations SET cost_usd = 7 WHERE id = 2",
        "DELETE FROM run_scorers WHERE position = 1",
        "UPDATE runs SET settings = json_set(settings, '$.reduce', json('{\"a\": \"max\"}'))",
    ],
)
def test_whoever_changes_a_result_takes_them_away(
    store: Store, path: Path, run: Plan, change: str
) -> None:
    told(store, "r1")
    assert len(kept(path)) == 2
    with closing(sqlite3.connect(path)) as other, other:  # any program at all
        other.execute(change)
    assert kept(path) == []
    assert is_true(store, path, "r1")


def test_they_follow_a_resumed_run_a_new_grading_and_people(
    store: Store, path: Path, run: Plan, make_result: MakeResult
) -> None:
    before = told(store, "r1")
    store.resume_run("r1")
    with store.writer("r1") as writer:
        writer.put_result(make_result(run, 3))
    assert kept(path) == []
    assert told(store, "r1")[1:] != before[1:]
    assert kept(path) == []  # it goes on
    store.end_run("r1", "finished")
    resumed = told(store, "r1")
    assert is_true(store, path, "r1")

    spec = ScorerSpec("a", "exact_match", "2", {"target": "x"})
    graded = {trial.seq: Score(1.0, passed=True) for trial in store.gradings.trials("r1")}
    store.gradings.replace("r1", spec, graded)
    regraded = told(store, "r1")
    assert regraded[2] != resumed[2]
    assert is_true(store, path, "r1")

    store.ratings.add("r1", [[1]], "ann", Opinion("pass"))
    assert len(told(store, "r1")[2]) > len(regraded[2])
    assert is_true(store, path, "r1")
    assert len(kept(path)) == 2
    store.ratings.add("r1", [[2]], "ann", Opinion("fail"))  # nothing but a new row
    assert kept(path) == []
    assert is_true(store, path, "r1")


def test_those_of_another_version_do_not_count(store: Store, path: Path, run: Plan) -> None:
    true = told(store, "r1")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE run_figures SET version = 0, summary = '{}', arms = '{}'")
    assert told(store, "r1") == true
    assert [version for _, version in kept(path)] == [VERSION, VERSION]


def test_a_list_of_runs_keeps_how_they_ended(store: Store, path: Path, run: Plan) -> None:
    [true] = store.runs()
    forget(path)
    assert store.runs() == [true]
    with closing(sqlite3.connect(path)) as database, database:
        rows = database.execute("SELECT part, arms FROM run_figures").fetchall()
        assert rows == [("null", None)]
        database.execute("UPDATE run_figures SET summary = replace(summary, '15', '14')")
    assert store.runs()[0].stored == 15  # read, not counted again
    assert store.arm_outcomes("r1")[0].trials == 8


def test_whoever_only_reads_keeps_them_too(
    path: Path, clock: Callable[[], datetime], store: Store, run: Plan
) -> None:
    true = told(store, "r1")
    forget(path)
    store.close()
    with Store.open(path, clock, readonly=True) as reading:
        assert told(reading, "r1") == true
    assert len(kept(path)) == 2
    assert sorted(file.name for file in path.parent.iterdir()) == ["promptlab.db"]


def test_while_others_write_nothing_is_kept_and_nobody_waits(
    store: Store, path: Path, run: Plan
) -> None:
    true = told(store, "r1")
    forget(path)
    with closing(connect(path)) as other, other.transaction():
        assert told(store, "r1") == true
    assert kept(path) == []


def test_a_file_that_takes_nothing_is_read_all_the_same(
    path: Path, clock: Callable[[], datetime], store: Store, run: Plan
) -> None:
    true = told(store, "r1")
    forget(path)
    store.close()
    with Store.open(path, clock, readonly=True) as reading:
        path.chmod(0o444)
        path.parent.chmod(0o555)
        try:
            assert told(reading, "r1") == true
        finally:
            path.parent.chmod(0o755)
            path.chmod(0o644)


_KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from promptlab.store import Store, runs

with Store.open(Path(sys.argv[1]), lambda: datetime.now(UTC)) as store:
    store.resume_run("r1")
    with store.writer("r1") as writer:
        plan = store.load_plan("r1")
        from promptlab.core.types import Outcome, Score, TrialResult
        writer.put_result(TrialResult(plan.trial(3), (), None, Outcome.ERROR, "gone", {}))
    runs.end_run(store._connection, 1, "2026-01-01T00:00:00.000+00:00", status="finished")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_process_killed_before_it_keeps_them_leaves_none_that_are_wrong(
    store: Store, path: Path, run: Plan
) -> None:
    told(store, "r1")
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert kept(path) == []
    assert store.run("r1").outcomes[Outcome.ERROR] == 1
    assert is_true(store, path, "r1")
    assert len(kept(path)) == 2


@pytest.mark.parametrize("far", [1e6, 1e9, 1e200])
def test_an_arm_far_from_the_others_has_its_own_variance(
    store: Store, make_plan: MakePlan, make_result: MakeResult, far: float
) -> None:
    plan = make_plan(cases=30)
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        for seq in range(plan.size):
            trial = plan.trial(seq)
            value = far + trial.case if trial.arm else 0.2 + 0.1 * (trial.case % 3)
            writer.put_result(make_result(plan, seq, None, Score(value)))
    store.end_run("r1", "finished")
    first, second = store.arm_scores("r1")
    assert first.variance == pytest.approx(0.2 / 29)
    if far < 1e100:
        assert second.variance == pytest.approx(77.5)
    assert store.verify() == []
