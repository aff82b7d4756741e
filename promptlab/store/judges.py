"""The passports of judges, with what people say of the answers that they rest on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict
from statistics import fmean

from promptlab.core.passport import Anchor, Passport
from promptlab.core.types import ScorerSpec
from promptlab.store.area import Area
from promptlab.store.encode import iso, to_json
from promptlab.store.faults import decoded
from promptlab.store.passports import newest_passports, own_models, passport_of
from promptlab.store.runs import run_number

_INSERT = """
INSERT INTO passports
    (created_at, suite, scorer, digest, bound_to, labels, verdict, findings, figures)
VALUES (:now, :suite, :scorer, :digest, :judge, :labels, :verdict, :findings, :figures)
"""

_LABELLED = """
SELECT p.case_, u.generation FROM trials t
JOIN run_cases p ON p.run = t.run AND p.position = t.case_
JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = :turn
WHERE t.run = :run AND t.seq = :seq AND u.generation IS NOT NULL
"""

_INSERT_LABEL = """
INSERT INTO passport_labels (passport, case_, generation, value) VALUES (?, ?, ?, ?)
"""

_INSERT_ANCHOR = """
INSERT INTO passport_anchors (passport, run, seq, turn, score) VALUES (?, ?, ?, ?, ?)
"""

_ANCHORS = """
SELECT r.run_id, a.seq, a.turn, a.score FROM passport_anchors a JOIN runs r ON r.id = a.run
WHERE a.passport = :passport
"""

# A run may be judged in parts, at several times: what counts is the time when it had moved most.
_INSERT_MOVE = """
INSERT INTO judge_moves (passport, run, anchors, moved)
VALUES (:passport, :run, :anchors, :moved)
ON CONFLICT (passport, run) DO UPDATE SET anchors = excluded.anchors, moved = excluded.moved
WHERE abs(excluded.moved) > abs(moved)
"""

# What a model has said aside for this run: a judge, or another version that it compares with.
_SAID = """
SELECT count(DISTINCT g.id) FROM trial_turns u JOIN generations g ON g.id = u.generation
WHERE u.run = :run AND u.aside AND g.run = u.run
"""

# The backends whose models have said it of answers of their own.
_OF_THEIR_OWN = """
SELECT DISTINCT b.name FROM trial_turns u
JOIN generations g ON g.id = u.generation AND g.run = u.run
JOIN trials t ON t.run = u.run AND t.seq = u.seq
JOIN run_arms a ON a.run = t.run AND a.position = t.arm JOIN backends b ON b.id = a.backend
WHERE u.run = :run AND u.aside AND u.backend IS NULL
"""

_SAID_TO = """
SELECT count(*) FROM generations
WHERE run = :run AND key IN (SELECT value FROM json_each(:keys))
"""

LabelledTurn = tuple[str, int, int, float]
"""The id of a run, a trial, the turn that was graded, and what people say of it."""


class Judges(Area):
    """What an open database knows of judges, and what is added to that."""

    def add(
        self, passport: Passport, labelled: Sequence[LabelledTurn], anchors: Sequence[Anchor] = ()
    ) -> None:
        """Store a passport with its labels and anchors: all of it or nothing."""
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
            named = {*(run_id for run_id, *_ in labelled), *(each.run_id for each in anchors)}
            runs = {run_id: run_number(connection, run_id) for run_id in named}
            said: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
            for run_id, seq, turn, value in labelled:
                row = connection.row(_LABELLED, run=runs[run_id], seq=seq, turn=turn)
                if row is not None:  # several trials may have one answer
                    said[row[0], row[1]].append(value)
            connection.executemany(
                _INSERT_LABEL,
                [(number, *answer, fmean(values)) for answer, values in said.items()],
            )
            connection.executemany(
                _INSERT_ANCHOR,
                [(number, runs[one.run_id], one.seq, one.turn, one.score) for one in anchors],
            )

    @decoded
    def anchors(self, suite: str, digest: str) -> list[Anchor]:
        """Return the anchors of a judge's newest passport for a suite."""
        found = passport_of(self._connection, suite, digest)
        if found is None:
            return []
        return [Anchor(*row) for row in self._connection.rows(_ANCHORS, passport=found[0])]

    def keep_move(self, run_id: str, digest: str, anchors: int, moved: float) -> None:
        """Store by how much a judge has moved since its passport, as so many anchors show."""
        connection = self._connection
        run = run_number(connection, run_id)
        suite = str(connection.value("SELECT suite FROM runs WHERE id = :run", run=run))
        found = passport_of(connection, suite, digest)
        if found is not None:
            values = {"passport": found[0], "run": run}
            connection.execute(_INSERT_MOVE, **values, anchors=anchors, moved=moved)

    @decoded
    def said_anew(self, run_id: str) -> int:
        """Return how many questions of scorers were first answered for this run."""
        run = run_number(self._connection, run_id)
        return self._connection.count(_SAID, run=run)

    @decoded
    def said_of_their_own(self, run_id: str) -> list[str]:
        """Return the backends whose models have said something new of their own answers."""
        run = run_number(self._connection, run_id)
        return [str(name) for (name,) in self._connection.rows(_OF_THEIR_OWN, run=run)]

    @decoded
    def said_to(self, run_id: str, keys: Collection[str]) -> int:
        """Return how many of these questions were first answered for a run."""
        run = run_number(self._connection, run_id)
        return self._connection.count(_SAID_TO, run=run, keys=to_json([*keys]))

    @decoded
    def own_models(self, run_id: str, judge: ScorerSpec) -> dict[str, str]:
        """Return the backends whose own models judged their answers in a run: name and digest."""
        return own_models(self._connection, run_number(self._connection, run_id), judge)

    @decoded
    def passport_of(self, suite: str, digest: str) -> Passport | None:
        """Return the newest passport of a judge for a suite, None if it has none."""
        found = passport_of(self._connection, suite, digest)
        return None if found is None else found[1]

    @decoded
    def newest(self, suite: str | None = None) -> list[Passport]:
        """Return the newest passport of each scorer of each suite, or of one suite."""
        return newest_passports(self._connection, suite)
