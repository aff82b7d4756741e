"""What the writer stores: finished generations and finished trials of one run, a batch at a time.

It knows the SQL of results; it knows nothing of threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import TypeVar

from promptlab.core.budget import NOTHING, Spent
from promptlab.core.digest import digest_text
from promptlab.core.errors import StoreError
from promptlab.core.types import Outcome, Request, Score, TrialResult, Turn
from promptlab.store.connection import Connection, Value
from promptlab.store.encode import (
    COMPLETION_COLUMNS,
    completion_to_row,
    likelihoods_to_json,
    mapping_to_json,
    messages_to_json,
    optional,
    sampling_to_json,
    storable,
    to_json,
)

Number = TypeVar("Number", int, float)

_TEXT_ID = "(SELECT id FROM texts WHERE digest = ?)"

_INSERT_TEXT = "INSERT INTO texts (digest, text) VALUES (?, ?) ON CONFLICT DO NOTHING"

# Another process, or another trial of this run, may have asked the same. The same answer is kept
# once; another answer is kept too, so that what a trial shows is always what was graded.
_INSERT_GENERATION = f"""
INSERT INTO generations (
    key, fresh_run, prompt, schema, continuations, sampling, {COMPLETION_COLUMNS}, created_at, run
)
SELECT ?1, ?2,
    (SELECT id FROM texts WHERE digest = ?3), (SELECT id FROM texts WHERE digest = ?4),
    (SELECT id FROM texts WHERE digest = ?5), {", ".join(f"?{place}" for place in range(6, 23))}
WHERE NOT EXISTS (
    SELECT 1 FROM generations WHERE key = ?1 AND fresh_run = ?2 AND output = ?8 AND outcome = ?7
    AND likelihoods IS ?20
)
"""

# A trial that failed before and is tried again is replaced; its turns and scores go with it.
_REPLACE_TRIAL = f"INSERT OR REPLACE INTO trials VALUES ({', '.join('?' * 14)})"

_INSERT_TURN = """
INSERT INTO trial_turns (run, seq, turn, name, aside, backend, cached, generation)
VALUES (?, ?, ?, ?, ?, ?, ?, (
    SELECT id FROM generations WHERE key = ? AND output = ? AND outcome = ? AND likelihoods IS ?
    ORDER BY fresh_run = ? DESC, id DESC LIMIT 1
))
"""

_INSERT_FAILED_TURN = f"""
INSERT INTO trial_turns (run, seq, turn, name, aside, backend, cached, key, prompt, sampling)
VALUES (?, ?, ?, ?, ?, ?, 0, ?, {_TEXT_ID}, ?)
"""

_BACKENDS = """
SELECT b.name, b.id FROM run_backends p JOIN backends b ON b.id = p.backend WHERE p.run = ?
"""

_INSERT_SCORE = "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


_KEEP_SPENT = (
    "UPDATE runs SET spent_calls = ?, spent_cost_usd = ?, unpriced_answers = ? WHERE id = ?"
)


@dataclass(frozen=True, slots=True)
class Record:
    """One thing to store, and when it happened."""

    value: Turn | TrialResult
    created_at: str


class Recorder:
    """Stores the records of one run through one connection."""

    def __init__(self, connection: Connection, run_id: str) -> None:
        row = connection.row("SELECT id, fresh FROM runs WHERE run_id = ?", [run_id])
        if row is None:
            raise StoreError(f"unknown run {run_id!r}", where=str(connection.path))
        self._connection = connection
        self._run, fresh = row
        self._fresh_run = run_id if fresh else ""
        positions = "SELECT label, position FROM run_scorers WHERE run = ?"
        self._scorers = {row[0]: row[1] for row in connection.rows(positions, [self._run])}
        self._backends = {row[0]: row[1] for row in connection.rows(_BACKENDS, [self._run])}
        self._spent: Spent | None = None
        # Answers stored ahead of their trial, so that they are not written a second time.
        self._ahead: set[tuple[str, str]] = set()

    def write(self, records: Sequence[Record], spent: Spent = NOTHING) -> None:
        """Store a batch and what the run has spent: all of it or, after an error, nothing."""
        with self._connection.transaction():
            self._write_generations(records)
            self._write_trials(records)
            if spent not in (NOTHING, self._spent):
                self._connection.execute(_KEEP_SPENT, [*astuple(spent), self._run])
        self._spent = spent

    def _write_generations(self, records: Iterable[Record]) -> None:
        texts: dict[str, str] = {}
        rows = []
        for record in records:
            for turn in self._unstored_turns(record.value):
                asked = _request_row(turn.request, texts)
                if turn.completion.outcome is not Outcome.ERROR:
                    answered = completion_to_row(turn.completion)
                    key, *rest = asked
                    paid = (record.created_at, self._run)
                    rows.append((key, self._fresh_run, *rest, *answered, *paid))
        self._connection.executemany(_INSERT_TEXT, texts.items())
        self._connection.executemany(_INSERT_GENERATION, rows)

    def _unstored_turns(self, value: Turn | TrialResult) -> list[Turn]:
        """Return the turns whose answers this value is the first to bring."""
        if isinstance(value, Turn):
            self._ahead.add(_answer(value))
            return [value]
        turns = [turn for turn in value.turns if not turn.cached]
        unstored = [turn for turn in turns if _answer(turn) not in self._ahead]
        self._ahead.difference_update(map(_answer, turns))
        return unstored

    def _write_trials(self, records: Iterable[Record]) -> None:
        last = {r.value.trial.seq: r for r in records if isinstance(r.value, TrialResult)}
        trials, turns, failed_turns, scores = [], [], [], []
        for record in last.values():
            result = record.value
            assert isinstance(result, TrialResult)
            seq = result.trial.seq
            trials.append((self._run, *_trial_row(result), record.created_at))
            for place, turn in enumerate(result.turns):
                asked = (turn.name, turn.aside, self._backends.get(turn.backend))
                at = (self._run, seq, place, *asked)
                if turn.completion.outcome is Outcome.ERROR:
                    failed_turns.append((*at, *_failed_turn_row(turn)))
                else:
                    turns.append((*at, *_turn_row(turn), self._fresh_run))
            for label, score in result.scores.items():
                scores.append((self._run, seq, self._scorers[label], *_score_row(score)))
        self._connection.executemany(_REPLACE_TRIAL, trials)
        self._connection.executemany(_INSERT_TURN, turns)
        self._connection.executemany(_INSERT_FAILED_TURN, failed_turns)
        self._connection.executemany(_INSERT_SCORE, scores)


def _answer(turn: Turn) -> tuple[str, str]:
    return turn.request.key, turn.completion.text


def _request_row(request: Request, texts: dict[str, str]) -> tuple[Value, ...]:
    """Return key, digests of prompt, schema and continuations, and sampling; note these texts."""
    prompt = _note(messages_to_json(request.messages), texts)
    schema = None if request.schema is None else _note(mapping_to_json(request.schema), texts)
    weighed = _note(to_json(request.continuations), texts) if request.continuations else None
    return request.key, prompt, schema, weighed, sampling_to_json(request.sampling)


def _note(text: str, texts: dict[str, str]) -> str:
    digest = digest_text(text)
    texts[digest] = text
    return digest


def _trial_row(result: TrialResult) -> tuple[Value, ...]:
    trial = result.trial
    # What scorers asked beside the conversation says nothing of the template.
    completions = [turn.completion for turn in result.turns if not turn.aside]
    return (
        trial.seq,
        trial.arm,
        trial.case,
        trial.repeat,
        result.outcome.value,
        optional(result.error),
        result.graded,
        _total([completion.usage.input_tokens for completion in completions]),
        _total([completion.usage.output_tokens for completion in completions]),
        _total([completion.cost_usd for completion in completions]),
        _total([completion.latency_s for completion in completions]),
        bool(result.turns) and all(turn.cached for turn in result.turns),
    )


def _total(values: Sequence[Number | None]) -> Number | None:
    """Return the sum, or None where a part of it is unknown or there is none."""
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _turn_row(turn: Turn) -> tuple[Value, ...]:
    completion = turn.completion
    return (
        turn.cached,
        turn.request.key,
        storable(completion.text),
        completion.outcome.value,
        likelihoods_to_json(completion.likelihoods),
    )


def _failed_turn_row(turn: Turn) -> tuple[Value, ...]:
    key, prompt, *_, sampling = _request_row(turn.request, {})
    return key, prompt, sampling


def _score_row(score: Score) -> tuple[Value, ...]:
    return (
        score.value,
        score.passed,
        optional(score.reason),
        optional(score.error),
        optional(score.traceback),
    )
