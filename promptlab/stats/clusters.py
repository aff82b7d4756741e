"""Cases that come in groups (one document, one task): the precision of a mean difference.

Cases of a group resemble each other, so they carry less information than as many unrelated ones.
The module does not know what a group stands for.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promptlab.stats.paired import Estimate, student


def cluster_mean(
    d: ArrayLike, groups: ArrayLike, level: float = 0.95, *, jackknife: bool = False
) -> Estimate:
    """Return the mean over cases with an interval and a test that allow for groups.

    The estimator CR2 with the degrees of freedom of Bell and McCaffrey, for a mean. With n cases,
    n_g of them in group g, and e_g the sum of d_i - mean over the cases of g:

        SE² = sum over g of e_g² / (1 - n_g/n), divided by n²
        df = (1/n)² / sum over g, h of M_gh²
        M_gg = n_g/n²,  M_gh = -n_g·n_h / (n³·√((1 - n_g/n)(1 - n_h/n)))

    CR2 is overconfident where groups are of very unequal size and their cases resemble each other.
    There `jackknife` uses CR3, with (1 - n_g/n)² in place of 1 - n_g/n: almost exactly the
    jackknife that leaves one group out.

    With every case a group of its own, CR2 equals `paired_t`. One group has only a mean; where all
    groups agree, see `paired_t`. R. M. Bell and D. F. McCaffrey, Survey Methodology 28 (2002),
    169-181. Time and memory grow with the number of cases, not of pairs of groups.

    Args:
        d: differences of shape (cases,); NaN are left out
        groups: whole numbers of shape (cases,), equal for cases of one group
        level: confidence level
        jackknife: use CR3 instead of CR2

    Raises:
        ValueError: no difference is known, or the shapes differ.
    """
    values, sizes, codes = _grouped(d, groups)
    n, mean = values.size, float(values.mean())
    if sizes.size < 2:
        return Estimate(mean, None, None, None, None, None)
    rest = 1 - sizes / n
    sums = np.bincount(codes, weights=values - mean)
    se = sqrt(float(np.sum(sums**2 / (rest**2 if jackknife else rest)))) / n
    largest = float(np.abs(values).max())
    return student(mean, se, _freedom(sizes, rest, n), level=level, largest=largest)


def evenness(groups: ArrayLike) -> float:
    """Return how equal groups are in size: 1 if all are equal, towards 0 if one has most cases.

    It is n²/(G·sum of n_g²), Kish's effective number of groups divided by their number G.
    L. Kish, Survey Sampling (1965).
    """
    _, sizes = np.unique(np.asarray(groups), return_counts=True)
    return float(sizes.sum()) ** 2 / (sizes.size * float(np.sum(sizes.astype(np.float64) ** 2)))


def _grouped(
    d: ArrayLike, groups: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.intp]]:
    """Return the known differences, the sizes of the groups and the group of each difference."""
    values, codes = np.asarray(d, dtype=np.float64), np.asarray(groups)
    if values.ndim != 1 or values.shape != codes.shape:
        raise ValueError(f"groups of shape {codes.shape} for cases of shape {values.shape}")
    known = ~np.isnan(values)
    if not known.any():
        raise ValueError("no difference is known")
    _, numbered, sizes = np.unique(codes[known], return_inverse=True, return_counts=True)
    return values[known], sizes.astype(np.int64), numbered


def _freedom(sizes: NDArray[np.int64], rest: NDArray[np.float64], n: int) -> float:
    shares = sizes / n
    diagonal = float(np.sum(shares**2)) / n**2
    # The sum over pairs of different groups is the square of the sum minus the squares.
    weights = shares**2 / rest
    pairs = float(np.sum(weights)) ** 2 - float(np.sum(weights**2))
    return 1 / (n**2 * (diagonal + max(0.0, pairs) / n**2))
