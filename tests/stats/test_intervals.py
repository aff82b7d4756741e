"""Intervals: published values, and what must hold for any numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from promptlab.stats.intervals import clopper_pearson, t_interval, wilson

shares = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(7, 10, 0.3968, 0.8922), (0, 10, 0.0, 0.2775), (81, 263, 0.2553, 0.3662)],
)
def test_wilson_as_published(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_t_as_computed_by_hand() -> None:
    """The mean of (.1, 0, .15, -.02, .1, .05, -.05, .25, .05, .15), as in the specification."""
    values = (0.1, 0, 0.15, -0.02, 0.1, 0.05, -0.05, 0.25, 0.05, 0.15)
    mean = sum(values) / 10
    variance = sum((value - mean) ** 2 for value in values) / 9
    assert t_interval(mean, variance, 10) == pytest.approx((0.012889, 0.143111), abs=5e-7)


def test_clopper_pearson_as_published() -> None:
    assert clopper_pearson(7, 10) == pytest.approx((0.3475, 0.9333), abs=5e-5)


@given(shares, st.floats(0.5, 0.999))
def test_clopper_pearson_against_others(share: tuple[int, int], level: float) -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    interval = clopper_pearson(*share, level)
    assert interval == pytest.approx(
        proportion.proportion_confint(*share, alpha=1 - level, method="beta"), abs=1e-9
    )
    expected = stats.binomtest(*share).proportion_ci(level, method="exact")
    assert interval == pytest.approx((expected.low, expected.high), abs=1e-6)


@given(shares, st.floats(0.5, 0.999))
def test_clopper_pearson_mirrors_and_holds_the_share(share: tuple[int, int], level: float) -> None:
    successes, n = share
    interval, mirrored = (
        clopper_pearson(successes, n, level),
        clopper_pearson(n - successes, n, level),
    )
    assert interval is not None
    assert mirrored is not None
    low, high = interval
    assert 0 <= low <= successes / n <= high <= 1
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9])
def test_clopper_pearson_guarantees_its_level(share: float) -> None:
    """The probability of all counts of 25 whose interval covers the true share."""
    covered = 0.0
    for successes in range(26):
        interval = clopper_pearson(successes, 25)
        assert interval is not None
        if interval[0] <= share <= interval[1]:
            covered += float(stats.binom.pmf(successes, 25, share))
    assert 0.95 <= covered <= 1


@given(shares, st.floats(0.5, 0.999))
def test_wilson_mirrors_and_holds_the_share(share: tuple[int, int], level: float) -> None:
    successes, n = share
    interval, mirrored = wilson(successes, n, level), wilson(n - successes, n, level)
    assert interval is not None
    assert mirrored is not None
    low, high = interval
    assert 0 <= low <= successes / n <= high <= 1
    assert high - low > 0
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(shares)
def test_a_higher_level_is_wider(share: tuple[int, int]) -> None:
    narrow, wide = wilson(*share, level=0.8), wilson(*share, level=0.99)
    assert narrow is not None
    assert wide is not None
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.integers(2, 10_000))
def test_t_is_centred_and_narrows(mean: float, variance: float, n: int) -> None:
    interval, later = t_interval(mean, variance, n), t_interval(mean, variance, n + 1)
    assert interval is not None
    assert later is not None
    assert sum(interval) / 2 == pytest.approx(mean, abs=1e-6)
    assert later[1] - later[0] <= interval[1] - interval[0] + 1e-9


def test_too_little_has_no_interval() -> None:
    assert wilson(0, 0) is None
    assert clopper_pearson(0, 0) is None
    assert t_interval(0.5, 0.0, 1) is None


def test_counts_that_cannot_be() -> None:
    for successes in (-1, 11):
        with pytest.raises(ValueError, match="of 10"):
            clopper_pearson(successes, 10)
