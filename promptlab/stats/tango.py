"""Two paired shares: the interval of their difference, and tests of it against any value.

Both rest on one statistic, so that a value lies outside the interval exactly where its test
rejects. The module knows no arms or scores by name: counts in, numbers out.
"""

from __future__ import annotations

from math import erfc, inf, sqrt
from statistics import NormalDist

from promptlab.stats.intervals import Interval

_BISECTIONS = 60


def tango(n: int, b: int, c: int, level: float = 0.95) -> Interval:
    """Return Tango's score interval for the difference of two paired shares, (b - c)/n.

    It contains every difference D for which |b - c - nD| / √(n(2q + D(1 - D))) <= z, with q the
    most likely share of cases that only A wins, given D: q = (√(B² - 4AC) - B)/2A, A = 2n,
    B = -b - c + (2n - b + c)D, C = -cD(1 - D). T. Tango, Statistics in Medicine 17 (1998), 891-908.
    Whether it contains 0 depends only on b and c, not on the ties.

    Args:
        n: cases; without any the difference can be anything, and the interval is (-1, 1)
        b: cases that only B won
        c: cases that only A won
        level: confidence level

    Raises:
        ValueError: b and c are negative or more than n.
    """
    check_counts(n, b, c)
    if n == 0:
        return -1.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    return -_upper(n, c, b, z), _upper(n, b, c, z)


def tango_above(n: int, b: int, c: int, null: float) -> float:
    """Return the one-sided p-value of Tango's test that the difference exceeds `null`.

    The probability that a standard normal variable is at least z, the statistic of `tango` without
    the bars at D = `null`. That the difference is below `null` is `tango_above(n, c, b, -null)`.
    The other arguments and the errors as in `tango`; without cases p is 1.
    """
    check_counts(n, b, c)
    if n == 0 or null >= 1:
        return 1.0
    if null < -1:
        return 0.0
    beyond, variance = b - c - n * null, n * _variance(n, b, c, null)
    if variance <= 0:
        z = 0.0 if beyond == 0 else inf if beyond > 0 else -inf
    else:
        z = beyond / sqrt(variance)
    return erfc(z / sqrt(2)) / 2


def check_counts(n: int, b: int, c: int) -> None:
    """Check that `b` cases won and `c` lost can be of `n`.

    Raises:
        ValueError: they can not.
    """
    if min(b, c) < 0 or b + c > n:
        raise ValueError(f"{b} won and {c} lost of {n} cases")


def _upper(n: int, b: int, c: int, z: float) -> float:
    inside, outside = (b - c) / n, 1.0
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        if (n * middle - (b - c)) ** 2 > z * z * n * _variance(n, b, c, middle):
            outside = middle
        else:
            inside = middle
    return outside


def _variance(n: int, b: int, c: int, difference: float) -> float:
    spread = difference * (1 - difference)
    linear = -b - c + (2 * n - b + c) * difference
    root = sqrt(max(0.0, linear * linear + 8 * n * c * spread))
    # Of two forms of the same root, the one without cancellation.
    q = 2 * c * spread / (root + linear) if linear > 0 else (root - linear) / (4 * n)
    return 2 * q + spread
