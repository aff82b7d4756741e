"""Looking while results come in: evidence that may be read after every case, and racing.

An e-process E starts at 1 and has, where there is no difference, an expectation of at most 1
whenever one stops looking. So it reaches 1/alpha with probability at most alpha (J. Ville, Étude
critique de la notion de collectif, 1939), however often one looks. This holds for cases in an order
fixed before their results were known. The module knows nothing of runs or verdicts.
"""

from __future__ import annotations

from math import exp, lgamma, log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promptlab.core.lazy import lazy_module
from promptlab.stats.intervals import Interval
from promptlab.stats.paired import known_values

scipy = lazy_module("scipy")  # only `scipy.special`: `scipy.stats` takes a second to load

_STAKES = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 0.95)
# The shares lambda of one's capital that are bet on d > 0 (positive) or on d < 0.
GRID: tuple[float, ...] = tuple(-stake for stake in reversed(_STAKES)) + _STAKES
_GRID = np.array(GRID)
_BOUND = 1 + 1e-9  # of a difference; allows for rounding in a mean of scores
_LARGEST_LOG = 709.0  # the exponential of anything larger is not finite
_BISECTIONS = 40


def log_e_binary(b: int, c: int) -> float:
    """Return the logarithm of E for wins and losses, E = 2^m·b!·c!/(m + 1)! with m = b + c.

    The likelihood of the wins, mixed evenly over all shares of wins, against that of a fair coin.
    H. Robbins, Ann. Math. Stat. 41 (1970), 1397-1409, has such mixtures.

    Args:
        b: cases that only B won
        c: cases that only A won
    """
    return (b + c) * log(2) + lgamma(b + 1) + lgamma(c + 1) - lgamma(b + c + 2)


def e_binary(b: int, c: int) -> float:
    """Return E for wins and losses, as in `log_e_binary`; kept finite, at most about 8e307."""
    return exp(min(_LARGEST_LOG, log_e_binary(b, c)))


class EProcess:
    """E for differences in [-1, 1] that arrive one by one.

    After n differences E is the mean over the stakes lambda of `GRID` of the product of
    1 + lambda·d_i. I. Waudby-Smith and A. Ramdas, J. R. Stat. Soc. B 86 (2024), 1-27, describe
    such bets and review them.
    """

    def __init__(self) -> None:
        self._logs = np.zeros(len(GRID))

    def update(self, d: float) -> float:
        """Add the difference of the next case; return E.

        Raises:
            ValueError: `d` is outside [-1, 1] or NaN. E is then unchanged.
        """
        if not abs(d) <= _BOUND:
            raise ValueError(f"a difference must lie in [-1, 1], unlike {d}")
        self._logs += np.log1p(_GRID * d)
        return self.e

    @property
    def e(self) -> float:
        """E after all differences so far, 1 before the first; kept finite, at most about 8e307."""
        return float(_mean_exp(self._logs))


def e_path(d: ArrayLike, *, binary: bool) -> NDArray[np.float64]:
    """Return E after each case, as `e_binary` or `EProcess` would.

    Args:
        d: differences of shape (cases,), in their order; -1, 0 and 1 where `binary`
        binary: treat them as losses, ties and wins

    Returns:
        E of shape (cases,), kept finite

    Raises:
        ValueError: a difference is NaN or not allowed.
    """
    values = np.asarray(d, dtype=np.float64)
    if not binary:
        _check_bounded(values)
        return _mean_exp(np.cumsum(np.log1p(values[:, None] * _GRID), axis=0))
    if not np.all(np.isin(values, (-1.0, 0.0, 1.0))):
        raise ValueError("a difference of passes and failures must be -1, 0 or 1")
    b, c = np.cumsum(values == 1), np.cumsum(values == -1)
    log_factorial = scipy.special.gammaln
    logs = (b + c) * log(2) + log_factorial(b + 1) + log_factorial(c + 1)
    path: NDArray[np.float64] = np.exp(np.minimum(_LARGEST_LOG, logs - log_factorial(b + c + 2)))
    return path


def first_crossing(path: ArrayLike, threshold: float) -> int | None:
    """Return how many cases it took E to reach the threshold, None where it never did."""
    reached = np.flatnonzero(np.asarray(path) >= threshold)
    return int(reached[0]) + 1 if reached.size else None


def confidence_sequence(d: ArrayLike, alpha: float = 0.05) -> Interval:
    """Return an interval for the mean difference that is valid however often one looked.

    It contains every m in [-1, 1] for which E of d - m is below 1/alpha. Since d - m reaches as far
    as 1 + |m| from 0, the stakes of `GRID` are cut to 0.95/(1 + |m|): at 0 that changes none, so
    that 0 is outside as soon as `EProcess` has reached 1/alpha. E is at most 1 at the mean of d and
    rises on both sides, where the bounds are found by bisection. I. Waudby-Smith and A. Ramdas,
    J. R. Stat. Soc. B 86 (2024), 1-27.

    Args:
        d: the differences so far, of shape (cases,); NaN are left out
        alpha: one minus the confidence level

    Raises:
        ValueError: no difference is known, or one is outside [-1, 1].
    """
    values, counts = np.unique(known_values(d), return_counts=True)
    _check_bounded(values)
    return -_upper(-values, counts, alpha), _upper(values, counts, alpha)


def _mean_exp(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of the exponentials over the last axis."""
    largest = logs.max(axis=-1, keepdims=True)
    means = largest[..., 0] + np.log(np.mean(np.exp(logs - largest), axis=-1))
    path: NDArray[np.float64] = np.exp(np.minimum(_LARGEST_LOG, means))
    return path


def _check_bounded(values: NDArray[np.float64]) -> None:
    if values.ndim != 1 or not np.all(np.abs(values) <= _BOUND):
        raise ValueError("differences must be of shape (cases,) and lie in [-1, 1]")


def _upper(values: NDArray[np.float64], counts: NDArray[np.intp], alpha: float) -> float:
    """Return the upper bound: 1, or the first m above the mean that is rejected."""
    inside, outside = float(np.average(values, weights=counts)), 1.0
    if not _rejected(outside, values, counts, alpha):
        return outside
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        if _rejected(middle, values, counts, alpha):
            outside = middle
        else:
            inside = middle
    return outside


def _rejected(
    mean: float, values: NDArray[np.float64], counts: NDArray[np.intp], alpha: float
) -> bool:
    largest = _STAKES[-1] / (1 + abs(mean))
    stakes = np.clip(_GRID, -largest, largest)
    logs = counts @ np.log1p((values - mean)[:, None] * stakes)
    return float(_mean_exp(logs)) >= 1 / alpha
