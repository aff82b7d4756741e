"""The permutation test of two means: counted by hand, by its draws, and beside Fisher's."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from promptlab.stats.permuted import permutation_p


def by_hand(first: list[float], second: list[float]) -> float:
    pool, size = np.array(first + second), len(first)
    sums = np.array([pool[list(places)].sum() for places in combinations(range(pool.size), size)])
    expected = pool.mean() * size
    return float((np.abs(sums - expected) >= abs(sum(first) - expected) - 1e-9).mean())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1.0, 1.0, 0.0], [0.0, 0.0, -1.0, 0.0, 0.0]),
        ([1.0, 1.0], [0.0, 0.0, 0.0, 0.0]),
        ([-1.0, -1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]),
        ([0.1, 0.1, 0.1], [0.3, 0.1, 0.3]),
    ],
)
def test_all_ways_are_counted(first: list[float], second: list[float]) -> None:
    assert permutation_p(first, second) == pytest.approx(by_hand(first, second))
    assert permutation_p(second, first) == pytest.approx(by_hand(first, second))


def test_of_many_values_ways_are_drawn() -> None:
    first, second = [0.9, 0.8, 0.75, 0.6], [0.1, 0.2, 0.35, 0.7, 0.3]
    assert permutation_p(first, second) == pytest.approx(by_hand(first, second), abs=0.01)
    assert permutation_p(first, second) == permutation_p(first, second)
    assert permutation_p([*range(100)], [*range(200, 300)], draws=99) == 0.01


def test_equal_means_are_no_evidence() -> None:
    assert permutation_p([0.1] * 3, [0.1] * 7) == 1
    assert permutation_p([0.0, 1.0], [0.5]) == 1


def test_of_equal_sizes_it_is_fishers() -> None:
    first, second = [1.0] * 9 + [0.0] * 3, [1.0] * 4 + [0.0] * 8
    expected = fisher_exact([[9, 3], [4, 8]]).pvalue
    assert permutation_p(first, second) == pytest.approx(expected)
