"""Deletes runs, on demand alone: what others rest on stays, and the ledger of looks always does."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.core.errors import StoreError
from promptlab.core.results import RunLoss
from promptlab.store.connection import Connection
from promptlab.store.indispensable import require_dispensable
from promptlab.store.runs import run_info

_LOSS = """
SELECT (SELECT count(*) FROM trials WHERE run = :run),
    (SELECT count(*) FROM scores WHERE run = :run),
    (SELECT count(*) FROM given_ratings WHERE run = :run AND withdrawn_at IS NULL),
    (
        SELECT count(*) FROM (
            SELECT generation FROM trial_turns WHERE run = :run AND generation IS NOT NULL
            EXCEPT SELECT generation FROM trial_turns WHERE run <> :run
        )
    )
"""

_TRUSTED = """
SELECT p.scorer, p.suite FROM passport_anchors a JOIN passports p ON p.id = a.passport
WHERE a.run = :run LIMIT 1
"""

# Answers stay, for others may use them until the next `db vacuum`.
_UNUSED = """
INSERT INTO unused_answers (generation)
SELECT generation FROM trial_turns WHERE run = :run AND generation IS NOT NULL
UNION SELECT id FROM generations WHERE run = :run
ON CONFLICT DO NOTHING
"""

_TABLES = (
    *("scores", "trial_turns", "given_ratings", "trials", "judge_moves"),
    *("run_scorers", "run_cases", "run_arms", "run_backends", "run_templates", "run_figures"),
)

_VACUUM = (
    """
    DELETE FROM generations WHERE id IN (SELECT generation FROM unused_answers)
    AND id NOT IN (SELECT generation FROM trial_turns WHERE generation IS NOT NULL)
    AND id NOT IN (SELECT generation FROM passport_labels)
    """,
    "DELETE FROM unused_answers",
    """
    DELETE FROM texts WHERE id NOT IN (
        SELECT prompt FROM generations
        UNION SELECT schema FROM generations WHERE schema IS NOT NULL
        UNION SELECT continuations FROM generations WHERE continuations IS NOT NULL
        UNION SELECT prompt FROM trial_turns WHERE prompt IS NOT NULL
    )
    """,
    """
    DELETE FROM cases WHERE id NOT IN (SELECT case_ FROM run_cases)
    AND id NOT IN (SELECT case_ FROM passport_labels)
    """,
)


def loss(connection: Connection, run: int) -> RunLoss:
    """Return what deleting a run loses; raise `StoreError` where it must not be deleted."""
    info = run_info(connection, run)
    if info.status == "running":
        raise StoreError(
            f"run {info.run_id} is still running", hint="wait for it, or stop it first"
        )
    trusted = connection.row(_TRUSTED, run=run)
    if trusted is not None:
        scorer, suite = trusted
        raise StoreError(
            f"the passport of judge {scorer!r} in suite {suite} rests on run {info.run_id}",
            hint="every later run of the judge is asked about its answers again",
        )
    require_dispensable(connection, run, info)
    return RunLoss(info, *(connection.row(_LOSS, run=run) or ()))


def delete_runs(connection: Connection, runs: Sequence[int]) -> None:
    """Delete runs with all that belongs to them alone but their answers: all of them or nothing."""
    with connection.transaction():
        for run in runs:
            loss(connection, run)  # it may have been resumed or looked at meanwhile
        for run in runs:
            _delete(connection, run)


def _delete(connection: Connection, run: int) -> None:
    connection.execute(_UNUSED, run=run)
    connection.execute("UPDATE generations SET run = NULL WHERE run = :run", run=run)
    connection.execute(
        "DELETE FROM former_scores WHERE grading IN"
        " (SELECT id FROM former_gradings WHERE run = :run)",
        run=run,
    )
    connection.execute("DELETE FROM former_gradings WHERE run = :run", run=run)
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table} WHERE run = :run", run=run)
    connection.execute("DELETE FROM runs WHERE id = :run", run=run)


def drop_unused(connection: Connection) -> None:
    """Delete what only deleted runs used: answers, prompts, cases. Templates always stay."""
    if not connection.count("SELECT count(*) FROM unused_answers") and not _has_unused(connection):
        return
    # The statements themselves see to references: SQLite would search whole tables for each row.
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        with connection.transaction():
            for statement in _VACUUM:
                connection.execute(statement)
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _has_unused(connection: Connection) -> bool:
    sql = "SELECT EXISTS (SELECT 1 FROM cases WHERE id NOT IN (SELECT case_ FROM run_cases))"
    return bool(connection.value(sql))
