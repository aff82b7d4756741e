"""What people say of the outputs of a run: kept at once, and turned into scores of `human`.

A rating, and the scores that follow from it, are one transaction: whenever the process ends, both
are there or neither. The scorer joins a run with its first score, and leaves it with its last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from promptlab.core.ratings import HUMAN, RATED, Kind, Opinion, Rating
from promptlab.core.types import Score
from promptlab.store.area import Area
from promptlab.store.columns import listed
from promptlab.store.connection import Value
from promptlab.store.encode import from_json, iso, mapping_to_json, to_json, told
from promptlab.store.faults import decoded
from promptlab.store.rows import score_row
from promptlab.store.runs import run_number
from promptlab.store.statements import FORGET_FIGURES, INSERT_SCORE

VERSION = "1"

_COLUMNS = ("id", "trial", "other", "rater", "created_at", "verdict", "note", "tags")

_STANDING = f"""
SELECT {listed(_COLUMNS)} FROM standing_ratings WHERE run = :run
AND (:trials IS NULL OR trial IN (SELECT value FROM json_each(:trials))
    OR other IN (SELECT value FROM json_each(:trials)))
ORDER BY id
"""

_INSERT = """
INSERT INTO given_ratings (run, trial, other, rater, created_at, verdict, note, tags)
VALUES (:run, :trial, :other, :rater, :now, :verdict, :note, :tags)
"""

# What was given in one step has one moment.
_STEP = """
run = :run AND rater = :rater AND created_at = :at AND (other IS NOT NULL) = :pairs
AND withdrawn_at IS NULL
"""

_WITHDRAW = f"UPDATE given_ratings SET withdrawn_at = :now WHERE {_STEP}"

_IN_STEP = f"""
SELECT trial FROM given_ratings WHERE {_STEP}
UNION SELECT other FROM given_ratings WHERE other IS NOT NULL AND {_STEP}
"""

_SAME = """
SELECT t.seq, min(t.seq) OVER (PARTITION BY t.case_, g.output) FROM trials t
JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = t.graded
JOIN generations g ON g.id = u.generation
WHERE t.run = :run AND t.outcome <> 'error'
"""

_LAST = f"""
SELECT {listed(_COLUMNS)} FROM given_ratings
WHERE run = :run AND rater = :rater AND (other IS NOT NULL) = :pairs AND withdrawn_at IS NULL
ORDER BY id DESC LIMIT 1
"""

_LABELS = """
SELECT label, position, name = :name AND json_extract(params, '$.rated') = :kind
FROM run_scorers WHERE run = :run ORDER BY position
"""

_INSERT_SCORER = """
INSERT INTO run_scorers (run, position, label, name, version, params, judge)
VALUES (:run, :position, :label, :name, :version, :params, 0)
"""

_DROP_SCORES = """
DELETE FROM scores WHERE run = :run AND scorer = :scorer
AND seq IN (SELECT value FROM json_each(:trials))
"""

# An output that failed since has no score, and the last scorer of a run is the only one that can go
# without others having to move up.
_DROP_SCORER = """
DELETE FROM run_scorers WHERE run = :run AND position = :scorer
AND NOT EXISTS (SELECT 1 FROM scores WHERE run = :run AND scorer = :scorer)
AND NOT EXISTS (SELECT 1 FROM run_scorers WHERE run = :run AND position > :scorer)
"""

_ANSWERED = """
SELECT seq FROM trials WHERE run = :run AND outcome <> 'error'
AND seq IN (SELECT value FROM json_each(:trials))
"""


class Ratings(Area):
    """The ratings in an open database."""

    @decoded
    def standing(self, run_id: str) -> list[Rating]:
        """Return the ratings of a run that count, in the order in which they were given."""
        return self._standing(run_number(self._connection, run_id), None)

    @decoded
    def of_trials(self, run_id: str, trials: Sequence[int]) -> list[Rating]:
        """Return the ratings that count of these trials, in the order in which they were given."""
        return self._standing(run_number(self._connection, run_id), trials)

    @decoded
    def last(self, run_id: str, rater: str, kind: Kind) -> Rating | None:
        """Return what a rater said last of a run, and has not taken back."""
        run = run_number(self._connection, run_id)
        row = self._connection.row(_LAST, run=run, rater=rater, pairs=kind == "pairs")
        return None if row is None else _rating(*row)

    @decoded
    def same_outputs(self, run_id: str) -> dict[int, int]:
        """Return each trial with an output, with the first of its case that has the same output.

        Outputs are compared letter by letter.
        """
        run = run_number(self._connection, run_id)
        return dict(self._connection.rows(_SAME, run=run))

    @decoded
    def add(
        self, run_id: str, rated: Sequence[Sequence[int]], rater: str, opinion: Opinion
    ) -> None:
        """Keep what a rater says now of outputs or of pairs, and the scores that follow."""
        run = run_number(self._connection, run_id)
        now = iso(self._clock())
        with self._connection.transaction():
            for trials in rated:
                self._connection.execute(
                    _INSERT,
                    run=run,
                    trial=trials[0],
                    other=trials[1] if len(trials) > 1 else None,
                    rater=rater,
                    now=now,
                    verdict=opinion.verdict,
                    note=told(opinion.note) or "",
                    tags=told(to_json(opinion.tags)),
                )
            touched = [trial for trials in rated for trial in trials]
            self._grade(run, touched, "pairs" if len(rated[0]) > 1 else "outputs")

    @decoded
    def withdraw(self, run_id: str, rating: Rating) -> None:
        """Take a rating back, with what was said in the same step.

        What the rater said before of the same counts again.
        """
        run = run_number(self._connection, run_id)
        pairs = rating.kind == "pairs"
        step: dict[str, Value] = {"rater": rating.rater, "at": rating.at, "pairs": pairs}
        with self._connection.transaction():
            touched = [seq for (seq,) in self._connection.rows(_IN_STEP, run=run, **step)]
            self._connection.execute(_WITHDRAW, run=run, now=iso(self._clock()), **step)
            self._grade(run, touched, rating.kind)

    @decoded
    def grade(self, run_id: str) -> None:
        """Make the scores anew, where trials that were rated have been carried out again."""
        run = run_number(self._connection, run_id)
        with self._connection.transaction():
            rated: dict[Kind, set[int]] = {"outputs": set(), "pairs": set()}
            for rating in self._standing(run, None):
                rated[rating.kind] |= rating.item
            for kind, trials in rated.items():
                if trials:
                    self._grade(run, sorted(trials), kind)

    def _standing(self, run: int, trials: Sequence[int] | None) -> list[Rating]:
        wanted = None if trials is None else to_json(trials)
        return [_rating(*row) for row in self._connection.rows(_STANDING, run=run, trials=wanted)]

    def _grade(self, run: int, trials: Sequence[int], kind: Kind) -> None:
        """Replace the scores of these trials by those that follow from their ratings."""
        ratings = [each for each in self._standing(run, trials) if each.kind == kind]
        answered = self._connection.rows(_ANSWERED, run=run, trials=to_json(trials))
        found = {
            trial: score
            for (trial,) in answered
            if (score := _score(trial, [each for each in ratings if trial in each.item]))
        }
        place = self._scorer(run, kind, make=bool(found))
        if place is None:
            return
        self._connection.execute(FORGET_FIGURES, run=run)
        self._connection.execute(_DROP_SCORES, run=run, scorer=place, trials=to_json(trials))
        self._connection.executemany(
            INSERT_SCORE,
            [(run, trial, place, *score_row(score)) for trial, score in found.items()],
        )
        if not found:
            self._connection.execute(_DROP_SCORER, run=run, scorer=place)

    def _scorer(self, run: int, kind: Kind, *, make: bool) -> int | None:
        """Return the place of the scorer of a kind of ratings among those of the run."""
        rows = self._connection.all(_LABELS, run=run, name=HUMAN, kind=kind)
        for _, place, is_it in rows:
            if is_it:
                return int(place)
        if not make:
            return None
        place = max((at for _, at, _ in rows), default=-1) + 1
        self._connection.execute(
            _INSERT_SCORER,
            run=run,
            position=place,
            label=_free_label(kind, {label for label, *_ in rows}),
            name=HUMAN,
            version=VERSION,
            params=mapping_to_json({RATED: kind}),
        )
        return place


def _free_label(kind: Kind, taken: set[str]) -> str:
    """Return `human`, or a longer name where that is taken: by the other kind, or by a scorer."""
    labels = (HUMAN, f"{HUMAN}_{kind}", *(f"{HUMAN}_{kind}_{n}" for n in range(2, len(taken) + 3)))
    return next(label for label in labels if label not in taken)


def _rating(  # noqa: PLR0913 - one for each column
    number: int,
    trial: int,
    other: int | None,
    rater: str,
    at: str,
    verdict: Any,
    note: str,
    tags: str,
) -> Rating:
    trials = (trial,) if other is None else (trial, other)
    return Rating(number, trials, rater, at, Opinion(verdict, note, tuple(from_json(tags))))


def _score(trial: int, ratings: Iterable[Rating]) -> Score | None:
    """Return the mean of what raters say of a trial, None if no one has decided.

    An output passes if most raters pass it; where as many fail it, and of a pair, it neither passes
    nor fails.
    """
    decided = [(each, value) for each in ratings if (value := each.score_of(trial)) is not None]
    if not decided:
        return None
    mean = sum(value for _, value in decided) / len(decided)
    open_ = decided[0][0].kind == "pairs" or mean == 0.5
    reasons = [_reason(each, trial) for each, _ in decided]
    return Score(mean, None if open_ else mean > 0.5, "; ".join(reasons))


def _reason(rating: Rating, trial: int) -> str:
    """Return who says what of a trial, with tags and note."""
    opinion = rating.opinion
    said = str(opinion.verdict)
    if rating.kind == "pairs" and said != "tie":
        said = "preferred" if rating.score_of(trial) == 1 else "not preferred"
    tags = f" [{', '.join(opinion.tags)}]" if opinion.tags else ""
    note = f": {opinion.note}" if opinion.note else ""
    return f"{rating.rater}: {said}{tags}{note}"
