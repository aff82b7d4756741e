"""Means by a judge who errs, corrected by what people said of some of the same answers.

A judge's scores are cheap and many, labels of people dear and few. `prediction_powered` allows for
any error of the judge, also one that differs from arm to arm; `rogan_gladen` needs sensitivity and
specificity, and that they are the same wherever it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promptlab.core.lazy import lazy_module
from promptlab.stats.clusters import cluster_mean
from promptlab.stats.intervals import Interval

Floats = NDArray[np.float64]

scipy = lazy_module("scipy")  # only `scipy.special`: `scipy.stats` takes a second to load


@dataclass(frozen=True, slots=True)
class Corrected:
    """A corrected mean with its standard error and degrees of freedom.

    `weight` is how much of the judge's word counts: 0 where it says nothing of what people say.
    """

    mean: float
    se: float
    df: float
    weight: float

    def interval(self, level: float) -> Interval:
        """Return Student's interval."""
        half = float(scipy.special.stdtrit(self.df, (1 + level) / 2)) * self.se
        return self.mean - half, self.mean + half

    def two_sided(self) -> float:
        """Return the two-sided p-value of a true mean of 0."""
        return 2 * float(scipy.special.stdtr(self.df, -abs(self.mean) / self.se))


def prediction_powered(
    people: ArrayLike,
    judged: ArrayLike,
    unlabelled: ArrayLike,
    groups: ArrayLike | None = None,
    unlabelled_groups: ArrayLike | None = None,
) -> Corrected | None:
    """Return the mean of people's scores, made more precise by a judge's; None if nothing varies.

    PPI++: mean = w·mean(unlabelled) + mean(people - w·judged), with the weight w that makes the
    variance least (`weight_of`). Both parts have the standard error of `clusters.cluster_mean`;
    groups that have cases in both add their covariance. Degrees of freedom by Satterthwaite. A. N.
    Angelopoulos, J. C. Duchi, T. Zrnic, PPI++ (2023), arXiv 2311.01453. For a difference of two
    arms, all values are differences of a case.

    Args:
        people: what people say of the n labelled cases, of shape (n,)
        judged: what the judge says of the same cases
        unlabelled: what the judge says of the N others, of shape (N,)
        groups: whole numbers of shape (n,), equal for cases of one group
        unlabelled_groups: the same for the others

    Raises:
        ValueError: `people` and `judged` differ in shape, or a value is not known.
    """
    y, f = np.asarray(people, dtype=np.float64), np.asarray(judged, dtype=np.float64)
    rest = np.asarray(unlabelled, dtype=np.float64)
    if y.shape != f.shape:
        raise ValueError(f"labels of shape {y.shape}, judged {f.shape}")
    if not all(np.isfinite(values).all() for values in (y, f, rest)):
        raise ValueError("a score is not known")
    if y.size < 2:
        return None
    codes = np.arange(y.size) if groups is None else np.asarray(groups)
    others = (
        -1 - np.arange(rest.size) if unlabelled_groups is None else np.asarray(unlabelled_groups)
    )
    weight = weight_of(y, f, rest)
    other = _part(weight * rest, others) if weight else None
    own = _part(y - weight * f if other else y, codes)
    if own is None or other is None:
        return None if own is None else own.corrected(0.0)
    variance = own.variance + other.variance + 2 * _together(own, other)
    df = (own.variance + other.variance) ** 2 / (
        own.variance**2 / own.df + other.variance**2 / other.df
    )
    if variance <= 0:
        return None
    return Corrected(own.mean + other.mean, sqrt(variance), df, weight)


def weight_of(y: Floats, f: Floats, rest: Floats) -> float:
    """Return the weight of a judge's word: cov(y, f)/((1 + n/N)·var(f)), between 0 and 1.

    The covariance divides by n and the variance by n + N - 1, as their authors' program does.

    Args:
        y: what people say of n cases
        f: what the judge says of the same; its variance is that of all n + N cases
        rest: what the judge says of N further cases
    """
    spread = float(np.concatenate([f, rest]).var(ddof=1))
    if not rest.size or not spread:
        return 0.0
    together = float(np.cov(y, f, ddof=0)[0, 1])
    return min(1.0, max(0.0, together / ((1 + y.size / rest.size) * spread)))


@dataclass(frozen=True, slots=True)
class _Part:
    """The mean of some cases, with its variance and degrees of freedom.

    `names` are its groups, `shares` what each adds to the error of the mean, as CR2 has it.
    """

    mean: float
    variance: float
    df: float
    names: NDArray[np.int64]
    shares: Floats

    def corrected(self, weight: float) -> Corrected | None:
        """Return the mean where nothing else is known; None if nothing varies."""
        return Corrected(self.mean, sqrt(self.variance), self.df, weight) if self.variance else None


def _part(values: Floats, codes: NDArray[np.int64]) -> _Part | None:
    """Return the mean of cases in groups; None if its error is not known."""
    found = cluster_mean(values, codes) if values.size else None
    if found is None or found.mean is None or found.se is None or found.df is None:
        return None
    names, numbered, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    sums = np.bincount(numbered, weights=values - found.mean)
    shares = sums / values.size / np.sqrt(1 - sizes / values.size)
    return _Part(found.mean, found.se**2, found.df, names, shares)


def _together(own: _Part, other: _Part) -> float:
    """Return the covariance of two means whose cases are partly of the same groups."""
    _, mine, theirs = np.intersect1d(own.names, other.names, return_indices=True)
    return float(own.shares[mine] @ other.shares[theirs])


@dataclass(frozen=True, slots=True)
class Checked:
    """How often a judge is right where people know: `right` of `n`."""

    right: int
    n: int


def rogan_gladen(
    passed: int, n: int, passes: Checked, failures: Checked, level: float = 0.95
) -> tuple[float, Interval] | None:
    """Return the true share of passes behind a judge's, with its interval; None for J <= 0.

    share = (p + q0 - 1)/J with J = q0 + q1 - 1, q1 the judge's sensitivity and q0 its specificity.
    It holds only if these are the same for the answers in question. W. J. Rogan and B. Gladen, Am.
    J. Epidemiol. 107 (1978), 71-76; the interval, which allows for the errors of q0 and q1, is that
    of Z. Lang and J. Reiczigel, Prev. Vet. Med. 113 (2014), 13-22. The estimate is not cut: chance
    may carry it beyond 0 or 1, where the interval, which is cut, ends at the nearer of both.

    Args:
        passed: how many of `n` answers the judge passes
        n: answers
        passes: the judge on answers that people pass
        failures: the judge on answers that people fail
        level: confidence level
    """
    if not n or not passes.n or not failures.n:
        return None
    p, q1, q0 = passed / n, passes.right / passes.n, failures.right / failures.n
    if q0 + q1 <= 1:
        return None
    share = (p + q0 - 1) / (q0 + q1 - 1)
    z = NormalDist().inv_cdf((1 + level) / 2)
    n_, m1, m0 = n + z * z, passes.n + 2, failures.n + 2
    p, q1, q0 = (passed + z * z / 2) / n_, (passes.right + 1) / m1, (failures.right + 1) / m0
    j = q0 + q1 - 1
    if j <= 0:
        return None
    theta = (p + q0 - 1) / j
    of_q1, of_q0 = q1 * (1 - q1) / m1, q0 * (1 - q0) / m0
    shift = 2 * z * z * (theta * of_q1 - (1 - theta) * of_q0)
    se = sqrt(p * (1 - p) / n_ + (1 - theta) ** 2 * of_q0 + theta**2 * of_q1) / j
    low, high = theta + shift - z * se, theta + shift + z * se
    near = min(1.0, max(0.0, share))
    return share, (min(near, max(0.0, low)), max(near, min(1.0, high)))
