"""The statements that store answers, trials and scores, and the columns of their rows.

Rows come as tuples, in the order of these columns; see `columns.placeholders`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from promptlab.store.columns import COMPLETION_COLUMNS, listed, placeholders
from promptlab.store.connection import Value

TEXT = ("digest", "text")
GENERATION = (
    *("key", "fresh_run", "prompt", "schema", "continuations", "sampling"),
    *COMPLETION_COLUMNS,
    *("created_at", "run"),
)
TRIAL = (
    *("run", "seq", "arm", "case_", "repeat", "outcome", "error", "graded"),
    *("input_tokens", "output_tokens", "cost_usd", "latency_s", "cached", "created_at"),
)
TURN = (
    *("run", "seq", "turn", "name", "aside", "backend", "cached"),
    *("key", "output", "outcome", "likelihoods", "thoughts", "fresh_run"),
)
FAILED_TURN = (
    *("run", "seq", "turn", "name", "aside", "backend", "cached"),
    *("key", "prompt", "sampling"),
)
READING = ("text",)
SCORE = (
    *("run", "seq", "scorer", "score", "passed", "reason", "error", "traceback"),
    *("gradable", "turn", "answer", "found", "expected"),
)
UNREAD_SCORE = SCORE[:-2]


def row_of(columns: Sequence[str]) -> str:
    """Return the placeholders of a row of these columns."""
    return f"({placeholders(columns)})"


def _new(columns: Sequence[str]) -> str:
    """Return the beginning of a statement that refers to the values of a row by name."""
    return f"WITH new ({listed(columns)}) AS (VALUES {row_of(columns)})"


INSERT_TEXT = f"""
INSERT INTO texts ({listed(TEXT)}) VALUES {row_of(TEXT)} ON CONFLICT DO NOTHING
"""

# Thoughts that nobody looked for are none: an answer without any is the same before and after.
_SAME_ANSWER = """
g.key = new.key AND g.output = new.output AND g.outcome = new.outcome
AND g.likelihoods IS new.likelihoods
AND coalesce(g.thoughts, '') = coalesce(new.thoughts, '')
"""

# What makes two answers one.
_IDENTITY = [
    GENERATION.index(name)
    for name in ("key", "fresh_run", "output", "outcome", "likelihoods", "thoughts")
]

# Another process, or another trial of this run, may have made the same request. An equal answer is
# stored once; a different one is stored too, so that a trial always shows what was graded.
INSERT_GENERATION = f"""
{_new(GENERATION)}
INSERT INTO generations ({listed(GENERATION)})
SELECT key, fresh_run,
    (SELECT id FROM texts WHERE digest = new.prompt),
    (SELECT id FROM texts WHERE digest = new.schema),
    (SELECT id FROM texts WHERE digest = new.continuations),
    {listed(GENERATION[5:])}
FROM new
WHERE NOT EXISTS (
    SELECT 1 FROM generations g WHERE {_SAME_ANSWER} AND g.fresh_run = new.fresh_run
)
"""

# An answer from the store is there already, unless its thoughts were taken out of its text since.
INSERT_PARTED = INSERT_GENERATION.replace(" AND g.fresh_run = new.fresh_run", "")

# A trial that failed before and is tried again is replaced; its turns and scores go with it.
REPLACE_TRIAL = f"""
INSERT OR REPLACE INTO trials ({listed(TRIAL)}) VALUES {row_of(TRIAL)}
"""

INSERT_TURN = f"""
{_new(TURN)}
INSERT INTO trial_turns (run, seq, turn, name, aside, backend, cached, generation)
SELECT run, seq, turn, name, aside, backend, cached, (
    SELECT id FROM (
        SELECT g.id, g.fresh_run = new.fresh_run AS is_own FROM generations g
        WHERE {_SAME_ANSWER}
    ) ORDER BY is_own DESC, id DESC LIMIT 1
) FROM new
"""

INSERT_FAILED_TURN = f"""
{_new(FAILED_TURN)}
INSERT INTO trial_turns ({listed(FAILED_TURN)})
SELECT run, seq, turn, name, aside, backend, cached, key,
    (SELECT id FROM texts WHERE digest = new.prompt), sampling
FROM new
"""

BACKENDS = """
SELECT b.name, b.id FROM run_backends p JOIN backends b ON b.id = p.backend WHERE p.run = :run
"""

INSERT_READING = f"""
INSERT INTO readings ({listed(READING)}) VALUES {row_of(READING)} ON CONFLICT DO NOTHING
"""

# What a scorer found and expected are texts that are stored once.
INSERT_SCORE = f"""
{_new(SCORE)}
INSERT INTO scores ({listed(SCORE)})
SELECT {listed(UNREAD_SCORE)},
    (SELECT id FROM readings WHERE text = new.found),
    (SELECT id FROM readings WHERE text = new.expected)
FROM new
"""

# Looking for no reading takes as long as looking for one.
INSERT_UNREAD_SCORE = f"""
INSERT INTO scores ({listed(UNREAD_SCORE)}) VALUES {row_of(UNREAD_SCORE)}
"""

KEEP_SPENT = """
UPDATE runs SET spent_calls = :calls, spent_cost_usd = :cost_usd, unpriced_answers = :unpriced
WHERE id = :run
"""

FORGET_FIGURES = "DELETE FROM run_figures WHERE run = :run"
"""For whoever adds results to a run, in the same transaction: its kept figures are of before."""


def different(answers: Iterable[Sequence[Value]]) -> list[Sequence[Value]]:
    """Return rows of `GENERATION` without those that repeat the answer of an earlier one.

    Rows that go into one statement do not see one another.
    """
    known: dict[tuple[Value, ...], Sequence[Value]] = {}
    for row in answers:
        known.setdefault(tuple([row[place] or None for place in _IDENTITY]), row)
    return [*known.values()]
