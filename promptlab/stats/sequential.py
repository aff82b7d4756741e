"""Looking while results come in: evidence that may be read after every case, and racing.

An e-process E starts at 1 and has, where the mean difference is the one it tests, an expectation
of at most 1 whenever one stops looking. So it reaches 1/alpha with probability at most alpha
(J. Ville, Étude critique de la notion de collectif, 1939), however often one looks. This holds for
cases in an order fixed before their results were known. The module knows nothing of runs or
verdicts.

Cases that come in groups are bet on group by group. What is tested is the mean over cases: a group
of n_g cases whose differences add up to S_g is worth S_g/n_max, with n_max the size of the largest
group there may be, and weighs n_g/n_max. Means of groups would test another quantity.
"""

from __future__ import annotations

from math import exp, lgamma, log, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from promptlab.stats.intervals import Interval

Floats = NDArray[np.float64]

_STAKES = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 0.95)
# The shares lambda of one's capital that are bet on d > 0 (positive) or on d < 0.
GRID: tuple[float, ...] = tuple(-stake for stake in reversed(_STAKES)) + _STAKES
_GRID = np.array(GRID)
_ROUNDING = 1e-9  # how far a difference may lie beyond its bounds
LARGEST_LOG = 709.0  # the exponential of anything larger is not finite
_NEAR = 1e-11  # bounds are found to this


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
    return exp(min(LARGEST_LOG, log_e_binary(b, c)))


class WinsAndLosses:
    """E of `log_e_binary`, as wins, ties and losses arrive in blocks."""

    def __init__(self) -> None:
        self.log_e = 0.0
        self._won = self._lost = 0

    def update(self, d: ArrayLike) -> Floats:
        """Add differences of -1, 0 and 1 in their order; return the logarithm of E after each.

        Raises:
            ValueError: a difference is another number. Nothing is added then.
        """
        values = np.asarray(d, dtype=np.float64)
        if not np.all(values == np.sign(values)):
            raise ValueError("a difference of passes and failures must be -1, 0 or 1")
        won, lost = self._won + np.cumsum(values == 1), self._lost + np.cumsum(values == -1)
        # The next case is bet on by the share of wins so far, (b + 1)/(m + 2).
        alike = np.where(values == 1, won, lost)
        steps = np.where(values == 0, 0.0, np.log(2 * np.maximum(alike, 1) / (won + lost + 1)))
        path: Floats = np.cumsum(np.concatenate([[self.log_e], steps]))
        if values.size:
            self._won, self._lost = int(won[-1]), int(lost[-1])
            self.log_e = float(path[-1])
        return path[1:]


class EProcess:
    """E for a mean difference of `null`, as differences in [-1, 1] arrive in blocks.

    After n differences E is the mean over the stakes lambda of `GRID` of the product of
    1 + lambda·(d_i - null·w_i), with w_i the weight of the i-th. Since such a bet reaches as far as
    1 + |null| from 0, stakes are cut to 0.95/(1 + |null|): at 0 that changes none. I. Waudby-Smith
    and A. Ramdas, J. R. Stat. Soc. B 86 (2024), 1-27, describe such bets and review them.
    """

    def __init__(self, null: float = 0.0) -> None:
        self._null = null
        self._stakes = _stakes(null)
        self._logs = np.zeros(len(GRID))

    def update(self, d: ArrayLike, weights: ArrayLike = 1.0) -> Floats:
        """Add differences in their order; return the logarithm of E after each.

        Args:
            d: differences of shape (cases,), or S_g/n_max of groups
            weights: 1 for a case, n_g/n_max for a group of cases

        Raises:
            ValueError: a difference is outside its weight or NaN. Nothing is added then.
        """
        values, sizes = _bounded(d, weights)
        bets = (values - self._null * sizes)[:, None] * self._stakes
        logs = np.cumsum(np.concatenate([self._logs[None], np.log1p(bets)]), axis=0)
        self._logs = logs[-1]
        return _log_mean(logs[1:])

    @property
    def e(self) -> float:
        """E after all differences so far, 1 before the first; kept finite, at most about 8e307."""
        return float(finite_exp(_log_mean(self._logs)))


def e_path(d: ArrayLike, *, binary: bool, weights: ArrayLike = 1.0, null: float = 0.0) -> Floats:
    """Return E after each case, as `e_binary` or `EProcess` would.

    Args:
        d: differences of shape (cases,), in their order; -1, 0 and 1 where `binary`
        binary: treat them as losses, ties and wins
        weights: as for `EProcess.update`; not where `binary`
        null: the mean that is tested; 0 where `binary`

    Returns:
        E of shape (cases,), kept finite

    Raises:
        ValueError: a difference is NaN or not allowed.
    """
    if binary:
        return finite_exp(WinsAndLosses().update(d))
    return finite_exp(EProcess(null).update(d, weights))


def first_crossing(path: ArrayLike, threshold: float) -> int | None:
    """Return how many cases it took E to reach the threshold, None where it never did."""
    reached = np.flatnonzero(np.asarray(path) >= threshold)
    return int(reached[0]) + 1 if reached.size else None


def confidence_sequence(d: ArrayLike, alpha: float = 0.05, weights: ArrayLike = 1.0) -> Interval:
    """Return an interval for the mean difference that is valid however often one looked.

    It contains every mean m in [-1, 1] for which E of `EProcess(m)` is below 1/alpha, so that 0 is
    outside as soon as `EProcess` has reached 1/alpha. E is at most 1 at the mean that was seen: of
    d, or sum of S_g over sum of n_g. It rises on both sides, where the bounds are searched for.
    I. Waudby-Smith and A. Ramdas, J. R. Stat. Soc. B 86 (2024), 1-27.

    Args:
        d: the differences so far, of shape (cases,), or S_g/n_max of groups; NaN are left out
        alpha: one minus the confidence level
        weights: 1 for a case, n_g/n_max for a group of cases

    Raises:
        ValueError: no difference is known, or one is outside its weight.
    """
    values = np.asarray(d, dtype=np.float64)
    known = ~np.isnan(values)
    if not known.any():
        raise ValueError("no difference is known")
    values, sizes = _bounded(values[known], np.broadcast_to(weights, values.shape)[known])
    # Equal ones are counted, so that each value is looked at once.
    pairs, counts = np.unique(values + 1j * sizes, return_counts=True)
    values, sizes, number = pairs.real, pairs.imag, counts.astype(np.float64)
    return -_upper(-values, sizes, number, alpha), _upper(values, sizes, number, alpha)


def finite_exp(logs: ArrayLike) -> Floats:
    """Return the exponentials, kept finite."""
    path: Floats = np.exp(np.minimum(LARGEST_LOG, logs))
    return path


def _log_mean(logs: Floats) -> Floats:
    """Return the logarithm of the mean of the exponentials over the last axis."""
    largest = logs.max(axis=-1, keepdims=True)
    means: Floats = largest[..., 0] + np.log(np.mean(np.exp(logs - largest), axis=-1))
    return means


def _stakes(null: float) -> Floats:
    """Return the stakes that cannot lose everything where the mean is `null`."""
    largest = _STAKES[-1] / (1 + abs(null))
    stakes: Floats = np.clip(_GRID, -largest, largest)
    return stakes


def _bounded(d: ArrayLike, weights: ArrayLike) -> tuple[Floats, Floats]:
    """Return differences and their weights, each of shape (cases,)."""
    values = np.asarray(d, dtype=np.float64)
    sizes = np.broadcast_to(np.asarray(weights, dtype=np.float64), values.shape)
    within = (np.abs(values) <= sizes + _ROUNDING) & (sizes <= 1 + _ROUNDING)
    if values.ndim != 1 or not np.all(within):
        raise ValueError("differences must be of shape (cases,) and lie in [-1, 1]")
    return values, sizes


def _upper(values: Floats, sizes: Floats, counts: Floats, alpha: float) -> float:
    """Return the upper bound: 1, or the first mean above the one seen that is rejected.

    Regula falsi with the halving of the Illinois method, from a bracket that is doubled until its
    end is rejected. M. Dowell and P. Jarratt, BIT 11 (1971), 168-174.
    """

    def excess(mean: float) -> float:
        bets = np.log1p((values - mean * sizes)[:, None] * _stakes(mean))
        return float(_log_mean(counts @ bets)) - log(1 / alpha)

    inside = float((values @ counts) / (sizes @ counts))
    low, width = excess(inside), 1 / sqrt(counts.sum())
    outside = min(1.0, inside + width)
    while (high := excess(outside)) < 0:
        if outside == 1:
            return 1.0
        inside, low, width = outside, high, 2 * width
        outside = min(1.0, inside + width)
    side = 0
    while outside - inside > _NEAR:
        middle = outside - high * (outside - inside) / (high - low)
        if not inside < middle < outside:
            middle = (inside + outside) / 2
        found = excess(middle)
        if found < 0:
            inside, low, high = middle, found, high / 2 if side < 0 else high
            side = -1
        else:
            outside, high, low = middle, found, low / 2 if side > 0 else low
            side = 1
    return outside
