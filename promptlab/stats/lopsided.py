"""Means of lopsided numbers: Student's t with a correction for skewness, as a cubic.

A few large values pull mean and standard error together, so that Student's interval misses the true
mean on one side far more often than it says. The module takes a mean and its standard error; it
knows nothing of what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cbrt, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promptlab.core.lazy import lazy_module
from promptlab.stats.intervals import Interval

scipy = lazy_module("scipy")  # only `scipy.special`: `scipy.stats` takes a second to load

_LEAST = 3  # values that have a skewness
_LEAST_KURTOSIS = 4  # values that have a kurtosis
_FULL = 0.75  # skewness of the other values from which that of all counts in full
_RARE = 4  # times as far from the mean as the next: no end of a tail
_TIED = 1e-9  # values whose distances from the mean differ by no more than this are as far
_ROUNDING = 1e-10  # a spread smaller than this share of the values is rounding noise
_TINY = 1e-6  # a coefficient below which the root cannot be told from its series


def skewness(deviations: ArrayLike) -> float:
    """Return the sample skewness g1 = n·sum of e³ / ((n - 1)(n - 2)s³), 0 where there is none.

    Args:
        deviations: e, of shape (units,), from their mean: of cases, or the sums of groups
    """
    e = np.asarray(deviations, dtype=np.float64)
    n = e.size
    largest = float(np.abs(e).max(initial=0.0))
    if n < _LEAST or largest == 0:
        return 0.0
    scaled = e / largest  # so that no power overflows
    spread = sqrt(float(np.sum(scaled**2)) / (n - 1))
    if spread <= _ROUNDING:
        return 0.0
    return n * float(np.sum(scaled**3)) / ((n - 1) * (n - 2) * spread**3)


def shown_by_others(deviations: ArrayLike) -> float:
    """Return which share of the skewness counts, from 0 to 1.

    A sample of a population whose tails are heavy but even looks lopsided by the one value farthest
    from the mean. Where tails are heavy with that value and without it, the skewness counts as far
    as the others have one to the same side: theirs divided by 0.75, between 0 and 1. Tails are
    heavy where the excess kurtosis is above 0, by the estimator that is unbiased for normal values.
    A value four times as far as the next is no end of a tail, but the first seen of a rare kind:
    then, and everywhere else, the skewness counts in full. Chosen by simulation.

    Args:
        deviations: e, of shape (units,), from their mean
    """
    e = np.asarray(deviations, dtype=np.float64)
    skew = skewness(e)
    if e.size <= _LEAST_KURTOSIS or not skew or not _heavy(e):
        return 1.0
    towards, distances = e * np.sign(skew), np.abs(e)
    next_far, farthest = np.partition(distances, -2)[-2:]
    if farthest > _RARE * next_far:
        return 1.0
    far = np.flatnonzero(distances >= (1 - _TIED) * farthest)
    # Of values as far on both sides, the one in the tail: so that no order of cases matters.
    others = np.delete(towards, far[np.argmax(towards[far])])
    others -= others.mean()
    if not _heavy(others):
        return 1.0
    return min(1.0, max(0.0, skewness(others)) / _FULL)


def _heavy(e: NDArray[np.float64]) -> bool:
    """Return whether the excess kurtosis G2 is above 0: (n + 1)·b2 > 3(n - 1)."""
    if not e.any():
        return False
    scaled = e / np.abs(e).max()  # so that no power overflows
    n, fourth, square = e.size, float(np.mean(scaled**4)), float(np.mean(scaled**2))
    return (n + 1) * fourth > 3 * (n - 1) * square**2


@dataclass(frozen=True, slots=True)
class CubicT:
    """A mean with its standard error, judged by the cubic of t.

    With c = g1/(6√n) and t = (mean - value)/SE, g(t) = t + c + 2ct² + (4/3)c²t³ has Student's
    distribution more nearly than t itself where the numbers are skewed. P. Hall, J. R. Stat. Soc. B
    54 (1992), 221-228; with Student's quantiles R. Willink, Commun. Stat. Theory Methods 34 (2005),
    1447-1460. With c = 0 it is Student's t.
    """

    mean: float
    se: float
    df: float
    c: float = 0.0

    def above(self, value: float) -> float:
        """Return the one-sided p-value that the true mean exceeds a value."""
        return float(scipy.special.stdtr(self.df, -self._g((self.mean - value) / self.se)))

    def below(self, value: float) -> float:
        """Return the one-sided p-value that the true mean is below a value."""
        return float(scipy.special.stdtr(self.df, self._g((self.mean - value) / self.se)))

    def two_sided(self) -> float:
        """Return the two-sided p-value of a true mean of 0."""
        return 2 * min(self.above(0.0), self.below(0.0))

    def interval(self, level: float) -> Interval:
        """Return all values that no two-sided test rejects at this level.

        From mean - SE·G(q) to mean - SE·G(-q), with G(x) = (∛(1 + 6c(x - c)) - 1)/2c the inverse of
        g and q Student's quantile of 1 - (1 - level)/2.
        """
        q = float(scipy.special.stdtrit(self.df, (1 + level) / 2))
        return self.mean - self.se * self._inverse(q), self.mean - self.se * self._inverse(-q)

    def _g(self, t: float) -> float:
        c = self.c
        return t + c + 2 * c * t**2 + 4 / 3 * c**2 * t**3

    def _inverse(self, x: float) -> float:
        beyond = x - self.c
        if abs(self.c) < _TINY:
            return beyond - 2 * self.c * beyond**2
        return (cbrt(1 + 6 * self.c * beyond) - 1) / (2 * self.c)
