"""Wordings as a sample: a practice is shown only where texts like these would show it too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from promptlab.analysis.estimates import PracticeEffect
from promptlab.analysis.measurements import join
from promptlab.analysis.practices import practice_effects
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.measured import MeasuredArm
from promptlab.stats.paired import paired_t
from tests.analysis.measured_runs import measured_arm, measured_run
from tests.stats.test_wordings import ALIKE, MIXED, table


def effect_of(
    with_it: Sequence[Sequence[float]], without: Sequence[Sequence[float]], **run: object
) -> PracticeEffect:
    arms: list[MeasuredArm] = [
        *(measured_arm(f"w{place}", practices=("clear",)) for place in range(len(with_it))),
        *(measured_arm(f"o{place}") for place in range(len(without))),
    ]
    scores = [[float(score) for score in row] for row in (*with_it, *without)]
    measured = measured_run(scores, arms=arms, **run)  # type: ignore[arg-type]
    [effect] = practice_effects(join([measured]), Rule()).effects
    return effect


def passing(share: float, shift: int, cases: int = 150) -> list[float]:
    return [float((case * 53 + 17 * shift) % cases < share * cases) for case in range(cases)]


def of(*shares: float) -> list[list[float]]:
    return [passing(share, place) for place, share in enumerate(shares)]


@pytest.mark.parametrize(
    ("sides", "p", "ci"),
    [
        (MIXED, 0.10770997, (-0.11685892, 0.55019225)),
        (ALIKE, 8.5768759e-05, (0.25341314, 0.57992019)),
    ],
)
def test_reference(sides: Sequence[Sequence[str]], p: float, ci: tuple[float, float]) -> None:
    with_it, without = (table(rows).tolist() for rows in sides)
    effect = effect_of(with_it, without)
    assert effect.effect.method.endswith("+wordings")
    assert effect.effect.p == pytest.approx(p, rel=1e-3, abs=2e-4)  # signs may be the stricter
    assert effect.ci == pytest.approx(ci)
    assert effect.claim.to_json()["wordings"] == "random"


def test_one_good_wording_of_four_shows_no_practice() -> None:
    effect = effect_of(of(0.88, 0.56, 0.53, 0.50), of(0.57, 0.52, 0.49, 0.44))
    assert effect.delta == pytest.approx(0.1133, abs=1e-4)
    assert effect.verdict == "undecided"
    assert effect.effect.p == pytest.approx(0.2885, abs=1e-3)
    assert effect.cases_needed is None
    assert Code.WORDINGS_DIFFER in [note.code for note in effect.warnings]


def test_wordings_that_agree_show_it() -> None:
    effect = effect_of(of(0.70, 0.69, 0.70, 0.71), of(0.50, 0.51, 0.49, 0.50))
    assert (effect.verdict, effect.claim.said("better")) == ("better", "better")
    assert Code.WORDINGS_DIFFER not in [note.code for note in effect.warnings]


def test_with_two_on_a_side_the_verdict_is_on_these() -> None:
    effect = effect_of(of(0.70, 0.69), of(0.50, 0.51, 0.49, 0.50))
    assert (effect.verdict, effect.claim.wordings) == ("better", "named")
    assert effect.effect.method == "paired-t"


@pytest.mark.slow
def test_it_is_never_surer_than_with_cases_alone() -> None:
    rng = np.random.default_rng(8)  # noqa: TID251 - seeded
    for _ in range(20):
        scores = (rng.random((6, 40)) < rng.uniform(0.3, 0.7, (6, 1))).astype(float)
        effect = effect_of(scores[:3].tolist(), scores[3:].tolist())
        alone = paired_t(scores[:3].mean(axis=0) - scores[3:].mean(axis=0))
        assert effect.ci is not None
        assert alone.low is not None
        assert alone.high is not None
        assert effect.ci[0] <= alone.low + 1e-9
        assert effect.ci[1] >= alone.high - 1e-9


def test_swapping_sides_turns_signs() -> None:
    sides = [of(0.8, 0.6, 0.5), of(0.5, 0.45, 0.6, 0.4)]
    one, other = effect_of(*sides), effect_of(*sides[::-1])
    assert one.ci is not None
    assert other.ci == pytest.approx((-one.ci[1], -one.ci[0]))
    assert one.effect.p == pytest.approx(other.effect.p)
    assert one.effect.inference is not None
    assert other.effect.inference is not None
    assert one.effect.inference.at_least(0.05) == pytest.approx(
        other.effect.inference.at_most(-0.05)
    )


def test_cases_in_groups_keep_their_own_error() -> None:
    groups = [f"g{place // 15}" for place in range(150)]
    sides = [of(0.70, 0.69, 0.70), of(0.50, 0.51, 0.49)]
    effect = effect_of(*sides, groups=groups)
    assert effect.effect.method.startswith("cr2")
    assert effect.effect.method.endswith("+wordings")
    assert effect.effect.n_groups == 10
