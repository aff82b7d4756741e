"""Kappa and alpha: published values, and what they must do whatever the ratings."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from promptlab.stats.agreement import Metric, cohen_kappa, krippendorff_alpha

# Krippendorff's example of four coders and twelve units.
FOUR = """\
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""


def four() -> np.ndarray:
    rows = [line.split() for line in FOUR.splitlines()]
    return np.array([[np.nan if cell == "." else float(cell) for cell in row] for row in rows])


def test_kappa_of_a_table() -> None:
    found = cohen_kappa([[20, 5], [10, 15]])
    assert found.value == pytest.approx(0.4)
    assert found.ci is not None
    assert [*found.ci] == pytest.approx([0.1511, 0.6489], abs=1e-3)


def test_kappa_is_not_known_where_all_say_the_same() -> None:
    assert cohen_kappa([[30, 0], [0, 0]]).value is None
    assert cohen_kappa([[0, 0], [0, 0]]).value is None
    assert cohen_kappa([[10, 0], [0, 10]]).value == 1
    with pytest.raises(ValueError, match="as many rows as columns"):
        cohen_kappa([[1, 2]])


@pytest.mark.parametrize(
    ("metric", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_of_four_coders(metric: Metric, value: float) -> None:
    found = krippendorff_alpha(four(), metric)
    assert found.value == pytest.approx(value, abs=6e-4)
    assert found.ci is not None
    assert found.ci[0] < value < found.ci[1] <= 1


def test_alpha_needs_two_ratings_that_can_differ() -> None:
    assert krippendorff_alpha([[1.0, 2.0, 3.0], [np.nan, np.nan, np.nan]]).value is None
    assert krippendorff_alpha([[1, 1, 1], [1, 1, 1]]).value is None
    assert krippendorff_alpha([[1, 2, 3], [1, 2, 3]]).value == 1


def test_alpha_of_numbers_is_that_of_all_pairs() -> None:
    chance = np.random.default_rng(4)  # noqa: TID251 - seeded
    table = chance.normal(1e4, 1, (3, 40))
    table[chance.random(table.shape) < 0.3] = np.nan
    units = [unit[~np.isnan(unit)] for unit in table.T]
    units = [unit for unit in units if unit.size >= 2]
    every = np.concatenate(units)
    within = sum(((u[:, None] - u) ** 2).sum() / (u.size - 1) for u in units)
    expected = 1 - (every.size - 1) * within / ((every[:, None] - every) ** 2).sum()
    assert krippendorff_alpha(table, "interval").value == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
def test_alpha_of_many_distinct_numbers_needs_little_memory() -> None:
    chance = np.random.default_rng(5)  # noqa: TID251 - seeded
    said = chance.normal(size=1_000)
    found = krippendorff_alpha([said, said + 0.1 * chance.normal(size=1_000)], "interval")
    assert found.value == pytest.approx(0.995, abs=0.002)
    assert found.ci is not None
    assert found.ci[0] < 0.995 < found.ci[1]


def test_numbers_that_never_differ_have_no_alpha() -> None:
    assert krippendorff_alpha([[0.1] * 3, [0.1] * 3], "interval").value is None
    assert krippendorff_alpha([[0.1, np.nan], [np.nan, 0.2]], "interval").value is None
    assert krippendorff_alpha([[0.1, 0.3, 0.7]] * 3, "interval").value == 1


@pytest.mark.slow
def test_alpha_equals_truescore() -> None:
    oracle = pytest.importorskip("truescore")
    for metric in get_args(Metric):
        ours = krippendorff_alpha(four(), metric).value
        assert ours == pytest.approx(oracle.krippendorff_alpha(four(), level=metric))
