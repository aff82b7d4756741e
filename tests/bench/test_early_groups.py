"""Documents of unequal size as the simulation draws them: what is true, and what rules say."""

from __future__ import annotations

import numpy as np
import pytest

from bench.coverage.early import conclude, stopped
from bench.coverage.early_groups import ONE_EIGHT, ONE_TWELVE, TO_EIGHT, Sizes, before, documents

ALIKE = Sizes("size 4", (4,), (1.0,))


@pytest.mark.parametrize("kind", [ONE_TWELVE, ONE_EIGHT, TO_EIGHT])
@pytest.mark.parametrize("truth", [0.0, 0.1])
def test_an_effect_that_falls_with_the_size_has_its_mean_over_cases(
    kind: Sizes, truth: float
) -> None:
    effects = kind.effects(truth, 0.3)
    sizes, shares = np.array(kind.sizes), np.array(kind.shares)
    assert shares @ (sizes * effects) / (shares @ sizes) == pytest.approx(truth)
    assert shares @ effects > truth + 0.05  # documents gain
    assert np.all(np.diff(effects) < 0)


def test_what_is_drawn_has_these_means() -> None:
    rng = np.random.default_rng(4)  # noqa: TID251 - seeded
    drawn = documents(rng, ONE_EIGHT, 20_000, (0.0, 0.1))
    assert drawn.scores.mean(axis=(1, 2)) == pytest.approx([0.5, 0.5, 0.6], abs=0.02)


def test_the_rule_of_before_decides_for_documents_and_todays_for_cases() -> None:
    rng = np.random.default_rng(5)  # noqa: TID251 - seeded
    families = [documents(rng, ONE_TWELVE, 150, (-0.05,)) for _ in range(8)]
    assert sum(before(drawn).false for drawn in families) >= 6  # better, though worse by its cases
    assert not any(conclude(drawn).false for drawn in families)


def test_without_sizes_both_rules_find_the_same() -> None:
    rng = np.random.default_rng(6)  # noqa: TID251 - seeded
    for _ in range(5):
        drawn = documents(rng, ALIKE, 60, (0.3,), most=0.0)
        assert [one.verdict for one in before(drawn).rows] == ["better"]
        assert [one.verdict for one in conclude(drawn).rows] == ["better"]


def test_a_run_stops_live_where_it_stops_in_the_store() -> None:
    rng = np.random.default_rng(7)  # noqa: TID251 - seeded
    drawn = documents(rng, ALIKE, 60, (0.4,), most=0.0)
    asked = ~np.isnan(stopped(drawn)).any(axis=(0, 2))
    assert 60 <= asked.sum() < 240
    [row] = conclude(drawn).rows
    assert row.verdict == "better"
