"""What people say of outputs, and the scores that follow from it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from promptlab.core.measured import AT
from promptlab.core.ratings import Kind, Opinion, Rating, Verdict
from promptlab.core.types import Outcome, Plan, ScorerSpec, TrialResult
from promptlab.core.wanted import ResultFilter
from promptlab.store import Store

MakePlan = Callable[..., Plan]
MakeResult = Callable[..., TrialResult]
PASS, FAIL = Opinion("pass"), Opinion("fail")


@pytest.fixture
def run_id(store: Store, make_plan: MakePlan, make_result: MakeResult) -> str:
    """Return a finished run of 3 cases by 2 arms; the last trial failed."""
    plan = make_plan()
    store.begin_run("r1", plan)
    with store.writer("r1") as writer:
        for seq in range(plan.size):
            result = make_result(plan, seq)
            if seq == 5:
                result = replace(result, outcome=Outcome.ERROR, error="no answer", scores={})
            writer.put_result(result)
    store.end_run("r1", "finished")
    return "r1"


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.execute(sql))


def human(store: Store, run_id: str, label: str = "human") -> dict[int, tuple[Any, ...]]:
    rows = store.results(run_id, ResultFilter(where=f"scorer = '{label}'"))
    return {row.seq: (row.score, row.passed, row.reason) for row in rows if row.score is not None}


def labels(store: Store, run_id: str) -> list[str]:
    return [spec.label for spec in store.load_plan(run_id).scorers]


def test_a_rating_is_a_score_of_human_with_rater_time_and_note(
    store: Store, run_id: str, path: Path
) -> None:
    before = store.load_plan(run_id)
    store.ratings.add(run_id, [[1]], "ann", Opinion("fail", "names no label", ("vague", "long")))
    assert human(store, run_id) == {
        1: (0.0, False, "ann: fail [vague, long]: names no label"),
    }
    [rating] = store.ratings.standing(run_id)
    assert (rating.trials, rating.rater, rating.kind) == ((1,), "ann", "outputs")
    assert rating.opinion == Opinion("fail", "names no label", ("vague", "long"))
    spec = store.load_plan(run_id).scorers[-1]
    assert spec == ScorerSpec("human", "human", "1", {"rated": "outputs"})
    assert spec.by_people
    assert store.load_plan(run_id).graded_here == before.scorers
    told = "SELECT case_id, arm, other_arm, rater, verdict, preferred, note, tags FROM ratings"
    [row] = query(path, told)
    assert row[:4] == ("c0", "sentiment@v2 -role on small", None, "ann")
    assert row[4:] == ("fail", None, "names no label", '["vague","long"]')
    assert query(path, "SELECT created_at FROM ratings")[0][0].startswith("2026-01-01T")
    assert store.verify() == []


def test_the_mean_of_raters_counts_and_a_draw_neither_passes_nor_fails(
    store: Store, run_id: str
) -> None:
    for rater, opinion in (("ann", PASS), ("ben", FAIL)):
        store.ratings.add(run_id, [[0]], rater, opinion)
    assert human(store, run_id) == {0: (0.5, None, "ann: pass; ben: fail")}
    store.ratings.add(run_id, [[0]], "eve", PASS)
    assert human(store, run_id)[0][:2] == (pytest.approx(2 / 3), True)


def test_the_last_word_of_a_rater_counts_and_what_was_before_comes_back(
    store: Store, run_id: str, path: Path
) -> None:
    for opinion in (PASS, FAIL, Opinion("fail", "odd")):
        store.ratings.add(run_id, [[2]], "ann", opinion)
    said = []
    while (last := store.ratings.last(run_id, "ann", "outputs")) is not None:
        said.append(human(store, run_id)[2][2])
        store.ratings.withdraw(run_id, last)
    assert said == ["ann: fail: odd", "ann: fail", "ann: pass"]
    # Nothing is left of it but the record.
    assert labels(store, run_id) == ["exact_match"]
    assert query(path, "SELECT count(*) FROM scores WHERE scorer = 1") == [(0,)]
    assert query(path, "SELECT count(*), count(withdrawn_at) FROM given_ratings") == [(3, 3)]
    assert query(path, "SELECT count(*) FROM ratings") == [(0,)]
    assert store.verify() == []


def test_one_rater_takes_nothing_of_another_back(store: Store, run_id: str) -> None:
    store.ratings.add(run_id, [[0]], "ann", PASS)
    store.ratings.add(run_id, [[0]], "ben", FAIL)
    last = store.ratings.last(run_id, "ann", "outputs")
    assert last is not None
    store.ratings.withdraw(run_id, last)
    assert human(store, run_id) == {0: (0.0, False, "ben: fail")}
    assert store.ratings.last(run_id, "ann", "outputs") is None


@pytest.mark.parametrize(
    ("verdict", "scores"),
    [("left", (1.0, 0.0)), ("right", (0.0, 1.0)), ("tie", (0.5, 0.5))],
)
def test_a_pair_scores_both_outputs_and_fails_none(
    store: Store, run_id: str, verdict: Verdict, scores: tuple[float, float], path: Path
) -> None:
    store.ratings.add(run_id, [[3, 2]], "ann", Opinion(verdict))
    found = human(store, run_id)
    assert {seq: row[:2] for seq, row in found.items()} == {
        3: (scores[0], None),
        2: (scores[1], None),
    }
    preferred = {"left": "sentiment@v2 -role on small", "right": "sentiment@v1 -role on small"}
    assert query(path, "SELECT preferred FROM ratings") == [(preferred.get(verdict),)]


def test_outputs_that_are_the_same_are_found_and_rated_in_one_step(
    store: Store, run_id: str
) -> None:
    # Every answer of the fixture is the same; trials 0 and 1 are of a case, trial 5 has none.
    assert store.ratings.same_outputs(run_id) == {0: 0, 1: 0, 2: 2, 3: 2, 4: 4}
    store.ratings.add(run_id, [[2], [3]], "ann", PASS)
    store.ratings.add(run_id, [[0], [1]], "ann", FAIL)
    assert {seq: row[0] for seq, row in human(store, run_id).items()} == {2: 1, 3: 1, 0: 0, 1: 0}
    last = store.ratings.last(run_id, "ann", "outputs")
    assert last is not None
    store.ratings.withdraw(run_id, last)
    assert sorted(human(store, run_id)) == [2, 3]
    assert store.verify() == []


def test_a_pair_is_the_same_on_whichever_side(store: Store, run_id: str) -> None:
    store.ratings.add(run_id, [[3, 2]], "ann", Opinion("left"))
    store.ratings.add(run_id, [[2, 3]], "ann", Opinion("left"))
    assert [rating.trials for rating in store.ratings.standing(run_id)] == [(2, 3)]
    assert human(store, run_id)[2][0] == 1.0


def test_a_note_alone_is_no_score(store: Store, run_id: str) -> None:
    store.ratings.add(run_id, [[0]], "ann", Opinion(None, "look again"))
    assert labels(store, run_id) == ["exact_match"]
    assert len(store.ratings.standing(run_id)) == 1


def test_verdicts_on_outputs_and_on_pairs_are_scorers_of_their_own(
    store: Store, run_id: str
) -> None:
    store.ratings.add(run_id, [[0, 1]], "ann", Opinion("left"))
    store.ratings.add(run_id, [[0]], "ann", FAIL)
    assert labels(store, run_id) == ["exact_match", "human", "human_outputs"]
    assert human(store, run_id)[0][0] == 1.0
    assert human(store, run_id, "human_outputs") == {0: (0.0, False, "ann: fail")}


def test_a_scorer_of_that_name_keeps_it(
    store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    plan = make_plan(scorers=("human",))
    store.begin_run("r2", plan)
    with store.writer("r2") as writer:
        for seq in range(plan.size):
            writer.put_result(make_result(plan, seq))
    store.end_run("r2", "finished")
    store.ratings.add("r2", [[0]], "ann", FAIL)
    assert labels(store, "r2") == ["human", "human_outputs"]
    assert human(store, "r2")[0][0] == 1.0  # the scorer's own
    assert human(store, "r2", "human_outputs") == {0: (0.0, False, "ann: fail")}


def test_what_was_not_rated_is_unknown_and_a_failed_trial_is_no_zero(
    store: Store, run_id: str
) -> None:
    store.ratings.add(run_id, [[4]], "ann", PASS)
    store.ratings.add(run_id, [[3]], "ann", PASS)
    arms = {entry.arm: entry for entry in store.arm_scores(run_id) if entry.scorer == "human"}
    assert {arm: (entry.n_cases, entry.mean) for arm, entry in arms.items()} == {
        0: (1, 1.0),
        1: (1, 1.0),  # the failed trial 5 is of this arm
    }
    measured = store.measured(run_id, "human")
    scores = [(row[0], row[1], row[AT["score"]]) for row in measured.rows]
    assert scores == [
        (1, 1, 1.0),
        (0, 2, 1.0),
    ]
    assert store.verify() == []


def test_scores_are_made_anew_after_a_trial_was_carried_out_again(
    store: Store, run_id: str, make_plan: MakePlan, make_result: MakeResult
) -> None:
    store.ratings.add(run_id, [[0]], "ann", PASS)
    store.resume_run(run_id)
    with store.writer(run_id) as writer:
        writer.put_result(make_result(make_plan(), 0))
    store.end_run(run_id, "finished")
    store.ratings.grade(run_id)
    assert human(store, run_id) == {0: (1.0, True, "ann: pass")}


@pytest.mark.parametrize("kind", ["outputs", "pairs"])
def test_a_value_of_a_rating_that_cannot_be_is_found(
    store: Store, run_id: str, path: Path, kind: Kind
) -> None:
    one = kind == "outputs"
    right: Verdict = "pass" if one else "left"
    store.ratings.add(run_id, [[0] if one else [0, 1]], "ann", Opinion(right))
    wrong = "left" if one else "pass"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE given_ratings SET verdict = ?", [wrong])
    assert store.verify() == [f"rating 1 cannot be read: the verdict {wrong}"]


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from promptlab.core.ratings import Opinion
from promptlab.store import Store

store = Store.open(Path(sys.argv[1]), lambda: datetime.now(UTC))
for trial in range(4):
    store.ratings.add("r1", [[trial]], "ann", Opinion("pass"))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_process_that_is_killed_loses_no_rating(store: Store, run_id: str, path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert sorted(human(store, run_id)) == [0, 1, 2, 3]
    assert store.verify() == []


def test_a_rating_tells_its_kind_and_what_it_scores() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    pair = Rating(1, (4, 5), "ann", at, Opinion("right"))
    assert (pair.kind, pair.item) == ("pairs", frozenset({4, 5}))
    assert (pair.score_of(4), pair.score_of(5)) == (0.0, 1.0)
    assert Rating(1, (4,), "ann", at, Opinion(None, "hm")).score_of(4) is None
    assert Opinion().says_nothing
    assert not Opinion(tags=("x",)).says_nothing
