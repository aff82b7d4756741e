"""From models that ran to models in general: those at the ceiling, and one model twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from promptlab.analysis.estimates import PracticeEffect
from promptlab.analysis.inference import RATES, infer
from promptlab.analysis.measurements import join
from promptlab.analysis.practices import practice_effects
from promptlab.core.decision import Rule
from promptlab.core.measured import MeasuredArm
from promptlab.core.messages import Json
from promptlab.stats.meta import random_effects
from tests.analysis.measured_runs import Cell, measured_arm, measured_run, run_info, texts

CASES = 60


def both(backend: str) -> list[MeasuredArm]:
    return [
        measured_arm("a", backend=backend),
        measured_arm("b", practices=("clear",), backend=backend),
    ]


def on(
    wins: Sequence[int], facts: Mapping[str, Json] | None = None, losses: int = 0
) -> PracticeEffect:
    """Return the effect in general, of a practice that wins so many cases on each model."""
    arms: list[MeasuredArm] = []
    rows: list[Sequence[Cell]] = []
    for place, won in enumerate(wins):
        arms += both(f"m{place}")
        rows.append([0.0] * won + [1.0] * (CASES - won))
        rows.append([1.0] * (CASES - losses) + [0.0] * losses)
    run = measured_run(rows, arms=arms)
    run = replace(run, info=run_info(len(run.rows), facts=facts))
    return next(
        effect
        for effect in practice_effects(join([run]), Rule()).effects
        if effect.scope == "models in general"
    )


@pytest.mark.parametrize(("wins", "error"), [(0, 0.022996102), (3, 0.035828336)])
def test_the_error_of_a_model_at_the_ceiling(wins: int, error: float) -> None:
    d = np.array([1.0] * wins + [0.0] * (CASES - wins))
    assert infer(d, np.arange(CASES), RATES, seed=None).se == pytest.approx(error)


def test_reference_of_models_in_general() -> None:
    among = random_effects(
        [0.1, 0.08, 0.13, 0.05, 0.0, 0.0], [0.04, 0.035, 0.045, 0.03, 0.022996102, 0.022996102]
    )
    assert (among.q, among.tau2, among.mean, among.se) == pytest.approx(
        (13.62267, 0.0015939653, 0.050565995, 0.021374868)
    )
    assert (among.low, among.high) == pytest.approx((-0.0043798518, 0.10551184))
    assert among.p == pytest.approx(0.064296638)


def test_a_model_at_the_ceiling_keeps_its_place() -> None:
    effect = on([12, 12, 12, 12, 12, 0, 0, 0])
    assert effect.general is not None
    assert (effect.general.models, effect.models) == (8, 8)
    assert effect.delta is not None
    assert effect.delta < 0.15  # with the three, not 0.2 without them


def test_one_model_under_several_names_is_one() -> None:
    facts: dict[str, Json] = {
        f"m{place}": {"kind": "echo", "model": "two" if place == 5 else "one"} for place in range(6)
    }
    effect = on([20] * 6, facts)
    assert (effect.verdict, effect.models) == ("refused", 2)
    assert texts(effect.reasons) == ("6 backends, 2 models: at least 5 models are needed",)


def test_backends_of_one_model_are_averaged() -> None:
    facts: dict[str, Json] = {
        f"m{place}": {"kind": "echo", "model": str(min(place, 4))} for place in range(7)
    }
    effect = on([6, 12, 18, 24, 9, 12, 15], facts)
    assert effect.general is not None
    assert effect.general.models == 5
    assert effect.general.fixed < np.mean([6, 12, 18, 24, 12]) / CASES


def test_a_model_without_shared_cases_refuses_by_name() -> None:
    half: list[Cell] = [0.0, 1.0] * 20
    none: list[Cell] = ["-"] * 40
    arms = [arm for place in range(5) for arm in both(f"m{place}")]
    rows = [
        [*none, *half] if (arm.arm.version, arm.arm.backend) == ("b", "m3") else [*half, *none]
        for arm in arms
    ]
    run = measured_run(rows, arms=arms)
    effect = practice_effects(join([run]), Rule()).effects[-1]
    assert effect.verdict == "refused"
    assert "the effect on m3 is not known" in texts(effect.reasons)


def test_it_is_never_surer_than_for_these_models() -> None:
    effect = on([12] * 6)
    pooled = 12 / CASES
    assert effect.delta == pytest.approx(pooled)
    d = np.array([1.0] * 12 + [0.0] * (CASES - 12))
    least = infer(d, np.arange(CASES), RATES, seed=None).se
    assert effect.effect.se is not None
    assert least is not None
    assert effect.effect.se >= least * 0.99
