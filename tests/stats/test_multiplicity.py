"""Adjusted p-values: reference values, other people's code, and invariants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from promptlab.stats.multiplicity import benjamini_hochberg, holm, level_of_look

values = st.lists(st.floats(0, 1), min_size=1, max_size=20)
either = pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])


def test_reference() -> None:
    p = (0.01, 0.04, 0.03, 0.005)
    assert holm(p) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert benjamini_hochberg(p) == pytest.approx((0.02, 0.04, 0.04, 0.02))


@pytest.mark.slow
@pytest.mark.parametrize(
    "p", [[0.2], [0.5, 0.01, 0.5], [0.001, 0.9, 0.04, 0.04, 0.03, 0.0, 1.0], [0.02] * 5]
)
def test_against_statsmodels(p: list[float]) -> None:
    tests = pytest.importorskip("statsmodels.stats.multitest")
    assert holm(p) == pytest.approx(tests.multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(tests.multipletests(p, method="fdr_bh")[1])


@given(values)
def test_against_scipy(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


@given(values)
def test_holm_is_the_stricter(p: list[float]) -> None:
    strict, mild = holm(p), benjamini_hochberg(p)
    assert np.all(strict <= 1)
    assert np.all(strict >= mild)
    assert np.all(mild >= np.array(p))


@either
@given(values, st.integers(0, 3))
def test_unknown_p_values_do_not_count(
    adjust: Callable[[Any], Any], p: list[float], unknown: int
) -> None:
    adjusted = adjust([np.nan] * unknown + p)
    assert np.all(np.isnan(adjusted[:unknown]))
    assert np.array_equal(adjusted[unknown:], adjust(p))


@either
@given(values)
def test_the_order_does_not_matter(adjust: Callable[[Any], Any], p: list[float]) -> None:
    assert np.array_equal(adjust(p[::-1])[::-1], adjust(p))


@either
def test_edges(adjust: Callable[[Any], Any]) -> None:
    assert adjust([]).shape == (0,)
    assert adjust([0.3]).tolist() == [0.3]
    given = np.array([0.2, 0.1])
    adjust(given)
    assert given.tolist() == [0.2, 0.1]
    with pytest.raises(ValueError, match="between 0 and 1"):
        adjust([0.2, 1.2])
    with pytest.raises(ValueError, match="shape"):
        adjust([[0.2]])


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.1])
def test_looks_share_a_level(alpha: float) -> None:
    first_six = [level_of_look(alpha, number) for number in range(1, 7)]
    assert first_six == pytest.approx(
        [alpha, alpha / 20, alpha / 40, alpha / 80, alpha / 160, alpha / 320]
    )
    assert sum(level_of_look(alpha, number) for number in range(1, 60)) <= 1.1 * alpha


def test_looks_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="counted from 1, not 0"):
        level_of_look(0.05, 0)
