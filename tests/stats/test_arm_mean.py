"""The interval of one arm's mean: by what was sampled, and never certain of too little."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.stats.arm_mean import ArmSample, arm_interval
from promptlab.stats.intervals import Interval, t_interval, wilson


def sample(scores: Sequence[float], *, verdicts: bool = False, **changes: bool) -> ArmSample:
    spread = variance(scores) if len(scores) > 1 else None
    kind = {"once": True, "bounded": True, **changes}
    return ArmSample(len(scores), fmean(scores), spread, verdicts, kind["once"], kind["bounded"])


def in_groups(*rates: float, size: int = 20, verdicts: bool = True) -> Interval | None:
    """Return the interval of groups of one size with these means."""
    groups = tuple((size, rate * size) for rate in rates)
    whole = ArmSample(size * len(rates), fmean(rates), 0.2, verdicts, True, True, groups)
    return arm_interval(whole)


def test_passes_are_a_share() -> None:
    assert arm_interval(sample([1.0] * 7 + [0.0] * 3, verdicts=True)) == wilson(7, 10)
    assert arm_interval(sample([1.0], verdicts=True)) == wilson(1, 1)


def test_means_of_repeated_passes_stay_within_0_and_1() -> None:
    scores = [1.0, 1.0, 1.0, 1.0, 0.0, 1.0]
    plain = t_interval(fmean(scores), variance(scores), 6)
    assert plain is not None
    assert plain[1] > 1
    assert arm_interval(sample(scores, verdicts=True, once=False)) == (plain[0], 1.0)


def test_repeated_passes_that_hardly_vary_claim_no_certainty() -> None:
    assert arm_interval(sample([1.0] * 10, verdicts=True, once=False)) == wilson(10, 10)
    nearly = [1.0] * 29 + [2 / 3]
    assert arm_interval(sample(nearly, verdicts=True, once=False)) == pytest.approx(
        wilson(sum(nearly), 30)
    )


def test_numbers_without_bounds_have_students_interval_unless_all_are_equal() -> None:
    scores = [2.0, 3.0, 4.0, 1.0]
    plain = t_interval(2.5, variance(scores), 4)
    assert arm_interval(sample(scores, bounded=False)) == plain
    assert arm_interval(sample([3.0] * 40, bounded=False)) is None


def test_equal_numbers_in_bounds_are_not_known_for_certain() -> None:
    assert arm_interval(sample([0.75] * 40)) == pytest.approx((0.69980411, 0.77638636))


def test_numbers_that_vary_by_half_a_flip_speak_for_themselves() -> None:
    wide = [0.0, 1.0, 0.5, 0.25, 0.75, 0.5, 0.5, 0.5]
    plain = t_interval(fmean(wide), variance(wide), 8)
    assert arm_interval(sample(wide)) == plain


def test_documents_are_what_counts() -> None:
    halves = in_groups(1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    assert halves == pytest.approx((0.05312802, 0.94687198))


def test_documents_that_are_all_right_may_hide_one_that_is_not() -> None:
    interval = in_groups(*[1.0] * 8)
    assert interval is not None
    assert interval[0] < 0.75
    assert interval[1] == 1.0
    for some in (in_groups(*[1.0] * 12, 0.9), in_groups(*[0.8] * 12)):
        assert some is not None
        assert some[1] - some[0] > 0.15


def test_documents_that_vary_need_no_imagined_ones() -> None:
    rates = [0.7, 0.75, 0.8, 0.65, 0.85, 0.7, 0.75, 0.8, 0.9, 0.6]
    plain = t_interval(fmean(rates), variance(rates), 10)
    assert in_groups(*rates) == pytest.approx(plain)
    numbers = in_groups(*rates, verdicts=False)
    assert numbers is not None
    assert numbers[0] < 0.65


def test_one_document_tells_nothing_of_others() -> None:
    assert in_groups(0.5) is None


def test_nothing_scored_has_no_interval() -> None:
    assert arm_interval(ArmSample(0, 0.0, None, True, True, True)) is None
    assert arm_interval(sample([3.0], bounded=False)) is None
    assert arm_interval(sample([0.5])) is None


@given(st.lists(st.sampled_from([0.0, 0.25, 0.9, 1.0]), min_size=2, max_size=40), st.booleans())
def test_it_has_a_width_and_stays_on_the_scale(scores: list[float], verdicts: bool) -> None:
    interval = arm_interval(sample(scores, verdicts=verdicts, once=False))
    assert interval is not None
    assert 0 <= interval[0] < interval[1] <= 1
