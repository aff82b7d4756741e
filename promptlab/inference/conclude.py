"""When a difference may be called one: the estimate, the verdict, and when to refuse a verdict.

Everything rests on the per-case contrast, a number for each case, as versions are compared and as
the effect of a practice is. It knows no run and no arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from promptlab.rule import Calibration, Limits, Rule, Verdict
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

FEW = 30  # cases: below, a test of numbers must also hold without Student's assumptions
PLANNED_EFFECT = 0.05  # of scores between 0 and 1, where the user names no smallest effect
_EVEN = 0.75  # of groups: below this `evenness`, CR2 gives false alarms in more than 5 % of runs
_ROUNDING = 1e-12  # what is smaller than this share of the scores is no difference


@dataclass(frozen=True, slots=True)
class Effect:
    """The mean of a contrast over cases, with interval and test. What is not known is None.

    `nonzero` counts the cases with a difference, `n_groups` groups of cases, a case without a
    group being its own. `method` names the test.
    """

    n: int
    n_groups: int
    nonzero: int
    delta: float | None
    se: float | None
    ci: Interval | None
    p: float | None
    method: str


def settled(d: Floats, size: Floats | float = 1.0) -> Floats:
    """Return differences of scores of that size, 0 where rounding alone has made them.

    The same scores, added up in another order, may have another mean in the last digit.
    """
    return np.where(np.abs(d) <= _ROUNDING * size, 0.0, d)


def effect(
    d: Floats, groups: Ints, rule: Rule, *, binary: bool, bounded: bool = False, seed: int = 0
) -> Effect:
    """Estimate the mean of `d`, one contrast for each case, `groups` numbering their groups.

    Cases in groups: CR2, or CR3 where the groups are of very unequal size. Cases that wholly
    passed or failed (`binary`): McNemar and Tango. Else Student's t over cases; with fewer than 30
    the sign-flip test must agree, and the larger p counts. `bounded` says that differences lie
    between -1 and 1; `seed` is for the draws. `bench/coverage.py` shows how all this holds.
    """
    n, n_groups = d.size, len(np.unique(groups))
    nonzero = int(np.count_nonzero(d))
    if n == 0:
        return Effect(0, 0, 0, None, None, None, None, "none")
    delta = float(d.mean())
    if n_groups < n:
        uneven = evenness(groups) < _EVEN
        found = cluster_mean(d, groups, rule.level, jackknife=uneven)
        ci, method = interval(found.low, found.high), "cr3" if uneven else "cr2"
        return Effect(n, n_groups, nonzero, delta, found.se, ci, found.p, method)
    if binary:
        wins, losses = int((d > 0).sum()), int((d < 0).sum())
        p = mcnemar_exact(wins, losses) if rule.strict else mcnemar_midp(wins, losses)
        se = sqrt(max(0.0, (wins + losses) / n - delta**2) / n)
        ci = tango(n, wins, losses, rule.level)
        method = "mcnemar-exact" if rule.strict else "mcnemar-midp"
        return Effect(n, n_groups, nonzero, delta, se, ci, p, method)
    found = paired_t(d, rule.level)
    # With hardly a case that differs, Student's interval is much too sure. Two imagined cases, one
    # in each direction, make it cautious, as Bonett and Price do for pass or fail.
    few = bounded and nonzero < rule.limits.min_nonzero
    cautious = paired_t(np.append(d, (1.0, -1.0)), rule.level) if few else found
    ci = interval(cautious.low, cautious.high)
    if n >= FEW and not rule.strict:
        return Effect(n, n_groups, nonzero, delta, found.se, ci, found.p, "paired-t")
    flipped = sign_flip(d, seed)
    p = flipped if found.p is None else max(found.p, flipped)
    return Effect(n, n_groups, nonzero, delta, found.se, ci, p, "paired-t+sign-flip")


def interval(low: float | None, high: float | None) -> Interval | None:
    """Return both bounds, or None where one is unknown."""
    return None if low is None or high is None else (low, high)


def verdict(found: Effect, p_adjusted: float | None, rule: Rule) -> Verdict:
    """Return what an effect shows, evidence being sufficient for a verdict at all.

    Better or worse needs the corrected p-value at most alpha, and an interval beyond the smallest
    effect that matters; equivalent an interval within it.
    """
    if found.ci is None or found.delta is None:
        return "undecided"
    low, high = found.ci
    if p_adjusted is not None and p_adjusted <= rule.alpha:
        if low > rule.min_effect:
            return "better"
        if high < -rule.min_effect:
            return "worse"
    if -rule.min_effect < low and high < rule.min_effect:
        return "equivalent"
    return "undecided"


def too_little(found: Effect, groups: Ints, limits: Limits) -> list[str]:
    """Return why the data cannot bear a verdict, a line each: too few cases, flips or groups."""
    lines = []
    if found.n < limits.min_cases:
        lines.append(f"{found.n} cases are too few: at least {limits.min_cases}")
    if found.n_groups < found.n:
        if found.n_groups < limits.min_groups:
            lines.append(f"{found.n_groups} groups of cases are too few: {limits.min_groups}")
        else:
            largest = int(np.unique(groups, return_counts=True)[1].max()) / found.n
            if largest > limits.max_group_share:
                lines.append(f"one group holds {largest * 100:.0f} % of the cases")
    return lines


def too_alike(found: Effect, limits: Limits) -> str | None:
    """Say that too few cases differ to tell in which direction, if so."""
    if found.nonzero >= limits.min_nonzero:
        return None
    differ = (
        f"only {found.nonzero} of {found.n} cases differ" if found.nonzero else "no case differs"
    )
    return f"{differ}: at least {limits.min_nonzero} must"


def untrusted(judge: str, calibration: Calibration | None, limits: Limits) -> str | None:
    """Say why a judge's scores bear no verdict, if so. J is sensitivity + specificity - 1."""
    if calibration is None:
        return f"the judge {judge!r} was never compared with people's labels"
    informedness = calibration.sensitivity + calibration.specificity - 1
    order = calibration.order_agreement
    if calibration.labels < limits.min_labels:
        told = f"{calibration.labels} labels are too few: at least {limits.min_labels}"
    elif calibration.kappa < limits.min_kappa:
        told = f"its kappa is {calibration.kappa:g}, below {limits.min_kappa:g}"
    elif informedness < limits.min_informedness:
        told = f"its J is {informedness:.2g}, below {limits.min_informedness:g}"
    elif order is not None and order < limits.min_order_agreement:
        told = f"it agrees with itself in both orders on {order * 100:.0f} % of pairs only"
    else:
        return None
    return f"the judge {judge!r} is not good enough: {told}"


def cases_needed(
    found: Effect, d: Floats, groups: Ints, rule: Rule, *, binary: bool, bounded: bool
) -> int | None:
    """Return how many cases show the smallest effect that matters, with a power of 80 %.

    The spread is taken from the data at its upper 80 % limit, the effect never: it is
    `Rule.min_effect`, or 0.05 for scores between 0 and 1. None where no effect is named, where no
    difference is that large, or the spread is not known.
    """
    wanted = rule.min_effect or (PLANNED_EFFECT if bounded else 0.0)
    if not 0 < wanted < inf or (bounded and wanted > 1) or found.n < 2:
        return None
    if binary:
        upper = discordance_upper(found.nonzero, found.n)
        needed = cases_needed_binary(max(upper, wanted), wanted, rule.alpha)
        needed *= 1.1 if rule.strict else 1.0
    else:
        spread = sd_upper(float(d.std(ddof=1)), found.n)
        if not spread:
            return None
        needed = cases_needed_numeric(spread, wanted, rule.alpha)
    if found.n_groups < found.n:
        needed *= max(1.0, design_effect(d, groups) or 1.0)
    return int(np.ceil(needed))
