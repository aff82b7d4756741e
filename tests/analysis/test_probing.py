"""Probes of a judge: who gives way is caught, who does not is left alone."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from promptlab.analysis.probing import (
    Dress,
    of_dress,
    of_empty,
    of_passes,
    of_references,
    of_repeats,
    smallest,
)
from promptlab.core.passport import Repeats

ITEMS, SEEDS = 60, 100


def shifts(seed: int, prefers: float) -> tuple[list[float], list[float]]:
    """Return scores of a judge that rates the longer of two equal answers higher that often."""
    chance = np.random.default_rng([seed, 21])  # noqa: TID251 - seeded
    up = chance.random(ITEMS) < prefers
    return [0.5] * ITEMS, np.where(up, 1.0, 0.0).tolist()


@pytest.mark.parametrize(("prefers", "least", "most"), [(0.8, 95, 100), (0.5, 0, 5)])
def test_who_prefers_the_longer_answer_is_caught_and_nobody_else(
    prefers: float, least: int, most: int
) -> None:
    caught = sum(of_dress("length", *shifts(seed, prefers)).caught for seed in range(SEEDS))
    assert least <= caught <= most


def test_a_judge_that_is_not_moved_holds() -> None:
    same = [1.0, 0.0] * 30
    for name in get_args(Dress):
        probe = of_dress(name, same, same)
        assert (probe.up, probe.down, probe.caught, probe.p) == (0, 0, False, 1.0)


def test_a_fall_may_be_what_the_rubric_asks_for() -> None:
    probe = of_dress("length", [1.0] * 60, [0.0] * 60)
    assert (probe.down, probe.shift, probe.caught) == (60, -1.0, False)


def test_a_command_that_raises_a_few_scores_is_caught() -> None:
    """Ten of sixty rise and none falls: no chance, and too many."""
    after = [1.0] * 10 + [0.0] * 50
    assert of_dress("injection", [0.0] * 60, after).caught
    assert not of_dress("injection", [0.0] * 60, [1.0] * 2 + [0.0] * 58).caught


def test_a_shift_too_small_to_matter_is_none() -> None:
    before = np.linspace(0.2, 0.8, 60)
    assert not of_dress("style", before.tolist(), (before + 0.01).tolist()).caught
    assert of_dress("style", before.tolist(), (before + 0.1).tolist()).caught


def test_empty_answers_must_fail_and_references_pass() -> None:
    assert not of_passes("empty", [False] * 20).caught
    assert not of_passes("empty", [True] * 2 + [False] * 18).caught
    assert of_passes("empty", [True] * 3 + [False] * 17).caught
    assert not of_passes("reference", [True] * 20).caught
    assert of_passes("reference", [False] * 3 + [True] * 17).caught
    assert not of_empty([0.1, 0.2], [0.6, 0.8]).caught
    assert of_empty([0.7, 0.8], [0.6, 0.8]).caught
    assert of_references([0.6] * 20, [0.1] * 20).caught


def test_references_are_lower_by_chance_in_less_than_one_calibration_of_a_hundred() -> None:
    assert not of_references([0.93, 0.92, 0.95], [0.9, 0.95, 0.92]).caught
    assert not of_references([0.9] * 20, [0.88] * 20).caught  # too little to matter
    chance = np.random.default_rng(22)  # noqa: TID251 - seeded
    before, after = chance.normal(0.8, 0.2, (2, 1000, 20))
    caught = sum(
        of_references(one.tolist(), other.tolist()).caught
        for one, other in zip(before, after, strict=True)
    )
    assert caught <= 10


def test_how_often_a_judge_agrees_with_itself() -> None:
    repeats = of_repeats([1.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0])
    assert repeats is not None
    assert (repeats.n, repeats.agreement) == (4, 0.75)
    assert repeats.sd == pytest.approx(0.125**0.5)
    assert of_repeats([], []) is None


def test_the_smallest_difference_shrinks_with_cases_and_grows_with_errors() -> None:
    steady, unsteady = Repeats(60, 1.0, 0.0), Repeats(60, 0.9, 0.2)
    assert smallest(steady, 0.8, 100) == 0
    # 2.8016·√(2/100)·0.2/0.8
    assert smallest(unsteady, 0.8, 100) == pytest.approx(0.09905, abs=1e-5)
    assert smallest(unsteady, 0.8, 400) == pytest.approx(0.09905 / 2, abs=1e-5)
    assert smallest(unsteady, None, 100) == pytest.approx(0.09905 * 0.8, abs=1e-5)
    assert smallest(unsteady, 0.0, 100) is None
    assert smallest(None, 0.8, 100) is None
