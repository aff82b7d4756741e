"""Planning: how many cases a comparison needs, and what a number of cases can show.

The effect is always the smallest that matters to the user, never the one observed; the variation
between cases is an upper limit from the data. `alpha` is the level of one test: that of a family
divided by its size. A `margin` is the smallest effect that matters: the test asks for more than
that. The module knows nothing of runs or costs.
"""

from __future__ import annotations

from math import floor, inf, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from promptlab.core.lazy import lazy_module
from promptlab.stats.intervals import clopper_pearson

scipy = lazy_module("scipy")  # only `scipy.special`: `scipy.stats` takes a second to load

_ROUNDING = 1e-9
_CERTAIN = 30.0  # standard errors: nothing that large is missed


def cases_needed_binary(
    discordance: float,
    effect: float,
    alpha: float = 0.05,
    power: float = 0.8,
    margin: float = 0.0,
) -> float:
    """Return how many cases a test of passes and failures needs, as a real number.

    ((z(alpha/2)·√p + z(beta)·√(p - effect²))/(effect - margin))² with p the share of cases on which
    the arms differ. R. J. Connor, Biometrics 43 (1987), 207-211, has it without a margin.

    Args:
        discordance: p; |effect| if p is below it, which is impossible
        effect: the difference in pass rates to detect
        alpha: level of the two-sided test
        power: probability of detecting it
        margin: what the difference must be shown to exceed

    Raises:
        ValueError: the effect is 0 or within the margin, or a share is not between 0 and 1.
    """
    beyond = _beyond(effect, margin)
    p = _discordance(discordance, effect)
    root = _z(1 - alpha / 2) * sqrt(p) + _z(power) * sqrt(max(0.0, p - effect**2))
    return (root / beyond) ** 2


def cases_needed_numeric(
    sd: float, effect: float, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return how many cases a test of a mean difference needs where its spread is known.

    A real number: (z(alpha/2) + z(beta))²·sd²/effect² with sd the standard deviation of the
    differences per case. E. Miller, Adding Error Bars to Evals, arXiv:2411.00640 (2024), applies it
    to evaluations. The other arguments and the errors as in `cases_needed_binary`.
    """
    _check_effect(effect)
    return ((_z(1 - alpha / 2) + _z(power)) * sd / effect) ** 2


def units_needed(
    sd: float, effect: float, alpha: float = 0.05, power: float = 0.8, margin: float = 0.0
) -> int:
    """Return how many units (cases, or groups of cases) Student's test of their mean needs.

    The least n with ((t(1 - alpha/2, n - 1) + t(power, n - 1))·sd/(effect - margin))² <= n, at
    least 2; `sd` is the standard deviation of the units. The other arguments and the errors as in
    `cases_needed_binary`.
    """
    beyond = _beyond(effect, margin)
    n = max(2, floor(cases_needed_numeric(sd, beyond, alpha, power)))
    while minimum_detectable_effect(sd / sqrt(n), alpha, power, df=n - 1) > beyond:
        n += 1
    return n


def minimum_detectable_effect(
    se: float,
    alpha: float = 0.05,
    power: float = 0.8,
    *,
    df: float = inf,
    margin: float = 0.0,
) -> float:
    """Return the difference found with that power, margin + (t(1 - alpha/2) + t(power))·se.

    H. S. Bloom, Evaluation Review 19 (1995), 547-556. `se` is the standard error of the mean
    difference and `df` its degrees of freedom; the other arguments as in `cases_needed_binary`.
    """
    return margin + (_t(1 - alpha / 2, df) + _t(power, df)) * se


def student_power(
    se: float, df: float, effect: float, alpha: float = 0.05, margin: float = 0.0
) -> float:
    """Return the probability that Student's test finds an effect beyond the margin.

    P(T > t(1 - alpha/2, df)) with T of the noncentral t distribution, (effect - margin)/se its
    noncentrality. Arguments and errors as in `minimum_detectable_effect`; `se` is above 0.
    """
    shift = _beyond(effect, margin) / se
    if shift > _CERTAIN:
        return 1.0
    return 1 - float(scipy.special.nctdtr(df, shift, _t(1 - alpha / 2, df)))


def mcnemar_power(
    n: int, discordance: float, effect: float, alpha: float = 0.05, *, midp: bool = True
) -> float:
    """Return the probability that McNemar's test rejects, by enumeration.

    The sum, over every number m of differing cases and every number of wins among them, of the
    probability of those that the test rejects: m is binomial (n, discordance), the wins given m are
    binomial (m, (1 + effect/discordance)/2). With an effect of 0 it is the test's true level.

    Args:
        n: cases
        discordance: share of cases on which the arms differ; |effect| if it is below that
        effect: the true difference in pass rates
        alpha: level of the two-sided test
        midp: use the mid-p-value, otherwise the exact one

    Raises:
        ValueError: a share is not between 0 and 1.
    """
    p = max(discordance, abs(effect))
    _check_share(p)
    if p == 0:
        return 0.0
    tosses = np.arange(1, n + 1)
    last = _last_rejected(tosses, alpha, midp=midp)
    tosses, last = tosses[last >= 0], last[last >= 0]
    wins = (1 + effect / p) / 2
    tail = scipy.special.bdtr
    rejected = tail(last, tosses, wins) + tail(last, tosses, 1 - wins)
    return float(np.sum(_binomial_mass(tosses, n, p) * rejected))


def discordance_upper(m: int, n: int, level: float = 0.8) -> float:
    """Return the one-sided upper limit of a share observed as `m` of `n`, 1 without data.

    The upper end of `intervals.clopper_pearson` with 1 - level on either side.

    Raises:
        ValueError: `m` is not between 0 and `n`.
    """
    both = clopper_pearson(m, n, 2 * level - 1)
    return 1.0 if both is None else both[1]


def sd_upper(sd: float, n: int, level: float = 0.8) -> float | None:
    """Return the one-sided upper limit of a standard deviation, None for fewer than two values.

    sd·√((n - 1)/x) with x the quantile 1 - level of chi-squared at n - 1 degrees of freedom: what
    R. H. Browne, Statistics in Medicine 14 (1995), 1933-1940, uses for planning after a pilot.
    """
    if n < 2:
        return None
    return sd * sqrt((n - 1) / float(scipy.special.chdtri(n - 1, level)))


def _z(probability: float) -> float:
    return NormalDist().inv_cdf(probability)


def _t(probability: float, df: float) -> float:
    if df == inf:
        return _z(probability)
    return float(scipy.special.stdtrit(df, probability))


def _beyond(effect: float, margin: float) -> float:
    """Return by how much an effect exceeds the margin."""
    _check_effect(effect)
    if abs(effect) <= margin:
        raise ValueError(f"no number of cases can show more than {margin} of {effect}")
    return abs(effect) - margin


def _check_effect(effect: float) -> None:
    if not 0 < abs(effect) < inf:
        raise ValueError(f"no number of cases can show an effect of {effect}")


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"{share} is not a share")


def _discordance(discordance: float, effect: float) -> float:
    _check_effect(effect)
    p = max(discordance, abs(effect))
    _check_share(p)
    return p


def _last_rejected(tosses: NDArray[np.int64], alpha: float, *, midp: bool) -> NDArray[np.int64]:
    """Return, for each number of tosses, the largest count that the test rejects, -1 for none."""
    below, above = np.full_like(tosses, -1), (tosses + 1) // 2  # the latter is not rejected
    while np.any(above - below > 1):
        middle = (below + above) // 2
        rejects = _p_values(middle, tosses, midp=midp) <= alpha * (1 + _ROUNDING)
        rejects |= middle < 0
        below, above = np.where(rejects, middle, below), np.where(rejects, above, middle)
    return below


def _p_values(
    k: NDArray[np.int64], tosses: NDArray[np.int64], *, midp: bool
) -> NDArray[np.float64]:
    """Return McNemar's p-values for k < tosses/2, anything where k is negative."""
    tail = scipy.special.bdtr(np.maximum(k, 0), tosses, 0.5)
    if not midp:
        return np.asarray(2 * tail)
    before = np.where(k > 0, scipy.special.bdtr(np.maximum(k - 1, 0), tosses, 0.5), 0.0)
    return np.asarray(tail + before)


def _binomial_mass(k: NDArray[np.int64], n: int, p: float) -> NDArray[np.float64]:
    special = scipy.special
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.asarray(np.exp(ways + special.xlogy(k, p) + special.xlog1py(n - k, -p)))
