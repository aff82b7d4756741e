"""What a family shows together: its claims, its corrected p-values, and intervals that agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.families import Member, Ruling, rulings
from promptlab.analysis.inference import (
    IN_BOUNDS,
    NUMBERS,
    PASSES,
    RATES,
    Floats,
    Scale,
    infer,
)

from .effects import passes

SCALES = {"passes": PASSES, "rates": RATES, "in bounds": IN_BOUNDS, "numbers": NUMBERS}


def member(d: Floats, scale: Scale = PASSES, groups: object = None) -> Member:
    codes = np.arange(d.size) if groups is None else np.asarray(groups)
    return Member(float(d.mean()), infer(d, codes, scale), 0.05)


def passed(n: int, wins: int, losses: int) -> Member:
    return member(passes(wins, losses, n - wins - losses))


def one(judged: Member, margin: float = 0.0, size: int = 1) -> Ruling:
    """Return the ruling of a member whose family has others, none of which shows anything."""
    return rulings([judged], margin, size)[0]


# The family of five arms against one.


def test_five_arms_against_one_are_judged_together() -> None:
    arms = [(40, 12), (31, 11), (29, 13), (20, 15), (9, 17)]
    found = rulings([passed(200, *arm) for arm in arms], 0.0, 5)
    assert [ruling.verdict for ruling in found] == ["better"] * 3 + ["undecided"] * 2
    assert {ruling.null for ruling in found} == {"different"}
    assert [ruling.p_family for ruling in found] == pytest.approx(
        [0.00040856675, 0.007655844, 0.041154555, 0.40503225, 0.24415624]
    )
    intervals = [
        (0.050114322, 0.23327787),
        (0.017735723, 0.18690809),
        (0.0, 0.16721423),  # decided by Holm alone: cut at 0
        (-0.054470713, 0.10606113),
        (-0.11281107, 0.028396269),
    ]
    assert [ruling.ci for ruling in found] == [pytest.approx(ci) for ci in intervals]


def test_an_interval_beyond_0_is_stretched_to_it_where_the_test_does_not_reject() -> None:
    judged = passed(60, 15, 6)
    assert judged.inference is not None
    alone = judged.inference.interval(0.95)
    assert alone == pytest.approx((0.00032460512, 0.29676501))
    ruling = one(judged)
    assert ruling.verdict == "undecided"
    assert ruling.p == pytest.approx(0.05247879)
    assert ruling.ci == pytest.approx((0.0, 0.29676501))


def test_the_interval_of_groups_has_the_level_of_the_family() -> None:
    d = np.array([1, 0, 1, 1, 0, -1, 0, 1, 0, 0]) * 10.0
    judged = member(d, NUMBERS, [0, 0, 0, 0, 1, 1, 2, 3, 3, 3]).inference
    assert judged is not None
    plain = replace(judged, cubic=None)  # type: ignore[type-var]
    assert plain.interval(0.95) == pytest.approx((-7.8997822, 13.899782))
    assert plain.interval(1 - 0.05 / 4) == pytest.approx((-17.327025, 23.327025))


# Claims with a margin.


@pytest.mark.parametrize(
    ("counts", "margin", "size", "p", "corrected", "ci", "verdict"),
    [
        ((300, 48, 14), 0.05, 1, 0.012022327, 0.012022327, (0.064126787, 0.1652425), "better"),
        ((300, 48, 14), 0.05, 6, 0.012022327, 0.072133965, (0.046699207, 0.18440453), "undecided"),
        ((300, 36, 14), 0.05, 1, 0.30922662, 0.30922662, (0.028189574, 0.12110213), "undecided"),
        ((800, 10, 12), 0.03, 1, 0.00022150489, 0.00022150489, (-0.015057667, 0.0097214981),
         "equivalent"),
        ((800, 10, 12), 0.03, 10, 0.00022150489, 0.0022150489, (-0.021776624, 0.016189686),
         "equivalent"),
        ((400, 20, 55), 0.04, 1, 0.02397645, 0.02397645, (-0.13059914, -0.046331928), "worse"),
    ],
)  # fmt: skip
def test_each_claim_with_a_margin_is_tested_as_itself(
    counts: tuple[int, int, int],
    margin: float,
    size: int,
    p: float,
    corrected: float,
    ci: tuple[float, float],
    verdict: str,
) -> None:
    ruling = one(passed(*counts), margin, size)
    assert ruling.verdict == verdict
    assert ruling.p == pytest.approx(p)
    assert ruling.p_family == pytest.approx(corrected)
    assert ruling.ci == pytest.approx(ci)
    if verdict != "undecided":
        assert ruling.null == verdict


def test_one_sided_p_values_beyond_a_margin() -> None:
    judged = passed(300, 48, 14).inference
    assert judged is not None
    assert judged.at_least(0.05) == pytest.approx(0.0060111637)
    assert judged.at_most(0.05) == pytest.approx(0.99398884)
    assert judged.at_most(-0.05) == pytest.approx(1.0)
    assert 2 * (judged.at_least(-0.05) or 0) == pytest.approx(4.0241937e-09)
    assert 2 * (passed(400, 20, 55).inference.at_least(-0.04) or 0) == pytest.approx(  # type: ignore[union-attr]
        1.9760235
    )


def test_without_a_margin_nothing_is_equivalent() -> None:
    assert one(passed(5000, 20, 20)).verdict == "undecided"
    assert one(passed(5000, 20, 20), 0.05).verdict == "equivalent"


def test_where_too_few_differ_only_equivalence_can_be_claimed() -> None:
    few = replace(passed(300, 5, 0), directed=False)
    assert one(few) == Ruling("refused")
    assert one(few, 0.001).verdict == "refused"
    ruling = one(few, 0.06)
    assert (ruling.verdict, ruling.null) == ("equivalent", "equivalent")


def test_a_refused_member_shows_nothing_and_still_counts() -> None:
    found = rulings([replace(passed(200, 40, 12), refused=True), passed(200, 29, 13)], 0.0, 2)
    assert found[0] == Ruling("refused")
    assert found[1].p_family == pytest.approx(2 * 0.013718185)


def test_each_member_may_have_a_level_of_its_own() -> None:
    later = replace(passed(200, 29, 13), alpha=0.0025)
    assert one(passed(200, 29, 13)).verdict == "better"
    ruling = one(later)
    assert ruling.verdict == "undecided"
    assert ruling.p_family == pytest.approx(0.013718185)
    assert ruling.ci is not None
    assert ruling.ci[0] < 0 < ruling.ci[1]
    assert later.inference is not None
    assert ruling.ci == later.inference.interval(0.9975)


# What must always hold.

unit_scores = st.sampled_from([0.0, 0.0, 1.0, -1.0, 0.5, -0.5, 0.25, 1 / 3])
families = st.lists(
    st.tuples(
        st.lists(unit_scores, min_size=2, max_size=40),
        st.sampled_from(sorted(SCALES)),
        st.integers(1, 12),
    ),
    min_size=1,
    max_size=5,
)
margins = st.sampled_from([0.0, 0.02, 0.1, 0.3])


def drawn(values: list[float], kind: str, groups: int) -> Member:
    d = np.round(values) if kind == "passes" else np.array(values)
    codes = np.arange(d.size) % groups if groups < 7 else np.arange(d.size)
    return member(d, SCALES[kind], codes)


@given(families, margins)
def test_interval_and_verdict_never_contradict(
    family: list[tuple[list[float], str, int]], margin: float
) -> None:
    found = rulings([drawn(*each) for each in family], margin, len(family))
    for (values, *_), ruling in zip(family, found, strict=True):
        if ruling.ci is None:
            assert ruling.verdict in ("undecided", "refused")
            continue
        low, high = ruling.ci
        assert low <= high
        assert {
            "better": low >= margin and high > margin,
            "worse": high <= -margin and low < -margin,
            "equivalent": -margin <= low and high <= margin,
            "undecided": low <= margin and high >= -margin and not (-margin < low <= high < margin),
        }[ruling.verdict], (ruling, values)
        decided = ruling.p_family is not None and ruling.p_family <= 0.05
        assert decided == (ruling.verdict != "undecided")


@pytest.mark.slow
@given(families, margins)
def test_swapping_the_sides_flips_the_signs(
    family: list[tuple[list[float], str, int]], margin: float
) -> None:
    flipped = {"better": "worse", "worse": "better"}
    there = rulings([drawn(*each) for each in family], margin, len(family))
    mirrored = [([-value for value in values], kind, groups) for values, kind, groups in family]
    back = rulings([drawn(*each) for each in mirrored], margin, len(family))
    for one_way, other in zip(there, back, strict=True):
        assert other.verdict == flipped.get(one_way.verdict, one_way.verdict)
        assert other.p_family == pytest.approx(one_way.p_family)
        if one_way.ci is None or other.ci is None:
            assert one_way.ci == other.ci
        else:
            assert other.ci == pytest.approx((-one_way.ci[1], -one_way.ci[0]), abs=1e-9)


@given(families, margins, st.randoms(use_true_random=False))
def test_the_order_of_cases_never_matters(
    family: list[tuple[list[float], str, int]], margin: float, shuffled: object
) -> None:
    for values, kind, groups in family:
        d = np.round(values) if kind == "passes" else np.array(values)
        codes = np.arange(d.size) % groups
        order = list(range(d.size))
        shuffled.shuffle(order)  # type: ignore[attr-defined]
        there = one(member(d, SCALES[kind], codes), margin)
        back = one(member(d[order], SCALES[kind], codes[order]), margin)
        assert (there.verdict, there.null) == (back.verdict, back.null)
        assert back.p == pytest.approx(there.p)
        assert back.ci == pytest.approx(there.ci)


@given(
    st.lists(st.sampled_from([0.0, 1.0, -1.0, 0.5]), min_size=15, max_size=60),
    st.sampled_from(["passes", "numbers"]),
)
def test_a_tie_never_decides(values: list[float], kind: str) -> None:
    before = one(drawn(values, kind, 12))
    after = one(drawn([*values, 0.0], kind, 12))
    if before.verdict == "undecided":
        assert after.verdict == "undecided"
