"""Where uncertainty comes from: the cases, or one prompt being answered differently each time.

The first shrinks only with more cases, the second also with more repeats. The module sees only
arrays of scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promptlab.stats.paired import case_means


@dataclass(frozen=True, slots=True)
class VarianceSplit:
    """The variance of a paired difference by its sources; None where the data cannot tell.

    `case` is omega², the variance between cases of the true difference; `noise_a` and `noise_b` are
    the variances of one score of an arm around its case's mean. Over n cases with K repeats the
    mean difference has the variance (case + (noise_a + noise_b)/K)/n. `cases` is how many were
    compared.
    """

    cases: int
    case: float | None
    noise_a: float | None
    noise_b: float | None

    def best_repeats(self, cost_case: float, cost_call: float) -> float | None:
        """Return the number of repeats that gives the most precision for the money, at least 1.

        √((noise_a + noise_b)/case · cost_case/cost_call), the K for which the variance is least at
        a fixed cost; see `split_variance` for the source. None where a source is unknown, or
        where cases do not differ at all: then there is no such number.

        Args:
            cost_case: cost of writing one more case
            cost_call: cost of one more repeat of a case, above 0 and in the same unit
        """
        if self.case is None or self.noise_a is None or self.noise_b is None or self.case == 0:
            return None
        ratio = (self.noise_a + self.noise_b) / self.case
        return max(1.0, sqrt(ratio * cost_case / cost_call))


def split_variance(a: ArrayLike, b: ArrayLike) -> VarianceSplit:
    """Return how much of the variance of B - A is between cases and how much is resampling.

    omega² = max(0, S² - (s_A² + s_B²)/K), with S² the sample variance of the differences of case
    means and s² an arm's variance within cases, pooled over cases. For unequal numbers of repeats,
    1/K is replaced by the mean of 1/K_i. Without a case that has two repeats, an arm's noise is
    unknown, and so is omega². E. Miller, Adding Error Bars to Evals, arXiv:2411.00640 (2024).

    Args:
        a: scores of shape (cases, repeats), NaN where unknown
        b: the same, for the same cases

    Raises:
        ValueError: the numbers of cases differ.
    """
    of_a, of_b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if of_a.ndim != 2 or of_b.ndim != 2 or len(of_a) != len(of_b):
        raise ValueError(f"scores of shapes {of_a.shape} and {of_b.shape}")
    differences = case_means(of_b) - case_means(of_a)
    compared = ~np.isnan(differences)
    cases = int(np.count_nonzero(compared))
    noise_a, noise_b = _noise(of_a), _noise(of_b)
    if cases < 2 or noise_a is None or noise_b is None:
        return VarianceSplit(cases, None, noise_a, noise_b)
    resampling = noise_a * _mean_inverse(of_a[compared]) + noise_b * _mean_inverse(of_b[compared])
    between = max(0.0, float(differences[compared].var(ddof=1)) - resampling)
    return VarianceSplit(cases, between, noise_a, noise_b)


def _mean_inverse(scores: NDArray[np.float64]) -> float:
    """Return the mean over cases of one over the number of known repeats."""
    return float(np.mean(1 / np.count_nonzero(~np.isnan(scores), axis=1)))


def _noise(scores: NDArray[np.float64]) -> float | None:
    """Return the variance within cases, pooled over those with two repeats or more."""
    residues = scores - case_means(scores)[:, None]
    known = ~np.isnan(scores)
    freedom = int(np.sum(np.maximum(known.sum(axis=1) - 1, 0)))
    return float(np.sum(residues[known] ** 2)) / freedom if freedom else None
