"""Repeats reduced to one number: reference values, other people's code, and what is unknown."""

from __future__ import annotations

from itertools import combinations
from math import nan
from statistics import mean, median, multimode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.stats.reducers import all_of, pass_at, reduced

scores = st.lists(
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=7), min_size=1, max_size=6
)


def of_cases(how: str, k: int, cases: list[list[float]]) -> list[float]:
    """Reduce the repeats of each case, which come in any order."""
    at = np.repeat(np.arange(len(cases)), [len(case) for case in cases])
    values = np.array([value for case in cases for value in case])
    rng = np.random.default_rng(len(values))  # noqa: TID251 - seeded
    order = rng.permutation(len(values))
    return list(reduced(how, k, at[order], values[order], len(cases)))


@pytest.mark.parametrize(
    ("k", "any_passes", "all_pass"),
    [(1, 0.3, 0.3), (2, 0.53333333, 0.066666667), (5, 0.91666667, 0.0)],
)
def test_three_of_ten(k: int, any_passes: float, all_pass: float) -> None:
    total, passed = np.array([10.0]), np.array([3.0])
    assert pass_at(total, passed, k) == pytest.approx(any_passes)
    assert all_of(total, passed, k) == pytest.approx(all_pass)


@given(scores, st.integers(1, 4))
def test_they_count_every_choice_of_k_repeats(cases: list[list[float]], k: int) -> None:
    for how, holds in (("pass_at", any), ("all", all)):
        expected = [
            mean(float(holds(value == 1 for value in some)) for some in combinations(case, k))
            if len(case) >= k
            else nan
            for case in cases
        ]
        assert of_cases(how, k, cases) == pytest.approx(expected, nan_ok=True)


@given(scores)
def test_the_plain_ones(cases: list[list[float]]) -> None:
    assert of_cases("mean", 1, cases) == pytest.approx([mean(case) for case in cases])
    assert of_cases("median", 1, cases) == pytest.approx([median(case) for case in cases])
    assert of_cases("mode", 1, cases) == pytest.approx([mean(multimode(case)) for case in cases])
    assert of_cases("max", 1, cases) == [max(case) for case in cases]


def test_at_least_k_of_them() -> None:
    cases = [[1.0, 1.0, 0.0], [1.0, 0.0, 0.9], [1.0]]
    assert of_cases("at_least", 2, cases) == pytest.approx([1, 0, nan], nan_ok=True)


@pytest.mark.parametrize("how", ["mean", "median", "mode", "max", "at_least", "pass_at", "all"])
def test_a_case_of_which_nothing_is_known(how: str) -> None:
    at, values = np.array([0, 2, 2, 0]), np.array([1.0, nan, nan, nan])
    assert reduced(how, 1, at, values, 4) == pytest.approx([1, nan, nan, nan], nan_ok=True)
    assert np.isnan(reduced(how, 1, at[:0], values[:0], 2)).all()


def test_without_bias() -> None:
    """Over all samples of 5 tries, the mean of pass@3 is the probability that one of 3 passes."""
    chance = 0.3
    mass = np.array([1, 5, 10, 10, 5, 1]) * chance ** np.arange(6) * 0.7 ** np.arange(5, -1, -1)
    each = pass_at(np.full(6, 5.0), np.arange(6.0), 3)
    assert float(mass @ each) == pytest.approx(1 - 0.7**3)
