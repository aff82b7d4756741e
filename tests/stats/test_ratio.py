"""Fieller's interval: a reference value, the test it inverts, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.stats.clusters import cluster_mean
from promptlab.stats.paired import paired_t
from promptlab.stats.ratio import fieller

COSTS = [2, 4, 1, 3, 12, 2, 5, 1, 3, 2, 4, 6, 2, 3, 1, 9, 2, 3, 2, 4]  # in tenths of a cent
SCORES = [1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0]


def test_a_price_of_reference() -> None:
    x, y = np.array(COSTS) / 1000, np.array(SCORES)
    price = fieller(x / 100, y)
    assert price == pytest.approx((4.4551136e-05, 0.000168714), rel=1e-6)
    assert price is not None
    assert price[0] < float(x.mean() / y.mean()) / 100 < price[1]
    # An amount in another currency is a price in that.
    assert fieller(x, y) == pytest.approx((price[0] * 100, price[1] * 100))


@given(st.integers(0, 10_000), st.sampled_from([0.9, 0.95, 0.99]))
def test_its_ends_are_where_the_test_turns(seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)  # noqa: TID251 - seeded
    x, y = rng.lognormal(size=40), rng.normal(1, 0.8, size=40)
    found = fieller(x, y, level=level)
    assert found is not None
    for end in found:
        assert paired_t(x - end * y, level).p == pytest.approx(1 - level)
    middle = float(x.mean() / y.mean())
    assert found[0] < middle < found[1]
    assert fieller(-x, y, level=level) == pytest.approx((-found[1], -found[0]))


def test_cases_in_groups() -> None:
    rng = np.random.default_rng(5)  # noqa: TID251 - seeded
    groups = np.repeat(np.arange(15), 6)
    x, y = (rng.normal(2, 1, 15)[groups] + rng.normal(0, 0.3, 90) for _ in "xy")
    found, alone = fieller(x, y, groups), fieller(x, y)
    assert found is not None
    assert alone is not None
    assert found[1] - found[0] > 1.5 * (alone[1] - alone[0])
    for end in found:
        assert cluster_mean(x - end * y, groups).p == pytest.approx(0.05)


def test_no_price_where_the_score_may_not_differ() -> None:
    assert fieller([1.0, 2.0, 3.0, 4.0], [1.0, -1.0, 1.0, -0.5]) is None
    assert fieller([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]) is None
    assert fieller([0.0, 0.0, 0.0], [1.0, 0.5, 1.0]) is None
    assert fieller([1.0, 2.0], [1.0, 1.0]) is None  # no spread: nothing is known of it


def test_the_same_price_for_every_case() -> None:
    same = fieller([0.01] * 4, [1.0, 0.9, 0.8, 1.1])
    assert same is not None
    assert same[0] < 0.01 / 0.95 < same[1]


@pytest.mark.parametrize(("x", "y"), [([1.0], [1.0, 2.0]), ([float("nan"), 1.0], [1.0, 2.0])])
def test_what_does_not_fit(x: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match="all known"):
        fieller(x, y)
