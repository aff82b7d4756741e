"""The effect of a contrast: its estimate, how it is judged, and how many cases would decide.

Everything rests on the per-case contrast, one number per case, both for comparing versions and for
the effect of a practice. It knows nothing of runs and arms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from promptlab.analysis.inference import (
    FEW,
    NUMBERS,
    Floats,
    Inference,
    Ints,
    Scale,
    infer,
    without_rounding,
)
from promptlab.analysis.planning import PLANNED_EFFECT, Aim, Kind, Spread, detectable_by, seen
from promptlab.core.decision import Rule
from promptlab.stats.distinct import distinct
from promptlab.stats.intervals import Interval

__all__ = [
    "FEW",
    "Effect",
    "Floats",
    "Ints",
    "detectable",
    "effect",
    "interval",
    "planned_effect",
    "spread_of",
    "without_rounding",
]


BY_PEOPLE = "ppi++"  # the method of an effect that labels of people correct
BY_SHARES = "rogan-gladen"  # of one that is corrected by sensitivity and specificity
CORRECTED = (BY_PEOPLE, BY_SHARES)


@dataclass(frozen=True, slots=True)
class Effect:
    """The mean of a contrast over cases, with interval and test. Unknown values are None.

    `nonzero` counts the cases with a difference, `n_groups` the groups of cases; a case without a
    group is a group of its own. `ci` is the interval of this one comparison, `p` that of its test
    against 0, which `method` names; `inference` has all others.
    """

    n: int
    n_groups: int
    nonzero: int
    delta: float | None
    se: float | None
    ci: Interval | None
    p: float | None
    method: str
    inference: Inference | None = None


def effect(d: Floats, groups: Ints, rule: Rule, scale: Scale = NUMBERS, seed: int = 0) -> Effect:
    """Estimate the mean of `d`, one contrast per case; `groups` holds the number of its group.

    `scale` says what the scores are, `seed` is for random draws; see `infer`.
    """
    if d.size == 0:
        return Effect(0, 0, 0, None, None, None, None, "none")
    judged = infer(d, groups, scale, strict=rule.strict, seed=seed)
    return Effect(
        n=d.size,
        n_groups=distinct(groups).size,
        nonzero=int(np.count_nonzero(d)),
        delta=float(d.mean()),
        se=judged.se,
        ci=judged.interval(rule.level),
        p=judged.two_sided(),
        method=judged.method,
        inference=judged,
    )


def interval(low: float | None, high: float | None) -> Interval | None:
    """Return both bounds, or None where one is unknown."""
    return None if low is None or high is None else (low, high)


def planned_effect(rule: Rule, *, bounded: bool) -> float:
    """Return the difference that more cases should be able to show, 0 if none is named.

    It is twice the smallest effect that matters, since the interval must lie beyond that; without
    one, 0.05 for scores between 0 and 1.
    """
    return 2 * rule.min_effect or (PLANNED_EFFECT if bounded else 0.0)


def spread_of(observed: Effect) -> Spread | None:
    """Return how much the differences behind an effect vary, None where that is not known."""
    if observed.se is None or observed.n_groups < 2:
        return None
    kind: Kind = "pass/fail" if observed.method.startswith("mcnemar") else "numbers"
    if observed.n_groups < observed.n:
        kind = "groups"
    return seen(kind, observed.n_groups, observed.n, observed.nonzero, observed.se)


def detectable(observed: Effect, aim: Aim) -> float | None:
    """Return the difference that these cases show with a power of 80 %, None where unknown."""
    df = None if observed.inference is None else observed.inference.df
    freedom = observed.n - 1 if df is None else df
    if not observed.se or freedom <= 0:
        return None
    cubic = observed.n_groups == observed.n and "+cubic" in observed.method
    numbers = observed.n if cubic else None
    return detectable_by(observed.se, freedom, aim, numbers)
