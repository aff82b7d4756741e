"""What a version takes more: intervals that know long tails, and the price of a point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from promptlab.core.decision import Rule

from .measured_runs import Quantities, concluded, measured_run

LONGER = [3, 5, 2, 4, 6, 1, 2, 8, 3, 4, 2, 5, 60, 3, 2, 1, 4, 2, 35, 3, 6, 2, 1, 4]
COSTS = [2, 4, 1, 3, 12, 2, 5, 1, 3, 2, 4, 6, 2, 3, 1, 9, 2, 3, 2, 4]  # in tenths of a cent
WON = [1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0]


def took(tokens: Sequence[float], costs: Sequence[float]) -> Callable[[int, int], Quantities]:
    """Return what trials take: the second arm so much more than the first."""

    def quantities(arm: int, case: int) -> Quantities:
        return 10.0, 20.0 + arm * tokens[case], 0.001 + arm * costs[case] / 1000, None

    return quantities


def test_tokens_with_a_long_tail() -> None:
    """Student's interval would end at 12.5, though two answers were 60 and 35 tokens longer."""
    scores = [[0.0] * 24, [1.0] * 12 + [0.0] * 12]
    row = concluded(measured_run(scores, took=took(LONGER, LONGER)))
    assert row.output_tokens is not None
    assert row.output_tokens.delta == pytest.approx(7.0)
    assert row.output_tokens.ci == pytest.approx((1.4578751, 27.387307), rel=1e-6)
    assert row.tokens is not None
    assert row.tokens.ci == pytest.approx(row.output_tokens.ci)


def test_the_price_of_a_point() -> None:
    row = concluded(measured_run([[0.0] * 20, WON], took=took(COSTS, COSTS)))
    assert row.usd_per_point == pytest.approx(7.8888889e-3)
    assert row.usd_per_point_ci == pytest.approx((4.4551136e-3, 1.68714e-2), rel=1e-5)


def test_no_price_where_the_score_may_not_differ() -> None:
    scores = [[0.0] * 6 + [1.0] * 5 + [0.0] * 9, [1.0] * 6 + [0.0] * 5 + [0.0] * 9]
    row = concluded(measured_run(scores, took=took(COSTS, COSTS)))
    assert row.delta is not None
    assert row.delta > 0
    assert (row.usd_per_point, row.usd_per_point_ci) == (None, None)


def test_no_price_of_what_is_worse_or_cheaper() -> None:
    worse = concluded(measured_run([WON, [0.0] * 20], took=took(COSTS, COSTS)))
    cheaper = concluded(measured_run([[0.0] * 20, WON], took=took(COSTS, [-c / 20 for c in COSTS])))
    assert (worse.usd_per_point, cheaper.usd_per_point) == (None, None)


def test_the_price_is_that_of_the_cases_whose_cost_is_known() -> None:
    known = took(COSTS, COSTS)

    def some(arm: int, case: int) -> Quantities:
        tokens_in, tokens_out, usd, seconds = known(arm, case)
        return tokens_in, tokens_out, usd if case % 5 else None, seconds

    row = concluded(measured_run([[0.0] * 20, WON], took=some))
    kept = [case for case in range(20) if case % 5]
    paid, won = (np.array([each[case] for case in kept]) for each in (COSTS, WON))
    assert row.usd_per_point == pytest.approx(paid.mean() / 1000 / won.mean())


def test_a_price_that_the_whole_family_does_not_bear_is_not_told() -> None:
    one = concluded(measured_run([[0.0] * 20, WON], took=took(COSTS, COSTS)))
    assert replace(one, ci_simultaneous=(-0.1, 0.9)).usd_per_point is None
    assert concluded(measured_run([[0.0] * 20, WON]), Rule()).usd_per_point is None
