"""What the writer stores: finished generations and finished trials of one run, a batch at a time.

It knows the SQL of results; it knows nothing of threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from promptlab.core.budget import NOTHING, Spent
from promptlab.core.digest import digest_text
from promptlab.core.errors import StoreError
from promptlab.core.types import Outcome, Request, Score, TrialResult, Turn
from promptlab.store.columns import COMPLETION_COLUMNS, listed, placeholders
from promptlab.store.connection import Connection, Value
from promptlab.store.encode import (
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

_TEXT = ("digest", "text")
_GENERATION = (
    *("key", "fresh_run", "prompt", "schema", "continuations", "sampling"),
    *COMPLETION_COLUMNS,
    *("created_at", "run"),
)
_TRIAL = (
    *("run", "seq", "arm", "case_", "repeat", "outcome", "error", "graded"),
    *("input_tokens", "output_tokens", "cost_usd", "latency_s", "cached", "created_at"),
)
_TURN = (
    *("run", "seq", "turn", "name", "aside", "backend", "cached"),
    *("key", "output", "outcome", "likelihoods", "thoughts", "fresh_run"),
)
_FAILED_TURN = (
    *("run", "seq", "turn", "name", "aside", "backend", "cached"),
    *("key", "prompt", "sampling"),
)
_SCORE = ("run", "seq", "scorer", "score", "passed", "reason", "error", "traceback")


def _new(columns: Sequence[str]) -> str:
    """Return the beginning of a statement that refers to the values of a row by name."""
    return f"WITH new ({listed(columns)}) AS (VALUES ({placeholders(columns)}))"


_INSERT_TEXT = f"""
INSERT INTO texts ({listed(_TEXT)}) VALUES ({placeholders(_TEXT)}) ON CONFLICT DO NOTHING
"""

# Thoughts that nobody looked for are none: an answer without any is the same before and after.
_SAME_ANSWER = """
g.key = new.key AND g.output = new.output AND g.outcome = new.outcome
AND g.likelihoods IS new.likelihoods
AND coalesce(g.thoughts, '') = coalesce(new.thoughts, '')
"""

# Another process, or another trial of this run, may have made the same request. An equal answer is
# stored once; a different one is stored too, so that a trial always shows what was graded.
_INSERT_GENERATION = f"""
{_new(_GENERATION)}
INSERT INTO generations ({listed(_GENERATION)})
SELECT key, fresh_run,
    (SELECT id FROM texts WHERE digest = new.prompt),
    (SELECT id FROM texts WHERE digest = new.schema),
    (SELECT id FROM texts WHERE digest = new.continuations),
    {listed(_GENERATION[5:])}
FROM new
WHERE NOT EXISTS (
    SELECT 1 FROM generations g WHERE {_SAME_ANSWER} AND g.fresh_run = new.fresh_run
)
"""

# An answer from the store is there already, unless its thoughts were taken out of its text since.
_INSERT_PARTED = _INSERT_GENERATION.replace(" AND g.fresh_run = new.fresh_run", "")

# A trial that failed before and is tried again is replaced; its turns and scores go with it.
_REPLACE_TRIAL = f"""
INSERT OR REPLACE INTO trials ({listed(_TRIAL)}) VALUES ({placeholders(_TRIAL)})
"""

_INSERT_TURN = f"""
{_new(_TURN)}
INSERT INTO trial_turns (run, seq, turn, name, aside, backend, cached, generation)
SELECT run, seq, turn, name, aside, backend, cached, (
    SELECT id FROM (
        SELECT g.id, g.fresh_run = new.fresh_run AS is_own FROM generations g
        WHERE {_SAME_ANSWER}
    ) ORDER BY is_own DESC, id DESC LIMIT 1
) FROM new
"""

_INSERT_FAILED_TURN = f"""
{_new(_FAILED_TURN)}
INSERT INTO trial_turns ({listed(_FAILED_TURN)})
SELECT run, seq, turn, name, aside, backend, cached, key,
    (SELECT id FROM texts WHERE digest = new.prompt), sampling
FROM new
"""

_BACKENDS = """
SELECT b.name, b.id FROM run_backends p JOIN backends b ON b.id = p.backend WHERE p.run = :run
"""

INSERT_SCORE = f"INSERT INTO scores ({listed(_SCORE)}) VALUES ({placeholders(_SCORE)})"

_KEEP_SPENT = """
UPDATE runs SET spent_calls = :calls, spent_cost_usd = :cost_usd, unpriced_answers = :unpriced
WHERE id = :run
"""


@dataclass(frozen=True, slots=True)
class Record:
    """A turn or result to store, and when it happened."""

    value: Turn | TrialResult
    created_at: str


class Recorder:
    """Stores the records of one run through one connection."""

    def __init__(self, connection: Connection, run_id: str) -> None:
        row = connection.row("SELECT id, fresh FROM runs WHERE run_id = :run_id", run_id=run_id)
        if row is None:
            raise StoreError(f"unknown run {run_id!r}", where=str(connection.path))
        self._connection = connection
        self._run, fresh = row
        self._fresh_run = run_id if fresh else ""
        positions = "SELECT label, position FROM run_scorers WHERE run = :run"
        self._scorers = {row[0]: row[1] for row in connection.rows(positions, run=self._run)}
        backends = connection.rows(_BACKENDS, run=self._run)
        self._backends: dict[str | None, int] = {row[0]: row[1] for row in backends}
        self._spent: Spent | None = None
        # Answers stored ahead of their trial, so that they are not written twice.
        self._ahead: set[tuple[str, str]] = set()

    def write(self, records: Sequence[Record], spent: Spent = NOTHING) -> None:
        """Store a batch and what the run has spent: all of it or, after an error, nothing."""
        with self._connection.transaction():
            self._write_generations(records)
            self._write_trials(records)
            if spent not in (NOTHING, self._spent):
                self._connection.execute(_KEEP_SPENT, **asdict(spent), run=self._run)
        self._spent = spent

    def _write_generations(self, records: Iterable[Record]) -> None:
        texts: dict[str, str] = {}
        rows, parted = [], []
        for record in records:
            for turn in self._unstored_turns(record.value):
                request = _request_row(turn.request, texts)
                if turn.completion.outcome is not Outcome.ERROR:
                    rows.append(self._generation_row(turn, request, record.created_at, self._run))
            for turn in _thoughtful_cached_turns(record.value):
                request = _request_row(turn.request, texts)
                parted.append(self._generation_row(turn, request, record.created_at, None))
        self._connection.executemany(_INSERT_TEXT, texts.items())
        self._connection.executemany(_INSERT_GENERATION, rows)
        self._connection.executemany(_INSERT_PARTED, parted)

    def _generation_row(
        self, turn: Turn, request: tuple[Value, ...], created_at: str, paid_by: int | None
    ) -> tuple[Value, ...]:
        key, *rest = request
        completion = completion_to_row(turn.completion)
        return (key, self._fresh_run, *rest, *completion, created_at, paid_by)

    def _unstored_turns(self, value: Turn | TrialResult) -> list[Turn]:
        """Return the turns whose answers have not been stored before."""
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
                call = (turn.name, turn.aside, self._backends.get(turn.backend))
                at = (self._run, seq, place, *call)
                if turn.completion.outcome is Outcome.ERROR:
                    failed_turns.append((*at, *_failed_turn_row(turn)))
                else:
                    turns.append((*at, *_turn_row(turn), self._fresh_run))
            for label, score in result.scores.items():
                scores.append((self._run, seq, self._scorers[label], *score_row(score)))
        self._connection.executemany(_REPLACE_TRIAL, trials)
        self._connection.executemany(_INSERT_TURN, turns)
        self._connection.executemany(_INSERT_FAILED_TURN, failed_turns)
        self._connection.executemany(INSERT_SCORE, scores)


def _thoughtful_cached_turns(value: Turn | TrialResult) -> list[Turn]:
    turns = value.turns if isinstance(value, TrialResult) else ()
    return [turn for turn in turns if turn.cached and turn.completion.thoughts]


def _answer(turn: Turn) -> tuple[str, str]:
    return turn.request.key, turn.completion.text


def _request_row(request: Request, texts: dict[str, str]) -> tuple[Value, ...]:
    """Return key, digests of prompt, schema and continuations, and sampling; note the texts."""
    prompt = _note(messages_to_json(request.messages), texts)
    schema = None if request.schema is None else _note(mapping_to_json(request.schema), texts)
    continuations = _note(to_json(request.continuations), texts) if request.continuations else None
    return request.key, prompt, schema, continuations, sampling_to_json(request.sampling)


def _note(text: str, texts: dict[str, str]) -> str:
    digest = digest_text(text)
    texts[digest] = text
    return digest


def _trial_row(result: TrialResult) -> tuple[Value, ...]:
    trial = result.trial
    # What scorers ask aside from the conversation does not describe the template.
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
    """Return the sum, or None if a part is unknown or there are no values."""
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
        optional(completion.thoughts),
    )


def _failed_turn_row(turn: Turn) -> tuple[Value, ...]:
    key, prompt, *_, sampling = _request_row(turn.request, {})
    return False, key, prompt, sampling


def score_row(score: Score) -> tuple[Value, ...]:
    """Return a score as the last values of `INSERT_SCORE`."""
    return (
        score.value,
        score.passed,
        optional(score.reason),
        optional(score.error),
        optional(score.traceback),
    )
