"""Parts of a difference, tipping points and constant answers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from promptlab.stats.decomposition import (
    GradedSide,
    constant_answer,
    decompose,
    tipping_point,
)
from promptlab.stats.paired import mcnemar_midp, paired_t

Floats = NDArray[np.float64]


def side(gradable: NDArray[np.bool_], right: NDArray[np.bool_]) -> GradedSide:
    return GradedSide(gradable.astype(float), (gradable & right).astype(float))


@pytest.fixture
def sides() -> tuple[GradedSide, GradedSide]:
    at = np.arange(60)
    return side(at % 4 == 0, at % 3 != 0), side(at % 15 != 7, at % 6 != 0)


def test_form_and_content(sides: tuple[GradedSide, GradedSide]) -> None:
    a, b = sides
    assert [a.share, b.share] == pytest.approx([0.25, 56 / 60])
    assert [a.right, b.right] == pytest.approx([2 / 3, 46 / 56])
    parts = decompose(a, b, np.arange(60))
    assert parts.content is not None
    assert parts.form.mean == pytest.approx(0.50843254, abs=1e-8)
    assert parts.content.mean == pytest.approx(0.09156746, abs=1e-8)
    assert (parts.form.se, parts.content.se) == pytest.approx((0.074373666, 0.058499524), abs=1e-8)
    assert (parts.form.low, parts.form.high) == pytest.approx((0.35961118, 0.6572539), abs=1e-7)
    bounds = (parts.content.low, parts.content.high)
    assert bounds == pytest.approx((-0.025489817, 0.20862474), abs=1e-7)


def test_parts_add_up_and_change_sign_with_the_sides(
    sides: tuple[GradedSide, GradedSide],
) -> None:
    a, b = sides
    there, back = decompose(a, b, np.arange(60)), decompose(b, a, np.arange(60))
    assert there.content is not None
    assert back.content is not None
    assert there.form.mean + there.content.mean == pytest.approx(0.6)
    assert back.form.mean == pytest.approx(-there.form.mean)
    assert back.content.low == pytest.approx(-(there.content.high or 0))


def test_a_side_with_nothing_to_grade_differs_in_form_alone() -> None:
    nothing, all_ = (side(np.full(20, value), np.arange(20) % 2 == 0) for value in (False, True))
    parts = decompose(nothing, all_, np.arange(20))
    assert nothing.right is None
    assert (parts.form.mean, parts.content) == (0.5, None)


def test_groups_widen_the_parts(sides: tuple[GradedSide, GradedSide]) -> None:
    alone, grouped = (decompose(*sides, groups) for groups in (np.arange(60), np.arange(60) % 4))
    assert alone.form.mean == grouped.form.mean
    assert grouped.form.df is not None
    assert grouped.form.df < 4


def test_the_first_number_of_changes_that_ends_a_verdict() -> None:
    def holds(right: int) -> bool:
        return mcnemar_midp(30 - right, 12) <= 0.05

    assert tipping_point(20, holds) == 7
    assert mcnemar_midp(23, 12) == pytest.approx(0.065245335)
    assert tipping_point(7, holds) == 7
    assert tipping_point(6, holds) is None
    assert tipping_point(0, holds) is None


def test_a_constant_answer() -> None:
    """Of 60 labels 35 are 0; the arm is right on 37: 4 won and 2 lost against always saying 0."""
    expected = np.repeat([0, 1], [35, 25])
    found = np.concatenate([np.full(33, 0), [1, 1], np.full(4, 1), np.full(21, 0)])
    found[40] = -1  # it holds no label
    constant = constant_answer(found, expected, np.arange(60))
    assert constant is not None
    assert (constant.code, constant.given, constant.answers) == (0, 53, 60)
    assert constant.score == pytest.approx(35 / 60)
    won, lost = int((constant.d > 0).sum()), int((constant.d < 0).sum())
    assert (won, lost) == (4, 2)
    assert mcnemar_midp(won, lost) == pytest.approx(0.453125)


def test_repeats_of_a_constant_answer_count_by_case() -> None:
    constant = constant_answer([0, 0, 0, 1], [0, 0, 1, 1], [7, 7, 9, 9])
    assert constant is not None
    assert (constant.share, constant.score, constant.d.tolist()) == (0.75, 0.5, [0.0, 0.5])


@pytest.mark.parametrize(("found", "expected"), [([-1, -1], [0, 1]), ([0, 0], [0, -1]), ([], [])])
def test_no_constant_answer_where_answers_are_not_known(
    found: list[int], expected: list[int]
) -> None:
    assert constant_answer(found, expected, np.arange(len(found))) is None


def test_scorers_that_disagree_by_the_test_of_their_difference() -> None:
    first = np.repeat([1.0, -1.0, 0.0], [14, 3, 33])
    second = np.zeros(50)
    second[:9], second[14], second[17:23] = -1, 1, -1
    apart = paired_t(first - second)
    assert (first.mean(), second.mean()) == pytest.approx((0.22, -0.28))
    assert (mcnemar_midp(14, 3), mcnemar_midp(1, 15)) == pytest.approx((0.0075378418, 0.0002746582))
    assert [apart.mean, apart.p] == pytest.approx([0.5, 0.0003033303], abs=1e-9)
