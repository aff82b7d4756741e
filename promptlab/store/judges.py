"""The passports of judges, with what people say of the answers that they rest on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from promptlab.core.passport import Passport
from promptlab.store.connection import Connection
from promptlab.store.encode import iso, to_json
from promptlab.store.faults import decoded
from promptlab.store.passports import newest_passports
from promptlab.store.runs import run_number

_INSERT = """
INSERT INTO passports
    (created_at, suite, scorer, digest, bound_to, labels, verdict, findings, figures)
VALUES (:now, :suite, :scorer, :digest, :judge, :labels, :verdict, :findings, :figures)
"""

_INSERT_LABEL = """
INSERT INTO passport_labels (passport, case_, generation, value)
SELECT ?, p.case_, u.generation, ? FROM trials t
JOIN run_cases p ON p.run = t.run AND p.position = t.case_
JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = ?
WHERE t.run = ? AND t.seq = ? AND u.generation IS NOT NULL
ON CONFLICT (passport, case_, generation) DO UPDATE SET value = excluded.value
"""

Labelled = tuple[str, int, int, float]
"""The id of a run, a trial, the turn that was graded, and what people say of it."""


class Judges:
    """What an open database knows of judges, and what is added to that."""

    def __init__(self, connection: Connection, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._clock = clock

    @property
    def path(self) -> Path:
        """Return the file."""
        return self._connection.path

    def add(self, passport: Passport, labelled: Sequence[Labelled]) -> None:
        """Store a passport with the labels that it rests on: all of it or nothing."""
        connection = self._connection
        with connection.transaction():
            number = connection.execute(
                _INSERT,
                now=iso(self._clock()),
                suite=passport.suite,
                scorer=passport.scorer,
                digest=passport.digest,
                judge=to_json(passport.judge),
                labels=passport.labels,
                verdict=passport.verdict,
                findings=to_json([asdict(finding) for finding in passport.findings]),
                figures=to_json(asdict(passport.figures)),
            )
            runs = {run_id: run_number(connection, run_id) for run_id, *_ in labelled}
            connection.executemany(
                _INSERT_LABEL,
                [(number, value, turn, runs[run_id], seq) for run_id, seq, turn, value in labelled],
            )

    @decoded
    def newest(self, suite: str | None = None) -> list[Passport]:
        """Return the newest passport of each scorer of each suite, or of one suite."""
        return newest_passports(self._connection, suite)
