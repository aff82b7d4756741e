"""When a difference counts as real: the methods, the verdict, and how many cases decide."""

from __future__ import annotations

from math import inf, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.conclude import (
    Effect,
    cases_needed,
    effect,
    verdict,
    without_rounding,
)
from promptlab.core.decision import Rule, Verdict
from promptlab.stats.clusters import cluster_mean
from promptlab.stats.intervals import Interval
from promptlab.stats.paired import mcnemar_exact, mcnemar_midp, paired_t, sign_flip, tango

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
    assert result.method == "paired-t+sign-flip"
    assert result.p == 32 / 1024  # Student's is .0239991
    assert result.ci == pytest.approx((0.012889, 0.143111), abs=5e-7)


def test_the_larger_p_of_both_counts() -> None:
    darwin = (49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48)
    assert sign_flip(darwin) == pytest.approx(0.0526733, abs=5e-8)
    assert effect_of(darwin).p == sign_flip(darwin)
    skew = (5.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
    student = paired_t(skew).p
    assert student is not None
    assert effect_of(skew).p == student > sign_flip(skew)


def test_from_30_cases_on_student_is_enough_unless_strict() -> None:
    many = STEADY * 3
    assert (effect_of(many).method, effect_of(many).p) == ("paired-t", paired_t(many).p)
    assert effect_of(many, rule=Rule(strict=True)).method == "paired-t+sign-flip"
    assert effect_of(many[:29]).method == "paired-t+sign-flip"


def test_groups_of_cases_have_cr2() -> None:
    d, groups = (1, 0, 1, 1, 0, -1, 0, 1, 0, 0), (0, 0, 0, 0, 1, 1, 2, 3, 3, 3)
    result = effect_of(d, groups=groups, binary=True)
    assert (result.method, result.n, result.n_groups) == ("cr2", 10, 4)
    assert (result.delta, result.se, result.p) == pytest.approx((0.3, 0.295200, 0.40106), abs=5e-6)


def test_groups_of_very_unequal_size_have_cr3() -> None:
    d = np.array([1.0, 0.5] * 10 + [0.0, 1.0, -1.0, 0.5, 0.0])
    groups = np.array([0] * 20 + [1, 2, 3, 4, 5])
    result, even = effect_of(d, groups=groups), cluster_mean(d, groups)
    assert result.method == "cr3"
    assert result.se == cluster_mean(d, groups, jackknife=True).se
    assert result.se is not None
    assert even.se is not None
    assert result.se > 1.5 * even.se


def test_where_hardly_a_case_differs_the_interval_is_cautious() -> None:
    d = np.array([0.5, -0.25, 0.5] + [0.0] * 47)
    sure, cautious = (
        effect(d, np.arange(50), RULE, binary=False, bounded=b) for b in (False, True)
    )
    wider = paired_t([*d, 1.0, -1.0])
    assert sure.ci is not None
    assert cautious.ci is not None
    assert cautious.ci == pytest.approx((wider.low, wider.high))
    assert cautious.ci[0] < sure.ci[0] < sure.ci[1] < cautious.ci[1]
    assert (cautious.p, cautious.se, cautious.delta) == (sure.p, sure.se, sure.delta)
    many = np.array([0.5, -0.25] * 3 + [0.0] * 44)
    enough = effect(many, np.arange(50), RULE, binary=False, bounded=True)
    assert enough == effect(many, np.arange(50), RULE, binary=False)


def test_nothing_measured_is_nothing_known() -> None:
    assert effect_of([]) == Effect(0, 0, 0, None, None, None, None, "none")


def test_equal_differences_have_a_test_but_no_interval() -> None:
    result = effect_of([0.5] * 20)
    assert (result.se, result.ci) == (None, None)
    assert result.p is not None
    assert result.p < 0.001
    assert verdict(result, result.p, RULE) == "undecided"


def test_one_group_shows_no_spread() -> None:
    result = effect_of([0.5, 0.1, 0.2], groups=[0, 0, 0])
    assert result.delta == pytest.approx(0.8 / 3)
    assert (result.ci, result.p) == (None, None)
    assert verdict(result, result.p, RULE) == "undecided"


def test_rounding_is_no_difference() -> None:
    assert without_rounding(np.array([1e-17, -1e-15, 1e-3, 0.0, nan]))[:4].tolist() == [
        0,
        0,
        1e-3,
        0,
    ]
    large = without_rounding(np.array([1e-5, 1.0]), np.array([1e9, 1e9]))
    assert large.tolist() == [0, 1.0]


# The verdict.


@pytest.mark.parametrize(
    ("ci", "p", "min_effect", "expected"),
    [
        ((0.01, 0.2), 0.05, 0.0, "better"),
        ((-0.2, -0.01), 0.05, 0.0, "worse"),
        ((0.01, 0.2), 0.0501, 0.0, "undecided"),  # the corrected p-value decides too
        ((-0.2, -0.01), 0.0501, 0.0, "undecided"),
        ((0.0, 0.2), 0.01, 0.0, "undecided"),
        ((0.04, 0.2), 0.01, 0.05, "undecided"),  # not shown to matter
        ((0.051, 0.2), 0.01, 0.05, "better"),
        ((-0.2, -0.051), 0.01, 0.05, "worse"),
        ((-0.04, 0.04), 0.9, 0.05, "equivalent"),
        ((0.01, 0.04), 0.001, 0.05, "equivalent"),  # there is a difference, and it does not matter
        ((-0.05, 0.04), 0.9, 0.05, "undecided"),
        ((-0.04, 0.05), 0.9, 0.05, "undecided"),
        ((-0.04, 0.04), None, 0.05, "equivalent"),
        ((0.01, 0.2), None, 0.0, "undecided"),
        ((0.0, 0.0), 1.0, 0.0, "undecided"),  # no margin, nothing equivalent
        (None, 0.001, 0.0, "undecided"),
    ],
)
def test_the_verdict(
    ci: Interval | None, p: float | None, min_effect: float, expected: Verdict
) -> None:
    result = Effect(100, 100, 50, 0.0, 0.1, ci, p, "paired-t")
    assert verdict(result, p, Rule(min_effect=min_effect)) == expected


def test_the_level_is_the_users() -> None:
    result = effect_of(passes(9, 1, 40), rule=Rule(alpha=0.01), binary=True)
    assert result.ci == tango(50, 9, 1, 0.99)
    assert verdict(result, result.p, Rule(alpha=0.01)) == "undecided"
    assert verdict(result, result.p, RULE) == "undecided"  # the interval holds 0
    wide = effect_of(passes(9, 1, 40), binary=True)
    assert verdict(wide, wide.p, RULE) == "better"


# How many more.


def needed(d: object, rule: Rule = RULE, groups: object = None, **kind: bool) -> int | None:
    values = np.asarray(d, dtype=float)
    codes = np.arange(values.size) if groups is None else np.asarray(groups)
    kind = {"binary": False, "bounded": True, **kind}
    result = effect(values, codes, rule, binary=kind["binary"])
    return cases_needed(result, values, codes, rule, binary=kind["binary"], bounded=kind["bounded"])


def test_the_observed_effect_never_decides_how_many_cases_are_needed() -> None:
    for binary in (True, False):
        even, uneven = passes(10, 10, 80), passes(20, 0, 80)
        even[:20] *= 1.0 if binary else np.std(uneven) / np.std(even)
        assert needed(even, binary=binary) == needed(uneven, binary=binary)


def test_a_smaller_effect_needs_more_cases_and_strict_tests_a_tenth_more() -> None:
    d = passes(10, 10, 80)
    first = needed(d, binary=True)
    assert first is not None
    assert first == needed(d, Rule(min_effect=0.05), binary=True)  # the default for shares
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
    assert needed(d, groups=np.tile(np.arange(5), 6)) == alone  # never fewer for groups


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


@pytest.mark.parametrize("sizes", [(20, 20), (30, 5, 5), (6,) * 10])
def test_no_interval_of_shares_reaches_beyond_what_they_can_differ(sizes: tuple[int, ...]) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    d = -1.0 * (groups == 0) - (np.arange(groups.size) % 7 > 0) * (groups > 0)
    observed = effect(d, groups, RULE, binary=False, bounded=True)
    free = effect(d, groups, RULE, binary=False, bounded=False)
    assert observed.ci is not None
    assert free.ci is not None
    assert observed.ci == (max(-1.0, free.ci[0]), min(1.0, free.ci[1]))
    assert observed.p == free.p
