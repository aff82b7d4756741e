"""When a difference counts as real: the estimate, the verdict, and how many cases it takes.

Everything rests on the per-case contrast, one number per case, both for comparing versions and for
the effect of a practice. It knows nothing of runs and arms.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from promptlab.core.decision import Rule, Verdict
from promptlab.stats.clusters import cluster_mean, design_effect, evenness
from promptlab.stats.intervals import Interval
from promptlab.stats.paired import mcnemar_exact, mcnemar_midp, paired_t, sign_flip, tango
from promptlab.stats.power import (
    cases_needed_binary,
    cases_needed_numeric,
    discordance_upper,
    sd_upper,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEW = 30  # cases: with fewer, a test of numbers must also hold without Student's assumptions
PLANNED_EFFECT = 0.05  # of scores between 0 and 1, if the user names no smallest effect
_EVEN = 0.75  # of groups: below this `evenness`, CR2 gives false alarms in more than 5 % of runs
_FEW_DIFFER = 6  # cases that differ
_ROUNDING = 1e-12  # a difference smaller than this share of the scores counts as none


@dataclass(frozen=True, slots=True)
class Effect:
    """The mean of a contrast over cases, with interval and test. Unknown values are None.

    `nonzero` counts the cases with a difference, `n_groups` the groups of cases; a case without a
    group is a group of its own. `method` names the test.
    """

    n: int
    n_groups: int
    nonzero: int
    delta: float | None
    se: float | None
    ci: Interval | None
    p: float | None
    method: str


def without_rounding(d: Floats, size: Floats | float = 1.0) -> Floats:
    """Return differences of scores of that size, with those due to rounding alone set to 0.

    The mean of the same scores, summed in another order, may differ in the last digit.
    """
    return np.where(np.abs(d) <= _ROUNDING * size, 0.0, d)


def effect(
    d: Floats, groups: Ints, rule: Rule, *, binary: bool, bounded: bool = False, seed: int = 0
) -> Effect:
    """Estimate the mean of `d`, one contrast per case; `groups` holds the number of its group.

    Cases in groups: CR2, or CR3 if the groups are of very unequal size. Cases that all passed or
    failed outright (`binary`): McNemar and Tango. Otherwise Student's t over cases; with fewer
    than 30 the sign-flip test must agree, and the larger p counts. `bounded` means that
    differences lie between -1 and 1; `seed` is for the random draws. `bench/coverage/` measures
    how well all this holds.
    """
    n_groups = len(np.unique(groups))
    nonzero = int(np.count_nonzero(d))
    if d.size == 0:
        return Effect(0, 0, 0, None, None, None, None, "none")
    if n_groups < d.size:
        uneven = evenness(groups) < _EVEN
        estimate = cluster_mean(d, groups, rule.level, jackknife=uneven)
        p = estimate.p
        if estimate.se is None and n_groups > 1:  # all groups agree: no spread to judge by
            p = sign_flip(np.bincount(groups, weights=d)[np.unique(groups)], seed)
        method = "cr3" if uneven else "cr2"
    elif binary:
        return _pass_or_fail(d, n_groups, rule)
    else:
        estimate = paired_t(d, rule.level)
        p, method = estimate.p, "paired-t"
        if d.size < FEW or rule.strict or p is None:
            p, method = max(p or 0.0, sign_flip(d, seed)), "paired-t+sign-flip"
    # With hardly any cases that differ, or no spread at all, such intervals are far too narrow or
    # do not exist. Two imaginary cases, one in each direction, make them cautious, as Bonett and
    # Price do for pass or fail.
    if bounded and (nonzero < _FEW_DIFFER or estimate.se is None) and n_groups > 1:
        apart = np.append(groups, groups.max() + np.array([1, 2]))
        cautious = cluster_mean(np.append(d, (1.0, -1.0)), apart, rule.level)
        ci = interval(cautious.low, cautious.high)
    else:
        ci = interval(estimate.low, estimate.high)
    if bounded:
        ci = within_scale(ci)
    return Effect(d.size, n_groups, nonzero, estimate.mean, estimate.se, ci, p, method)


def within_scale(ci: Interval | None) -> Interval | None:
    """Return the part of an interval that a difference of scores between 0 and 1 can have.

    Cutting off what cannot be takes no truth away: the coverage stays the same.
    """
    return None if ci is None else (max(ci[0], -1.0), min(ci[1], 1.0))


def _pass_or_fail(d: Floats, n_groups: int, rule: Rule) -> Effect:
    n, delta = d.size, float(d.mean())
    wins, losses = int((d > 0).sum()), int((d < 0).sum())
    p = mcnemar_exact(wins, losses) if rule.strict else mcnemar_midp(wins, losses)
    se = sqrt(max(0.0, (wins + losses) / n - delta**2) / n)
    ci = tango(n, wins, losses, rule.level)
    method = "mcnemar-exact" if rule.strict else "mcnemar-midp"
    return Effect(n, n_groups, wins + losses, delta, se, ci, p, method)


def interval(low: float | None, high: float | None) -> Interval | None:
    """Return both bounds, or None where one is unknown."""
    return None if low is None or high is None else (low, high)


def verdict(observed: Effect, p_adjusted: float | None, rule: Rule) -> Verdict:
    """Return what an effect shows, assuming there is enough evidence for a verdict at all.

    Better or worse needs a corrected p-value of at most alpha and an interval beyond the smallest
    effect that matters; equivalent needs an interval within it.
    """
    if observed.ci is None or observed.delta is None:
        return "undecided"
    low, high = observed.ci
    if p_adjusted is not None and p_adjusted <= rule.alpha:
        if low > rule.min_effect:
            return "better"
        if high < -rule.min_effect:
            return "worse"
    if -rule.min_effect < low and high < rule.min_effect:
        return "equivalent"
    return "undecided"


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
