"""Answers that scorers asked for after a trial had finished, as further turns of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from promptlab.core.messages import NO_TURN
from promptlab.core.types import Outcome, Turn
from promptlab.store.connection import Connection
from promptlab.store.rows import failed_turn_row, request_row, turn_row
from promptlab.store.statements import (
    BACKENDS,
    INSERT_FAILED_TURN,
    INSERT_TEXT,
    INSERT_TURN,
)

# Behind all turns, and behind the place of an answer that a scorer missed.
_NEXT_TURN = f"""
SELECT 1 + max(
    (SELECT coalesce(max(turn), -1) FROM trial_turns WHERE run = :run AND seq = :seq),
    (
        SELECT coalesce(max(turn), -1) FROM scores
        WHERE run = :run AND seq = :seq AND turn < {NO_TURN}
    )
)
"""

_DROP_FAILED = """
DELETE FROM trial_turns
WHERE run = ? AND seq = ? AND key = ? AND aside = 1 AND generation IS NULL
"""


def add_asides(connection: Connection, run: int, asides: Mapping[int, Sequence[Turn]]) -> None:
    """Add turns to finished trials, each in the place of one with the same question that failed.

    What was answered is stored already.
    """
    names: dict[str | None, int] = {row[0]: row[1] for row in connection.rows(BACKENDS, run=run)}
    run_id, fresh = connection.row("SELECT run_id, fresh FROM runs WHERE id = :run", run=run) or ()
    texts: dict[str, str] = {}
    failed, turns, failed_turns = [], [], []
    with connection.transaction():
        for seq, added in asides.items():
            first = connection.count(_NEXT_TURN, run=run, seq=seq)
            for place, turn in enumerate(added, first):
                at = (run, seq, place, turn.name, turn.aside, names.get(turn.backend))
                failed.append((run, seq, turn.request.key))
                if turn.completion.outcome is Outcome.ERROR:
                    request_row(turn.request, texts)
                    failed_turns.append((*at, *failed_turn_row(turn)))
                else:
                    turns.append((*at, *turn_row(turn), run_id if fresh else ""))
        connection.executemany(_DROP_FAILED, failed)
        connection.executemany(INSERT_TEXT, texts.items())
        connection.executemany(INSERT_TURN, turns)
        connection.executemany(INSERT_FAILED_TURN, failed_turns)
