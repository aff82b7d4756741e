"""Confidence intervals for the mean of one arm."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from promptlab.core.lazy import lazy_module

scipy = lazy_module("scipy")  # only `scipy.special`: `scipy.stats` takes a second to load

Interval = tuple[float, float]


def wilson(successes: float, n: int, level: float = 0.95) -> Interval | None:
    """Return Wilson's score interval for a share, None where nothing was counted.

    With p = successes/n and z the normal quantile of 1 - (1 - level)/2, the bounds are
    (p + z²/2n ± z·√(p(1 - p)/n + z²/4n²)) / (1 + z²/n): all shares that a test at this level would
    not reject. E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), 209-212.
    """
    if n == 0:
        return None
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / n
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    # For shares of 0 and 1 that bound is exact; rounding must not move it past.
    low = 0.0 if share == 0 else max(0.0, centre - half)
    high = 1.0 if share == 1 else min(1.0, centre + half)
    return low, high


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> Interval | None:
    """Return the exact interval for a share, None where nothing was counted.

    With a = 1 - level, s = successes and B(q; x, y) the quantile of the beta distribution, the
    bounds are B(a/2; s, n - s + 1) and B(1 - a/2; s + 1, n - s). It covers the true share with
    probability at least `level`, whatever the share; Wilson's does so on average, and is shorter.
    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), 404-413.

    Raises:
        ValueError: `successes` is not between 0 and `n`.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if n == 0:
        return None
    tail, failures = (1 - level) / 2, n - successes
    quantile = scipy.special.betaincinv
    low = 0.0 if successes == 0 else float(quantile(successes, failures + 1, tail))
    high = 1.0 if failures == 0 else float(quantile(successes + 1, failures, 1 - tail))
    return low, high


def t_interval(mean: float, variance: float, n: int, level: float = 0.95) -> Interval | None:
    """Return Student's interval for a mean, None for fewer than two values.

    mean ± t·√(variance/n), with t the quantile of 1 - (1 - level)/2 at n - 1 degrees of freedom and
    `variance` the sample variance. Student (W. S. Gosset), Biometrika 6 (1908), 1-25.
    """
    if n < 2:
        return None
    half = float(scipy.special.stdtrit(n - 1, (1 + level) / 2)) * sqrt(variance / n)
    return mean - half, mean + half
