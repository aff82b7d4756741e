"""The gradings of a run: what there is to grade, and replacing a grading by a newer one.

The earlier grading is kept whole, beside the scores that count. A grading is replaced in one
transaction: a reader sees all of the old one or all of the new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from promptlab.core.errors import StoreError
from promptlab.core.results import GradedTrial
from promptlab.core.types import Outcome, Score, ScorerSpec
from promptlab.store.connection import Connection
from promptlab.store.records import INSERT_READING, INSERT_SCORE
from promptlab.store.rows import readings, score_row
from promptlab.store.runs import run_info

_GRADED = "SELECT seq, case_, graded, outcome FROM trials WHERE run = :run AND outcome <> 'error'"

_SCORES = """
SELECT s.seq, s.score, s.passed, s.gradable, s.reason, s.error, s.traceback, f.text, x.text,
    s.turn, s.answer
FROM scores s JOIN run_scorers k ON k.run = s.run AND k.position = s.scorer
LEFT JOIN readings f ON f.id = s.found LEFT JOIN readings x ON x.id = s.expected
WHERE s.run = :run AND k.label = :label
"""

_KEEP_GRADING = """
INSERT INTO former_gradings (run, scorer, version, identity, replaced_at)
SELECT run, position, version, identity, :now FROM run_scorers
WHERE run = :run AND position = :scorer
"""

_KEEP_SCORES = """
INSERT INTO former_scores (
    grading, seq, score, passed, reason, error, traceback, gradable, found, expected, turn, answer
)
SELECT :grading, seq, score, passed, reason, error, traceback, gradable, found, expected, turn,
    answer
FROM scores WHERE run = :run AND scorer = :scorer
"""

_CASES = """
SELECT p.position, c.case_id FROM run_cases p JOIN cases c ON c.id = p.case_ WHERE p.run = :run
"""

_DROP_SCORES = "DELETE FROM scores WHERE run = :run AND scorer = :scorer"

_KEEP_SCORER = """
UPDATE run_scorers SET version = :version, identity = :identity, judge = :judge
WHERE run = :run AND position = :scorer
"""


def graded_trials(connection: Connection, run: int) -> Iterator[GradedTrial]:
    """Yield the trials that have an answer to grade, in the order of the plan."""
    for seq, case, graded, outcome in connection.rows(_GRADED, run=run):
        yield GradedTrial(seq, case, graded, Outcome(outcome))


def scores(connection: Connection, run: int, label: str) -> dict[int, Score]:
    """Return the scores that one scorer gave in a run, by the place of their trial."""
    rows = connection.rows(_SCORES, run=run, label=label)
    return {seq: _score(*row) for seq, *row in rows}


def _score(  # noqa: PLR0913 - one for each column of `_SCORES`
    value: float | None,
    passed: object,
    gradable: object,
    reason: str | None,
    error: str | None,
    trace: str | None,
    found: str | None,
    expected: str | None,
    turn: int | None,
    answer: str | None,
) -> Score:
    graded = None if turn is None or answer is None else (turn, answer)
    told = (reason, error, trace, _flag(gradable), found, expected)
    return Score(value, _flag(passed), *told, graded)


def _flag(value: object) -> bool | None:
    return None if value is None else bool(value)


def replace_grading(
    connection: Connection, run: int, spec: ScorerSpec, new_scores: Mapping[int, Score], now: str
) -> None:
    """Replace the scores that the scorer of this label gave before by new ones."""
    with connection.transaction():
        _require_whole(connection, run, spec, new_scores)
        place = connection.count(
            "SELECT position FROM run_scorers WHERE run = :run AND label = :label",
            run=run,
            label=spec.label,
        )
        grading = connection.execute(_KEEP_GRADING, now=now, run=run, scorer=place)
        connection.execute(_KEEP_SCORES, grading=grading, run=run, scorer=place)
        connection.execute(_DROP_SCORES, run=run, scorer=place)
        connection.executemany(INSERT_READING, readings(new_scores.values()))
        connection.executemany(
            INSERT_SCORE,
            ((run, seq, place, *score_row(score)) for seq, score in new_scores.items()),
        )
        connection.execute(
            _KEEP_SCORER,
            version=spec.version,
            identity=spec.identity,
            judge=spec.judge,
            run=run,
            scorer=place,
        )


def _require_whole(
    connection: Connection, run: int, spec: ScorerSpec, new_scores: Mapping[int, Score]
) -> None:
    """Refuse a grading that does not cover exactly the present trials: the run is still going."""
    info = run_info(connection, run)
    trials = graded_trials(connection, run)
    if spec.cases is not None:
        own = {place for place, case in connection.rows(_CASES, run=run) if case in spec.cases}
        trials = (trial for trial in trials if trial.case in own)
    gradable = {trial.seq for trial in trials}
    if info.status == "running" or gradable != new_scores.keys():
        raise StoreError(
            f"run {info.run_id} changed while it was being graded", hint="wait for it to finish"
        )
