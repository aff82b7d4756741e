"""Whether two means differ by more than chance: all ways to deal values out to two sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EXACT = 3  # distinct values, up to which every way is counted
_WAYS = 1 << 22  # of them, up to which they are counted
_CELLS = 1 << 20  # numbers held in memory at once
_ROUNDING = 1e-9  # sums that differ by less, as a share of the largest, are equal


def permutation_p(first: ArrayLike, second: ArrayLike, draws: int = 9_999, seed: int = 0) -> float:
    """Return the two-sided p-value of equal means, where both sides are alike but for chance.

    It holds its level with any number of values on either side, also where one side has no spread.
    Up to three distinct values are dealt out in all ways, with their hypergeometric chances;
    otherwise at random, (1 + as far apart) / (1 + draws). B. Phipson and G. K. Smyth, Stat. Appl.
    Genet. Mol. Biol. 9 (2010), 39.

    Args:
        first: the values of one side, one or more
        second: those of the other
        draws: how often values are dealt out at random
        seed: of the draws
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    values, counts = np.unique(np.concatenate([one, other]), return_counts=True)
    size, total = one.size, one.size + other.size
    expected = float(values @ counts) * size / total
    slack = _ROUNDING * float(np.abs(values).max()) * size
    least = abs(float(one.sum()) - expected) - slack  # how far the sum is from what it would be
    if least <= 0:
        return 1.0
    if values.size <= _EXACT and (int(counts[0]) + 1) * (int(counts[-1]) + 1) <= _WAYS:
        return _exact(values, counts, size, expected, least)
    generator = np.random.default_rng(seed)  # noqa: TID251 - seeded
    far, done, at_once = 0, 0, max(1, _CELLS // values.size)
    while done < draws:
        part = min(at_once, draws - done)
        dealt = generator.multivariate_hypergeometric(counts, size, size=part, method="marginals")
        far += int((np.abs(dealt @ values - expected) >= least).sum())
        done += part
    return (1 + far) / (1 + draws)


def _exact(values: Floats, counts: Ints, size: int, expected: float, least: float) -> float:
    """Return the chance of sums as far from what is expected, of `size` of the values."""
    padded = np.zeros(_EXACT), np.zeros(_EXACT, dtype=np.int64)
    padded[0][: values.size], padded[1][: values.size] = values, counts
    a, b, c = (int(number) for number in padded[1])
    i, j = np.meshgrid(np.arange(min(a, size) + 1), np.arange(min(b, size) + 1), indexing="ij")
    k = size - i - j
    known = (k >= 0) & (k <= c)
    i, j, k = i[known], j[known], k[known]
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, counts.sum() + 1)))])

    def ways(n: int, of: Ints) -> Floats:
        found: Floats = logs[n] - logs[of] - logs[n - of]
        return found

    all_ways = ways(int(counts.sum()), np.full(i.shape, size))
    chances = np.exp(ways(a, i) + ways(b, j) + ways(c, k) - all_ways)
    sums = i * padded[0][0] + j * padded[0][1] + k * padded[0][2]
    return min(1.0, float(chances[np.abs(sums - expected) >= least].sum()))
