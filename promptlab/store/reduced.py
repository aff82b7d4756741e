"""The scores of arms whose scorer reduces repeats by another number than their mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from promptlab.core.lazy import lazy_module
from promptlab.core.reducers import MEAN, Reducer
from promptlab.core.results import ArmScores
from promptlab.store.columns import GRADES, GROUP, TAGGED
from promptlab.store.connection import Connection
from promptlab.store.plans import load_scorers

if TYPE_CHECKING:
    import numpy as np

    from promptlab.stats import reducers
else:
    np = lazy_module("numpy")  # most suites take means, which SQLite computes
    reducers = lazy_module("promptlab.stats.reducers")

_SCORES = f"""
SELECT t.case_, {GROUP}, s.score FROM trials t JOIN run_scorers k ON k.run = t.run
LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = k.position
JOIN run_cases p ON p.run = t.run AND p.position = t.case_
JOIN cases c ON c.id = p.case_
WHERE t.run = :run AND t.arm = :arm AND k.label = :scorer
AND (s.run IS NOT NULL OR (t.outcome = 'error' AND {GRADES}))
AND {TAGGED}
"""


def reduced(
    connection: Connection, run: int, scores: Sequence[ArmScores], tag: str | None = None
) -> list[ArmScores]:
    """Return the entries with the mean and the variance of what each case is reduced to."""
    by_label = {spec.label: spec.reduce for spec in load_scorers(connection, run)}
    return [
        entry
        if by_label[entry.scorer] == MEAN or not entry.n_scores
        else _reduced(connection, run, entry, by_label[entry.scorer], tag)
        for entry in scores
    ]


def _reduced(
    connection: Connection, run: int, entry: ArmScores, by: Reducer, tag: str | None
) -> ArmScores:
    rows = connection.all(_SCORES, run=run, arm=entry.arm, scorer=entry.scorer, tag=tag)
    at = np.array([case for case, *_ in rows], dtype=int)
    values = np.array([score for *_, score in rows], dtype=float)
    if entry.as_zero:
        values[np.isnan(values)] = 0.0
    each = reducers.reduced(by.how, by.k, at, values, int(at.max(initial=-1)) + 1)
    members: defaultdict[str, list[float]] = defaultdict(list)
    for case, group in {case: group for case, group, _ in rows}.items():
        if not np.isnan(each[case]):
            members[group].append(float(each[case]))
    each = each[~np.isnan(each)]
    alone = len(members) == each.size
    return replace(
        entry,
        n_cases=each.size,
        n_groups=len(members),
        groups=() if alone else tuple((len(some), sum(some)) for some in members.values()),
        mean=float(each.mean()) if each.size else None,
        variance=float(each.var(ddof=1)) if each.size > 1 else None,
    )
