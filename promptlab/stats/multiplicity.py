"""Several tests at once: p-values adjusted for their number.

The module sees only p-values. One that is NaN belongs to a test that could not be run: it stays
NaN and does not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted by Holm's method, which bounds the probability of any false alarm.

    With m values in ascending order, the adjusted p_(i) is the largest of min(1, (m - j + 1)·p_(j))
    over j <= i. S. Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.

    Args:
        p: p-values of shape (tests,)

    Returns:
        adjusted p-values in the same order

    Raises:
        ValueError: a value is not between 0 and 1, or the array is not one-dimensional.
    """
    adjusted, order = _ranked(p)
    m = order.size
    scaled = adjusted[order] * np.arange(m, 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted by Benjamini and Hochberg's method, for the false discovery rate.

    With m values in ascending order, the adjusted p_(i) is the smallest of min(1, m·p_(j)/j) over
    j >= i. Y. Benjamini and Y. Hochberg, J. R. Stat. Soc. B 57 (1995), 289-300. Arguments, return
    value and errors as in `holm`.
    """
    adjusted, order = _ranked(p)
    m = order.size
    # The ratio first, so that rounding moves no value below its own p or above Holm's.
    scaled = adjusted[order] * (m / np.arange(1, m + 1))
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return adjusted


def _ranked(p: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return a copy of the values, and the indices of those that are not NaN in ascending order."""
    values = np.array(p, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"p-values of shape {values.shape}")
    if np.any((values < 0) | (values > 1)):
        raise ValueError("p-values must lie between 0 and 1")
    order = np.argsort(values, kind="stable")
    return values, order[: np.count_nonzero(~np.isnan(values))]


def level_of_look(alpha: float, number: int) -> float:
    """Return the level of the k-th look at one question: alpha, then alpha/(10·2^(k-1)).

    All looks together err in at most 1.1 alpha, however many there are and whenever they are taken:
    K. K. G. Lan & D. L. DeMets, Biometrika 70 (1983), 659-663.

    Raises:
        ValueError: there is no such look.
    """
    if number < 1:
        raise ValueError(f"looks are counted from 1, not {number}")
    return alpha if number == 1 else alpha / (10 * 2 ** (number - 1))
