"""The gradings of a run: what there is to grade, what was read, replacing one by a newer one.

The earlier grading is kept whole, beside the scores that count. A grading is replaced in one
transaction: a reader sees all of the old one or all of the new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from promptlab.core.errors import StoreError
from promptlab.core.results import GradedTrial, Reading
from promptlab.core.types import NOT_GRADABLE, Completion, Outcome, Score, ScorerSpec, Turn
from promptlab.store.area import Area
from promptlab.store.asides import add_asides
from promptlab.store.columns import COMPLETION_COLUMNS, GRADES, listed
from promptlab.store.connection import Connection
from promptlab.store.encode import completion_from_row, iso, to_json
from promptlab.store.faults import decoded
from promptlab.store.queries import conversations
from promptlab.store.rows import readings, score_row
from promptlab.store.runs import run_info, run_number
from promptlab.store.statements import (
    FORGET_FIGURES,
    INSERT_READING,
    INSERT_SCORE,
    READING,
    SCORE,
    row_of,
)

_GRADED = "SELECT seq, case_, graded, outcome FROM trials WHERE run = :run AND outcome <> 'error'"

_SCORES = """
SELECT s.seq, s.score, s.passed, s.gradable, s.reason, s.error, s.traceback, f.text, x.text,
    s.turn, s.answer
FROM scores s JOIN run_scorers k ON k.run = s.run AND k.position = s.scorer
LEFT JOIN readings f ON f.id = s.found LEFT JOIN readings x ON x.id = s.expected
WHERE s.run = :run AND k.label = :label
"""

# Every trial that the scorer is to grade, with or without a score.
_READINGS = f"""
SELECT t.arm, t.case_, s.score, s.gradable, s.error, f.text, x.text
FROM trials t JOIN run_scorers k ON k.run = t.run AND k.label = :label
LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = k.position
LEFT JOIN readings f ON f.id = s.found LEFT JOIN readings x ON x.id = s.expected
WHERE t.run = :run AND (s.run IS NOT NULL OR (t.outcome = 'error' AND {GRADES}))
"""

_GRADED_ANSWERS = f"""
SELECT t.seq, {listed(COMPLETION_COLUMNS, "g")}
FROM trials t JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = t.graded
JOIN generations g ON g.id = u.generation
WHERE t.run = :run AND t.seq IN (SELECT value FROM json_each(:seqs))
"""

_VERDICTS = """
SELECT s.seq, s.score, s.passed
FROM scores s JOIN run_scorers k ON k.run = s.run AND k.position = s.scorer
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


class Gradings(Area):
    """Reads and replaces the gradings of runs in an open database."""

    @decoded
    def trials(self, run_id: str) -> list[GradedTrial]:
        """Return the trials of a run that have an answer to grade, in the order of the plan."""
        return list(_graded_trials(self._connection, self._number(run_id)))

    @decoded
    def conversations(self, run_id: str, seqs: Sequence[int]) -> dict[int, list[Turn]]:
        """Return the turns of several trials, by the place of each in the plan."""
        return conversations(self._connection, self._number(run_id), seqs)

    @decoded
    def answers(self, run_id: str, seqs: Sequence[int]) -> dict[int, Completion]:
        """Return the graded answers of trials, by the place of each in the plan."""
        run = self._number(run_id)
        rows = self._connection.rows(_GRADED_ANSWERS, run=run, seqs=to_json(seqs))
        return {seq: completion_from_row(row) for seq, *row in rows}

    def add_asides(self, run_id: str, asides: Mapping[int, Sequence[Turn]]) -> None:
        """Add answered questions to trials, each in the place of one that had failed.

        What was answered has been stored by the run's writer.
        """
        add_asides(self._connection, self._number(run_id), asides)

    @decoded
    def scores(self, run_id: str, label: str) -> dict[int, Score]:
        """Return the scores that one scorer gave in a run, by the place of their trial."""
        rows = self._connection.rows(_SCORES, run=self._number(run_id), label=label)
        return {seq: _score(*row) for seq, *row in rows}

    @decoded
    def verdicts(self, run_id: str, label: str) -> dict[int, tuple[float | None, bool | None]]:
        """Return what counts of these scores: the value, and whether it passes."""
        rows = self._connection.rows(_VERDICTS, run=self._number(run_id), label=label)
        return {seq: (value, _flag(passed)) for seq, value, passed in rows}

    @decoded
    def readings(self, run_id: str, label: str) -> list[Reading]:
        """Return what one scorer read out of the answers of a run, for all that it is to grade."""
        rows = self._connection.rows(_READINGS, run=self._number(run_id), label=label)
        return [_reading(*row) for row in rows]

    @decoded
    def replace(self, run_id: str, spec: ScorerSpec, scores: Mapping[int, Score]) -> None:
        """Make a scorer's new scores count from now on; the earlier ones are kept beside them."""
        number = self._number(run_id)
        _replace_grading(self._connection, number, spec, scores, iso(self._clock()))

    def _number(self, run_id: str) -> int:
        return run_number(self._connection, run_id)


def _graded_trials(connection: Connection, run: int) -> Iterator[GradedTrial]:
    for seq, case, graded, outcome in connection.rows(_GRADED, run=run):
        yield GradedTrial(seq, case, graded, Outcome(outcome))


def _reading(  # noqa: PLR0913 - one for each column of `_READINGS`
    arm: int,
    case: int,
    value: float | None,
    gradable: object,
    error: str | None,
    found: str | None,
    expected: str | None,
) -> Reading:
    if _flag(gradable) is False or (value is None and (error or "").startswith(NOT_GRADABLE)):
        return Reading(arm, case, "nothing", None, expected, False, value == 1)
    if value is None:
        return Reading(arm, case, "no_score", None, expected, False, False)
    if found is None:
        return Reading(arm, case, "other", None, expected, False, value == 1)
    return Reading(arm, case, "found", found, expected, bool(gradable), value == 1)


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


def _replace_grading(
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
        connection.execute(FORGET_FIGURES, run=run)
        connection.execute(_DROP_SCORES, run=run, scorer=place)
        connection.insert(INSERT_READING, row_of(READING), [*readings(new_scores.values())])
        rows = [(run, seq, place, *score_row(score)) for seq, score in new_scores.items()]
        connection.insert(INSERT_SCORE, row_of(SCORE), rows)
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
    trials = _graded_trials(connection, run)
    if spec.cases is not None:
        own = {place for place, case in connection.rows(_CASES, run=run) if case in spec.cases}
        trials = (trial for trial in trials if trial.case in own)
    gradable = {trial.seq for trial in trials}
    if info.status == "running" or gradable != new_scores.keys():
        raise StoreError(
            f"run {info.run_id} changed while it was being graded", hint="wait for it to finish"
        )
