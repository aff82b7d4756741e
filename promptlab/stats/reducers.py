"""The repeats of each case reduced to one number: what a case scores if it is asked several times.

A repeat passes if its score is 1. The module sees only arrays; `core.reducers` has the names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def reduced(how: str, k: int, at: Ints, values: Floats, cases: int) -> Floats:
    """Return one number for each case, NaN where it has too few known repeats.

    `mean`, `median`, `mode` (the most frequent score; of several, their mean) and `max` are of the
    repeats. With s of K repeats passed, `at_least` is 1 if s >= k, else 0; `pass_at` is the
    probability that one of k repeats passes, `all` that all of them do, both without bias: see
    `pass_at` and `all_of`. These three need k repeats.

    Args:
        how: the name of the reducer
        k: its number, where it has one
        at: the case of each repeat, of shape (repeats,)
        values: the scores, of the same shape, NaN where unknown
        cases: the number of cases
    """
    known = ~np.isnan(values)
    at, values = at[known], values[known]
    total = np.bincount(at, minlength=cases)
    if how in _COUNTED:
        passed = np.bincount(at[values >= 1], minlength=cases)
        return _COUNTED[how](total.astype(np.float64), passed.astype(np.float64), k)
    if how == "mean":
        return mean_by_case(at, values, cases)
    result = np.full(cases, np.nan)
    order = np.lexsort((values, at))
    result[total > 0] = _SORTED[how](at[order], values[order], total[total > 0])
    return result


def mean_by_case(at: Ints, values: Floats, cases: int) -> Floats:
    """Return the mean of the known values of each case, NaN if there are none.

    Args:
        at: the case of each value, of shape (values,)
        values: the values, of the same shape, NaN where unknown
        cases: the number of cases
    """
    known = ~np.isnan(values)
    sums = np.bincount(at[known], weights=values[known], minlength=cases)
    counts = np.bincount(at[known], minlength=cases)
    means: Floats = np.divide(sums, counts, out=np.full(cases, np.nan), where=counts > 0)
    return means


def pass_at(total: Floats, passed: Floats, k: int) -> Floats:
    """Return the probability that one of k repeats passes: 1 - C(K - s, k)/C(K, k), NaN if k > K.

    M. Chen et al., Evaluating Large Language Models Trained on Code, arXiv:2107.03374 (2021).

    Args:
        total: K, the repeats of each case
        passed: s, those of them that passed
        k: the number of tries
    """
    return 1 - all_of(total, total - passed, k)


def all_of(total: Floats, passed: Floats, k: int) -> Floats:
    """Return the probability that k repeats all pass: C(s, k)/C(K, k). Arguments as in `pass_at`.

    As a product, (s/K)·((s - 1)/(K - 1))·..., of which no factor is large.
    """
    share = np.where(total >= k, 1.0, np.nan)
    for step in range(k):
        share = share * np.maximum(passed - step, 0) / np.maximum(total - step, 1)
    return share


def _at_least(total: Floats, passed: Floats, k: int) -> Floats:
    return np.where(total >= k, (passed >= k).astype(np.float64), np.nan)


def _median(at: Ints, values: Floats, total: Ints) -> Floats:
    first = np.cumsum(total) - total
    middle: Floats = (values[first + (total - 1) // 2] + values[first + total // 2]) / 2
    return middle


def _max(at: Ints, values: Floats, total: Ints) -> Floats:
    return values[np.cumsum(total) - 1]


def _mode(at: Ints, values: Floats, total: Ints) -> Floats:
    """Return the most frequent value of each case; where several are, their mean."""
    new = np.ones(at.size, dtype=bool)
    new[1:] = (np.diff(at) != 0) | (np.diff(values) != 0)
    first = np.flatnonzero(new)
    counts = np.diff(np.append(first, at.size))
    _, case = np.unique(at[first], return_inverse=True)
    most = np.zeros(total.size, dtype=counts.dtype)
    np.maximum.at(most, case, counts)
    top = counts == most[case]
    sums = np.bincount(case[top], weights=values[first][top], minlength=total.size)
    modes: Floats = sums / np.bincount(case[top], minlength=total.size)
    return modes


_COUNTED: Mapping[str, Callable[[Floats, Floats, int], Floats]] = {
    "at_least": _at_least,
    "pass_at": pass_at,
    "all": all_of,
}
_SORTED: Mapping[str, Callable[[Ints, Floats, Ints], Floats]] = {
    "median": _median,
    "mode": _mode,
    "max": _max,
}
