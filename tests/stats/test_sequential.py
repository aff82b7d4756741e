"""E-processes: reference values, the promise itself by enumeration, and races."""

from __future__ import annotations

import random
from itertools import product
from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.stats.sequential import (
    GRID,
    EProcess,
    WinsAndLosses,
    confidence_sequence,
    e_binary,
    e_path,
    first_crossing,
    log_e_binary,
)

outcomes = st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=60)
differences = st.lists(st.integers(-20, 20).map(lambda value: value / 20), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("b", "c", "e"), [(8, 0, 28.444), (9, 1, 9.3091), (10, 1, 15.515), (10, 10, 0.27026)]
)
def test_binary_reference(b: int, c: int, e: float) -> None:
    assert e_binary(b, c) == pytest.approx(e, rel=3e-5)
    assert e_binary(c, b) == e_binary(b, c)
    assert log_e_binary(b, c) == pytest.approx(log(e_binary(b, c)))


@pytest.mark.parametrize(
    ("d", "e"),
    [
        ([1] * 8, 24.947),
        ([1] * 9 + [-1], 7.4739),
        ([1, 0, 1, 0, 0, 1, -1, 1, 1, 0, 1, 1], 2.98418),
    ],
)
def test_grid_reference(d: list[int], e: float) -> None:
    process = EProcess()
    assert process.e == 1
    for value in d:
        process.update([value])
    assert process.e == pytest.approx(e, rel=2e-5)
    assert e_path(d, binary=False)[-1] == pytest.approx(e, rel=2e-5)


def test_the_grid_has_both_sides() -> None:
    assert len(GRID) == 16
    assert list(GRID) == sorted(-stake for stake in GRID)
    assert max(GRID) == 0.95


@given(differences)
def test_a_path_is_what_updates_say(d: list[float]) -> None:
    process = EProcess()
    assert e_path(d, binary=False) == pytest.approx(
        [np.exp(process.update([value])[0]) for value in d]
    )


@given(outcomes)
def test_a_binary_path_is_what_counts_say(d: list[int]) -> None:
    expected = [e_binary(d[:n].count(1), d[:n].count(-1)) for n in range(1, len(d) + 1)]
    assert e_path(d, binary=True) == pytest.approx(expected)


@given(differences)
def test_swapping_arms_leaves_e_alone(d: list[float]) -> None:
    swapped = [-value for value in d]
    assert e_path(swapped, binary=False) == pytest.approx(e_path(d, binary=False))


@given(outcomes, st.integers(1, 10))
def test_ties_are_not_evidence(d: list[int], ties: int) -> None:
    for binary in (True, False):
        alone = e_path(d, binary=binary)[-1]
        assert e_path([*d, *[0] * ties], binary=binary)[-1] == pytest.approx(alone)


@pytest.mark.parametrize("n", range(1, 11))
def test_e_is_expected_to_be_1_without_a_difference(n: int) -> None:
    """Over all signs of n differences of any size, the mean of E is 1: no more and no less."""
    sizes = [0.2 + 0.8 * i / n for i in range(1, n + 1)]
    signs = np.array(list(product((-1, 1), repeat=n)))
    ends = [e_path(row * sizes, binary=False)[-1] for row in signs]
    assert np.mean(ends) == pytest.approx(1)
    ways = [comb(n, b) * e_binary(b, n - b) for b in range(n + 1)]
    assert sum(ways) / 2**n == pytest.approx(1)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("threshold", [2.0, 5.0, 20.0])
def test_stopping_at_will_gains_nothing(binary: bool, threshold: float) -> None:
    """Over all signs of 10 differences, stopping at a threshold leaves E with the mean 1."""
    stopped, crossed = [], 0
    for signs in product((-1, 1), repeat=10):
        path = e_path(signs, binary=binary)
        cases = first_crossing(path, threshold)
        crossed += cases is not None
        stopped.append(path[-1 if cases is None else cases - 1])
    assert np.mean(stopped) == pytest.approx(1)
    assert 0 < crossed / 2**10 <= 1 / threshold


@pytest.mark.slow
@pytest.mark.parametrize("binary", [True, False])
def test_false_alarms_stay_below_their_level(binary: bool) -> None:
    """Looking after each of 600 cases; McNemar's test would be fooled several times as often."""
    rng = random.Random(17)
    trials = 500
    alarms = 0
    for _ in range(trials):
        d = rng.choices((-1, 0, 1), weights=(1, 2, 1), k=600)
        alarms += first_crossing(e_path(d, binary=binary), 20) is not None
    assert 0 < alarms / trials <= 0.05


def test_a_true_difference_is_found() -> None:
    rng = random.Random(4)
    d = rng.choices((-1, 0, 1), weights=(1, 8, 4), k=1000)
    for binary in (True, False):
        cases = first_crossing(e_path(d, binary=binary), 20)
        assert cases is not None
        assert 10 < cases < 500


def test_first_crossing_counts_cases() -> None:
    assert first_crossing([0.5, 20.0, 3.0, 40.0], 20) == 2
    assert first_crossing([0.5, 1.0], 20) is None
    assert first_crossing([], 20) is None


@pytest.mark.parametrize("d", [1.0001, -1.5, float("nan"), float("inf")])
def test_differences_out_of_bounds(d: float) -> None:
    process = EProcess()
    process.update([0.5])
    before = process.e
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        process.update([d])
    assert process.e == before
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        e_path([0.5, d], binary=False)
    with pytest.raises(ValueError, match="-1, 0 or 1"):
        e_path([1, d], binary=True)


def test_a_rounding_error_is_not_out_of_bounds() -> None:
    above = float(np.nextafter(1, 2))
    assert EProcess().update([-above]) == pytest.approx(EProcess().update([-1]))
    assert e_path([above], binary=False) == pytest.approx(e_path([1], binary=False))
    assert confidence_sequence([above]) == (-1, 1)


def test_half_a_win_is_not_binary() -> None:
    with pytest.raises(ValueError, match="-1, 0 or 1"):
        e_path([1, 0.5], binary=True)


def test_overwhelming_evidence_stays_finite() -> None:
    assert 1e307 < e_binary(5000, 0) < float("inf")
    for binary in (True, False):
        path = e_path(np.ones(5000), binary=binary)
        assert np.all(np.isfinite(path))
        assert path[-1] > 1e307
    assert e_path(np.resize([1.0, -1.0], 20_000), binary=False)[-1] < 0.1


def test_no_cases_have_an_empty_path() -> None:
    for binary in (True, False):
        assert e_path([], binary=binary).shape == (0,)


# The confidence sequence.


@given(differences, st.sampled_from([0.01, 0.05, 0.3]))
def test_it_holds_the_mean_and_mirrors(d: list[float], alpha: float) -> None:
    low, high = confidence_sequence(d, alpha)
    assert -1 <= low <= np.mean(d) + 1e-12
    assert np.mean(d) - 1e-12 <= high <= 1
    assert confidence_sequence([-value for value in d], alpha) == pytest.approx((-high, -low))
    assert confidence_sequence(d[::-1], alpha) == (low, high)


@given(differences, st.sampled_from([0.05, 0.3]))
def test_0_is_outside_as_soon_as_e_is_large(d: list[float], alpha: float) -> None:
    low, high = confidence_sequence(d, alpha)
    e = e_path(d, binary=False)[-1]
    if abs(e * alpha - 1) > 1e-6:
        assert (e >= 1 / alpha) == (not low <= 0 <= high)


@given(differences)
def test_beyond_the_bounds_everything_is_rejected(d: list[float]) -> None:
    """The set that it inverts has no islands outside the interval."""
    low, high = confidence_sequence(d, 0.2)
    stakes = np.array(GRID)
    for mean in np.linspace(-1, 1, 81):
        cut = np.clip(stakes, -0.95 / (1 + abs(mean)), 0.95 / (1 + abs(mean)))
        e = np.mean(np.prod(1 + np.outer(np.array(d) - mean, cut), axis=0))
        if mean < low - 1e-9 or mean > high + 1e-9:
            assert e >= 5 * (1 - 1e-9)
        elif low + 1e-9 < mean < high - 1e-9:
            assert e <= 5.5


@pytest.mark.slow
def test_it_narrows_and_covers() -> None:
    rng = random.Random(8)
    widths = []
    for n in (50, 200, 800):
        intervals = [
            confidence_sequence(rng.choices((-1, 0, 1), weights=(1, 6, 3), k=n)) for _ in range(60)
        ]
        assert sum(low <= 0.2 <= high for low, high in intervals) >= 57
        widths.append(max(high - low for low, high in intervals))
    assert widths == sorted(widths, reverse=True)


def test_one_case_says_next_to_nothing() -> None:
    assert confidence_sequence([1.0]) == (-1.0, 1.0)
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        confidence_sequence([0.0, 2.0])
    with pytest.raises(ValueError, match="no difference is known"):
        confidence_sequence([float("nan")])


# Groups of unequal size.

# (sum of differences, number of cases) of 60 groups, where a plan has groups of at most 6.
SUMS = [0, 1, 1, -1, 3, 0, 0, 2, 2, 0, -2, 1, 0, 0, 3, 1, -1, 2, 0, 0, -2, 2, 1, 0, 1, 0, -1, 3]
SUMS += [2, 0, 0, 1, 1, -1, 3, 0, 0, 2, 2, 0, -2, 1, 0, 0, 3, 1, -1, 2, 0, 0, -2, 2, 1, 0, 1, 0]
SUMS += [-1, 3, 2, 0]
SIZES = [1, 2, 5, 4, 5, 2] * 10

unequal = st.lists(
    st.integers(1, 6).flatmap(lambda n: st.tuples(st.integers(-n, n), st.just(n))),
    min_size=1,
    max_size=30,
)


def in_sixths(groups: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    sums, sizes = np.array(groups, dtype=float).T
    return sums / 6, sizes / 6


def test_groups_are_bet_on_by_their_sums() -> None:
    d, weights = np.array(SUMS) / 6, np.array(SIZES) / 6
    assert np.sum(SUMS) / np.sum(SIZES) == pytest.approx(0.18947368)
    assert e_path(d, binary=False, weights=weights)[-1] == pytest.approx(10.07708, rel=1e-6)
    # Means of groups would bear out another claim: that of the mean over groups.
    means = np.array(SUMS) / SIZES
    assert e_path(means, binary=False)[-1] == pytest.approx(402.08721, rel=1e-6)


@pytest.mark.parametrize(
    ("alpha", "low", "high"),
    [(0.05, -0.03141468, 0.45156229), (0.025, -0.063856927, 0.49672453)],
)
def test_the_interval_is_of_the_mean_over_cases(alpha: float, low: float, high: float) -> None:
    d, weights = np.array(SUMS) / 6, np.array(SIZES) / 6
    assert confidence_sequence(d, alpha, weights) == pytest.approx((low, high), abs=1e-8)


@given(unequal, st.sampled_from([-0.4, -0.05, 0.0, 0.1, 0.7]))
def test_blocks_add_up_to_the_last_digit(groups: list[tuple[int, int]], null: float) -> None:
    d, weights = in_sixths(groups)
    whole, parts = EProcess(null).update(d, weights), EProcess(null)
    one_by_one = [parts.update([x], [w])[0] for x, w in zip(d, weights, strict=True)]
    assert whole.tolist() == one_by_one


@given(outcomes)
def test_blocks_of_wins_add_up_to_the_last_digit(d: list[int]) -> None:
    parts = WinsAndLosses()
    one_by_one = [parts.update([value])[0] for value in d]
    assert WinsAndLosses().update(d).tolist() == one_by_one
    assert parts.log_e == one_by_one[-1]


@given(unequal, st.sampled_from([0.05, 0.3]))
def test_a_mean_is_inside_unless_its_own_process_is_large(
    groups: list[tuple[int, int]], alpha: float
) -> None:
    d, weights = in_sixths(groups)
    low, high = confidence_sequence(d, alpha, weights)
    mean = d.sum() / weights.sum()
    assert low - 1e-9 <= mean <= high + 1e-9
    for null in (low - 1e-6, high + 1e-6):
        if abs(null) <= 1:
            assert e_path(d, binary=False, weights=weights, null=null)[-1] >= 1 / alpha * 0.999
    for null in (low + 1e-6, high - 1e-6):
        if low < null < high:
            assert e_path(d, binary=False, weights=weights, null=null)[-1] <= 1 / alpha * 1.001
    swapped = confidence_sequence(-d, alpha, weights)
    assert swapped == pytest.approx((-high, -low))


@pytest.mark.parametrize("mean", [-0.5, 0.0, 0.25])
def test_e_is_expected_to_be_1_at_the_mean_over_cases(mean: float) -> None:
    """Over all orders and outcomes of two kinds of groups, E against the true mean is 1."""
    # A group of 1 has the sum s, a group of 3 the sum t, one as likely as the other:
    # (s + t)/4 is the mean over cases, whatever the means of the groups are.
    s, t = 0.5, 4 * mean - 0.5
    ends = []
    for kinds in product((0, 1), repeat=6):
        d = [(s, t)[kind] / 3 for kind in kinds]
        weights = [(1, 3)[kind] / 3 for kind in kinds]
        ends.append(e_path(d, binary=False, weights=weights, null=mean)[-1])
    assert np.mean(ends) == pytest.approx(1)


@pytest.mark.parametrize(("d", "weight"), [(0.5, 1 / 3), (-0.5, 1 / 3), (0.5, 1.5)])
def test_a_group_cannot_be_worth_more_than_it_weighs(d: float, weight: float) -> None:
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        EProcess().update([d], [weight])
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        confidence_sequence([d], 0.05, [weight])


def test_unknown_groups_are_left_out() -> None:
    d, weights = np.array([0.2, np.nan, -0.1] * 9), np.array([0.5, 1.0, 0.25] * 9)
    known = ~np.isnan(d)
    expected = confidence_sequence(d[known], 0.05, weights[known])
    assert confidence_sequence(d, 0.05, weights) == expected
