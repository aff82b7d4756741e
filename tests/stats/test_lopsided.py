"""Means of lopsided numbers: Student's t made robust to skewness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from promptlab.stats.lopsided import CubicT, shown_by_others, skewness
from promptlab.stats.paired import paired_t

LONG_TAIL: list[float] = [3, 5, 2, 4, 6, 1, 2, 8, 3, 4, 2, 5, 60, 3, 2, 1, 4, 2, 35, 3, 6, 2, 1, 4]


def cubic_of(d: list[float]) -> CubicT:
    estimate = paired_t(d)
    assert estimate.se is not None
    assert estimate.df is not None
    c = skewness(np.array(d) - np.mean(d)) / (6 * len(d) ** 0.5)
    return CubicT(estimate.mean, estimate.se, estimate.df, c)


def test_a_long_tail_moves_the_interval_towards_it() -> None:
    cubic = cubic_of(LONG_TAIL)
    assert cubic.c == pytest.approx(0.12065326)
    assert cubic.interval(0.95) == pytest.approx((3.2167346, 27.387307))
    assert cubic.two_sided() == pytest.approx(9.191004e-05)


def test_what_looks_worse_by_t_is_open_by_the_cubic() -> None:
    d = [-0.9, -1.1, -0.8, -1.2, -0.7, -1.0, -0.9, -0.6, -1.1, -0.8, -0.9, 4.8, -1.0, -0.7, -0.5]
    d += [-0.9, 1.9, -0.8, -1.1, -0.6, -0.9, -0.7, 0.6, -1.0, -0.8, -0.4, -0.9, -1.2, -0.7, -0.9]
    cubic = cubic_of(d)
    assert cubic.c == pytest.approx(0.11653522)
    assert cubic.interval(0.95) == pytest.approx((-0.82772916, 1.1190982))
    assert cubic.two_sided() == pytest.approx(0.23810078)
    assert paired_t(d).p == pytest.approx(0.019586336)


def test_the_skewness_is_that_of_others() -> None:
    d = np.array(LONG_TAIL, dtype=float)
    assert skewness(d - d.mean()) == pytest.approx(stats.skew(d, bias=False))
    assert skewness(1e200 * (d - d.mean())) == pytest.approx(stats.skew(d, bias=False))


@pytest.mark.parametrize("deviations", [[], [1.0], [1.0, -1.0], [0.0] * 9])
def test_too_few_or_equal_numbers_have_none(deviations: list[float]) -> None:
    assert skewness(deviations) == 0


@given(st.floats(-0.3, 0.3), st.floats(0.5, 0.999))
def test_the_interval_holds_what_the_tests_do_not_reject(c: float, level: float) -> None:
    cubic = CubicT(1.0, 0.4, 12, c)
    low, high = cubic.interval(level)
    assert low < high
    assert cubic.above(low) == pytest.approx((1 - level) / 2, abs=1e-9)
    assert cubic.below(high) == pytest.approx((1 - level) / 2, abs=1e-9)


def test_without_skewness_it_is_students() -> None:
    estimate = paired_t([0.1, 0.4, 0.2, 0.5])
    assert estimate.se is not None
    student = CubicT(estimate.mean, estimate.se, 3)
    assert student.interval(0.95) == pytest.approx((estimate.low, estimate.high))
    assert student.two_sided() == pytest.approx(estimate.p)


def test_beyond_a_margin_it_is_students_test_of_that_margin() -> None:
    twice = [0.1, 0, 0.15, -0.02, 0.1, 0.05, -0.05, 0.25, 0.05, 0.15] * 2
    estimate = paired_t(twice)
    assert estimate.se == pytest.approx(0.01980962)
    assert estimate.se is not None
    student = CubicT(estimate.mean, estimate.se, 19)
    assert student.above(0.02) == pytest.approx(0.004316429)
    assert max(student.above(-0.02), student.below(0.02)) == pytest.approx(0.99568357)
    assert max(student.above(-0.15), student.below(0.15)) == pytest.approx(0.00088196494)
    assert student.interval(0.95) == pytest.approx((0.036537988, 0.11946201))
    assert student.interval(1 - 0.05 / 4) == pytest.approx((0.023353461, 0.13264654))


# How far one case makes it.

HEAVY = [-2.6, -1.1, -0.7, -0.5, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.1, 2.6]


def counts(d: list[float]) -> float:
    values = np.array(d)
    return shown_by_others(values - values.mean())


def test_one_case_alone_makes_no_heavy_even_tails_lopsided() -> None:
    d = [*HEAVY, 7.0]
    assert skewness(np.array(d) - np.mean(d)) > 1.5
    assert counts(d) == 0


def test_it_counts_as_far_as_the_others_show_it() -> None:
    d = [*HEAVY, 3.0, 6.0]
    others = np.array(d[:-1])
    part = skewness(others - others.mean()) / 0.75
    assert 0.1 < part < 0.9
    assert counts(d) == pytest.approx(part)


@pytest.mark.parametrize(
    "d",
    [
        LONG_TAIL,  # others are long on that side too
        [*HEAVY, 5.0, 6.0],
        [*HEAVY, 40.0],  # no end of a tail: the first of a rare kind
        [0.1, 0, 0.15, -0.02, 0.1, 0.05, -0.05, 0.25, 0.05, 0.15],  # no heavy tails
        [-0.9, -0.5, -0.2, 0.1, 0.3, 0.6, 0.8, -0.7, 0.4, 3.0],  # nor without that case
        [0.25] * 12 + [3.0],  # all others alike
        [0.0, 0.0, 0.0, 5.0],
        [],
    ],
)
def test_elsewhere_it_counts_in_full(d: list[float]) -> None:
    assert shown_by_others(np.array(d) - (np.mean(d) if d else 0.0)) == 1


@given(st.permutations([*HEAVY, 3.0, 6.0]))
def test_neither_order_nor_sign_nor_unit_matters(d: list[float]) -> None:
    once = counts([*HEAVY, 3.0, 6.0])
    assert counts(d) == pytest.approx(once)
    assert counts([-7 * value for value in d]) == pytest.approx(once)


def test_of_two_as_far_on_both_sides_that_in_the_tail_is_left_out() -> None:
    d = [3.0, -3.0, 2.5, *(value / 4 for value in HEAVY)]
    e = np.array(d) - np.mean(d)
    e[:2] = e[0], -e[0]
    assert shown_by_others(e) == shown_by_others(e[::-1]) == shown_by_others(-e) == 0


def test_one_number_apart_from_all_others_is_no_tail() -> None:
    assert shown_by_others(np.array([-0.2, -0.2, -0.2, -0.2, 0.8])) == 1.0
