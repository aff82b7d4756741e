"""Wordings as a second sample: reference values, and what the formulas must not do."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
import pytest
from numpy.typing import NDArray

from promptlab.stats.paired import paired_t, student
from promptlab.stats.wordings import Spread, Uncertainty, spread, with_wordings


def table(rows: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[float(mark) for mark in row] for row in rows])


# Scores of three texts with, and three without; then three pairs, marked where they differ.
MIXED = (
    ("11111111111011011011", "11011010010110110110", "10110110110110100100"),
    ("11011010010010010010", "11010010010110110110", "10100100100100100100"),
)
ALIKE = (
    ("11111011011011011011", "11011011011110110110", "11111110110110110110"),
    ("10010010010010010000", "10010010010100100100", "00100100100100100100"),
)
PAIRS = (
    ("00100101101001001001", "00001000000000000000", "00010010010010000000"),
    ("01101001001001001011", "01001001001010010010", "11011010010010010010"),
)


def alone(d: NDArray[np.float64]) -> Uncertainty:
    return Uncertainty(float(d.var(ddof=1)) / d.size, d.size - 1)


def uncertain(sides: Sequence[Sequence[str]]) -> tuple[float, list[Spread], Uncertainty]:
    tables = [table(rows) for rows in sides]
    d = tables[0].mean(axis=0) - tables[1].mean(axis=0)
    spreads = [spread(each) for each in tables]
    return float(d.mean()), spreads, with_wordings(alone(d), spreads, 2)


@pytest.mark.parametrize(
    ("sides", "delta", "squares", "variance", "df", "p", "ci"),
    [
        (
            MIXED, 0.21666667, (0.51666667, 0.23596491, 0.2, 0.23508772), 0.0060087719, 2,
            0.10770997, (-0.11685892, 0.55019225),
        ),
        (
            ALIKE, 0.41666667, (0.016666667, 0.19210526, 0.016666667, 0.20964912), 0.0057748538,
            13.761054, 8.5768759e-05, (0.25341314, 0.57992019),
        ),
    ],
)  # fmt: skip
def test_reference_of_two_sides(
    sides: Sequence[Sequence[str]],
    delta: float,
    squares: tuple[float, ...],
    variance: float,
    df: float,
    p: float,
    ci: tuple[float, float],
) -> None:
    mean, spreads, both = uncertain(sides)
    assert mean == pytest.approx(delta)
    found = [square for each in spreads for square in (each.between, each.rest)]
    assert found == pytest.approx(squares)
    assert (both.variance, both.df) == pytest.approx((variance, df))
    shown = student(mean, both.variance**0.5, both.df, level=0.95, largest=1.0)
    assert shown.p == pytest.approx(p)
    assert (shown.low, shown.high) == pytest.approx(ci)


@pytest.mark.parametrize(
    ("rows", "squares", "variance", "df", "p"),
    [
        (PAIRS[0], (0.61666667, 0.19561404), 0.0083479532, 2, 0.14113319),
        (PAIRS[1], (0.066666667, 0.20701754), 0.0057748538, 12.416909, 0.00012391719),
    ],
)
def test_reference_of_pairs(
    rows: Sequence[str], squares: tuple[float, float], variance: float, df: float, p: float
) -> None:
    pairs = table(rows)
    d = pairs.mean(axis=0)
    one = spread(pairs)
    both = with_wordings(alone(d), [one], 2)
    assert (one.between, one.rest) == pytest.approx(squares)
    assert (both.variance, both.df) == pytest.approx((variance, df))
    shown = student(float(d.mean()), both.variance**0.5, both.df, level=0.95, largest=1.0)
    assert shown.p == pytest.approx(p)


def test_few_pairs_have_fewer_degrees_of_freedom() -> None:
    pairs = table(PAIRS[1])
    cases, one = alone(pairs.mean(axis=0)), spread(pairs)
    plain, fewer = (with_wordings(cases, [one], 2, pairs=pairs) for pairs in (False, True))
    assert fewer.variance == plain.variance
    share = one.share * one.between / one.cases
    assert plain.variance**2 * (1 / fewer.df - 1 / plain.df) == pytest.approx(share**2 / 8)
    far = table(PAIRS[0])
    assert with_wordings(alone(far.mean(axis=0)), [spread(far)], 2, pairs=True).df == 2


def test_wordings_alike_leave_the_error_of_the_cases() -> None:
    tables = [table(rows) for rows in ALIKE]
    d = tables[0].mean(axis=0) - tables[1].mean(axis=0)
    _, _, both = uncertain(ALIKE)
    assert both.variance**0.5 == pytest.approx(paired_t(d).se)
    assert both.df < d.size - 1


def test_what_cases_and_strata_share_adds_nothing() -> None:
    rng = np.random.default_rng(2)  # noqa: TID251 - seeded
    scores = rng.random((4, 30))
    plain = spread(scores)
    shifted = spread(scores + rng.random(30))
    assert (shifted.between, shifted.rest) == pytest.approx((plain.between, plain.rest))
    strata = np.concatenate([part - part.mean(axis=0) for part in (scores[:2], scores[2:])])
    two = spread(strata, lost=2)
    between = [spread(part) for part in (scores[:2], scores[2:])]
    assert two.df == 2
    assert two.between == pytest.approx(np.mean([each.between for each in between]))
    assert two.rest == pytest.approx(np.mean([each.rest for each in between]))


def test_a_wording_that_weighs_most_adds_most() -> None:
    scores = table(MIXED[0])
    even, uneven = spread(scores), spread(scores, (0.8, 0.1, 0.1))
    assert even.share == pytest.approx(1 / 3)
    assert uneven.variance == pytest.approx(even.variance * 0.66 * 3)


def test_no_spread_and_no_error_keep_the_degrees_of_freedom() -> None:
    nothing = spread(np.zeros((3, 5)))
    assert with_wordings(Uncertainty(0.0, 4), [nothing], 2) == Uncertainty(0.0, 4)
    assert with_wordings(Uncertainty(0.1, inf), [nothing], 2).df == inf


@pytest.mark.parametrize(("scores", "lost"), [([[1, 0]], 1), ([[1], [0]], 1), (np.ones((2, 3)), 2)])
def test_a_table_that_tells_nothing_is_refused(scores: object, lost: int) -> None:
    with pytest.raises(ValueError, match="no spread"):
        spread(scores, lost=lost)  # type: ignore[arg-type]
