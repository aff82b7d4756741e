"""Sources of variance: by hand, by simulation, and at the edges."""

from __future__ import annotations

import random
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.stats.paired import case_means
from promptlab.stats.variance import VarianceSplit, split_variance

nan = float("nan")


def drawn(rng: random.Random, means: list[float], repeats: int, noise: float) -> list[list[float]]:
    return [[rng.gauss(mean, noise) for _ in range(repeats)] for mean in means]


def test_by_hand() -> None:
    a = [[0.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    b = [[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]
    split = split_variance(a, b)
    # Differences .5, .5, -1 have the variance .75; an arm has .5 over 3 degrees of freedom.
    assert split.cases == 3
    assert (split.noise_a, split.noise_b) == pytest.approx((1 / 6, 1 / 6))
    assert split.case == pytest.approx(0.75 - (1 / 6 + 1 / 6) / 2)


def test_what_went_in_comes_out() -> None:
    rng = random.Random(1)
    base = [rng.gauss(0, 1) for _ in range(3000)]
    shifted = [mean + rng.gauss(0.2, 0.5) for mean in base]
    split = split_variance(drawn(rng, base, 3, 0.4), drawn(rng, shifted, 5, 0.8))
    assert split.case == pytest.approx(0.25, rel=0.15)
    assert split.noise_a == pytest.approx(0.16, rel=0.05)
    assert split.noise_b == pytest.approx(0.64, rel=0.05)


def test_unequal_repeats() -> None:
    rng = random.Random(2)
    base = [rng.gauss(0, 1) for _ in range(3000)]
    shifted = [mean + rng.gauss(0.2, 0.5) for mean in base]
    a, b = np.array(drawn(rng, base, 4, 0.8)), np.array(drawn(rng, shifted, 4, 0.8))
    a[::2, 2:] = nan
    b[::3, 1:] = nan
    split = split_variance(a, b)
    assert split.case == pytest.approx(0.25, rel=0.2)
    assert split.noise_a == pytest.approx(0.64, rel=0.06)
    assert split.noise_b == pytest.approx(0.64, rel=0.06)


def test_noise_alone_leaves_nothing_to_cases() -> None:
    a = [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    split = split_variance(a, a)
    assert split.case == 0.0
    assert split.best_repeats(1.0, 1.0) is None


def test_cases_that_only_one_arm_has() -> None:
    a = [[0.0, 1.0], [nan, nan], [1.0, 1.0], [0.0, 0.0]]
    b = [[1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [nan, nan]]
    split = split_variance(a, b)
    assert split.cases == 2
    assert split.noise_b == pytest.approx(0.5 / 3)
    assert split.case == pytest.approx(1.125 - (0.5 / 3 + 0.5 / 3) / 2)


@given(
    st.lists(
        st.lists(st.integers(0, 4).map(lambda value: value / 4), min_size=4, max_size=4),
        min_size=2,
        max_size=8,
    )
)
def test_swapping_arms_swaps_their_noise(rows: list[list[float]]) -> None:
    scores = np.array(rows)
    a, b = scores[:, :2], scores[:, 2:]
    split, swapped = split_variance(a, b), split_variance(b, a)
    assert (swapped.noise_a, swapped.noise_b) == (split.noise_b, split.noise_a)
    assert swapped.case == pytest.approx(split.case, abs=1e-12)
    # What is not noise is what cases differ by: the parts add up to the whole.
    whole = float((case_means(b) - case_means(a)).var(ddof=1))
    assert split.case is not None
    assert split.noise_a is not None
    assert split.noise_b is not None
    assert split.case + (split.noise_a + split.noise_b) / 2 >= whole - 1e-12


def test_one_repeat_cannot_tell() -> None:
    split = split_variance([[0.0], [1.0], [0.5]], [[1.0], [1.0], [0.0]])
    assert split == VarianceSplit(cases=3, case=None, noise_a=None, noise_b=None)
    assert split.best_repeats(1.0, 1.0) is None
    half = split_variance([[0.0], [1.0]], [[1.0, 0.0], [1.0, 1.0]])
    assert half == VarianceSplit(cases=2, case=None, noise_a=None, noise_b=0.25)
    assert split_variance([[0.0, 1.0]], [[1.0, 1.0]]).case is None


def test_cases_must_match() -> None:
    with pytest.raises(ValueError, match="shapes"):
        split_variance([[0.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match="shapes"):
        split_variance([0.0], [1.0])


@pytest.mark.parametrize(("cost_case", "cost_call"), [(40.0, 1.0), (5.0, 0.5), (0.1, 1.0)])
def test_the_best_number_of_repeats_is_the_cheapest(cost_case: float, cost_call: float) -> None:
    """For one budget, no number of repeats has a smaller variance."""
    split = VarianceSplit(cases=100, case=0.2, noise_a=0.3, noise_b=0.1)
    best = split.best_repeats(cost_case, cost_call)
    assert best is not None

    def variance(repeats: float) -> float:
        cases = 1000 / (cost_case + repeats * cost_call)
        return (0.2 + 0.4 / repeats) / cases

    assert best == pytest.approx(max(1.0, sqrt(2 * cost_case / cost_call)))
    assert all(variance(best) <= variance(k / 10) for k in range(10, 200))
