"""Two arms on the same cases: the difference per case, its mean, intervals and tests.

Everything is based on d, one difference per case, so that a comparison of versions and the effect
of a practice are the same computation. The module knows no arms or scores by name: arrays in,
numbers out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promptlab.core.lazy import lazy_module
from promptlab.stats.intervals import Interval
from promptlab.stats.tango import check_counts

scipy = lazy_module("scipy")  # only `scipy.special`: `scipy.stats` takes a second to load

_ROUNDING = 1e-10  # anything smaller than this share of the values is rounding noise
_COMPLETE = 16  # up to this many cases, all 2^n choices of signs are enumerated
_CELLS = 1 << 20  # signs held in memory at once


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean difference and its uncertainty; None where the data cannot tell.

    `se` is the standard error, `df` the degrees of freedom of Student's t, `low` and `high` the
    bounds of the interval, and `p` is for the two-sided test against 0.
    """

    mean: float
    se: float | None
    df: float | None
    low: float | None
    high: float | None
    p: float | None


def case_means(values: ArrayLike) -> NDArray[np.float64]:
    """Return the mean over the known repeats of each case, NaN where none is known.

    Args:
        values: scores of shape (..., cases, repeats), NaN where unknown

    Returns:
        means of shape (..., cases)
    """
    # Sorted (NaN last), so that equal scores in another order have exactly the same mean.
    scores = np.sort(np.asarray(values, dtype=np.float64), axis=-1)
    known = ~np.isnan(scores)
    counts = known.sum(axis=-1)
    sums = np.where(known, scores, 0.0).sum(axis=-1)
    means = np.full(counts.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def contrast(means: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """Return the contrast of arms per case, d_i = sum over arms r of w_r times the mean of r on i.

    A difference B - A has the weights +1 and -1; the effect of a practice in a balanced design of R
    arms has +2/R and -2/R. A case is NaN where an arm with non-zero weight is.

    Args:
        means: shape (arms, cases)
        weights: shape (arms,), with sum 0

    Raises:
        ValueError: the weights do not add up to 0, or there is not one per arm.
    """
    table, factors = np.asarray(means, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if table.ndim != 2 or factors.shape != table.shape[:1]:
        raise ValueError(f"weights of shape {factors.shape} for means of shape {table.shape}")
    if abs(fsum(factors)) > _ROUNDING * np.abs(factors).sum():
        raise ValueError(f"the weights of a contrast must add up to 0, not to {fsum(factors)}")
    used = factors != 0
    differences: NDArray[np.float64] = (factors[used, None] * table[used]).sum(axis=0)
    return differences


def mcnemar_exact(b: int, c: int) -> float:
    """Return the exact p-value of McNemar's test, two-sided; 1 where no case differs.

    With k = min(b, c), p is twice the probability of at most k heads in b + c tosses of a fair
    coin. Q. McNemar, Psychometrika 12 (1947), 153-157.

    Args:
        b: cases that only B won
        c: cases that only A won
    """
    return min(1.0, 2 * _tail(min(b, c), b + c))


def mcnemar_midp(b: int, c: int) -> float:
    """Return the mid-p-value of McNemar's test, two-sided; 1 where wins equal losses.

    2·(F(k) - f(k)/2) = F(k) + F(k - 1) with k = min(b, c) and F, f the distribution and mass of the
    binomial with b + c tosses of a fair coin. M. W. Fagerland, S. Lydersen and P. Laake, BMC
    Medical Research Methodology 13 (2013), 91. Arguments as in `mcnemar_exact`.
    """
    if b == c:
        return 1.0
    k = min(b, c)
    return min(1.0, _tail(k, b + c) + _tail(k - 1, b + c))


def probability_better(b: int, c: int) -> float:
    """Return the probability that B wins more of the cases that differ; for display only.

    1 - I(1/2; b + 1/2, c + 1/2) with I the regularised incomplete beta function: the posterior of
    B's share of the wins under the prior of H. Jeffreys, Proc. R. Soc. Lond. A 186 (1946), 453-461.
    Arguments as in `mcnemar_exact`.
    """
    # By symmetry; subtracting from 1 would round small values away.
    return float(scipy.special.betainc(c + 0.5, b + 0.5, 0.5))


def bonett_price(n: int, b: int, c: int, level: float = 0.95) -> Interval:
    """Return Bonett and Price's adjusted Wald interval for (b - c)/n, conservative if n is small.

    With p = (b + 1)/(n + 2) and q = (c + 1)/(n + 2) it is p - q ± z√((p + q - (p - q)²)/(n + 2)),
    within -1 and 1. D. G. Bonett and R. M. Price, J. Educ. Behav. Stat. 37 (2012), 479-488.
    Arguments and errors as in `tango`.
    """
    check_counts(n, b, c)
    p, q = (b + 1) / (n + 2), (c + 1) / (n + 2)
    z = NormalDist().inv_cdf((1 + level) / 2)
    half = z * sqrt((p + q - (p - q) ** 2) / (n + 2))
    return max(-1.0, p - q - half), min(1.0, p - q + half)


def paired_t(d: ArrayLike, level: float = 0.95) -> Estimate:
    """Return the mean of the differences with Student's interval and test against 0.

    mean ± t·s/√n at n - 1 degrees of freedom, s² the sample variance. Student (W. S. Gosset),
    Biometrika 6 (1908), 1-25. One case has only a mean. Where all cases have the same difference, t
    would claim certainty: then there is no standard error, interval or p-value, except that p is 1
    where the difference is 0. `sign_flip` still has a p-value for it.

    Args:
        d: differences of shape (cases,); NaN are left out
        level: confidence level

    Raises:
        ValueError: no difference is known.
    """
    values = known_values(d)
    mean, n = float(values.mean()), values.size
    if n < 2:
        return Estimate(mean, None, None, None, None, None)
    se = float(values.std(ddof=1)) / sqrt(n)
    return student(mean, se, n - 1, level=level, largest=float(np.abs(values).max()))


def sign_flip(d: ArrayLike, seed: int = 0, draws: int = 10_000) -> float:
    """Return the p-value of the sign-flip test, two-sided: are the differences symmetric about 0?

    The share of all 2^n choices of signs whose sum is at least as far from 0 as the observed sum
    (R. A. Fisher, The Design of Experiments, 1935). Cases without a difference change nothing and
    are left out. With more than 16 others, `draws` choices are drawn, of which x reach the sum,
    and p = (1 + x)/(1 + draws) (B. Phipson and G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).

    Args:
        d: differences of shape (cases,), in any order; NaN are left out
        seed: random seed of the draws
        draws: number of draws

    Raises:
        ValueError: no difference is known.
    """
    values = known_values(d)
    sizes = np.sort(np.abs(values[values != 0]))
    # Sums that are equal on paper must count as equal.
    reach = abs(fsum(values)) - _ROUNDING * float(sizes.sum())
    if sizes.size <= _COMPLETE:
        sums = np.zeros(1)
        for size in sizes:
            sums = np.concatenate((sums + size, sums - size))
        return float(np.mean(np.abs(sums) >= reach))
    return (1 + _drawn_beyond(sizes, reach, seed, draws)) / (1 + draws)


def known_values(d: ArrayLike) -> NDArray[np.float64]:
    """Return the values that are not NaN.

    Raises:
        ValueError: there are none, or the array is not one-dimensional.
    """
    values = np.asarray(d, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"expected one difference per case, not an array of shape {values.shape}")
    values = values[~np.isnan(values)]
    if values.size == 0:
        raise ValueError("no difference is known")
    return values


def student(mean: float, se: float, df: float, *, level: float, largest: float) -> Estimate:
    """Return Student's t estimate from a mean and its standard error.

    A standard error of 0, up to rounding, counts as unknown: see `paired_t`.

    Args:
        mean: of the differences
        se: its standard error
        df: degrees of freedom
        level: confidence level
        largest: largest absolute difference, which determines the size of rounding errors
    """
    if se <= _ROUNDING * largest:
        p = 1.0 if abs(mean) <= _ROUNDING * largest else None
        return Estimate(mean, None, None, None, None, p)
    half = float(scipy.special.stdtrit(df, (1 + level) / 2)) * se
    p = 2 * float(scipy.special.stdtr(df, -abs(mean) / se))
    return Estimate(mean, se, df, mean - half, mean + half, p)


def _tail(k: int, tosses: int) -> float:
    return float(scipy.special.bdtr(k, tosses, 0.5)) if k >= 0 else 0.0


def _drawn_beyond(sizes: NDArray[np.float64], reach: float, seed: int, draws: int) -> int:
    """Count the draws whose sum is at least `reach`, in blocks of bounded memory."""
    generator = np.random.default_rng(seed)  # noqa: TID251 - seeded
    total, n = sizes.sum(), sizes.size
    rows = max(1, _CELLS // n)
    count = 0
    for start in range(0, draws, rows):
        shape = (min(rows, draws - start), (n + 7) // 8)
        octets = generator.integers(0, 256, size=shape, dtype=np.uint8)
        positive = np.unpackbits(octets, axis=1, count=n)
        count += int(np.sum(np.abs(2 * (positive @ sizes) - total) >= reach))
    return count
