"""What each practice does, estimated from designs and versions, on each model and on all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from promptlab.analysis.estimates import PracticeEffect
from promptlab.analysis.measurements import join
from promptlab.analysis.practices import Practices, practice_effects
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.measured import MeasuredArm, MeasuredRun
from promptlab.core.types import Sampling
from promptlab.experiments.designs import alias_groups, arms_off
from promptlab.stats.multiplicity import holm
from promptlab.stats.paired import paired_t
from tests.analysis.measured_runs import Cell, measured_arm, measured_run, texts

SEVEN = ("role", "context", "steps", "format", "example", "brevity", "check")


def design_arms(
    design: str, practices: tuple[str, ...], *, version: str = "v1", backend: str = "small"
) -> list[MeasuredArm]:
    return [
        measured_arm(version, practices=practices, off=off, backend=backend)
        for off in arms_off(design, practices, "t.j2")
    ]


def simulated(
    arms: Sequence[MeasuredArm], effects: Mapping[str, float], *, cases: int = 80, seed: int = 1
) -> MeasuredRun:
    """Draw scores that are sums: of the case, of the practices that an arm follows, of noise.

    They have no bounds: no largest difference makes them cautious.
    """
    rng = np.random.default_rng(seed)  # noqa: TID251 - seeded
    base = rng.uniform(1.35, 1.45, cases)
    scores: list[list[Cell]] = []
    for measured in arms:
        shift = sum(effects.get(name, 0.0) for name in measured.arm.practices)
        scores.append(list(base + shift + rng.normal(0, 0.03, cases)))
    return measured_run(scores, arms=arms)


def practices_of(run: MeasuredRun, rule: Rule | None = None) -> Practices:
    return practice_effects(join([run]), rule or Rule())


def by_name(practices: Practices) -> dict[str, PracticeEffect]:
    return {effect.practice: effect for effect in practices.effects}


# Designs.


def test_an_ablation_sets_the_whole_template_against_the_one_without() -> None:
    arms = design_arms("ablation", ("role", "steps"))
    rows: list[list[Cell]] = [[0.8] * 20, [0.5] * 20, [0.7] * 20]
    effects = by_name(practices_of(measured_run(rows, arms=arms)))
    assert list(effects) == ["role", "steps"]
    role = effects["role"]
    assert role.delta == pytest.approx(0.3)
    assert (role.source, role.wordings, role.scope, role.backend) == (
        "ablation", 1, "model", "small",
    )  # fmt: skip
    assert (role.with_it, role.without) == (("t@v1",), ("t@v1 -role",))
    assert (role.mean_a, role.mean_b) == pytest.approx((0.5, 0.8))
    assert effects["steps"].delta == pytest.approx(0.1)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_full_factorial_has_the_mean_with_minus_the_mean_without(count: int) -> None:
    names = SEVEN[:count]
    arms = design_arms("factorial", names)
    rng = np.random.default_rng(3)  # noqa: TID251 - seeded
    scores = rng.random((len(arms), 30))
    practices = practices_of(measured_run(scores.tolist(), arms=arms))
    assert practices.aliases == ()
    for name, effect in by_name(practices).items():
        on = np.array([name not in arm.arm.off for arm in arms])
        assert effect.source == "factorial"
        assert (len(effect.with_it), len(effect.without)) == (len(arms) // 2,) * 2
        assert effect.delta == pytest.approx(scores[on].mean() - scores[~on].mean())


def test_effects_that_add_up_are_recovered_from_a_fraction() -> None:
    truth = dict(zip(SEVEN, (0.2, -0.1, 0.05, 0.0, 0.1, -0.05, 0.0), strict=True))
    run = simulated(design_arms("factorial", SEVEN), truth)
    practices = practices_of(run, Rule(min_effect=0.02))
    assert [effect.practice for effect in practices.effects] == list(SEVEN)
    for effect in practices.effects:
        assert effect.delta == pytest.approx(truth[effect.practice], abs=0.006)
        assert effect.ci is not None
        assert effect.ci[0] - 0.002 < truth[effect.practice] < effect.ci[1] + 0.002
        verdicts = {True: "better", False: "worse"}
        expected = verdicts[truth[effect.practice] > 0] if truth[effect.practice] else "equivalent"
        assert effect.verdict == expected


def test_effects_that_add_up_are_recovered_from_an_ablation() -> None:
    truth = {"role": 0.2, "context": -0.1, "steps": 0.0}
    effects = by_name(practices_of(simulated(design_arms("ablation", SEVEN[:3]), truth)))
    assert {name: effect.verdict for name, effect in effects.items()} == {
        "role": "better", "context": "worse", "steps": "undecided",
    }  # fmt: skip
    for name, effect in effects.items():
        assert effect.delta == pytest.approx(truth[name], abs=0.02)


@pytest.mark.parametrize("count", [6, 7])
def test_a_fraction_lists_which_joint_effects_it_confounds(count: int) -> None:
    names = SEVEN[:count]
    practices = practices_of(simulated(design_arms("factorial", names), {}))
    assert list(practices.aliases) == alias_groups(arms_off("factorial", names, "t.j2"))
    assert len(practices.aliases) == 7


def test_five_practices_confound_no_pairs() -> None:
    assert practices_of(simulated(design_arms("factorial", SEVEN[:5]), {})).aliases == ()


def test_a_design_on_two_backends_is_reported_once() -> None:
    arms = [
        *design_arms("factorial", SEVEN),
        *design_arms("factorial", SEVEN, backend="large"),
    ]
    assert len(practices_of(simulated(arms, {}, cases=20)).aliases) == 7


@pytest.mark.slow
def test_all_combinations_of_six_practices_confound_nothing() -> None:
    names = SEVEN[:6]
    arms = [
        measured_arm("v1", practices=names, off=off)
        for size in range(7)
        for off in combinations(names, size)
    ]
    practices = practices_of(simulated(arms, {"role": 0.1}, cases=20))
    assert practices.aliases == ()
    assert by_name(practices)["role"].source == "factorial"


def test_what_is_left_of_a_factorial_is_read_as_an_ablation() -> None:
    arms = design_arms("factorial", ("role", "steps"))[:-1]  # without the arm that has neither
    effects = by_name(practices_of(simulated(arms, {"role": 0.2})))
    assert {effect.source for effect in effects.values()} == {"ablation"}


def test_templates_of_one_design_are_wordings_of_its_practices() -> None:
    names = ("role", "steps")
    arms = [*design_arms("factorial", names), *design_arms("factorial", names, version="v2")]
    effect = by_name(practices_of(simulated(arms, {"role": 0.1})))["role"]
    assert (effect.wordings, len(effect.with_it)) == (2, 4)
    assert effect.delta == pytest.approx(0.1, abs=0.02)


def test_of_two_designs_the_first_kind_counts() -> None:
    arms = [
        *design_arms("factorial", ("role", "steps")),
        *design_arms("ablation", ("role", "steps", "format"), version="v2"),
    ]
    effects = by_name(practices_of(simulated(arms, {})))
    shown = {name: (effect.source, effect.wordings) for name, effect in effects.items()}
    assert shown == {
        "role": ("factorial", 1), "steps": ("factorial", 1), "format": ("ablation", 1),
    }  # fmt: skip


# Versions.


def test_versions_that_differ_in_one_practice_show_it() -> None:
    arms = [
        measured_arm("v1"),
        measured_arm("v2", practices=("role",)),
        measured_arm("v3", practices=("role", "steps")),
    ]
    effects = by_name(practices_of(simulated(arms, {"role": 0.1, "steps": -0.1})))
    assert {name: (effect.with_it, effect.without) for name, effect in effects.items()} == {
        "role": (("t@v2",), ("t@v1",)),
        "steps": (("t@v3",), ("t@v2",)),
    }
    assert {effect.source for effect in effects.values()} == {"versions"}
    assert (effects["role"].verdict, effects["steps"].verdict) == ("better", "worse")


def test_several_versions_with_a_practice_are_wordings_of_it() -> None:
    arms = [
        measured_arm("v1"),
        measured_arm("v2", practices=("role",)),
        measured_arm("v3", practices=("role",)),
    ]
    rows: list[list[Cell]] = [[0.2] * 20, [0.4] * 20, [0.8] * 20]
    effect = by_name(practices_of(measured_run(rows, arms=arms)))["role"]
    assert effect.delta == pytest.approx(0.4)
    assert (effect.wordings, effect.with_it, effect.without) == (2, ("t@v2", "t@v3"), ("t@v1",))


def test_a_design_goes_before_versions() -> None:
    arms = [measured_arm("v0"), *design_arms("ablation", ("role",))]
    effect = by_name(practices_of(simulated(arms, {})))["role"]
    assert (effect.source, effect.with_it, effect.without) == (
        "ablation",
        ("t@v1",),
        ("t@v1 -role",),
    )


def test_versions_of_other_templates_or_with_more_differences_show_nothing() -> None:
    other = measured_arm("v2", practices=("role",))
    other = replace(other, arm=replace(other.arm, template="other"))
    arms = [measured_arm("v1"), other, measured_arm("v3", practices=("steps", "format"))]
    with pytest.raises(PromptlabError) as caught:
        practices_of(simulated(arms, {}))
    assert str(caught.value) == (
        "no two arms differ in just one practice "
        "(run `design: ablation`, or versions that name their practices)"
    )


def test_arms_with_other_sampling_are_another_design() -> None:
    arms = design_arms("ablation", ("role",))
    hot = replace(arms[1].arm, sampling=Sampling(temperature=0.7))
    arms = [arms[0], replace(arms[1], arm=hot)]
    with pytest.raises(PromptlabError, match="no two arms differ"):
        practices_of(simulated(arms, {}))


# Models.

PUBLISHED = (  # estimates and standard errors
    (0, 0.010), (0.012, 0.011), (0.030, 0.010), (0.080, 0.013), (0.047, 0.011), (0.054, 0.013),
)  # fmt: skip


def on_models(estimates: Sequence[tuple[float, float]]) -> MeasuredRun:
    """Return an ablation on models where the effect has just these means and standard errors."""
    arms: list[MeasuredArm] = []
    rows: list[list[Cell]] = []
    for number, (mean, error) in enumerate(estimates):
        arms += design_arms("ablation", ("role",), backend=f"m{number}")
        spread = error * 15**0.5
        rows.append([1.4 + mean + spread * (-1) ** (at // 4) for at in range(16)])
        rows.append([1.4] * 16)
    return measured_run(rows, arms=arms)


def scopes(run: MeasuredRun) -> list[tuple[str, str | None, str]]:
    return [(effect.scope, effect.backend, effect.verdict) for effect in practices_of(run).effects]


def test_one_model_is_that_model_alone() -> None:
    assert [scope for scope, *_ in scopes(on_models(PUBLISHED[:1]))] == ["model"]


def test_models_in_general_are_refused_under_five() -> None:
    *single, together, general = practices_of(on_models(PUBLISHED[:4])).effects
    assert [effect.backend for effect in single] == ["m0", "m1", "m2", "m3"]
    assert (together.scope, together.backend) == ("these models", None)
    assert together.delta == pytest.approx(np.mean([mean for mean, _ in PUBLISHED[:4]]))
    assert (general.scope, general.verdict, general.general) == (
        "models in general", "refused", None,
    )  # fmt: skip
    assert texts(general.reasons) == ("4 models tell nothing of others: at least 5",)
    assert (general.ci, general.effect.p, general.cases_needed) == (None, None, None)


def test_from_five_models_on_they_are_a_sample() -> None:
    *single, _, general = practices_of(on_models(PUBLISHED)).effects
    assert [(effect.delta, effect.effect.se) for effect in single] == [
        pytest.approx(pair) for pair in PUBLISHED
    ]
    assert general.general is not None
    assert general.general.fixed == pytest.approx(0.03268, abs=5e-6)
    assert (general.general.q, general.general.i2) == pytest.approx((31.92, 0.8434), rel=2e-4)
    assert general.general.tau2 == pytest.approx(0.000674, abs=5e-7)
    assert general.general.mean == pytest.approx(0.03639, abs=5e-6)
    # All models weigh alike, however well each is measured.
    alike = paired_t([mean for mean, _ in PUBLISHED])
    assert general.delta == pytest.approx(alike.mean)
    assert general.ci == pytest.approx((alike.low, alike.high))
    assert general.effect.method == "random-effects"
    assert general.effect.p == pytest.approx(alike.p)
    assert general.verdict == "better"


def test_a_practice_may_help_these_models_and_not_be_shown_for_others() -> None:
    effects = [(0.1, 0.002), (-0.06, 0.002), (0.09, 0.002), (-0.02, 0.002), (0.05, 0.002)]
    *_, together, general = practices_of(on_models(effects)).effects
    assert together.verdict == "better"
    assert general.verdict == "undecided"
    assert general.ci is not None
    assert general.ci[0] < 0 < general.ci[1]


# The correction.


def test_p_values_are_corrected_in_the_block_that_is_shown_and_in_the_family() -> None:
    names = ("role", "context", "steps")
    arms = [
        *design_arms("factorial", names, backend="small"),
        *design_arms("factorial", names, backend="large"),
    ]
    practices = practices_of(simulated(arms, {"role": 0.012, "context": 0.008}))
    scopes: dict[str, list[PracticeEffect]] = {}
    blocks: dict[tuple[str, str | None], list[PracticeEffect]] = {}
    for effect in practices.effects:
        scopes.setdefault(effect.scope, []).append(effect)
        blocks.setdefault((effect.scope, effect.backend), []).append(effect)
    assert {scope: len(rows) for scope, rows in scopes.items()} == {
        "model": 6, "these models": 3, "models in general": 3,
    }  # fmt: skip
    for scope, rows in scopes.items():
        assert {row.family and row.family.size for row in rows} == {len(rows)}
        if scope != "models in general":
            raw = [row.p or 0 for row in rows]
            assert [row.p_family for row in rows] == pytest.approx(list(holm(raw)))
    for (scope, _), rows in blocks.items():
        assert [row.practice for row in rows] == list(names)
        if scope != "models in general":
            raw = [row.p or 0 for row in rows]
            assert [row.p_adjusted for row in rows] == pytest.approx(list(holm(raw)))


def test_too_little_data_is_refused_for_practices_too() -> None:
    arms = design_arms("ablation", ("role",))
    effect = by_name(practices_of(simulated(arms, {"role": 0.2}, cases=10)))["role"]
    assert (effect.verdict, texts(effect.reasons)) == (
        "refused",
        ("10 cases are too few: at least 15",),
    )


def test_models_weigh_alike_however_many_wordings_they_ran() -> None:
    arms = [
        measured_arm("v1", backend="m1"),
        measured_arm("va", practices=("clear",), backend="m1"),
    ]
    arms += [measured_arm("v1", backend="m2")]
    arms += [measured_arm(name, practices=("clear",), backend="m2") for name in ("va", "vb", "vc")]
    means = (16, 0, 0, 8, 8, 8)  # of 40 cases passed
    scores = [[float(case < passed) for case in range(40)] for passed in means]
    effects = practices_of(measured_run(scores, arms=arms)).effects
    by_scope = {(effect.scope, effect.backend): effect.delta for effect in effects}
    assert by_scope["model", "m1"] == pytest.approx(-0.4)
    assert by_scope["model", "m2"] == pytest.approx(0.2)
    assert by_scope["these models", None] == pytest.approx(-0.1)
