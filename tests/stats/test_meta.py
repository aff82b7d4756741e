"""Random effects: reference values, other people's code, and invariants."""

from __future__ import annotations

import random
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.stats.meta import random_effects

EFFECTS = (0, 0.012, 0.030, 0.080, 0.047, 0.054)
ERRORS = (0.010, 0.011, 0.010, 0.013, 0.011, 0.013)

models = st.lists(
    st.tuples(
        st.integers(-20, 20).map(lambda value: value / 20),
        st.integers(1, 20).map(lambda value: value / 50),
    ),
    min_size=2,
    max_size=10,
)


def split(rows: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [effect for effect, _ in rows], [error for _, error in rows]


def test_reference() -> None:
    pooled = random_effects(EFFECTS, ERRORS)
    assert pooled.models == 6
    assert pooled.fixed == pytest.approx(0.03268, abs=5e-6)
    assert pooled.q == pytest.approx(31.92, abs=5e-3)
    assert pooled.i2 == pytest.approx(0.8434, abs=5e-5)
    assert pooled.tau2 == pytest.approx(0.000674, abs=5e-7)
    assert pooled.mean == pytest.approx(0.03639, abs=5e-6)
    assert (pooled.low, pooled.high) == pytest.approx((0.00584, 0.06694), abs=5e-6)
    assert pooled.df == 5
    assert pooled.p is not None
    assert 0 < pooled.p < 0.05


@given(models)
def test_against_statsmodels(rows: list[tuple[float, float]]) -> None:
    analysis = pytest.importorskip("statsmodels.stats.meta_analysis")
    effects, errors = split(rows)
    pooled = random_effects(effects, errors)
    if pooled.tau2 == 0:  # statsmodels takes roots of what is below 0
        return
    expected = analysis.combine_effects(
        np.array(effects), np.array(errors) ** 2, method_re="dl", use_t=True
    )
    assert pooled.fixed == pytest.approx(expected.mean_effect_fe, abs=1e-12)
    assert pooled.q == pytest.approx(expected.q)
    assert pooled.tau2 == pytest.approx(expected.tau2)
    assert pooled.i2 == pytest.approx(expected.i2)
    assert pooled.mean == pytest.approx(expected.mean_effect_re, abs=1e-12)
    assert pooled.se == pytest.approx(expected.sd_eff_w_re_hksj)


@given(models)
def test_swapping_arms_turns_the_effect_round(rows: list[tuple[float, float]]) -> None:
    effects, errors = split(rows)
    pooled = random_effects(effects, errors)
    swapped = random_effects([-effect for effect in effects], errors)
    assert (swapped.mean, swapped.fixed) == (-pooled.mean, -pooled.fixed)
    assert (swapped.se, swapped.p, swapped.tau2) == (pooled.se, pooled.p, pooled.tau2)
    if pooled.low is not None and pooled.high is not None:
        assert pooled.low <= pooled.mean <= pooled.high
        assert (swapped.low, swapped.high) == (-pooled.high, -pooled.low)


@given(models, st.randoms(use_true_random=False))
def test_the_order_of_models_does_not_matter(
    rows: list[tuple[float, float]], rng: random.Random
) -> None:
    shuffled = list(rows)
    rng.shuffle(shuffled)
    # None, which numpy turns into NaN, equals only None.
    pooled, again = (
        np.array(astuple(random_effects(*split(some))), dtype=np.float64)
        for some in (rows, shuffled)
    )
    np.testing.assert_allclose(again, pooled, rtol=1e-6, atol=1e-9)


def test_models_that_differ_no_more_than_by_chance() -> None:
    """Without a variance between models the mean is the fixed one; the spread is still measured."""
    pooled = random_effects([0.10, 0.12, 0.11], [0.1, 0.1, 0.1])
    assert (pooled.tau2, pooled.i2) == (0.0, 0.0)
    assert pooled.mean == pooled.fixed == pytest.approx(0.11)
    assert pooled.se == pytest.approx(0.01 / 3**0.5)


@given(models)
def test_shares_and_variances(rows: list[tuple[float, float]]) -> None:
    effects, errors = split(rows)
    pooled = random_effects(effects, errors)
    assert 0 <= pooled.i2 < 1
    assert pooled.tau2 >= 0
    assert min(effects) - 1e-9 <= pooled.mean <= max(effects) + 1e-9


def test_one_model_has_no_spread() -> None:
    pooled = random_effects([0.1], [0.02])
    assert (pooled.mean, pooled.fixed) == pytest.approx((0.1, 0.1))
    assert (pooled.q, pooled.i2, pooled.tau2) == pytest.approx((0.0, 0.0, 0.0))
    assert (pooled.se, pooled.df, pooled.low, pooled.high, pooled.p) == (None,) * 5


def test_models_that_agree_claim_no_certainty() -> None:
    pooled = random_effects([0.1] * 5, [0.02, 0.03, 0.01, 0.02, 0.05])
    assert pooled.mean == pytest.approx(0.1)
    assert (pooled.tau2, pooled.i2) == (0.0, 0.0)
    assert (pooled.se, pooled.low, pooled.p) == (None, None, None)


@pytest.mark.parametrize(
    ("effects", "errors"),
    [
        ([], []),
        ([0.1, 0.2], [0.1]),
        ([0.1, 0.2], [0.1, 0.0]),
        ([0.1, float("nan")], [0.1, 0.1]),
        ([[0.1]], [[0.1]]),
    ],
)
def test_what_cannot_be_combined(effects: list[float], errors: list[float]) -> None:
    with pytest.raises(ValueError, match="estimate"):
        random_effects(effects, errors)
