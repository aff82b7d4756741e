"""Stores trials that were measured elsewhere, many at once: they have one answer at most.

What the writer does for each trial of a run that is going on (calls in flight, questions aside,
answers that others may be storing too) cannot be here, so that rows are written as they are: in
batches, each in one transaction. The rows are those that the writer would store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from promptlab.core.digest import digest_text
from promptlab.core.outside import Outside
from promptlab.store.columns import listed, placeholders
from promptlab.store.connection import Connection, Value
from promptlab.store.encode import amount, iso, sampling_to_json, storable, to_json
from promptlab.store.liveness import NOW
from promptlab.store.plans import load_arms
from promptlab.store.statements import FORGET_FIGURES, INSERT_TEXT

_BATCH = 10_000  # trials in one transaction
_CACHE_KIB = 64 * 1024  # keys of answers come in no order, so that their index is read all over

_GENERATION = (
    *("id", "key", "fresh_run", "prompt", "sampling", "outcome", "output"),
    *("input_tokens", "output_tokens", "cost_usd", "created_at", "run"),
)
_TRIAL = (
    *("run", "seq", "arm", "case_", "repeat", "outcome", "graded"),
    *("input_tokens", "output_tokens", "cost_usd", "cached", "created_at"),
)
_TURN = ("run", "seq", "turn", "name", "aside", "cached", "generation")
_SCORE = ("run", "seq", "scorer", "score", "passed")


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({listed(columns)}) VALUES ({placeholders(columns)})"


_INSERT_GENERATION = _insert("generations", _GENERATION)
_INSERT_TRIAL = _insert("trials", _TRIAL)
_INSERT_TURN = _insert("trial_turns", _TURN)
_INSERT_SCORE = _insert("scores", _SCORE)

# An equal answer that was imported before is not stored again.
_KNOWN = """
SELECT key, output, max(id) FROM generations
WHERE key IN (SELECT value FROM json_each(:keys)) AND fresh_run = '' AND outcome = 'ok'
AND likelihoods IS NULL AND coalesce(thoughts, '') = '' GROUP BY key, output
"""


def add_all(
    connection: Connection,
    run: int,
    trials: Iterable[Outside],
    clock: Callable[[], datetime],
) -> None:
    """Store the trials of a run, batch by batch: what is stored stays if this is interrupted."""
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA foreign_keys = OFF")  # rows refer to what the plan has put there
    sampling = [sampling_to_json(arm.sampling) for arm in load_arms(connection, run)]
    rest = iter(trials)
    try:
        while batch := list(islice(rest, _BATCH)):
            with connection.transaction():
                _add(connection, run, batch, sampling, iso(clock()))
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _add(
    connection: Connection, run: int, batch: Sequence[Outside], sampling: Sequence[str], now: str
) -> None:
    asked = to_json([])  # nothing is known of it
    connection.executemany(INSERT_TEXT, [(digest_text(asked), asked)])
    prompt = connection.value("SELECT id FROM texts WHERE digest = :d", d=digest_text(asked))
    answers = {
        trial.seq: (trial.key, storable(trial.output or ""))
        for trial in batch
        if trial.key is not None
    }
    keys = to_json([key for key, _ in answers.values()])
    known: dict[tuple[str | None, str], int] = {
        (key, output): number for key, output, number in connection.rows(_KNOWN, keys=keys)
    }
    number = connection.count("SELECT coalesce(max(id), 0) FROM generations")
    generations: list[tuple[Value, ...]] = []
    turns: list[tuple[Value, ...]] = []
    rows: list[tuple[Value, ...]] = []
    for trial in batch:
        cost = amount(trial.cost_usd)
        usage = (trial.input_tokens, trial.output_tokens, cost)
        graded = None if trial.output is None else 0
        place = (run, trial.seq, trial.arm, trial.case, trial.repeat)
        rows.append((*place, "ok", graded, *usage, 0, now))
        answer = answers.get(trial.seq)
        if answer is None:
            continue
        at = known.get(answer)
        if at is None:
            number += 1
            at = known[answer] = number
            asked_by = (prompt, sampling[trial.arm])
            generations.append((at, answer[0], "", *asked_by, "ok", answer[1], *usage, now, run))
        turns.append((run, trial.seq, 0, trial.name, 0, 0, at))
    connection.execute(FORGET_FIGURES, run=run)
    connection.executemany(_INSERT_GENERATION, generations)
    connection.executemany(_INSERT_TRIAL, rows)
    connection.executemany(_INSERT_TURN, turns)
    connection.executemany(_INSERT_SCORE, _scores(run, batch))
    connection.execute(f"UPDATE runs SET heartbeat = {NOW} WHERE id = :run", run=run)


def _scores(run: int, batch: Iterable[Outside]) -> Iterator[tuple[Any, ...]]:
    for trial in batch:
        for scorer, score, passed in trial.scores:
            yield run, trial.seq, scorer, score, passed
