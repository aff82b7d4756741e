"""Sums and means over a run, computed by SQLite: one row per arm, or per arm and scorer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import isfinite
from typing import Any

from promptlab.core.budget import Spent
from promptlab.core.results import ArmOutcomes, ArmScores, Sum
from promptlab.core.types import Outcome
from promptlab.store.columns import GRADES, GROUP, TAGGED
from promptlab.store.connection import Connection

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

_HAS_REPEATS = """
SELECT coalesce(json_extract(settings, '$.repeats'), 2) > 1 FROM runs WHERE id = :run
"""

_HAS_GROUPS = """
SELECT EXISTS (
    SELECT 1 FROM run_cases p JOIN cases c ON c.id = p.case_
    WHERE p.run = :run AND c.case_group IS NOT NULL
)
"""

# What counts of each trial: its score, or 0 if it or its scorer failed and all scores of the scorer
# lie between 0 and 1.
_COUNTED = f"""
SELECT t.arm, k.position AS scorer, t.case_, s.score, s.passed, s.error, b.bounded, b.middle,
    coalesce(s.score, CASE WHEN b.bounded THEN 0.0 END) AS counted
FROM trials t JOIN run_scorers k ON k.run = t.run
LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = k.position
LEFT JOIN (
    SELECT scorer, min(score) >= 0 AND max(score) <= 1 AS bounded, avg(score) AS middle
    FROM scores WHERE run = :run GROUP BY scorer
) b ON b.scorer = k.position
WHERE t.run = :run AND (s.run IS NOT NULL OR (t.outcome = 'error' AND {GRADES}))
    AND {TAGGED}
"""

# Repeats of a case are not independent evidence: they are averaged first, then the cases count.
_ONE_EACH = f"""
SELECT *, counted AS mean, score IS NOT NULL AS scores, score IS NULL AS unscored,
    score = passed AS verdicts, passed AS passes, error IS NOT NULL AS failed,
    score AS least, score AS most
FROM ({_COUNTED})
"""
_REPEATED = f"""
SELECT arm, scorer, avg(counted) AS mean, count(score) AS scores,
    count(*) - count(score) AS unscored, sum(score = passed) AS verdicts,
    sum(passed) AS passes, sum(error IS NOT NULL) AS failed,
    min(score) AS least, max(score) AS most, bounded, middle
FROM ({_COUNTED}) GROUP BY arm, scorer, case_
"""

# The variance is that of the distances from the middle of all arms: then the rows are sorted once.
_ARM_SCORES = """
SELECT arm, scorer, count(mean), sum(scores), avg(mean),
    CASE WHEN min(mean) = max(mean) AND count(mean) > 1 THEN 0.0 ELSE
        (sum(away * away) - sum(away) * sum(away) / count(away)) / nullif(count(away) - 1, 0) END,
    sum(verdicts), sum(passes), sum(failed), min(least), max(most), sum(unscored), bounded, middle,
    min(mean) = max(mean)
FROM (SELECT *, mean - middle AS away FROM ({cases}))
GROUP BY arm, scorer ORDER BY arm, scorer
"""

# For an arm that is far from the others: of their distance too little would be left.
_VARIANCE = """
SELECT sum((mean - :own) * (mean - :own)) / (count(mean) - 1) FROM ({cases})
WHERE arm = :arm AND scorer = :scorer
"""
_FAR = 1e-6  # of the square of that distance

_LABELS = "SELECT position, label FROM run_scorers WHERE run = :run"

# The same by group: its cases that count, and their sum.
_GROUPS = f"""
WITH per_case AS (
    SELECT arm, scorer, case_, avg(counted) AS mean FROM ({_COUNTED})
    WHERE counted IS NOT NULL GROUP BY arm, scorer, case_
)
SELECT e.arm, e.scorer, count(*), sum(e.mean)
FROM per_case e
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
    cases = _REPEATED if connection.value(_HAS_REPEATS, run=run) else _ONE_EACH
    rows = connection.all(_ARM_SCORES.format(cases=cases), run=run, tag=tag)
    grouped: list[Any] = []
    if connection.value(_HAS_GROUPS, run=run):
        grouped = connection.all(_GROUPS, run=run, tag=tag)
    groups: defaultdict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
    for arm, scorer, size, total in grouped:
        groups[arm, scorer].append((size, total))
    labels: dict[int, str] = dict(connection.rows(_LABELS, run=run))  # one more may have come
    entries = []
    for arm, scorer, n_cases, n_scores, mean, variance, *rest, middle, even in rows:
        if n_cases > 1 and not even and _is_unsure(variance, mean - middle):
            sql = _VARIANCE.format(cases=cases)
            at = {"arm": arm, "scorer": scorer, "own": mean}
            variance = connection.value(sql, run=run, tag=tag, **at)
        known = (n_cases, n_scores, mean, _finite(variance))
        entry = _scores(arm, labels[scorer], groups.get((arm, scorer), ()), *known, *rest)
        if entry.n_scores or entry.failed:
            entries.append(entry)
    return entries


def _is_unsure(variance: float | None, away: float) -> bool:
    """Return whether too little is left of a variance, of distances from a value so far away."""
    return variance is None or not variance > _FAR * away * away


def _finite(variance: float | None) -> float | None:
    return None if variance is None or not isfinite(variance) else variance


def _outcomes(arm: Any, trials: Any, *rest: Any) -> ArmOutcomes:
    counts, cached, sums = rest[:5], rest[5], rest[6:]
    tokens_in, tokens_out, latency, cost = (Sum(*sums[i : i + 3]) for i in range(0, 12, 3))
    outcomes = dict(zip(Outcome, counts, strict=True))
    return ArmOutcomes(arm, trials, outcomes, cached, tokens_in, tokens_out, latency, cost)


def _scores(arm: Any, scorer: Any, groups: Sequence[tuple[int, float]], *rest: Any) -> ArmScores:
    n_cases, n_scores, mean, variance, verdicts, passes, failed, *more = rest
    least, most, unscored, as_zero = more
    if not n_scores:  # nothing is known of it
        n_cases = 0
        mean = variance = None
        groups = ()
    n_groups = len(groups) or n_cases
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
        groups=tuple(groups) if n_groups < n_cases else (),
    )
