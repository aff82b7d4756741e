"""Distinct values: as `np.unique` has them."""

from __future__ import annotations

import numpy as np
import pytest

from promptlab.stats.distinct import distinct

CHANCE = np.random.default_rng(7)  # noqa: TID251 - seeded


@pytest.mark.parametrize(
    "values",
    [
        np.array([], dtype=int),
        np.array([3]),
        np.array([2, -1, 2, 2, 0, -1]),
        CHANCE.integers(0, 40, 300),
        CHANCE.integers(0, 2**63, 300).astype(np.uint64) * np.uint64(2),
        np.array([0.5, 0.0, 0.5, -1.25]),
    ],
)
def test_the_values_are_those_of_numpy(values: np.ndarray) -> None:
    before = values.copy()
    found = distinct(values)
    assert found.tolist() == np.unique(values).tolist()
    assert found.dtype == values.dtype
    assert (values == before).all()
