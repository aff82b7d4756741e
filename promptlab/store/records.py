"""What the writer stores: finished generations and finished trials of one run, a batch at a time.

It knows the SQL of results; it knows nothing of threads. Here what servers and user-defined code
gave becomes rows: whatever they may give, a value that cannot be stored costs its own record alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from promptlab.core.budget import NOTHING, Spent
from promptlab.core.errors import StoreError
from promptlab.core.foreign import last_line
from promptlab.core.types import Outcome, TrialResult, Turn
from promptlab.store.connection import Connection, Value
from promptlab.store.encode import completion_to_row, mended
from promptlab.store.facts import add_facts
from promptlab.store.faults import OF_A_VALUE
from promptlab.store.liveness import NOW, OWNER
from promptlab.store.pending import Opened, Record
from promptlab.store.rows import (
    failed_turn_row,
    readings,
    request_row,
    score_row,
    trial_row,
    turn_row,
)
from promptlab.store.statements import (
    BACKENDS,
    FAILED_TURN,
    FORGET_FIGURES,
    GENERATION,
    INSERT_FAILED_TURN,
    INSERT_GENERATION,
    INSERT_PARTED,
    INSERT_READING,
    INSERT_SCORE,
    INSERT_TEXT,
    INSERT_TURN,
    INSERT_UNREAD_SCORE,
    KEEP_SPENT,
    READING,
    REPLACE_TRIAL,
    SCORE,
    TEXT,
    TRIAL,
    TURN,
    UNREAD_SCORE,
    different,
    row_of,
)

_BEAT = f"UPDATE runs SET heartbeat = {NOW} WHERE id = :run"


def generation_row(
    turn: Turn, request: tuple[Value, ...], fresh_run: str, made: tuple[str, int | None]
) -> tuple[Value, ...]:
    """Return an answer as a row; it was `made` at this moment, paid for by this run."""
    key, *rest = request
    return (key, fresh_run, *rest, *completion_to_row(turn.completion), *made)


class Recorder:
    """Stores the records of one run through one connection."""

    def __init__(self, connection: Connection, run_id: str) -> None:
        row = connection.row("SELECT id, fresh FROM runs WHERE run_id = :run_id", run_id=run_id)
        if row is None:
            raise StoreError(f"unknown run {run_id!r}", where=str(connection.path))
        self._connection = connection
        self._run_id = run_id
        self._run, fresh = row
        self._fresh_run = run_id if fresh else ""
        positions = "SELECT label, position FROM run_scorers WHERE run = :run"
        self._scorers = {row[0]: row[1] for row in connection.rows(positions, run=self._run)}
        backends = connection.rows(BACKENDS, run=self._run)
        self._backends: dict[str | None, int] = {row[0]: row[1] for row in backends}
        self._owner = connection.value(OWNER, run=self._run)
        self._spent: Spent | None = None
        # Answers stored ahead of their trial, so that they are not written twice.
        self._ahead: set[tuple[str, str]] = set()
        self._mends = False

    def write(self, records: Sequence[Record], spent: Spent = NOTHING) -> None:
        """Store a batch and what the run has spent: all of it or, after an error, nothing.

        A record that cannot be stored is stored as a failed trial, and takes no other with it.
        """
        ahead = set(self._ahead)
        try:
            self._store(records, spent)
        except OF_A_VALUE:
            self._ahead = ahead
            for record in records:
                self._store_alone(record, spent)

    def _store_alone(self, record: Record, spent: Spent) -> None:
        """Store one record: with its values mended or, if that is not enough, as a failure."""
        ahead = set(self._ahead)
        self._mends = True
        try:
            self._store([record], spent)
        except OF_A_VALUE as error:
            self._ahead = ahead
            if isinstance(record.value, TrialResult):  # a turn comes again with its trial
                self._store([_failure(record, record.value, error)], spent)
        finally:
            self._mends = False

    def _store(self, records: Sequence[Record], spent: Spent) -> None:
        with self._connection.transaction():
            for record in records:
                if isinstance(record.value, Opened):
                    opened = record.value
                    add_facts(self._connection, self._run, opened.backend, opened.facts)
            if records:
                self._connection.execute(FORGET_FIGURES, run=self._run)
            self._write_generations(records)
            self._write_trials(records)
            if spent not in (NOTHING, self._spent):
                self._connection.execute(KEEP_SPENT, **asdict(spent), run=self._run)
            self._connection.execute(_BEAT, run=self._run)
            owner = self._connection.value(OWNER, run=self._run)
        self._spent = spent
        if owner != self._owner:  # what this process was given is stored all the same
            raise StoreError(
                f"run {self._run_id} has been resumed by another process",
                hint="let that one finish it",
                where=str(self._connection.path),
            )

    def _insert(self, sql: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        listed = [tuple(map(mended, row)) for row in rows] if self._mends else [*rows]
        self._connection.insert(sql, row_of(columns), listed)

    def _write_generations(self, records: Iterable[Record]) -> None:
        texts: dict[str, str] = {}
        rows, parted = [], []
        for record in records:
            for turn in self._unstored_turns(record.value):
                request = request_row(turn.request, texts)
                if turn.completion.outcome is not Outcome.ERROR:
                    rows.append(self._generation_row(turn, request, record.created_at, self._run))
            for turn in _thoughtful_cached_turns(record.value):
                request = request_row(turn.request, texts)
                parted.append(self._generation_row(turn, request, record.created_at, None))
        self._insert(INSERT_TEXT, TEXT, texts.items())
        self._insert(INSERT_GENERATION, GENERATION, different(rows))
        self._insert(INSERT_PARTED, GENERATION, different(parted))

    def _generation_row(
        self, turn: Turn, request: tuple[Value, ...], created_at: str, paid_by: int | None
    ) -> tuple[Value, ...]:
        return generation_row(turn, request, self._fresh_run, (created_at, paid_by))

    def _unstored_turns(self, value: Turn | TrialResult | Opened) -> list[Turn]:
        """Return the turns whose answers have not been stored before."""
        if isinstance(value, Opened):
            return []
        if isinstance(value, Turn):
            self._ahead.add(_answer(value))
            return [value]
        turns = [turn for turn in value.turns if not turn.cached]
        unstored = [turn for turn in turns if _answer(turn) not in self._ahead]
        self._ahead.difference_update(map(_answer, turns))
        return unstored

    def _write_trials(self, records: Iterable[Record]) -> None:
        last = {r.value.trial.seq: r for r in records if isinstance(r.value, TrialResult)}
        trials, turns, failed_turns, scores, unread, graded = [], [], [], [], [], []
        for record in last.values():
            result = record.value
            assert isinstance(result, TrialResult)
            seq = result.trial.seq
            trials.append((self._run, *trial_row(result), record.created_at))
            for place, turn in enumerate(result.turns):
                call = (turn.name, turn.aside, self._backends.get(turn.backend))
                at = (self._run, seq, place, *call)
                if turn.completion.outcome is Outcome.ERROR:
                    failed_turns.append((*at, *failed_turn_row(turn)))
                else:
                    turns.append((*at, *turn_row(turn), self._fresh_run))
            for label, score in result.scores.items():
                row = (self._run, seq, self._scorers[label], *score_row(score))
                if score.found is score.expected is None:
                    unread.append(row[:-2])
                else:
                    scores.append(row)
                    graded.append(score)
        self._insert(REPLACE_TRIAL, TRIAL, trials)
        self._insert(INSERT_TURN, TURN, turns)
        self._insert(INSERT_FAILED_TURN, FAILED_TURN, failed_turns)
        self._insert(INSERT_READING, READING, readings(graded))
        self._insert(INSERT_SCORE, SCORE, scores)
        self._insert(INSERT_UNREAD_SCORE, UNREAD_SCORE, unread)


def _failure(record: Record, result: TrialResult, error: Exception) -> Record:
    """Return the record of a trial whose answer or scores cannot be stored."""
    reason = f"it cannot be stored: {last_line(error)}"
    failed = replace(result, outcome=Outcome.ERROR, error=reason, turns=(), scores={})
    return replace(record, value=failed)


def _thoughtful_cached_turns(value: Turn | TrialResult | Opened) -> list[Turn]:
    turns = value.turns if isinstance(value, TrialResult) else ()
    return [turn for turn in turns if turn.cached and turn.completion.thoughts]


def _answer(turn: Turn) -> tuple[str, str]:
    return turn.request.key, turn.completion.text
