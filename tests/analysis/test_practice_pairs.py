"""A practice that rests on one pair of arms is that pair: what `compare` says of it, in all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from promptlab.analysis.compare import Comparison, compare
from promptlab.analysis.contrast import Contrast
from promptlab.analysis.estimates import PracticeEffect
from promptlab.analysis.measurements import Measurements, join
from promptlab.analysis.practices import practice_effects
from promptlab.core.decision import Rule
from promptlab.core.measured import MeasuredArm
from tests.analysis.measured_runs import measured_arm, measured_run

RULE = Rule()


def drawn(arms: list[MeasuredArm], shares: list[float], cases: int = 90) -> Measurements:
    rng = np.random.default_rng(4)  # noqa: TID251 - seeded
    chance = rng.random(cases)
    rows = [[float(one < share) for one in chance] for share in shares]
    flips = rng.random((len(arms), cases)) < 0.1
    scores = np.abs(np.array(rows) - flips)
    return join([measured_run(scores.tolist(), arms=arms)])


def without_names(one: Contrast) -> dict[str, object]:
    return {k: value for k, value in one.parts().items() if k not in ("claim", "causes")}


def effects_of(table: Measurements, rule: Rule = RULE) -> tuple[PracticeEffect, ...]:
    return practice_effects(table, rule).effects


def row_of(table: Measurements, a: str, b: str, backend: str | None) -> Comparison:
    rows = compare(table, RULE, toward=frozenset({(a, b)}))
    return next(row for row in rows if (row.a, row.b, row.backend) == (a, b, backend))


@pytest.mark.parametrize("turned", [False, True])
def test_on_each_model_and_on_all(turned: bool) -> None:
    backends = ("m1", "m2", "m3")
    arms = [
        measured_arm(name, practices=("clear",) * (name == "b"), backend=backend)
        for backend in backends
        for name in ("ba" if turned else "ab")
    ]
    table = drawn(arms, [0.5, 0.65] * 3)
    effects = effects_of(table)
    assert [effect.scope for effect in effects] == [
        *("model",) * 3, "these models", "models in general",
    ]  # fmt: skip
    for effect in effects[:4]:
        row = row_of(table, "t@a", "t@b", effect.backend)
        assert effect.is_a_pair
        told = without_names(effect)
        assert told.pop("warnings")[: len(row.warnings)] == row.warnings  # type: ignore[index]
        assert told == {k: v for k, v in without_names(row).items() if k != "warnings"}
        assert effect.family is not None
        assert effect.family.size == 4  # three models and all together, as `compare` has it
        assert effect.claim.said("better") == "better (this wording)"


def test_an_ablation_is_pairs_of_the_whole_against_the_rest() -> None:
    names = ("role", "steps")
    arms = [measured_arm("v1", practices=names, off=off) for off in ((), ("role",), ("steps",))]
    table = drawn(arms, [0.7, 0.5, 0.6])
    for effect in effects_of(table):
        assert without_names(effect) == without_names(
            row_of(table, effect.without[0], effect.with_it[0], "small")
        )


def test_more_than_one_pair_of_arms_is_a_family_of_its_own() -> None:
    arms = [measured_arm("a"), *(measured_arm(n, practices=("clear",)) for n in "bc")]
    [effect] = effects_of(drawn(arms, [0.5, 0.6, 0.6]))
    assert not effect.is_a_pair
    assert effect.family is not None
    assert effect.family.size == 1


def test_a_pair_that_not_all_backends_ran_is_no_row_of_compare() -> None:
    arms = [
        measured_arm(name, practices=("clear",) * (name == "b"), backend=backend)
        for backend in ("m1", "m2")
        for name in "ab"
    ]
    other = [measured_arm("c", practices=("clear",), backend="m2")]
    *_, pooled, _ = effects_of(drawn([*arms, *other], [0.5, 0.65] * 2 + [0.6]))
    assert pooled.scope == "these models"
    assert not pooled.is_a_pair


def test_equivalence_on_all_models_needs_models_that_agree() -> None:
    arms = [
        measured_arm(name, practices=("clear",) * (name == "b"), backend=backend)
        for backend in ("m1", "m2")
        for name in "ab"
    ]
    rows = [[float(case % 10 < passed) for case in range(300)] for passed in (4, 6, 6, 4)]
    table = join([measured_run(rows, arms=arms)])
    rule = replace(RULE, min_effect=0.08)
    [pooled] = [row for row in compare(table, rule) if row.backend is None]
    assert pooled.verdict == "undecided"
    assert "+0 on average: +20 on m1, -20 elsewhere" in [note.text for note in pooled.warnings]
    assert pooled.ci_simultaneous is not None
    assert pooled.ci_simultaneous[1] >= 0.08
    effect = next(one for one in effects_of(table, rule) if one.scope == "these models")
    assert effect.verdict == pooled.verdict
    assert effect.warnings == pooled.warnings
