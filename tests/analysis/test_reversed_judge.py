"""The judge that turns the truth around: seen by its passport, and put right by labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.coverage.judged import FAIR, TURNS, drawn
from promptlab.analysis.correction import Scores, by_people
from promptlab.core.decision import Rule
from promptlab.stats.corrected import Checked, rogan_gladen

SEEDS, TRUTH = 1_000, 0.1


def draw(seed: int, **more: Any) -> Any:
    return drawn(np.random.default_rng([seed, 8]), TURNS, **more)  # noqa: TID251 - seeded


def scores_of(one: Any) -> Scores:
    (before, after), (people_a, people_b) = one.scores, one.people
    return Scores(before, after, people_a, people_b, one.groups, 1.0, verdicts=True)


def pooled(one: Any) -> float:
    """Return the difference by Rogan and Gladen's estimate, all labels taken together."""
    known = ~np.isnan(one.people)
    judged, people = one.scores[known], one.people[known]
    passes, failures = (
        Checked(int((judged[people == truth] == truth).sum()), int((people == truth).sum()))
        for truth in (1, 0)
    )
    shares = [rogan_gladen(int(arm.sum()), arm.size, passes, failures) for arm in one.scores]
    assert shares[0] is not None
    assert shares[1] is not None
    return shares[1][0] - shares[0][0]


def codes(one: Any) -> list[str]:
    return [finding.code for finding in one.passport.findings]


def test_one_such_judge() -> None:
    one = draw(3)
    raw = float((one.scores[1] - one.scores[0]).mean())
    assert raw == pytest.approx(-0.115, abs=0.04)
    assert pooled(one) < raw
    assert (one.passport.verdict, codes(one)) == ("refused", ["errs-unevenly"])
    found = by_people(scores_of(one), Rule())
    assert found is not None
    assert found.effect.delta == pytest.approx(TRUTH, abs=0.12)
    assert found.mean_b - found.mean_a == pytest.approx(found.effect.delta)
    assert found.labels == 100


@pytest.mark.slow
def test_a_judge_that_errs_evenly_is_not_accused() -> None:
    seeds = range(60)
    all_drawn = [drawn(np.random.default_rng([n, 9]), FAIR) for n in seeds]  # noqa: TID251
    assert sum("errs-unevenly" in codes(one) for one in all_drawn) <= 6


@pytest.mark.slow
def test_a_thousand_of_them() -> None:
    raw, wrong_way, covered, wrong_sign, seen = [], 0, 0, 0, 0
    for seed in range(SEEDS):
        one = draw(seed)
        raw.append(float((one.scores[1] - one.scores[0]).mean()))
        wrong_way += pooled(one) < raw[-1] < 0
        seen += "errs-unevenly" in codes(one)
        assert one.passport.verdict == "refused" or not one.passport.figures.equal
        found = by_people(scores_of(one), Rule())
        assert found is not None
        assert found.effect.ci is not None
        low, high = found.effect.ci
        covered += low <= TRUTH <= high
        wrong_sign += high < 0
    assert np.mean(raw) == pytest.approx(-0.115, abs=0.002)
    assert max(raw) < 0  # the raw judge says so every time
    assert wrong_way == SEEDS  # one correction for both makes it worse
    assert seen >= 0.93 * SEEDS
    assert 0.93 * SEEDS <= covered <= 0.97 * SEEDS
    assert wrong_sign <= 0.025 * SEEDS


@pytest.mark.slow
def test_equals_truescore() -> None:
    """Where both compute the same: the paired estimate and its standard error."""
    oracle = pytest.importorskip("truescore")
    for seed in range(20):
        one = draw(seed)
        chosen = np.flatnonzero(~np.isnan(one.people[0]))
        theirs = oracle.ppi_compare(
            one.scores[1], one.scores[0], one.people[1, chosen], one.people[0, chosen], chosen
        )
        found = by_people(scores_of(one), Rule())
        assert found is not None
        assert found.effect.delta == pytest.approx(theirs.difference)
        assert found.effect.se == pytest.approx((theirs.high - theirs.low) / 2 / 1.959964)
