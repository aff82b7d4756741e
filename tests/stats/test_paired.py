"""Paired differences: reference values, other people's code, and what must hold for any numbers."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from promptlab.stats.paired import (
    bonett_price,
    case_means,
    contrast,
    known_values,
    mcnemar_exact,
    mcnemar_midp,
    paired_t,
    probability_better,
    sign_flip,
)
from promptlab.stats.tango import tango

STEADY = (0.1, 0, 0.15, -0.02, 0.1, 0.05, -0.05, 0.25, 0.05, 0.15)
DARWIN = (49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48)

wins = st.integers(0, 60)
tables = st.tuples(wins, wins, st.integers(0, 100)).map(lambda t: (sum(t), t[0], t[1]))
twentieths = st.integers(-20, 20).map(lambda value: value / 20)
differences = st.lists(twentieths, min_size=2, max_size=12)


# The mean over repeats, and contrasts.


def test_the_mean_is_over_known_repeats() -> None:
    nan = np.nan
    values = [[[1, 0, nan], [nan, nan, nan]], [[0.5, 0.5, 0.5], [nan, 1, nan]]]
    assert np.array_equal(case_means(values), [[0.5, nan], [0.5, 1]], equal_nan=True)
    assert np.array_equal(case_means(np.empty((3, 0))), [nan] * 3, equal_nan=True)


@given(st.permutations([0.1, 0.2, 0.3, 0.7, 0.9]))
def test_repeats_in_another_order_have_the_very_same_mean(values: list[float]) -> None:
    assert case_means([values])[0] == case_means([[0.1, 0.2, 0.3, 0.7, 0.9]])[0]


def test_a_contrast_weighs_arms() -> None:
    means = [[0.0, 1.0, np.nan, 0.5], [1.0, 0.0, 1.0, 0.25], [np.nan, 1.0, 1.0, 1.0]]
    assert np.array_equal(contrast(means, (-1, 1, 0)), [1, -1, np.nan, -0.25], equal_nan=True)
    half = contrast(means, (-0.5, -0.5, 1))
    assert np.array_equal(half, [np.nan, 0.5, np.nan, 0.625], equal_nan=True)


@pytest.mark.parametrize("weights", [(1, 1, -1), (1, -1), ((1, -1, 0),)])
def test_weights_that_are_not_a_contrast(weights: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="weights"):
        contrast(np.zeros((3, 4)), weights)  # type: ignore[arg-type]


# McNemar's test.


@pytest.mark.parametrize(
    ("b", "c", "exact", "midp"),
    [
        (6, 0, 0.03125, 0.015625),
        (9, 1, 0.021484, 0.011719),
        (10, 2, 0.038574, 0.022461),
        (15, 5, 0.041389, 0.026604),
        (25, 12, 0.047031, 0.033552),
    ],
)
def test_mcnemar_reference(b: int, c: int, exact: float, midp: float) -> None:
    assert mcnemar_exact(b, c) == pytest.approx(exact, abs=5.1e-7)
    assert mcnemar_midp(b, c) == pytest.approx(midp, abs=5.1e-7)


def test_without_discordant_cases_p_is_1() -> None:
    assert mcnemar_exact(0, 0) == mcnemar_midp(0, 0) == 1.0


@given(wins, wins)
def test_mcnemar_against_others(b: int, c: int) -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    expected = tables.mcnemar([[5, b], [c, 5]], exact=True).pvalue
    assert mcnemar_exact(b, c) == pytest.approx(expected, rel=1e-9)
    if b + c:
        assert mcnemar_exact(b, c) == pytest.approx(stats.binomtest(b, b + c).pvalue, rel=1e-9)
    if b != c:
        k, m = min(b, c), b + c
        by_hand = 2 * stats.binom.cdf(k, m, 0.5) - stats.binom.pmf(k, m, 0.5)
        assert mcnemar_midp(b, c) == pytest.approx(by_hand, rel=1e-9)


@given(wins, wins)
def test_mcnemar_has_no_sides(b: int, c: int) -> None:
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)
    assert mcnemar_midp(b, c) == mcnemar_midp(c, b)
    assert 0 < mcnemar_midp(b, c) <= mcnemar_exact(b, c) <= 1


@given(wins, wins)
def test_one_more_win_of_the_better_is_more_evidence(b: int, c: int) -> None:
    if b >= c:
        assert mcnemar_exact(b + 1, c) <= mcnemar_exact(b, c)
        assert mcnemar_midp(b + 1, c) < mcnemar_midp(b, c)


def test_thousands_of_cases() -> None:
    assert mcnemar_midp(60_000, 40_000) == pytest.approx(0.0, abs=1e-300)
    assert mcnemar_exact(50_300, 49_700) == pytest.approx(
        stats.binomtest(50_300, 100_000).pvalue, rel=1e-6
    )


def test_probability_better_reference() -> None:
    assert probability_better(9, 1) == pytest.approx(0.99631, abs=5e-6)
    assert probability_better(20, 9) == pytest.approx(0.98040, abs=5e-6)
    assert probability_better(0, 0) == pytest.approx(0.5)
    assert 0 < probability_better(0, 200) < 1e-50


@given(wins, wins)
def test_probabilities_of_both_arms_add_up_to_1(b: int, c: int) -> None:
    assert probability_better(b, c) + probability_better(c, b) == pytest.approx(1)


# Intervals of a difference of paired shares.


@pytest.mark.parametrize(
    ("n", "b", "c", "low", "high"),
    [
        (50, 12, 2, 0.0611, 0.3447),
        (21, 1, 7, -0.5172, -0.0260),
        (161, 6, 16, -0.1240, -0.0054),
        (50, 0, 0, -0.0713, 0.0713),
    ],
)
def test_tango_reference(n: int, b: int, c: int, low: float, high: float) -> None:
    assert tango(n, b, c) == pytest.approx((low, high), abs=5.1e-5)


def test_bonett_price_reference() -> None:
    assert bonett_price(21, 1, 7) == pytest.approx((-0.5084, -0.0134), abs=5.1e-5)


@given(tables, st.floats(0.8, 0.999))
def test_intervals_hold_the_difference_and_mirror(
    table: tuple[int, int, int], level: float
) -> None:
    n, b, c = table
    for interval in (tango, bonett_price):
        low, high = interval(n, b, c, level)
        mirrored = interval(n, c, b, level)
        assert -1 <= low <= high <= 1
        assert mirrored == pytest.approx((-high, -low), abs=1e-12)
        if n:
            assert low <= (b - c) / n <= high


@given(tables, st.integers(1, 200))
def test_ties_never_take_tango_past_0(table: tuple[int, int, int], ties: int) -> None:
    n, b, c = table
    before, after = tango(n, b, c), tango(n + ties, b, c)
    excluded = (before[0] > 1e-9, before[1] < -1e-9)
    assert (after[0] > 1e-9, after[1] < -1e-9) == excluded


@pytest.mark.parametrize("shares", [(0.1, 0.1), (0.3, 0.05), (0.02, 0.2), (0.45, 0.4)])
def test_tango_covers_by_enumeration(shares: tuple[float, float]) -> None:
    """Sum the probability of all tables of 20 cases whose interval covers the true difference."""
    n, (p, q) = 20, shares
    covered = 0.0
    for b in range(n + 1):
        for c in range(n - b + 1):
            low, high = tango(n, b, c)
            if low <= p - q <= high:
                ways = comb(n, b) * comb(n - b, c)
                covered += ways * p**b * q**c * (1 - p - q) ** (n - b - c)
    assert 0.94 <= covered <= 1


def test_tables_at_the_edge() -> None:
    assert tango(0, 0, 0) == bonett_price(0, 0, 0) == (-1, 1)
    assert tango(10, 10, 0)[1] == 1.0
    assert tango(10, 0, 10)[0] == -1.0
    for interval in (tango, bonett_price):
        with pytest.raises(ValueError, match="of 3 cases"):
            interval(3, 2, 2)
        with pytest.raises(ValueError, match="of 3 cases"):
            interval(3, -1, 2)


# Student's t.


def test_t_reference() -> None:
    estimate = paired_t(STEADY)
    assert estimate.se is not None
    assert estimate.mean / estimate.se == pytest.approx(2.70996, abs=5e-6)
    assert estimate.p == pytest.approx(0.0239991, abs=5e-8)
    assert (estimate.low, estimate.high) == pytest.approx((0.012889, 0.143111), abs=5e-7)
    darwin = paired_t(DARWIN)
    assert darwin.se is not None
    assert darwin.mean / darwin.se == pytest.approx(2.14799, abs=5e-6)
    assert darwin.p == pytest.approx(0.0497029, abs=5e-8)
    assert darwin.df == 14


@given(differences, st.floats(0.5, 0.999))
def test_t_against_scipy(d: list[float], level: float) -> None:
    estimate = paired_t(d, level)
    assert estimate.mean == pytest.approx(np.mean(d))
    if len(set(d)) == 1:
        assert estimate.se is None
        return
    expected = stats.ttest_1samp(d, 0)
    assert estimate.p == pytest.approx(expected.pvalue, rel=1e-9)
    interval = expected.confidence_interval(level)
    assert (estimate.low, estimate.high) == pytest.approx((interval.low, interval.high), rel=1e-6)


@given(differences)
def test_swapping_arms_turns_the_estimate_round(d: list[float]) -> None:
    estimate, swapped = paired_t(d), paired_t([-value for value in d])
    assert swapped.mean == -estimate.mean
    assert (swapped.se, swapped.df, swapped.p) == (estimate.se, estimate.df, estimate.p)
    if estimate.low is not None and estimate.high is not None:
        assert (swapped.low, swapped.high) == (-estimate.high, -estimate.low)
        assert estimate.low <= estimate.mean <= estimate.high


@given(differences, st.randoms(use_true_random=False))
def test_the_order_of_cases_does_not_matter(d: list[float], rng: object) -> None:
    shuffled = list(d)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    estimate, again = paired_t(d), paired_t(shuffled)
    assert again.mean == pytest.approx(estimate.mean, abs=1e-12)
    assert again.se == pytest.approx(estimate.se)
    assert again.p == pytest.approx(estimate.p)
    assert sign_flip(shuffled) == sign_flip(d)


def test_too_little_to_tell() -> None:
    one = paired_t([0.25])
    assert one.mean == 0.25
    assert (one.se, one.df, one.low, one.high, one.p) == (None,) * 5


@pytest.mark.parametrize("value", [0.1, 1.0, -1 / 3])
def test_equal_differences_claim_no_certainty(value: float) -> None:
    estimate = paired_t([value] * 7)
    assert estimate.mean == pytest.approx(value)
    assert (estimate.se, estimate.df, estimate.low, estimate.high, estimate.p) == (None,) * 5
    assert sign_flip([value] * 7) == 2 / 2**7


def test_no_difference_at_all_is_not_evidence() -> None:
    estimate = paired_t([0.0] * 7)
    assert (estimate.mean, estimate.se, estimate.low, estimate.p) == (0.0, None, None, 1.0)
    assert sign_flip([0.0] * 7) == 1.0


def test_rounding_is_not_spread() -> None:
    estimate = paired_t([0.3 - 0.2, 0.2 - 0.1, 0.7 - 0.6, 0.1])
    assert estimate.se is None
    assert estimate.p is None


def test_unknown_differences_are_left_out() -> None:
    nan = np.nan
    assert paired_t([nan, *STEADY, nan]) == paired_t(STEADY)
    assert sign_flip([nan, *STEADY, nan]) == sign_flip(STEADY)
    with pytest.raises(ValueError, match="no difference is known"):
        paired_t([nan, nan])
    with pytest.raises(ValueError, match="shape"):
        known_values([[0.0, 1.0]])


# The sign-flip test.


def test_sign_flip_reference() -> None:
    assert sign_flip(STEADY) == 32 / 1024
    assert sign_flip(DARWIN) == pytest.approx(0.0526733, abs=5e-8)


@given(st.lists(twentieths, min_size=2, max_size=8))
def test_sign_flip_against_scipy(d: list[float]) -> None:
    # In whole numbers, where sums that are equal on paper are equal.
    whole = np.array([round(value * 20) for value in d])
    expected = stats.permutation_test(
        (whole,), lambda x: np.abs(np.sum(x)), permutation_type="samples", alternative="greater"
    )
    assert sign_flip(d) == pytest.approx(expected.pvalue)


@given(differences, st.integers(0, 30))
def test_ties_and_sides_leave_the_sign_flip_alone(d: list[float], ties: int) -> None:
    assert sign_flip([*d, *[0.0] * ties]) == sign_flip(d) == sign_flip([-value for value in d])
    assert 2 / 2 ** len(d) <= sign_flip(d) <= 1


def test_drawn_signs_come_near_all_signs() -> None:
    d = [*DARWIN, 11]
    drawn = sign_flip([*d, 1e-7], draws=40_000)
    assert drawn == pytest.approx(sign_flip(d), abs=0.004)
    assert drawn == sign_flip([*d, 1e-7], draws=40_000)
    assert drawn != sign_flip([*d, 1e-7], seed=1, draws=40_000)


def test_drawn_signs_count_the_draw_at_hand() -> None:
    assert sign_flip([1.0] * 50, draws=999) == 1 / 1000
    assert sign_flip([1.0, -1.0] * 50, draws=999) == 1.0


def test_drawn_signs_of_passes_and_failures_are_mcnemar() -> None:
    d = [1.0] * 30 + [-1.0] * 16
    assert sign_flip(d, draws=100_000) == pytest.approx(mcnemar_exact(30, 16), abs=0.003)


@pytest.mark.slow
def test_drawn_signs_in_many_blocks() -> None:
    d = np.concatenate((np.linspace(-1, 1, 20_001), [3.0, 5.0, -2.0]))
    p = sign_flip(d, draws=200)
    assert 0.5 < p <= 1
    assert p == sign_flip(d[::-1], draws=200) == sign_flip(-d, draws=200)
