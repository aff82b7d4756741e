"""Means corrected by labels: what they must equal, and when they are not known."""

from __future__ import annotations

import numpy as np
import pytest

from promptlab.stats.clusters import cluster_mean
from promptlab.stats.corrected import Checked, prediction_powered, rogan_gladen
from promptlab.stats.paired import paired_t


def drawn(seed: int = 1, n: int = 60, others: int = 500) -> tuple[np.ndarray, ...]:
    chance = np.random.default_rng(seed)  # noqa: TID251 - seeded
    y = chance.normal(size=n)
    return y, y + chance.normal(size=n) / 2, chance.normal(size=others)


def test_without_a_judge_it_is_the_mean_of_the_labels() -> None:
    y, f, _ = drawn()
    found, alone = prediction_powered(y, f, []), paired_t(y)
    assert found is not None
    assert found.weight == 0
    assert [found.mean, found.se] == pytest.approx([alone.mean, alone.se])
    assert [*found.interval(0.95)] == pytest.approx([alone.low, alone.high])
    assert found.two_sided() == pytest.approx(alone.p)


def test_a_judge_who_contradicts_people_does_not_count() -> None:
    y, f, rest = drawn()
    against, alone = prediction_powered(y, -f, rest), prediction_powered(y, f, [])
    assert against is not None
    assert alone is not None
    assert (against.weight, against.mean) == (0, alone.mean)


def test_a_judge_who_is_always_right_makes_labels_of_all() -> None:
    y, _, rest = drawn(n=600, others=5_400)
    found, every = prediction_powered(y, y, rest), paired_t(np.concatenate([y, rest]))
    assert found is not None
    assert found.weight == pytest.approx(0.9, rel=0.1)
    assert found.mean == pytest.approx(every.mean, abs=0.01)
    assert found.se == pytest.approx(every.se, rel=0.03)


def test_groups_that_have_cases_in_both_parts_count_as_one() -> None:
    """Where the judge is perfect, that is the mean over all cases in their groups."""
    y, _, rest = drawn(n=600, others=2_400)
    shared = np.random.default_rng(3).normal(size=30)  # noqa: TID251 - seeded
    inside, outside = np.arange(600) % 30, np.arange(2_400) % 30
    values = y + 2 * shared[inside], rest + 2 * shared[outside]
    found = prediction_powered(values[0], values[0], values[1], inside, outside)
    apart = prediction_powered(values[0], values[0], values[1], inside, 100 + outside)
    every = cluster_mean(np.concatenate(values), np.concatenate([inside, outside]))
    assert found is not None
    assert apart is not None
    assert every.se is not None
    assert found.se == pytest.approx(every.se, rel=0.05)
    assert apart.se < 0.9 * found.se


def test_what_does_not_vary_is_not_known() -> None:
    assert prediction_powered([1.0], [1.0], [0.0, 1.0]) is None
    assert prediction_powered([1.0, 1.0], [0.0, 0.0], []) is None
    with pytest.raises(ValueError, match="labels of shape"):
        prediction_powered([1.0], [1.0, 0.0], [])
    with pytest.raises(ValueError, match="not known"):
        prediction_powered([1.0, np.nan], [1.0, 0.0], [])


def test_rogan_gladen() -> None:
    found = rogan_gladen(400, 1000, Checked(180, 200), Checked(140, 200))
    assert found is not None
    share, interval = found
    assert share == pytest.approx(1 / 6)
    assert [*interval] == pytest.approx([0.0564, 0.2627], abs=6e-3)
    assert rogan_gladen(400, 1000, Checked(100, 200), Checked(100, 200)) is None
    assert rogan_gladen(0, 0, Checked(1, 1), Checked(1, 1)) is None
    perfect = rogan_gladen(400, 1000, Checked(200, 200), Checked(200, 200))
    assert perfect is not None
    assert perfect[0] == pytest.approx(0.4)
