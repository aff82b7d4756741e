"""Planning: reference values, what it promises, and what cannot be told."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.planning import (
    Aim,
    Kind,
    Spread,
    assumed,
    cases_to_show,
    half_width,
    of_repeats,
    of_units,
    power_of,
    repeats_to_show,
    seen,
    shown_by,
    sources,
    units_to_show,
)
from promptlab.stats.tango import tango
from promptlab.stats.variance import VarianceSplit

FIVE = Aim(0.05, 0.05)
PASSING = Spread("pass/fail", 60, 60, 12, sqrt(0.2), 0.2)
SPLIT = VarianceSplit(100, 0.05, 0.06, 0.04)


@pytest.mark.parametrize(
    ("aim", "cases"),
    [
        (FIVE, 626),
        (Aim(0.05, 0.05 / 4), 890),
        (Aim(0.05, 0.05 / 20), 1192),
        (Aim(0.1, 0.05 / 4, margin=0.05), 881),
        (Aim(0.05, 0.05, strict=True), 689),
    ],
)
def test_passes_and_failures(aim: Aim, cases: int) -> None:
    assert units_to_show(PASSING, aim) == cases


def test_numbers_and_groups_by_t() -> None:
    numbers = Spread("numbers", 20, 20, 20, 0.17, 0.2)
    assert units_to_show(numbers, Aim(0.1, 0.05)) == 34
    assert units_to_show(numbers, Aim(0.1, 0.01)) == 50
    groups = Spread("groups", 12, 96, 40, 0.14, 0.16)
    assert units_to_show(groups, Aim(0.1, 0.05)) == 23
    assert cases_to_show(groups, Aim(0.1, 0.05)) == 23 * 8


def test_a_pilot_is_taken_at_its_upper_limit() -> None:
    assert seen("pass/fail", 72, 72, 14, 0.05).upper == pytest.approx(0.24434645)
    assert seen("numbers", 20, 20, 20, 0.2 / sqrt(20)).upper == pytest.approx(0.23539454)
    groups = seen("groups", 20, 160, 30, 0.2 / sqrt(20))
    assert (groups.sd, groups.upper) == pytest.approx((0.2, 0.23539454))
    assert groups.size == 8


def test_what_cases_can_show() -> None:
    numbers = Spread("numbers", 15, 15, 15, 0.05 * sqrt(15), 0.3)
    groups = replace(numbers, kind="groups")
    for aim, by_t in ((FIVE, 0.15064207), (Aim(0.05, 0.01), 0.19224488)):
        assert shown_by(groups, 15, aim) == pytest.approx(by_t)
        assert shown_by(numbers, 15, aim) == pytest.approx(1.06 * by_t)
    # The allowance is one of the interval, and the margin has none.
    beyond = shown_by(numbers, 15, Aim(0.1, 0.05, margin=0.02))
    assert beyond == pytest.approx(0.02 + 1.06 * 0.15064207)
    # Four times the cases show about half.
    more = shown_by(numbers, 60, FIVE)
    assert more is not None
    assert 0.07 < more < 0.0753


@given(st.floats(0.05, 0.5), st.floats(0.03, 0.3), st.integers(1, 20), st.booleans())
def test_the_cases_that_are_needed_have_the_power(
    share: float, effect: float, family: int, passing: bool
) -> None:
    kind: Kind = "pass/fail" if passing else "numbers"
    limit = share if passing else sqrt(share)
    spread = Spread(kind, 100, 100, round(100 * share), sqrt(share), limit)
    aim = Aim(effect, 0.05 / family)
    needed = units_to_show(spread, aim)
    assert needed is not None
    power = power_of(spread, needed, aim)
    assert power is not None
    # 14 % differ of 100 where 14.4 % were meant, and small numbers of cases come in steps.
    assert power >= (0.72 if passing else 0.795)
    assert (power_of(spread, max(2, needed // 2), aim) or 0.0) < power + 1e-12


@given(st.floats(0.01, 0.25), st.integers(1, 50))
def test_more_asked_takes_more(effect: float, family: int) -> None:
    for spread in (PASSING, Spread("numbers", 60, 60, 12, 0.3, 0.35)):
        needed = units_to_show(spread, Aim(effect, 0.05 / family))
        stricter = units_to_show(spread, Aim(effect, 0.05 / family / 2))
        beyond = units_to_show(spread, Aim(effect, 0.05 / family, margin=effect / 2))
        assert needed is not None
        assert stricter is not None
        assert beyond is not None
        assert needed <= stricter
        assert needed < beyond


def test_what_no_number_of_cases_shows() -> None:
    assert units_to_show(PASSING, Aim(0.05, 0.05, margin=0.05)) is None
    assert units_to_show(PASSING, Aim(1.5, 0.05)) is None
    assert units_to_show(PASSING, Aim(float("inf"), 0.05)) is None
    assert power_of(PASSING, 60, Aim(0.05, 0.05, margin=0.05)) is None
    unknown = replace(PASSING, kind="numbers", upper=None)
    assert units_to_show(unknown, FIVE) is None
    assert units_to_show(Spread("numbers", 9, 9, 9, 1.0, 1.0), Aim(1e-6, 0.05)) is None
    assert shown_by(PASSING, 1, FIVE) is None
    assert half_width(replace(PASSING, sd=0.0, upper=None), 60, 0.05) is None


def test_a_pilot_in_which_nothing_differed() -> None:
    same = seen("pass/fail", 60, 60, 0, 0.0)
    shown = shown_by(same, 60, FIVE)
    assert shown is not None
    assert shown == pytest.approx(
        (2.0010 + 0.8478) * sqrt(1 - 0.2 ** (1 / 60)) / sqrt(60), rel=1e-3
    )
    assert (units_to_show(same, FIVE) or 0) > 100
    assert (power_of(same, 60, FIVE) or 0) > 0


def test_how_far_an_interval_reaches() -> None:
    reach = half_width(PASSING, 60, 0.05)
    low, high = tango(60, 6, 6)
    assert reach == pytest.approx((high - low) / 2, rel=0.04)
    numbers = Spread("numbers", 15, 15, 15, 0.05 * sqrt(15), 0.3)
    assert half_width(numbers, 15, 0.05) == pytest.approx(0.05 * 2.1447867)


def test_nothing_measured_yet() -> None:
    assert (assumed().kind, assumed().upper) == ("pass/fail", 0.3)
    # The mean of four arms against four others varies less than one arm against another.
    assert assumed(8).sd == pytest.approx(assumed().sd / 2)
    together = assumed().over(60, 10)
    assert together.kind == "groups"
    assert together.upper == pytest.approx(sqrt(0.3))
    assert assumed().over(60, 60) == assumed()
    assert Spread("groups", 5, 10, 3, 0.2, 0.3).over(60, 60).kind == "numbers"
    assert Spread("numbers", 9, 9, 3, 0.2, 0.3).over(60, 9) == Spread("groups", 9, 9, 3, 0.2, 0.3)


# Repeats and other sources.


def test_repeats_divide_the_noise_alone() -> None:
    numbers = Spread("numbers", 100, 100, 60, sqrt(0.15), 0.4)
    five = of_repeats(numbers, SPLIT, 1, 5)
    assert five.sd == pytest.approx(sqrt(0.05 + 0.1 / 5))
    assert five.upper == pytest.approx(0.4 * five.sd / numbers.sd)
    assert of_repeats(numbers, SPLIT, 1, 1) == numbers
    passing = of_repeats(replace(PASSING, upper=0.3), SPLIT, 1, 5)
    assert passing.upper == pytest.approx(0.3 * 0.07 / 0.15)
    unknown = VarianceSplit(100, None, None, 0.2)
    assert of_repeats(numbers, unknown, 1, 5) == numbers


def test_the_parts_of_a_group() -> None:
    groups = Spread("groups", 10, 80, 30, 0.1, 0.2)
    unit = of_units(SPLIT, groups, 5)
    assert (unit.noise_a, unit.noise_b) == pytest.approx((0.06 / 8, 0.04 / 8))
    assert unit.case == pytest.approx(0.01 - 0.1 / 8 / 5)
    cases = Spread("numbers", 100, 100, 60, sqrt(0.05 + 0.1 / 5), 0.4)
    assert of_units(SPLIT, cases, 5).case == pytest.approx(0.05)
    assert of_units(VarianceSplit(9, None, None, None), cases, 5).case is None


def test_where_the_next_call_buys_most() -> None:
    cases, repeats = sources(SPLIT, 1)
    assert (cases.share, repeats.share) == pytest.approx((1 / 3, 2 / 3))
    assert cases.gain > repeats.gain
    *_, wordings = sources(SPLIT, 1, 0.3)
    assert wordings.share == pytest.approx(0.3 / 0.45)
    assert wordings.gain > cases.gain * 0.45  # texts are scarce
    assert not list(sources(VarianceSplit(9, None, None, None), 1))
    assert not list(sources(VarianceSplit(9, 0.0, 0.0, 0.0), 1))


def test_repeats_that_show_an_effect() -> None:
    needed = repeats_to_show(SPLIT, 200, Aim(0.055, 0.05))
    assert needed is not None
    spread = Spread("numbers", 200, 200, 90, sqrt(0.05 + 0.1 / needed), 0.4)
    fewer = replace(spread, sd=sqrt(0.05 + 0.1 / (needed - 1)))
    assert (shown_by(spread, 200, FIVE) or 1) <= 0.055 < (shown_by(fewer, 200, FIVE) or 0)
    assert repeats_to_show(SPLIT, 200, Aim(0.5, 0.05)) == 1
    assert repeats_to_show(SPLIT, 200, Aim(0.04, 0.05)) is None  # the cases alone differ too much
    assert repeats_to_show(VarianceSplit(9, None, None, None), 200, FIVE) is None
