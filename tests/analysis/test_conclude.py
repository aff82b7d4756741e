"""When a difference counts as real: the methods, the verdict, and how many cases decide."""

from __future__ import annotations

from math import inf, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.conclude import (
    Effect,
    effect,
    planned_effect,
    spread_of,
    without_rounding,
)
from promptlab.analysis.inference import NUMBERS, PASSES
from promptlab.analysis.methods import MeanByT
from promptlab.analysis.planning import Aim, cases_to_show
from promptlab.core.decision import Rule
from promptlab.stats.clusters import cluster_mean
from promptlab.stats.paired import mcnemar_exact, mcnemar_midp, paired_t, sign_flip
from promptlab.stats.tango import tango

from .effects import RULE, effect_of, passes

STEADY = (0.1, 0, 0.15, -0.02, 0.1, 0.05, -0.05, 0.25, 0.05, 0.15)


# Estimates.


def test_passes_and_failures_have_mcnemar_and_tango() -> None:
    result = effect_of(passes(12, 2, 36), binary=True)
    assert (result.n, result.n_groups, result.nonzero, result.delta) == (50, 50, 14, 0.2)
    assert result.method == "mcnemar-midp"
    assert result.p == mcnemar_midp(12, 2)
    assert result.ci == tango(50, 12, 2)
    assert result.ci == pytest.approx((0.0611, 0.3447), abs=5e-5)
    assert result.se == pytest.approx(sqrt((14 / 50 - 0.2**2) / 50))


def test_strict_is_the_exact_test() -> None:
    result = effect_of(passes(10, 2, 30), rule=Rule(strict=True), binary=True)
    assert result.method == "mcnemar-exact"
    assert result.p == mcnemar_exact(10, 2) == pytest.approx(0.038574, abs=5e-7)


def test_few_numbers_must_convince_student_and_the_signs() -> None:
    result = effect_of(STEADY)
    assert result.method == "paired-t+sign-flip+cubic"
    assert result.p == 32 / 1024  # Student's is .0239991
    assert result.ci == pytest.approx((0.012889, 0.151901), abs=5e-7)


def test_the_larger_p_of_both_counts() -> None:
    darwin = (49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48)
    assert sign_flip(darwin) == pytest.approx(0.0526733, abs=5e-8)
    lopsided = effect_of(darwin).inference
    assert isinstance(lopsided, MeanByT)
    assert lopsided.cubic is not None
    assert effect_of(darwin).p == lopsided.cubic.two_sided() > sign_flip(darwin)
    even = (5.0, 1.0, 2.0, 3.0, 4.0, 3.0)
    assert effect_of(even).p == sign_flip(even) == 2 / 64
    skew = (5.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
    student = paired_t(skew).p
    assert student is not None
    assert effect_of(skew).p == student > sign_flip(skew)


def test_from_30_cases_on_student_is_enough_unless_strict() -> None:
    many = STEADY * 3
    assert (effect_of(many).method, effect_of(many).p) == ("paired-t+cubic", paired_t(many).p)
    assert effect_of(many, rule=Rule(strict=True)).method == "paired-t+sign-flip+cubic"
    assert effect_of(many[:29]).method == "paired-t+sign-flip+cubic"


def test_groups_of_cases_have_cr2() -> None:
    d, groups = (1, 0, 1, 1, 0, -1, 0, 1, 0, 0), (0, 0, 0, 0, 1, 1, 2, 3, 3, 3)
    result = effect_of(d, groups=groups)
    assert (result.method, result.n, result.n_groups) == ("cr2+cubic", 10, 4)
    assert (result.delta, result.se, result.p) == pytest.approx((0.3, 0.295200, 0.40106), abs=5e-6)


def test_groups_of_very_unequal_size_have_cr3() -> None:
    d = np.array([1.0, 0.5] * 10 + [0.0, 1.0, -1.0, 0.5, 0.0])
    groups = np.array([0] * 20 + [1, 2, 3, 4, 5])
    result, even = effect_of(d, groups=groups), cluster_mean(d, groups)
    assert result.method == "cr3+cubic"
    assert result.se == cluster_mean(d, groups, jackknife=True).se
    assert result.se is not None
    assert even.se is not None
    assert result.se > 1.5 * even.se


def test_nothing_measured_is_nothing_known() -> None:
    assert effect_of([]) == Effect(0, 0, 0, None, None, None, None, "none")


def test_equal_differences_have_a_test_but_no_interval() -> None:
    result = effect_of([0.5] * 20)
    assert (result.se, result.ci) == (None, None)
    assert result.p is not None
    assert result.p < 0.001


def test_one_group_shows_no_spread() -> None:
    result = effect_of([0.5, 0.1, 0.2], groups=[0, 0, 0])
    assert result.delta == pytest.approx(0.8 / 3)
    assert (result.ci, result.p) == (None, None)


def test_rounding_is_no_difference() -> None:
    assert without_rounding(np.array([1e-17, -1e-15, 1e-3, 0.0, nan]))[:4].tolist() == [
        0,
        0,
        1e-3,
        0,
    ]
    large = without_rounding(np.array([1e-5, 1.0]), np.array([1e9, 1e9]))
    assert large.tolist() == [0, 1.0]


# How many more.


def needed(d: object, rule: Rule = RULE, groups: object = None, **kind: bool) -> int | None:
    values = np.asarray(d, dtype=float)
    codes = np.arange(values.size) if groups is None else np.asarray(groups)
    result = effect(values, codes, rule, PASSES if kind.get("binary") else NUMBERS)
    spread, wanted = spread_of(result), planned_effect(rule, bounded=kind.get("bounded", True))
    aim = Aim(wanted, rule.alpha, rule.min_effect, rule.strict)
    return None if spread is None else cases_to_show(spread, aim)


def test_the_observed_effect_never_decides_how_many_cases_are_needed() -> None:
    for binary in (True, False):
        even, uneven = passes(10, 10, 80), passes(20, 0, 80)
        even[:20] *= 1.0 if binary else np.std(uneven) / np.std(even)
        assert needed(even, binary=binary) == needed(uneven, binary=binary)


def test_a_smaller_effect_needs_more_cases_and_strict_tests_a_tenth_more() -> None:
    d = passes(10, 10, 80)
    first = needed(d, binary=True)
    assert first is not None
    beyond = needed(d, Rule(min_effect=0.05), binary=True)  # 10 points, to be shown beyond 5
    assert first == pytest.approx(beyond, rel=0.03)
    smaller = needed(d, Rule(min_effect=0.025), binary=True)
    assert smaller is not None
    assert smaller > 3 * first
    assert needed(d, Rule(strict=True), binary=True) == pytest.approx(1.1 * first, abs=1)


def test_groups_that_resemble_each_other_need_more_cases() -> None:
    d = np.repeat([0.4, -0.4, 0.3, -0.3, 0.2, -0.2], 5)
    alone, grouped = needed(d), needed(d, groups=np.repeat(np.arange(6), 5))
    assert alone is not None
    assert grouped is not None
    assert grouped > 4 * alone
    assert grouped % 5 == 0  # whole groups


def test_numbers_of_any_size_need_a_named_effect() -> None:
    assert needed([100.0, 300.0, -50.0], bounded=False) is None
    assert needed([100.0, 300.0, -50.0], Rule(min_effect=50.0), bounded=False) is not None


def test_what_cannot_be_is_not_planned() -> None:
    for impossible in (1.5, inf, nan):
        assert needed(passes(5, 5, 5), Rule(min_effect=impossible), binary=True) is None
    assert needed([0.1, 5.0], Rule(min_effect=inf), bounded=False) is None
    assert needed([0.5]) is None
    assert needed([0.5, 0.5]) is None  # no spread is known


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=2, max_size=60), st.booleans())
def test_it_is_a_number_of_cases_or_unknown(d: list[float], binary: bool) -> None:
    number = needed(d, binary=binary)
    assert number is None or number >= 1
