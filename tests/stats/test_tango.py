"""Tango's test against any difference: the other side of its interval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.stats.tango import tango, tango_above

wins = st.integers(0, 60)
tables = st.tuples(wins, wins, st.integers(1, 100)).map(lambda t: (sum(t), t[0], t[1]))


@given(tables, st.floats(0.6, 0.999))
def test_the_interval_ends_where_the_test_begins_to_reject(
    table: tuple[int, int, int], level: float
) -> None:
    n, b, c = table
    low, high = tango(n, b, c, level)
    if low > -1:
        assert tango_above(n, b, c, low) == pytest.approx((1 - level) / 2, rel=1e-5)
    if high < 1:
        assert tango_above(n, c, b, -high) == pytest.approx((1 - level) / 2, rel=1e-5)


@given(tables, st.integers(-99, 99).map(lambda percent: percent / 100), st.floats(0, 0.5))
def test_a_larger_difference_is_harder_to_show(
    table: tuple[int, int, int], null: float, more: float
) -> None:
    assert tango_above(*table, null) <= tango_above(*table, null + more) + 1e-12


@given(tables, st.integers(-99, 99).map(lambda percent: percent / 100))
def test_one_side_is_the_complement_of_the_other(table: tuple[int, int, int], null: float) -> None:
    n, b, c = table
    assert tango_above(n, b, c, null) + tango_above(n, c, b, -null) == pytest.approx(1, abs=1e-9)


def test_at_the_ends_nothing_is_open() -> None:
    assert tango_above(20, 3, 1, 1.0) == 1
    assert tango_above(20, 3, 1, -1.5) == 0
    assert tango_above(0, 0, 0, 0.1) == 1
    assert tango_above(20, 0, 0, 0.0) == 0.5
    with pytest.raises(ValueError, match="3 won and 3 lost of 5 cases"):
        tango_above(5, 3, 3, 0.0)
