"""Clusters: reference values, the matrix form, other people's code, and invariants."""

from __future__ import annotations

import random
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.stats.clusters import cluster_mean
from promptlab.stats.paired import Estimate, paired_t

D = (1, 0, 1, 1, 0, -1, 0, 1, 0, 0)
G = (0, 0, 0, 0, 1, 1, 2, 3, 3, 3)

grouped = st.lists(
    st.tuples(st.integers(-20, 20).map(lambda value: value / 20), st.integers(0, 5)),
    min_size=2,
    max_size=25,
)


def split(cases: list[tuple[float, int]]) -> tuple[list[float], list[int]]:
    return [d for d, _ in cases], [g for _, g in cases]


def assert_same(actual: Estimate, expected: Estimate) -> None:
    """Compare field by field; None, which numpy turns into NaN, equals only None."""
    got, wanted = (np.array(astuple(one), dtype=np.float64) for one in (actual, expected))
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)


def test_reference() -> None:
    estimate = cluster_mean(D, G)
    assert estimate.mean == pytest.approx(0.3)
    assert estimate.se == pytest.approx(0.295200, abs=5e-7)
    assert estimate.df == pytest.approx(2.3924, abs=5e-5)
    assert estimate.p == pytest.approx(0.40106, abs=5e-6)
    naive = paired_t(D).se
    assert naive == pytest.approx(0.213437, abs=5e-7)


@given(grouped)
def test_against_the_matrix_form(cases: list[tuple[float, int]]) -> None:
    """The variance and the degrees of freedom, from projections of n by n."""
    d, groups = split(cases)
    estimate = cluster_mean(d, groups)
    if estimate.se is None:
        return
    n = len(d)
    values, members = np.array(d), np.array(groups)
    residual = np.eye(n) - np.full((n, n), 1 / n)
    directions = []
    for group in sorted(set(groups)):
        own = (members == group).astype(float)
        # The square root of (I - H_gg)^-1 stretches only the direction of the ones.
        directions.append(residual @ own / (n * np.sqrt(1 - own.sum() / n)))
    variance = sum(float(direction @ values) ** 2 for direction in directions)
    gram = np.array([[a @ b for b in directions] for a in directions])
    assert estimate.se**2 == pytest.approx(variance)
    assert estimate.df == pytest.approx(np.trace(gram) ** 2 / np.sum(gram**2))


@pytest.mark.slow
def test_against_statsmodels() -> None:
    """CR1 of equal groups is CR2, as the correction is then the same for all."""
    linear = pytest.importorskip("statsmodels.regression.linear_model")
    rng = random.Random(5)
    groups = np.repeat(np.arange(12), 4)
    effects = [rng.gauss(0, 1) for _ in range(12)]
    d = np.array([effects[group] + rng.gauss(0.3, 1) for group in groups])
    fitted = linear.OLS(d, np.ones(len(d))).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": True}
    )
    n, count = len(d), 12
    cr1 = float(fitted.bse[0])
    uncorrected = cr1 / np.sqrt(count / (count - 1) * (n - 1) / (n - 1))
    estimate = cluster_mean(d, groups)
    assert estimate.se == pytest.approx(uncorrected / np.sqrt(1 - 1 / count))
    assert estimate.df == pytest.approx(count - 1)


def test_statsmodels_has_the_reference_value_of_cr1() -> None:
    """What it calls CR1 agrees with the reference, so both mean the same clusters."""
    linear = pytest.importorskip("statsmodels.regression.linear_model")
    fitted = linear.OLS(np.array(D), np.ones(len(D))).fit(
        cov_type="cluster", cov_kwds={"groups": np.array(G)}
    )
    cr1 = float(fitted.bse[0])
    assert cr1 == pytest.approx(0.280476, abs=5e-7)
    estimate = cluster_mean(D, G)
    assert estimate.se is not None
    assert estimate.se > cr1


@given(st.lists(st.integers(-20, 20).map(lambda value: value / 20), min_size=2, max_size=20))
def test_groups_of_one_are_student(d: list[float]) -> None:
    estimate = cluster_mean(d, range(len(d)))
    assert_same(estimate, paired_t(d))


@given(grouped)
def test_swapping_arms_turns_the_estimate_round(cases: list[tuple[float, int]]) -> None:
    d, groups = split(cases)
    estimate, swapped = cluster_mean(d, groups), cluster_mean([-value for value in d], groups)
    assert swapped.mean == -estimate.mean
    assert (swapped.se, swapped.df, swapped.p) == (estimate.se, estimate.df, estimate.p)
    if estimate.low is not None and estimate.high is not None:
        assert (swapped.low, swapped.high) == (-estimate.high, -estimate.low)
        assert estimate.low <= estimate.mean <= estimate.high


@given(grouped, st.randoms(use_true_random=False))
def test_order_and_names_of_groups_do_not_matter(
    cases: list[tuple[float, int]], rng: random.Random
) -> None:
    d, groups = split(cases)
    shuffled = list(cases)
    rng.shuffle(shuffled)
    again, renamed = split(shuffled)
    estimate = cluster_mean(again, [7 - 3 * group for group in renamed])
    assert_same(estimate, cluster_mean(d, groups))


def test_one_group_gives_only_the_mean() -> None:
    estimate = cluster_mean([0.0, 0.5, 1.0], [4, 4, 4])
    assert astuple(estimate) == (0.5, None, None, None, None, None)


def test_groups_that_agree_claim_no_certainty() -> None:
    estimate = cluster_mean([0.1, 0.3, 0.1, 0.3], [0, 0, 1, 1])
    assert (estimate.se, estimate.low, estimate.p) == (None, None, None)
    assert cluster_mean([0.0] * 4, [0, 0, 1, 1]).p == 1.0


def test_unknown_differences_are_left_out_with_their_groups() -> None:
    d, groups = [*D, np.nan, np.nan], [*G, 9, 0]
    assert cluster_mean(d, groups) == cluster_mean(D, G)
    with pytest.raises(ValueError, match="no difference is known"):
        cluster_mean([np.nan], [0])
    with pytest.raises(ValueError, match="groups of shape"):
        cluster_mean([0.0, 1.0], [0])


def test_repeating_every_case_gains_nothing() -> None:
    """Copies of a case in its group leave the standard error where it was; naive halves it."""
    rng = random.Random(3)
    d = np.array([rng.uniform(-1, 1) for _ in range(40)])
    once, four = cluster_mean(d, range(40)), cluster_mean(np.repeat(d, 4), np.arange(160) // 4)
    assert (four.se, four.df) == pytest.approx((once.se, once.df))


def test_very_many_groups() -> None:
    d = np.resize([1.0, 0.0, 0.0, -1.0, 0.0], 100_000)
    estimate = cluster_mean(d, np.arange(100_000))
    assert_same(estimate, paired_t(d))


def test_unequal_groups_are_covered() -> None:
    """With four groups of very unequal size the coverage is about as claimed."""
    rng = random.Random(11)
    sizes = (30, 12, 6, 4)
    groups = np.repeat(np.arange(4), sizes)
    held, trials = 0, 600
    for _ in range(trials):
        effects = [rng.gauss(0, 0.3) for _ in sizes]
        d = np.array([effects[group] + rng.gauss(0, 0.6) for group in groups])
        estimate = cluster_mean(d, groups)
        held += (
            estimate.low is not None
            and estimate.high is not None
            and estimate.low <= 0 <= estimate.high
        )
    assert 0.92 <= held / trials <= 0.99


@pytest.mark.parametrize(
    ("size", "interval"), [(1, (-0.78997822, 1.3899782)), (4, (-1.7327025, 2.3327025))]
)
def test_the_interval_of_one_in_a_family_is_at_its_share_of_the_level(
    size: int, interval: tuple[float, float]
) -> None:
    d, groups = [1, 0, 1, 1, 0, -1, 0, 1, 0, 0], [0, 0, 0, 0, 1, 1, 2, 3, 3, 3]
    found = cluster_mean(d, groups, 1 - 0.05 / size)
    assert (found.low, found.high) == pytest.approx(interval)
