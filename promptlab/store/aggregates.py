"""Sums and means over a run, computed by SQLite: one row per arm, or per arm and scorer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from promptlab.core.budget import Spent
from promptlab.core.results import ArmOutcomes, ArmScores, Sum
from promptlab.core.types import Outcome
from promptlab.store.columns import GRADES, GROUP, TAGGED
from promptlab.store.connection import Connection
from promptlab.store.encode import to_json

_ARM_OUTCOMES = """
SELECT arm, count(*),
    sum(outcome = 'ok'), sum(outcome = 'truncated'), sum(outcome = 'refused'),
    sum(outcome = 'empty'), sum(outcome = 'error'), sum(cached),
    count(input_tokens), sum(input_tokens), avg(input_tokens),
    count(output_tokens), sum(output_tokens), avg(output_tokens),
    count(latency_s), sum(latency_s), avg(latency_s),
    count(cost_usd), sum(cost_usd), avg(cost_usd)
FROM trials WHERE run = :run GROUP BY arm ORDER BY arm
"""

# The scorers whose scores all lie between 0 and 1: by these a trial without a score counts as 0.
_BOUNDED = """
SELECT scorer FROM scores WHERE run = :run GROUP BY scorer
HAVING min(score) >= 0 AND max(score) <= 1
"""

# What counts of each trial: its score, 0 if it or its scorer failed and scores are bounded.
_COUNTED = f"""
SELECT t.arm, k.position AS scorer, t.case_, s.score, s.passed, s.error,
    coalesce(s.score, CASE WHEN k.position IN (SELECT value FROM json_each(:bounded)) THEN 0.0 END)
        AS counted
FROM trials t JOIN run_scorers k ON k.run = t.run
LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = k.position
WHERE t.run = :run AND (s.run IS NOT NULL OR (t.outcome = 'error' AND {GRADES}))
    AND {TAGGED}
"""

# Repeats of a case are not independent evidence: they are averaged first, then the cases count.
_ARM_SCORES = f"""
WITH per_case AS (
    SELECT arm, scorer, case_, avg(counted) AS mean, count(score) AS scores,
        count(*) - count(score) AS unscored, sum(score = passed) AS verdicts,
        sum(passed) AS passes, sum(error IS NOT NULL) AS failed,
        min(score) AS least, max(score) AS most
    FROM ({_COUNTED}) GROUP BY arm, scorer, case_
), centred AS (
    SELECT *, mean - avg(mean) OVER (PARTITION BY arm, scorer) AS deviation FROM per_case
)
SELECT e.arm, k.label, count(e.mean), sum(e.scores), avg(e.mean),
    CASE WHEN count(e.mean) > 1 THEN sum(deviation * deviation) / (count(e.mean) - 1) END,
    sum(e.verdicts), sum(e.passes), sum(e.failed),
    count(DISTINCT CASE WHEN e.mean IS NOT NULL THEN {GROUP} END), min(e.least), max(e.most),
    sum(e.unscored), e.scorer IN (SELECT value FROM json_each(:bounded))
FROM centred e
JOIN run_scorers k ON k.run = :run AND k.position = e.scorer
JOIN run_cases p ON p.run = :run AND p.position = e.case_
JOIN cases c ON c.id = p.case_
GROUP BY e.arm, e.scorer ORDER BY e.arm, e.scorer
"""


# The same by group: its cases that count, and their sum.
_GROUPS = f"""
WITH per_case AS (
    SELECT arm, scorer, case_, avg(counted) AS mean FROM ({_COUNTED})
    WHERE counted IS NOT NULL GROUP BY arm, scorer, case_
)
SELECT e.arm, k.label, count(*), sum(e.mean)
FROM per_case e
JOIN run_scorers k ON k.run = :run AND k.position = e.scorer
JOIN run_cases p ON p.run = :run AND p.position = e.case_
JOIN cases c ON c.id = p.case_
GROUP BY e.arm, e.scorer, {GROUP} ORDER BY e.arm, e.scorer, min(e.case_)
"""

# In runs older than the columns for what was spent, the answers are all that is known.
_SPENT = """
SELECT coalesce(r.spent_calls, g.answers), coalesce(r.spent_cost_usd, g.cost),
    coalesce(r.unpriced_answers, g.unpriced)
FROM runs r, (
    SELECT count(*) AS answers, coalesce(sum(cost_usd), 0.0) AS cost,
        CASE WHEN count(cost_usd) THEN count(*) - count(cost_usd) ELSE 0 END AS unpriced
    FROM generations WHERE run = :run
) g WHERE r.id = :run
"""


def spent(connection: Connection, run: int) -> Spent:
    """Return what a run has spent."""
    return Spent(*(connection.row(_SPENT, run=run) or ()))


def arm_outcomes(connection: Connection, run: int) -> list[ArmOutcomes]:
    """Return one entry for each arm that has a stored trial."""
    return [_outcomes(*row) for row in connection.rows(_ARM_OUTCOMES, run=run)]


def arm_scores(connection: Connection, run: int, tag: str | None = None) -> list[ArmScores]:
    """Return one entry for each arm and scorer that have a stored score, of cases with a tag."""
    bounded = to_json([scorer for (scorer,) in connection.rows(_BOUNDED, run=run)])
    rows = connection.rows(_ARM_SCORES, run=run, bounded=bounded, tag=tag)
    entries = [entry for row in rows if (entry := _scores(*row)).n_scores or entry.failed]
    if all(entry.n_groups == entry.n_cases for entry in entries):
        return entries
    groups: defaultdict[tuple[int, str], list[tuple[int, float]]] = defaultdict(list)
    for arm, scorer, size, total in connection.rows(_GROUPS, run=run, bounded=bounded, tag=tag):
        groups[arm, scorer].append((size, total))
    return [
        replace(entry, groups=tuple(groups[entry.arm, entry.scorer]))
        if entry.n_groups < entry.n_cases
        else entry
        for entry in entries
    ]


def _outcomes(arm: Any, trials: Any, *rest: Any) -> ArmOutcomes:
    counts, cached, sums = rest[:5], rest[5], rest[6:]
    tokens_in, tokens_out, latency, cost = (Sum(*sums[i : i + 3]) for i in range(0, 12, 3))
    outcomes = dict(zip(Outcome, counts, strict=True))
    return ArmOutcomes(arm, trials, outcomes, cached, tokens_in, tokens_out, latency, cost)


def _scores(arm: Any, scorer: Any, *rest: Any) -> ArmScores:
    n_cases, n_scores, mean, variance, verdicts, passes, failed, n_groups, *more = rest
    least, most, unscored, as_zero = more
    if not n_scores:  # nothing is known of it
        n_cases = n_groups = 0
        mean = variance = None
    return ArmScores(
        arm=arm,
        scorer=scorer,
        n_cases=n_cases,
        n_groups=n_groups,
        n_scores=n_scores,
        mean=mean,
        variance=variance,
        passes=passes if verdicts == n_scores else None,
        failed=failed,
        least=least,
        most=most,
        unscored=unscored,
        as_zero=bool(as_zero),
    )
