"""Replacing a grading by a newer one, while the earlier one is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from promptlab.core.errors import StoreError
from promptlab.core.types import Outcome, Plan, Score, TrialResult
from promptlab.store import Store

MakePlan = Callable[..., Plan]
MakeResult = Callable[..., TrialResult]

BEFORE = Score(0.0, passed=False, reason="no", gradable=True, found="no", expected="yes")
NOW = Score(None, error="ValueError: odd", traceback="...")


@pytest.fixture
def run_id(store: Store, make_plan: MakePlan, make_result: MakeResult) -> str:
    """Return a finished run of 6 trials, one of them failed, that two scorers graded."""
    plan = make_plan(scorers=("exact_match", "length"))
    scores = {"exact_match": BEFORE, "length": Score(0.5)}
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        for seq in range(plan.size):
            result = replace(make_result(plan, seq), scores=scores)
            if seq == 5:
                result = replace(result, outcome=Outcome.ERROR, error="no answer", scores={})
            writer.put_result(result)
    store.end_run("r1", "finished")
    return "r1"


def test_the_newest_grading_counts_and_the_one_before_is_kept(
    store: Store, run_id: str, tmp_path: Path
) -> None:
    spec = store.load_plan(run_id).scorers[0]
    assert [trial.seq for trial in store.gradings.trials(run_id)] == [0, 1, 2, 3, 4]
    assert store.gradings.scores(run_id, "exact_match") == dict.fromkeys(range(5), BEFORE)
    store.gradings.replace(
        run_id, replace(spec, version="2", identity="{}"), dict.fromkeys(range(5), NOW)
    )
    assert store.gradings.scores(run_id, "exact_match") == dict.fromkeys(range(5), NOW)
    assert store.gradings.scores(run_id, "length") == dict.fromkeys(range(5), Score(0.5))
    assert store.load_plan(run_id).scorers[0] == replace(spec, version="2", identity="{}")
    assert store.verify() == []
    with closing(sqlite3.connect(tmp_path / "promptlab.db")) as database:
        kept = list(database.execute("SELECT version, identity FROM former_gradings"))
        assert kept == [(spec.version, None)]
        kept = list(
            database.execute(
                "SELECT seq, score, passed, reason, gradable, f.text, e.text FROM former_scores"
                " JOIN readings f ON f.id = found JOIN readings e ON e.id = expected"
            )
        )
        assert kept == [(seq, 0.0, 0, "no", 1, "no", "yes") for seq in range(5)]


@pytest.mark.parametrize("seqs", [[], range(4), range(6)])
def test_a_grading_of_other_trials_is_refused(store: Store, run_id: str, seqs: list[int]) -> None:
    spec = store.load_plan(run_id).scorers[0]
    with pytest.raises(StoreError, match="run r1 changed while it was being graded"):
        store.gradings.replace(run_id, spec, dict.fromkeys(seqs, NOW))
    assert store.gradings.scores(run_id, "exact_match") == dict.fromkeys(range(5), BEFORE)


def test_a_running_run_is_not_graded(store: Store, run_id: str) -> None:
    store.end_run(run_id, "interrupted")
    store.resume_run(run_id)
    spec = store.load_plan(run_id).scorers[0]
    with pytest.raises(StoreError, match="changed while it was being graded"):
        store.gradings.replace(run_id, spec, dict.fromkeys(range(5), NOW))
