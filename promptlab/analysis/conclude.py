"""The effect of a contrast: its estimate, how it is judged, and how many cases would decide.

Everything rests on the per-case contrast, one number per case, both for comparing versions and for
the effect of a practice. It knows nothing of runs and arms.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

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
from promptlab.core.decision import Rule
from promptlab.stats.clusters import design_effect
from promptlab.stats.intervals import Interval
from promptlab.stats.power import (
    cases_needed_binary,
    cases_needed_numeric,
    discordance_upper,
    sd_upper,
)

__all__ = [
    "FEW",
    "Effect",
    "Floats",
    "Ints",
    "cases_needed",
    "effect",
    "interval",
    "planned_effect",
    "without_rounding",
]

PLANNED_EFFECT = 0.05  # of scores between 0 and 1, if the user names no smallest effect


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
        n_groups=len(np.unique(groups)),
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


def cases_needed(
    observed: Effect, d: Floats, groups: Ints, rule: Rule, *, binary: bool, bounded: bool
) -> int | None:
    """Return how many cases decide, with a power of 80 %, if the true effect is `planned_effect`.

    The spread is taken from the data, at its upper 80 % limit; the effect never is. None if no
    effect is named, no difference can be that large, or the spread is unknown.
    """
    wanted = rule.min_effect or (PLANNED_EFFECT if bounded else 0.0)
    if not 0 < wanted < inf or (bounded and wanted > 1) or observed.n < 2:
        return None
    if binary:
        upper = discordance_upper(observed.nonzero, observed.n)
        needed = cases_needed_binary(max(upper, wanted), wanted, rule.alpha)
        needed *= 1.1 if rule.strict else 1.0
    else:
        spread = sd_upper(float(d.std(ddof=1)), observed.n)
        if not spread:
            return None
        needed = cases_needed_numeric(spread, wanted, rule.alpha)
    if observed.n_groups < observed.n:
        needed *= max(1.0, design_effect(d, groups) or 1.0)
    return int(np.ceil(needed))
