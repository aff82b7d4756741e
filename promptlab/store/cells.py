"""The trials of some cases, as a table of cases and arms shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptlab.core.measured import CaseContent, CellTrial, MeasuredCase, PlacedCase
from promptlab.core.types import Outcome, Turn
from promptlab.store import queries
from promptlab.store.area import Area
from promptlab.store.columns import GRADES
from promptlab.store.encode import case_from_json, from_json, to_json
from promptlab.store.faults import decoded
from promptlab.store.plan_settings import load_settings
from promptlab.store.runs import run_number

# The trials of a case stand together in the plan, `width` of them: no other is looked at.
_CELLS = f"""
SELECT t.seq, a.label, c.digest, t.repeat, t.outcome, s.score, s.passed, u.generation,
    s.run IS NOT NULL OR (t.outcome = 'error' AND k.run IS NOT NULL AND {GRADES})
FROM {{cases}}
CROSS JOIN trials t ON t.run = :run AND t.case_ = p.position
    AND t.seq >= p.position * :width AND t.seq < (p.position + 1) * :width
JOIN run_arms a ON a.run = t.run AND a.position = t.arm
LEFT JOIN run_scorers k ON k.run = t.run AND k.label = :scorer
LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = k.position
LEFT JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = t.graded
WHERE {{which}}
ORDER BY t.seq
"""

_TRIALS = _CELLS.format(
    cases="cases c JOIN run_cases p ON p.run = :run AND p.case_ = c.id",
    which="c.digest IN (SELECT value FROM json_each(:cases))",
)

# The places come first: there is no index of the places of a case.
_TRIALS_AT = _CELLS.format(
    cases="json_each(:places) w"
    " CROSS JOIN run_cases p ON p.run = :run AND p.position = w.value"
    " CROSS JOIN cases c ON c.id = p.case_",
    which="TRUE",
)

_AT = """
SELECT p.position, c.case_id, c.case_group, c.digest, c.tags
FROM run_cases p JOIN cases c ON c.id = p.case_
WHERE p.run = :run AND p.position IN (SELECT value FROM json_each(:places)) ORDER BY p.position
"""

_NAMED = """
SELECT p.position, c.case_id, c.case_group, c.digest, c.tags
FROM cases c JOIN run_cases p ON p.run = :run AND p.case_ = c.id
WHERE c.case_id = :id ORDER BY p.position
"""

# Which of some ids several cases of a run have; the run's own are looked up by number alone.
_TWICE = """
WITH named AS MATERIALIZED (
    SELECT id, case_id FROM cases WHERE case_id IN (SELECT value FROM json_each(:ids))
)
SELECT n.case_id FROM run_cases p CROSS JOIN named n ON n.id = p.case_
WHERE p.run = :run GROUP BY n.case_id HAVING count(*) > 1
"""

_CONTENTS = """
SELECT digest, vars, expect FROM cases WHERE digest IN (SELECT value FROM json_each(:cases))
"""


_OUTPUTS = """
SELECT u.seq, g.output FROM trial_turns u
JOIN trials t ON t.run = u.run AND t.seq = u.seq AND t.graded = u.turn
JOIN generations g ON g.id = u.generation
WHERE u.run = :run AND u.seq IN (SELECT value FROM json_each(:seqs))
"""


class CellRows(Area):
    """Reads single trials and what their cases ask, for as many cases as are shown."""

    @decoded
    def trials(self, run_id: str, scorer: str, cases: Sequence[str]) -> list[CellTrial]:
        """Return the trials of a run on the cases with these digests, in the order of the plan."""
        return self._trials(_TRIALS, run_id, scorer, cases=to_json(cases))

    @decoded
    def outputs(self, run_id: str, seqs: Sequence[int]) -> dict[int, str]:
        """Return the graded answers of trials of a run, by their places; some have none."""
        run = run_number(self._connection, run_id)
        rows = self._connection.rows(_OUTPUTS, run=run, seqs=to_json(seqs))
        return {int(seq): str(output) for seq, output in rows}

    @decoded
    def cases_at(self, run_id: str, places: Sequence[int]) -> list[PlacedCase]:
        """Return the cases at these places in the plan of a run, in its order."""
        run = run_number(self._connection, run_id)
        rows = self._connection.rows(_AT, run=run, places=to_json(places))
        return [_placed(*row) for row in rows]

    @decoded
    def cases_named(self, run_id: str, case_id: str) -> list[PlacedCase]:
        """Return the cases of a run that have this id: several only if their contents differ."""
        run = run_number(self._connection, run_id)
        return [_placed(*row) for row in self._connection.rows(_NAMED, run=run, id=case_id)]

    @decoded
    def trials_at(self, run_id: str, scorer: str, places: Sequence[int]) -> list[CellTrial]:
        """Return what `trials` does, of the cases at these places in the plan."""
        return self._trials(_TRIALS_AT, run_id, scorer, places=to_json(places))

    @decoded
    def ids_of_several(self, run_id: str, ids: Sequence[str]) -> frozenset[str]:
        """Return those of these ids that several cases of a run have."""
        run = run_number(self._connection, run_id)
        rows = self._connection.rows(_TWICE, run=run, ids=to_json(ids))
        return frozenset(case_id for (case_id,) in rows)

    @decoded
    def contents(self, cases: Sequence[str]) -> dict[str, CaseContent]:
        """Return what the cases with these digests ask and expect."""
        rows = self._connection.rows(_CONTENTS, cases=to_json(cases))
        return {digest: CaseContent(*map(case_from_json, values)) for digest, *values in rows}

    @decoded
    def conversations(self, run_id: str, seqs: Sequence[int]) -> dict[int, list[Turn]]:
        """Return the turns of the trials of a run at these places in its plan, by place."""
        return queries.conversations(self._connection, run_number(self._connection, run_id), seqs)

    def _trials(self, sql: str, run_id: str, scorer: str, **which: str) -> list[CellTrial]:
        run = run_number(self._connection, run_id)
        width = self._width(run)
        rows = self._connection.rows(sql, run=run, scorer=scorer, width=width, **which)
        return [_trial(run_id, *row) for row in rows]

    def _width(self, run: int) -> int:
        """Return how many trials of a case stand together."""
        arms = self._connection.count("SELECT count(*) FROM run_arms WHERE run = :run", run=run)
        return arms * load_settings(self._connection, run).repeats


def _trial(run_id: str, *row: Any) -> CellTrial:
    seq, arm, case, repeat, outcome, score, passed, generation, counted = row
    verdict = None if passed is None else bool(passed)
    ended = Outcome(outcome)
    return CellTrial(
        run_id, seq, arm, case, repeat, ended, score, verdict, generation, bool(counted)
    )


def _placed(place: int, case_id: str, group: str | None, digest: str, tags: str) -> PlacedCase:
    return PlacedCase(place, MeasuredCase(case_id, group, digest, tuple(from_json(tags))))
