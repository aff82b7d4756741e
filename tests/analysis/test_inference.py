"""Which method judges which scores, and what it says where data look surer than they are."""

from __future__ import annotations

import numpy as np
import pytest

from promptlab.analysis.inference import (
    IN_BOUNDS,
    NUMBERS,
    PASSES,
    RATES,
    Inference,
    Scale,
    infer,
    without_rounding,
)
from promptlab.stats.lopsided import skewness
from promptlab.stats.paired import paired_t, sign_flip

from .effects import passes


def judged(d: object, scale: Scale, groups: object = None, *, strict: bool = False) -> Inference:
    values = np.asarray(d, dtype=float)
    codes = np.arange(values.size) if groups is None else np.asarray(groups)
    return infer(values, codes, scale, strict=strict)


def documents(groups: int, size: int, lost: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return passes and failures of documents of one size, the first of them lost whole."""
    codes = np.repeat(np.arange(groups), size)
    return np.where(codes < lost, -1.0, 0.0), codes


# Guarded at the level that was sampled.


@pytest.mark.parametrize(
    ("groups", "size", "lost", "se", "df", "ci", "p"),
    [
        (6, 15, 0, 0.18898224, 7, (-0.44687198, 0.44687198), 1.0),
        (8, 25, 0, 0.1490712, 9, (-0.33722248, 0.33722248), 1.0),
        (10, 12, 2, 0.16666667, 11, (-0.53349753, 0.20016419), 0.3388007),
    ],
)
def test_documents_that_hardly_differ_are_judged_with_two_imagined_ones(
    groups: int, size: int, lost: int, se: float, df: float, ci: tuple[float, float], p: float
) -> None:
    d, codes = documents(groups, size, lost)
    result = judged(d, PASSES, codes)
    assert (result.method, result.imagined) == ("cr2+imagined", True)
    assert (result.se, result.df, result.two_sided()) == pytest.approx((se, df, p))
    assert result.interval(0.95) == pytest.approx(ci)


@pytest.mark.parametrize("scale", [PASSES, RATES, IN_BOUNDS])
def test_six_documents_that_differ_are_enough_if_they_vary(scale: Scale) -> None:
    d, codes = documents(9, 10)
    d[codes < 6] = np.tile([1.0, -1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0], 6)
    d[codes == 0] = -1.0
    assert not judged(d, scale, codes).imagined
    d[codes == 5] = 0.0
    assert judged(d, scale, codes).imagined


def test_five_documents_that_all_differ_need_no_imagined_ones() -> None:
    codes = np.repeat(np.arange(5), 12)
    d = np.where(np.arange(60) % 12 <= codes, 1.0, 0.0)
    assert not judged(d, PASSES, codes).imagined


def test_mean_passes_are_guarded_until_six_cases_differ() -> None:
    d = [0.5, -0.25, 0.5] + [0.0] * 47
    wider = paired_t([*d, 1.0, -1.0])
    result = judged(d, RATES)
    assert result.imagined
    assert result.interval(0.95) == pytest.approx((wider.low, wider.high))
    assert result.two_sided() == pytest.approx(wider.p)
    assert not judged([0.5, -0.25] * 3 + [0.0] * 44, RATES).imagined


def test_passes_of_single_cases_are_mcnemars_however_few_differ() -> None:
    result = judged(passes(2, 0, 60), PASSES)
    assert (result.method, result.imagined) == ("mcnemar-midp", False)
    assert judged(passes(2, 0, 60), PASSES, strict=True).method == "mcnemar-exact"


def test_numbers_in_bounds_need_half_a_flip_to_speak_for_themselves() -> None:
    tight = [0.02, -0.01, 0.03, 0, 0.01, 0.02, -0.02, 0.04, 0.01, 0]
    tight += [0.03, 0.01, -0.01, 0.02, 0.01, 0.02, 0, 0.01, 0.03, 0.02]
    result = judged(tight, IN_BOUNDS)
    assert result.method == "paired-t+sign-flip+imagined"
    assert result.interval(0.95) == pytest.approx((-0.12608293, 0.14790111))
    assert result.two_sided() == pytest.approx(0.87005099)
    assert judged(tight, NUMBERS).interval(0.95)[0] > 0  # type: ignore[index]
    flipped = [*tight, 0.75]
    assert not judged(flipped, IN_BOUNDS).imagined


def test_a_declared_largest_difference_makes_it_less_cautious() -> None:
    d = np.tile([0.02, -0.01, 0.03, 0.0], 10)
    wide, narrow, none = (
        judged(d, scale).interval(0.95) for scale in (IN_BOUNDS, Scale(largest=0.2), NUMBERS)
    )
    assert wide is not None
    assert narrow is not None
    assert none is not None
    assert wide[0] < narrow[0] < none[0] < none[1] < narrow[1] < wide[1]


def test_units_that_all_differ_alike_are_judged_by_their_signs() -> None:
    codes = np.repeat(np.arange(12), 8)
    d = np.where(np.arange(96) % 8 < 2, 1.0, 0.0)
    result = judged(d, PASSES, codes)
    assert result.two_sided() == sign_flip([1.0] * 12)
    interval = result.interval(0.95)
    assert interval is not None
    assert interval[0] < 0.25 < interval[1]


def test_numbers_without_bounds_that_are_all_alike_have_no_interval() -> None:
    result = judged([5.0] * 20, NUMBERS)
    assert (result.se, result.df, result.interval(0.95), result.at_least(1.0)) == (None,) * 4
    assert result.two_sided() == sign_flip([5.0] * 20)
    assert judged([0.0] * 20, NUMBERS).two_sided() == 1.0


def test_one_group_tells_nothing() -> None:
    for scale in (NUMBERS, RATES):
        result = judged([0.5, 0.25, 0.125], scale, [3, 3, 3])
        assert (result.two_sided(), result.at_most(1.0), result.interval(0.95)) == (None,) * 3


def test_no_interval_of_shares_reaches_beyond_what_they_can_differ() -> None:
    groups = np.repeat(np.arange(3), (30, 5, 5))
    d = -1.0 * (groups == 0) - (np.arange(groups.size) % 7 > 0) * (groups > 0)
    interval = judged(d, PASSES, groups).interval(0.95)
    assert interval is not None
    assert -1 <= interval[0] < interval[1] <= 1


# Lopsided.


def test_numbers_have_the_hull_of_students_interval_and_the_cubic() -> None:
    long = [3, 5, 2, 4, 6, 1, 2, 8, 3, 4, 2, 5, 60, 3, 2, 1, 4, 2, 35, 3, 6, 2, 1, 4]
    result = judged(long, NUMBERS)
    assert result.method == "paired-t+sign-flip+cubic"
    assert result.interval(0.95) == pytest.approx((1.4578751, 27.387307))
    assert result.two_sided() == pytest.approx(0.015556373)
    assert result.lopsided == pytest.approx(0.72391959)
    steady = judged([0.1, 0, 0.15, -0.02, 0.1, 0.05, -0.05, 0.25, 0.05, 0.15], NUMBERS)
    assert steady.interval(0.95) == pytest.approx((0.012888984, 0.15190098))
    assert steady.lopsided == pytest.approx(0.13393513)


def test_groups_are_lopsided_by_their_sums() -> None:
    d = [-1.0, -0.85, -0.95, -0.75, -0.6, -0.7, -0.8, -0.8, -0.9, -0.75, 3.65, 3.55, 3.7, 3.6]
    d += [-0.4, -0.5, -0.6, -1.0, -0.85, -0.95, -0.8, -0.65, -0.5, -0.6, -0.8, -0.9, -0.75, -0.85]
    d += [0.45, 0.35, 0.5, -0.6, -0.7, -0.8, -0.65]
    groups = np.repeat(np.arange(10), [3, 4, 3, 4, 3, 4, 3, 4, 3, 4])
    result = judged(d, NUMBERS, groups)
    assert result.method == "cr2+cubic"
    assert result.df == pytest.approx(8.8023185)
    assert result.interval(0.95) == pytest.approx((-1.2785358, 3.265545))
    assert result.two_sided() == pytest.approx(0.90508907)


def test_mean_passes_take_the_cubic_only_where_they_are_lopsided() -> None:
    even = [1 / 3, -1 / 3, 2 / 3, -1 / 3, 1 / 3, 0.0] * 6
    lopsided = [-0.2] * 28 + [1.0] * 2
    assert (judged(even, RATES).method, judged(even, RATES).lopsided) == ("paired-t", 0)
    result = judged(lopsided, RATES)
    assert result.method == "paired-t+cubic"
    assert result.lopsided > 0.2


def test_groups_of_very_unequal_size_are_lopsided_by_their_means() -> None:
    sizes = [40, 12, 6, 4, 3, 3, 2, 2, 2, 1]
    means = [0.9, -0.4, 0.3, -0.2, 0.1, -0.6, 0.5, -0.1, -0.3, 0.2]
    result = judged(np.repeat(means, sizes), NUMBERS, np.repeat(np.arange(10), sizes))
    assert result.method == "cr3+cubic"
    assert result.lopsided == pytest.approx(skewness(np.array(means) - np.mean(means)) / 10**0.5)
    equal = judged(np.repeat(means, 4), NUMBERS, np.repeat(np.arange(10), 4))
    assert equal.method == "cr2+cubic"
    assert equal.lopsided == pytest.approx(result.lopsided)


def test_one_case_makes_numbers_lopsided_in_part_but_not_those_in_bounds() -> None:
    even = [-2.6, -1.1, -0.7, -0.5, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.1, 2.6]
    d = np.array([*even, 7.0]) + 1
    free, bounded = judged(d, NUMBERS), judged(d, Scale(largest=9.0))
    assert free.lopsided == bounded.lopsided > 0.4
    assert free.interval(0.95) == pytest.approx(judged_plainly(d))
    low, high = bounded.interval(0.95) or (0.0, 0.0)
    assert low == pytest.approx(judged_plainly(d)[0])
    assert high > judged_plainly(d)[1]


def judged_plainly(d: np.ndarray) -> tuple[float, float]:
    plain = paired_t(d)
    assert plain.low is not None
    assert plain.high is not None
    return plain.low, plain.high


def test_a_margin_is_tested_by_both() -> None:
    result = judged([0.1, 0, 0.15, -0.02, 0.1, 0.05, -0.05, 0.25, 0.05, 0.15] * 4, NUMBERS)
    low, high = result.interval(0.95) or (0.0, 0.0)
    assert result.at_least(low) == pytest.approx(0.025)
    assert result.at_most(high) == pytest.approx(0.025)


# Rounding.


def test_differences_due_to_rounding_alone_are_none() -> None:
    d = without_rounding(np.array([1e-16, 0.3, -2e-13]), np.array([1.0, 1.0, 1.0]))
    assert d.tolist() == [0.0, 0.3, 0.0]
